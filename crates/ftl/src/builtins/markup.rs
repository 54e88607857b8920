//! Built-ins on markup: values that are escaped already.

use std::rc::Rc;

use super::{Args, Builtin, Returned, Run, define};
use crate::error::ErrorKind;
use crate::eval::Env;
use crate::output_format::{Content, Markup};
use crate::syntax::ast::BuiltinCall;
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[
    define("esc", Run::Any(esc), Args::None),
    define("no_esc", Run::Any(no_esc), Args::None),
    define("markup_string", Run::Any(markup_string), Args::None),
];

fn esc<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    converted(env, call, value, Content::Plain)
}

fn no_esc<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    converted(env, call, value, Content::Markup)
}

/// A string becomes markup of the format in force; markup stays, or is escaped anew from the text behind it.
fn converted<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    value: Value<'a>,
    content: fn(crate::value::Str<'a>) -> Content<'a>,
) -> Returned<'a> {
    let format = call.output_format.clone();
    if let Value::Markup(markup) = &value {
        if markup.format == format {
            return Ok(Some(value));
        }
        let Some(plain) = markup.plain() else {
            let message = format!(
                "The left side operand of ?{} is in {} format, which differs from the current output format, {}. Conversion wasn't possible.",
                call.builtin.name(),
                markup.format.own_name(),
                format.own_name()
            );
            return Err(env.fault(ErrorKind::Type, call.target.src, message));
        };
        let text = crate::value::Str::from(plain.to_owned());
        let content = Content::Plain(text);
        return Ok(Some(Value::Markup(Rc::new(Markup { format, content }))));
    }
    if !value.is_printable() {
        env.write_value(&call.target, &value, &mut Vec::new())?;
    }
    let text = env.string_of(&call.target, value)?;
    let content = content(text);
    Ok(Some(Value::Markup(Rc::new(Markup { format, content }))))
}

fn markup_string<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    let Value::Markup(markup) = &value else {
        return Err(env.type_fault(&call.target, "markup output", &value));
    };
    let mut bytes = Vec::new();
    markup.write(&mut bytes);
    env.captured_string(bytes).map(Some)
}
