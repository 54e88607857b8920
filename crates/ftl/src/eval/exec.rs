//! Directives at run time.

use std::rc::Rc;

use super::env::{Env, Evaluated, Fault};
use super::operators::equal;
use crate::error::ErrorKind;
use crate::syntax::Src;
use crate::syntax::ast::{Branch, Expr, Node, Setting, Switch};
use crate::value::{DateKind, Value};

/// What is done at most in about the time of a step.
pub(crate) const COMPILED_BYTES_PER_STEP: usize = 8;
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
            let flow = self.exec_node(node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn exec_node(&mut self, node: &'a Node) -> Evaluated<'a, Flow> {
        self.step()?;
        match node {
            Node::Text(text) => {
                self.out.extend_from_slice(text.as_bytes());
                self.check_output()?;
            }
            Node::Output(expr) => {
                self.output(expr)?;
                self.check_output()?;
            }
            Node::If(branches) => return self.exec_if(branches),
            Node::List(list) => return self.exec_list(list),
            Node::Items(items) => return self.exec_items(items),
            Node::Sep { slot, body } => {
                if let Some(Value::Loop(state)) = self.local(*slot)
                    && state.has_next
                {
                    return self.exec(body);
                }
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
            Node::Return(value) => {
                self.returned = match value {
                    Some(value) => self.eval_opt(value)?,
                    None => None,
                };
                return Ok(Flow::Return);
            }
            Node::Assign(target, op, value) => self.assign(target, *op, value.as_ref())?,
            Node::AssignBlock(target, body) => {
                let mut flow = Flow::Next;
                let captured = self.capture(|env| {
                    flow = env.exec(body)?;
                    Ok(())
                })?;
                let value = self.captured_string(captured)?;
                self.store(target, Some(value));
                return Ok(flow);
            }
            Node::Macro(def) => self.namespace[def.slot as usize] = Some(Value::Macro(def)),
            Node::Call(call) => self.call_directive(call)?,
            Node::Nested { src, args } => return self.exec_nested(*src, args),
            Node::Switch(switch) => return self.exec_switch(switch),
            Node::Setting { src, name, value } => self.change_setting(*src, *name, value)?,
            Node::NumericOutput { expr, format } => {
                let number = self.eval_number(expr)?;
                format
                    .write(
                        &number,
                        &self.settings.locale,
                        self.settings.c_format,
                        &mut self.out,
                    )
                    .map_err(|message| self.fault(ErrorKind::Format, expr.src, message))?;
                self.check_output()?;
            }
            Node::Compress(body) => {
                let mut flow = Flow::Next;
                let captured = self.capture(|env| {
                    flow = env.exec(body)?;
                    Ok(())
                })?;
                compress(&captured, &mut self.out);
                return Ok(flow);
            }
            Node::Attempt { body, recover } => return self.exec_attempt(body, recover),
            Node::Stop(src, message) => return Err(self.stop(*src, message.as_ref())?),
            Node::TextRef(_) => {}
        }
        Ok(Flow::Next)
    }

    fn exec_if(&mut self, branches: &'a [Branch]) -> Evaluated<'a, Flow> {
        for branch in branches {
            let taken = match &branch.condition {
                Some(condition) => self.eval_bool(condition)?,
                None => true,
            };
            if taken {
                return self.exec(&branch.body);
            }
        }
        Ok(Flow::Next)
    }

    fn exec_switch(&mut self, switch: &'a Switch) -> Evaluated<'a, Flow> {
        let subject = self.eval(&switch.subject)?;
        let mut start = None;
        for (index, (case, _)) in switch.cases.iter().enumerate() {
            if let Some(case) = case {
                let value = self.eval(case)?;
                if equal(self, &switch.subject, &subject, case, &value)? {
                    start = Some(index);
                    break;
                }
            }
        }
        let start = start.or_else(|| switch.cases.iter().position(|(case, _)| case.is_none()));
        // From the matching case on, one falls through to the next until a break.
        for (_, body) in start.map_or(&[][..], |start| &switch.cases[start..]) {
            match self.exec(body)? {
                Flow::Next => {}
                Flow::Break => return Ok(Flow::Next),
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn exec_attempt(&mut self, body: &'a [Node], recover: &'a [Node]) -> Evaluated<'a, Flow> {
        let locals = self.locals.len();
        let (base, depth) = (self.base, self.depth);
        let (running, nested) = (self.running, self.nested.clone());
        let mut flow = Flow::Next;
        let attempt = self.capture(|env| {
            flow = env.exec(body)?;
            Ok(())
        });
        match attempt {
            Ok(written) => {
                self.out.extend_from_slice(&written);
                Ok(flow)
            }
            Err(fault) => {
                let error = self.to_error(fault);
                if !is_recoverable(error.kind()) {
                    return Err(Fault::Error(error));
                }
                self.locals.truncate(locals);
                (self.base, self.depth, self.running, self.nested) = (base, depth, running, nested);
                let outer = self.recovered.replace(Rc::from(error.to_string()));
                let flow = self.exec(recover)?;
                self.recovered = outer;
                Ok(flow)
            }
        }
    }

    fn stop(&mut self, src: Src, message: Option<&'a Expr>) -> Evaluated<'a, Fault<'a>> {
        let message = match message {
            Some(message) => self.eval_string(message)?.as_str().to_owned(),
            None => "the template was stopped by #stop".to_owned(),
        };
        Ok(Fault::Error(self.template.error_at(
            ErrorKind::Stop,
            src,
            message,
        )))
    }

    fn change_setting(&mut self, src: Src, name: Setting, value: &'a Expr) -> Evaluated<'a, ()> {
        let text = self.eval_string(value)?;
        let text = text.as_str();
        // To compile a format takes time by its length, and to read what is known of a locale takes more.
        self.steps(text.len() / COMPILED_BYTES_PER_STEP)?;
        if name == Setting::Locale {
            self.steps(STEPS_OF_A_LOCALE)?;
        }
        let settings = self.settings.to_mut();
        let result = match name {
            Setting::CFormat => settings.set_c_format(text),
            Setting::BooleanFormat => settings.set_boolean_format(text),
            _ => Ok(()),
        };
        match name {
            Setting::NumberFormat => settings.set_number_format(text),
            Setting::DateFormat => settings.set_date_format(DateKind::Date, text),
            Setting::TimeFormat => settings.set_date_format(DateKind::Time, text),
            Setting::DateTimeFormat => settings.set_date_format(DateKind::DateTime, text),
            Setting::TimeZone => settings.set_time_zone(text),
            Setting::Locale => settings.set_locale(text),
            Setting::UrlEscapingCharset => settings.url_escaping_charset = Some(text.into()),
            Setting::CFormat
            | Setting::BooleanFormat
            | Setting::SqlTimeZone
            | Setting::OutputEncoding => {}
        }
        result.map_err(|message| self.fault(ErrorKind::Format, src, message))
    }
}

/// Whether `#attempt` may go on after it: a budget that is used up, and `#stop`, end the render.
fn is_recoverable(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Stop
            | ErrorKind::Steps
            | ErrorKind::Output
            | ErrorKind::Depth
            | ErrorKind::Memory
            | ErrorKind::Regex
            | ErrorKind::NumberSize
    )
}

/// Writes `text` with each run of white-space as one blank, or as one line break if there is one in it, and with none
/// at its ends.
fn compress(text: &[u8], out: &mut Vec<u8>) {
    let mut blank: Option<bool> = None;
    let mut started = false;
    for byte in text {
        if matches!(
            byte,
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c | 0x0b | 0x1c..=0x1f
        ) {
            let has_break = matches!(byte, b'\n' | b'\r');
            blank = Some(blank.unwrap_or(false) || has_break);
            continue;
        }
        if let Some(has_break) = blank.take()
            && started
        {
            out.push(if has_break { b'\n' } else { b' ' });
        }
        started = true;
        out.push(*byte);
    }
}
