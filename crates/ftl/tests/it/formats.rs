//! Formats from outside: what a host may set, and that no pattern, text or moment is too much.

use ftl::{Engine, ErrorKind};
use proptest::prelude::*;
use serde_json::{Value, json};

fn render(engine: &Engine, source: &str, data: &Value) -> Result<String, ftl::Error> {
    let mut out = Vec::new();
    engine.compile("test", source)?.render(data, &mut out)?;
    Ok(String::from_utf8(out).expect("UTF-8"))
}

/// An engine whose `?c` takes strings, as it does since 2.3.32.
fn with_strings() -> Engine {
    let version = Engine::new().setting("incompatible_improvements", "2.3.32");
    version.expect("a version")
}

#[test]
fn a_host_chooses_the_language_of_c() {
    let source = "${n?c} ${t?c} ${missing?cn}|${n}";
    let data = json!({"n": 0.000_000_25, "t": true});
    for (c_format, expected) in [
        ("legacy", "0.00000025 true null|0"),
        ("JSON", "2.5E-7 true null|0"),
        ("Java", "2.5E-7 true null|0"),
        ("XS", "2.5E-7 true |0"),
    ] {
        let engine = with_strings()
            .setting("c_format", c_format)
            .expect("a format");
        let written = render(&engine, source, &data).expect("rendered");
        assert_eq!(written, expected, "{c_format}");
    }
    let inside = render(
        &with_strings(),
        "<#setting c_format='XS'>${n?c} ${'a'?c}",
        &data,
    );
    assert_eq!(inside.expect("rendered"), "2.5E-7 a");
    assert!(Engine::new().setting("c_format", "C").is_err());
}

#[test]
fn a_host_hears_of_malformed_formats_at_once_but_a_setting_by_name_waits() {
    assert!(Engine::new().number_format("0.0.0").is_err());
    assert!(Engine::new().date_format("bbb").is_err());
    assert!(Engine::new().time_zone("Nowhere").is_err());
    let engine = Engine::new()
        .setting("number_format", "0.0.0")
        .and_then(|engine| engine.setting("time_zone", "Nowhere"))
        .expect("set");
    assert_eq!(
        render(&engine, "${.time_zone}", &json!({})).expect("rendered"),
        "GMT"
    );
    let error = render(&engine, "${1}", &json!({})).expect_err("malformed");
    assert_eq!(error.kind(), ErrorKind::Format);
}

#[test]
fn years_of_two_digits_are_near_the_hosts_clock() {
    let source = "${'1/1/46'?date('M/d/yy')?string('yyyy')}";
    for (now, expected) in [(1_790_000_000_000, "2046"), (1_700_000_000_000, "1946")] {
        let engine = Engine::new().clock(move || now);
        assert_eq!(
            render(&engine, source, &json!({})).expect("rendered"),
            expected
        );
    }
}

#[test]
fn formats_of_a_megabyte_are_refused() {
    for letter in [
        "0", "#", "'", "y", "M", "z", "\u{a4}", "%", ";", "_", "iso_", "_short",
    ] {
        let data = json!({"format": letter.repeat(1 << 20)});
        for source in [
            "${1?string(format)}",
            "<#setting number_format=format>${1}",
            "${0?number_to_datetime?string(format)}",
            "<#setting date_format=format>${0?number_to_date}",
            "${'1'?time(format)}",
        ] {
            let is_date = !source.contains("1?string") && !source.contains("number_format");
            // Names of styles after the second mean nothing, however many there are.
            if is_date && letter.starts_with('_') {
                continue;
            }
            assert!(
                render(&Engine::new(), source, &data).is_err(),
                "{letter} in {source}"
            );
        }
    }
}

const LOCALES: [&str; 8] = [
    "en_US", "de", "ar_EG", "th_TH", "ja_JP", "lt", "sv_SE", "qq_QQ",
];
const ZONES: [&str; 6] = [
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Pacific/Apia",
    "GMT-23:59",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_moment_pattern_or_text_makes_a_date_panic(
        locale in 0..LOCALES.len(),
        zone in 0..ZONES.len(),
        millis in any::<i64>(),
        now in any::<i64>(),
        pattern in "[GyYMLwWDdFEuaHkKhmsSzZX'/ :.-]{0,16}",
        text in "[0-9]{0,12}[A-Za-z0-9+:. -]{0,16}",
    ) {
        let engine = Engine::new()
            .locale(LOCALES[locale])
            .time_zone(ZONES[zone])
            .expect("a zone")
            .clock(move || now);
        let data = json!({"millis": millis.to_string(), "pattern": pattern, "text": text});
        for source in [
            "${millis?number?number_to_datetime?string(pattern)}",
            "${text?datetime(pattern)?long}",
            "${(millis?number?number_to_datetime?string(pattern))?datetime(pattern)}",
            "${millis?number?number_to_datetime?string.full} ${millis?number?number_to_date?string.xs}",
            "${text?date.iso} ${text?time.xs}",
        ] {
            let _ = render(&engine, source, &data);
        }
    }

    #[test]
    fn no_pattern_makes_a_number_panic(
        locale in 0..LOCALES.len(),
        number in "-?[0-9]{1,30}(\\.[0-9]{0,30})?(E-?[0-9]{1,3})?",
        pattern in "[#0,.E;%\u{2030}\u{a4}' -]{0,16}(;; (roundingMode=(up|halfDown|unnecessary)|multiplier=[0-9]{1,9}|zeroDigit=.))?",
    ) {
        let engine = Engine::new().locale(LOCALES[locale]);
        let data = json!({"number": number, "pattern": pattern});
        for source in [
            "${number?number?string(pattern)}",
            "${number?number} ${number?number?string.currency} ${number?number?string.percent} #{number?number; m1M4}",
            "${number?number?round} ${number?number?floor} ${number?number?c}",
        ] {
            let _ = render(&engine, source, &data);
        }
    }
}
