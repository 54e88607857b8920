//! Names that people give: of organisations, projects, syncs, tokens and themselves. Others read them,
//! in lists and letters, and shall read what is there.

/// Most characters of a name.
pub const LONGEST: usize = 200;

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// There is nothing to be read.
    #[error("give it a name")]
    Empty,
    /// It has too many characters.
    #[error("at most {LONGEST} characters, not {0}")]
    TooLong(usize),
    /// It has a character that isn't seen, breaks the line or changes the order in which others are
    /// read.
    #[error("no control, format or other invisible characters: U+{:04X} is one", u32::from(*.0))]
    Unreadable(char),
}

/// A name as it is kept: without white space at its ends.
///
/// # Errors
///
/// Why the text is none.
pub fn parse(text: &str) -> Result<&str, NotAName> {
    let name = text.trim();
    if name.is_empty() {
        return Err(NotAName::Empty);
    }
    if let Some(unreadable) = name.chars().find(|&c| is_unreadable(c)) {
        return Err(NotAName::Unreadable(unreadable));
    }
    match name.chars().count() {
        length if length > LONGEST => Err(NotAName::TooLong(length)),
        _ => Ok(name),
    }
}

/// The same text with a space for each character that no name may have: of what comes from elsewhere.
pub fn readable(text: &str) -> String {
    let readable = text.chars().map(|c| if is_unreadable(c) { ' ' } else { c });
    readable.collect()
}

/// Whether it is a control or format character (categories Cc, Cf), a line or paragraph separator
/// (Zl, Zp), no character at all, or drawn as nothing: what Unicode calls default ignorable, and the
/// braille pattern without dots.
pub fn is_unreadable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        // The property Default_Ignorable_Code_Point, as far as it isn't among the above: joiners, fillers
        // of Hangul syllables, inherent vowels, variation selectors, and what is kept for more of these.
        || matches!(c,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{e0000}'..='\u{e0fff}')
        || c == '\u{2800}'
        || is_noncharacter(c)
}

/// Whether it changes the order in which others are read: embeddings, overrides and isolates of
/// directions. Texts of any script can be written without.
pub fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether it is a code point that never stands for a character.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_is_read() {
        for name in [
            "M\u{fc}ller & Co",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
            "\u{1f600}",
            "a",
        ] {
            assert_eq!(parse(&format!(" {name}\u{2003}")), Ok(name));
        }
        assert_eq!(parse(" \n"), Err(NotAName::Empty));
        for c in [
            '\0',
            '\n',
            '\u{85}',
            '\u{ad}',
            '\u{200d}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{3164}',
            '\u{e0041}',
            '\u{34f}',
            '\u{17b5}',
            '\u{180f}',
            '\u{2800}',
            '\u{fe0f}',
            '\u{fff8}',
            '\u{e01ef}',
            '\u{e0fff}',
            '\u{fdd0}',
            '\u{fffe}',
            '\u{1ffff}',
            '\u{10fffe}',
        ] {
            assert_eq!(
                parse(&format!("a{c}b")),
                Err(NotAName::Unreadable(c)),
                "{c:?}"
            );
            assert_eq!(readable(&format!("a{c}b")), "a b");
        }
        assert_eq!(parse(&"\u{fc}".repeat(200)), Ok(&*"\u{fc}".repeat(200)));
        assert_eq!(parse(&"a".repeat(201)), Err(NotAName::TooLong(201)));
        let message = NotAName::Unreadable('\u{202e}').to_string();
        assert!(message.ends_with("U+202E is one"), "{message}");
    }
}
