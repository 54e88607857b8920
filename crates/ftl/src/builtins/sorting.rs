//! `?sort` and `?sort_by`.

use std::cmp::Ordering;

use super::Returned;
use crate::error::{ErrorKind, quoted};
use crate::eval::{Env, Evaluated, ordering};
use crate::number::Number;
use crate::syntax::ast::BuiltinCall;
use crate::value::{ListKind, Value};

pub(super) fn sort<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, seq: Value<'a>) -> Returned<'a> {
    let items = env.items(&seq)?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let key = item.clone().ok_or_else(|| {
            env.fault(
                ErrorKind::Missing,
                call.target.src,
                "a sequence with missing items can't be sorted",
            )
        })?;
        keyed.push((key, item));
    }
    sorted(env, call, keyed)
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
    let items = env.items(&seq)?;
    let mut keyed = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let mut key = item.clone();
        for name in &path {
            key = match key {
                Some(value) if value.is_hash() => {
                    env.member(&call.target, &value, name.as_str())?
                }
                _ => {
                    let message = format!(
                        "?sort_by(...) failed at sequence index {index}{}: Sequence items must be hashes when using ?sort_by.  subvariable is not a hash, so ?sort_by can't proceed with getting the {:?} subvariable.",
                        if index == 0 { "" } else { " (0-based)" },
                        name.as_str()
                    );
                    return Err(env.failure(ErrorKind::Type, message));
                }
            };
        }
        let Some(key) = key else {
            let names: Vec<_> = path.iter().map(|name| name.as_str()).collect();
            let message = format!(
                "?sort_by(...) failed at sequence index {index}{}: The {} subvariable was null or missing.",
                if index == 0 { "" } else { " (0-based)" },
                quoted(&names.join("."))
            );
            return Err(env.failure(ErrorKind::Missing, message));
        };
        keyed.push((key, item));
    }
    sorted(env, call, keyed)
}

fn not_a_path(call: &BuiltinCall) -> String {
    format!(
        "The argument to ?{}(key) must be a string (the name of the subvariable), or a sequence of strings (the \"path\" to the subvariable).",
        call.name
    )
}

fn sorted<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    mut keyed: Vec<(Value<'a>, Option<Value<'a>>)>,
) -> Returned<'a> {
    // Each of the n·log n comparisons is a step.
    let comparisons = keyed
        .len()
        .saturating_mul(keyed.len().max(2).ilog2() as usize + 1);
    env.steps(comparisons)?;
    check_types(env, call, &keyed)?;
    if let Some((Value::Str(_), _)) = keyed.first() {
        return sorted_strings(env, keyed);
    }
    let numbers = keyed.iter().map_while(|(key, _)| match key {
        Value::Number(number) => Some(number),
        _ => None,
    });
    if let Some(keys) = Number::keys(numbers)
        && keys.len() == keyed.len()
    {
        return Ok(Some(sorted_small_numbers(keys, keyed)));
    }
    keyed.sort_by(|(left, _), (right, _)| ordering(left, right).unwrap_or(Ordering::Equal));
    let items = keyed.into_iter().map(|(_, item)| item);
    Ok(Some(Value::special_list(
        items.collect(),
        ListKind::Computed,
    )))
}

/// Only keys and places are moved while they are sorted; equal keys keep the order of their places.
fn sorted_small_numbers<'a>(
    keys: Vec<i128>,
    mut keyed: Vec<(Value<'a>, Option<Value<'a>>)>,
) -> Value<'a> {
    let mut places: Vec<(i128, usize)> = keys.into_iter().zip(0..).collect();
    places.sort_unstable();
    let items = places.iter().map(|(_, place)| keyed[*place].1.take());
    Value::special_list(items.collect(), ListKind::Computed)
}

/// Strings are weighed once, not at every comparison.
fn sorted_strings<'a>(
    env: &mut Env<'a>,
    keyed: Vec<(Value<'a>, Option<Value<'a>>)>,
) -> Returned<'a> {
    let mut weighed = Vec::with_capacity(keyed.len());
    for (key, item) in keyed {
        let Value::Str(text) = &key else { continue };
        env.charge(text.as_str().len().saturating_mul(size_of::<Weight>()))?;
        weighed.push((weights(text.as_str()), item));
    }
    weighed.sort_by(|(left, _), (right, _)| collate(left, right));
    let items = weighed.into_iter().map(|(_, item)| item);
    Ok(Some(Value::special_list(
        items.collect(),
        ListKind::Computed,
    )))
}

fn check_types<'a>(
    env: &Env<'a>,
    call: &'a BuiltinCall,
    keyed: &[(Value<'a>, Option<Value<'a>>)],
) -> Evaluated<'a, ()> {
    let Some((first, _)) = keyed.first() else {
        return Ok(());
    };
    let failed = |index: usize| {
        format!(
            "?{}{} failed at sequence index {index}{}: ",
            call.builtin.name(),
            if call.args.is_some() { "(...)" } else { "" },
            if index == 0 { "" } else { " (0-based)" }
        )
    };
    for (index, (key, _)) in keyed.iter().enumerate() {
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
        if !are_numbers && ordering(first, key).is_none() {
            let message = format!(
                "{}All values in the sequence must be {first}s, because the first value was that. However, the value of the current item isn't a {first} but {}.",
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

/// Signs in the order of Java's collation rules; they come before digits, and those before letters.
const SIGNS: &str = "_¯,;:!¡?¿/.´`^¨~·¸'\"«»()[]{}§¶©®@¤¢$£¥*\\&#%+±÷×<=>¬|¦°µ";

/// Letters with their accented forms, in order.
const ACCENTED: &[&str] = &[
    "aáàâåäã",
    "cç",
    "eéèêë",
    "iíìîï",
    "nñ",
    "oóòôöõ",
    "uúùûü",
    "yýÿ",
];

/// Java's English order: letters without regard to case and accents first; accents, then case, only decide between
/// equals, and blanks and hyphens count as accents do.
fn collate(left: &[Weight], right: &[Weight]) -> Ordering {
    let left_bases = left.iter().filter_map(|weight| weight.base);
    let bases = left_bases.cmp(right.iter().filter_map(|weight| weight.base));
    let accents = || {
        let left = left.iter().map(|weight| weight.accent);
        left.cmp(right.iter().map(|weight| weight.accent))
    };
    let case = || {
        let left = left.iter().map(|weight| weight.upper);
        left.cmp(right.iter().map(|weight| weight.upper))
    };
    bases.then_with(accents).then_with(case)
}

fn weights(text: &str) -> Vec<Weight> {
    text.chars().map(weight).collect()
}

fn is_ignorable(c: char) -> bool {
    c == '-' || c == '\u{ad}' || c.is_control() || c.is_whitespace()
}

struct Weight {
    /// Class and place in it: signs, digits, letters. Blanks have none.
    base: Option<(u8, u32)>,
    accent: usize,
    upper: bool,
}

fn weight(c: char) -> Weight {
    if c.is_ascii_alphanumeric() {
        let class = if c.is_ascii_digit() { 1 } else { 2 };
        let base = Some((class, u32::from(c.to_ascii_lowercase())));
        return Weight {
            base,
            accent: 0,
            upper: c.is_ascii_uppercase(),
        };
    }
    let upper = c.is_uppercase();
    if is_ignorable(c) {
        return Weight {
            base: None,
            accent: usize::MAX,
            upper,
        };
    }
    if let Some(place) = SIGNS.chars().position(|sign| sign == c) {
        return Weight {
            base: Some((0, place as u32)),
            accent: 0,
            upper,
        };
    }
    let lower = c.to_lowercase().next().unwrap_or(c);
    let accented = ACCENTED.iter().find_map(|forms| {
        let accent = forms.chars().position(|form| form == lower)?;
        Some((forms.chars().next()?, accent))
    });
    let (letter, accent) = accented.unwrap_or((lower, 0));
    let class = if letter.is_alphabetic() { 2 } else { 1 };
    Weight {
        base: Some((class, letter as u32)),
        accent,
        upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_only_decide_between_equals() {
        let mut words = [
            "Pear", "apple", "Zoo", "école", "eclair", "Apple", "pear", "10", "_",
        ];
        words.sort_by(|left, right| collate(&weights(left), &weights(right)));
        assert_eq!(
            words,
            [
                "_", "10", "apple", "Apple", "eclair", "école", "pear", "Pear", "Zoo"
            ]
        );
    }
}
