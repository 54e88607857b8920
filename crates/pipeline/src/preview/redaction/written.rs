//! One secret, in the ways in which it is written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Shorter values are no secrets, and can stand anywhere by chance.
const SECRET_BYTES: usize = 4;

/// As many letters of Base64 don't stand anywhere by chance.
const BASE64_LETTERS: usize = 8;

/// So many backslashes stand before a character at most: escaped eight times.
const MOST_SLASHES: usize = 255;

/// How often a percent sign is percent-encoded at most.
const MOST_PERCENT: usize = 8;

/// What stands for one character is shorter, but for what was escaped several times.
const LONGEST_ESCAPE: usize = 12;

/// A secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Written {
    characters: Vec<char>,
    /// What Base64 makes of it where it begins with the first, second and third byte of a group, as far as
    /// that is the secret's alone.
    encoded: Vec<Vec<char>>,
}

impl Written {
    pub(super) fn new(secret: &str) -> Option<Self> {
        let secret = secret.trim();
        (secret.len() >= SECRET_BYTES).then(|| Self {
            characters: secret.chars().collect(),
            encoded: (0..3)
                .map(|before| base64_within(secret.as_bytes(), before))
                .filter(|encoded| encoded.len() >= BASE64_LETTERS)
                .collect(),
        })
    }

    pub(super) fn length(&self) -> usize {
        self.characters.len()
    }

    /// The text with `mask` where the secret was; `None` where it nowhere was.
    pub(super) fn taken_out(&self, text: &str, mask: &str) -> Option<String> {
        let mut out = String::new();
        let (mut from, mut at, mut found) = (0, 0, false);
        while let Some(next) = text[at..].chars().next() {
            match self.length_at(&text[at..]) {
                Some(length) => {
                    out.push_str(&text[from..at]);
                    out.push_str(mask);
                    found = true;
                    at += length;
                    from = at;
                }
                None => at += next.len_utf8(),
            }
        }
        out.push_str(&text[from..]);
        found.then_some(out)
    }

    /// How much of what the text begins with is the secret.
    fn length_at(&self, text: &str) -> Option<usize> {
        let plain = spelled(&self.characters, text, SECRET_BYTES, ways);
        let mut encoded = self.encoded.iter();
        plain.or_else(|| {
            encoded.find_map(|letters| spelled(letters, text, BASE64_LETTERS, ways_of_base64))
        })
    }
}

/// How much of what `text` begins with are these characters, each as `ways` finds it; or the whole text,
/// where it ends within them but is not shorter than `least` of them.
fn spelled(
    characters: &[char],
    text: &str,
    least: usize,
    ways: impl Fn(char, &str, &mut dyn FnMut(usize)),
) -> Option<usize> {
    // Where the next character may begin: `%` may be one or begin one, so that there are several.
    let (mut places, mut next): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut before = None;
    for (count, character) in characters.iter().enumerate() {
        if count >= least && places.iter().any(|place| is_cut(&text[*place..])) {
            return Some(text.len());
        }
        // Backslashes are as many as it was escaped often, so that those of a row can't be told apart.
        if *character == '\\' && before == Some('\\') {
            continue;
        }
        if before.is_none() {
            places.push(0);
        }
        before = Some(*character);
        for place in &places {
            ways(*character, &text[*place..], &mut |length| {
                if !next.contains(&(place + length)) {
                    next.push(place + length);
                }
            });
        }
        std::mem::swap(&mut places, &mut next);
        next.clear();
        if places.is_empty() {
            return None;
        }
    }
    places.into_iter().max()
}

/// Whether this is where a text was cut, maybe within what stands for one character.
fn is_cut(rest: &str) -> bool {
    let unescaped = rest.trim_start_matches('\\');
    let is_hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if unescaped.is_empty() {
        return true;
    }
    match unescaped.split_at_checked(1) {
        Some(("u", digits)) if unescaped.len() < rest.len() => {
            digits.len() < 4 && is_hexadecimal(digits)
        }
        Some(("%", digits)) => {
            digits.len() < LONGEST_ESCAPE && digits.split('%').all(is_hexadecimal)
        }
        Some(("&", name)) => {
            let plain = |byte: u8| byte == b'#' || byte.is_ascii_alphanumeric();
            name.len() < LONGEST_ESCAPE && name.bytes().all(plain)
        }
        _ => false,
    }
}

/// Tells how much of what `text` begins with is this character, in each way in which it may be.
fn ways(character: char, text: &str, found: &mut dyn FnMut(usize)) {
    let slashes = text.bytes().take_while(|byte| *byte == b'\\').count();
    if slashes > MOST_SLASHES {
        return;
    }
    let behind = &text[slashes..];
    match character {
        '\\' if slashes > 0 => found(slashes),
        '\\' => {}
        _ if behind.starts_with(character) => found(slashes + character.len_utf8()),
        ' ' if text.starts_with('+') => found(1),
        _ => {}
    }
    if slashes > 0 {
        if let Some(length) = escaped(character, behind) {
            found(slashes + length);
        }
    } else if let Some(length) =
        percent_encoded(character, text).or_else(|| entity(character, text))
    {
        found(length);
    }
}

/// The same for a letter of Base64: two of them have others in URLs.
fn ways_of_base64(letter: char, text: &str, found: &mut dyn FnMut(usize)) {
    ways(letter, text, found);
    match letter {
        '+' => ways('-', text, found),
        '/' => ways('_', text, found),
        _ => {}
    }
}

/// What stands behind the backslash that JSON escapes a character with.
fn escaped(character: char, text: &str) -> Option<usize> {
    let short = match character {
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        _ => 'u',
    };
    if short != 'u' && text.starts_with(short) {
        return Some(1);
    }
    let mut units = [0; 2];
    let (mut rest, mut first) = (text, true);
    for unit in character.encode_utf16(&mut units) {
        if !first {
            // Of a pair, each has its backslashes.
            rest = rest.trim_start_matches('\\');
        }
        first = false;
        let digits = rest.strip_prefix('u')?.get(..4)?;
        if u16::from_str_radix(digits, 16) != Ok(*unit) {
            return None;
        }
        rest = &rest[5..];
    }
    Some(text.len() - rest.len())
}

/// As URLs and forms have it, also when they were encoded again.
fn percent_encoded(character: char, text: &str) -> Option<usize> {
    let mut bytes = [0; 4];
    let mut rest = text;
    for byte in character.encode_utf8(&mut bytes).bytes() {
        rest = rest.strip_prefix('%')?;
        for _ in 0..MOST_PERCENT {
            match rest.strip_prefix("25") {
                // What is left is the sign's own code, if it is the sign that is looked for.
                Some(behind) if byte != b'%' || hexadecimal(behind) == Some(b'%') => rest = behind,
                _ => break,
            }
        }
        if hexadecimal(rest) != Some(byte) {
            return None;
        }
        rest = &rest[2..];
    }
    Some(text.len() - rest.len())
}

fn hexadecimal(text: &str) -> Option<u8> {
    let digits = text.get(..2)?;
    u8::from_str_radix(digits, 16).ok()
}

/// As HTML and XML have it.
fn entity(character: char, text: &str) -> Option<usize> {
    let rest = text.strip_prefix('&')?;
    // The longest is `#x10ffff`.
    let name = rest.get(..rest.bytes().take(9).position(|byte| byte == b';')?)?;
    let is = match name.strip_prefix('#') {
        None => matches!(
            (name, character),
            ("amp", '&') | ("lt", '<') | ("gt", '>') | ("quot", '"') | ("apos", '\'')
        ),
        Some(code) => {
            let code = match code.strip_prefix(['x', 'X']) {
                Some(code) => u32::from_str_radix(code, 16),
                None => code.parse(),
            };
            code == Ok(u32::from(character))
        }
    };
    is.then_some(name.len() + 2)
}

/// What Base64 makes of these bytes behind so many others (0 to 2), without the letters that what stands
/// around has a part in.
fn base64_within(bytes: &[u8], before: usize) -> Vec<char> {
    let group = [&[0_u8; 2][..before], bytes].concat();
    let letters = STANDARD_NO_PAD.encode(&group);
    let (first, end) = ((before * 8).div_ceil(6), group.len() * 8 / 6);
    letters.chars().take(end).skip(first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(secret: &str, text: &str) -> String {
        let written = Written::new(secret).unwrap();
        let out = written.taken_out(text, "[secret]");
        out.unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let secret = "wJ/aé \"l'r\\X+k&🦀%z";
        for text in [
            secret,
            // JSON; with ASCII only; with slashes escaped; within JSON.
            r#"wJ/aé \"l'r\\X+k&🦀%z"#,
            r#"wJ\/a\u00e9 \"l'r\\X+k\u0026\ud83e\udd80%z"#,
            r#"wJ\u002Fa\u00E9\u0020\u0022l\u0027r\u005cX\u002bk\u0026\uD83E\uDD80\u0025z"#,
            r#"wJ\\\/a\\u00e9 \\\"l'r\\\\X+k&\\ud83e\\udd80%z"#,
            // URLs and forms, strict and not, in small letters, encoded twice.
            "wJ%2Fa%C3%A9%20%22l'r%5CX%2Bk%26%F0%9F%A6%80%25z",
            "wJ%2fa%c3%a9+%22l%27r%5cX%2bk%26%f0%9f%a6%80%25z",
            "wJ%252Fa%25C3%25A9%2520%2522l%2527r%255CX%252Bk%2526%25F0%259F%25A6%2580%2525z",
            // HTML and XML.
            "wJ/aé &quot;l&#39;r\\X+k&amp;🦀%z",
            "wJ&#x2F;a&#233; &#34;l&apos;r&#92;X+k&amp;&#x1f980;%z",
        ] {
            let (before, behind) = ("{\"error\":\"bad key ", "\"} w wJ/!");
            let found = redacted(secret, &format!("{before}{text}{behind}"));
            assert_eq!(found, format!("{before}[secret]{behind}"), "{text}");
        }
    }

    #[test]
    fn base64_is_found_wherever_it_begins() {
        use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
        let secret = "s3cr3t?>~~key>?";
        for user in ["", "a", "ab", "abc", "abcd"] {
            for password in [secret.to_owned(), format!("{secret}:x")] {
                for encoded in [
                    STANDARD.encode(format!("{user}{password}")),
                    URL_SAFE_NO_PAD.encode(format!("{user}{password}")),
                ] {
                    let found = redacted(secret, &format!("Basic {encoded}."));
                    assert!(found.contains("[secret]"), "{encoded}: {found}");
                    // What is left are the letters that it has only a part in.
                    let left = found.len() - "Basic [secret].".len();
                    assert!(left <= user.len().div_ceil(3) * 4 + 8, "{found}");
                }
            }
        }
    }

    #[test]
    fn of_a_text_that_was_cut_the_beginning_goes_too() {
        assert_eq!(redacted("wJalrXUtnFEMI", "key wJalrX"), "key [secret]");
        assert_eq!(redacted("wJalrXUtnFEMI", "key wJa"), "key wJa");
        assert_eq!(redacted("wJalrXUtnFEMI", "key wJalrX!"), "key wJalrX!");
        for cut in ["\\", "\\\\u", "\\u00e", "%", "%C", "%C3%A", "&", "&#23"] {
            assert_eq!(
                redacted("wJalé9", &format!("key wJal{cut}")),
                "key [secret]"
            );
            assert_ne!(
                redacted("wJalé9", &format!("key wJal{cut}!")),
                "key [secret]!"
            );
        }
    }

    #[test]
    fn a_secret_stands_several_times_and_side_by_side() {
        assert_eq!(
            redacted("abcd", "abcdabcd-abcd-abc"),
            "[secret][secret]-[secret]-abc"
        );
        assert_eq!(
            redacted(r"a\\b\c", r"a\\b\c a\\\\b\\c"),
            "[secret] [secret]"
        );
        assert_eq!(
            redacted("100%", "100% 100%25 100%2525 100%"),
            "[secret] [secret] [secret] [secret]"
        );
        assert!(Written::new("abc").is_none());
        assert!(Written::new("  abc ").is_none());
    }

    #[test]
    fn texts_that_only_look_escaped_break_nothing() {
        for text in [
            "%",
            "%2",
            "%é2",
            "\\",
            "\\u",
            "\\u00é",
            "&",
            "&;",
            "&#;",
            "&#x;",
            "&#99999999;",
            "\\\\\\",
            "%25%25%25",
            "é&é",
        ] {
            assert_eq!(redacted("secret%&\\", text), text);
            let double = format!("{text}{text}");
            assert_eq!(redacted("secret%&\\", &double), double);
        }
    }
}
