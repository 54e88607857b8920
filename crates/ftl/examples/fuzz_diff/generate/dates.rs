//! Random patterns and texts of dates.

use crate::rng::Rng;

const DATE_PATTERNS: &[&str] = &[
    "yyyy-MM-dd",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "dd.MM.yyyy",
    "MM/dd/yy",
    "HH:mm",
    "hh:mm a",
    "EEE, d MMM yyyy HH:mm:ss Z",
    "EEEE, d MMMM y",
    "yyyyMMdd",
    "HHmmss",
    "k:m:s",
    "K 'o''clock' a",
    "D",
    "yyyy-DDD",
    "YYYY-'W'ww-u",
    "W F",
    "G yyyy",
    "MMM",
    "MMMM",
    "MMMMM",
    "LLL",
    "LLLL d",
    "E",
    "z",
    "zzzz",
    "Z",
    "X",
    "XX",
    "XXX",
    "S",
    "SSS",
    "SSSSSS",
    "yy",
    "y",
    "yyy",
    "yyyyy",
    "d/M/y H:m",
    "h a",
    "yyyy-MM-dd HH:mm z",
    "yyyy-MM-dd'T'HH:mm:ssX",
    "aa",
    "'lit'yyyy",
    "u",
    "w",
];

pub(super) fn date_pattern(rng: &mut Rng) -> String {
    rng.pick(DATE_PATTERNS).to_owned()
}

pub(super) fn date_format(rng: &mut Rng) -> String {
    match rng.below(20) {
        0..11 => date_pattern(rng),
        11..14 => rng
            .pick(&[
                "short",
                "medium",
                "long",
                "full",
                "short_medium",
                "long_short",
                "medium_full",
                "full_full",
                "",
                "short_x",
            ])
            .to_owned(),
        14..19 => {
            let mut format = rng.pick(&["iso", "xs"]).to_owned();
            for _ in 0..rng.below(3) {
                format.push(rng.one(&[' ', '_']));
                format.push_str(rng.pick(&["h", "m", "s", "ms", "nz", "fz", "u", "fu", "z"]));
            }
            format
        }
        _ => rng
            .pick(&[
                "bb",
                "yyyy'",
                "@x",
                "'",
                "yyyy-MM-dd t",
                "iso x",
                "ISO",
                "''",
                "yyyy''MM",
            ])
            .to_owned(),
    }
}

/// A text that could fit a pattern of a date.
pub(super) fn date_text(rng: &mut Rng, pattern: &str) -> String {
    let mut text = String::new();
    let mut quoted = false;
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\'' {
            quoted = !quoted;
            continue;
        }
        if quoted || !letter.is_ascii_alphabetic() {
            text.push(letter);
            continue;
        }
        let mut count = 1;
        while letters.next_if_eq(&letter).is_some() {
            count += 1;
        }
        text.push_str(&date_field(rng, letter, count));
    }
    if rng.chance(6) {
        text.push_str(rng.pick(&[" ", "x", "0"]));
    }
    text
}

fn date_field(rng: &mut Rng, letter: char, count: usize) -> String {
    let wild = rng.chance(8);
    let (low, high) = match letter {
        'y' | 'Y' if count == 2 => (0, 99),
        'y' | 'Y' => (1900, 2100),
        'M' | 'L' if count > 2 => {
            let month = rng.pick(&[
                "Jan", "Feb", "March", "May", "December", "dec", "Sept", "Mai", "mars", "1",
            ]);
            return month.to_owned();
        }
        'M' | 'L' => (1, 12),
        'E' => {
            return rng
                .pick(&["Mon", "Tue", "Wednesday", "Sunday", "Mo", "lundi"])
                .to_owned();
        }
        'a' => return rng.pick(&["AM", "PM", "pm", "a"]).to_owned(),
        'G' => return rng.pick(&["AD", "BC", "ad"]).to_owned(),
        'z' => {
            return rng
                .pick(&["UTC", "PST", "GMT+2", "CET", "GMT-03:30", "EDT"])
                .to_owned();
        }
        'Z' | 'X' => {
            return rng
                .pick(&["Z", "+0530", "-08:00", "+02", "+0000", "-1"])
                .to_owned();
        }
        'd' | 'k' => (1, 28),
        'D' => (1, 366),
        'H' | 'h' | 'K' => (0, 23),
        'S' => (0, 999),
        'u' | 'F' | 'W' => (1, 7),
        'w' => (1, 53),
        _ => (0, 59),
    };
    let number = if wild {
        rng.between(-5, 4000)
    } else {
        rng.between(low, high)
    };
    format!("{number:0count$}")
}

/// A text in one of the ISO forms, mostly.
pub(super) fn iso_text(rng: &mut Rng) -> String {
    let date = format!(
        "{:04}-{:02}-{:02}",
        rng.between(1890, 2060),
        rng.between(1, 12),
        rng.between(1, 29)
    );
    let fraction = rng.pick(&["", "", ".5", ".123", ",25", ".123456"]);
    let zone = rng.pick(&["", "Z", "+02:00", "-0330", "+01", "z"]);
    let (h, m, s) = (rng.between(0, 24), rng.between(0, 59), rng.between(0, 60));
    match rng.below(8) {
        0 => date,
        1 => format!("{h:02}:{m:02}:{s:02}{fraction}{zone}"),
        2 => format!("{date}T{h:02}:{m:02}{zone}"),
        3 => format!("{}T{h:02}{m:02}{s:02}{zone}", date.replace('-', "")),
        _ => format!("{date}T{h:02}:{m:02}:{s:02}{fraction}{zone}"),
    }
}
