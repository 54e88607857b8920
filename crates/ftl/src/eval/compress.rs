//! What `<#compress>` leaves of white-space.

/// What stands for a run of white-space: its first line break, if it has one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Blank,
    /// A `\r` that may be the first half of a line break.
    CarriageReturn,
    Break(&'static str),
}

impl Gap {
    /// What stands for the run with `c` after it.
    fn with(self, c: char) -> Self {
        match (self, c) {
            (Self::Blank, '\r') => Self::CarriageReturn,
            (Self::Blank, '\n') => Self::Break("\n"),
            (Self::CarriageReturn, '\n') => Self::Break("\r\n"),
            (Self::CarriageReturn, _) => Self::Break("\r"),
            (gap, _) => gap,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Blank => " ",
            Self::CarriageReturn => "\r",
            Self::Break(text) => text,
        }
    }
}

/// Writes `text` with each run of white-space as one blank or one line break, and with none at its ends; in `one_line`
/// every run is a blank.
pub(super) fn compress(text: &str, one_line: bool, out: &mut Vec<u8>) {
    let mut gap: Option<Gap> = None;
    let mut started = false;
    for c in text.chars() {
        if is_java_whitespace(c) {
            gap = Some(gap.unwrap_or(Gap::Blank).with(c));
            continue;
        }
        if let Some(gap) = gap.take()
            && started
        {
            let gap = if one_line { Gap::Blank } else { gap };
            out.extend_from_slice(gap.text().as_bytes());
        }
        started = true;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Java's `Character.isWhitespace`: spaces that don't break lines, and U+0085, aren't.
fn is_java_whitespace(c: char) -> bool {
    match c {
        '\u{1c}'..='\u{1f}' => true,
        '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}' => false,
        _ => c.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_keeps_its_first_line_break() {
        let mut out = Vec::new();
        compress(" a  b\r\n\n c\r d\n\re\u{3000}f\u{a0}g ", false, &mut out);
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            "a b\r\nc\rd\ne f\u{a0}g"
        );
    }
}
