//! Compiled templates.

use std::io;
use std::sync::Arc;

use crate::compile::{Program, Reference, resolve};
use crate::data::{Data, View};
use crate::engine::Shared;
use crate::error::{Error, ErrorKind};
use crate::eval;
use crate::output_format::{AutoEscaping, OutputFormat};
use crate::syntax::{SourceMap, Src, parse};

/// A compiled template. It is immutable, and threads may share it.
pub struct Template {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) map: SourceMap,
    pub(crate) program: Program,
    pub(crate) engine: Arc<Shared>,
}

/// Longest source; offsets are 32 bits, and nobody writes more.
const MAX_SOURCE: usize = 64 << 20;

impl Template {
    pub(crate) fn compile(name: &str, source: &str, engine: Arc<Shared>) -> Result<Self, Error> {
        if source.len() > MAX_SOURCE {
            return Err(Error::new(
                ErrorKind::Memory,
                format!("the template is longer than {MAX_SOURCE} bytes"),
            ));
        }
        let (name, source): (Arc<str>, Arc<str>) = (name.into(), source.into());
        let mut options = engine.options.clone();
        if options.standard_extensions
            && let Some(format) = OutputFormat::of_file(&name)
        {
            options.output_format = format;
            options.auto_escaping = AutoEscaping::EnableIfSupported;
        }
        let map = SourceMap::new(&source, options.tab_size);
        let parsed = parse(&name, &source, &map, &options)?;
        Ok(Self {
            name,
            source,
            map,
            program: resolve(parsed.nodes),
            engine,
        })
    }

    /// The name that errors call it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
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
            View::Hash(root) => eval::render(self, root, out),
            _ => Err(Error::new(
                ErrorKind::Data,
                "the data of a template must be a hash",
            )),
        }
    }

    /// Every place where the template reads a variable of its data, in the order of the source.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let mut references: Vec<_> = self.program.references.iter().collect();
        references.sort_by_key(|reference| reference.src.start);
        references
            .into_iter()
            .map(|reference| Reference {
                root: reference.root.clone(),
                steps: reference.steps.clone(),
                span: self.map.span(&self.source, reference.src),
                guarded: reference.guarded,
            })
            .collect()
    }

    pub(crate) fn error_at(&self, kind: ErrorKind, src: Src, message: impl Into<String>) -> Error {
        Error::new(kind, message).at(&self.name, &self.source, self.map.span(&self.source, src))
    }

    /// `error` at `src`, without an expression to blame.
    pub(crate) fn place(&self, error: Error, src: Src) -> Error {
        error.at(&self.name, &self.source, self.map.span(&self.source, src))
    }

    pub(crate) fn text_of(&self, src: Src) -> &str {
        self.source
            .get(src.start as usize..src.end as usize)
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
