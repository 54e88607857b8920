//! Settings of FreeMarker's that are about Java: for its objects, which are refused, and for its logs, exceptions and
//! files, which are taken because no output depends on them.

use crate::syntax::boolean;

/// Why a setting is refused.
const REFUSED: [(&str, &str); 14] = [
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

/// What becomes of a setting of Java's.
pub(crate) enum Answer {
    /// It changes nothing.
    Taken,
    Refused(String),
    Malformed(String),
}

/// The answer to a setting by its name in snake_case; `None` if it isn't one of Java's.
pub(crate) fn answer(name: &str, value: &str) -> Option<Answer> {
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        let message = format!("the setting {name} is refused: {why}");
        return Some(Answer::Refused(message));
    }
    let checked = match name {
        "auto_flush" | "log_template_exceptions" | "wrap_unchecked_exceptions" => {
            boolean(name, value).map(drop)
        }
        "attempt_exception_reporter" => reporter(value),
        "template_update_delay" => delay(value),
        "default_encoding" => Ok(()),
        _ => return None,
    };
    Some(match checked {
        Ok(()) => Answer::Taken,
        Err(message) => Answer::Malformed(message),
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
        assert!(!taken("wrap_unchecked_exceptions", "perhaps"));
        assert!(!taken("object_wrapper", "x"));
        assert!(answer("number_format", "0").is_none());
    }

    #[test]
    fn only_one_handler_goes_on_after_failures() {
        assert_eq!(ignores_failures("Ignore"), Ok(true));
        assert_eq!(ignores_failures("html_debug"), Ok(false));
        assert!(ignores_failures("com.example.Handler").is_err());
    }
}
