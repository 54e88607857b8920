//! Settings of FreeMarker's that are about Java: for its objects, which are refused unless they are left as they
//! are, and for its logs, exceptions and files, which are taken because no output depends on them.

use crate::syntax::boolean;

/// Why a setting is refused, unless it has one of the values after it, with which it means what it means here anyway.
const REFUSED: [(&str, &str, &[&str]); 14] = [
    ("api_builtin_enabled", "`?api` reaches into Java", NO),
    (
        "classic_compatible",
        "it is for templates of FreeMarker 1",
        NO,
    ),
    ("custom_attributes", "they are Java objects", NONE),
    ("custom_date_formats", "they are Java classes", NONE),
    ("custom_number_formats", "they are Java classes", NONE),
    (
        "new_builtin_class_resolver",
        "`?new` makes Java objects",
        &["unrestricted", "safer", "allows_nothing", "allowsnothing"],
    ),
    (
        "object_wrapper",
        "it is a Java class",
        &["default", "default_2_3_0", "simple"],
    ),
    (
        "registered_custom_output_formats",
        "they are Java classes",
        NONE,
    ),
    ("strict_bean_models", "it is about Java objects", &[]),
    ("template_configurations", "they are Java objects", NONE),
    ("template_loader", "it is a Java class", NONE),
    (
        "template_lookup_strategy",
        "it is a Java class",
        &["default"],
    ),
    (
        "template_name_format",
        "names follow the rules of 2.3.0",
        &["default", "default_2_3_0"],
    ),
    ("cache_storage", "it is a Java class", &[]),
];

/// What says that there is nothing.
const NONE: &[&str] = &["null", "{}", "[]"];
const NO: &[&str] = &["false", "no", "n", "f"];

/// What becomes of a setting of Java's.
pub(crate) enum Answer {
    /// It changes nothing.
    Taken,
    Refused(String),
    Malformed(String),
}

/// The answer to a setting by its name in snake_case; `None` if it isn't one of Java's.
pub(crate) fn answer(name: &str, value: &str) -> Option<Answer> {
    let checked = match name {
        "auto_flush" | "log_template_exceptions" => boolean(name, value).map(drop),
        "attempt_exception_reporter" => reporter(value),
        "template_update_delay" => delay(value),
        "cache_storage" if is_cache_of_sizes(value) => Ok(()),
        "default_encoding" => Ok(()),
        _ => return refusal(name, value),
    };
    Some(match checked {
        Ok(()) => Answer::Taken,
        Err(message) => Answer::Malformed(message),
    })
}

fn refusal(name: &str, value: &str) -> Option<Answer> {
    let (_, why, taken) = REFUSED.iter().find(|(refused, ..)| *refused == name)?;
    let value = value.to_ascii_lowercase();
    Some(if taken.contains(&value.as_str()) {
        Answer::Taken
    } else {
        Answer::Refused(format!("the setting {name} is refused: {why}"))
    })
}

/// `strong:20, soft:250`: how many templates are kept, and no less.
fn is_cache_of_sizes(value: &str) -> bool {
    value.split(',').all(|part| {
        let size = part
            .split_once(':')
            .map(|(kind, size)| (kind.trim(), size.trim()));
        size.is_some_and(|(kind, size)| {
            matches!(kind, "strong" | "soft") && size.parse::<u32>().is_ok()
        })
    })
}

fn reporter(value: &str) -> Result<(), String> {
    let known = ["default", "log_error", "logerror", "log_warn", "logwarn"];
    if known.contains(&value.to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(format!(
        "the setting attempt_exception_reporter must be default, log_error or log_warn, not {value:?}"
    ))
}

/// A number, which may have a unit of time.
fn delay(value: &str) -> Result<(), String> {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &value[digits.len()..];
    if digits.trim_end().parse::<u32>().is_ok() && matches!(unit, "" | "ms" | "s" | "m" | "h") {
        return Ok(());
    }
    Err(format!(
        "the setting template_update_delay must be a number with a unit, such as 5 s, not {value:?}"
    ))
}

/// Whether the setting `template_exception_handler` says that a render goes on after failures. All other handlers let it
/// fail: what they print can't be seen, since a render that fails has no output.
pub(crate) fn ignores_failures(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "ignore" => Ok(true),
        "default" | "rethrow" | "debug" | "html_debug" | "htmldebug" => Ok(false),
        _ => Err(format!(
            "the setting template_exception_handler must be rethrow, debug, html_debug or ignore, not {value:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_javas_logs_are_taken_if_they_are_well_formed() {
        let taken = |name, value| matches!(answer(name, value), Some(Answer::Taken));
        assert!(taken("attempt_exception_reporter", "logWarn"));
        assert!(taken("log_template_exceptions", "false"));
        assert!(taken("template_update_delay", "5 s"));
        assert!(taken("template_update_delay", "5000"));
        assert!(!taken("template_update_delay", "5 years"));
        assert!(!taken("auto_flush", "perhaps"));
        assert!(!taken("object_wrapper", "x"));
        assert!(taken("object_wrapper", "Default"));
        assert!(taken("api_builtin_enabled", "false"));
        assert!(!taken("api_builtin_enabled", "true"));
        assert!(taken("cache_storage", "strong:20, soft:250"));
        assert!(!taken("cache_storage", "com.example.Cache"));
        assert!(answer("number_format", "0").is_none());
    }

    #[test]
    fn only_one_handler_goes_on_after_failures() {
        assert_eq!(ignores_failures("Ignore"), Ok(true));
        assert_eq!(ignores_failures("html_debug"), Ok(false));
        assert!(ignores_failures("com.example.Handler").is_err());
    }
}
