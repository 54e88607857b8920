//! `?sort` and `?sort_by`.

use std::cmp::Ordering;

use super::Returned;
use crate::error::{ErrorKind, quoted};
use crate::eval::{Env, Evaluated, ordering};
use crate::number::Number;
use crate::syntax::ast::BuiltinCall;
use crate::value::{ListKind, Str, Value};

pub(super) fn sort<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    let items = env.items(&seq)?;
    if items.is_empty() {
        return Ok(Some(seq));
    }
    let mut keys = Vec::with_capacity(items.len());
    for item in &items {
        let Some(key) = item.clone() else {
            // What comes before it is looked at first.
            check_types(env, false, &keys)?;
            let message = "a sequence with missing items can't be sorted";
            return Err(env.fault(ErrorKind::Missing, call.target.src, message));
        };
        keys.push(key);
    }
    sorted(env, false, keys, items)
}

pub(super) fn sort_by<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    seq: Value<'a>,
) -> Returned<'a> {
    let path = match env.eval_opt(env.arg_expr(call, 0)?)? {
        Some(Value::Str(name)) => vec![name],
        Some(Value::Nothing) => Vec::new(),
        Some(value) if value.is_sequence() => {
            let mut path = Vec::new();
            for (index, name) in env.items(&value)?.into_iter().enumerate() {
                match name {
                    Some(Value::Str(name)) => path.push(name),
                    _ => {
                        let message = format!(
                            "The argument to ?{}(key), when it's a sequence, must be a sequence of strings, but the item at index {index} is not a string.",
                            call.name
                        );
                        return Err(env.failure(ErrorKind::Type, message));
                    }
                }
            }
            path
        }
        _ => return Err(env.failure(ErrorKind::Type, not_a_path(call))),
    };
    if path.is_empty() {
        return sort(env, call, seq);
    }
    let items = env.items(&seq)?;
    if items.is_empty() {
        return Ok(Some(seq));
    }
    let mut keys = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if let ([name], Some(Value::HashView(hash))) = (&path[..], item)
            && let Some(key) = env.read(hash.get(name.as_str()))?
        {
            // Most keys are a part of each item, which is part of the data.
            keys.push(key);
            continue;
        }
        let mut key = item.clone();
        for (depth, name) in path.iter().enumerate() {
            key = match key {
                Some(value) if value.is_hash() => {
                    env.member(&call.target, &value, name.as_str())?
                }
                None => {
                    return Err(env.failure(ErrorKind::Missing, missing_key(index, &path[..depth])));
                }
                _ => {
                    let reached = if depth == 0 {
                        "Sequence items must be hashes when using ?sort_by. ".to_owned()
                    } else {
                        let names: Vec<_> =
                            path[..depth].iter().map(|name| name.as_str()).collect();
                        format!("The {}", quoted(&names.join(".")))
                    };
                    let message = format!(
                        "?sort_by(...) failed at sequence index {index}{}: {reached} subvariable is not a hash, so ?sort_by can't proceed with getting the {} subvariable.",
                        if index == 0 { "" } else { " (0-based)" },
                        quoted(name.as_str())
                    );
                    return Err(env.failure(ErrorKind::Type, message));
                }
            };
        }
        let Some(key) = key else {
            return Err(env.failure(ErrorKind::Missing, missing_key(index, &path)));
        };
        keys.push(key);
    }
    sorted(env, true, keys, items)
}

fn missing_key(index: usize, path: &[Str<'_>]) -> String {
    let names: Vec<_> = path.iter().map(Str::as_str).collect();
    format!(
        "?sort_by(...) failed at sequence index {index}{}: The {} subvariable was null or missing.",
        if index == 0 { "" } else { " (0-based)" },
        quoted(&names.join("."))
    )
}

fn not_a_path(call: &BuiltinCall) -> String {
    format!(
        "The argument to ?{}(key) must be a string (the name of the subvariable), or a sequence of strings (the \"path\" to the subvariable).",
        call.name
    )
}

/// `by_key` if the values are those of a key.
fn sorted<'a>(
    env: &mut Env<'a>,
    by_key: bool,
    keys: Vec<Value<'a>>,
    items: Vec<Option<Value<'a>>>,
) -> Returned<'a> {
    // Each of the n·log n comparisons is a step.
    let comparisons = keys
        .len()
        .saturating_mul(keys.len().max(2).ilog2() as usize + 1);
    env.steps(comparisons)?;
    check_types(env, by_key, &keys)?;
    if let Some(Value::Str(_)) = keys.first() {
        return sorted_strings(env, keys, items);
    }
    let numbers = keys.iter().map_while(|key| match key {
        Value::Number(number) => Some(number),
        _ => None,
    });
    if let Some(small) = Number::keys(numbers)
        && small.len() == keys.len()
    {
        return Ok(Some(sorted_small_numbers(&small, items)));
    }
    let is_nan = |key: &Value<'_>| matches!(key, Value::Number(number) if number.is_nan());
    if keys.len() > 1 && keys.iter().any(is_nan) {
        let message = format!(
            "?{} failed: Unexpected error while sorting:java.lang.ArithmeticException: The signum of NaN is not defined.",
            if by_key { "sort_by(...)" } else { "sort" }
        );
        return Err(env.failure(ErrorKind::Value, message));
    }
    let mut keyed: Vec<_> = keys.into_iter().zip(items).collect();
    keyed.sort_by(|(left, _), (right, _)| ordering(left, right).unwrap_or(Ordering::Equal));
    let items = keyed.into_iter().map(|(_, item)| item);
    Ok(Some(Value::special_list(
        items.collect(),
        ListKind::Computed,
    )))
}

/// Only keys and places are moved while they are sorted; equal keys keep the order of their places.
fn sorted_small_numbers<'a>(keys: &[i64], mut items: Vec<Option<Value<'a>>>) -> Value<'a> {
    let mut places: Vec<(i64, usize)> = keys.iter().copied().zip(0..).collect();
    places.sort_unstable();
    let items = places.iter().map(|(_, place)| items[*place].take());
    Value::special_list(items.collect(), ListKind::Computed)
}

/// What a byte of text weighs at most.
const ELEMENT_BYTES: usize = 2 * size_of::<u32>();

/// Strings are weighed once, not at every comparison.
fn sorted_strings<'a>(
    env: &mut Env<'a>,
    keys: Vec<Value<'a>>,
    items: Vec<Option<Value<'a>>>,
) -> Returned<'a> {
    let order = env.settings.locale.collation();
    let mut weighed = Vec::with_capacity(keys.len());
    for (key, item) in keys.into_iter().zip(items) {
        let Value::Str(text) = &key else { continue };
        env.charge(text.as_str().len().saturating_mul(ELEMENT_BYTES))?;
        weighed.push((order.weigh(text.as_str()), item));
    }
    weighed.sort_by(|(left, _), (right, _)| order.compare(left, right));
    let items = weighed.into_iter().map(|(_, item)| item);
    Ok(Some(Value::special_list(
        items.collect(),
        ListKind::Computed,
    )))
}

fn check_types<'a>(env: &Env<'a>, by_key: bool, keys: &[Value<'a>]) -> Evaluated<'a, ()> {
    let Some(first) = keys.first() else {
        return Ok(());
    };
    let (built_in, of_key) = match by_key {
        true => ("?sort_by(...)", "key "),
        false => ("?sort", ""),
    };
    let failed = |index: usize| {
        let base = if index == 0 { "" } else { " (0-based)" };
        format!("{built_in} failed at sequence index {index}{base}: ")
    };
    for (index, key) in keys.iter().enumerate() {
        if !matches!(
            key,
            Value::Str(_) | Value::Number(_) | Value::Date(_) | Value::Bool(_)
        ) {
            let message = format!(
                "{}Values used for sorting must be numbers, strings, date/times or booleans.",
                failed(index)
            );
            return Err(env.failure(ErrorKind::Type, message));
        }
        let are_numbers = matches!((first, key), (Value::Number(_), Value::Number(_)));
        if !are_numbers && env.ordering(first, key).is_none() {
            let message = format!(
                "{}All {of_key}values in the sequence must be {first}s, because the first {of_key}value was that. However, the {of_key}value of the current item isn't a {first} but {}.",
                failed(index),
                crate::eval::with_article(key.type_name()),
                first = match first {
                    Value::Date(_) => "date/time",
                    first => first.type_name(),
                }
            );
            return Err(env.failure(ErrorKind::Type, message));
        }
    }
    Ok(())
}
