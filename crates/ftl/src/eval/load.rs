//! Running other templates: `#include`, `#import`, `?eval`, `?interpret`.

use std::rc::Rc;
use std::sync::Arc;

use super::callables::bad_option;
use super::env::{Env, Evaluated, Fault};
use super::exec::{COMPILED_BYTES_PER_STEP, is_used_up};
use super::units::{Origin, Variables};
use crate::error::{Error, ErrorKind};
use crate::loader::{full_name, normalize, not_found, without_slash};
use crate::output_format::AutoEscaping;
use crate::syntax::ast::{BuiltinCall, Expr, Import, Include, NodeKind, Site};
use crate::syntax::{Options, Src};
use crate::template::Code;
use crate::value::{Callable, Map, Str, Value};

/// Bytes that a compiled template takes, and those for each byte of its source.
const COMPILED_BYTES: usize = 4_096;
const COMPILED_BYTES_PER_BYTE: usize = 64;
/// What it costs to compile anything at all.
const STEPS_OF_A_TEMPLATE: usize = 100;

impl<'a> Env<'a> {
    /// `<#include name …>`
    #[inline(never)]
    pub(super) fn include(&mut self, src: Src, include: &'a Include) -> Evaluated<'a, ()> {
        let name = self.eval_string(&include.name)?;
        let (mut parse, mut ignore_missing) = (true, false);
        for (option, value) in &include.options {
            match &**option {
                "parse" => parse = self.parse_option(value)?,
                "ignore_missing" => ignore_missing = self.eval_bool(value)?,
                _ => {
                    self.eval_string(value)?;
                }
            }
        }
        let full = full_name(&self.template.name, name.as_str());
        let code = self
            .load(&full, parse)
            .map_err(|error| self.failed("inclusion", name.as_str(), &error))?;
        match code {
            Some(code) => self.run_code(src, code, self.namespace(), include.site.as_deref()),
            None if ignore_missing => Ok(()),
            None => Err(self.failed("inclusion", name.as_str(), &not_found(&full))),
        }
    }

    #[cold]
    fn failed(&self, what: &str, name: &str, error: &Error) -> Fault<'a> {
        Fault::Error(error.wrapped(format!(
            "Template {what} failed (for parameter value {}):\n{}",
            crate::error::java_quoted(name),
            error.as_reason()
        )))
    }

    /// `parse=true`, or as a word.
    fn parse_option(&mut self, expr: &'a Expr) -> Evaluated<'a, bool> {
        match self.eval(expr)? {
            Value::Bool(parse) => Ok(parse),
            Value::Str(word) => match word.as_str() {
                "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "t" | "T" | "y" | "Y" => {
                    Ok(true)
                }
                "false" | "False" | "FALSE" | "no" | "No" | "NO" | "f" | "F" | "n" | "N" => {
                    Ok(false)
                }
                other => {
                    let message = format!(
                        "Value must be boolean (or one of these strings: \"n\", \"no\", \"f\", \"false\", \"y\", \"yes\", \"t\", \"true\"), but it was {}.",
                        crate::error::java_quoted(other)
                    );
                    Err(self.fault(ErrorKind::Value, expr.src, message))
                }
            },
            other => Err(self.type_fault(expr, "boolean", &other)),
        }
    }

    /// The template with the full name `full`, if there is one.
    fn load(&mut self, full: &str, parse: bool) -> Result<Option<&'a Code>, Error> {
        let Some(library) = &self.engine.library else {
            return Err(Error::new(
                ErrorKind::Refused,
                "a template can't load other templates here",
            ));
        };
        let Ok(name) = normalize(without_slash(full)) else {
            return Ok(None);
        };
        let locale = self.settings.locale.clone();
        let name = self.engine.lookup(&name, &locale);
        let key = &*name.key();
        let origin = if parse { Origin::Loaded } else { Origin::Plain };
        if let Some(code) = self.units.made_of(origin, key) {
            return Ok(Some(code));
        }
        if let Some(error) = self.units.failure_of(origin, key) {
            const AGAIN: &str = "There was an error loading the template on an earlier attempt; see cause exception.";
            return Err(error.wrapped(AGAIN));
        }
        // For a star each folder up to the root is asked.
        let asked = 1 + name.name.split('/').count();
        self.steps(STEPS_OF_A_TEMPLATE * asked).map_err(as_error)?;
        let options = &self.engine.options;
        let charge = |source: &str| self.charge_compiled(source).map_err(as_error);
        let found = if parse {
            library.get(name, options, charge)
        } else {
            library.get_plain(name, options, charge)
        };
        let found = found.inspect_err(|error| {
            if matches!(error.kind(), ErrorKind::Syntax | ErrorKind::Host) {
                self.units.remember_failure(origin, key, error);
            }
        })?;
        let Some(code) = found else {
            return Ok(None);
        };
        let code = self.units.keep(code);
        self.units.remember(origin, key, code);
        Ok(Some(code))
    }

    /// Counts what it takes to compile `text` and to keep the result.
    fn charge_compiled(&mut self, text: &str) -> Evaluated<'a, ()> {
        self.steps(STEPS_OF_A_TEMPLATE + text.len() / COMPILED_BYTES_PER_STEP)?;
        self.charge(COMPILED_BYTES + text.len().saturating_mul(COMPILED_BYTES_PER_BYTE))
    }

    /// Runs a template at this place, its variables being those of `namespace`.
    pub(super) fn run_code(
        &mut self,
        src: Src,
        code: &'a Code,
        namespace: u32,
        site: Option<&'a Site>,
    ) -> Evaluated<'a, ()> {
        let unit = self.unit_of(code, namespace)?;
        let before = self.included.replace(&code.name);
        let result = self.deeper(src, |env| {
            env.run_within(unit, site, |env| {
                env.hoist_macros(&code.program);
                env.exec(&code.program.nodes)
            })
        });
        self.included = self.included_after(before);
        result.map(drop)
    }

    /// What has been included when the code within has ended: from 2.3.22 on that is forgotten.
    pub(super) fn included_after(&self, before: Option<&'a str>) -> Option<&'a str> {
        before.filter(|_| !self.engine.options.version.has(22))
    }

    /// `<#import name as alias>`
    #[inline(never)]
    pub(super) fn import(&mut self, import: &'a Import) -> Evaluated<'a, ()> {
        let name = self.eval_string(&import.name)?;
        let full = full_name(&self.template.name, name.as_str());
        let lazy = self.engine.automatic.lazy_imports;
        let src = import.name.src;
        let namespace = self.import_named(src, &full, lazy, import.site.as_deref(), &import.alias);
        namespace.map_err(|fault| match fault {
            Fault::Error(error) if error.span().is_none() || error.stack().is_empty() => {
                self.failed("importing", name.as_str(), &error)
            }
            fault => fault,
        })
    }

    /// Imports a template under an alias of the current namespace; one that is there already isn't run again.
    fn import_named(
        &mut self,
        src: Src,
        full: &str,
        lazy: bool,
        site: Option<&'a Site>,
        alias: &'a str,
    ) -> Evaluated<'a, ()> {
        let name = normalize(without_slash(full));
        let name = &*name.map_err(|reason| {
            let malformed = crate::error::java_quoted(full);
            Fault::Error(match lazy {
                true => Error::new(
                    ErrorKind::Value,
                    format!("Malformed template name, {malformed}: {reason}"),
                ),
                false => not_found(full),
            })
        })?;
        let (namespace, code) = match self.units.namespace_of(name) {
            Some(namespace) => {
                if !lazy {
                    self.load_pending(namespace)?;
                }
                (namespace, None)
            }
            None if lazy => {
                let namespace = self.new_namespace(None)?;
                self.namespaces[namespace as usize].pending = Some(name.into());
                self.units.import(name, namespace);
                (namespace, None)
            }
            None => {
                let code = self.load(full, true).map_err(Fault::Error)?;
                let code = code.ok_or_else(|| Fault::Error(not_found(full)))?;
                let namespace = self.new_namespace(Some(code))?;
                self.units.import(name, namespace);
                (namespace, Some(code))
            }
        };
        let current = self.namespace();
        self.charge_items(2)?;
        self.namespaces[current as usize].set(alias, Some(Value::Namespace(namespace)));
        if current == 0 {
            self.globals.set(alias, Some(Value::Namespace(namespace)));
        }
        match code {
            Some(code) => self.fill(src, namespace, code, site),
            None => Ok(()),
        }
    }

    fn new_namespace(&mut self, code: Option<&'a Code>) -> Evaluated<'a, u32> {
        let main = self.units.get(0).code;
        let names = &code.unwrap_or(main).program.namespace;
        self.charge_items(names.len() + 8)?;
        let namespace = self.namespaces.len() as u32;
        let mut variables = Variables::new(names);
        variables.make();
        self.namespaces.push(variables);
        Ok(namespace)
    }

    /// Runs an imported template for its variables; what it prints is dropped.
    fn fill(
        &mut self,
        src: Src,
        namespace: u32,
        code: &'a Code,
        site: Option<&'a Site>,
    ) -> Evaluated<'a, ()> {
        self.capture(|env| env.run_code(src, code, namespace, site))?;
        Ok(())
    }

    /// Runs the template of a lazy import, if that is still to be done.
    pub(crate) fn load_pending(&mut self, namespace: u32) -> Evaluated<'a, ()> {
        let variables = &mut self.namespaces[namespace as usize];
        if let Some(full) = &variables.failed {
            let message = format!(
                "Lazy initialization of the imported namespace for {} has already failed earlier; won't retry it.",
                crate::error::java_quoted(full)
            );
            return Err(self.failure(ErrorKind::Value, message));
        }
        let Some(full) = variables.pending.take() else {
            return Ok(());
        };
        let code = match self.load(&full, true) {
            Ok(Some(code)) => Ok(code),
            Ok(None) => Err(not_found(&full)),
            Err(error) => Err(error),
        };
        let filled = match code {
            Ok(code) => self.fill(Src::default(), namespace, code, None),
            Err(error) => Err(Fault::Error(error)),
        };
        filled.map_err(|fault| {
            let error = self.to_error(fault);
            self.namespaces[namespace as usize].failed = Some(Rc::clone(&full));
            Fault::Error(error.wrapped(format!(
                "Lazy initialization of the imported namespace for {} has failed; see cause exception",
                crate::error::java_quoted(&full)
            )))
        })
    }

    /// `.import()` of an optional template.
    pub(super) fn import_code(
        &mut self,
        src: Src,
        code: &'a Code,
        site: Option<&'a Site>,
    ) -> Evaluated<'a, Value<'a>> {
        if let Some(namespace) = self.units.namespace_of(&code.name) {
            self.load_pending(namespace)?;
            return Ok(Value::Namespace(namespace));
        }
        let namespace = self.new_namespace(Some(code))?;
        self.units.import(&code.name, namespace);
        self.fill(src, namespace, code, site)?;
        Ok(Value::Namespace(namespace))
    }

    /// What the engine is set to import and include before each template.
    pub(super) fn load_automatic(&mut self) -> Evaluated<'a, ()> {
        let automatic = &self.engine.automatic;
        let lazy = automatic
            .lazy_auto_imports
            .unwrap_or(automatic.lazy_imports);
        let src = Src::default();
        for import in &automatic.imports {
            self.import_named(src, &import.name, lazy, None, &import.alias)?;
        }
        for name in &automatic.includes {
            let code = self.load(name, true).map_err(Fault::Error)?;
            let code = code.ok_or_else(|| Fault::Error(not_found(name)))?;
            self.run_code(src, code, 0, None)?;
        }
        Ok(())
    }

    /// `.get_optional_template(name, {"parse": …})`
    pub(super) fn optional_template(
        &mut self,
        args: &[Option<Value<'a>>],
    ) -> Evaluated<'a, Value<'a>> {
        let refuse = |message: String| {
            let message = format!(".get_optional_template(...) {message}");
            Err(Fault::Error(Error::new(ErrorKind::Value, message)))
        };
        if args.is_empty() || args.len() > 2 {
            let got = match args.len() {
                0 => "none".to_owned(),
                count => count.to_string(),
            };
            return refuse(format!("expects 1 or 2 arguments but has received {got}."));
        }
        let found = |value: &Option<Value<'a>>| match value {
            Some(value) => super::with_article(value.type_name()),
            None => "a Null".to_owned(),
        };
        let Some(Value::Str(name)) = &args[0] else {
            let found = found(&args[0]);
            return refuse(format!(
                "expects a string as argument #1, but received {found}."
            ));
        };
        let mut parse = true;
        if let Some(options) = args.get(1) {
            match options {
                Some(options) if options.is_hash() => parse = self.optional_parse(options)?,
                other => {
                    let found = found(other);
                    return refuse(format!(
                        "expects an extended hash as argument #2, but received {found}."
                    ));
                }
            }
        }
        let full = full_name(&self.template.name, name.as_str());
        let code = self.load(&full, parse).map_err(|error| {
            Fault::Error(error.wrapped(format!(
                "I/O error when trying to load optional template {}; see cause exception",
                crate::error::java_quoted(&full)
            )))
        })?;
        let mut result = Map::default();
        if let Some(code) = code {
            for (name, callable) in [
                ("include", Callable::Include(code)),
                ("import", Callable::Import(code)),
            ] {
                result.insert(
                    Str::Borrowed(name),
                    Some(Value::Callable(Rc::new(callable))),
                );
            }
        }
        result.insert(Str::Borrowed("exists"), Some(Value::Bool(code.is_some())));
        Ok(Value::map(result))
    }

    fn optional_parse(&mut self, options: &Value<'a>) -> Evaluated<'a, bool> {
        let mut parse = true;
        for (name, value) in self.entries(options)? {
            let refuse = |message: String| Err(Fault::Error(bad_option(&message)));
            match (name.as_str(), value) {
                ("encoding", Some(Value::Str(_))) => {}
                ("parse", Some(Value::Bool(on))) => parse = on,
                (option @ ("encoding" | "parse"), value) => {
                    let wanted = if option == "parse" {
                        "boolean"
                    } else {
                        "string"
                    };
                    let found = value.map_or("a Null".to_owned(), |value| {
                        super::with_article(value.type_name())
                    });
                    return refuse(format!(
                        "The value of the \"{option}\" option must be a {wanted}, but it was {found}."
                    ));
                }
                (other, _) => {
                    return refuse(format!(
                        "Unsupported option {}; valid names are: \"encoding\", \"parse\".",
                        crate::error::java_quoted(other)
                    ));
                }
            }
        }
        Ok(parse)
    }

    /// `text?eval`
    pub(crate) fn eval_text(
        &mut self,
        call: &'a BuiltinCall,
        text: &str,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        let code = self
            .code_of(call, text, |env, options| {
                Code::expression(&env.template.name, &format!("({text})"), options)
                    .map(|code| code.within(env.template))
            })
            .map_err(|error| {
                let error = error.wrapped(quoted_failure(&error.as_reason()));
                Fault::Error(
                    self.template
                        .place(error, call.src)
                        .blaming(self.template.shown(call.src)),
                )
            })?;
        let unit = self.unit_of(code, self.namespace())?;
        let result = self.deeper(call.src, |env| {
            env.run_within(unit, call.site.as_deref(), |env| {
                match &code.program.nodes[..] {
                    [only] => match &only.kind {
                        NodeKind::Output(expr) => env.eval_opt(expr),
                        _ => Ok(None),
                    },
                    _ => Ok(None),
                }
            })
        });
        result.map_err(|fault| {
            let error = self.to_error(fault);
            if is_used_up(error.kind()) {
                return Fault::Error(error);
            }
            Fault::Error(error.wrapped(quoted_failure(&error.description())))
        })
    }

    /// `text?interpret`, `[text, name]?interpret`
    pub(crate) fn interpret(
        &mut self,
        call: &'a BuiltinCall,
        text: &str,
        id: &str,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        let code = self
            .code_of(call, &format!("{id}\n{text}"), |env, mut options| {
                options.standard_extensions = false;
                // Before 2.3.26 it is called after the main template, or, before 2.3.22, after the included one.
                let version = env.engine.options.version;
                let included = env.included.filter(|_| !version.has(22));
                let name = match version.has(26) {
                    true => &*env.template.name,
                    false => included.unwrap_or_else(|| env.main_name()),
                };
                let name = format!("{name}->{id}");
                Code::compile(&name, text, &options)
            })
            .map_err(|error| {
                let message = format!(
                    "Template parsing with \"?interpret\" has failed with this error:\n\n---begin-message---\n{}\n---end-message---\n\nThe failed expression:",
                    error.as_reason()
                );
                let error = error.wrapped(message);
                Fault::Error(self.template.place(error, call.src).blaming(self.template.shown(call.src)))
            })?;
        Ok(Some(Value::Callable(Rc::new(Callable::Interpreted(code)))))
    }

    /// What `compile` makes of `text` at the place of `call`; it is compiled once in a render.
    fn code_of(
        &mut self,
        call: &'a BuiltinCall,
        text: &str,
        compile: impl FnOnce(&Self, Options) -> Result<Code, Error>,
    ) -> Result<&'a Code, Error> {
        let origin = Origin::MadeAt(std::ptr::from_ref(call) as usize);
        if let Some(code) = self.units.made_of(origin, text) {
            return Ok(code);
        }
        self.charge_compiled(text).map_err(as_error)?;
        let mut options = self.template.options.clone();
        options.loads = self.engine.options.loads;
        options.always_open = true;
        options.output_format = call.output_format.clone();
        if call.auto_escape {
            options.auto_escaping = AutoEscaping::EnableIfSupported;
        } else if call.output_format.is_markup() {
            options.auto_escaping = AutoEscaping::Disable;
        }
        let code = compile(self, options)?;
        let code = self.units.keep(Arc::new(code));
        self.units.remember(origin, text, code);
        Ok(code)
    }
}

fn quoted_failure(reason: &str) -> String {
    format!(
        "Failed to \"?eval\" string with this error:\n\n---begin-message---\n{reason}\n---end-message---\n\nThe failing expression:"
    )
}

/// The error of a budget that is used up.
fn as_error(fault: Fault<'_>) -> Error {
    match fault {
        Fault::Error(error) => error,
        Fault::Missing(_) => Error::new(ErrorKind::Missing, "a value is missing"),
    }
}
