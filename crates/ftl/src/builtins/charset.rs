//! Text in the character sets that Java always has, for `?url`.

const LATIN9: [(char, u8); 8] = [
    ('€', 0xa4),
    ('Š', 0xa6),
    ('š', 0xa8),
    ('Ž', 0xb4),
    ('ž', 0xb8),
    ('Œ', 0xbc),
    ('œ', 0xbd),
    ('Ÿ', 0xbe),
];

/// The bytes of `text`, with `?` for what the character set lacks; `None` if the set isn't known.
pub(super) fn encode(text: &str, charset: &str) -> Option<Vec<u8>> {
    let up_to = |last: u8| {
        let byte = |c: char| u8::try_from(c).ok().filter(|byte| *byte <= last);
        text.chars().map(|c| byte(c).unwrap_or(b'?')).collect()
    };
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes);
    // Latin 9 has eight signs in the place of others.
    let latin9 = |c: char| {
        let place = LATIN9.iter().find(|(sign, _)| *sign == c);
        let byte = u8::try_from(c).ok();
        let byte = byte.filter(|byte| LATIN9.iter().all(|(_, replaced)| replaced != byte));
        place.map(|(_, byte)| *byte).or(byte).unwrap_or(b'?')
    };
    Some(match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => text.as_bytes().to_vec(),
        "iso-8859-1" | "iso8859_1" | "latin1" => up_to(0xff),
        "iso-8859-15" | "latin9" => text.chars().map(latin9).collect(),
        "us-ascii" | "ascii" => up_to(0x7f),
        "utf-16be" => utf16(u16::to_be_bytes).collect(),
        "utf-16le" => utf16(u16::to_le_bytes).collect(),
        // With a mark of the order of bytes.
        "utf-16" => [0xfe, 0xff]
            .into_iter()
            .chain(utf16(u16::to_be_bytes))
            .collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_character_set_lacks_is_a_question_mark() {
        assert_eq!(encode("aä€", "ISO-8859-1"), Some(b"a\xe4?".to_vec()));
        assert_eq!(encode("aä", "us-ascii"), Some(b"a?".to_vec()));
        assert_eq!(encode("ä€¤", "ISO-8859-15"), Some(b"\xe4\xa4?".to_vec()));
        assert_eq!(encode("€", "UTF-16"), Some(vec![0xfe, 0xff, 0x20, 0xac]));
        assert_eq!(encode("a", "klingon"), None);
    }
}
