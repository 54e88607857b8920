//! The parser's state, and what all levels of the grammar share.

use std::cell::RefCell;
use std::sync::Arc;

use super::ast::{Expr, ExprKind, Node, NodeKind};
use super::lexer::Token;
use super::naming::Convention;
use super::options::{Interpolations, Options, Tags};
use super::source::{Literals, SourceMap, Src};
use super::whitespace::Layout;
use crate::compile::Size;
use crate::error::{Error, ErrorKind, Span};
use crate::output_format::{AutoEscaping, OutputFormat};

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// How deeply expressions and blocks may nest in each other.
const MAX_DEPTH: usize = 200;

/// Bytes of a template that may be read twice.
const MAX_REREAD: usize = 64 << 10;

/// What all `#escape`s together may put in the place of interpolations.
const MAX_ESCAPED_PARTS: usize = 8_000_000;

/// Reads one template, or one string literal within it.
pub(crate) struct Parser<'s> {
    pub(crate) text: &'s str,
    /// Offset of `text` in the template.
    pub(crate) base: u32,
    pub(crate) pos: usize,
    pub(crate) token: Token,
    pub(crate) token_src: Src,
    /// Why the last token that could not be read couldn't.
    pub(super) broken: Option<Error>,
    /// Where the token before the current one ended.
    pub(crate) last_end: u32,
    pub(crate) gt_is_operator: bool,
    /// Open `(` in the tag or interpolation being read.
    pub(crate) parens: u32,
    /// Whether the tag being read is a `[#tag]`.
    pub(crate) in_square_tag: bool,
    /// Open `[` in the tag or interpolation being read.
    pub(crate) brackets: u32,
    /// Open `{` in it, an interpolation's own included.
    pub(crate) braces: u32,
    /// Where an argument begins that may be a lambda.
    pub(crate) lambda_at: Option<u32>,
    /// A lambda that has another number of parameters than one, and how many.
    pub(crate) misfitting_lambda: Option<(Src, usize)>,
    /// Among the arguments of a call that have names.
    pub(crate) in_named_args: bool,
    /// Among them, where white-space after `!` says that there is no value to follow.
    pub(crate) exclaim_ends: bool,
    /// Bytes that may still be read again, after they were found to mean something else.
    pub(super) rereads_left: usize,
    /// In the name after `<@`, which white-space ends.
    pub(crate) space_ends: bool,
    /// In a string literal, where that ends in the source.
    pub(crate) literal_end: Option<u32>,
    pub(super) depth: usize,
    /// How high the tree of the expression being read may be by now.
    pub(crate) height: usize,
    pub(crate) context: Context,
    /// The variables of the loops around, the innermost last.
    pub(crate) loop_names: Vec<Box<str>>,
    /// The tag of a list without variables whose body is about to be read.
    pub(crate) itemless_list: Option<Src>,
    pub(crate) layout: Layout,
    pub(crate) escapes: Vec<Escape>,
    /// Parts that escapes have put into the tree.
    escaped_parts: usize,
    pub(crate) tags: Tags,
    pub(crate) interpolations: Interpolations,
    pub(crate) naming: Convention,
    pub(crate) output_format: OutputFormat,
    pub(crate) auto_escape: bool,
    pub(crate) policy: AutoEscaping,
    /// `<#ftl strip_text=true>`
    pub(crate) strip_text: bool,
    /// Whether tags may lack their `#`.
    pub(crate) loose_tags: bool,
    /// Whether the last tag was a `[#tag]`.
    pub(crate) last_is_square: bool,
    /// Whether a tag has shown which brackets the template's tags have.
    pub(crate) established: bool,
    /// Whether other templates' code may run within this one, or it within theirs.
    pub(crate) open: bool,
    /// Whether there is a `.vars`.
    pub(crate) has_vars: bool,
    /// Whether `.args` has been read in the macro that is being parsed.
    pub(crate) uses_args: bool,
    pub(crate) options: &'s Options,
    file: File<'s>,
}

/// What surrounds the current place, for directives that only make sense somewhere.
#[derive(Clone, Copy, Default)]
pub(crate) struct Context {
    pub(crate) in_macro: bool,
    pub(crate) in_function: bool,
    pub(crate) lists: u32,
    pub(crate) loops: u32,
    pub(crate) breakable: u32,
    /// In the body of a list without loop variables.
    pub(crate) items_allowed: bool,
    /// In a list whose `#items` has been there already.
    pub(crate) items_used: bool,
    /// Whether that `#items` has a key and a value.
    pub(crate) items_by_key: bool,
    /// In `#items`, or in a list with loop variables.
    pub(crate) iterates: bool,
    /// The name of the innermost directive that `#sep` may belong to.
    pub(crate) loop_tag: &'static str,
}

/// An `#escape` in force.
#[derive(Clone)]
pub(crate) struct Escape {
    pub(crate) var: Box<str>,
    pub(crate) expr: Expr,
    /// Parts of `expr`, and how many of them are the variable.
    pub(crate) size: Size,
}

#[derive(Clone, Copy)]
struct File<'s> {
    name: &'s Arc<str>,
    source: &'s Arc<str>,
    map: &'s SourceMap,
    literals: &'s RefCell<Literals>,
}

/// What a template consists of.
pub(crate) struct Parsed {
    pub(crate) nodes: Vec<Node>,
    /// Whether other templates' code may run within this one, or it within theirs.
    pub(crate) open: bool,
    /// Whether there is a `.vars`.
    pub(crate) has_vars: bool,
    /// Whether its tags are `[#tag]`s.
    pub(crate) square_tags: bool,
    /// String literals that have offsets of their own.
    pub(crate) literals: Literals,
}

/// Parses a whole template.
pub(crate) fn parse(
    name: &Arc<str>,
    source: &Arc<str>,
    map: &SourceMap,
    options: &Options,
) -> Result<Parsed> {
    let literals = RefCell::default();
    let file = File {
        name,
        source,
        map,
        literals: &literals,
    };
    let mut parser = Parser::new(file, options, source);
    let strip = parser.header()?.unwrap_or(options.strip_whitespace);
    let mut nodes = parser.block(&[])?.0;
    let texts = std::mem::take(&mut parser.layout).finish(map, strip);
    let texts = texts.ok_or_else(|| parser.too_many_tags())?;
    super::texts::apply(&mut nodes, &texts);
    Ok(Parsed {
        nodes,
        open: parser.open,
        has_vars: parser.has_vars,
        square_tags: parser.last_is_square,
        literals: literals.take(),
    })
}

/// Parses the expression that the source begins with.
pub(crate) fn parse_expression(
    name: &Arc<str>,
    source: &Arc<str>,
    map: &SourceMap,
    options: &Options,
) -> Result<Parsed> {
    let literals = RefCell::default();
    let file = File {
        name,
        source,
        map,
        literals: &literals,
    };
    let mut parser = Parser::new(file, options, source);
    parser.open = true;
    let expr = parser.whole_expression()?;
    Ok(Parsed {
        nodes: vec![Node {
            src: expr.src,
            kind: NodeKind::Output(expr),
        }],
        open: true,
        has_vars: parser.has_vars,
        square_tags: options.tags == Tags::Square,
        literals: literals.take(),
    })
}

impl<'s> Parser<'s> {
    fn new(file: File<'s>, options: &'s Options, text: &'s str) -> Self {
        Self {
            text,
            base: 0,
            pos: 0,
            token: Token::End,
            token_src: Src::default(),
            broken: None,
            last_end: 0,
            gt_is_operator: false,
            parens: 0,
            in_square_tag: false,
            brackets: 0,
            braces: 0,
            lambda_at: None,
            misfitting_lambda: None,
            in_named_args: false,
            exclaim_ends: false,
            rereads_left: MAX_REREAD,
            space_ends: false,
            literal_end: None,
            depth: 0,
            height: 0,
            context: Context::default(),
            loop_names: Vec::new(),
            itemless_list: None,
            layout: Layout::default(),
            escapes: Vec::new(),
            escaped_parts: 0,
            tags: options.tags,
            interpolations: options.interpolations,
            naming: options.naming.clone(),
            output_format: options.output_format.clone(),
            auto_escape: options.output_format.auto_escapes(options.auto_escaping),
            policy: options.auto_escaping,
            strip_text: false,
            loose_tags: !options.strict_syntax,
            last_is_square: options.tags == Tags::Square,
            established: false,
            open: options.loads || options.always_open,
            has_vars: false,
            uses_args: false,
            options,
            file,
        }
    }

    /// A parser of a string literal's contents.
    pub(crate) fn within<'t>(outer: &'t Parser<'s>, text: &'t str, base: u32) -> Parser<'t>
    where
        's: 't,
    {
        Parser {
            base,
            literal_end: outer.literal_end.or(Some(outer.token_src.end)),
            depth: outer.depth,
            loop_names: outer.loop_names.clone(),
            // For `.args` a literal isn't in the macro around it.
            context: Context {
                in_macro: false,
                ..outer.context
            },
            tags: outer.tags,
            interpolations: outer.interpolations,
            naming: outer.naming.clone(),
            // What `#autoesc` and `#noautoesc` say holds outside of literals.
            auto_escape: outer
                .output_format
                .auto_escapes(outer.options.auto_escaping),
            output_format: outer.output_format.clone(),
            ..Parser::new(outer.file, outer.options, text)
        }
    }

    pub(crate) fn expr(&self, src: Src, kind: ExprKind) -> Expr {
        Expr { src, kind }
    }

    pub(crate) fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error_of(
                ErrorKind::Depth,
                self.token_src,
                format!("nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        Ok(())
    }

    /// Whether the current block is in no other.
    pub(crate) fn is_outermost(&self) -> bool {
        self.depth == 1
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(crate) fn error_of(&self, kind: ErrorKind, src: Src, message: impl Into<String>) -> Error {
        Error::new(kind, message).at(self.file.name, self.file.source, self.span(src))
    }

    /// A syntax error at `src`.
    pub(crate) fn syntax_error(&self, src: Src, message: impl Into<String>) -> Error {
        self.error_of(ErrorKind::Syntax, src, message)
    }

    /// What is refused, and why.
    pub(crate) fn refused(&self, src: Src, message: impl Into<String>) -> Error {
        self.error_of(ErrorKind::Refused, src, message)
    }

    /// The whole source.
    pub(crate) fn source(&self) -> &str {
        self.file.source
    }

    /// What FreeMarker finds in the source for `src`.
    pub(crate) fn source_of(&self, src: Src) -> Option<String> {
        self.file.map.between(self.file.source, self.span(src))
    }

    fn span(&self, src: Src) -> Span {
        let File {
            source,
            map,
            literals,
            ..
        } = self.file;
        map.span_among(&literals.borrow(), source, src)
    }

    /// Line and column of an offset.
    pub(crate) fn position(&self, offset: u32) -> (u32, u32) {
        let file = self.file;
        file.map
            .position_among(&file.literals.borrow(), file.source, offset)
    }

    /// Gives offsets to the text of a string literal in which escapes have been resolved; returns the first one.
    pub(crate) fn add_literal(&self, text: &str, start: u32) -> u32 {
        let (line, column) = self.position(start);
        let mut literals = self.file.literals.borrow_mut();
        literals.add(self.file.source, text, (line, column + 1))
    }

    /// A syntax error at the current position.
    pub(crate) fn error_here(&self, message: impl Into<String>) -> Error {
        let at = self.base + self.pos as u32;
        self.syntax_error(
            Src {
                start: at,
                end: at + 1,
            },
            message,
        )
    }

    /// A syntax error at the current token.
    pub(crate) fn error_at_token(&self, message: impl Into<String>) -> Error {
        self.syntax_error(self.token_src, message)
    }

    pub(crate) fn unexpected(&self, expected: &str) -> Error {
        if let Err(broken) = self.check_token() {
            return broken;
        }
        if self.token == Token::End {
            return self.unexpected_end(expected);
        }
        let found = crate::error::java_quoted(self.token_text());
        let expected = match self.token {
            Token::Arrow => {
                "something else: only built-ins like ?filter or ?map take a lambda expression"
            }
            _ => expected,
        };
        self.error_at_token(format!(
            "Encountered {found}, but was expecting {expected}."
        ))
    }

    fn unexpected_end(&self, expected: &str) -> Error {
        let at = (self.base + self.text.len() as u32).saturating_sub(1);
        let unclosed = match expected {
            "\"}\"" | "\",\" or \"}\"" => " You have an unclosed \"{\".",
            "\")\"" | "\",\" or \")\"" => " You have an unclosed \"(\".",
            "\"]\"" => " You have an unclosed \"[\".",
            _ => "",
        };
        self.syntax_error(
            Src {
                start: at,
                end: at + 1,
            },
            if unclosed.is_empty() {
                UNEXPECTED_END.to_owned()
            } else {
                format!("{UNEXPECTED_END}{unclosed}{CHECK_END_TAGS}")
            },
        )
    }

    pub(crate) fn expect(&mut self, token: Token, name: &str) -> Result<()> {
        if self.token != token {
            return Err(self.unexpected(name));
        }
        self.advance();
        Ok(())
    }

    /// The source from `pos` on.
    pub(crate) fn rest(&self) -> &'s str {
        &self.text[self.pos..]
    }

    /// The stretch from `start` to the current position.
    pub(crate) fn since(&self, start: u32) -> Src {
        Src {
            start,
            end: self.pos as u32,
        }
    }

    /// Whether the current token is the word `word`.
    pub(crate) fn at_word(&self, word: &str) -> bool {
        self.token == Token::Ident && self.token_text() == word
    }

    /// Whether the current token is a name and `=` follows, but not `==`.
    pub(crate) fn at_named_argument(&self) -> bool {
        if self.token != Token::Ident {
            return false;
        }
        let rest = self.text[self.pos..].trim_start();
        rest.starts_with('=') && !rest.starts_with("==")
    }

    /// What `${expr}` prints under the `#escape` in force.
    pub(crate) fn escaped(&mut self, expr: Expr) -> Result<Expr> {
        let Some(escape) = self.escapes.last() else {
            return Ok(expr);
        };
        // An expression has at most as many parts as bytes.
        let length = (expr.src.end - expr.src.start) as usize;
        self.escaped_parts += escape.size.all + escape.size.variable * length;
        if self.escaped_parts > MAX_ESCAPED_PARTS {
            return Err(self.error_of(
                ErrorKind::Memory,
                expr.src,
                "the #escape directives make too much of the template's interpolations",
            ));
        }
        let mut whole = escape.expr.clone();
        crate::compile::substitute(&mut whole, &escape.var, &expr);
        Ok(whole)
    }

    fn too_many_tags(&self) -> Error {
        let end = self.text.len() as u32;
        let message = "lines with so many tags and no text can't be stripped of their white-space";
        self.error_of(ErrorKind::Steps, Src { start: end, end }, message)
    }

    /// The format of what is captured here.
    pub(crate) fn capture_format(&self) -> OutputFormat {
        if self.output_format.is_markup() {
            self.output_format.clone()
        } else {
            OutputFormat::Undefined
        }
    }

    pub(crate) fn set_output_format(&mut self, format: OutputFormat) {
        self.auto_escape = format.auto_escapes(self.policy);
        self.output_format = format;
    }
}

pub(crate) const UNEXPECTED_END: &str = "Unexpected end of file reached.";

/// What FreeMarker adds when an end tag may be missing.
pub(crate) const CHECK_END_TAGS: &str = " Check if the FreeMarker end-tags are present, and aren't malformed. (Note that FreeMarker end-tags must have # or @ after the / character.)";
