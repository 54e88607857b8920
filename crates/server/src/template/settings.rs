//! FreeMarker's settings, by their names.

use ftl::Engine;
use model::Clock;
use model::time::SystemClock;

/// Decides on the defaults of others, so it is set before them.
const VERSION: &str = "incompatible_improvements";

/// What a setting of Java's would need.
const JAVA: [(&str, &str); 14] = [
    ("api_builtin_enabled", "`?api` reaches into Java"),
    ("cache_storage", "it is a Java class"),
    ("custom_attributes", "they are Java objects"),
    ("custom_date_formats", "they are Java classes"),
    ("custom_number_formats", "they are Java classes"),
    ("new_builtin_class_resolver", "`?new` makes Java objects"),
    ("object_wrapper", "it is a Java class"),
    ("registered_custom_output_formats", "they are Java classes"),
    ("strict_bean_models", "it is about Java objects"),
    ("template_configurations", "they are Java objects"),
    ("template_loader", "it is a Java class"),
    ("template_lookup_strategy", "it is a Java class"),
    ("template_name_format", "it is a Java class"),
    ("truncate_builtin_algorithm", "it is a Java class"),
];

/// Settings of Java's logs, exceptions and files: taken, because no output depends on them.
const WITHOUT_EFFECT: [(&str, &[&str]); 7] = [
    ("attempt_exception_reporter", &["log_error", "log_warn"]),
    ("auto_flush", &BOOLEANS),
    ("default_encoding", &[]),
    ("localized_lookup", &BOOLEANS),
    ("log_template_exceptions", &BOOLEANS),
    ("template_update_delay", &[]),
    ("wrap_unchecked_exceptions", &BOOLEANS),
];

const BOOLEANS: [&str; 8] = ["true", "false", "yes", "no", "y", "n", "t", "f"];

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
) -> Result<Engine, String> {
    let engine = Engine::new().clock(|| SystemClock.now().millis());
    let is_version = |(name, _): &(&str, &str)| snake_case(name) == VERSION;
    let rest = settings.clone().filter(|setting| !is_version(setting));
    settings
        .filter(is_version)
        .chain(rest)
        .try_fold(engine, |engine, (name, value)| set(engine, name, value))
}

fn set(engine: Engine, name: &str, value: &str) -> Result<Engine, String> {
    let snake = snake_case(name);
    if let Some((_, why)) = JAVA.iter().find(|(java, _)| *java == snake) {
        return Err(format!("the setting {snake} is refused: {why}"));
    }
    if let Some((_, allowed)) = WITHOUT_EFFECT.iter().find(|(known, _)| *known == snake) {
        return if allowed.is_empty() || allowed.contains(&snake_case(value).as_str()) {
            Ok(engine)
        } else {
            let allowed = allowed.join(", ");
            Err(format!(
                "the setting {snake} must be one of {allowed}, not {value:?}"
            ))
        };
    }
    engine
        .setting(name, value)
        .map_err(|error| error.message().to_owned())
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
        let engine = engine(settings.iter().copied())?;
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
    fn a_pair_is_split_at_its_first_equals_sign() {
        assert_eq!(
            pair("boolean_format=a=b,c"),
            Ok(("boolean_format".into(), "a=b,c".into()))
        );
        assert!(pair("boolean_format").is_err());
        assert!(pair("=x").is_err());
    }
}
