//! Text in the character sets that Java has, for `?url`.

/// Character sets of one byte a character, two lines each: the names, and the characters from 0x80 on, where `=` is the
/// one with the byte's number and `-` is none. `tools/CharsetData.java` writes it.
const TABLES: &str = include_str!("charsets.txt");

/// The bytes of `text`, with `?` for what the character set lacks; `None` if the set isn't known.
pub(super) fn encode(text: &str, charset: &str) -> Option<Vec<u8>> {
    let up_to = |last: u8| {
        let byte = |c: char| u8::try_from(c).ok().filter(|byte| *byte <= last);
        text.chars().map(|c| byte(c).unwrap_or(b'?')).collect()
    };
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes);
    let utf32 = |to_bytes: fn(u32) -> [u8; 4]| text.chars().map(u32::from).flat_map(to_bytes);
    Some(match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "unicode-1-1-utf-8" => text.as_bytes().to_vec(),
        "iso-8859-1" | "iso8859_1" | "iso8859-1" | "iso_8859-1" | "iso_8859_1"
        | "iso_8859-1:1987" | "8859_1" | "latin1" | "l1" | "iso-ir-100" | "cp819" | "819"
        | "ibm819" | "ibm-819" | "csisolatin1" => up_to(0xff),
        "us-ascii" | "ascii" | "ascii7" | "us" | "iso646-us" | "646" | "iso-ir-6" | "cp367"
        | "ibm367" | "csascii" | "ansi_x3.4-1968" | "ansi_x3.4-1986" | "iso_646.irv:1983"
        | "iso_646.irv:1991" | "default" => up_to(0x7f),
        "utf-16be" | "utf_16be" | "x-utf-16be" | "iso-10646-ucs-2" | "unicodebigunmarked" => {
            utf16(u16::to_be_bytes).collect()
        }
        "utf-16le" | "utf_16le" | "x-utf-16le" | "unicodelittleunmarked" => {
            utf16(u16::to_le_bytes).collect()
        }
        // With a mark of the order of bytes.
        "utf-16" | "utf_16" | "utf16" | "unicode" | "unicodebig" => [0xfe, 0xff]
            .into_iter()
            .chain(utf16(u16::to_be_bytes))
            .collect(),
        "utf-32" | "utf_32" | "utf32" | "utf-32be" | "utf_32be" | "x-utf-32be" => {
            utf32(u32::to_be_bytes).collect()
        }
        "utf-32le" | "utf_32le" | "x-utf-32le" => utf32(u32::to_le_bytes).collect(),
        other => return encode_by_table(text, other),
    })
}

fn encode_by_table(text: &str, charset: &str) -> Option<Vec<u8>> {
    let mut lines = TABLES.lines();
    let characters = loop {
        let (names, characters) = (lines.next()?, lines.next()?);
        let mut names = names.split(' ');
        if names.any(|name| name.eq_ignore_ascii_case(charset)) {
            break characters;
        }
    };
    let upper_half: Vec<Option<char>> = (0x80..=0xffu8)
        .zip(characters.split(' '))
        .map(|(byte, character)| match character {
            "-" => None,
            "=" => Some(char::from(byte)),
            code => u32::from_str_radix(code, 16).ok().and_then(char::from_u32),
        })
        .collect();
    let encode = |c: char| match u8::try_from(c) {
        Ok(byte) if byte < 0x80 => byte,
        _ => {
            let at = upper_half.iter().position(|known| *known == Some(c));
            at.map_or(b'?', |at| 0x80 + at as u8)
        }
    };
    Some(text.chars().map(encode).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_character_set_lacks_is_a_question_mark() {
        assert_eq!(encode("aä€", "ISO-8859-1"), Some(b"a\xe4?".to_vec()));
        assert_eq!(encode("aä", "us-ascii"), Some(b"a?".to_vec()));
        assert_eq!(encode("ä€¤", "ISO-8859-15"), Some(b"\xe4\xa4?".to_vec()));
        assert_eq!(encode("łя", "latin2"), Some(b"\xb3?".to_vec()));
        assert_eq!(encode("€я", "Windows-1251"), Some(b"\x88\xff".to_vec()));
        assert_eq!(encode("€", "UTF-16"), Some(vec![0xfe, 0xff, 0x20, 0xac]));
        assert_eq!(encode("a", "klingon"), None);
    }

    #[test]
    fn every_table_has_the_whole_upper_half() {
        let lines: Vec<_> = TABLES.lines().collect();
        assert_eq!(lines.len() % 2, 0);
        for pair in lines.chunks(2) {
            assert_eq!(pair[1].split(' ').count(), 128, "{}", pair[0]);
        }
    }
}
