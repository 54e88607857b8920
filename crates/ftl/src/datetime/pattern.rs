//! `SimpleDateFormat` patterns, in their parts.

/// Longest pattern; `SimpleDateFormat` knows no limit, but a width is an allocation.
const MAX_PATTERN: usize = 4_096;

const LETTERS: &str = "GyMdkHmsSEDFwWahKzZYuXL";

/// A compiled pattern. What depends on the locale is added when a date is written or read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    pub(super) parts: Vec<Part>,
    /// Whether a month is all there is, which then takes the form that stands alone.
    pub(super) is_lone_month: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Field { letter: char, width: usize },
}

impl Pattern {
    /// Compiles a pattern. The errors are Java's.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err(format!(
                "the date pattern is longer than {MAX_PATTERN} bytes"
            ));
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut text = String::new();
        let mut quoted = false;
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\'' {
                if chars.next_if_eq(&'\'').is_some() {
                    text.push('\'');
                } else {
                    quoted = !quoted;
                }
            } else if quoted || !c.is_ascii_alphabetic() {
                text.push(c);
            } else {
                let mut width = 1;
                while chars.next_if_eq(&c).is_some() {
                    width += 1;
                }
                if !LETTERS.contains(c) {
                    return Err(format!("Illegal pattern character '{c}'"));
                }
                if c == 'X' && width > 3 {
                    return Err(format!("invalid ISO 8601 format: length={width}"));
                }
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Field { letter: c, width });
            }
        }
        if quoted {
            return Err("Unterminated quote".to_owned());
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let mut fields = parts.iter().filter_map(|part| match part {
            Part::Field { letter, .. } => Some(*letter),
            Part::Text(_) => None,
        });
        let is_lone_month = fields.next() == Some('M') && fields.next().is_none();
        Ok(Self {
            parts,
            is_lone_month,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_make_text_of_letters() {
        let pattern = Pattern::parse("yyyy'T'''MM").expect("a pattern");
        let field = |letter, width| Part::Field { letter, width };
        assert_eq!(
            pattern.parts,
            [field('y', 4), Part::Text("T'".to_owned()), field('M', 2)]
        );
    }

    #[test]
    fn what_is_malformed_is_told_in_javas_words() {
        for (pattern, message) in [
            ("bbb", "Illegal pattern character 'b'"),
            ("yyyy '", "Unterminated quote"),
            ("XXXX", "invalid ISO 8601 format: length=4"),
        ] {
            assert_eq!(Pattern::parse(pattern).expect_err(pattern), message);
        }
        assert!(Pattern::parse(&"y".repeat(1 << 20)).is_err());
    }
}
