//! Random strings, numbers, patterns, names of locales and zones.

use serde_json::{Value, json};

use crate::rng::Rng;

const WORDS: &[&str] = &[
    "",
    "a",
    "b",
    "x",
    "abc",
    "Hello World",
    "foo bar  baz",
    " pad ",
    "aXbXc",
    "a,b,c",
    "1",
    "12.5",
    "true",
    "Zürich",
    "ñandú",
    "ǆ",
    "ß",
    "İi",
    "日本語",
    "a\"b'c",
    "<b>&amp;</b>",
    "a\\b",
    "line\nnext",
    "cr\r\nlf\n",
    "\ttab",
    "${x}",
    "a/b/c.txt",
    "x=1&y=2 z",
    "{\"k\": 1}",
    "]]>",
    "--",
    "Ünï",
    "é",
    "e\u{301}",
    "\u{a0}nb",
    "\u{0}ctl\u{1f}",
    "\u{2028}",
    "</script>",
    "ABC",
    "aaa",
    "a-b_c",
    "foo",
    "bar",
    "#if",
    "0x1F",
    "2024-02-29",
    "😀",
];

pub(super) fn string(rng: &mut Rng) -> String {
    let mut text = rng.pick(WORDS).to_owned();
    // Characters of two UTF-16 units are known to be cut differently: enough of them, but not many.
    if text == "😀" && !rng.chance(10) {
        "smile".clone_into(&mut text);
    }
    if rng.chance(15) {
        text.push_str(rng.pick(&WORDS[..20]));
    }
    text
}

pub(super) fn short(rng: &mut Rng) -> String {
    rng.pick(&[
        "", "a", "b", "X", " ", ",", "o", "l", "ab", "a,", "-", "\n", "1", ".", "ü", "\"", "<",
        "/", "foo", "|", "$1", "\\",
    ])
    .to_owned()
}

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "5",
    "7",
    "10",
    "12",
    "42",
    "99",
    "100",
    "255",
    "256",
    "1000",
    "1234",
    "65536",
    "1000000",
    "2147483647",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "123456789012345678901234567890",
    "0.5",
    "1.5",
    "2.5",
    "0.25",
    "0.125",
    "3.14159265358979",
    "0.1",
    "1.10",
    "100.00",
    "1234.5678",
    "0.001",
    "0.0000001",
    "999999.995",
    "1.005",
    "33.333333333333333333333",
    "1e3",
];

/// A number as it stands in a template.
pub(super) fn number(rng: &mut Rng) -> String {
    match rng.below(10) {
        0..5 => rng.pick(NUMBERS).trim_end_matches("e3").to_owned(),
        5 | 6 => rng.between(0, 12).to_string(),
        7 => (rng.next() >> rng.below(64)).to_string(),
        8 => format!("{}.{}", rng.below(1000), rng.below(1000)),
        _ => format!(
            "{}.{:0width$}",
            rng.below(100),
            rng.below(1000),
            width = rng.below(12)
        ),
    }
}

/// A number of the data: one that a double has exactly, since that is what reads it there.
pub(super) fn json_number(rng: &mut Rng) -> Value {
    let whole = match rng.below(8) {
        0..4 => rng.between(-3, 30),
        4 => rng.between(-100_000, 100_000),
        5 => (rng.next() as i64) >> rng.below(64),
        6 => rng.one(&[
            i64::MAX,
            i64::MIN,
            1 << 31,
            1 << 53,
            1_646_078_821_795,
            951_786_096_000,
        ]),
        _ => {
            let digits = rng.between(-1_000_000, 1_000_000);
            let divisor = rng.one(&[2.0, 4.0, 10.0, 100.0, 1000.0, 8.0, 100_000.0]);
            return json!(digits as f64 / divisor);
        }
    };
    json!(whole)
}

pub(super) fn number_text(rng: &mut Rng) -> String {
    if rng.chance(85) {
        let sign = rng.pick(&["", "", "", "-", "+"]);
        return format!("{sign}{}", rng.pick(NUMBERS));
    }
    rng.pick(&[
        "", " 1", "1 ", "1,000", "1e-5", "-1E3", "INF", "-INF", "NaN", "Infinity", ".5", "5.",
        "0x10", "1_000", "--1", "١", "1e400",
    ])
    .to_owned()
}

pub(super) fn locale(rng: &mut Rng) -> String {
    rng.pick(&[
        "en_US", "en_GB", "en_IN", "de", "de_AT", "de_CH", "fr", "fr_CA", "fr_CH", "es", "es_MX",
        "it_IT", "pt_BR", "pt_PT", "nl", "pl_PL", "ru_RU", "tr_TR", "ja_JP", "zh_CN", "zh_TW",
        "ko_KR", "ar", "ar_EG", "hi_IN", "sv_SE", "xx",
    ])
    .to_owned()
}

pub(super) fn zone(rng: &mut Rng) -> String {
    rng.pick(&[
        "UTC",
        "GMT",
        "Europe/Berlin",
        "America/New_York",
        "America/Los_Angeles",
        "Asia/Kolkata",
        "Asia/Tokyo",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "GMT+02:00",
        "GMT-3",
        "GMT+0530",
        "PST",
        "EST",
        "Etc/GMT+5",
        "Nowhere",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Europe/London",
    ])
    .to_owned()
}

pub(super) fn charset(rng: &mut Rng) -> String {
    rng.pick(&["UTF-8", "ISO-8859-1", "US-ASCII", "nope", "utf-8"])
        .to_owned()
}

pub(super) fn boolean_format(rng: &mut Rng) -> String {
    rng.pick(&["c", "yes,no", "true,false", "Y,N", ",", "ja,nein", "a,b,c"])
        .to_owned()
}

pub(super) fn number_format(rng: &mut Rng) -> String {
    if rng.chance(12) {
        return rng
            .pick(&[
                "number", "computer", "percent", "currency", "", "0.0.0", "#,##0;;", "'", ";",
                "%0%", "@x",
            ])
            .to_owned();
    }
    let mut format = rng
        .pick(&[
            "0",
            "0.00",
            "#",
            "#.##",
            "#,##0.00",
            ",##0",
            "000",
            "0.###",
            "#,###.##",
            "0.0#",
            "#0.0",
            "00.0000",
            "#,##,##0",
            "0.00%",
            "#%",
            "0‰",
            "¤#,##0.00",
            "¤¤ 0.00",
            "0.00 ¤",
            "0E0",
            "0.###E0",
            "##0.##E0",
            "00.00E00",
            "#.#E0",
            "'#'0",
            "0 'o''clock'",
            "a0b",
            "-0",
            "+0;-0",
            "0;(0)",
            "#,##0.00;(#,##0.00)",
            "0.#########",
            ".00",
            "#.",
            "0.",
            "x'y",
            "'x'0.0'y'",
            "###0",
            "####",
            "#,#",
            "0,000.0",
            "0.0;;roundingMode=halfUp",
        ])
        .to_owned();
    if rng.chance(15) && !format.contains(";;") {
        let option = rng.pick(&[
            "roundingMode=halfUp",
            "roundingMode=down",
            "roundingMode=up",
            "roundingMode=ceiling",
            "roundingMode=floor",
            "roundingMode=halfDown",
            "roundingMode=halfEven",
            "roundingMode=unnecessary",
            "multiplier=100",
            "multiplier=-1",
            "decimalSeparator=','",
            "groupingSeparator=_",
            "groupingSeparator=' '",
            "minusSign=m",
            "infinity=INF",
            "nan=NaN",
            "exponentSeparator='*10^'",
            "percent=p",
            "perMill=q",
            "zeroDigit='٠'",
            "currencyCode=EUR",
            "currencyCode=XXQ",
            "currencySymbol='$ '",
            "monetaryDecimalSeparator=;",
            "nope=1",
            "roundingMode=nope",
            "decimalSeparator=''",
            "roundingMode = halfUp , decimalSeparator = ','",
            "groupingSeparator=_ decimalSeparator=','",
            "roundingMode",
            "currencyCode=USD",
            "currencyCode=JPY",
        ]);
        let separator = if format.contains(';') { ";" } else { ";;" };
        format = format!("{format}{separator}{option}");
    }
    format
}

pub(super) fn regex(rng: &mut Rng) -> String {
    rng.pick(&[
        "a",
        "[a-z]+",
        "(\\w+)\\s(\\w+)",
        "\\d+",
        "^a",
        "b$",
        "(a)|(b)",
        "a*",
        "x?",
        ".",
        "^",
        "$",
        "\\s+",
        "[^a]",
        "(?i)A",
        "(.)(.)",
        "a{1,2}",
        "\\bfoo\\b",
        "(?<q>o)",
        "[",
        "(",
        "a++",
        "(?=b)",
        "\\p{L}+",
        "\\u0061",
        "l+",
        "(a(b)?)+",
        "[,;]\\s*",
        "\\\\",
        "\\.",
        "(?m)^",
        "[a-c&&[^b]]",
        "\\Qa\\E",
        "",
    ])
    .to_owned()
}

pub(super) fn replacement(rng: &mut Rng) -> String {
    rng.pick(&[
        "", "x", "$1", "[$0]", "$2-$1", "\\$", "\\\\", "$9", "${q}", "$", "\\", "<$0>",
    ])
    .to_owned()
}

pub(super) fn flags(rng: &mut Rng) -> String {
    rng.pick(&[
        "", "i", "r", "ri", "f", "rf", "m", "rm", "s", "c", "rs", "irf", "x", "rmsci",
    ])
    .to_owned()
}

pub(super) fn regex_flags(rng: &mut Rng) -> String {
    rng.pick(&["r", "ri", "rf", "rm", "rs", "rc", "irf"])
        .to_owned()
}

pub(super) fn json(rng: &mut Rng) -> String {
    rng.pick(&[
        "{\"a\": 1}",
        "[1, 2.5, -3]",
        "\"x\"",
        "null",
        "true",
        "{\"a\": [null, {\"b\": \"\\u00e9\"}]}",
        "1e3",
        "{",
        "[1,]",
        "1 2",
        "{'a': 1}",
        "",
        "[\"a\" /* c */]",
        "0.10",
        "12345678901234567890",
        "-0",
        "01",
        "{\"a\": 1, \"a\": 2}",
    ])
    .to_owned()
}
