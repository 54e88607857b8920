//! Arithmetic and concatenation.

use std::rc::Rc;

use super::env::{Env, Evaluated, Fault};
use super::exec::WORDS_PER_STEP;
use crate::data::Seq;
use crate::error::ErrorKind;
use crate::number::Number;
use crate::output_format::{Content, Markup};
use crate::syntax::Src;
use crate::syntax::ast::{Arithmetic, Expr};
use crate::value::{Joined, ListKind, Map, Str, Value};

impl<'a> Env<'a> {
    /// `left operator right`; an operand without an expression is the old value of an assignment's target.
    pub(crate) fn arithmetic(
        &mut self,
        operator: Arithmetic,
        src: Src,
        left: &Value<'a>,
        left_expr: Option<&'a Expr>,
        right: &Value<'a>,
        right_expr: Option<&'a Expr>,
    ) -> Evaluated<'a, Value<'a>> {
        if let (Value::Number(left), Value::Number(right)) = (left, right) {
            let max_digits = self.max_digits();
            // Multiplying and dividing take time by the product of the lengths.
            let words = (1 + left.extra_words()) * (1 + right.extra_words());
            self.steps(words / WORDS_PER_STEP)?;
            let result = if self.settings.conservative_division {
                match operator {
                    Arithmetic::Add => left.add_conservatively(right, max_digits),
                    Arithmetic::Subtract => left.subtract_conservatively(right, max_digits),
                    Arithmetic::Multiply => left.multiply_conservatively(right, max_digits),
                    Arithmetic::Divide => left.divide_conservatively(right, max_digits),
                    Arithmetic::Modulus => left.modulus_conservatively(right),
                }
            } else {
                match operator {
                    Arithmetic::Add => left.add(right, max_digits),
                    Arithmetic::Subtract => left.subtract(right, max_digits),
                    Arithmetic::Multiply => left.multiply(right, max_digits),
                    Arithmetic::Divide => left.divide(right, max_digits),
                    Arithmetic::Modulus => left.modulus(right),
                }
            };
            return self.number(src, result);
        }
        if operator == Arithmetic::Add {
            return self.concatenate(src, left, left_expr, right, right_expr);
        }
        let (expr, found) = if matches!(left, Value::Number(_)) {
            (right_expr, right)
        } else {
            (left_expr, left)
        };
        Err(match expr {
            Some(expr) => self.type_fault(expr, "number", found),
            None => self.fault(
                ErrorKind::Type,
                src,
                format!(
                    "Expected a number, but this has evaluated to a {}:",
                    found.type_name()
                ),
            ),
        })
    }

    /// The right operand is missing, unless the left one can't be added to anything either.
    #[cold]
    pub(crate) fn missing_operand(
        &self,
        operator: Arithmetic,
        left: &Expr,
        left_value: &Value<'a>,
        right: &'a Expr,
    ) -> Fault<'a> {
        if operator == Arithmetic::Add
            && let Err(fault) = self.write_value(left, left_value, &mut Vec::new())
        {
            return fault;
        }
        Fault::Missing(right)
    }

    fn concatenate(
        &mut self,
        src: Src,
        left: &Value<'a>,
        left_expr: Option<&'a Expr>,
        right: &Value<'a>,
        right_expr: Option<&'a Expr>,
    ) -> Evaluated<'a, Value<'a>> {
        if left.is_sequence() && right.is_sequence() {
            let mut items = self.unread_items(left)?;
            items.extend(self.unread_items(right)?);
            let kind = if has_groups(left) || has_groups(right) {
                ListKind::Groups
            } else {
                ListKind::Plain
            };
            return Ok(Value::special_list(items, kind));
        }
        if left.is_hash() && right.is_hash() {
            if !left.is_hash_ex() || !right.is_hash_ex() {
                let joined = Joined::new(left, right);
                self.charge_items(joined.len())?;
                return Ok(Value::Joined(Rc::new(joined)));
            }
            let entries = self.entries(left)?.into_iter().chain(self.entries(right)?);
            let mut map = self.map_for(entries.size_hint().0)?;
            for (key, value) in entries {
                map.insert(key, value);
            }
            return Ok(Value::map(map));
        }
        if let (Value::Markup(_), _) | (_, Value::Markup(_)) = (left, right) {
            return self.concatenate_markup(src, left, left_expr, right, right_expr);
        }
        if left_expr.is_none() && !left.is_printable() {
            let message = format!(
                "Expected a string or something automatically convertible to string (number, date or boolean), or \"template output\" , but the expression has evaluated to {}.",
                super::with_article(left.type_name())
            );
            return Err(self.failure(ErrorKind::Type, message));
        }
        let mut bytes = Vec::new();
        if let (Value::Str(left), Value::Str(right)) = (left, right) {
            let len = left.as_str().len() + right.as_str().len();
            self.check_text(len)?;
            bytes.reserve_exact(len);
        }
        for (value, expr) in [(left, left_expr), (right, right_expr)] {
            match (value, expr.or(left_expr).or(right_expr)) {
                (Value::Str(text), _) => bytes.extend_from_slice(text.as_str().as_bytes()),
                (value, Some(expr)) => self.write_value(expr, value, &mut bytes)?,
                (_, None) => {
                    return Err(self.fault(ErrorKind::Type, src, "these values can't be added"));
                }
            }
        }
        self.captured_string(bytes)
    }

    /// A hash to put `count` entries into.
    pub(crate) fn map_for(&mut self, count: usize) -> Evaluated<'a, Map<'a>> {
        self.charge(count.saturating_mul(Map::ENTRY_BYTES))?;
        Ok(Map::with_capacity(count))
    }

    /// Markup and text, or markup and markup of the same format.
    fn concatenate_markup(
        &mut self,
        src: Src,
        left: &Value<'a>,
        left_expr: Option<&'a Expr>,
        right: &Value<'a>,
        right_expr: Option<&'a Expr>,
    ) -> Evaluated<'a, Value<'a>> {
        let format = match (left, right) {
            (Value::Markup(markup), _) | (_, Value::Markup(markup)) => markup.format.clone(),
            _ => return Err(self.fault(ErrorKind::Type, src, "these values can't be added")),
        };
        let mut parts = Vec::with_capacity(2);
        for (value, expr) in [(left, left_expr), (right, right_expr)] {
            let part = match (value, expr.or(left_expr).or(right_expr)) {
                (Value::Markup(markup), _) if markup.format == format => (**markup).clone(),
                (Value::Markup(markup), _) => match markup.plain() {
                    Some(plain) => Markup {
                        format: format.clone(),
                        content: Content::Plain(Str::from(plain.to_owned())),
                    },
                    None => {
                        let message = format!(
                            "Concatenation left hand operand is in {} format, while the right hand operand is in {}. Conversion to common format wasn't possible.",
                            format.own_name(),
                            markup.format.own_name()
                        );
                        return Err(self.fault(ErrorKind::Type, src, message));
                    }
                },
                (value, Some(expr)) => {
                    let mut bytes = Vec::new();
                    self.write_value(expr, value, &mut bytes)?;
                    self.charge(bytes.len())?;
                    let text = String::from_utf8(bytes).unwrap_or_default();
                    Markup {
                        format: format.clone(),
                        content: Content::Plain(Str::from(text)),
                    }
                }
                (_, None) => {
                    return Err(self.fault(ErrorKind::Type, src, "these values can't be added"));
                }
            };
            parts.push(part);
        }
        // Plain text that becomes markup is escaped, which makes up to six bytes of one.
        let longest = parts.iter().map(|part| match &part.content {
            Content::Plain(text) => text.as_str().len().saturating_mul(6),
            Content::Markup(text) => text.as_str().len(),
        });
        let longest: usize = longest.fold(0, usize::saturating_add);
        self.check_room(longest.saturating_mul(2))?;
        let whole = parts[0].concat(&parts[1]);
        self.charge_text(match &whole.content {
            Content::Plain(text) | Content::Markup(text) => text.as_str().len(),
        })?;
        Ok(Value::Markup(Rc::new(whole)))
    }

    /// Whether the item at `index` can be had.
    #[inline]
    pub(crate) fn check_readable(&self, value: &Value<'a>, index: usize) -> Evaluated<'a, ()> {
        match value {
            Value::List(list)
                if list.kind == ListKind::Groups
                    && list.items.get(index).is_some_and(Option::is_none) =>
            {
                Err(self.failure(ErrorKind::Value, UNREADABLE_GROUP))
            }
            _ => Ok(()),
        }
    }

    /// All items of a sequence, which are looked at.
    pub(crate) fn items(&mut self, value: &Value<'a>) -> Evaluated<'a, Vec<Option<Value<'a>>>> {
        if has_groups(value) {
            for index in 0..seq_len(value) {
                self.check_readable(value, index)?;
            }
        }
        self.unread_items(value)
    }

    /// All items of a sequence, to be looked at later.
    pub(crate) fn unread_items(
        &mut self,
        value: &Value<'a>,
    ) -> Evaluated<'a, Vec<Option<Value<'a>>>> {
        let len = seq_len(value);
        self.steps(len)?;
        self.charge_items(len)?;
        Ok((0..len).map(|index| self.item(value, index)).collect())
    }

    /// The item at `index`.
    pub(crate) fn item(&self, value: &Value<'a>, index: usize) -> Option<Value<'a>> {
        match value {
            Value::SeqView(seq) => seq
                .get(index)
                .and_then(|view| Value::from_view(view, self.max_digits())),
            Value::List(list) => list.items.get(index)?.clone(),
            Value::Range(range) => {
                (index < Seq::len(&**range)).then(|| Value::Number(Number::Int(range.at(index))))
            }
            Value::Match(found) => self.item(&found.matches, index),
            _ => None,
        }
    }

    /// All entries of a hash.
    pub(crate) fn entries(
        &mut self,
        value: &Value<'a>,
    ) -> Evaluated<'a, Vec<(Str<'a>, Option<Value<'a>>)>> {
        let entries: Vec<_> = match value {
            Value::HashView(hash) => {
                let hash: &'a dyn crate::data::Hash = *hash;
                self.steps(hash.len())?;
                hash.entries()
                    .map(|(key, view)| {
                        (
                            Str::Borrowed(key),
                            Value::from_view(view, self.max_digits()),
                        )
                    })
                    .collect()
            }
            Value::Map(map) => map.entries().to_vec(),
            Value::Namespace(namespace) => {
                self.load_pending(*namespace)?;
                self.namespaces[*namespace as usize]
                    .entries()
                    .into_iter()
                    .map(|(name, value)| (Str::from(name.to_owned()), Some(value.clone())))
                    .collect()
            }
            Value::Scope(crate::value::Scope::Locals) => self.local_entries(),
            Value::Scope(crate::value::Scope::DataModel) => {
                let root: &'a dyn crate::data::Hash = self.root;
                root.entries()
                    .map(|(key, view)| {
                        (
                            Str::Borrowed(key),
                            Value::from_view(view, self.max_digits()),
                        )
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        self.steps(entries.len())?;
        self.charge_items(entries.len() * 2)?;
        Ok(entries)
    }
}

pub(crate) const UNREADABLE_GROUP: &str = "Failed to read regular expression match group";

/// Whether some items of a sequence may be groups that can't be read.
pub(crate) fn has_groups(value: &Value<'_>) -> bool {
    matches!(value, Value::List(list) if list.kind == ListKind::Groups)
}

/// Whether FreeMarker takes a sequence for empty.
pub(crate) fn seq_is_empty(value: &Value<'_>) -> bool {
    seq_len(value) == 0 && !matches!(value, Value::Range(range) if range.lacks > 0)
}

/// The number of items of a sequence; what never ends counts as the longest.
pub(crate) fn seq_len(value: &Value<'_>) -> usize {
    match value {
        Value::SeqView(seq) => seq.len(),
        Value::List(list) => list.items.len(),
        Value::Range(range) => Seq::len(&**range),
        Value::Match(found) => seq_len(&found.matches),
        _ => 0,
    }
}
