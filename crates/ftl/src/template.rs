//! Compiled templates.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::compile::{Program, Reference, interpolations, part_within, references, resolve};
use crate::data::{Data, View};
use crate::engine::Shared;
use crate::error::{Error, ErrorKind, Span};
use crate::eval;
use crate::output_format::{AutoEscaping, OutputFormat};
use crate::syntax::ast::{Expr, Node, NodeKind};
use crate::syntax::{Options, SourceMap, Src, parse, parse_expression};

/// A compiled template. It is immutable, and threads may share it.
#[derive(Clone)]
pub struct Template {
    pub(crate) code: Arc<Code>,
    pub(crate) engine: Arc<Shared>,
}

/// What a source has been compiled to.
pub(crate) struct Code {
    pub(crate) name: Arc<str>,
    /// What errors call the place: `template "name"`, or that it is a string.
    pub(crate) label: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) map: SourceMap,
    pub(crate) program: Program,
    /// The syntax that it was read with.
    pub(crate) options: Options,
    /// Whether its tags are `[#tag]`s.
    pub(crate) square_tags: bool,
    /// Whether it is an expression, for `?eval`.
    is_expression: bool,
}

/// Longest source; offsets are 32 bits, and nobody writes more.
const MAX_SOURCE: usize = 64 << 20;

/// Room on the stack for the highest tree of an expression, within the deepest nesting of blocks.
const STACK: usize = 1 << 20;

impl Code {
    /// Compiles a template.
    pub(crate) fn compile(name: &str, source: &str, options: &Options) -> Result<Self, Error> {
        Self::compile_found(name, name, source, options)
    }

    /// Compiles the template `name`, whose source has been found under the name `found`.
    pub(crate) fn compile_found(
        name: &str,
        found: &str,
        source: &str,
        options: &Options,
    ) -> Result<Self, Error> {
        check_length(source)?;
        let mut options = options.clone();
        if options.standard_extensions
            && let Some(format) = OutputFormat::of_file(name)
        {
            options.output_format = format;
            options.auto_escaping = AutoEscaping::EnableIfSupported;
        }
        let label = format!("template \"{found}\"").into();
        Self::new(name.into(), label, source, options, parse)
    }

    /// Compiles the expression that `source` begins with, for `?eval` in the template `name`.
    pub(crate) fn expression(
        name: &Arc<str>,
        source: &str,
        options: Options,
    ) -> Result<Self, Error> {
        check_length(source)?;
        let label = "?eval-ed string".into();
        let code = Self::new(Arc::clone(name), label, source, options, parse_expression)?;
        Ok(Self {
            is_expression: true,
            ..code
        })
    }

    /// The same within `template`, whose brackets tips are in.
    pub(crate) fn within(self, template: &Self) -> Self {
        Self {
            square_tags: template.square_tags,
            ..self
        }
    }

    /// A template that is `text` as it stands.
    pub(crate) fn plain(name: &str, text: &str, options: &Options) -> Self {
        let source: Arc<str> = text.into();
        let src = Src {
            start: 0,
            end: text.len() as u32,
        };
        let kind = NodeKind::Text(text.into());
        Self {
            name: name.into(),
            label: format!("template \"{name}\"").into(),
            map: SourceMap::new(&source, options.tab_size),
            source,
            program: resolve(vec![Node { src, kind }], true, false),
            options: options.clone(),
            square_tags: false,
            is_expression: false,
        }
    }

    fn new(
        name: Arc<str>,
        label: Arc<str>,
        source: &str,
        options: Options,
        parse: Parse,
    ) -> Result<Self, Error> {
        let source: Arc<str> = source.into();
        let mut map = SourceMap::new(&source, options.tab_size);
        let (program, square_tags) = stacker::maybe_grow(STACK, 4 * STACK, || {
            let parsed = parse(&label, &source, &map, &options)?;
            map.literals = parsed.literals;
            let program = resolve(parsed.nodes, parsed.open, parsed.has_vars);
            Ok((program, parsed.square_tags))
        })?;
        Ok(Self {
            name,
            label,
            source,
            map,
            program,
            options,
            square_tags,
            is_expression: false,
        })
    }

    pub(crate) fn error_at(&self, kind: ErrorKind, src: Src, message: impl Into<String>) -> Error {
        self.place(Error::new(kind, message), src)
    }

    /// `error` at `src`, without an expression to blame.
    pub(crate) fn place(&self, error: Error, src: Src) -> Error {
        error.at(&self.label, &self.source, self.map.span(&self.source, src))
    }

    /// The source at `src` as messages show it: tabs are blanks there.
    pub(crate) fn shown(&self, src: Src) -> String {
        if self.is_expression {
            return self.shown_canonically(src);
        }
        let text = match self.map.literals.text_of(src) {
            // Special variables have spellings of their own.
            Some(text) if is_special(text) => text,
            Some(text) => {
                let span = self.map.span(&self.source, src);
                // What has no such place in the source is shown without it.
                let found = self.map.between(&self.source, span);
                return found.unwrap_or_else(|| self.canonical(text));
            }
            None => self.text_of(src),
        };
        if !text.contains('\t') {
            return text.to_owned();
        }
        self.map.expanded(&self.source, src.start, text)
    }

    /// The expression, if it is nothing but one.
    pub(crate) fn only_expression(&self) -> Option<&Expr> {
        match &self.program.nodes[..] {
            [only] => match &only.kind {
                NodeKind::Output(expr) => Some(expr),
                _ => None,
            },
            _ => None,
        }
    }

    /// FreeMarker doesn't keep the text that it has evaluated as an expression.
    fn shown_canonically(&self, src: Src) -> String {
        let expr = self.only_expression();
        match expr.and_then(|expr| part_within(&mut expr.clone(), src)) {
            Some(expr) => eval::Printer::of(self).expr(&expr),
            None => self.text_of(src).to_owned(),
        }
    }

    /// The expression `text` as FreeMarker shows those that it has no text of.
    fn canonical(&self, text: &str) -> String {
        let code = Self::expression(&self.name, text, self.options.clone());
        let shown = code.ok().and_then(|code| {
            let expr = code.only_expression()?;
            Some(eval::Printer::of(&code).expr(expr))
        });
        shown.unwrap_or_else(|| text.to_owned())
    }

    /// Whether the expression `text` has a string literal in it that is nothing but an interpolation.
    pub(crate) fn has_lone_interpolation(&self, text: &str) -> bool {
        let has_any = ["\"${", "'${", "\"#{", "'#{", "\"[=", "'[="]
            .iter()
            .any(|opening| text.contains(opening));
        has_any
            && Self::expression(&self.name, text, self.options.clone())
                .ok()
                .and_then(|code| code.only_expression().cloned())
                .is_some_and(|mut expr| crate::compile::has_lone_interpolation(&mut expr))
    }

    /// What stands at `src`, be it in a string literal with escapes.
    pub(crate) fn text_of(&self, src: Src) -> &str {
        let range = src.start as usize..src.end as usize;
        let literal = self.map.literals.text_of(src);
        literal
            .or_else(|| self.source.get(range))
            .unwrap_or_default()
    }
}

/// Whether an expression is a special variable.
fn is_special(text: &str) -> bool {
    let name = text.strip_prefix('.');
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphabetic() || c == '_'))
}

type Parse = fn(&Arc<str>, &Arc<str>, &SourceMap, &Options) -> Result<crate::syntax::Parsed, Error>;

fn check_length(source: &str) -> Result<(), Error> {
    if source.len() > MAX_SOURCE {
        return Err(Error::new(
            ErrorKind::Memory,
            format!("the template is longer than {MAX_SOURCE} bytes"),
        ));
    }
    Ok(())
}

impl Template {
    pub(crate) fn compile(name: &str, source: &str, engine: Arc<Shared>) -> Result<Self, Error> {
        let code = Arc::new(Code::compile(name, source, &engine.options)?);
        Ok(Self { code, engine })
    }

    /// The name that errors call it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.code.name
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.code.source
    }

    /// Renders with `data`, which must be a hash. `out` gets everything at once, or nothing if rendering fails.
    ///
    /// # Errors
    /// What the template did wrong, or a failure of `out`.
    pub fn render<D, W>(&self, data: &D, out: &mut W) -> Result<(), Error>
    where
        D: Data + ?Sized,
        W: io::Write + ?Sized,
    {
        let mut bytes = Vec::new();
        self.render_into(data, &mut bytes)?;
        out.write_all(&bytes).map_err(|error| {
            Error::new(
                ErrorKind::Write,
                format!("the output can't be written: {error}"),
            )
        })
    }

    /// Renders to the end of `out`, straight; if it fails, `out` is as it was.
    ///
    /// # Errors
    /// What the template did wrong.
    pub fn render_into<D>(&self, data: &D, out: &mut Vec<u8>) -> Result<(), Error>
    where
        D: Data + ?Sized,
    {
        match data.view() {
            View::Hash(root) => {
                stacker::maybe_grow(STACK, 4 * STACK, || eval::render(self, root, out))
            }
            _ => Err(Error::new(
                ErrorKind::Data,
                "the data of a template must be a hash",
            )),
        }
    }

    /// Every place where the template reads a variable of its data, in the order of the source. It is worked out anew on
    /// each call.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        references(&self.code.program)
            .into_iter()
            .map(|reference| Reference {
                root: reference.root,
                steps: reference.steps,
                span: self.code.map.span(&self.code.source, reference.src),
                guarded: reference.guarded,
                arguments: reference.arguments,
            })
            .collect()
    }

    /// Every `${…}`, `#{…}` and `[=…]` whose value is printed where it stands, in the order of the source: byte ranges of
    /// [`source`](Self::source), from the opening to the closing delimiter. Those within string literals are left out.
    #[must_use]
    pub fn interpolations(&self) -> Vec<Range<usize>> {
        let found = interpolations(&self.code.program.nodes).into_iter();
        found
            .map(|src| src.start as usize..src.end as usize)
            .collect()
    }

    /// The byte range of [`source`](Self::source) that `span` covers.
    #[must_use]
    pub fn range(&self, span: &Span) -> Range<usize> {
        let source = &self.code.source;
        let start = self.code.map.offset(source, span.line, span.column);
        let last = self.code.map.offset(source, span.end_line, span.end_column);
        let length = source[last..].chars().next().map_or(0, char::len_utf8);
        start..(last + length).max(start)
    }

    /// The span of a byte range of [`source`](Self::source). Its ends must be boundaries of characters.
    #[must_use]
    pub fn span(&self, range: &Range<usize>) -> Span {
        let (start, end) = (range.start as u32, range.end as u32);
        self.code.map.span(&self.code.source, Src { start, end })
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template")
            .field("name", &self.code.name)
            .finish_non_exhaustive()
    }
}
