//! Loops.

use std::cell::Cell;
use std::rc::Rc;

use super::env::{Env, Evaluated};
use super::exec::Flow;
use super::operators::{seq_is_empty, seq_len};
use super::stream::{Stream, is_lazy};
use crate::data::{Hash, View};
use crate::error::ErrorKind;
use crate::syntax::ast::{Expr, Items, List, LoopVars, Node};
use crate::value::{LoopState, Str, Value};

const ENTERED: &str = "The #items directive was already entered earlier for this listing.";

impl<'a> Env<'a> {
    pub(crate) fn exec_list(&mut self, list: &'a List) -> Evaluated<'a, Flow> {
        if is_lazy(&list.source) {
            return self.exec_lazy_list(list);
        }
        let source = self.eval(&list.source)?;
        let empty = self.is_empty_source(&list.source, &source, list.by_key)?;
        if empty {
            return match &list.otherwise {
                Some(otherwise) => self.exec(otherwise),
                None => Ok(Flow::Next),
            };
        }
        match &list.vars {
            Some(vars) => self.exec_loop(&source, vars, &list.body),
            None => {
                self.set_local(list.source_slot, Some(source));
                let flow = self.exec(&list.body)?;
                self.set_local(list.source_slot, None);
                Ok(flow)
            }
        }
    }

    pub(crate) fn exec_items(&mut self, items: &'a Items) -> Evaluated<'a, Flow> {
        match self.local(items.source_slot).cloned() {
            Some(Value::Stream(stream)) => match stream.take() {
                Some(stream) => self.exec_stream(stream, &items.vars, &items.body),
                None => Err(self.failure(ErrorKind::Value, ENTERED)),
            },
            Some(source) => {
                self.set_local(items.source_slot, None);
                self.exec_loop(&source, &items.vars, &items.body)
            }
            None => Err(self.failure(ErrorKind::Value, ENTERED)),
        }
    }

    /// A list whose items are computed while it runs.
    fn exec_lazy_list(&mut self, list: &'a List) -> Evaluated<'a, Flow> {
        let mut stream = self.stream(&list.source)?;
        if list.by_key {
            return Err(self.one_variable(stream.type_name()));
        }
        if !stream.has_next(self)? {
            return match &list.otherwise {
                Some(otherwise) => self.exec(otherwise),
                None => Ok(Flow::Next),
            };
        }
        let Some(vars) = &list.vars else {
            let stream = Rc::new(Cell::new(Some(stream)));
            self.set_local(list.source_slot, Some(Value::Stream(stream)));
            let flow = self.exec(&list.body)?;
            self.set_local(list.source_slot, None);
            return Ok(flow);
        };
        self.exec_stream(stream, vars, &list.body)
    }

    fn exec_stream(
        &mut self,
        mut stream: Stream<'a>,
        vars: &'a LoopVars,
        body: &'a [Node],
    ) -> Evaluated<'a, Flow> {
        let mut index = 0;
        while let Some(item) = stream.next(self)? {
            let has_next = stream.has_next(self)?;
            self.set_local(vars.first_slot(), item);
            match self.round(vars, index, has_next, body)? {
                Flow::Break => break,
                Flow::Return => return Ok(Flow::Return),
                Flow::Next | Flow::Continue => {}
            }
            if !has_next {
                break;
            }
            index += 1;
        }
        Ok(Flow::Next)
    }

    fn is_empty_source(
        &mut self,
        expr: &'a Expr,
        source: &Value<'a>,
        by_key: bool,
    ) -> Evaluated<'a, bool> {
        if source.is_hash_ex() && by_key {
            return Ok(match source {
                Value::HashView(hash) => hash.is_empty(),
                Value::Map(map) => map.entries().is_empty(),
                _ => self.entries(source)?.is_empty(),
            });
        }
        if source.is_sequence() && !by_key {
            return Ok(seq_is_empty(source));
        }
        if source.is_hash_ex() && !by_key {
            let message = format!(
                "The value you try to list is {}, thus you must specify two loop variables after the \"as\"; one for the key, and another for the value, like <#... as k, v>).",
                super::with_article(source.type_name())
            );
            return Err(self.failure(ErrorKind::Type, message));
        }
        if source.is_sequence() && by_key {
            return Err(self.one_variable(source.type_name()));
        }
        Err(self.type_fault(
            expr,
            if by_key {
                "extended hash"
            } else {
                "sequence or collection"
            },
            source,
        ))
    }

    #[cold]
    fn one_variable(&self, found: &str) -> super::env::Fault<'a> {
        let message = format!(
            "The value you try to list is {}, thus you must specify only one loop variable after the \"as\" (there's no separate key and value).",
            super::with_article(found)
        );
        self.failure(ErrorKind::Type, message)
    }

    fn exec_loop(
        &mut self,
        source: &Value<'a>,
        vars: &'a LoopVars,
        body: &'a [Node],
    ) -> Evaluated<'a, Flow> {
        if vars.second.is_some() {
            if source.is_sequence() {
                return Err(self.one_variable(source.type_name()));
            }
            if let Value::HashView(hash) = source {
                return self.exec_entries_of_data(*hash, vars, body);
            }
            let entries = self.entries(source)?;
            return self.exec_entries(entries.into_iter(), vars, body);
        }
        let count = seq_len(source);
        for index in 0..count {
            self.check_readable(source, index)?;
            self.set_local(vars.first_slot(), self.item(source, index));
            match self.round(vars, index, index + 1 < count, body)? {
                Flow::Break => break,
                Flow::Return => return Ok(Flow::Return),
                Flow::Next | Flow::Continue => {}
            }
        }
        Ok(Flow::Next)
    }

    /// The entries of the data needn't be gathered first, and how many there are is known.
    fn exec_entries_of_data(
        &mut self,
        hash: &'a dyn Hash,
        vars: &'a LoopVars,
        body: &'a [Node],
    ) -> Evaluated<'a, Flow> {
        let count = hash.len();
        for (index, (key, view)) in hash.entries().enumerate() {
            if let Some(local) = self.local_mut(vars.first_slot()) {
                *local = Some(Value::str(key));
            }
            // Most values are strings. As above, they are written where they belong: what is put together
            // elsewhere is written in parts and then copied as a whole, for which the processor waits.
            if let View::Str(text) = view {
                if let Some(local) = self.local_mut(vars.second_slot()) {
                    *local = Some(Value::str(text));
                }
            } else {
                let value = self.read(Some(view))?;
                self.set_local(vars.second_slot(), value);
            }
            match self.round(vars, index, index + 1 < count, body)? {
                Flow::Break => break,
                Flow::Return => return Ok(Flow::Return),
                Flow::Next | Flow::Continue => {}
            }
        }
        Ok(Flow::Next)
    }

    fn exec_entries(
        &mut self,
        mut entries: impl Iterator<Item = (Str<'a>, Option<Value<'a>>)>,
        vars: &'a LoopVars,
        body: &'a [Node],
    ) -> Evaluated<'a, Flow> {
        let mut index = 0;
        let mut next = entries.next();
        while let Some((key, value)) = next {
            next = entries.next();
            self.set_local(vars.first_slot(), Some(Value::Str(key)));
            self.set_local(vars.second_slot(), value);
            match self.round(vars, index, next.is_some(), body)? {
                Flow::Break => break,
                Flow::Return => return Ok(Flow::Return),
                Flow::Next | Flow::Continue => {}
            }
            index += 1;
        }
        Ok(Flow::Next)
    }

    fn round(
        &mut self,
        vars: &LoopVars,
        index: usize,
        has_next: bool,
        body: &'a [Node],
    ) -> Evaluated<'a, Flow> {
        self.step()?;
        let (index, slot) = (index as u32, vars.state_slot);
        // Written in its place: a whole new value would be written in parts and then read as one, for which the processor
        // waits.
        match self.locals.get_mut(self.place.base + slot as usize) {
            Some(Some(Value::Loop(state))) => {
                state.index = index;
                state.has_next = has_next;
            }
            _ => self.set_local(slot, Some(Value::Loop(LoopState { index, has_next }))),
        }
        self.exec(body)
    }
}
