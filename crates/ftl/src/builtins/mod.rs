//! The built-ins: `target?name(args)`.

mod callables;
mod charset;
mod control;
mod dates;
mod escapes;
mod excerpt;
mod hashes;
mod json;
mod loops;
mod markup;
mod misfits;
mod numbers;
mod patterns;
mod sequences;
mod sorting;
mod spelling;
mod strings;
mod truncate;
mod types;
pub(crate) mod utf16;

pub(crate) use spelling::{camel_case, snake_case};

use crate::error::ErrorKind;
use crate::eval::{Env, Evaluated, Fault, TEXT_BYTES_PER_STEP};
use crate::number::Number;
use crate::syntax::ast::{BuiltinCall, Expr, ExprKind};
use crate::value::{DateTime, LoopState, Str, Value};

type Returned<'a> = Evaluated<'a, Option<Value<'a>>>;

/// What runs, by what it works on.
#[derive(Clone, Copy)]
enum Run {
    /// A string; numbers, dates and booleans are formatted first.
    Str(for<'a> fn(&mut Env<'a>, &'a BuiltinCall, Str<'a>) -> Returned<'a>),
    /// The text that the target prints. Markup that has been escaped so is left alone, and other markup refused.
    Text(for<'a> fn(&mut Env<'a>, &'a BuiltinCall, Str<'a>) -> Returned<'a>),
    Number(for<'a> fn(&mut Env<'a>, &'a BuiltinCall, Number) -> Returned<'a>),
    Date(for<'a> fn(&mut Env<'a>, &'a BuiltinCall, DateTime) -> Returned<'a>),
    Seq(for<'a> fn(&mut Env<'a>, &'a BuiltinCall, Value<'a>) -> Returned<'a>),
    /// A sequence whose items may be computed one by one; the built-in evaluates its target itself.
    Items(for<'a> fn(&mut Env<'a>, &'a BuiltinCall) -> Returned<'a>),
    Any(for<'a> fn(&mut Env<'a>, &'a BuiltinCall, Value<'a>) -> Returned<'a>),
    /// The target may be a date whose text can't be read.
    Unread(for<'a> fn(&mut Env<'a>, &'a BuiltinCall, Value<'a>) -> Returned<'a>),
    /// The target may be missing.
    Optional(for<'a> fn(&mut Env<'a>, &'a BuiltinCall, Option<Value<'a>>) -> Returned<'a>),
    /// The target is a loop variable.
    Loop(for<'a> fn(&mut Env<'a>, &'a BuiltinCall, LoopState) -> Returned<'a>),
}

/// How many arguments there may be.
#[derive(Clone, Copy)]
enum Args {
    None,
    /// The parentheses may be left out.
    Optional(usize, usize),
    Required(usize, usize),
}

const PRINTABLE: &str =
    "string or something automatically convertible to string (number, date or boolean)";

/// One built-in.
pub(crate) struct Builtin {
    name: &'static str,
    run: Run,
    args: Args,
    print: Option<Print>,
}

/// Prints what the built-in returns straight to the output, which saves a string.
type Print = for<'a> fn(&mut Env<'a>, &'a BuiltinCall) -> Evaluated<'a, ()>;

const fn define(name: &'static str, run: Run, args: Args) -> Builtin {
    Builtin {
        name,
        run,
        args,
        print: None,
    }
}

/// Why there's no such built-in.
pub(crate) struct Unavailable {
    pub(crate) message: String,
    pub(crate) refused: bool,
}

const TABLES: &[&[Builtin]] = &[
    strings::TABLE,
    truncate::TABLE,
    escapes::TABLE,
    patterns::TABLE,
    numbers::TABLE,
    dates::TABLE,
    sequences::TABLE,
    hashes::TABLE,
    loops::TABLE,
    types::TABLE,
    callables::TABLE,
    control::TABLE,
    json::TABLE,
    markup::TABLE,
];

/// The names of the built-ins that templates can use, in snake_case: for editors and for tests.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().copied().flatten().map(Builtin::name)
}

/// Finds a built-in by its snake_case or camelCase name.
pub(crate) fn find(spelling: &str) -> Result<&'static Builtin, Unavailable> {
    let name = snake_case(spelling);
    if let Some(builtin) = TABLES
        .iter()
        .copied()
        .flatten()
        .find(|builtin| builtin.name == name)
    {
        return Ok(builtin);
    }
    let why = match name.as_str() {
        "new" => "it creates Java objects, and there are none here",
        "api" | "has_api" => "it reaches into Java, and there is none here",
        "ancestors" | "children" | "next_sibling" | "node_name" | "node_namespace"
        | "node_type" | "parent" | "previous_sibling" | "root" => {
            "it works on XML nodes, and the data has none"
        }
        _ => {
            return Err(Unavailable {
                message: format!(
                    "Unknown built-in: {}. Help (latest version): https://freemarker.apache.org/docs/ref_builtins.html",
                    crate::error::java_quoted(spelling)
                ),
                refused: false,
            });
        }
    };
    Err(Unavailable {
        message: format!("?{name} is refused: {why}"),
        refused: true,
    })
}

impl Builtin {
    const fn printed_by(self, print: Print) -> Self {
        Self {
            print: Some(print),
            ..self
        }
    }

    /// Prints what [`Self::run`] would return, if there's a short way to do so.
    pub(crate) fn print<'a>(
        &self,
        env: &mut Env<'a>,
        call: &'a BuiltinCall,
    ) -> Option<Evaluated<'a, ()>> {
        let print = self.print.filter(|_| call.args_fit)?;
        Some(env.step().and_then(|()| print(env, call)))
    }

    pub(crate) fn run<'a>(&self, env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
        env.step()?;
        if !call.args_fit {
            return self.misfit(env, call);
        }
        match self.run {
            Run::Str(run) => {
                let text = self.string_target(env, call)?;
                env.steps(text.as_str().len() / TEXT_BYTES_PER_STEP)?;
                run(env, call, text)
            }
            Run::Text(run) => {
                let value = env.eval(&call.target)?;
                if let Value::Markup(markup) = &value {
                    if markup.format.is_escaped_by(self.name) {
                        return Ok(Some(value));
                    }
                    return Err(env.type_fault(&call.target, PRINTABLE, &value));
                }
                let text = env.printed(&call.target, &value)?;
                env.steps(text.as_str().len() / TEXT_BYTES_PER_STEP)?;
                run(env, call, text)
            }
            Run::Number(run) => {
                let number = env.eval_number(&call.target)?;
                run(env, call, number)
            }
            Run::Date(run) => match env.eval(&call.target)? {
                Value::Date(date) => run(env, call, date),
                other => Err(not_a_date(env, call, &other)),
            },
            Run::Seq(run) => {
                let value = env.eval(&call.target)?;
                if value.is_sequence() {
                    run(env, call, value)
                } else {
                    Err(env.type_fault(&call.target, "sequence", &value))
                }
            }
            Run::Items(run) => run(env, call),
            Run::Any(run) => {
                let value = env.eval(&call.target)?;
                if let Value::Str(text) = &value {
                    env.steps(text.as_str().len() / TEXT_BYTES_PER_STEP)?;
                }
                run(env, call, value)
            }
            Run::Unread(run) => {
                let value = env.eval_unread(&call.target)?;
                run(env, call, value)
            }
            Run::Optional(run) => {
                let value = env.eval_guarded(&call.target)?;
                run(env, call, value)
            }
            Run::Loop(run) => {
                let state = call.loop_slot.and_then(|slot| env.local(slot));
                match state {
                    Some(Value::Loop(state)) => {
                        let state = *state;
                        run(env, call, state)
                    }
                    _ => {
                        let message = format!(
                            "The left side operand of ?{} must be a loop variable.",
                            self.name
                        );
                        Err(env.fault(ErrorKind::Type, call.target.src, message))
                    }
                }
            }
        }
    }

    /// The string that it works on. Those that look for a part have a namesake for sequences.
    fn string_target<'a>(
        &self,
        env: &mut Env<'a>,
        call: &'a BuiltinCall,
    ) -> Evaluated<'a, Str<'a>> {
        let namesake = match self.name {
            "contains" => "seq_contains",
            "index_of" | "last_index_of" => "seq_index_of",
            _ => return env.eval_string(&call.target),
        };
        let value = env.eval(&call.target)?;
        let is_sequence = value.type_name() == "sequence";
        env.string_of(&call.target, value)
            .map_err(|fault| match fault {
                Fault::Error(error) if is_sequence => Fault::Error(error.tip(format!(
                    "For sequences/collections (lists and such) use \"?{namesake}\" instead."
                ))),
                fault => fault,
            })
    }

    /// Whether the number of arguments is checked before anything runs.
    pub(crate) fn is_checked_early(&self) -> bool {
        self.takes_lambda()
            || matches!(self.name, "then" | "switch")
            || (matches!(self.run, Run::Loop(_)) && self.name != "item_cycle")
    }

    /// The name in snake_case.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn takes_args(&self) -> bool {
        !matches!(self.args, Args::None)
    }

    /// Whether it gives the items of its target as they are.
    pub(crate) fn passes_items_on(&self) -> bool {
        self.name == "sequence"
    }

    pub(crate) fn takes_lambda(&self) -> bool {
        matches!(self.name, "map" | "filter" | "take_while" | "drop_while")
    }

    /// Whether its arguments belong to it and are only evaluated as it pleases; other built-ins give a method, which is
    /// then called.
    pub(crate) fn takes_expressions(&self) -> bool {
        self.takes_lambda() || matches!(self.name, "then" | "switch")
    }

    /// Whether `?name["format"]` and `?name.format` mean a format.
    pub(crate) fn is_format_lookup(&self) -> bool {
        matches!(self.name, "string" | "date" | "time" | "datetime")
    }

    pub(crate) fn asks_loop(&self) -> bool {
        matches!(self.run, Run::Loop(_))
    }

    pub(crate) fn accepts_missing(&self) -> bool {
        matches!(self.run, Run::Optional(_))
    }
}

fn not_a_date<'a>(env: &Env<'a>, call: &'a BuiltinCall, found: &Value<'a>) -> Fault<'a> {
    match env.type_fault(&call.target, "date/time", found) {
        // FreeMarker hands the name of the type over as a tip.
        Fault::Error(error) => Fault::Error(error.tip("date")),
        missing => missing,
    }
}

impl BuiltinCall {
    fn arg(&self, index: usize) -> Option<&Expr> {
        self.args.as_ref()?.get(index)
    }

    /// Whether the first argument is the same in every render.
    fn has_constant_arg(&self) -> bool {
        self.arg(0)
            .is_some_and(|arg| matches!(arg.kind, ExprKind::Str(_)))
    }

    fn arg_count(&self) -> usize {
        self.args.as_ref().map_or(0, Vec::len)
    }
}

impl<'a> Env<'a> {
    /// A string argument; the arity has been checked when the template was compiled.
    fn arg_str(&mut self, call: &'a BuiltinCall, index: usize) -> Evaluated<'a, Str<'a>> {
        let arg = self.arg_expr(call, index)?;
        match self.eval_opt(arg)? {
            Some(Value::Str(text)) => {
                self.steps(text.as_str().len() / TEXT_BYTES_PER_STEP)?;
                Ok(text)
            }
            Some(Value::Nothing) => Ok(Str::Borrowed("")),
            // These take their arguments as expressions, the others as values.
            None if matches!(call.builtin.name, "replace" | "split" | "matches") => {
                Err(Fault::Missing(arg))
            }
            other => {
                let expected = if call.builtin.name.starts_with("iso") {
                    "string or java.util.TimeZone"
                } else {
                    "string"
                };
                Err(self.arg_fault(call, index, expected, other.as_ref()))
            }
        }
    }

    /// An argument of an old kind of built-in, which takes whatever can be printed.
    fn arg_text(&mut self, call: &'a BuiltinCall, index: usize) -> Evaluated<'a, Str<'a>> {
        let arg = self.arg_expr(call, index)?;
        self.eval_string(arg)
    }

    fn arg_int(&mut self, call: &'a BuiltinCall, index: usize) -> Evaluated<'a, i64> {
        let arg = self.arg_expr(call, index)?;
        match self.eval_opt(arg)? {
            Some(Value::Number(number)) => Ok(i64::from(number.to_i32_wrapping())),
            other => Err(self.arg_fault(call, index, "number", other.as_ref())),
        }
    }

    pub(crate) fn arg_expr(&self, call: &'a BuiltinCall, index: usize) -> Evaluated<'a, &'a Expr> {
        call.args
            .as_ref()
            .and_then(|args| args.get(index))
            .ok_or_else(|| {
                self.fault(
                    ErrorKind::Value,
                    call.target.src,
                    format!("?{}(...) needs more arguments", call.builtin.name),
                )
            })
    }

    /// A failure that the built-in is to be blamed for with its target and arguments.
    fn whole_fault(
        &self,
        call: &BuiltinCall,
        kind: ErrorKind,
        message: impl Into<String>,
    ) -> Fault<'a> {
        self.fault(kind, call.src, message)
    }

    #[cold]
    fn arg_fault(
        &mut self,
        call: &'a BuiltinCall,
        index: usize,
        expected: &str,
        found: Option<&Value<'a>>,
    ) -> Fault<'a> {
        // All arguments are computed before one is looked at.
        for later in call.args.iter().flatten().skip(index + 1) {
            if let Err(fault) = self.eval_opt(later) {
                return fault;
            }
        }
        let message = format!(
            "?{}(...) expects a {expected} as argument #{}, but received {}.",
            call.name,
            index + 1,
            crate::eval::with_article(found.map_or("Null", Value::type_name))
        );
        self.failure(ErrorKind::Type, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_naming_conventions_find_a_builtin() {
        for (snake, camel) in [
            ("json_string", "jsonString"),
            ("iso_utc_ms_nz", "isoUtcMsNZ"),
            ("iso_utc_fz", "isoUtcFZ"),
        ] {
            assert_eq!(snake_case(camel), snake);
        }
        assert!(find("api").is_err_and(|problem| problem.refused));
        assert!(find("nope").is_err_and(|problem| !problem.refused));
    }
}
