//! `#if`, `#switch`, `#attempt`.

use crate::syntax::ast::{Branch, Case, CaseWhen, NodeKind, Switch};
use crate::syntax::lexer::Token;
use crate::syntax::parser::{Parser, Result};
use crate::syntax::tags::{Tag, bare_tag_len};
use crate::syntax::text::End;
use crate::syntax::whitespace::Piece;

impl Parser<'_> {
    pub(super) fn if_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        self.layout.open(Piece::Block, self.pos as u32);
        let mut branches = Vec::new();
        let mut tag = tag;
        loop {
            let start = self.pos as u32;
            self.layout.open(Piece::Block, start);
            self.enter_tag(tag)?;
            let condition = if tag.name == "else" {
                None
            } else {
                Some(self.expression()?)
            };
            if tag.name == "if" {
                self.end_open_tag()?;
            } else {
                self.end_tag()?;
            }
            let ends: &[&str] = if condition.is_none() {
                &["/if"]
            } else {
                &["else", "elseif", "/if"]
            };
            let (body, end) = self.block(ends)?;
            self.layout.close(self.pos as u32);
            branches.push(Branch {
                src: self.since(start),
                condition,
                body,
            });
            match end {
                End::Tag(next) if next.name != "/if" => tag = next,
                _ => break,
            }
        }
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        if let [alone] = branches.as_mut_slice() {
            alone.src.end = self.pos as u32;
        }
        Ok(NodeKind::If(branches))
    }

    pub(super) fn switch_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        const ENDS: &[&str] = &["case", "on", "default", "/switch"];
        let head = self.tag_src(tag);
        let start = self.pos as u32;
        self.enter_tag(tag)?;
        let subject = self.expression()?;
        self.end_open_tag()?;
        self.layout.open(Piece::Block, start);
        self.begins_with_case()?;
        let (before, mut end) = self.block(ENDS)?;
        self.layout.leave_texts_out();
        if let Some(first) = before.iter().find(|node| !self.is_blank_text(node)) {
            let text = &self.text[first.src.start as usize..first.src.end as usize];
            let start = first.src.start as usize + text.len() - text.trim_start().len();
            return Err(self.no_case_at(start));
        }
        let mut cases: Vec<Case> = Vec::new();
        let mut seen = SeenCases::default();
        while let End::Tag(tag) = end
            && tag.name != "/switch"
        {
            let start = self.pos as u32;
            let src = self.tag_src(tag);
            self.layout.open(Piece::Block, start);
            self.enter_tag(tag)?;
            let when = match tag.name {
                "case" => CaseWhen::Equal(self.expression()?),
                "on" => CaseWhen::OneOf(self.values()?),
                _ => CaseWhen::Default,
            };
            self.end_open_tag()?;
            if let Some(problem) = seen.add(&when) {
                let is_second_default =
                    matches!(when, CaseWhen::Default) && problem == SECOND_DEFAULT;
                let place = if is_second_default { head } else { src };
                return Err(self.syntax_error(place, problem));
            }
            let (body, next) = self.in_context(
                |context| context.breakable += 1,
                |parser| parser.block(ENDS),
            )?;
            self.layout.close(self.pos as u32);
            cases.push(Case { when, body });
            end = next;
        }
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(NodeKind::Switch(Box::new(Switch { subject, cases })))
    }

    /// Only white-space and comments may stand before the first `#case`; tags that can't stand there for other reasons
    /// are left to the block.
    fn begins_with_case(&mut self) -> Result<()> {
        let mut rest = self.rest().trim_start();
        while let Some(comment) = ["<#--", "[#--"].iter().find_map(|opening| {
            let end = if *opening == "<#--" { "-->" } else { "--]" };
            let (_, after) = rest.strip_prefix(opening)?.split_once(end)?;
            Some(after)
        }) {
            rest = comment.trim_start();
        }
        let bytes = rest.as_bytes();
        let name = rest
            .strip_prefix("<#")
            .or_else(|| rest.strip_prefix("[#"))
            .map(|tag| tag.split(|c: char| !c.is_ascii_alphabetic()).next());
        let fits = match name.flatten() {
            _ if bytes.is_empty() => true,
            _ if !self.is_markup(bytes) || self.interpolation_at(bytes).is_some() => false,
            Some("case" | "on" | "default" | "else" | "elseif" | "elseIf" | "comment") => true,
            // Others aren't tags at all, which is told of them.
            Some(name) => !crate::syntax::directive_names().any(|known| known == name),
            None => bytes[1] != b'@',
        };
        if fits {
            return Ok(());
        }
        let at = self.text.len() - rest.len();
        if name.flatten().is_some_and(|name| !name.is_empty()) {
            // A tag that is malformed is told first.
            let start = std::mem::replace(&mut self.pos, at);
            self.tag()?;
            self.pos = start;
        }
        Err(self.no_case_at(at))
    }

    /// The error of what stands in a `#switch` before its first case.
    fn no_case_at(&self, start: usize) -> crate::Error {
        let text = &self.text[start..];
        let found = match self.interpolation_at(text.as_bytes()) {
            Some(_) => &text[..2],
            None => first_token(text),
        };
        let src = crate::syntax::Src {
            start: start as u32,
            end: (start + found.len()) as u32,
        };
        let message = format!(
            "Encountered {}, but was expecting a #case, an #on or #default.",
            crate::error::java_quoted(found)
        );
        self.syntax_error(src, message)
    }

    fn is_blank_text(&self, node: &crate::syntax::ast::Node) -> bool {
        let text = &self.text[node.src.start as usize..node.src.end as usize];
        matches!(node.kind, NodeKind::TextRef(_)) && text.trim().is_empty()
    }

    /// The values of `#on`.
    fn values(&mut self) -> Result<Vec<crate::syntax::ast::Expr>> {
        let mut values = vec![self.expression()?];
        while self.token == Token::Comma {
            self.advance();
            values.push(self.expression()?);
        }
        Ok(values)
    }

    pub(super) fn attempt_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        self.bare_tag(tag)?;
        self.layout.open(Piece::Block, start);
        self.layout.open(Piece::Block, start);
        let (body, end) = self.block(&["/attempt", "recover"])?;
        let End::Tag(recover_tag) = end else {
            return Err(self.unexpected_tag());
        };
        if recover_tag.name != "recover" {
            return Err(self.unexpected_tag());
        }
        self.layout.close(self.pos as u32);
        self.layout.open(Piece::Block, self.pos as u32);
        self.bare_tag(recover_tag)?;
        let (recover, _) = self.block(&["/recover", "/attempt"])?;
        self.layout.close(self.pos as u32);
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(NodeKind::Attempt { body, recover })
    }
}

/// The text up to white-space or to what might begin a tag or an interpolation.
fn first_token(text: &str) -> &str {
    if text.starts_with("[=") {
        return &text[..2];
    }
    if text.starts_with(['<', '[']) {
        let rest = &text[1..];
        if rest.starts_with('@') {
            return &text[..2];
        }
        if let Some(tag) = rest.strip_prefix('#') {
            let is_name = |c: char| c.is_ascii_alphabetic();
            let name = tag.find(|c| !is_name(c)).unwrap_or(tag.len());
            if name == 0 {
                return &text[..1];
            }
            let end = match tag[name..].starts_with(char::is_whitespace) {
                true => Some(0),
                false => tag[name..].find(['>', ']']),
            };
            return &text[..end.map_or(text.len(), |end| 2 + name + end + 1)];
        }
    }
    if text.starts_with('<')
        && let Some(len) = bare_tag_len(text)
    {
        return &text[..len];
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '$' | '#' | '<' | '[' | '{');
    match text.find(ends) {
        Some(0) => &text[..1],
        Some(at) => &text[..at],
        None => text,
    }
}

/// Which kinds of cases a `#switch` has had.
#[derive(Default)]
struct SeenCases {
    case: bool,
    on: bool,
    default: bool,
}

const SECOND_DEFAULT: &str = "You can only have one default case in a switch statement";

impl SeenCases {
    /// Notes a case; says why it can't follow those before it.
    fn add(&mut self, when: &CaseWhen) -> Option<&'static str> {
        let problem = match when {
            CaseWhen::Default if self.default => Some(SECOND_DEFAULT),
            CaseWhen::Equal(_) if self.on => Some(
                "You can't use both #on, and #case in a #switch block, and you already had an #on.",
            ),
            CaseWhen::OneOf(_) if self.case => Some(
                "You can't use both #on, and #case in a #switch block, and you already had a #case.",
            ),
            CaseWhen::OneOf(_) if self.default => {
                Some("#on can't be used after #default in a #switch block.")
            }
            _ => None,
        };
        match when {
            CaseWhen::Equal(_) => self.case = true,
            CaseWhen::OneOf(_) => self.on = true,
            CaseWhen::Default => self.default = true,
        }
        problem
    }
}
