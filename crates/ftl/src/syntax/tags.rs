//! Tags: their names, where they begin and end.

use super::identifiers::is_identifier;
use super::lexer::Token;
use super::options::{Interpolations, Tags};
use super::parser::{Parser, Result, UNEXPECTED_END};
use super::source::Src;

/// How a tag goes on after its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// White-space, then parameters.
    Parameters,
    /// The end of the tag.
    End,
    /// The end of the tag, which may be `/>`.
    AnyEnd,
    /// Either.
    Both,
    /// White-space, `as`, white-space, and parameters.
    As,
}

/// The directives, by the spelling in lower case.
const DIRECTIVES: &[(&str, Follows)] = &[
    ("assign", Follows::Parameters),
    ("attempt", Follows::End),
    ("autoesc", Follows::End),
    ("break", Follows::AnyEnd),
    ("call", Follows::Parameters),
    ("case", Follows::Parameters),
    ("comment", Follows::End),
    ("compress", Follows::End),
    ("continue", Follows::AnyEnd),
    ("default", Follows::End),
    ("else", Follows::AnyEnd),
    ("elseif", Follows::Parameters),
    ("escape", Follows::Parameters),
    ("fallback", Follows::AnyEnd),
    ("flush", Follows::AnyEnd),
    ("foreach", Follows::Parameters),
    ("function", Follows::Parameters),
    ("ftl", Follows::Both),
    ("global", Follows::Parameters),
    ("if", Follows::Parameters),
    ("import", Follows::Parameters),
    ("include", Follows::Parameters),
    ("items", Follows::As),
    ("list", Follows::Parameters),
    ("local", Follows::Parameters),
    ("lt", Follows::AnyEnd),
    ("macro", Follows::Parameters),
    ("nested", Follows::Both),
    ("noautoesc", Follows::End),
    ("noescape", Follows::End),
    ("noparse", Follows::End),
    ("nt", Follows::AnyEnd),
    ("on", Follows::Parameters),
    ("outputformat", Follows::Parameters),
    ("recover", Follows::End),
    ("recurse", Follows::Both),
    ("return", Follows::Both),
    ("rt", Follows::AnyEnd),
    ("sep", Follows::End),
    ("setting", Follows::Parameters),
    ("stop", Follows::Both),
    ("switch", Follows::Parameters),
    ("t", Follows::AnyEnd),
    ("transform", Follows::Parameters),
    ("visit", Follows::Parameters),
];

/// The names of the directives, in lower case, whether they are available or refused: for editors and for tests.
pub fn directive_names() -> impl Iterator<Item = &'static str> {
    DIRECTIVES.iter().map(|(name, _)| *name)
}

/// End tags, with the slash.
const END_TAGS: &[&str] = &[
    "/assign",
    "/attempt",
    "/autoesc",
    "/comment",
    "/compress",
    "/escape",
    "/foreach",
    "/function",
    "/global",
    "/if",
    "/items",
    "/list",
    "/local",
    "/macro",
    "/noautoesc",
    "/noescape",
    "/noparse",
    "/outputformat",
    "/recover",
    "/sep",
    "/switch",
    "/transform",
];

/// Names of two words, which camelCase spells differently.
const CAMEL: &[(&str, &str)] = &[
    ("autoEsc", "autoesc"),
    ("elseIf", "elseif"),
    ("forEach", "foreach"),
    ("noAutoEsc", "noautoesc"),
    ("noEscape", "noescape"),
    ("noParse", "noparse"),
    ("outputFormat", "outputformat"),
];

/// The tag at the current position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag {
    /// The directive's name in lower case; an end tag's begins with a slash.
    pub(crate) name: &'static str,
    pub(crate) square: bool,
    /// Bytes up to the end of the name.
    pub(crate) len: usize,
    /// Whether white-space and parameters follow.
    pub(crate) has_parameters: bool,
}

impl<'s> Parser<'s> {
    /// Bytes before the next tag, interpolation or comment.
    pub(crate) fn text_len(&self) -> usize {
        let bytes = &self.text.as_bytes()[self.pos..];
        let mut at = 0;
        while let Some(skip) = bytes[at..]
            .iter()
            .position(|byte| matches!(byte, b'<' | b'[' | b'$' | b'#'))
        {
            at += skip;
            if self.is_markup(&bytes[at..]) {
                return at;
            }
            at += 1;
        }
        bytes.len()
    }

    /// Whether a tag, an interpolation or a comment begins here.
    pub(crate) fn is_markup(&self, bytes: &[u8]) -> bool {
        if self.interpolation_at(bytes).is_some()
            || self.is_any_sep(bytes)
            || self.is_early_header(bytes)
        {
            return true;
        }
        let bracket_fits = match (bytes[0], self.tags) {
            (b'<', Tags::Angle | Tags::Auto) | (b'[', Tags::Square | Tags::Auto) => true,
            _ => return false,
        };
        let is_name = |c: u8| c.is_ascii_alphabetic() || c == b'_';
        bracket_fits
            && match bytes[1..] {
                [b'@', ..] | [b'#', b'-', b'-', ..] => true,
                [b'/', b'@', ..] => call_end(bytes).is_some(),
                [b'#', c, ..] | [b'/', b'#', c, ..] => {
                    is_name(c) && (self.refuses_unknown_tags() || is_directive(bytes))
                }
                [c, ..] if self.loose_tags && bytes[0] == b'<' && (is_name(c) || c == b'/') => {
                    is_loose_tag(bytes)
                }
                _ => false,
            }
    }

    /// Before 2.3.34 `#sep` was a tag in either brackets, and without its `#`, whatever the others look like.
    fn is_any_sep(&self, bytes: &[u8]) -> bool {
        let name = [&b"<sep"[..], b"<#sep", b"[#sep"]
            .into_iter()
            .find(|name| bytes.starts_with(name));
        name.is_some_and(|name| {
            !self.options.version.has(34)
                && follows_fits(Follows::End, &bytes[name.len()..]).is_some()
        })
    }

    /// A header is a tag in either brackets as long as no other tag has been there.
    fn is_early_header(&self, bytes: &[u8]) -> bool {
        const LEN: usize = "<#ftl".len();
        let is_header = bytes.starts_with(b"<#ftl") || bytes.starts_with(b"[#ftl");
        is_header
            && !self.established
            && matches!(
                bytes[LEN..],
                [b' ' | b'\t' | b'\n' | b'\r' | b'>' | b']', ..] | [b'/', b'>' | b']', ..]
            )
    }

    /// Old versions take what isn't a directive for text, up to the first tag that is one.
    fn refuses_unknown_tags(&self) -> bool {
        self.established || self.options.version.has(19)
    }

    /// Notes the brackets of a tag: from the first one on, the others are text. Tags that may lack their `#` leave the
    /// matter open.
    pub(crate) fn establish(&mut self, square: bool) {
        self.last_is_square = square;
        if !self.loose_tags {
            self.tags = if square { Tags::Square } else { Tags::Angle };
            self.established = true;
        }
    }

    /// Reads the tag at the current position, without stepping over it; it begins with `<#` or `</#`.
    pub(crate) fn tag(&mut self) -> Result<Tag> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let square = bytes[0] == b'[';
        let closing = bytes.get(1) == Some(&b'/');
        let mut prefix = 1 + usize::from(closing);
        if bytes.get(prefix) == Some(&b'#') {
            prefix += 1;
        }
        let name_len = bytes[prefix..]
            .iter()
            .position(|c| !c.is_ascii_alphabetic() && *c != b'_')
            .unwrap_or(bytes.len() - prefix);
        let spelling = &rest[prefix..prefix + name_len];
        let len = prefix + name_len;
        let src = Src {
            start: self.pos as u32,
            end: (self.pos + len) as u32,
        };
        let known = find(spelling, closing).and_then(|(name, follows)| {
            let has_parameters = follows_fits(follows, &bytes[len..])?;
            // White-space begins the parameters of a header, though there may be none.
            let is_spaced =
                name == "ftl" && bytes[len..].first().is_some_and(u8::is_ascii_whitespace);
            Some((name, has_parameters || is_spaced))
        });
        let Some((name, has_parameters)) = known else {
            return Err(self.not_a_directive(spelling, closing, src));
        };
        // Without their beginnings these are no tags.
        if matches!(name, "/noparse" | "/comment") {
            return Err(self.not_a_directive(spelling, closing, src));
        }
        if !has_parameters && !matches!(name, "sep" | "ftl") {
            self.check_tag_end(square, src)?;
        }
        if name != "sep" {
            self.establish(square);
        }
        // A token is the tag up to its end, or with the blank before its parameters.
        let blanks = bytes[len..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace());
        let rest_of_token = if has_parameters { 0 } else { blanks.count() } + 1;
        let name_src = Src {
            start: src.start,
            end: (src.end as usize + rest_of_token).min(self.pos + bytes.len()) as u32,
        };
        self.check_directive_name(spelling, name_src)?;
        Ok(Tag {
            name,
            square,
            len,
            has_parameters,
        })
    }

    /// The error of a tag with a `#` that isn't one of FreeMarker's.
    fn not_a_directive(&self, spelling: &str, closing: bool, src: Src) -> crate::Error {
        if self.loose_tags {
            let tag = &self.text[src.start as usize..src.end as usize];
            let found = crate::error::java_quoted(tag);
            let message = format!("Encountered {found}, but was expecting something else.");
            return self.syntax_error(src, message);
        }
        if find(spelling, closing).is_none() && find(spelling, false).is_none() {
            return self.unknown_directive(spelling, src);
        }
        self.malformed(spelling, src)
    }

    /// The error of a directive's tag that isn't as it must be.
    fn malformed(&self, spelling: &str, src: Src) -> crate::Error {
        let inner = Src {
            start: src.start + 1,
            end: src.end,
        };
        self.syntax_error(
            inner,
            format!("#{spelling} is an existing directive, but the tag is malformed.  (See FreeMarker Manual / Directive Reference.)"),
        )
    }

    /// A tag without parameters must end with the bracket that belongs to its first one: old versions don't mind.
    fn check_tag_end(&self, square: bool, name: Src) -> Result<()> {
        let checks = self.options.version.has(28) || self.interpolations == Interpolations::Square;
        let rest = &self.text[name.end as usize..];
        let Some((at, end)) = rest.char_indices().find(|(_, c)| matches!(c, '>' | ']')) else {
            return Ok(());
        };
        if self.loose_tags || !checks || square == (end == ']') {
            return Ok(());
        }
        let src = Src {
            start: name.start,
            end: name.end + at as u32 + 1,
        };
        Err(self.syntax_error(src, format!("The tag shouldn't end with \"{end}\".")))
    }

    fn unknown_directive(&self, name: &str, src: Src) -> crate::Error {
        let hint = match name {
            "set" | "var" => {
                "Use #assign or #local or #global, depending on the intented scope (#assign is template-scope). (If you have seen this directive in use elsewhere, this was a planned directive, so maybe you need to upgrade FreeMarker.)"
            }
            "else_if" | "elif" => "Use #elseif.",
            "no_escape" => "Use #noescape instead.",
            "method" => "Use #function instead.",
            "head" | "template" | "fm" => "You may meant #ftl.",
            "try" | "atempt" => "You may meant #attempt.",
            "for" | "each" | "iterate" | "iterator" => {
                "You may meant #list (http://freemarker.org/docs/ref_directive_list.html)."
            }
            "prefix" => {
                "You may meant #import. (If you have seen this directive in use elsewhere, this was a planned directive, so maybe you need to upgrade FreeMarker.)"
            }
            "item" | "row" | "rows" => "You may meant #items.",
            "separator" | "separate" | "separ" => "You may meant #sep.",
            _ => "",
        };
        let help = if hint.is_empty() {
            "Help (latest version): http://freemarker.org/docs/ref_directive_alphaidx.html; you're using FreeMarker 2.3.31."
        } else {
            hint
        };
        let inner = Src {
            start: src.start + 1,
            end: src.end,
        };
        self.syntax_error(inner, format!("Unknown directive: #{name}. {help}"))
    }

    /// Steps over a tag's name and reads the first token after it.
    pub(crate) fn enter_tag(&mut self, tag: Tag) -> Result<()> {
        self.pos += tag.len;
        if tag.has_parameters {
            self.begin_tag(tag.square);
            return Ok(());
        }
        let start = self.pos as u32;
        self.close_tag()?;
        self.token_src = self.since(start);
        let ending = &self.text[start as usize..self.pos];
        self.token = if ending.trim_start().starts_with('/') {
            Token::EmptyTagEnd
        } else {
            Token::TagEnd
        };
        Ok(())
    }

    pub(crate) fn begin_tag(&mut self, square: bool) {
        self.gt_is_operator = false;
        self.in_square_tag = square;
        (self.brackets, self.braces) = (0, 0);
        self.height = 0;
        self.advance();
    }

    /// Requires the end of a tag at the current token; what follows is text again.
    pub(crate) fn end_tag(&mut self) -> Result<()> {
        if !matches!(self.token, Token::TagEnd | Token::EmptyTagEnd) {
            return Err(self.unexpected("\">\""));
        }
        Ok(())
    }

    /// Requires the end of a tag that opens something: it isn't `/>`.
    pub(crate) fn end_open_tag(&mut self) -> Result<()> {
        if self.token == Token::EmptyTagEnd {
            return Err(self.unexpected("\">\""));
        }
        self.end_tag()
    }

    /// Steps over a tag without parameters.
    pub(crate) fn bare_tag(&mut self, tag: Tag) -> Result<Src> {
        let start = self.pos as u32;
        self.enter_tag(tag)?;
        self.end_tag()?;
        Ok(self.since(start))
    }

    /// Steps over an end tag such as `</#if>`, which [`Self::tag`] has looked at.
    pub(crate) fn close_tag(&mut self) -> Result<()> {
        match self.rest().find(['>', ']']) {
            Some(at) => {
                self.pos += at + 1;
                Ok(())
            }
            None => Err(self.error_here(UNEXPECTED_END)),
        }
    }

    /// Bytes of a comment's beginning, or of an interpolation's.
    pub(crate) fn interpolation_at(&self, bytes: &[u8]) -> Option<super::text::Opening> {
        super::text::opening(self.interpolations, bytes)
    }
}

/// The name in the end tag of a call that `bytes` begin with, and the tag's length. What isn't quite one is text.
pub(super) fn call_end(bytes: &[u8]) -> Option<(&str, usize)> {
    const OPENING: usize = "</@".len();
    let end = OPENING
        + bytes[OPENING..]
            .iter()
            .position(|c| matches!(c, b'>' | b']'))?;
    let inner = std::str::from_utf8(&bytes[OPENING..end]).ok()?;
    let name = inner.trim_end_matches([' ', '\t', '\n', '\r']);
    let fits = name.is_empty() || name.split('.').all(is_identifier);
    fits.then_some((name, end + 1))
}

/// Whether the tag that `bytes` begin with, its bracket and its `#`, is a directive.
fn is_directive(bytes: &[u8]) -> bool {
    let closing = bytes[1] == b'/';
    // Without their beginnings these are no tags.
    let allowed: fn(&str) -> bool = match closing {
        true => |name| !matches!(name, "noparse" | "noParse" | "comment"),
        false => |_| true,
    };
    fits(&bytes[2 + usize::from(closing)..], closing, &allowed)
}

/// Whether `<name` is a directive: without strict syntax the `#` may be left out of names in the legacy spelling.
fn is_loose_tag(bytes: &[u8]) -> bool {
    let closing = bytes[1] == b'/';
    fits(&bytes[1 + usize::from(closing)..], closing, &|name| {
        // The ends of what isn't parsed are tags only after their beginnings.
        let is_lone_end = closing && matches!(name, "noparse" | "comment");
        !matches!(name, "ftl" | "on")
            && !is_lone_end
            && CAMEL.iter().all(|(camel, _)| *camel != name)
    })
}

fn fits(name_on: &[u8], closing: bool, allowed: &dyn Fn(&str) -> bool) -> bool {
    let len = name_on
        .iter()
        .position(|c| !c.is_ascii_alphabetic() && *c != b'_')
        .unwrap_or(name_on.len());
    let Ok(name) = std::str::from_utf8(&name_on[..len]) else {
        return false;
    };
    allowed(name)
        && find(name, closing)
            .is_some_and(|(_, follows)| follows_fits(follows, &name_on[len..]).is_some())
}

fn find(spelling: &str, closing: bool) -> Option<(&'static str, Follows)> {
    let name = CAMEL
        .iter()
        .find(|(camel, _)| *camel == spelling)
        .map_or(spelling, |(_, lower)| lower);
    if closing {
        END_TAGS
            .iter()
            .find(|tag| tag[1..] == *name)
            .map(|tag| (*tag, Follows::End))
    } else {
        DIRECTIVES.iter().find(|(known, _)| *known == name).copied()
    }
}

/// How much of a text that begins with a directive's tag, but for its `#`, is its first token: the tag up to its end, or
/// with the blank before its parameters.
pub(crate) fn bare_tag_len(text: &str) -> Option<usize> {
    let closing = text[1..].starts_with('/');
    let start = 1 + usize::from(closing);
    let is_letter = |c: char| c.is_ascii_alphabetic();
    let name_len = text[start..].find(|c| !is_letter(c))?;
    let end = start + name_len;
    // FreeMarker had no `#on` yet when tags could lack their sign.
    let (_, follows) = find(&text[start..end], closing).filter(|(name, _)| *name != "on")?;
    if follows_fits(follows, &text.as_bytes()[end..])? {
        return Some(end + 1);
    }
    text[end..].find(['>', ']']).map(|at| end + at + 1)
}

/// Whether what comes after the name is as it must be; says whether there are parameters.
fn follows_fits(follows: Follows, rest: &[u8]) -> Option<bool> {
    let blank = |c: &u8| matches!(c, b' ' | b'\t' | b'\n' | b'\r');
    let blanks = rest.iter().take_while(|c| blank(c)).count();
    let ends = match &rest[blanks..] {
        [b'>' | b']', ..] => true,
        [b'/', b'>' | b']', ..] => follows != Follows::End,
        _ => false,
    };
    match follows {
        Follows::Parameters => (blanks > 0).then_some(true),
        Follows::As => {
            let after = rest[blanks..].strip_prefix(b"as").and_then(<[u8]>::first);
            (blanks > 0 && after.is_some_and(blank)).then_some(true)
        }
        Follows::End | Follows::AnyEnd => ends.then_some(false),
        Follows::Both => {
            if ends {
                Some(false)
            } else {
                (blanks > 0).then_some(true)
            }
        }
    }
}
