//! Built-ins on strings.

use super::patterns::ITEMS_OF_A_PART;
use super::truncate::is_white;
use super::{Args, Builtin, Returned, Run, define, utf16};
use crate::error::ErrorKind;
use crate::eval::{Env, Evaluated, TEXT_BYTES_PER_STEP};
use crate::locale;
use crate::number::Number;
use crate::syntax::ast::BuiltinCall;
use crate::value::{Str, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("boolean", Run::Any(boolean), Args::None),
    define("cap_first", Run::Str(cap_first), Args::None).printed_by(print_cap_first),
    define("capitalize", Run::Str(capitalize), Args::None),
    define("chop_linebreak", Run::Str(chop_linebreak), Args::None),
    define("contains", Run::Str(contains), Args::Required(1, 1)),
    define("ends_with", Run::Str(ends_with), Args::Required(1, 1)),
    define(
        "ensure_ends_with",
        Run::Str(ensure_ends_with),
        Args::Required(1, 1),
    ),
    define("index_of", Run::Str(index_of), Args::Required(1, 2)),
    define(
        "last_index_of",
        Run::Str(last_index_of),
        Args::Required(1, 2),
    ),
    define("left_pad", Run::Str(left_pad), Args::Required(1, 2)),
    define("length", Run::Str(length), Args::None),
    define("lower_case", Run::Str(lower_case), Args::None),
    define("c_lower_case", Run::Str(lower_case), Args::None),
    define("number", Run::Any(number), Args::None),
    define(
        "remove_beginning",
        Run::Str(remove_beginning),
        Args::Required(1, 1),
    ),
    define(
        "remove_ending",
        Run::Str(remove_ending),
        Args::Required(1, 1),
    ),
    define("right_pad", Run::Str(right_pad), Args::Required(1, 2)),
    define("starts_with", Run::Str(starts_with), Args::Required(1, 1)),
    define("substring", Run::Str(substring), Args::Required(1, 2)),
    define("trim", Run::Str(trim), Args::None),
    define("uncap_first", Run::Str(uncap_first), Args::None),
    define("upper_case", Run::Str(upper_case), Args::None),
    define("c_upper_case", Run::Str(upper_case), Args::None),
    define("word_list", Run::Str(word_list), Args::None),
];

fn some<'a>(value: Value<'a>) -> Returned<'a> {
    Ok(Some(value))
}

fn upper_case<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let language = language_of(env, call);
    let upper = locale::upper_case(text.as_str(), language);
    env.made(upper).map(Some)
}

fn lower_case<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let language = language_of(env, call);
    let lower = locale::lower_case(text.as_str(), language);
    env.made(lower).map(Some)
}

/// The language whose rules of case count: none for `?c_upper_case` and `?c_lower_case`.
fn language_of<'e>(env: &'e Env<'_>, call: &BuiltinCall) -> &'e str {
    if call.builtin.name.starts_with("c_") {
        ""
    } else {
        env.settings.locale.language()
    }
}

fn cap_first<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let mut changed = Vec::with_capacity(text.as_str().len() + 4);
    write_changing_first(text.as_str(), upper_of_one, &mut changed);
    env.captured_string(changed).map(Some)
}

/// `${text?cap_first}` without a string in between.
fn print_cap_first<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Evaluated<'a, ()> {
    let text = env.eval_string(&call.target)?;
    env.steps(text.as_str().len() / TEXT_BYTES_PER_STEP)?;
    write_changing_first(text.as_str(), upper_of_one, &mut env.out);
    Ok(())
}

fn uncap_first<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let mut changed = Vec::with_capacity(text.as_str().len() + 4);
    write_changing_first(text.as_str(), lower_of_one, &mut changed);
    env.captured_string(changed).map(Some)
}

/// Writes `text`, its first character that isn't white-space changed.
fn write_changing_first(text: &str, change: impl Fn(char) -> char, out: &mut Vec<u8>) {
    let unspaced = text.trim_start_matches(is_white);
    out.extend_from_slice(&text.as_bytes()[..text.len() - unspaced.len()]);
    let mut chars = unspaced.chars();
    if let Some(first) = chars.next() {
        out.extend_from_slice(change(first).encode_utf8(&mut [0; 4]).as_bytes());
    }
    out.extend_from_slice(chars.as_str().as_bytes());
}

/// Java's capital of one `char`: what would be several characters stays, and so does what is two `char`s.
fn upper_of_one(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    let mut upper = c.to_uppercase();
    match (c, upper.next(), upper.next()) {
        // These have a form for the beginnings of words, which is one character.
        ('\u{1f80}'..='\u{1faf}', _, Some(_)) => char::from_u32(c as u32 | 8).unwrap_or(c),
        ('\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}', ..) => char::from_u32(c as u32 + 9).unwrap_or(c),
        (_, Some(upper), None) if c.len_utf16() == 1 => upper,
        _ => c,
    }
}

fn lower_of_one(c: char) -> char {
    match c.to_lowercase().next() {
        Some(lower) if c.len_utf16() == 1 => lower,
        _ => c,
    }
}

fn capitalize<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let mut result = String::with_capacity(text.as_str().len());
    let mut at_start = true;
    for c in text.as_str().chars() {
        // Java's tokenizer splits at these, and only these.
        if matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{c}') {
            at_start = true;
            result.push(c);
        } else if at_start {
            at_start = false;
            result.extend(c.to_uppercase());
        } else {
            result.extend(c.to_lowercase());
        }
    }
    env.made(result).map(Some)
}

fn chop_linebreak<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    some(Value::Str(text.slice(|text| {
        let end = text
            .strip_suffix("\r\n")
            .or_else(|| text.strip_suffix(['\n', '\r']))
            .map_or(text.len(), str::len);
        0..end
    })))
}

fn trim<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    some(Value::Str(text.slice(|text| {
        let start = text.find(|c| c > ' ').unwrap_or(text.len());
        let end = text.rfind(|c| c > ' ').map_or(start, |at| {
            at + text[at..].chars().next().map_or(0, char::len_utf8)
        });
        start..end
    })))
}

fn length<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    some(Value::Number(Number::from(utf16::len(text.as_str()))))
}

fn contains<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let part = env.arg_str(call, 0)?;
    some(Value::Bool(text.as_str().contains(part.as_str())))
}

fn starts_with<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let part = env.arg_str(call, 0)?;
    some(Value::Bool(text.as_str().starts_with(part.as_str())))
}

fn ends_with<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let part = env.arg_str(call, 0)?;
    some(Value::Bool(text.as_str().ends_with(part.as_str())))
}

fn ensure_ends_with<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let ending = env.arg_str(call, 0)?;
    if text.as_str().ends_with(ending.as_str()) {
        return some(Value::Str(text));
    }
    env.made(format!("{}{}", text.as_str(), ending.as_str()))
        .map(Some)
}

fn remove_beginning<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let part = env.arg_str(call, 0)?;
    some(Value::Str(text.slice(|text| {
        if text.starts_with(part.as_str()) {
            part.as_str().len()..text.len()
        } else {
            0..text.len()
        }
    })))
}

fn remove_ending<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let part = env.arg_str(call, 0)?;
    some(Value::Str(text.slice(|text| {
        0..text
            .strip_suffix(part.as_str())
            .map_or(text.len(), str::len)
    })))
}

fn index_of<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let part = env.arg_str(call, 0)?;
    let from = if call.arg_count() > 1 {
        env.arg_int(call, 1)?.max(0) as usize
    } else {
        0
    };
    let text = text.as_str();
    let start = utf16::byte(text, from);
    some(position(
        text,
        text[start..].find(part.as_str()).map(|at| start + at),
    ))
}

fn last_index_of<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let part = env.arg_str(call, 0)?;
    let text = text.as_str();
    let mut found = text.rfind(part.as_str());
    if call.arg_count() > 1 {
        let from = env.arg_int(call, 1)?;
        let limit = if from < 0 {
            None
        } else {
            Some(utf16::byte(text, from as usize))
        };
        found = limit.and_then(|limit| {
            let end = text.len().min(limit + part.as_str().len());
            (0..=end)
                .rev()
                .find(|end| text.is_char_boundary(*end))
                .and_then(|end| text[..end].rfind(part.as_str()))
        });
    }
    some(position(text, found))
}

fn position<'a>(text: &str, byte: Option<usize>) -> Value<'a> {
    Value::int(byte.map_or(-1, |at| utf16::len(&text[..at]) as i64))
}

fn substring<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let len = utf16::len(text.as_str()) as i64;
    let from = env.arg_int(call, 0)?;
    let to = if call.arg_count() > 1 {
        env.arg_int(call, 1)?
    } else {
        len
    };
    let check = |index: usize, value: i64| {
        if value < 0 {
            Err(env.failure(
                ErrorKind::Value,
                format!(
                    "?substring(...) argument #{} had invalid value: The index must be at least 0, but was {value}.",
                    index + 1
                ),
            ))
        } else if value > len {
            let message = format!(
                "?substring(...) argument #{} had invalid value: The index mustn't be greater than the length of the string, {len}, but it was {value}.",
                index + 1
            );
            Err(env.failure(ErrorKind::Value, message))
        } else {
            Ok(value as usize)
        }
    };
    let (from, to) = (check(0, from)?, check(1, to)?);
    if from > to {
        let message = format!(
            "?substring(...) arguments have invalid value: The begin index argument, {from}, shouldn't be greater than the end index argument, {to}."
        );
        return Err(env.failure(ErrorKind::Value, message));
    }
    some(Value::Str(env.units_of(&text, from, to)))
}

fn left_pad<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    pad(env, call, text, true)
}

fn right_pad<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    pad(env, call, text, false)
}

fn pad<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>, left: bool) -> Returned<'a> {
    let width = usize::try_from(env.arg_int(call, 0)?).unwrap_or(0);
    let filling = if call.arg_count() > 1 {
        env.arg_str(call, 1)?
    } else {
        Str::Borrowed(" ")
    };
    let len = utf16::len(text.as_str());
    let Some(missing) = width.checked_sub(len).filter(|missing| *missing > 0) else {
        return some(Value::Str(text));
    };
    if filling.as_str().is_empty() {
        let message = format!(
            "?{}(...) argument #2 can't be a 0-length string.",
            call.name
        );
        return Err(env.failure(ErrorKind::Value, message));
    }
    // On the right the filling goes on where the text stops, as if it had begun at the start of the text.
    let start = if left { 0 } else { len };
    let (units, has_halves) = utf16::units(filling.as_str());
    if has_halves {
        env.has_halves.set(true);
    }
    let added = (missing / units.len() + 1).saturating_mul(filling.as_str().len());
    // The filling is put together before it is joined with the text.
    let len = added.saturating_add(text.as_str().len());
    env.charge_text(len)?;
    env.check_room(len.saturating_mul(2))?;
    let padding: String = (start..start + missing)
        .map(|at| units[at % units.len()])
        .collect();
    let padded = if left {
        padding + text.as_str()
    } else {
        format!("{}{padding}", text.as_str())
    };
    some(Value::string(padded))
}

fn word_list<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let words = text.as_str().split([' ', '\t', '\n', '\r', '\u{c}']);
    let words = words.filter(|word| !word.is_empty());
    env.charge_items(words.clone().count().saturating_mul(ITEMS_OF_A_PART))?;
    env.charge(text.as_str().len())?;
    let words = words.map(|word| Some(Value::string(word)));
    some(Value::list(words.collect()))
}

fn number<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    // A number is printed and read again.
    let text = env.string_of(&call.target, value)?;
    let special = match text.as_str() {
        "NaN" => Some(f64::NAN),
        "INF" | "Infinity" => Some(f64::INFINITY),
        "-INF" | "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    };
    if let Some(value) = special {
        return some(Value::Number(Number::double(value)));
    }
    let parsed = Number::parse(text.as_str(), env.max_digits()).or_else(|| {
        let ascii = with_ascii_digits(text.as_str())?;
        Number::parse(&ascii, env.max_digits())
    });
    match parsed {
        Some(number) => {
            let is_conservative = env.settings.conservative_division;
            let read = number.map(|number| match is_conservative {
                true => number.read_conservatively(),
                false => number.without_least(),
            });
            env.number(call.target.src, read).map(Some)
        }
        None => {
            let message = format!(
                "Can't convert this string to number: {}",
                crate::error::java_quoted(text.as_str())
            );
            Err(env.described(ErrorKind::Value, call.src, message))
        }
    }
}

/// The text with the digits of other scripts replaced, if there are any: Java takes them all.
fn with_ascii_digits(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    text.chars()
        .map(|c| if c.is_ascii() { Some(c) } else { digit(c) })
        .collect()
}

/// The ASCII digit of the same value. In each script the ten digits stand in a row.
fn digit(c: char) -> Option<char> {
    let zero = DIGIT_ZEROS
        .iter()
        .rev()
        .find(|zero| **zero <= c as u32)
        .filter(|zero| c as u32 - **zero < 10)?;
    char::from_digit(c as u32 - zero, 10)
}

/// The zeros of Unicode's decimal digits within the basic plane, which is as far as Java looks here.
const DIGIT_ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50,
    0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

fn boolean<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    let text = env.string_of(&call.target, value)?;
    match text.as_str() {
        "true" => some(Value::Bool(true)),
        "false" => some(Value::Bool(false)),
        other => {
            let yes_no = env.settings.boolean_format.as_ref();
            match yes_no {
                Some((yes, _)) if **yes == *other => some(Value::Bool(true)),
                Some((_, no)) if **no == *other => some(Value::Bool(false)),
                _ => {
                    let message = format!(
                        "Can't convert this string to boolean: {}",
                        crate::error::java_quoted(other)
                    );
                    Err(env.fault(ErrorKind::Value, call.src, message))
                }
            }
        }
    }
}
