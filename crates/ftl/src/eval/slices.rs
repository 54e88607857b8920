//! `target[key]`: keys, indexes and ranges.

use super::env::{Env, Evaluated, Fault};
use super::exec::TEXT_BYTES_PER_STEP;
use super::operators::{UNREADABLE_GROUP, has_groups, seq_len};
use super::stream::{Slice, Stream, is_lazy};
use crate::builtins::utf16::{self, Part};
use crate::error::ErrorKind;
use crate::syntax::Src;
use crate::syntax::ast::{Expr, ExprKind};
use crate::value::{ListKind, Range, Str, UnreadKind, Value};

/// What FreeMarker says of exceptions that it doesn't expect.
pub(crate) const UNCHECKED: &str =
    "Expression has thrown an unchecked exception; see the cause exception.";

/// What can be indexed and sliced.
const EXPECTED: &str =
    "sequence or string or something automatically convertible to string (number, date or boolean)";

impl<'a> Env<'a> {
    pub(crate) fn index(
        &mut self,
        whole: Src,
        target: &'a Expr,
        key: &'a Expr,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        if is_lazy(target) {
            return self.index_lazy(whole, target, key);
        }
        let value = self.eval_unread(target)?;
        let key_value = self.eval_unread(key)?;
        for operand in [&value, &key_value] {
            if let Value::Str(text) = operand {
                self.steps(text.as_str().len() / TEXT_BYTES_PER_STEP)?;
            }
        }
        self.index_value(whole, target, value, key, &key_value)
    }

    /// `target[key]` of a target whose items are computed one by one, and no further than needed.
    fn index_lazy(
        &mut self,
        whole: Src,
        target: &'a Expr,
        key: &'a Expr,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        if matches!(key.kind, ExprKind::Range(..)) {
            return match self.stream_slice(whole, target, key)? {
                Slice::Items(slice) => slice.collect(self).map(Some),
                Slice::Text(text) => Ok(Some(text)),
            };
        }
        let mut stream = match self.sliceable(target)? {
            Slice::Items(stream) => stream,
            Slice::Text(text) => {
                let key_value = self.eval(key)?;
                return self.index_value(whole, target, text, key, &key_value);
            }
        };
        match self.eval(key)? {
            Value::Number(number) => {
                let Ok(index) = usize::try_from(number.to_i32_wrapping()) else {
                    return Ok(None);
                };
                for _ in 0..index {
                    if stream.next(self)?.is_none() {
                        return Ok(None);
                    }
                }
                Ok(stream.next(self)?.flatten())
            }
            Value::Range(range) => match self.sliced(stream, target, key, &range)? {
                Slice::Items(slice) => slice.collect(self).map(Some),
                Slice::Text(text) => Ok(Some(text)),
            },
            // They needn't be computed to say that they have no names.
            Value::Str(_) if !matches!(stream, Stream::Items { .. }) => {
                let message = format!(
                    "Expected a hash, but this has evaluated to {}:",
                    super::with_article(stream.type_name())
                );
                Err(self.role_fault(target.src, message))
            }
            other => {
                let value = stream.collect(self)?;
                self.index_value(whole, target, value, key, &other)
            }
        }
    }

    pub(crate) fn index_value(
        &mut self,
        whole: Src,
        target: &'a Expr,
        value: Value<'a>,
        key: &'a Expr,
        key_value: &Value<'a>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        match key_value {
            Value::Str(name) => self.member(target, &value, name.as_str()),
            Value::Number(number) => {
                let index = i64::from(number.to_i32_wrapping());
                self.at_index(whole, target, value, index)
            }
            Value::Range(range) => self.slice(key, target, &value, range).map(Some),
            Value::Unread(unread) if unread.kind == UnreadKind::Url => {
                Err(Fault::Error(unread.error.clone()))
            }
            other => Err(self.type_fault(key, "number, range, or string", other)),
        }
    }

    fn at_index(
        &mut self,
        whole: Src,
        target: &'a Expr,
        value: Value<'a>,
        index: i64,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        let refuses = match &value {
            Value::List(list) => list.kind.refuses_negative_index() && !list.items.is_empty(),
            Value::Match(found) => found.matches.is_sequence(),
            _ => false,
        };
        if index < 0 && refuses {
            return Err(match self.fault(ErrorKind::Value, whole, UNCHECKED) {
                // FreeMarker had no words for it yet.
                Fault::Error(error) if !self.engine.options.version.has(27) => {
                    Fault::Error(error.foreign())
                }
                fault => fault,
            });
        }
        if matches!(value, Value::Range(_)) && index < 0 {
            let message = format!("Range item index {index} is out of bounds.");
            return Err(self.failure(ErrorKind::Value, message));
        }
        if value.is_sequence() {
            if index < 0 && has_groups(&value) {
                return Err(self.failure(ErrorKind::Value, UNREADABLE_GROUP));
            }
            if let Value::List(list) = &value
                && let (ListKind::Chunks(size), true) = (list.kind, index < 0)
            {
                self.charge_items(size)?;
                return Ok(Some(Value::list(vec![None; size])));
            }
            let index = usize::try_from(index).ok();
            let index = index.filter(|index| *index < seq_len(&value));
            if let Some(index) = index {
                self.check_readable(&value, index)?;
            }
            return Ok(index.and_then(|index| self.item(&value, index)));
        }
        if !value.is_hash() && !value.is_printable() {
            return Err(self.type_fault(target, EXPECTED, &value));
        }
        if value.is_hash() {
            let fault = self.type_fault(target, EXPECTED, &value);
            let tip = "You had a numerical value inside the []. Currently that's only supported for sequences (lists) and strings. To get a Map item with a non-string key, use myMap?api.get(myKey).";
            return Err(match fault {
                Fault::Error(error) => Fault::Error(error.tip(tip)),
                missing => missing,
            });
        }
        let text = self.string_of(target, value)?;
        let len = utf16::len(text.as_str());
        match usize::try_from(index) {
            Ok(index) if index < len => {
                Ok(Some(Value::Str(self.units_of(&text, index, index + 1))))
            }
            _ => {
                let message = if index < 0 {
                    format!("Negative index not allowed: {index}")
                } else {
                    format!(
                        "String index out of range: The index was {index} (0-based), but the length of the string is only {len}."
                    )
                };
                Err(self.failure(ErrorKind::Value, message))
            }
        }
    }

    pub(super) fn slice(
        &mut self,
        key: &'a Expr,
        target: &'a Expr,
        value: &Value<'a>,
        range: &Range,
    ) -> Evaluated<'a, Value<'a>> {
        if value.is_sequence() {
            let picked = self.picked(key, range, seq_len(value), "sequence")?;
            self.steps(picked.1)?;
            self.charge_items(picked.1)?;
            let mut items = Vec::with_capacity(picked.1);
            for index in 0..picked.1 {
                let index = (picked.0 + index as i64 * picked.2) as usize;
                self.check_readable(value, index)?;
                items.push(self.item(value, index));
            }
            return Ok(Value::list(items));
        }
        if !value.is_printable() {
            return Err(self.type_fault(target, EXPECTED, value));
        }
        let text: Str<'a> = self.string_of(target, value.clone())?;
        let len = utf16::len(text.as_str());
        let (first, count, step) = self.picked(key, range, len, "string")?;
        // `from..to` with `to` just below `from` is how templates ask for nothing.
        if range.step < 0 && range.len == Some(2) && range.inclusive {
            return Ok(Value::str(""));
        }
        if step < 0 && count > 1 {
            let message = format!(
                "Decreasing ranges aren't allowed for slicing strings (as it would give reversed text). The index range was: first = {first}, last = {}",
                first + (count as i64 - 1) * step
            );
            return Err(self.fault(ErrorKind::Value, key.src, message));
        }
        let first = first as usize;
        Ok(Value::Str(self.units_of(&text, first, first + count)))
    }

    /// The UTF-16 units `from..to` of a text.
    pub(crate) fn units_of(&self, text: &Str<'a>, from: usize, to: usize) -> Str<'a> {
        match utf16::part(text.as_str(), from, to) {
            Part::Bytes(bytes) => text.slice(|_| bytes),
            Part::Cut(cut) => {
                self.has_halves.set(true);
                Str::from(cut)
            }
        }
    }

    #[cold]
    pub(super) fn negative_start(&self, key: &Expr, first: i64) -> Fault<'a> {
        let message = format!(
            "Negative range start index ({first}) isn't allowed for a range used for slicing."
        );
        self.fault(ErrorKind::Value, key.src, message)
    }

    /// First index, count and step of what a range picks from `len` items.
    pub(super) fn picked(
        &self,
        key: &'a Expr,
        range: &Range,
        len: usize,
        what: &str,
    ) -> Evaluated<'a, (i64, usize, i64)> {
        let out_of_bounds = |index: i64, which: &str| {
            let message = format!(
                "Range {which} index {index} is out of bounds, because the sliced {what} has only {len} {}(s). (Note that indices are 0-based).",
                if what == "string" {
                    "character"
                } else {
                    "element"
                }
            );
            self.fault(ErrorKind::Value, key.src, message)
        };
        if range.len == Some(0) {
            return Ok((0, 0, 1));
        }
        if range.first < 0 {
            return Err(self.negative_start(key, range.first));
        }
        let limit = len as i64;
        // A range without an end, or of a length, may begin just past the last item and is cut at the end.
        let clipped = range.len.is_none() || range.clips;
        if (range.first > limit) || (range.first == limit && !(clipped && range.step > 0)) {
            return Err(out_of_bounds(range.first, "start"));
        }
        let available = if range.step > 0 {
            limit - range.first
        } else {
            range.first + 1
        };
        let count = match range.len {
            None => available as usize,
            Some(count) if count as u64 > available as u64 => {
                if !clipped {
                    let end = range.at(count - 1);
                    if end < 0 {
                        let message = format!(
                            "Negative range end index ({end}) isn't allowed for a range used for slicing."
                        );
                        return Err(self.fault(ErrorKind::Value, key.src, message));
                    }
                    return Err(out_of_bounds(range.at(count - 1), "end"));
                }
                available as usize
            }
            Some(count) => count,
        };
        Ok((range.first, count, range.step))
    }
}
