//! Built-ins on numbers, and `?string`.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Args, Builtin, Returned, Run, define};
use crate::datetime::DateFormat;
use crate::error::{Error, ErrorKind, quoted};
use crate::eval::{COMPILED_BYTES_PER_STEP, Env, Evaluated, Fault};
use crate::number::{CFormat, Number, NumberFormat, Rounding};
use crate::syntax::ast::{BuiltinCall, Expr, Lookup};
use crate::value::{DateKind, DateTime, Str, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("string", Run::Any(string), Args::Optional(1, 2)).printed_by(print_string),
    define("c", Run::Any(c), Args::None).printed_by(print_c),
    define("cn", Run::Optional(cn), Args::None),
    define("abs", Run::Number(abs), Args::None),
    define("round", Run::Number(round), Args::None),
    define("floor", Run::Number(floor), Args::None),
    define("ceiling", Run::Number(ceiling), Args::None),
    define("int", Run::Number(int), Args::None),
    define("long", Run::Any(long), Args::None),
    define("short", Run::Number(short), Args::None),
    define("byte", Run::Number(byte), Args::None),
    define("float", Run::Number(float), Args::None),
    define("double", Run::Number(double), Args::None),
    define("is_nan", Run::Number(is_nan), Args::None),
    define("is_infinite", Run::Number(is_infinite), Args::None),
    define("lower_abc", Run::Number(lower_abc), Args::None),
    define("upper_abc", Run::Number(upper_abc), Args::None),
    define("number_to_date", Run::Number(moment), Args::None),
    define("number_to_time", Run::Number(moment), Args::None),
    define("number_to_datetime", Run::Number(moment), Args::None),
];

fn string<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    // All matches count as whether the whole has matched.
    let value = match value {
        Value::Match(found) if found.matches.is_sequence() => Value::Bool(found.whole),
        value => value,
    };
    match &value {
        Value::Bool(yes) if call.arg_count() == 2 => {
            // Both are computed, whichever is printed.
            let (on, off) = (printed_arg(env, call, 0)?, printed_arg(env, call, 1)?);
            Ok(Some(Value::Str(if *yes { on } else { off })))
        }
        Value::Bool(yes) => {
            let word = match &env.settings.boolean_format {
                Some((on, off)) => if *yes { on } else { off }.to_string(),
                None => yes.to_string(),
            };
            let word = env.made(word)?;
            match call.arg(0) {
                None => Ok(Some(word)),
                Some(arg) => looked_up(env, call, word, arg, "method+string"),
            }
        }
        Value::Number(_) | Value::Date(_) if call.arg_count() > 1 => {
            check_default_format(env, call, &value)?;
            // They are texts before they are counted.
            for arg in call.args.iter().flatten() {
                env.eval_string(arg)?;
            }
            let message = "?string(...) expects 1 argument but has received 2.";
            Err(env.failure(ErrorKind::Value, message))
        }
        Value::Number(_) | Value::Date(_)
            if call.lookup == Lookup::Bracket && !call.has_constant_arg() =>
        {
            formatted_or_picked(env, call, value)
        }
        Value::Number(_) | Value::Date(_) if call.arg_count() == 1 => {
            let mut bytes = Vec::with_capacity(24);
            write_formatted(env, call, &value, &mut bytes)?;
            env.captured_string(bytes).map(Some)
        }
        Value::Str(_) | Value::Nothing if call.lookup != Lookup::Call => match call.arg(0) {
            Some(arg) => looked_up(env, call, value, arg, "string"),
            None => Ok(Some(value)),
        },
        Value::Str(_) | Value::Nothing if call.args.is_some() => {
            let message = "For \"...(...)\" callee: Expected a method or function, but this has evaluated to a string:";
            Err(env.fault(ErrorKind::Type, call.head, message))
        }
        Value::Number(_) => {
            env.number_format_setting(call.head)?;
            env.string_of(&call.target, value)
                .map(|text| Some(Value::Str(text)))
        }
        Value::Str(_) | Value::Nothing | Value::Date(_) => env
            .string_of(&call.target, value)
            .map(|text| Some(Value::Str(text))),
        Value::Match(_) if !value.is_sequence() => env
            .string_of(&call.target, value)
            .map(|text| Some(Value::Str(text))),
        _ => {
            let expected = "number, date, boolean or string";
            Err(env.type_fault(&call.target, expected, &value))
        }
    }
}

/// The format in force must be one, even if it isn't used.
pub(super) fn check_default_format<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    value: &Value<'a>,
) -> Evaluated<'a, ()> {
    match value {
        Value::Number(_) => {
            env.number_format_setting(call.head)?;
        }
        Value::Date(_) => {
            env.string_of(&call.target, value.clone())?;
        }
        _ => {}
    }
    Ok(())
}

/// `?string[key]`: a format if the key is a string; otherwise it picks from what is printed without one.
fn formatted_or_picked<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    value: Value<'a>,
) -> Returned<'a> {
    let arg = env.arg_expr(call, 0)?;
    let key = env.eval(arg)?;
    if !matches!(key, Value::Str(_)) {
        let text = env.string_of(&call.target, value)?;
        return env.index_value(call.src, &call.target, Value::Str(text), arg, &key);
    }
    let mut bytes = Vec::with_capacity(24);
    write_formatted(env, call, &value, &mut bytes)?;
    env.captured_string(bytes).map(Some)
}

/// `?string` of a boolean or a string has no formats: a number or a range in brackets picks from the word.
fn looked_up<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    word: Value<'a>,
    arg: &'a Expr,
    type_name: &str,
) -> Returned<'a> {
    let symbol = match call.lookup {
        Lookup::Call => {
            env.eval_string(arg)?;
            let message = "?string(...) expects 2 arguments but has received 1.";
            return Err(env.failure(ErrorKind::Value, message));
        }
        Lookup::Bracket => "...[...]",
        Lookup::Dot => ".",
    };
    let key = env.eval(arg)?;
    if matches!(key, Value::Str(_)) {
        let message = format!(
            "For \"{symbol}\" left-hand operand: Expected a hash, but this has evaluated to a {type_name}:"
        );
        return Err(env.fault(ErrorKind::Type, call.head, message));
    }
    env.index_value(call.src, &call.target, word, arg, &key)
}

/// `${number?string(format)}`, `${date?string(format)}`, without a string in between.
fn print_string<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Evaluated<'a, ()> {
    let found = env.eval_opt(&call.target)?;
    let value = env.known(&call.target, &found)?;
    if matches!(value, Value::Number(_) | Value::Date(_))
        && call.arg_count() == 1
        && (call.lookup != Lookup::Bracket || call.has_constant_arg())
    {
        let mut out = std::mem::take(&mut env.out);
        let written = write_formatted(env, call, value, &mut out);
        env.out = out;
        return written;
    }
    let value = value.clone();
    if let Some(Value::Str(text)) = string(env, call, value)? {
        env.out.extend_from_slice(text.as_str().as_bytes());
    }
    Ok(())
}

/// Writes a number or a date by the format that the first argument says.
fn write_formatted<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    value: &Value<'a>,
    out: &mut Vec<u8>,
) -> Evaluated<'a, ()> {
    match value {
        Value::Number(number) => {
            // The setting must be well-formed even where it isn't used.
            env.number_format_setting(call.head)?;
            let format = number_format(env, call)?;
            let (locale, c_format) = (&env.settings.locale, env.settings.c_format());
            format.write(number, locale, c_format, out).map_err(|_| {
                let message = "Failed to format number";
                env.described(ErrorKind::Format, call.target.src, message)
            })
        }
        Value::Date(date) => {
            env.date_format_setting(date.kind)?;
            let format = date_format(env, call, date.kind)?;
            let surroundings = env.surroundings(date.kind, Some(&format));
            format.write(*date, &surroundings, out);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An argument; what isn't a string is printed.
fn printed_arg<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    index: usize,
) -> Evaluated<'a, Str<'a>> {
    match call.arg(index) {
        Some(arg) => env.eval_string(arg),
        None => env.arg_str(call, index),
    }
}

/// The format that the first argument says. Nothing is counted that threads share: a template's formats are borrowed.
fn number_format<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
) -> Evaluated<'a, Cow<'a, NumberFormat>> {
    if let Some(format) = call.formats.number.get() {
        return Ok(Cow::Borrowed(format));
    }
    let source = printed_arg(env, call, 0)?;
    env.steps(source.as_str().len() / COMPILED_BYTES_PER_STEP)?;
    let format =
        NumberFormat::parse(source.as_str(), env.engine.options.version).map_err(|reason| {
            let message = format!(
                "Failed to get number format object for the {} number format string: {reason}",
                quoted(source.as_str())
            );
            env.described(ErrorKind::Format, call.head, message)
        })?;
    if call.has_constant_arg() {
        let kept = call.formats.number.get_or_init(|| Arc::new(format));
        return Ok(Cow::Borrowed(kept));
    }
    Ok(Cow::Owned(format))
}

/// The format that the first argument says.
pub(super) fn date_format<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    kind: DateKind,
) -> Evaluated<'a, Cow<'a, DateFormat>> {
    if let Some((compiled_for, format)) = call.formats.date.get()
        && *compiled_for == kind
    {
        return Ok(Cow::Borrowed(format));
    }
    let source = printed_arg(env, call, 0)?;
    env.steps(source.as_str().len() / COMPILED_BYTES_PER_STEP)?;
    let format = DateFormat::parse(source.as_str(), kind, env.engine.options.version).map_err(|reason| {
        let message = format!(
            "Can't create date/time/datetime format based on format string {}. Reason given: {reason}",
            quoted(source.as_str())
        );
        env.described(ErrorKind::Format, call.head, message)
    })?;
    if call.has_constant_arg() {
        // The format of another kind of date may be there.
        let _ = call.formats.date.set((kind, Arc::new(format.clone())));
    }
    Ok(Cow::Owned(format))
}

fn c<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    match value {
        Value::Number(number) => {
            let mut bytes = Vec::with_capacity(24);
            env.settings.c_format().write_number(&number, &mut bytes);
            env.captured_string(bytes).map(Some)
        }
        Value::Bool(yes) => Ok(Some(Value::str(if yes { "true" } else { "false" }))),
        Value::Match(found) => Ok(Some(Value::str(if found.whole { "true" } else { "false" }))),
        // Strings can be written since 2.3.32.
        other if !env.engine.options.version.has(32) => {
            Err(env.type_fault(&call.target, "number or boolean", &other))
        }
        // XML Schema has no literals of strings.
        Value::Str(text) if env.settings.c_format() == CFormat::XmlSchema => {
            Ok(Some(Value::Str(text)))
        }
        Value::Str(text) => {
            let mut bytes = Vec::with_capacity(text.as_str().len() + 2);
            super::json::write_string(text.as_str(), &mut bytes);
            env.captured_string(bytes).map(Some)
        }
        other => Err(env.type_fault(&call.target, "number or boolean or string", &other)),
    }
}

/// `${number?c}` without a string in between.
fn print_c<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Evaluated<'a, ()> {
    let found = env.eval_opt(&call.target)?;
    let value = env.known(&call.target, &found)?;
    if let Value::Number(number) = value {
        env.settings.c_format().write_number(number, &mut env.out);
        return Ok(());
    }
    let value = value.clone();
    if let Some(Value::Str(text)) = c(env, call, value)? {
        env.out.extend_from_slice(text.as_str().as_bytes());
    }
    Ok(())
}

fn cn<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Option<Value<'a>>) -> Returned<'a> {
    match value {
        Some(value) => c(env, call, value),
        None => Ok(Some(Value::str(env.settings.c_format().null()))),
    }
}

fn some<'a>(number: Number) -> Returned<'a> {
    Ok(Some(Value::Number(number)))
}

fn abs<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    some(number.abs())
}

fn round<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    rounded(&number, Rounding::HalfUp)
}

fn floor<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    rounded(&number, Rounding::Floor)
}

fn ceiling<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    rounded(&number, Rounding::Ceiling)
}

/// What a double can't hold can't be rounded either.
fn rounded<'a>(number: &Number, mode: Rounding) -> Returned<'a> {
    if matches!(number, Number::Big(_) | Number::Float(_)) && !number.to_f64().is_finite() {
        let message = "infinities and NaN can't be rounded";
        return Err(Fault::Error(
            Error::new(ErrorKind::Value, message).foreign(),
        ));
    }
    some(number.round(mode))
}

fn int<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    some(Number::Int(i64::from(number.to_i32_wrapping())))
}

fn short<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    some(Number::Int(i64::from(number.to_i32_wrapping() as i16)))
}

fn byte<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    some(Number::Int(i64::from(number.to_i32_wrapping() as i8)))
}

fn long<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    match value {
        Value::Number(number) => some(Number::Int(number.to_i64_wrapping())),
        Value::Date(date) => some(Number::Int(date.millis)),
        other => Err(env.type_fault(&call.target, "number", &other)),
    }
}

fn float<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    some(number.to_single())
}

fn double<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    some(number.to_double())
}

fn is_nan<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    Ok(Some(Value::Bool(number.is_nan())))
}

fn is_infinite<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, number: Number) -> Returned<'a> {
    Ok(Some(Value::Bool(
        matches!(number, Number::Float(float) if float.value.is_infinite()),
    )))
}

fn whole_i32(number: &Number) -> Option<i32> {
    if let Number::Float(float) = number {
        // It counts as the binary number that it is.
        let whole = float.to_i32();
        return (f64::from(whole) == float.value).then_some(whole);
    }
    let whole = number
        .to_i64()
        .and_then(|whole| i32::try_from(whole).ok())?;
    (number.compare(&Number::from(i64::from(whole))).is_eq()).then_some(whole)
}

fn lower_abc<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, number: Number) -> Returned<'a> {
    letters(env, call, &number, b'a')
}

fn upper_abc<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, number: Number) -> Returned<'a> {
    letters(env, call, &number, b'A')
}

/// 1 is `a`, 26 is `z`, 27 is `aa`.
fn letters<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    number: &Number,
    first: u8,
) -> Returned<'a> {
    let name = &call.name;
    let Some(mut rest) = whole_i32(number) else {
        let shown = number.to_text();
        let message = format!(
            "The left side operand value isn't compatible with ?{name}: Can't convert {shown} to type Integer without loss."
        );
        return Err(env.described(ErrorKind::Value, call.target.src, message));
    };
    if rest <= 0 {
        let message =
            format!("The left side operand of to ?{name} must be at least 1, but was {rest}.");
        return Err(env.described(ErrorKind::Value, call.target.src, message));
    }
    let letters = match rest {
        FIRST_OVERFLOWING.. => overflowing_letters(rest, first),
        _ => None,
    };
    let letters = letters.unwrap_or_else(|| {
        let mut letters = Vec::new();
        while rest > 0 {
            letters.push(first + ((rest - 1) % 26) as u8);
            rest = (rest - 1) / 26;
        }
        letters.reverse();
        letters
    });
    env.captured_string(letters).map(Some)
}

/// The first number with seven letters, for which FreeMarker's 32 bits don't do.
const FIRST_OVERFLOWING: i32 = 321_272_407;

/// The letters that FreeMarker finds as its places overflow; `None` for those numbers with which it never ends.
fn overflowing_letters(number: i32, first: u8) -> Option<Vec<u8>> {
    let (mut reached, mut weight) = (1i32, 1i32);
    let mut places = 0;
    loop {
        let next_weight = weight.wrapping_mul(26);
        let next_reached = reached.wrapping_add(next_weight);
        if next_reached > number {
            break;
        }
        (weight, reached) = (next_weight, next_reached);
        places += 1;
        if places > i32::BITS {
            return None;
        }
    }
    let mut letters = Vec::new();
    while weight != 0 {
        let more = number.wrapping_sub(reached).wrapping_div(weight);
        letters.push(u8::try_from(i32::from(first).wrapping_add(more)).ok()?);
        reached = reached.wrapping_add(more.wrapping_mul(weight));
        weight /= 26;
    }
    letters.iter().all(u8::is_ascii).then_some(letters)
}

/// Milliseconds since 1970; what they say is the name's.
fn moment<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, number: Number) -> Returned<'a> {
    let kind = match call.builtin.name {
        "number_to_date" => DateKind::Date,
        "number_to_time" => DateKind::Time,
        _ => DateKind::DateTime,
    };
    match number.to_nearest_i64() {
        Some(millis) => Ok(Some(Value::Date(DateTime { millis, kind }))),
        None => {
            let message = format!(
                "Number doesn't fit into a 64 bit signed integer (long): {}",
                number.to_whole_text()
            );
            Err(env.failure(ErrorKind::Value, message))
        }
    }
}
