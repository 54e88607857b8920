//! Settings of the configuration.

use serde_json::{Map, Value};

use super::Syntax;
use super::{dates, literals};
use crate::rng::Rng;

pub(super) fn settings(rng: &mut Rng) -> (Map<String, Value>, Syntax) {
    let mut settings = Map::new();
    let mut syntax = Syntax {
        square_tags: rng.chance(12),
        square_interpolations: rng.chance(8),
        camel_case: rng.chance(8),
        markup: false,
    };
    let mut set = |name: &str, value: &str| {
        settings.insert(name.to_owned(), value.into());
    };
    if syntax.square_tags {
        set("tag_syntax", rng.pick(&["square_bracket", "auto_detect"]));
    } else if rng.chance(10) {
        set("tag_syntax", rng.pick(&["angle_bracket", "auto_detect"]));
    }
    if syntax.square_interpolations {
        set("interpolation_syntax", "square_bracket");
    } else if rng.chance(5) {
        set("interpolation_syntax", rng.pick(&["dollar", "legacy"]));
    }
    if syntax.camel_case && rng.chance(50) {
        set("naming_convention", "camel_case");
    }
    if rng.chance(12) {
        let format = rng.pick(&[
            "HTML",
            "XML",
            "XHTML",
            "RTF",
            "plainText",
            "JSON",
            "JavaScript",
            "CSS",
            "undefined",
        ]);
        syntax.markup = matches!(format, "HTML" | "XML" | "XHTML" | "RTF");
        set("output_format", format);
        if rng.chance(25) {
            let policy = rng.pick(&["disable", "enable_if_default", "enable_if_supported"]);
            set("auto_escaping_policy", policy);
        }
    }
    for (name, share, value) in [
        ("locale", 25, literals::locale as fn(&mut Rng) -> String),
        ("time_zone", 20, literals::zone),
        ("number_format", 15, literals::number_format),
        ("date_format", 10, dates::date_format),
        ("time_format", 10, dates::date_format),
        ("datetime_format", 12, dates::date_format),
        ("boolean_format", 15, literals::boolean_format),
    ] {
        if rng.chance(share) {
            set(name, &value(rng));
        }
    }
    if rng.chance(10) {
        set("whitespace_stripping", rng.pick(&["true", "false"]));
    }
    if rng.chance(3) {
        set("tab_size", rng.pick(&["1", "4", "8"]));
    }
    if rng.chance(3) {
        set("url_escaping_charset", rng.pick(&["UTF-8", "ISO-8859-1"]));
    }
    if rng.chance(8) {
        let version = rng.pick(&[
            "2.3.0", "2.3.19", "2.3.20", "2.3.21", "2.3.22", "2.3.24", "2.3.27", "2.3.28", "2.3.30",
        ]);
        set("incompatible_improvements", version);
    }
    if rng.chance(3) {
        set("lazy_imports", "true");
    }
    for (name, values) in [
        ("strict_syntax", &["true", "false"][..]),
        ("output_encoding", &["UTF-8", "ISO-8859-1"]),
        ("arithmetic_engine", &["bigdecimal", "conservative"]),
        ("fallback_on_null_loop_variable", &["true", "false"]),
        ("recognize_standard_file_extensions", &["true", "false"]),
        (
            "template_exception_handler",
            &["rethrow", "ignore", "debug", "html_debug"],
        ),
        ("wrap_unchecked_exceptions", &["true", "false"]),
        ("auto_include", &["part", "lib.ftl, part"]),
        (
            "auto_import",
            &["lib.ftl as auto", "/inc/lib.ftl as a1, part as b1"],
        ),
        ("lazy_auto_imports", &["true", "false", "null"]),
        ("naming_convention", &["legacy", "auto_detect"]),
        ("sql_date_and_time_time_zone", &["GMT+02:00", "null"]),
        (
            "number_format",
            &["0.####################", "computer", "0.0000000000000"],
        ),
    ] {
        if rng.chance(if name == "number_format" { 6 } else { 2 }) {
            set(name, rng.pick(values));
        }
    }
    (settings, syntax)
}
