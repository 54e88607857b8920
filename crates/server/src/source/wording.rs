//! What serde says of a value that doesn't fit, in the words of files: `a list is expected, not a text` rather than
//! names of types in the program.

/// The message of a fault of type or name, in words of files. Texts that stand in the file are not quoted: they may be
/// secrets. What a type says of its own accord stays.
pub(super) fn worded(message: &str) -> String {
    if let Some(name) = message.strip_prefix("missing field ") {
        return format!("{} is missing", bare(name));
    }
    if let Some(name) = message.strip_prefix("duplicate field ") {
        return format!("{} is given twice", bare(name));
    }
    for (start, what) in [
        ("unknown field ", "there is no"),
        ("unknown variant ", "it can't be"),
    ] {
        if let Some(rest) = message.strip_prefix(start) {
            return unknown(rest, what);
        }
    }
    for start in ["invalid type: ", "invalid value: ", "invalid length "] {
        // The value may have these words in it, what is expected has not.
        let rest = message.strip_prefix(start);
        if let Some((given, expected)) = rest.and_then(|rest| rest.rsplit_once(", expected ")) {
            return format!("{} is expected, not {}", kind(expected), value(given));
        }
    }
    message.to_owned()
}

/// ```sent`, expected `send` or `select` ``, where that is nothing that is known.
fn unknown(rest: &str, what: &str) -> String {
    let (name, known) = match rest.rsplit_once(", expected ") {
        Some((name, known)) => (name, known),
        None => (rest.split(", there are no").next().unwrap_or(rest), ""),
    };
    let known: Vec<_> = known.split('`').skip(1).step_by(2).collect();
    let there_is = match known.as_slice() {
        [] => "nothing can stand here".to_owned(),
        known => format!("there is {}", known.join(", ")),
    };
    format!("{what} {}: {there_is}", bare(name))
}

/// A name without its quotes.
fn bare(name: &str) -> &str {
    name.trim().trim_matches('`')
}

/// What is expected.
fn kind(expected: &str) -> String {
    let number = |bits: u32| match bits {
        64 => "a whole number from 0 on".to_owned(),
        bits => format!("a whole number from 0 to {}", (1_u64 << bits) - 1),
    };
    let words = match expected {
        "u8" => return number(8),
        "u16" => return number(16),
        "u32" => return number(32),
        "u64" | "usize" | "u128" => return number(64),
        "i8" | "i16" | "i32" | "i64" | "isize" | "i128" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" | "bool" => "true or false",
        "a string" | "string" | "str" | "a character" => {
            "a text (a number, true or false as a text needs quotes)"
        }
        "a sequence" | "sequence" => "a list",
        "a map" | "map" => MEMBERS,
        // One of several names, of which some have something of their own.
        "string or map" => "a text or a mapping (`name: value`)",
        "map with a single key" | "value" => "a mapping with one name",
        "unit" | "null" => "nothing",
        "variant identifier" | "field identifier" | "identifier" => "a name",
        _ => "",
    };
    if !words.is_empty() {
        return words.to_owned();
    }
    let of_program = ["struct ", "enum ", "tagged enum", "variant ", "unit "];
    if expected.contains("tuple ") || expected.contains("elements") {
        return "a list".to_owned();
    }
    match of_program.iter().any(|each| expected.contains(each)) {
        true => MEMBERS.to_owned(),
        false => expected.to_owned(),
    }
}

/// What YAML calls a mapping.
const MEMBERS: &str = "a mapping (`name: value`)";

/// What is there.
fn value(given: &str) -> &str {
    let starts = |word: &str| given.starts_with(word);
    match given {
        "map" => "a mapping",
        "sequence" => "a list",
        "null" | "unit value" => "nothing",
        _ if starts("string") || starts("character") => "this text",
        _ if starts("boolean `true`") => "true",
        _ if starts("boolean") => "false",
        // ``integer `-1` ``
        _ if starts("integer") || starts("floating point") => {
            given.split('`').nth(1).unwrap_or("this number")
        }
        _ => "this",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::source::Document;

    /// What is said of a file of a sync, from its line on.
    fn said(text: &str) -> String {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only what can't be read matters")]
        struct File {
            #[serde(default)]
            name: String,
            #[serde(default)]
            settings: Option<model::sync::Settings>,
            #[serde(default)]
            port: u16,
            #[serde(default)]
            pair: (bool, bool),
        }
        let document = Document::parse(Path::new("f"), text).expect("it is read");
        document
            .typed::<File>()
            .expect_err("it doesn't fit")
            .to_string()
    }

    #[test]
    fn what_does_not_fit_is_said_in_words_of_the_file() {
        let a_text = "a text (a number, true or false as a text needs quotes) is expected";
        let names = "a mapping (`name: value`) is expected";
        for (text, expected) in [
            ("name: 5\n", format!("f:1:7: /name: {a_text}, not 5")),
            ("name: [a]\n", format!("f:1:1: /name: {a_text}, not a list")),
            ("name: 1.5\n", format!("f:1:7: /name: {a_text}, not 1.5")),
            ("name: true\n", format!("f:1:7: /name: {a_text}, not true")),
            ("name:\n", format!("f:1:5: /name: {a_text}, not nothing")),
            (
                "port: many\n",
                "f:1:7: /port: a whole number from 0 to 65535 is expected, not this text".into(),
            ),
            (
                "port: -1\n",
                "f:1:7: /port: a whole number from 0 to 65535 is expected, not -1".into(),
            ),
            (
                "pair: ['a, expected `b`', true]\n",
                "f:1:8: /pair/0: true or false is expected, not this text".into(),
            ),
            ("", format!("f:1:1: {names}, not nothing")),
            (
                "nmae: x\n",
                "f:1:7: /nmae: there is no nmae: there is name, settings, port, pair".into(),
            ),
            (
                "settings:\n  events: 7\n",
                format!("f:2:11: /settings/events: {names}, not 7"),
            ),
            (
                "settings:\n  headers: 'Authorization: s3cret'\n",
                "f:2:12: /settings/headers: a list is expected, not this text".into(),
            ),
            (
                "settings:\n  headers:\n    - name: x\n",
                "f:3:7: /settings/headers/0: value is missing".into(),
            ),
            (
                "settings:\n  property_choice: some\n",
                "f:2:20: /settings/property_choice: it can't be some: there is only, all_but"
                    .into(),
            ),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
        for text in [
            "settings:\n  properties: [{scope: evnt, name: x}]\n",
            "settings:\n  properties: [x]\n",
            "settings:\n  properties: [{name: x}]\n",
            "settings:\n  events: {select: {all: 5}}\n",
            "settings:\n  events: {select: 5}\n",
            "settings:\n  property_choice: [a]\n",
        ] {
            let found = said(text);
            let of_program = ["struct", "enum", "::", "variant", "invalid type"];
            assert!(
                !of_program.iter().any(|word| found.contains(word)),
                "{found}"
            );
        }
    }
}
