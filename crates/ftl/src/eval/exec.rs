//! Directives at run time.

use std::rc::Rc;

use super::compare::{compared_bytes, equal};
use super::compress::compress;
use super::env::{Env, Evaluated, Fault};
use crate::append::append;
use crate::error::{Error, ErrorKind};
use crate::settings::setting_failed;
use crate::syntax::ast::{
    AssignBlock, Branch, Case, CaseWhen, Expr, FormattedOutput, Node, NodeKind, NumericOutput,
    Setting, Switch,
};
use crate::value::{DateKind, Str, Value};

/// What is done at most in about the time of a step.
pub(crate) const COMPILED_BYTES_PER_STEP: usize = 8;
/// Text that is looked at or copied in about the time of a step.
pub(crate) const TEXT_BYTES_PER_STEP: usize = 64;
/// Steps of computing with long numbers that take about the time of a step of a template's.
pub(crate) const WORDS_PER_STEP: usize = 8;
const STEPS_OF_A_LOCALE: usize = 200;

/// How a run of nodes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
    Return,
}

impl<'a> Env<'a> {
    /// Runs nodes until their end or a jump.
    pub(crate) fn exec(&mut self, nodes: &'a [Node]) -> Evaluated<'a, Flow> {
        for node in nodes {
            let flow = match &node.kind {
                // Every other node is text: worth having in place.
                NodeKind::Text(text) => self.print_text(text).map(|()| Flow::Next),
                _ if self.engine.ignores_failures => self.exec_ignoring(node),
                _ => self.exec_node(node),
            };
            match flow {
                Ok(Flow::Next) => {}
                Ok(flow) => return Ok(flow),
                Err(fault) => return Err(self.traced(fault, node)),
            }
        }
        Ok(Flow::Next)
    }

    #[inline]
    fn print_text(&mut self, text: &str) -> Evaluated<'a, ()> {
        self.steps(1 + text.len() / TEXT_BYTES_PER_STEP)?;
        append(&mut self.out, text.as_bytes());
        self.check_output()
    }

    /// Runs a node; if it fails, what it has written stays, and the next one follows.
    fn exec_ignoring(&mut self, node: &'a Node) -> Evaluated<'a, Flow> {
        let (locals, depth) = (self.locals.len(), self.depth);
        let place = self.place.clone();
        let result = self.exec_node(node);
        if let Err(Fault::Error(error)) = &result
            && (error.kind() == ErrorKind::Stop || !is_recoverable(error))
        {
            return result;
        }
        Ok(result.unwrap_or_else(|_| {
            self.locals.truncate(locals);
            self.depth = depth;
            self.interpolation = None;
            self.go(place);
            Flow::Next
        }))
    }

    fn exec_node(&mut self, node: &'a Node) -> Evaluated<'a, Flow> {
        self.step()?;
        match &node.kind {
            NodeKind::Output(expr) => {
                self.interpolation = Some(node);
                self.output(expr)?;
                self.interpolation = None;
                self.check_output()?;
            }
            NodeKind::FormattedOutput(output) => {
                self.interpolation = Some(node);
                self.formatted_output(output)?;
                self.interpolation = None;
                self.check_output()?;
            }
            NodeKind::If(branches) => return self.exec_if(branches),
            NodeKind::List(list) => return self.exec_list(list),
            NodeKind::Items(items) => return self.exec_items(items),
            NodeKind::Sep { slot, body } => {
                if let Some(Value::Loop(state)) = self.local(*slot)
                    && state.has_next
                {
                    return self.exec(body);
                }
            }
            NodeKind::Break => return Ok(Flow::Break),
            NodeKind::Continue => return Ok(Flow::Continue),
            NodeKind::Return(value) => {
                self.returned = match value {
                    Some(value) => self.eval_kept(value)?,
                    None => None,
                };
                return Ok(Flow::Return);
            }
            NodeKind::Assign(assign) => self.assign(assign)?,
            NodeKind::AssignBlock(assign) => return self.exec_assign_block(assign),
            NodeKind::Macro(def) => self.define(def),
            NodeKind::Include(include) => {
                self.through(Some(node), |env| env.include(node.src, include))?;
            }
            NodeKind::Import(import) => self.through(Some(node), |env| env.import(import))?,
            NodeKind::Call(call) => {
                return self.through(Some(node), |env| env.call_directive(node.src, call));
            }
            NodeKind::Nested(args) => {
                return self.through(Some(node), |env| env.exec_nested(node.src, args));
            }
            NodeKind::Switch(switch) => return self.exec_switch(switch),
            NodeKind::Setting { name, value } => self.change_setting(*name, value)?,
            NodeKind::NumericOutput(output) => {
                self.interpolation = Some(node);
                self.numeric_output(output)?;
                self.interpolation = None;
                self.check_output()?;
            }
            NodeKind::Compress(body) => return self.exec_compress(body),
            NodeKind::Attempt { body, recover } => return self.exec_attempt(body, recover),
            NodeKind::Stop(message) => return Err(self.stop(message.as_ref())?),
            NodeKind::Group(body) => return self.exec(body),
            // Printed by `exec`, and known to the parser alone.
            NodeKind::Text(_) | NodeKind::TextRef(_) => {}
        }
        Ok(Flow::Next)
    }

    // What is rare stands apart: it would widen the frame that each level of nesting has on the stack.

    #[inline(never)]
    fn exec_assign_block(&mut self, assign: &'a AssignBlock) -> Evaluated<'a, Flow> {
        if let Some(namespace) = &assign.namespace {
            self.target_namespace(namespace)?;
        }
        let mut flow = Flow::Next;
        let captured = self.capture(|env| {
            flow = env.exec(&assign.body)?;
            Ok(())
        })?;
        // A jump out of it leaves the variable as it was.
        if flow != Flow::Next {
            return Ok(flow);
        }
        let value = self.captured_markup(captured, &assign.format)?;
        self.store(&assign.target, assign.namespace.as_ref(), Some(value))?;
        Ok(flow)
    }

    #[inline(never)]
    fn exec_compress(&mut self, body: &'a [Node]) -> Evaluated<'a, Flow> {
        let mut flow = Flow::Next;
        let captured = self.capture(|env| {
            flow = env.exec(body)?;
            Ok(())
        })?;
        compress(&String::from_utf8_lossy(&captured), false, &mut self.out);
        Ok(flow)
    }

    /// `#{x}`
    #[inline(never)]
    fn numeric_output(&mut self, output: &'a NumericOutput) -> Evaluated<'a, ()> {
        let mut out = std::mem::take(&mut self.out);
        let written = self.write_formatted(output, &mut out);
        self.out = out;
        written
    }

    /// `${x}` where the output has a format.
    #[inline(never)]
    fn formatted_output(&mut self, output: &'a FormattedOutput) -> Evaluated<'a, ()> {
        let value = self.eval(&output.expr)?;
        let Value::Markup(markup) = &value else {
            if let (Value::Str(text), true) = (&value, output.auto_escape) {
                output.format.escape(text.as_str(), &mut self.out);
                return Ok(());
            }
            let mut text = Vec::new();
            self.write_value(&output.expr, &value, &mut text)?;
            if output.auto_escape {
                output
                    .format
                    .escape(&String::from_utf8_lossy(&text), &mut self.out);
            } else {
                self.out.extend_from_slice(&text);
            }
            return Ok(());
        };
        if markup.format == output.format || output.format.allows_mixing() {
            markup.write(&mut self.out);
            return Ok(());
        }
        match markup.plain() {
            Some(plain) if output.format.is_markup() => output.format.escape(plain, &mut self.out),
            Some(plain) => self.out.extend_from_slice(plain.as_bytes()),
            None => {
                let message = format!(
                    "The value to print is in {} format, which differs from the current output format, {}. Format conversion wasn't possible.",
                    markup.format.own_name(),
                    output.format.own_name()
                );
                return Err(self.described(ErrorKind::Type, output.expr.src, message));
            }
        }
        Ok(())
    }

    fn exec_if(&mut self, branches: &'a [Branch]) -> Evaluated<'a, Flow> {
        for (index, branch) in branches.iter().enumerate() {
            let taken = match &branch.condition {
                Some(condition) => self
                    .eval_bool(condition)
                    .map_err(|fault| self.traced_in_branch(fault, branch, index))?,
                None => true,
            };
            if taken {
                return self.exec(&branch.body);
            }
        }
        Ok(Flow::Next)
    }

    #[inline(never)]
    fn exec_switch(&mut self, switch: &'a Switch) -> Evaluated<'a, Flow> {
        let is_default = |case: &Case| matches!(case.when, CaseWhen::Default);
        let mut chosen = None;
        // What nothing is compared with isn't looked at.
        if !switch.cases.iter().all(is_default) {
            let subject = match self.eval_opt(&switch.subject)? {
                Some(subject) => subject,
                None => {
                    // What it is compared with is there before either is looked at.
                    let first = switch.cases.iter().find_map(|case| case.when.first_value());
                    first.map(|value| self.eval_opt(value)).transpose()?;
                    return Err(Fault::Missing(&switch.subject));
                }
            };
            for (index, case) in switch.cases.iter().enumerate() {
                if self.case_fits(&subject, case)? {
                    chosen = Some(index);
                    break;
                }
            }
        }
        let matched = chosen.is_some();
        let Some(chosen) = chosen.or_else(|| switch.cases.iter().position(is_default)) else {
            return Ok(Flow::Next);
        };
        // From the matching `#case` on, one falls through to the next until a break; an `#on` stands alone, and so does
        // the default if nothing matches.
        let is_on = |case: &Case| matches!(case.when, CaseWhen::OneOf(_));
        let alone = switch.cases.iter().any(is_on);
        let end = if alone || !matched {
            chosen + 1
        } else {
            switch.cases.len()
        };
        for case in &switch.cases[chosen..end] {
            match self.exec(&case.body)? {
                Flow::Next => {}
                // A `#continue` leaves only the `#switch` too.
                Flow::Break | Flow::Continue if !alone => return Ok(Flow::Next),
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn case_fits(&mut self, subject: &Value<'a>, case: &'a Case) -> Evaluated<'a, bool> {
        let values = match &case.when {
            CaseWhen::Equal(value) => std::slice::from_ref(value),
            CaseWhen::OneOf(values) => values,
            CaseWhen::Default => return Ok(false),
        };
        for expr in values {
            let value = self.eval(expr)?;
            self.steps(compared_bytes(subject, &value) / TEXT_BYTES_PER_STEP)?;
            if equal(self, expr, subject, expr, &value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[inline(never)]
    fn exec_attempt(&mut self, body: &'a [Node], recover: &'a [Node]) -> Evaluated<'a, Flow> {
        let (locals, depth) = (self.locals.len(), self.depth);
        let place = self.place.clone();
        let mut flow = Flow::Next;
        let attempt = self.capture(|env| {
            flow = env.exec(body)?;
            Ok(())
        });
        match attempt {
            Ok(written) => {
                // A jump out of it takes along what it has written.
                if flow == Flow::Next {
                    self.out.extend_from_slice(&written);
                }
                Ok(flow)
            }
            Err(fault) => {
                let error = self.told(fault);
                if !is_recoverable(&error) {
                    return Err(Fault::Error(error));
                }
                self.locals.truncate(locals);
                self.depth = depth;
                self.interpolation = None;
                self.go(place);
                let report = self.reported(error);
                self.steps(report.len() / TEXT_BYTES_PER_STEP)?;
                self.charge(report.len())?;
                let outer = self.recovered.replace(Rc::from(report));
                let flow = self.exec(recover);
                self.recovered = outer;
                flow
            }
        }
    }

    #[cold]
    fn stop(&mut self, message: Option<&'a Expr>) -> Evaluated<'a, Fault<'a>> {
        let mut text = match message {
            Some(message) => self.eval_string(message)?.as_str().to_owned(),
            None => String::new(),
        };
        if text.is_empty() {
            text.push_str("[No error description was available.]");
        }
        Ok(Fault::Error(Error::new(ErrorKind::Stop, text)))
    }

    /// Whether a setting that formats of dates depend on is that already.
    fn has_setting(&self, name: Setting, text: &str) -> bool {
        match name {
            Setting::DateFormat => *self.settings.date_format.source == *text,
            Setting::TimeFormat => *self.settings.time_format.source == *text,
            Setting::DateTimeFormat => *self.settings.datetime_format.source == *text,
            Setting::TimeZone => self.settings.time_zone.id() == text,
            Setting::Locale => self.settings.locale.name() == text,
            _ => false,
        }
    }

    #[inline(never)]
    fn change_setting(&mut self, name: Setting, value: &'a Expr) -> Evaluated<'a, ()> {
        let text = match self.eval(value)? {
            Value::Bool(on) => Str::Borrowed(if on { "true" } else { "false" }),
            Value::Number(number) => number.to_text().into(),
            other => self.string_of(value, other)?,
        };
        let text = text.as_str();
        if self.has_setting(name, text) {
            // Not even the formats begin anew.
            return Ok(());
        }
        // To compile a format takes time by its length, and to read what is known of a locale takes more.
        self.steps(text.len() / COMPILED_BYTES_PER_STEP)?;
        if name == Setting::Locale {
            self.steps(STEPS_OF_A_LOCALE)?;
        }
        let version = self.engine.options.version;
        let settings = self.settings.to_mut();
        let result = match name {
            Setting::CFormat => settings.set_c_format(text),
            Setting::BooleanFormat => settings.set_boolean_format(text),
            _ => Ok(()),
        };
        match name {
            Setting::NumberFormat => settings.set_number_format(text, version),
            Setting::DateFormat => settings.set_date_format(DateKind::Date, text, version),
            Setting::TimeFormat => settings.set_date_format(DateKind::Time, text, version),
            Setting::DateTimeFormat => {
                settings.set_date_format(DateKind::DateTime, text, version);
            }
            Setting::TimeZone => settings.set_time_zone(text),
            Setting::Locale => settings.set_locale(text),
            Setting::UrlEscapingCharset => settings.url_escaping_charset = Some(text.into()),
            Setting::CFormat | Setting::BooleanFormat | Setting::SqlDateAndTimeTimeZone => {}
            Setting::OutputEncoding => settings.output_encoding = Some(text.into()),
        }
        match name {
            Setting::DateFormat => self.forget_zone_of_setting(DateKind::Date),
            Setting::TimeFormat => self.forget_zone_of_setting(DateKind::Time),
            Setting::DateTimeFormat => self.forget_zone_of_setting(DateKind::DateTime),
            Setting::TimeZone | Setting::Locale => self.zones.clear(),
            _ => {}
        }
        result.map_err(|reason| {
            let name = match name {
                Setting::CFormat => "c_format",
                _ => "boolean_format",
            };
            Fault::Error(setting_failed(name, text, reason))
        })
    }
}

/// Whether `#attempt` may go on after it: a budget that is used up ends the render.
pub(super) fn is_recoverable(error: &Error) -> bool {
    !error.is_foreign() && !is_used_up(error.kind())
}

/// Whether a failure of this kind says that a budget is used up.
pub(super) fn is_used_up(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Steps
            | ErrorKind::Output
            | ErrorKind::Depth
            | ErrorKind::Memory
            | ErrorKind::Regex
            | ErrorKind::NumberSize
    )
}
