//! `#assign`, `#local`, `#global`.

use crate::syntax::ast::{
    Arithmetic, Assign, AssignBlock, AssignOp, AssignScope, AssignTarget, Expr, Node, NodeKind,
};
use crate::syntax::builtin_calls::is_keyword;
use crate::syntax::lexer::Token;
use crate::syntax::parser::{Parser, Result};
use crate::syntax::source::Src;
use crate::syntax::tags::Tag;
use crate::syntax::whitespace::Piece;

impl Parser<'_> {
    pub(super) fn assign_directive(
        &mut self,
        tag: Tag,
        scope: AssignScope,
        nodes: &mut Vec<Node>,
    ) -> Result<()> {
        let start = self.pos as u32;
        if scope == AssignScope::Local && !self.context.in_macro {
            return Err(self.syntax_error(
                self.tag_src(tag),
                "Local variable assigned outside a macro.",
            ));
        }
        self.enter_tag(tag)?;
        let first = nodes.len();
        loop {
            let name_start = self.token_src.start;
            let name = self.identifier_or_string()?;
            let target = AssignTarget {
                name,
                scope,
                slot: 0,
                single: false,
            };
            let op = match self.token {
                Token::Assign => AssignOp::Set,
                Token::PlusEquals => AssignOp::Arithmetic(Arithmetic::Add),
                Token::MinusEquals => AssignOp::Arithmetic(Arithmetic::Subtract),
                Token::TimesEquals => AssignOp::Arithmetic(Arithmetic::Multiply),
                Token::DivideEquals => AssignOp::Arithmetic(Arithmetic::Divide),
                Token::PercentEquals => AssignOp::Arithmetic(Arithmetic::Modulus),
                Token::PlusPlus => AssignOp::Increment,
                Token::MinusMinus => AssignOp::Decrement,
                Token::TagEnd if nodes.len() == first => {
                    return self.assign_block(start, tag, target, None, nodes);
                }
                Token::Ident if nodes.len() == first && self.at_word("in") => {
                    let namespace = self.target_namespace(scope)?;
                    self.end_open_tag()?;
                    return self.assign_block(start, tag, target, Some(namespace), nodes);
                }
                _ => return Err(self.unexpected("an assignment operator")),
            };
            self.advance();
            let value = match op {
                AssignOp::Increment | AssignOp::Decrement => None,
                _ => Some(self.expression()?),
            };
            nodes.push(Node {
                src: Src {
                    start: name_start,
                    end: self.last_end,
                },
                kind: NodeKind::Assign(Box::new(Assign {
                    target,
                    op,
                    value,
                    namespace: None,
                })),
            });
            if matches!(self.token, Token::TagEnd | Token::EmptyTagEnd) {
                break;
            }
            if self.at_word("in") {
                let namespace = self.target_namespace(scope)?;
                for node in &mut nodes[first..] {
                    if let NodeKind::Assign(assign) = &mut node.kind {
                        assign.namespace = Some(namespace.clone());
                    }
                }
                self.end_tag()?;
                break;
            }
            self.next_assignment()?;
        }
        let src = self.since(start);
        // The only assignment of a tag is blamed with the tag.
        if let [only] = &mut nodes[first..] {
            only.src = src;
            if let NodeKind::Assign(assign) = &mut only.kind {
                assign.target.single = true;
            }
        }
        self.layout.leaf(Piece::Silent, src.start, src.end);
        Ok(())
    }

    /// Parses `in namespace`.
    fn target_namespace(&mut self, scope: AssignScope) -> Result<Expr> {
        if scope != AssignScope::Namespace {
            return Err(self.error_at_token("Cannot assign to namespace here."));
        }
        self.advance();
        self.open = true;
        self.expression()
    }

    /// Moves to the name of the next assignment, maybe over a comma.
    fn next_assignment(&mut self) -> Result<()> {
        let here = self.cursor();
        if self.token == Token::Comma {
            self.advance();
        }
        let is_name = match self.token {
            Token::Ident => !is_keyword(self.token_text()),
            Token::Str { raw } => !raw,
            _ => false,
        };
        if is_name && self.at_operator() {
            return Ok(());
        }
        // FreeMarker looks as far as to the operator, and fails at once if there's no token.
        if is_name {
            self.read()?;
        }
        self.go_back(here);
        Err(self.unexpected("an assignment operator"))
    }

    /// Whether an assignment operator follows the current token.
    fn at_operator(&self) -> bool {
        let rest = self.rest().trim_start();
        let is_next = |operator: &&str| rest.starts_with(*operator);
        ["=", "+=", "-=", "*=", "/=", "%=", "++", "--"]
            .iter()
            .any(is_next)
            && !rest.starts_with("==")
    }

    fn assign_block(
        &mut self,
        start: u32,
        tag: Tag,
        target: AssignTarget,
        namespace: Option<Expr>,
        nodes: &mut Vec<Node>,
    ) -> Result<()> {
        self.layout.open(Piece::BlockAssign, start);
        let end = match tag.name {
            "assign" => "/assign",
            "local" => "/local",
            _ => "/global",
        };
        let (body, ended) = self.block(&["/assign", "/local", "/global"])?;
        if !ended.is(end) {
            // FreeMarker has both spellings.
            let message = if ended.is("/global") {
                "Mismatched assignment tags"
            } else {
                "Mismatched assignment tags."
            };
            let tag = self.tag()?;
            return Err(self.syntax_error(self.tag_src(tag), message));
        }
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        nodes.push(Node {
            src: self.since(start),
            kind: NodeKind::AssignBlock(Box::new(AssignBlock {
                target,
                body,
                format: self.capture_format(),
                namespace,
            })),
        });
        Ok(())
    }
}
