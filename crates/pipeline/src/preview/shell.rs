//! Words of a POSIX shell: any text, and variables in between.

use std::fmt::Write as _;

use super::trace::{Piece, Text};

/// Longest argument that is written as such: systems refuse one of 128 KiB.
const ARGUMENT_BYTES: usize = 64 << 10;

/// `text` as one word that the shell expands nothing in but the variables of its secrets, by their
/// names.
pub(super) fn word(text: &Text, names: &[&str]) -> String {
    let mut variables = text.pieces().iter().filter(|piece| piece.is_secret());
    if variables.next().is_none() {
        return quoted(&text.plain());
    }
    let plain = text.pieces().iter().filter_map(Piece::plain);
    match plain.clone().all(is_inert_in_double_quotes) {
        true => double_quoted(text, names),
        false => joined(text, names),
    }
}

/// Whether the text can be an argument as it is: not too long, and without characters that get lost
/// on the way into a shell.
pub(super) fn fits_an_argument(text: &Text) -> bool {
    let plain = text.pieces().iter().filter_map(Piece::plain);
    let lost = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    plain.clone().map(str::len).sum::<usize>() <= ARGUMENT_BYTES
        && !plain.clone().any(|plain| plain.contains(lost))
}

/// A command that writes the text to its standard output.
pub(super) fn print(text: &Text, names: &[&str]) -> String {
    let (mut format, mut arguments) = (String::new(), String::new());
    for piece in text.pieces() {
        match piece {
            Piece::Plain(plain) => plain.chars().for_each(|c| match c {
                '%' => format.push_str("%%"),
                '\\' => format.push_str("\\\\"),
                // An option otherwise.
                '-' if format.is_empty() => format.push_str("\\055"),
                c if c.is_control() && c != '\n' => {
                    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                        // Writing to a String cannot fail.
                        let _ = write!(format, "\\{byte:03o}");
                    }
                }
                c => format.push(c),
            }),
            Piece::Secret(variable) => {
                format.push_str("%s");
                // Writing to a String cannot fail.
                let _ = write!(arguments, " \"${}\"", names[*variable]);
            }
        }
    }
    format!("printf {}{arguments}", single_quoted(&format))
}

/// Any text as one word; bare where that is the same.
fn quoted(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    match !text.is_empty() && text.chars().all(bare) {
        true => text.to_owned(),
        false => single_quoted(text),
    }
}

/// Nothing is special between single quotes but themselves.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Between double quotes some characters expand; interactive shells have `!` besides.
fn is_inert_in_double_quotes(text: &str) -> bool {
    let inert =
        |c: char| (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '$' | '`' | '\\' | '!');
    text.chars().all(inert)
}

fn double_quoted(text: &Text, names: &[&str]) -> String {
    let mut word = String::from("\"");
    let mut pieces = text.pieces().iter().peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Plain(plain) => word.push_str(plain),
            Piece::Secret(variable) => {
                let next = pieces.peek().and_then(|piece| piece.plain());
                let next = next.and_then(|plain| plain.chars().next());
                let name = names[*variable];
                match next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    true => word.push_str(&format!("${{{name}}}")),
                    false => word.push_str(&format!("${name}")),
                }
            }
        }
    }
    word.push('"');
    word
}

/// Quoted text and variables in double quotes, side by side.
fn joined(text: &Text, names: &[&str]) -> String {
    let words = text.pieces().iter().map(|piece| match piece {
        Piece::Plain(plain) => single_quoted(plain),
        Piece::Secret(variable) => format!("\"${}\"", names[*variable]),
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["KEY", "APP"];

    fn text(pieces: &[Piece]) -> Text {
        pieces.iter().cloned().collect()
    }

    fn plain(text: &str) -> Piece {
        Piece::Plain(text.to_owned())
    }

    #[test]
    fn nothing_expands_but_variables() {
        for (pieces, expected) in [
            (vec![], "''"),
            (vec![plain("POST")], "POST"),
            (vec![plain("a b")], "'a b'"),
            (vec![plain("it's $(x) `y` \\ !")], r"'it'\''s $(x) `y` \ !'"),
            (vec![plain("Bearer "), Piece::Secret(0)], "\"Bearer $KEY\""),
            (
                vec![plain("/"), Piece::Secret(0), plain("_b/"), Piece::Secret(1)],
                "\"/${KEY}_b/$APP\"",
            ),
            (
                vec![plain("{\"k\": \""), Piece::Secret(0), plain("\"}")],
                r#"'{"k": "'"$KEY"'"}'"#,
            ),
            (vec![plain("hi!"), Piece::Secret(1)], r#"'hi!'"$APP""#),
        ] {
            assert_eq!(word(&text(&pieces), NAMES), expected);
        }
    }

    #[test]
    fn what_no_argument_can_hold_is_printed() {
        let body = text(&[plain("100%\\n\0\r\n'"), Piece::Secret(0), plain("\u{1b}")]);
        assert!(!fits_an_argument(&body));
        assert_eq!(
            print(&body, NAMES),
            "printf '100%%\\\\n\\000\\015\n'\\''%s\\033' \"$KEY\""
        );
        assert_eq!(
            print(&text(&[plain("-x\u{85}")]), NAMES),
            "printf '\\055x\\302\\205'"
        );
        assert!(fits_an_argument(&text(&[plain("a\n\tb")])));
        assert!(!fits_an_argument(&text(&[plain(
            &"a".repeat(ARGUMENT_BYTES + 1)
        )])));
    }
}
