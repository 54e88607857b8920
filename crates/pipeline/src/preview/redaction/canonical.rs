//! Texts as they read when everything that is written in another way is undone: JSON's, HTML's and URLs'
//! escapes, one in the other, and case. Of two ways to write a text both read the same, so that one text is
//! looked for in another by reading both so. What stands before and behind it may look like a part of an escape
//! together with it: so a text is also read as it stands, but for case. It takes time in proportion to the text,
//! whatever it is.

/// One in the other so often, and no deeper.
const PASSES: usize = 4;

/// The longest escape that a text may end within.
const LONGEST_ESCAPE: usize = 12;

/// Names of ASCII characters in HTML.
const NAMED: [(&str, char); 35] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
];

/// A text as it reads.
pub(super) struct Canonical {
    /// As it reads, in small letters, and with a space for each plus.
    text: String,
    /// For each byte of it, where in the original what it stands for begins and ends.
    spans: Vec<(u32, u32)>,
}

/// A character, and where in the original what it stands for begins and ends.
type Read = (char, u32, u32);

impl Canonical {
    /// With all escapes undone.
    pub(super) fn of(original: &str) -> Self {
        Self::read(original, PASSES)
    }

    /// As it stands.
    pub(super) fn plain(original: &str) -> Self {
        Self::read(original, 0)
    }

    fn read(original: &str, passes: usize) -> Self {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let whole = original.char_indices();
        let whole = whole.map(|(at, c)| (c, place(at), place(at + c.len_utf8())));
        let mut read: Vec<Read> = whole.collect();
        for _ in 0..passes {
            let before = read.len();
            read = undone(&read);
            if read.len() == before {
                break;
            }
        }
        let (mut text, mut spans) = (String::with_capacity(read.len()), Vec::new());
        for (c, from, to) in read {
            match c {
                '+' => text.push(' '),
                c if c.is_ascii() => text.push(c.to_ascii_lowercase()),
                // Of those that are written alike in capitals (`ς` and `σ`, `ß` and `ss`) one stands for all.
                c => text.extend(c.to_uppercase().flat_map(char::to_lowercase)),
            }
            spans.resize(text.len(), (from, to));
        }
        Self { text, spans }
    }

    /// The same without line breaks, which stand anywhere in Base64; `None` if there are none.
    pub(super) fn unwrapped(&self) -> Option<Self> {
        let breaks = |c: char| matches!(c, '\n' | '\r');
        self.text.contains(breaks).then(|| {
            let (mut text, mut spans) = (String::with_capacity(self.text.len()), Vec::new());
            let kept = self.text.char_indices().filter(|(_, c)| !breaks(*c));
            for (at, c) in kept {
                text.push(c);
                spans.resize(text.len(), self.spans[at]);
            }
            Self { text, spans }
        })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where in the original these bytes of it stand; `None` for none.
    pub(super) fn original(&self, range: std::ops::Range<usize>) -> Option<(usize, usize)> {
        let (first, last) = (
            self.spans.get(range.start)?,
            self.spans.get(range.end.checked_sub(1)?)?,
        );
        Some((first.0 as usize, last.1 as usize))
    }

    /// The text without the escape that it may be cut within.
    pub(super) fn without_cut(&self) -> &str {
        let from = self.text.len().saturating_sub(4 * LONGEST_ESCAPE);
        let mut near = self.text.char_indices().rev();
        let near = near.by_ref().take_while(|(at, _)| *at >= from);
        let begun = near.filter(|(at, _)| is_cut(&self.text[*at..])).last();
        begun.map_or(&self.text, |(at, _)| &self.text[..at])
    }
}

/// Whether this is the beginning of what stands for one character.
fn is_cut(rest: &str) -> bool {
    let is_hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match rest.split_at_checked(1) {
        Some(("\\", rest)) => match rest.strip_prefix(['u', 'x']) {
            Some(digits) => digits.len() < 4 && is_hexadecimal(digits),
            None => rest.is_empty(),
        },
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

/// The text with one layer of escapes undone.
fn undone(text: &[Read]) -> Vec<Read> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&(first, from, to)) = text.get(at) {
        let rest = &text[at..];
        let found = match first {
            '\\' => backslash(rest),
            '%' => percent(rest),
            '&' => entity(rest),
            _ => None,
        };
        match found {
            Some((c, length)) => {
                out.push((c, from, text[at + length - 1].2));
                at += length;
            }
            None => {
                out.push((first, from, to));
                at += 1;
            }
        }
    }
    out
}

fn char_at(text: &[Read], at: usize) -> Option<char> {
    text.get(at).map(|read| read.0)
}

/// The number that so many hexadecimal digits are.
fn hexadecimal(text: &[Read], from: usize, digits: usize) -> Option<u32> {
    let digits = text.get(from..from + digits)?;
    digits
        .iter()
        .try_fold(0, |number, (c, ..)| Some(number * 16 + c.to_digit(16)?))
}

/// A character behind backslashes, of which there are as many as it was escaped often: so that those in a row
/// can't be told apart, and count as one.
fn backslash(text: &[Read]) -> Option<(char, usize)> {
    let slashes = text.iter().take_while(|read| read.0 == '\\').count();
    let plain = match char_at(text, slashes) {
        None => return (slashes > 1).then_some(('\\', slashes)),
        Some('u') if char_at(text, slashes + 1) == Some('{') => {
            return braced(text, slashes).or(Some(('\\', slashes)));
        }
        Some('u') => return unit(text, slashes).or(Some(('\\', slashes))),
        Some('x') => {
            let code = hexadecimal(text, slashes + 1, 2);
            let found = code.and_then(char::from_u32).map(|c| (c, slashes + 3));
            return found.or(Some(('\\', slashes)));
        }
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        // What stands for another character is undone before.
        Some('%' | '&') => return Some(('\\', slashes)).filter(|_| slashes > 1),
        Some(c) => c,
    };
    Some((plain, slashes + 1))
}

/// `u{1f980}`
fn braced(text: &[Read], at: usize) -> Option<(char, usize)> {
    let digits = text[at + 2..]
        .iter()
        .take(7)
        .position(|read| read.0 == '}')?;
    let code = hexadecimal(text, at + 2, digits)?;
    Some((char::from_u32(code)?, at + digits + 3))
}

/// `ud83e\udd80`: one unit of UTF-16, or two with backslashes of their own.
fn unit(text: &[Read], at: usize) -> Option<(char, usize)> {
    let first = hexadecimal(text, at + 1, 4)?;
    if let Some(c) = char::from_u32(first) {
        return Some((c, at + 5));
    }
    let slashes = text[at + 5..]
        .iter()
        .take_while(|read| read.0 == '\\')
        .count();
    let second = at + 5 + slashes;
    if char_at(text, second) != Some('u') {
        return None;
    }
    let units = [first, hexadecimal(text, second + 1, 4)?].map(|unit| unit as u16);
    let c = char::decode_utf16(units).next()?.ok()?;
    Some((c, second + 5))
}

/// As URLs and forms have it, also where the sign itself was encoded again and again.
fn percent(text: &[Read]) -> Option<(char, usize)> {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while bytes.len() < 4 && char_at(text, at) == Some('%') {
        at += 1;
        while char_at(text, at) == Some('2')
            && char_at(text, at + 1) == Some('5')
            && hexadecimal(text, at + 2, 2).is_some()
        {
            at += 2;
        }
        let Some(byte) = hexadecimal(text, at, 2) else {
            break;
        };
        at += 2;
        bytes.push(byte as u8);
        if let Ok(read) = std::str::from_utf8(&bytes) {
            return Some((read.chars().next()?, at));
        }
    }
    None
}

/// As HTML and XML have it.
fn entity(text: &[Read]) -> Option<(char, usize)> {
    let end = text
        .iter()
        .take(LONGEST_ESCAPE)
        .position(|read| read.0 == ';')?;
    let name: String = text[1..end].iter().map(|read| read.0).collect();
    let c = match name.strip_prefix('#') {
        Some(code) => {
            let code = match code.strip_prefix(['x', 'X']) {
                Some(code) => u32::from_str_radix(code, 16),
                None => code.parse(),
            };
            char::from_u32(code.ok()?)?
        }
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c, end + 1))
}
