//! FreeMarker's settings, by their names.

use ftl::{Engine, Error};
use model::Clock;
use model::time::SystemClock;

/// Decides on the defaults of others, so it is set before them.
const VERSION: &str = "incompatible_improvements";

/// Splits `name=value`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().into(), value.into())),
        _ => Err("a setting is given as NAME=VALUE".to_owned()),
    }
}

/// An engine with FreeMarker's defaults, the machine's clock, and these settings; or what is wrong with them.
pub(super) fn engine<'s>(
    settings: impl Iterator<Item = (&'s str, &'s str)> + Clone,
) -> Result<Engine, Error> {
    let engine = Engine::new().clock(|| SystemClock.now().millis());
    let is_version = |(name, _): &(&str, &str)| snake_case(name) == VERSION;
    let rest = settings.clone().filter(|setting| !is_version(setting));
    settings
        .filter(is_version)
        .chain(rest)
        .try_fold(engine, |engine, (name, value)| engine.setting(name, value))
}

/// What is wrong with a setting, for people: FreeMarker's own words leave the reason to the cause.
pub(super) fn reason(error: &Error) -> String {
    error.cause().unwrap_or(error).message().to_owned()
}

/// `numberFormat` as `number_format`; what is in snake case already stays.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(settings: &[(&str, &str)], template: &str) -> Result<String, String> {
        let engine = engine(settings.iter().copied()).map_err(|error| error.description())?;
        let mut out = Vec::new();
        engine
            .compile("test", template)
            .and_then(|template| template.render(&ftl::Owned::Hash(Vec::new()), &mut out))
            .map_err(|error| error.description())?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn the_version_is_set_before_what_depends_on_it() {
        let settings = [
            ("recognizeStandardFileExtensions", "true"),
            ("incompatible_improvements", "2.3.0"),
        ];
        assert_eq!(
            rendered(&settings, "${.incompatible_improvements}"),
            Ok("2.3.0".into())
        );
    }

    #[test]
    fn settings_of_java_are_refused_by_name_and_those_of_its_logs_change_nothing() {
        let refused = rendered(&[("objectWrapper", "x")], "").unwrap_err();
        assert_eq!(
            refused,
            "the setting object_wrapper is refused: it is a Java class"
        );
        assert_eq!(
            rendered(&[("attempt_exception_reporter", "logWarn")], "x"),
            Ok("x".into())
        );
        assert!(rendered(&[("wrap_unchecked_exceptions", "perhaps")], "x").is_err());
    }

    #[test]
    fn a_value_that_cannot_be_is_told_in_freemarkers_words_and_to_people_with_the_reason() {
        let Err(error) = engine([("tag_syntax", "round")].into_iter()) else {
            panic!("there is no such syntax");
        };
        assert_eq!(
            error.description(),
            "Failed to set FreeMarker configuration setting \"tag_syntax\" to value \"round\"; see cause exception."
        );
        assert!(reason(&error).contains("tag_syntax must be"), "{error}");
    }

    #[test]
    fn a_pair_is_split_at_its_first_equals_sign() {
        assert_eq!(
            pair("boolean_format=a=b,c"),
            Ok(("boolean_format".into(), "a=b,c".into()))
        );
        assert!(pair("boolean_format").is_err());
        assert!(pair("=x").is_err());
    }
}
