//! Built-ins on sequences.

use super::{Args, Builtin, Returned, Run, define};
use crate::data::Hash;
use crate::error::{Error, ErrorKind};
use crate::eval::{
    Env, Evaluated, Fault, NAN_COMPARED, Stream, TEXT_BYTES_PER_STEP, compared_bytes, has_groups,
    has_nan, is_lazy, ordering, seq_len,
};
use crate::number::Number;
use crate::syntax::ast::BuiltinCall;
use crate::value::{ListKind, Str, UnreadKind, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("first", Run::Items(first), Args::None),
    define("last", Run::Seq(last), Args::None),
    define("size", Run::Items(size), Args::None),
    define("reverse", Run::Seq(reverse), Args::None),
    define("join", Run::Items(join), Args::Required(1, 3)).printed_by(print_join),
    define("chunk", Run::Seq(chunk), Args::Required(1, 2)),
    define(
        "seq_contains",
        Run::Items(seq_contains),
        Args::Required(1, 1),
    ),
    define(
        "seq_index_of",
        Run::Items(seq_index_of),
        Args::Required(1, 2),
    ),
    define(
        "seq_last_index_of",
        Run::Items(seq_last_index_of),
        Args::Required(1, 2),
    ),
    define("min", Run::Items(min), Args::None),
    define("max", Run::Items(max), Args::None),
    define("map", Run::Items(transformed), Args::Required(1, 1)),
    define("filter", Run::Items(transformed), Args::Required(1, 1)),
    define("take_while", Run::Items(transformed), Args::Required(1, 1)),
    define("drop_while", Run::Items(transformed), Args::Required(1, 1)),
    define("sequence", Run::Items(sequence), Args::None),
    define("sort", Run::Seq(super::sorting::sort), Args::None),
    define(
        "sort_by",
        Run::Seq(super::sorting::sort_by),
        Args::Required(1, 1),
    ),
];

fn first<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    Ok(env.stream(&call.target)?.next(env)?.flatten())
}

fn last<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    let Some(last) = seq_len(&seq).checked_sub(1) else {
        return Ok(None);
    };
    env.check_readable(&seq, last)?;
    Ok(env.item(&seq, last))
}

fn size<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    let size = if is_lazy(&call.target) {
        let stream = env.stream_of(
            &call.target,
            "extended-hash or sequence or extended collection",
        );
        stream?.count(env, usize::MAX)?
    } else {
        match env.eval(&call.target)? {
            Value::HashView(hash) => hash.len(),
            Value::Map(map) => map.len() + map.repeated,
            Value::Range(range) if range.lacks > 0 => {
                return Ok(Some(Value::int(-i64::from(range.lacks))));
            }
            value if value.is_sequence() => seq_len(&value),
            value if value.is_hash_ex() => env.entries(&value)?.len(),
            other => {
                let expected = "extended-hash or sequence or extended collection";
                return Err(env.type_fault(&call.target, expected, &other));
            }
        }
    };
    Ok(Some(Value::Number(Number::from(size))))
}

fn reverse<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    // Nothing is read before somebody asks for an item.
    let mut items = env.unread_items(&seq)?;
    items.reverse();
    let kind = match &seq {
        Value::List(list) if list.kind.refuses_negative_index() => ListKind::Computed,
        seq => kind_of_rearranged(seq),
    };
    Ok(Some(Value::special_list(items, kind)))
}

/// The kind of a sequence that has the items of `seq` in another arrangement.
fn kind_of_rearranged(seq: &Value<'_>) -> ListKind {
    if has_groups(seq) {
        ListKind::Groups
    } else {
        ListKind::Plain
    }
}

fn sequence<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    match env.stream(&call.target)? {
        Stream::Items { source, .. } => Ok(Some(source)),
        stream => stream.collect(env).map(Some),
    }
}

fn join<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    let mut bytes = Vec::new();
    match write_joined(env, call, &mut bytes)? {
        Some(if_empty) => Ok(Some(Value::Str(if_empty))),
        None => env.captured_string(bytes).map(Some),
    }
}

/// `${items?join(separator)}` without a string in between.
fn print_join<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Evaluated<'a, ()> {
    env.with_output(|env, out| {
        if let Some(if_empty) = write_joined(env, call, out)? {
            out.extend_from_slice(if_empty.as_str().as_bytes());
        }
        Ok(())
    })
}

/// Refuses a range without an end, of which it is known that it would never be done.
fn check_has_end<'a>(env: &Env<'a>, stream: &Stream<'a>) -> Evaluated<'a, ()> {
    match stream {
        Stream::Items {
            source: Value::Range(range),
            ..
        } if range.is_listable_endless() => {
            let message = "The input sequence is a right-unbounded numerical range, thus, it's infinitely long, and can't processed with this built-in.";
            Err(env.failure(ErrorKind::Value, message))
        }
        _ => Ok(()),
    }
}

/// Writes the items to the end of `bytes`; returns what stands for them if there are none and something is to.
fn write_joined<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    bytes: &mut Vec<u8>,
) -> Evaluated<'a, Option<Str<'a>>> {
    let mut stream = env.stream(&call.target)?;
    check_has_end(env, &stream)?;
    let separator = env.arg_str(call, 0)?;
    let mut further = |index| {
        let is_there = call.arg_count() > index;
        is_there.then(|| env.arg_str(call, index)).transpose()
    };
    let (if_empty, ending) = (further(1)?, further(2)?);
    let (start, mut count) = (bytes.len(), 0);
    for index in 0.. {
        let Some(item) = stream.next(env)? else {
            break;
        };
        // Missing items are left out, with their separators.
        let Some(item) = item else {
            continue;
        };
        let before = bytes.len();
        if count > 0 {
            bytes.extend_from_slice(separator.as_str().as_bytes());
        }
        let written = if item.is_printable() && !matches!(item, Value::Markup(_)) {
            env.write_value(&call.target, &item, bytes)
        } else {
            let message = format!(
                "Expected a string or something automatically convertible to string (number, date or boolean), but the expression has evaluated to {}.",
                crate::eval::with_article(item.type_name())
            );
            Err(env.failure(ErrorKind::Type, message))
        };
        if let Err(fault) = written {
            let error = env.to_error(fault).blaming_nothing();
            let message = format!(
                "\"?join\" failed at index {index} with this error:\n\n---begin-message---\n{}\n---end-message---",
                error.description()
            );
            return Err(Fault::Error(error.wrapped(message)));
        }
        env.charge(bytes.len() - before)?;
        env.check_text(bytes.len() - start)?;
        count += 1;
    }
    if count == 0 && if_empty.is_some() {
        return Ok(if_empty);
    }
    if let Some(ending) = ending.filter(|_| count > 0) {
        bytes.extend_from_slice(ending.as_str().as_bytes());
    }
    Ok(None)
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
    let items = env.unread_items(&seq)?;
    if filling.is_some() {
        env.charge_items(size)?;
    }
    let kind = kind_of_rearranged(&seq);
    let mut chunks: Vec<Vec<_>> = items.chunks(size).map(<[_]>::to_vec).collect();
    if let (Some(filling), Some(last)) = (filling, chunks.last_mut()) {
        last.resize(size, Some(filling));
    }
    let chunks = chunks.into_iter();
    let chunks = chunks.map(|chunk| Some(Value::special_list(chunk, kind)));
    Ok(Some(Value::special_list(
        chunks.collect(),
        ListKind::Chunks(size),
    )))
}

/// The first (or last) place of the argument among the items, from (or down from) an index.
fn place<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    backwards: bool,
) -> Evaluated<'a, Option<usize>> {
    let mut stream = env.stream(&call.target)?;
    let wanted = env.eval_opt(env.arg_expr(call, 0)?)?;
    let start = if call.arg_count() > 1 {
        Some(env.arg_int(call, 1)?)
    } else {
        None
    };
    let (from, last) = match start {
        Some(last) if backwards => (0, last),
        start => (start.unwrap_or(0).max(0) as usize, i64::MAX),
    };
    let mut index = stream.skip_items(from);
    let Some(wanted) = wanted else {
        // Nothing is like what is missing; but all items are asked for.
        while index as i64 <= last && stream.next(env)?.is_some() {
            index += 1;
        }
        return Ok(None);
    };
    let mut found = None;
    while index as i64 <= last
        && let Some(item) = stream.next(env)?
    {
        if let Some(item) = &item {
            env.steps(compared_bytes(item, &wanted) / TEXT_BYTES_PER_STEP)?;
            let reason = match unwritten(item, &wanted) {
                Some(error) if index >= from => Some(error.message()),
                _ => has_nan(item, &wanted).then_some(NAN_COMPARED),
            };
            if let Some(reason) = reason {
                let message = format!(
                    "This error has occurred when comparing sequence item at 0-based index {index} to the searched item:\n{reason}"
                );
                return Err(env.failure(ErrorKind::Value, message));
            }
        }
        // Values of different types are different; they don't fail.
        let is_wanted = index >= from
            && item.is_some_and(|item| {
                env.ordering(&item, &wanted) == Some(std::cmp::Ordering::Equal)
            });
        if is_wanted {
            found = Some(index);
            if !backwards {
                break;
            }
        }
        index += 1;
    }
    Ok(found)
}

/// Why one of two texts that are to be compared can't be written, if that is so: a URL in no known charset.
fn unwritten<'v>(left: &'v Value<'_>, right: &'v Value<'_>) -> Option<&'v Error> {
    let failed = |value: &'v Value<'_>| match value {
        Value::Unread(unread) if unread.kind == UnreadKind::Url => Some(&unread.error),
        _ => None,
    };
    let (left_failed, right_failed) = (failed(left), failed(right));
    let are_texts = (left_failed.is_some() || left.text().is_some())
        && (right_failed.is_some() || right.text().is_some());
    left_failed.or(right_failed).filter(|_| are_texts)
}

fn seq_contains<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    Ok(Some(Value::Bool(place(env, call, false)?.is_some())))
}

fn seq_index_of<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    let place = place(env, call, false)?;
    Ok(Some(Value::int(place.map_or(-1, |at| at as i64))))
}

fn seq_last_index_of<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    let place = place(env, call, true)?;
    Ok(Some(Value::int(place.map_or(-1, |at| at as i64))))
}

fn min<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    extreme(env, call, std::cmp::Ordering::Less)
}

fn max<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    extreme(env, call, std::cmp::Ordering::Greater)
}

fn extreme<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    wanted: std::cmp::Ordering,
) -> Returned<'a> {
    let mut stream = env.stream(&call.target)?;
    check_has_end(env, &stream)?;
    let mut best: Option<Value<'a>> = None;
    while let Some(item) = stream.next(env)? {
        let Some(item) = item else {
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
        (Value::Number(_), Value::Number(_)) if has_nan(item, best) => {
            return Err(NAN_COMPARED.to_owned());
        }
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

/// `?map`, `?filter`, `?take_while`, `?drop_while` where all items are wanted.
fn transformed<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    let items = env.stage(call, false)?.items(env)?;
    Ok(Some(Value::special_list(items, ListKind::Computed)))
}
