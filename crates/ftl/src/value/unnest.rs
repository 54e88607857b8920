//! Dropping values that a template has nested deeper than the stack reaches: `<#assign x = [x]>` in a loop.

use std::rc::Rc;

use super::{BuiltinMethod, Callable, Joined, List, Map, PresetArgs, Value, WithArgs};

impl Drop for List<'_> {
    fn drop(&mut self) {
        if self.items.iter().flatten().any(holds_values) {
            drop_flat(std::mem::take(&mut self.items));
        }
    }
}

impl Drop for Map<'_> {
    fn drop(&mut self) {
        if self
            .entries
            .iter()
            .any(|(_, value)| value.as_ref().is_some_and(holds_values))
        {
            drop_flat(values_of(self));
        }
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        if self.parts.iter().any(holds_values) {
            drop_flat(self.parts.drain(..).map(Some).collect());
        }
    }
}

impl Drop for WithArgs<'_> {
    fn drop(&mut self) {
        drop_flat(take_values(self));
    }
}

impl Drop for BuiltinMethod<'_> {
    fn drop(&mut self) {
        if self.target.as_ref().is_some_and(holds_values) {
            drop_flat(vec![self.target.take()]);
        }
    }
}

fn holds_values(value: &Value<'_>) -> bool {
    matches!(
        value,
        Value::List(_) | Value::Map(_) | Value::Joined(_) | Value::Callable(_)
    )
}

/// The callee and the arguments; those that others still hold stay.
fn take_values<'a>(with: &mut WithArgs<'a>) -> Vec<Option<Value<'a>>> {
    let mut taken = vec![Some(std::mem::replace(&mut with.callee, Value::Nothing))];
    match &mut with.args {
        PresetArgs::Positional(args) => {
            let values = Rc::get_mut(args).into_iter().flatten();
            taken.extend(values.map(Option::take));
        }
        PresetArgs::Named(args) => {
            let values = Rc::get_mut(args).into_iter().flatten();
            taken.extend(values.map(|(_, value)| value.take()));
        }
    }
    taken
}

fn values_of<'a>(map: &mut Map<'a>) -> Vec<Option<Value<'a>>> {
    map.entries.drain(..).map(|(_, value)| value).collect()
}

/// Drops values level by level; those that others still hold stay.
fn drop_flat(mut pending: Vec<Option<Value<'_>>>) {
    while let Some(value) = pending.pop() {
        match value {
            Some(Value::List(list)) => {
                if let Some(mut list) = Rc::into_inner(list) {
                    pending.append(&mut list.items);
                }
            }
            Some(Value::Map(map)) => {
                if let Some(mut map) = Rc::into_inner(map) {
                    pending.append(&mut values_of(&mut map));
                }
            }
            Some(Value::Joined(joined)) => {
                if let Some(mut joined) = Rc::into_inner(joined) {
                    pending.extend(joined.parts.drain(..).map(Some));
                }
            }
            Some(Value::Callable(callable)) => match Rc::into_inner(callable) {
                Some(Callable::WithArgs(mut with)) => {
                    pending.append(&mut take_values(&mut with));
                }
                Some(Callable::BuiltinMethod(mut method)) => pending.push(method.target.take()),
                _ => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Str;

    #[test]
    fn a_million_levels_are_dropped_on_a_small_stack() {
        let small = std::thread::Builder::new().stack_size(128 * 1024);
        let dropped = small.spawn(|| {
            let mut value = Value::int(1);
            for _ in 0..500_000 {
                let mut map = Map::default();
                map.insert(Str::from("a".to_owned()), Some(value));
                value = Value::list(vec![Some(Value::map(map))]);
            }
            drop(value);
        });
        assert!(dropped.expect("a thread").join().is_ok());
    }
}
