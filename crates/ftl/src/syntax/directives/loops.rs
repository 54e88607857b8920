//! `#list` and what belongs to it.

use crate::syntax::ast::{Expr, Items, List, LoopVars, NodeKind};
use crate::syntax::lexer::Token;
use crate::syntax::parser::{Parser, Result};
use crate::syntax::source::Src;
use crate::syntax::tags::Tag;
use crate::syntax::text::End;
use crate::syntax::whitespace::Piece;

const NO_ITEMS: &str =
    "#list must have either \"as loopVar\" parameter or nested #items that belongs to it.";

impl Parser<'_> {
    fn loop_vars(&mut self) -> Result<LoopVars> {
        let first = self.identifier()?;
        let second = if self.token == Token::Comma {
            self.advance();
            Some(self.identifier()?)
        } else {
            None
        };
        Ok(LoopVars {
            first,
            second,
            state_slot: 0,
        })
    }

    /// The variables of a loop must differ.
    fn loop_vars_differ(&self, tag: Src, vars: Option<&LoopVars>) -> Result<()> {
        match vars {
            Some(LoopVars {
                first,
                second: Some(second),
                ..
            }) if first == second => {
                let message = format!(
                    "The key and value loop variable names must differ, but both were: {first}"
                );
                Err(self.syntax_error(tag, message))
            }
            _ => Ok(()),
        }
    }

    /// Why a list can't end here: it has no variables, and nothing in it has any.
    pub(in crate::syntax) fn lacks_items(&self, list: Src) -> crate::Error {
        self.syntax_error(list, NO_ITEMS)
    }

    pub(super) fn list_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        let src = self.tag_src(tag);
        self.enter_tag(tag)?;
        let source = self.expression()?;
        let vars = if self.at_word("as") {
            self.advance();
            Some(self.loop_vars()?)
        } else {
            None
        };
        self.end_open_tag()?;
        self.loop_vars_differ(src, vars.as_ref())?;
        self.list_rest(start, src, source, vars, "/list")
    }

    pub(super) fn foreach_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        let src = self.tag_src(tag);
        self.enter_tag(tag)?;
        let first = self.identifier()?;
        if !self.at_word("in") {
            return Err(self.unexpected("pattern:\n    \"in\""));
        }
        self.advance();
        let source = self.expression()?;
        self.end_open_tag()?;
        let vars = LoopVars {
            first,
            second: None,
            state_slot: 0,
        };
        self.list_rest(start, src, source, Some(vars), "/foreach")
    }

    /// Notes the names of a loop that begins.
    fn name_loop(&mut self, vars: Option<&LoopVars>) {
        if let Some(vars) = vars {
            self.loop_names.push(vars.first.clone());
            self.loop_names.extend(vars.second.clone());
        }
    }

    fn list_rest(
        &mut self,
        start: u32,
        src: Src,
        source: Expr,
        vars: Option<LoopVars>,
        end: &'static str,
    ) -> Result<NodeKind> {
        self.layout.open(Piece::Block, start);
        self.layout.open(Piece::Block, start);
        let has_vars = vars.is_some();
        let outer = self.context;
        let outer_names = self.loop_names.len();
        self.name_loop(vars.as_ref());
        let context = &mut self.context;
        context.lists += 1;
        context.items_allowed = !has_vars;
        context.items_used = false;
        context.items_by_key = false;
        context.iterates = has_vars;
        context.loop_tag = end.trim_start_matches('/');
        if has_vars {
            context.loops += 1;
            context.breakable += 1;
        }
        self.itemless_list = (!has_vars).then_some(src);
        let (body, ended) = self.block(&["else", end]).map_err(|error| {
            let is_open = error.message().contains("You have an unclosed #list");
            if is_open && !has_vars && !self.context.items_used {
                return self.syntax_error(src, NO_ITEMS);
            }
            error
        })?;
        let (items_used, items_by_key) = (self.context.items_used, self.context.items_by_key);
        self.context = outer;
        self.loop_names.truncate(outer_names);
        if !has_vars && !items_used {
            return Err(self.syntax_error(src, NO_ITEMS));
        }
        self.layout.close(self.pos as u32);
        let otherwise = match ended {
            End::Tag(tag) if tag.name == "else" => {
                self.layout.open(Piece::Block, self.pos as u32);
                self.bare_tag(tag)?;
                let (body, _) = self.block(&[end])?;
                self.layout.close(self.pos as u32);
                Some(body)
            }
            _ => None,
        };
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        let by_key = vars
            .as_ref()
            .map_or(items_by_key, |vars| vars.second.is_some());
        Ok(NodeKind::List(Box::new(List {
            source,
            vars,
            body,
            otherwise,
            by_key,
            source_slot: 0,
        })))
    }

    pub(super) fn items_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        let mut src = self.tag_src(tag);
        // FreeMarker reads `as` and the blank after it together with the name.
        let after = &self.rest()[tag.len..];
        let blanks = after.len() - after.trim_start().len();
        src.end = start + (tag.len + blanks + "as ".len()) as u32;
        self.enter_tag(tag)?;
        if !self.at_word("as") {
            return Err(self.unexpected("pattern:\n    \"as\""));
        }
        self.advance();
        let vars = self.loop_vars()?;
        self.end_open_tag()?;
        if let Some(problem) = self.misplaced_items() {
            return Err(self.syntax_error(src, problem));
        }
        self.loop_vars_differ(src, Some(&vars))?;
        self.layout.open(Piece::Block, start);
        let outer_names = self.loop_names.len();
        self.name_loop(Some(&vars));
        let (body, _) = self.in_context(
            |context| {
                context.items_allowed = false;
                context.iterates = true;
                context.loop_tag = "items";
                context.items_used = true;
                context.loops += 1;
                context.breakable += 1;
            },
            |parser| parser.block(&["/items"]),
        )?;
        self.loop_names.truncate(outer_names);
        self.context.items_used = true;
        self.context.items_by_key = vars.second.is_some();
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(NodeKind::Items(Box::new(Items {
            vars,
            source_slot: 0,
            body,
        })))
    }

    fn misplaced_items(&self) -> Option<&'static str> {
        let context = &self.context;
        if context.lists == 0 {
            Some("#items must be inside a #list block.")
        } else if context.items_allowed {
            None
        } else if context.items_used {
            Some("Can't nest #items into each other when they belong to the same #list.")
        } else {
            Some("The parent #list of the #items must not have \"as loopVar\" parameter.")
        }
    }

    pub(super) fn sep_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        if self.context.lists == 0 {
            let message = if self.is_camel() {
                "#sep must be inside a #list (or #forEach) block."
            } else {
                "#sep must be inside a #list (or #foreach) block."
            };
            return Err(self.syntax_error(self.tag_src(tag), message));
        }
        let iterates = self.context.iterates;
        let start = self.pos as u32;
        self.bare_tag(tag)?;
        self.layout.open(Piece::Block, start);
        // The end tag may be left out: the end of the loop ends it too.
        let (body, end) = self.block(&["/sep", "else", "/items", "/foreach", "/list"])?;
        if end.is("/sep") {
            self.close_tag()?;
        }
        self.layout.close(self.pos as u32);
        Ok(match iterates {
            true => NodeKind::Sep { slot: 0, body },
            // Beside its `#items` a list has no next item.
            false => NodeKind::Group(Vec::new()),
        })
    }

    pub(super) fn jump_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let is_break = tag.name == "break";
        let allowed = if is_break {
            self.context.breakable
        } else {
            self.context.loops
        };
        if allowed == 0 {
            let src = self.tag_src(tag);
            let message = format!(
                "{} must be nested inside a directive that supports it:  #list with \"as\", #items{} (or the deprecated {})",
                &self.text[src.start as usize..src.end as usize],
                if is_break { ", #switch" } else { "" },
                if self.is_camel() {
                    "#forEach"
                } else {
                    "#foreach"
                }
            );
            return Err(self.syntax_error(src, message));
        }
        let src = self.bare_tag(tag)?;
        self.layout.leaf(Piece::Plain, src.start, src.end);
        Ok(if is_break {
            NodeKind::Break
        } else {
            NodeKind::Continue
        })
    }
}
