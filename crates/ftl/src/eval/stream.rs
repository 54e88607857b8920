//! Sequences that `?filter`, `?map`, `?take_while` and `?drop_while` make item by item, as they are asked for.
//!
//! Where such a call is the source of `#list`, or the target of a built-in that looks at one item after the other, nothing
//! is computed that isn't needed; elsewhere it makes the whole sequence at once.

use super::env::{Env, Evaluated, Fault};
use super::exec::is_used_up;
use super::operators::seq_len;
use crate::error::ErrorKind;
use crate::syntax::Src;
use crate::syntax::ast::{BuiltinCall, Expr, ExprKind};
use crate::value::{Range, Value};

/// Items to come.
pub(crate) enum Stream<'a> {
    /// Those of a sequence.
    Items {
        source: Value<'a>,
        next: usize,
        len: usize,
    },
    Stage(Box<Stage<'a>>),
    /// The next `left` items (all, if `None`) after `to_skip` others, which must be there; `needs_all` if it is an error
    /// that there are fewer.
    Slice {
        source: Box<Stream<'a>>,
        to_skip: usize,
        left: Option<usize>,
        needs_all: bool,
        key: &'a Expr,
        first: usize,
    },
}

/// What a range picks from items to come.
pub(crate) enum Slice<'a> {
    Items(Stream<'a>),
    /// An empty text: FreeMarker makes that of items of which it knows beforehand that there are none.
    Text(Value<'a>),
}

/// One of the four built-ins at work.
pub(crate) struct Stage<'a> {
    source: Stream<'a>,
    work: Work,
    function: Function<'a>,
    /// An item that has been looked for ahead of its time.
    found: Option<Option<Value<'a>>>,
    /// Whether another stage or a reader asks for the items; failures are its then.
    is_asked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Map,
    Filter,
    TakeWhile,
    Taken,
    DropWhile,
    Dropped,
}

/// What is applied to each item.
pub(crate) struct Function<'a> {
    pub(crate) expr: &'a Expr,
    /// `None` for a lambda.
    pub(crate) value: Option<Value<'a>>,
}

/// Whether the items of `expr` can be had one by one.
pub(crate) fn is_lazy(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_lazy(inner),
        ExprKind::Builtin(call) => {
            call.builtin.takes_lambda() || (call.builtin.passes_items_on() && is_lazy(&call.target))
        }
        ExprKind::Index(target, key) => matches!(key.kind, ExprKind::Range(..)) && is_lazy(target),
        _ => false,
    }
}

impl<'a> Env<'a> {
    /// The items of `expr`, to be asked for one by one.
    pub(crate) fn stream(&mut self, expr: &'a Expr) -> Evaluated<'a, Stream<'a>> {
        self.stream_of(expr, "sequence or collection")
    }

    /// The items of `expr`, of which an error says what is `expected`.
    pub(crate) fn stream_of(
        &mut self,
        expr: &'a Expr,
        expected: &str,
    ) -> Evaluated<'a, Stream<'a>> {
        self.stream_within(expr, expr, expected)
    }

    /// The same, where `blamed` is what `expr` is in parentheses of.
    fn stream_within(
        &mut self,
        expr: &'a Expr,
        blamed: &'a Expr,
        expected: &str,
    ) -> Evaluated<'a, Stream<'a>> {
        match &expr.kind {
            ExprKind::Paren(inner) if is_lazy(inner) => {
                return self.stream_within(inner, blamed, expected);
            }
            ExprKind::Builtin(call) if call.builtin.takes_lambda() => {
                return self.stage(call, true);
            }
            ExprKind::Builtin(call) if call.builtin.passes_items_on() => {
                return self.stream(&call.target);
            }
            ExprKind::Index(target, key) if is_lazy(expr) => {
                return match self.stream_slice(expr.src, target, key)? {
                    Slice::Items(slice) => Ok(slice),
                    Slice::Text(text) => Err(self.type_fault(blamed, expected, &text)),
                };
            }
            _ => {}
        }
        let source = self.eval(expr)?;
        if !source.is_sequence() {
            return Err(self.type_fault(expr, expected, &source));
        }
        Ok(Stream::Items {
            len: seq_len(&source),
            next: 0,
            source,
        })
    }

    /// What `call` makes of its target's items; `is_asked` if somebody asks for each.
    pub(crate) fn stage(
        &mut self,
        call: &'a BuiltinCall,
        is_asked: bool,
    ) -> Evaluated<'a, Stream<'a>> {
        self.step()?;
        let source = self.stream(&call.target)?;
        let function = self.function(call)?;
        let work = match call.builtin.name() {
            "map" => Work::Map,
            "filter" => Work::Filter,
            "take_while" => Work::TakeWhile,
            _ => Work::DropWhile,
        };
        Ok(Stream::Stage(Box::new(Stage {
            source,
            work,
            function,
            found: None,
            is_asked,
        })))
    }

    /// What can be sliced or indexed: the items of `target`, or the text that is in their place.
    pub(crate) fn sliceable(&mut self, target: &'a Expr) -> Evaluated<'a, Slice<'a>> {
        match &target.kind {
            ExprKind::Paren(inner) if is_lazy(inner) => self.sliceable(inner),
            ExprKind::Index(source, key) if is_lazy(target) => {
                self.stream_slice(target.src, source, key)
            }
            _ => self.stream(target).map(Slice::Items),
        }
    }

    /// What `target[key]` picks.
    pub(crate) fn stream_slice(
        &mut self,
        whole: Src,
        target: &'a Expr,
        key: &'a Expr,
    ) -> Evaluated<'a, Slice<'a>> {
        let source = match self.sliceable(target)? {
            Slice::Items(source) => source,
            Slice::Text(text) => {
                let range = self.eval(key)?;
                let text = self.index_value(whole, target, text, key, &range)?;
                return Ok(Slice::Text(text.unwrap_or_else(|| Value::str(""))));
            }
        };
        let Value::Range(range) = self.eval(key)? else {
            return Err(self.failure(ErrorKind::Type, "Expected a range"));
        };
        self.sliced(source, target, key, &range)
    }

    /// What a range picks from the items of `target`.
    pub(crate) fn sliced(
        &mut self,
        mut source: Stream<'a>,
        target: &'a Expr,
        key: &'a Expr,
        range: &Range,
    ) -> Evaluated<'a, Slice<'a>> {
        if let Stream::Items { source, .. } = &source {
            // They have been computed already.
            let items = self.slice(key, target, source, range)?;
            return Ok(Slice::Items(Stream::Items {
                len: seq_len(&items),
                next: 0,
                source: items,
            }));
        }
        if range.len == Some(0) {
            return Ok(Slice::Text(Value::str("")));
        }
        match source.known_len() {
            Some(len) => {
                let (_, count, _) = self.picked(key, range, len, "sequence")?;
                if count == 0 {
                    return Ok(Slice::Text(Value::str("")));
                }
            }
            None if range.first < 0 => {
                return Err(self.negative_start(key, range.first));
            }
            None if range.clips => {}
            None => {
                let count = range.len.map_or(0, |len| len.saturating_sub(1) as i64);
                let last = range.first.saturating_add(range.step.saturating_mul(count));
                if last < 0 {
                    let message = format!(
                        "Negative range end index ({last}) isn't allowed for a range used for slicing."
                    );
                    return Err(self.fault(ErrorKind::Value, key.src, message));
                }
            }
        }
        if range.step < 0 {
            let items = self.backwards(&mut source, target.src.to(key.src), range)?;
            return Ok(Slice::Items(Stream::Items {
                len: items.len(),
                next: 0,
                source: Value::list(items),
            }));
        }
        let clips = range.len.is_none() || range.clips;
        let first = range.first.max(0) as usize;
        Ok(Slice::Items(Stream::Slice {
            source: Box::new(source),
            to_skip: first,
            left: range.len,
            needs_all: !clips,
            key,
            first,
        }))
    }

    /// The items from `range.first` down.
    fn backwards(
        &mut self,
        source: &mut Stream<'a>,
        slice: Src,
        range: &Range,
    ) -> Evaluated<'a, Vec<Option<Value<'a>>>> {
        let mut items = Vec::new();
        while items.len() as i64 <= range.first {
            match source.next(self)? {
                Some(item) => {
                    self.charge_items(1)?;
                    items.push(item);
                }
                None => {
                    let message = format!(
                        "Range top index {} (0-based) is outside the sliced sequence of length {}.",
                        range.first,
                        items.len()
                    );
                    let whole = Src {
                        end: slice.end + 1,
                        ..slice
                    };
                    return Err(self.fault(ErrorKind::Value, whole, message));
                }
            }
        }
        items.reverse();
        items.truncate(range.len.unwrap_or(usize::MAX));
        Ok(items)
    }

    #[cold]
    fn out_of_items(&self, key: &Expr, which: &str, index: i64, len: usize) -> Fault<'a> {
        let the = if which == "start" { "the " } else { "" };
        let message = format!(
            "Range {which} index {index} is out of bounds, as {the}sliced sequence only has {len} elements."
        );
        self.described(ErrorKind::Value, key.src, message)
    }
}

impl<'a> Stream<'a> {
    /// Whether there is another item. What has to be computed for this is not computed again.
    pub(crate) fn has_next(&mut self, env: &mut Env<'a>) -> Evaluated<'a, bool> {
        self.skip(env)?;
        match self {
            Self::Items { next, len, .. } => Ok(next < len),
            Self::Stage(stage) => stage.has_next(env),
            Self::Slice { left: Some(0), .. } => Ok(false),
            Self::Slice {
                needs_all: true, ..
            } => Ok(true),
            Self::Slice { source, .. } => source.has_next(env),
        }
    }

    /// Leaves out the items before a slice, when its first one is asked for.
    fn skip(&mut self, env: &mut Env<'a>) -> Evaluated<'a, ()> {
        let Self::Slice {
            source,
            to_skip,
            key,
            ..
        } = self
        else {
            return Ok(());
        };
        let first = std::mem::take(to_skip);
        for skipped in 0..first {
            if source.next(env)?.is_none() {
                return Err(env.out_of_items(key, "start", first as i64, skipped));
            }
        }
        Ok(())
    }

    /// The next item, which may be a missing value; `None` after the last.
    pub(crate) fn next(&mut self, env: &mut Env<'a>) -> Evaluated<'a, Option<Option<Value<'a>>>> {
        if !self.has_next(env)? {
            return Ok(None);
        }
        env.step()?;
        match self {
            Self::Items { source, next, .. } => {
                env.check_readable(source, *next)?;
                *next += 1;
                Ok(Some(env.item(source, *next - 1)))
            }
            Self::Stage(stage) => stage.next(env).map(Some),
            Self::Slice {
                source,
                left,
                needs_all,
                key,
                first,
                ..
            } => {
                let item = source.next(env)?;
                if item.is_none() && *needs_all {
                    let end = *first as i64 + left.unwrap_or(0) as i64 - 1;
                    return Err(env.out_of_items(key, "end", end, *first));
                }
                *first += 1;
                *left = left.map(|left| left.saturating_sub(1));
                Ok(item)
            }
        }
    }

    /// How many items there are, counted no further than `limit`.
    pub(crate) fn count(mut self, env: &mut Env<'a>, limit: usize) -> Evaluated<'a, usize> {
        if let Some(len) = self.known_len() {
            return Ok(len);
        }
        let mut count = 0;
        while count < limit && self.next(env)?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// What FreeMarker calls it in messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Items { source, .. } => source.type_name(),
            _ if self.known_len().is_some() => "sequence+extended_collection",
            _ => "sequence+collection",
        }
    }

    /// The number of items if that is known without computing them.
    fn known_len(&self) -> Option<usize> {
        match self {
            Self::Stage(stage) if stage.work == Work::Map => stage.source.known_len(),
            // A range without an end has none.
            Self::Items { len, .. } if *len < usize::MAX => Some(*len),
            Self::Slice {
                source,
                to_skip,
                left,
                ..
            } => {
                let rest = source.known_len()?.saturating_sub(*to_skip);
                Some(left.map_or(rest, |left| left.min(rest)))
            }
            _ => None,
        }
    }

    /// Leaves out the first items of a sequence, which needn't be looked at; the number of those left out.
    pub(crate) fn skip_items(&mut self, count: usize) -> usize {
        match self {
            Self::Items { next, len, .. } => {
                *next = count.min(*len);
                *next
            }
            _ => 0,
        }
    }

    /// All items as a sequence.
    pub(crate) fn collect(self, env: &mut Env<'a>) -> Evaluated<'a, Value<'a>> {
        self.items(env).map(Value::list)
    }

    /// All items.
    pub(crate) fn items(mut self, env: &mut Env<'a>) -> Evaluated<'a, Vec<Option<Value<'a>>>> {
        let mut items = Vec::new();
        while let Some(item) = self.next(env)? {
            env.charge_items(1)?;
            items.push(item);
        }
        Ok(items)
    }
}

impl<'a> Stage<'a> {
    fn has_next(&mut self, env: &mut Env<'a>) -> Evaluated<'a, bool> {
        match self.work {
            _ if self.found.is_some() => Ok(true),
            Work::Map | Work::Dropped => self.source.has_next(env),
            Work::Taken => Ok(false),
            Work::Filter | Work::TakeWhile | Work::DropWhile => self.look(env),
        }
    }

    /// Looks for the next item that the condition lets through.
    fn look(&mut self, env: &mut Env<'a>) -> Evaluated<'a, bool> {
        while let Some(item) = self.source.next(env)? {
            let holds = self.holds(env, item.clone())?;
            match (self.work, holds) {
                (Work::Filter, false) | (Work::DropWhile, true) => continue,
                (Work::TakeWhile, false) => {
                    self.work = Work::Taken;
                    return Ok(false);
                }
                (Work::DropWhile, false) => self.work = Work::Dropped,
                _ => {}
            }
            self.found = Some(item);
            return Ok(true);
        }
        Ok(false)
    }

    fn next(&mut self, env: &mut Env<'a>) -> Evaluated<'a, Option<Value<'a>>> {
        if let Some(found) = self.found.take() {
            return Ok(found);
        }
        if self.work != Work::Map {
            return Ok(self.source.next(env)?.flatten());
        }
        let item = match (self.source.next(env), &self.source) {
            // An item that can't be read counts as one that can't be mapped.
            (Err(fault), Stream::Items { .. }) if self.is_asked => {
                return Err(failed_to_transform(env, fault));
            }
            (item, _) => item?.flatten(),
        };
        let mapped = match env.apply(&self.function, item) {
            Ok(Some(mapped)) => Ok(Some(mapped)),
            Ok(None) => {
                let message =
                    "The element mapper function has returned no return value (has returned null).";
                Err(env.described(ErrorKind::Missing, self.function.expr.src, message))
            }
            Err(fault) => Err(fault),
        };
        self.told(env, mapped)
    }

    fn holds(&self, env: &mut Env<'a>, item: Option<Value<'a>>) -> Evaluated<'a, bool> {
        let src = self.function.expr.src;
        let holds = match env.apply(&self.function, item) {
            Ok(Some(Value::Bool(holds))) => Ok(holds),
            Ok(Some(Value::Match(found))) if found.matches.is_sequence() => Ok(found.whole),
            Ok(Some(other)) => {
                let message = format!(
                    "The filter expression had to return a boolean value, but it returned {} instead.",
                    super::with_article(other.type_name())
                );
                Err(env.described(ErrorKind::Type, src, message))
            }
            Ok(None) => {
                let message = "The filter expression has returned no value (has returned null), rather than a boolean.";
                Err(env.described(ErrorKind::Missing, src, message))
            }
            Err(fault) => Err(fault),
        };
        self.told(env, holds)
    }

    /// The result as whoever asks for the items gets it: of a failure FreeMarker only tells that there was one.
    fn told<T>(&self, env: &Env<'a>, result: Evaluated<'a, T>) -> Evaluated<'a, T> {
        let fault = match result {
            Err(fault) if self.is_asked => fault,
            result => return result,
        };
        Err(failed_to_transform(env, fault))
    }
}

#[cold]
fn failed_to_transform<'a>(env: &Env<'a>, fault: Fault<'a>) -> Fault<'a> {
    let cause = env.to_error(fault);
    if is_used_up(cause.kind()) {
        return Fault::Error(cause);
    }
    match env.failure(cause.kind(), "Failed to transform element") {
        Fault::Error(error) => Fault::Error(error.caused_by(cause)),
        missing => missing,
    }
}
