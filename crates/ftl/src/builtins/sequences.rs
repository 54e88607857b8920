//! Built-ins on sequences.

use super::{Args, Builtin, Returned, Run, define};
use crate::data::Hash;
use crate::error::ErrorKind;
use crate::eval::{Env, ordering, seq_len};
use crate::number::Number;
use crate::syntax::ast::BuiltinCall;
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[
    define("first", Run::Seq(first), Args::None),
    define("last", Run::Seq(last), Args::None),
    define("size", Run::Any(size), Args::None),
    define("reverse", Run::Seq(reverse), Args::None),
    define("join", Run::Seq(join), Args::Required(1, 3)),
    define("chunk", Run::Seq(chunk), Args::Required(1, 2)),
    define("seq_contains", Run::Seq(seq_contains), Args::Required(1, 1)),
    define("seq_index_of", Run::Seq(seq_index_of), Args::Required(1, 2)),
    define(
        "seq_last_index_of",
        Run::Seq(seq_last_index_of),
        Args::Required(1, 2),
    ),
    define("min", Run::Seq(min), Args::None),
    define("max", Run::Seq(max), Args::None),
    define("map", Run::Seq(map), Args::Required(1, 1)),
    define("filter", Run::Seq(filter), Args::Required(1, 1)),
    define("take_while", Run::Seq(take_while), Args::Required(1, 1)),
    define("drop_while", Run::Seq(drop_while), Args::Required(1, 1)),
    define("sequence", Run::Seq(sequence), Args::None),
    define("sort", Run::Seq(super::sorting::sort), Args::None),
    define(
        "sort_by",
        Run::Seq(super::sorting::sort_by),
        Args::Required(1, 1),
    ),
];

fn first<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    Ok(env.item(&seq, 0))
}

fn last<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    Ok(seq_len(&seq)
        .checked_sub(1)
        .and_then(|last| env.item(&seq, last)))
}

fn size<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    let size = match &value {
        Value::HashView(hash) => hash.len(),
        Value::Map(map) => map.len(),
        value if value.is_sequence() => seq_len(value),
        value if value.is_hash_ex() => env.entries(value)?.len(),
        other => {
            let expected = "extended-hash or sequence or extended collection";
            return Err(env.type_fault(&call.target, expected, other));
        }
    };
    Ok(Some(Value::Number(Number::from(size))))
}

fn reverse<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    let mut items = env.items(&seq)?;
    items.reverse();
    Ok(Some(Value::list(items)))
}

fn sequence<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    Ok(Some(seq))
}

fn join<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    let separator = env.arg_str(call, 0)?;
    let mut bytes = Vec::new();
    let mut count = 0;
    for index in 0..seq_len(&seq) {
        env.step()?;
        // Missing items are left out, with their separators.
        let Some(item) = env.item(&seq, index) else {
            continue;
        };
        let before = bytes.len();
        if count > 0 {
            bytes.extend_from_slice(separator.as_str().as_bytes());
        }
        if !item.is_printable() {
            let message = format!(
                "\"?join\" failed at index {index} with this error:\n\n---begin-message---\nExpected a string or something automatically convertible to string (number, date or boolean), but the expression has evaluated to {}.\n---end-message---",
                crate::eval::with_article(item.type_name())
            );
            return Err(env.failure(ErrorKind::Type, message));
        }
        env.write_value(&call.target, &item, &mut bytes)?;
        env.charge(bytes.len() - before)?;
        count += 1;
    }
    if count == 0 && call.arg_count() > 1 {
        return env.arg_str(call, 1).map(|text| Some(Value::Str(text)));
    }
    if count > 0 && call.arg_count() > 2 {
        let ending = env.arg_str(call, 2)?;
        bytes.extend_from_slice(ending.as_str().as_bytes());
    }
    env.captured_string(bytes).map(Some)
}

fn chunk<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    let Ok(size @ 1..) = usize::try_from(env.arg_int(call, 0)?) else {
        return Err(env.failure(
            ErrorKind::Value,
            "The 1st argument to ?chunk (...) must be at least 1.",
        ));
    };
    let filling = if call.arg_count() > 1 {
        env.eval_opt(env.arg_expr(call, 1)?)?
    } else {
        None
    };
    let items = env.items(&seq)?;
    if filling.is_some() {
        env.charge_items(size)?;
    }
    let mut chunks: Vec<Vec<_>> = items.chunks(size).map(<[_]>::to_vec).collect();
    if let (Some(filling), Some(last)) = (filling, chunks.last_mut()) {
        last.resize(size, Some(filling));
    }
    Ok(Some(Value::list(
        chunks
            .into_iter()
            .map(|chunk| Some(Value::list(chunk)))
            .collect(),
    )))
}

/// The first (or last) place of the argument among the items, from (or down from) an index.
fn place<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    seq: &Value<'a>,
    backwards: bool,
) -> Result<Option<usize>, crate::eval::Fault<'a>> {
    let wanted = env.eval(env.arg_expr(call, 0)?)?;
    let len = seq_len(seq);
    let start = if call.arg_count() > 1 {
        Some(env.arg_int(call, 1)?)
    } else {
        None
    };
    let mut check = |index: usize| -> Result<bool, crate::eval::Fault<'a>> {
        env.step()?;
        let Some(item) = env.item(seq, index) else {
            return Ok(false);
        };
        // Values of different types are different; they don't fail.
        Ok(ordering(&item, &wanted) == Some(std::cmp::Ordering::Equal))
    };
    if backwards {
        let last = match start {
            Some(start) if start < 0 => return Ok(None),
            Some(start) => len.min(start as usize + 1),
            None => len,
        };
        for index in (0..last).rev() {
            if check(index)? {
                return Ok(Some(index));
            }
        }
    } else {
        for index in start.unwrap_or(0).max(0) as usize..len {
            if check(index)? {
                return Ok(Some(index));
            }
        }
    }
    Ok(None)
}

fn seq_contains<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    Ok(Some(Value::Bool(place(env, call, &seq, false)?.is_some())))
}

fn seq_index_of<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    Ok(Some(Value::int(
        place(env, call, &seq, false)?.map_or(-1, |at| at as i64),
    )))
}

fn seq_last_index_of<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    Ok(Some(Value::int(
        place(env, call, &seq, true)?.map_or(-1, |at| at as i64),
    )))
}

fn min<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    extreme(env, call, &seq, std::cmp::Ordering::Less)
}

fn max<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    extreme(env, call, &seq, std::cmp::Ordering::Greater)
}

fn extreme<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    seq: &Value<'a>,
    wanted: std::cmp::Ordering,
) -> Returned<'a> {
    let mut best: Option<Value<'a>> = None;
    for index in 0..seq_len(seq) {
        env.step()?;
        let Some(item) = env.item(seq, index) else {
            continue;
        };
        best = match best {
            None => Some(item),
            Some(best) => match extreme_order(&item, &best, wanted) {
                Ok(order) => Some(if order == wanted { item } else { best }),
                Err(message) => {
                    return Err(env.whole_fault(call, ErrorKind::Type, message));
                }
            },
        };
    }
    Ok(best)
}

/// How two items compare for `?min` and `?max`; the error says why they can't be.
fn extreme_order(
    item: &Value<'_>,
    best: &Value<'_>,
    wanted: std::cmp::Ordering,
) -> Result<std::cmp::Ordering, String> {
    let operator = if wanted == std::cmp::Ordering::Less {
        "less-than"
    } else {
        "greater-than"
    };
    match (item, best) {
        (Value::Number(_), Value::Number(_)) | (Value::Date(_), Value::Date(_)) => {}
        (Value::Str(_), Value::Str(_)) => {
            return Err(format!(
                "Can't use operator \"{operator}\" on string values."
            ));
        }
        (Value::Bool(_), Value::Bool(_)) => {
            return Err(format!(
                "Can't use operator \"{operator}\" on boolean values."
            ));
        }
        _ => return Err(crate::eval::incomparable_message(item, best)),
    }
    ordering(item, best).ok_or_else(|| crate::eval::incomparable_message(item, best))
}

fn map<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    let function = env.arg_expr(call, 0)?;
    let mut items = Vec::new();
    for index in 0..seq_len(&seq) {
        env.charge_items(1)?;
        let item = env.item(&seq, index);
        items.push(env.apply(function, item)?);
    }
    Ok(Some(Value::list(items)))
}

/// Runs the condition on each item until `keep` says stop.
fn select<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    seq: &Value<'a>,
    mut keep: impl FnMut(bool) -> Pick,
) -> Returned<'a> {
    let function = env.arg_expr(call, 0)?;
    let mut items = Vec::new();
    for index in 0..seq_len(seq) {
        let item = env.item(seq, index);
        let holds = match env.apply(function, item.clone())? {
            Some(Value::Bool(holds)) => holds,
            Some(other) => return Err(env.type_fault(function, "boolean", &other)),
            None => return Err(crate::eval::Fault::Missing(function)),
        };
        match keep(holds) {
            Pick::Keep => {
                env.charge_items(1)?;
                items.push(item);
            }
            Pick::Skip => {}
            Pick::Stop => break,
        }
    }
    Ok(Some(Value::list(items)))
}

enum Pick {
    Keep,
    Skip,
    Stop,
}

fn filter<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    select(
        env,
        call,
        &seq,
        |holds| if holds { Pick::Keep } else { Pick::Skip },
    )
}

fn take_while<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    select(
        env,
        call,
        &seq,
        |holds| if holds { Pick::Keep } else { Pick::Stop },
    )
}

fn drop_while<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    let mut dropping = true;
    select(env, call, &seq, |holds| {
        dropping &= holds;
        if dropping { Pick::Skip } else { Pick::Keep }
    })
}
