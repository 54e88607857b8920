//! The state of one render.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use super::canonical::Printer;
use super::exec::Flow;
use super::first::First;
use super::formatters::Kept;
use super::trace::Caller;
use super::units::{Around, Loaded, Units, Variables};
use super::zones::KeptZone;
use crate::builtins::utf16;
use crate::data::Hash;
use crate::engine::Shared;
use crate::error::{Error, ErrorKind};
use crate::number::{Number, NumberError};
use crate::output_format::{Content, Markup, OutputFormat};
use crate::settings::Settings;
use crate::syntax::ast::{Expr, ExprKind, MacroDef, Node};
use crate::syntax::{RETURN_OUTSIDE, Src};
use crate::template::{Code, Template};
use crate::value::Value;

/// Room on the stack for all that may run before the next call looks for room itself.
const STACK: usize = 1 << 20;
/// A text is at most this part of the budget of memory, unless more than that can be written.
const TEXTS_IN_MEMORY: usize = 16;
/// Texts up to this length aren't worth a look at the budget before they are counted.
const SHORT_TEXT: usize = 4 << 10;
/// What it costs to get a new piece of stack.
const STEPS_OF_A_STACK: usize = 100;

/// Why an evaluation has no result.
pub(crate) enum Fault<'a> {
    /// The expression is missing a value; the message is only made if nothing provides for it.
    Missing(&'a Expr),
    Error(Error),
}

impl Fault<'_> {
    /// Whether a value is missing, be it within a function that has been called.
    #[cold]
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::Missing(_) => true,
            Self::Error(error) => error.says_missing(),
        }
    }
}

/// What an `#escape` has put its parentheses around.
fn escaped(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Paren(inner) if inner.src == expr.src => escaped(inner),
        _ => expr,
    }
}

/// The tip for what is missing behind `[]`.
const LAST_INDEX: &str = "It's the final [] step that caused this error, not those before it.";

pub(crate) type Evaluated<'a, T> = Result<T, Fault<'a>>;

/// One render.
pub(crate) struct Env<'a> {
    pub(crate) engine: &'a Shared,
    /// The running code; that of the place's unit.
    pub(crate) template: &'a Code,
    pub(crate) root: &'a dyn Hash,
    pub(crate) settings: Cow<'a, Settings>,
    pub(crate) out: Vec<u8>,
    /// Bytes written before `out` was set aside to capture.
    pub(crate) captured_before: usize,
    pub(crate) place: Place<'a>,
    /// What `.template_name` says while a template runs that another one has loaded.
    pub(crate) included: Option<&'a str>,
    pub(crate) units: Units<'a>,
    /// The main template's first.
    pub(crate) namespaces: First<Variables<'a>>,
    pub(crate) globals: Variables<'a>,
    /// The frames' slots.
    pub(crate) locals: Vec<Option<Value<'a>>>,
    /// The target and the arguments of a built-in's method that is being called.
    pub(super) held: Vec<Option<Value<'a>>>,
    /// The methods that are kept in the place of texts and dates, by where those are in memory.
    pub(super) kept: HashMap<usize, Kept<'a>>,
    /// Whether a character has been cut into halves.
    pub(crate) has_halves: Cell<bool>,
    pub(crate) returned: Option<Value<'a>>,
    pub(crate) recovered: Option<Rc<str>>,
    /// What has led to the running directive, the outermost first.
    pub(super) callers: Vec<Caller<'a>>,
    /// The interpolation whose expression is being computed.
    pub(super) interpolation: Option<&'a Node>,
    pub(crate) depth: usize,
    /// The zones that formats go on in.
    pub(super) zones: Vec<KeptZone>,
    steps_left: u64,
    memory_left: usize,
}

/// Which code runs, and what it sees.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    /// Index of the code with its namespace.
    pub(crate) unit: u32,
    /// Where the running frame begins among the locals.
    pub(crate) base: usize,
    /// The macro that is running.
    pub(crate) running: Option<Running<'a>>,
    pub(crate) nested: Option<Rc<Nested<'a>>>,
    /// What code of another template sees of the place that it runs at.
    pub(crate) around: Option<Rc<Around<'a>>>,
}

/// A macro or a function while it runs.
#[derive(Clone, Copy)]
pub(crate) struct Running<'a> {
    pub(crate) def: &'a MacroDef,
    /// Where its frame begins.
    pub(crate) base: usize,
    /// The unit that has called it.
    pub(crate) caller: u32,
    /// The unit that it is of.
    pub(crate) unit: u32,
}

/// The nested content of the running macro call.
pub(crate) struct Nested<'a> {
    pub(crate) body: &'a [Node],
    pub(crate) loop_vars: &'a [(Box<str>, u32)],
    /// Where the caller is, and so the content.
    pub(crate) place: Place<'a>,
}

/// Renders `template` to the end of `out`; leaves `out` as it was if that fails.
pub(crate) fn render(template: &Template, root: &dyn Hash, out: &mut Vec<u8>) -> Result<(), Error> {
    let loaded = Loaded::default();
    let (code, engine) = (&*template.code, &*template.engine);
    let program = &code.program;
    let before = out.len();
    let mut env = Env {
        engine,
        template: code,
        root,
        settings: Cow::Borrowed(&engine.settings),
        out: std::mem::take(out),
        // The caller's earlier bytes don't count against the budget.
        captured_before: 0usize.wrapping_sub(before),
        place: Place {
            unit: 0,
            base: 0,
            running: None,
            nested: None,
            around: None,
        },
        included: None,
        units: Units::new(code, &loaded),
        namespaces: First::new(Variables::new(&program.namespace)),
        globals: Variables::new(&program.globals),
        locals: Vec::new(),
        held: Vec::new(),
        kept: HashMap::new(),
        has_halves: Cell::new(false),
        returned: None,
        recovered: None,
        callers: Vec::new(),
        interpolation: None,
        depth: 0,
        zones: Vec::new(),
        steps_left: engine.budgets.steps,
        memory_left: engine.budgets.memory_bytes,
    };
    // Made in their place, and only if there are any: to move them there takes longer than most else of a small render.
    env.namespaces.first_mut().make();
    env.globals.make();
    fill(&mut env.locals, program.frame_size as usize);
    env.hoist_macros(program);
    let result = env
        .load_automatic()
        .and_then(|()| env.exec(&program.nodes))
        .map_err(|fault| env.told(fault));
    *out = std::mem::take(&mut env.out);
    if env.has_halves.get() {
        utf16::join_halves(out, before);
    }
    let result = match result {
        Ok(Flow::Return) => Err(Error::new(ErrorKind::Value, RETURN_OUTSIDE)),
        Ok(_) => return Ok(()),
        Err(error) => Err(error),
    };
    out.truncate(before);
    result
}

/// Gives slots that are to be `len`, and of which there are none yet, no value.
#[inline]
pub(super) fn fill(slots: &mut Vec<Option<Value<'_>>>, len: usize) {
    if len > 0 {
        slots.resize_with(len, || None);
    }
}

impl<'a> Env<'a> {
    pub(crate) fn max_digits(&self) -> u64 {
        self.engine.budgets.number_digits
    }

    /// Counts one step.
    #[inline]
    pub(crate) fn step(&mut self) -> Evaluated<'a, ()> {
        self.steps(1)
    }

    /// Counts the steps of an operation over `count` items.
    #[inline]
    pub(crate) fn steps(&mut self, count: usize) -> Evaluated<'a, ()> {
        match self.steps_left.checked_sub(count as u64) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => {
                let limit = self.engine.budgets.steps;
                Err(over_budget(ErrorKind::Steps, "takes", limit, "steps"))
            }
        }
    }

    /// Counts bytes that the template is about to hold.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) -> Evaluated<'a, ()> {
        match self.memory_left.checked_sub(bytes) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(self.no_room()),
        }
    }

    #[cold]
    fn no_room(&self) -> Fault<'a> {
        let limit = self.engine.budgets.memory_bytes as u64;
        over_budget(ErrorKind::Memory, "uses", limit, "bytes of memory")
    }

    /// Checks that there is room for bytes that are needed but for a moment.
    #[inline]
    pub(crate) fn check_room(&self, bytes: usize) -> Evaluated<'a, ()> {
        if self.memory_left < bytes {
            return Err(self.no_room());
        }
        Ok(())
    }

    /// Checks that a text may have as many bytes: a share of the budget, since there are several of it while it is made,
    /// and what is made of it may be several times as long before it is counted.
    #[inline]
    pub(crate) fn check_text(&self, bytes: usize) -> Evaluated<'a, ()> {
        if bytes <= SHORT_TEXT {
            return Ok(());
        }
        let budgets = &self.engine.budgets;
        let longest = (budgets.memory_bytes / TEXTS_IN_MEMORY).max(budgets.output_bytes);
        if bytes > longest {
            let limit = longest as u64;
            return Err(over_budget(
                ErrorKind::Memory,
                "makes a text of",
                limit,
                "bytes",
            ));
        }
        self.check_room(bytes * 2)
    }

    /// Counts the bytes of a text.
    #[inline]
    pub(crate) fn charge_text(&mut self, bytes: usize) -> Evaluated<'a, ()> {
        self.check_text(bytes)?;
        self.charge(bytes)
    }

    pub(crate) fn charge_items(&mut self, items: usize) -> Evaluated<'a, ()> {
        self.charge(items.saturating_mul(std::mem::size_of::<Option<Value<'_>>>()))
    }

    #[inline]
    pub(crate) fn check_output(&mut self) -> Evaluated<'a, ()> {
        let limit = self.engine.budgets.output_bytes;
        if self.out.len().wrapping_add(self.captured_before) > limit {
            let limit = limit as u64;
            return Err(over_budget(ErrorKind::Output, "writes", limit, "bytes"));
        }
        Ok(())
    }

    /// An error at a place of this template.
    #[cold]
    pub(crate) fn fault(&self, kind: ErrorKind, src: Src, message: impl Into<String>) -> Fault<'a> {
        Fault::Error(
            self.template
                .error_at(kind, src, message)
                .blaming(self.template.shown(src)),
        )
    }

    /// An expression as messages show it.
    #[cold]
    pub(crate) fn shown(&self, expr: &Expr) -> String {
        Printer::of(self.template).expr(expr)
    }

    /// A failure that is the directive's, but whose message shows an expression.
    #[cold]
    pub(crate) fn described(
        &self,
        kind: ErrorKind,
        src: Src,
        message: impl Into<String>,
    ) -> Fault<'a> {
        let span = self.template.map.span(&self.template.source, src);
        Fault::Error(
            Error::new(kind, message)
                .labelled(&self.template.label)
                .blaming(self.template.shown(src))
                .showing(span),
        )
    }

    /// A failure that is the directive's, with no expression to blame.
    #[cold]
    pub(crate) fn failure(&self, kind: ErrorKind, message: impl Into<String>) -> Fault<'a> {
        Fault::Error(Error::new(kind, message))
    }

    #[cold]
    pub(crate) fn type_fault(
        &self,
        expr: &'a Expr,
        expected: &str,
        found: &Value<'a>,
    ) -> Fault<'a> {
        let message = format!(
            "Expected {}, but this has evaluated to {}:",
            with_article(expected),
            with_article(self.shown_type(expr, found))
        );
        self.role_fault(expr.src, message)
    }

    /// A type error whose message is to say what part the expression at `src` plays.
    #[cold]
    pub(crate) fn role_fault(&self, src: Src, message: impl Into<String>) -> Fault<'a> {
        match self.fault(ErrorKind::Type, src, message) {
            Fault::Error(error) => Fault::Error(error.naming_role(src)),
            missing => missing,
        }
    }

    #[cold]
    pub(crate) fn number_fault(&self, src: Src, error: NumberError) -> Fault<'a> {
        match error {
            NumberError::DivisionByZero => self.failure(
                ErrorKind::DivisionByZero,
                "Arithmetic operation failed: / by zero",
            ),
            NumberError::BigDivisionByZero => self.failure(
                ErrorKind::DivisionByZero,
                "Arithmetic operation failed: BigInteger divide by zero",
            ),
            NumberError::TooLarge => {
                let limit = self.max_digits();
                self.fault(
                    ErrorKind::NumberSize,
                    src,
                    format!("the number has more than {limit} digits"),
                )
            }
            NumberError::NonFinite => {
                let message = "infinities and NaN can't be computed with";
                match self.fault(ErrorKind::Value, src, message) {
                    Fault::Error(error) => Fault::Error(error.foreign()),
                    missing => missing,
                }
            }
        }
    }

    pub(crate) fn number(
        &self,
        src: Src,
        result: Result<Number, NumberError>,
    ) -> Evaluated<'a, Value<'a>> {
        result
            .map(Value::Number)
            .map_err(|error| self.number_fault(src, error))
    }

    /// A failure as it leaves the render, or as `.error` tells it.
    pub(super) fn told(&self, fault: Fault<'a>) -> Error {
        let error = self.to_error(fault);
        if self.engine.shows_tips {
            error
        } else {
            error.without_tips()
        }
    }

    /// The full error of a fault.
    pub(crate) fn to_error(&self, fault: Fault<'a>) -> Error {
        match fault {
            Fault::Error(error) => error,
            Fault::Missing(expr) => {
                const DOLLAR: &str = "Variable references must not start with \"$\", unless the \"$\" is really part of the variable name.";
                let last_step = match &Printer::of(self.template).original(escaped(expr)).kind {
                    ExprKind::Name(name) => name.text.starts_with('$').then_some(DOLLAR),
                    ExprKind::Dot(_, key) if key.text.starts_with('$') => Some(DOLLAR),
                    ExprKind::Dot(..) => Some(
                        "It's the step after the last dot that caused this error, not those before it.",
                    ),
                    ExprKind::Index(..) => Some(LAST_INDEX),
                    _ => None,
                };
                self.missing_at(expr.src, last_step)
            }
        }
    }

    /// The fault of what stands at `src`, and has no value.
    #[cold]
    pub(crate) fn missing(&self, src: Src) -> Fault<'a> {
        Fault::Error(self.missing_at(src, None))
    }

    /// The fault of what `expr` has no item of, where one is taken without being written so.
    #[cold]
    pub(crate) fn missing_item(&self, expr: &Expr) -> Fault<'a> {
        Fault::Error(self.missing_at(expr.src, Some(LAST_INDEX)))
    }

    fn missing_at(&self, src: Src, tip: Option<&str>) -> Error {
        let error = self
            .template
            .error_at(ErrorKind::Missing, src, Error::MISSING)
            .blaming(self.template.shown(src));
        let error = match tip {
            Some(tip) => error.tip(tip),
            None => error,
        };
        let example = if self.template.square_tags {
            "[#if myOptionalVar??]when-present[#else]when-missing[/#if]"
        } else {
            "<#if myOptionalVar??>when-present<#else>when-missing</#if>"
        };
        error.tip(format!(
            "If the failing expression is known to legally refer to something that's sometimes null or missing, either specify \
             a default value like myOptionalVar!myDefault, or use {example}. (These only cover the last step of the \
             expression; to cover the whole expression, use parenthesis: (myOptionalVar.foo)!myDefault, (myOptionalVar.foo)??",
        ))
    }

    /// Runs `write` with an empty output and returns what it wrote.
    pub(crate) fn capture(
        &mut self,
        write: impl FnOnce(&mut Self) -> Evaluated<'a, ()>,
    ) -> Evaluated<'a, Vec<u8>> {
        let outer = std::mem::take(&mut self.out);
        let before = self.captured_before;
        self.captured_before = before.wrapping_add(outer.len());
        let result = write(self);
        self.captured_before = before;
        let captured = std::mem::replace(&mut self.out, outer);
        result.map(|()| captured)
    }

    /// Runs `write` with the output at hand, which is as it was if that fails. What is written meanwhile by others counts
    /// as captured.
    pub(crate) fn with_output(
        &mut self,
        write: impl FnOnce(&mut Self, &mut Vec<u8>) -> Evaluated<'a, ()>,
    ) -> Evaluated<'a, ()> {
        let mut out = std::mem::take(&mut self.out);
        let (before, written) = (self.captured_before, out.len());
        self.captured_before = before.wrapping_add(written);
        let result = write(self, &mut out);
        self.captured_before = before;
        if result.is_err() {
            out.truncate(written);
        }
        self.out = out;
        result
    }

    /// What [`Self::capture`] caught, as a string.
    pub(crate) fn captured_string(&mut self, bytes: Vec<u8>) -> Evaluated<'a, Value<'a>> {
        self.charge_text(bytes.len())?;
        // Only whole strings are ever written.
        Ok(Value::string(String::from_utf8(bytes).unwrap_or_else(
            |error| String::from_utf8_lossy(error.as_bytes()).into_owned(),
        )))
    }

    /// What [`Self::capture`] caught, as markup if that is what was written.
    pub(crate) fn captured_markup(
        &mut self,
        bytes: Vec<u8>,
        format: &OutputFormat,
    ) -> Evaluated<'a, Value<'a>> {
        match self.captured_string(bytes)? {
            Value::Str(text) if format.is_markup() => Ok(Value::Markup(Rc::new(Markup {
                format: format.clone(),
                content: Content::Markup(text),
            }))),
            text => Ok(text),
        }
    }

    /// A string that the template made.
    pub(crate) fn made(&mut self, text: String) -> Evaluated<'a, Value<'a>> {
        self.charge_text(text.len())?;
        Ok(Value::string(text))
    }

    pub(crate) fn local(&self, slot: u32) -> Option<&Value<'a>> {
        self.local_of(self.place.base, slot)
    }

    /// A local variable of the frame that begins at `base`.
    pub(crate) fn local_of(&self, base: usize, slot: u32) -> Option<&Value<'a>> {
        self.locals.get(base + slot as usize)?.as_ref()
    }

    /// Where a local variable is kept.
    #[inline(always)]
    pub(crate) fn local_mut(&mut self, slot: u32) -> Option<&mut Option<Value<'a>>> {
        self.locals.get_mut(self.place.base + slot as usize)
    }

    pub(crate) fn set_local(&mut self, slot: u32, value: Option<Value<'a>>) {
        self.set_local_of(self.place.base, slot, value);
    }

    /// Sets a local variable; returns what it was.
    pub(crate) fn replace_local(
        &mut self,
        slot: u32,
        value: Option<Value<'a>>,
    ) -> Option<Value<'a>> {
        let local = self.locals.get_mut(self.place.base + slot as usize)?;
        std::mem::replace(local, value)
    }

    /// Sets a local variable of the frame that begins at `base`.
    pub(crate) fn set_local_of(&mut self, base: usize, slot: u32, value: Option<Value<'a>>) {
        if let Some(local) = self.locals.get_mut(base + slot as usize) {
            *local = value;
        }
    }

    /// Runs one level deeper, on a stack that has room for it.
    pub(crate) fn deeper<T>(
        &mut self,
        src: Src,
        run: impl FnOnce(&mut Self) -> Evaluated<'a, T>,
    ) -> Evaluated<'a, T> {
        let limit = self.engine.budgets.depth;
        if self.depth >= limit {
            return Err(self.fault(
                ErrorKind::Depth,
                src,
                format!("calls are nested more than {limit} levels deep"),
            ));
        }
        let has_room = stacker::remaining_stack().is_some_and(|left| left >= STACK);
        if !has_room {
            self.steps(STEPS_OF_A_STACK)?;
        }
        self.depth += 1;
        let result = if has_room {
            run(self)
        } else {
            stacker::grow(4 * STACK, || run(self))
        };
        self.depth -= 1;
        result
    }
}

#[cold]
fn over_budget<'a>(kind: ErrorKind, does: &str, limit: u64, what: &str) -> Fault<'a> {
    let message = format!("the template {does} more than {limit} {what}");
    Fault::Error(Error::new(kind, message))
}

pub(crate) fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}
