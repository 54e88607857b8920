//! What a template is rendered with.

use std::collections::BTreeMap;

use ftl::{Hash, Step, Template};
use model::json::{Object, Value, write_string};
use model::{EventKind, Part};

use super::domain::Path;
use crate::parameters;
use crate::user::{self, UserView};
use crate::views::{Root, Roots};

/// A value that stands on its own.
pub(super) type Json = Value<'static>;

/// Longest list that a change makes: what a template may ask for by number.
const MOST_ITEMS: i64 = 50;

/// Everything that one render sees.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) part: Part,
    pub(super) kind: EventKind,
    /// The event, mapped fields and selected properties: objects.
    pub(super) event: Json,
    pub(super) fields: Json,
    pub(super) properties: Json,
    pub(super) parameters: BTreeMap<String, parameters::Value>,
    /// Whether a value is longer than most: what only the linter's own bounds refuse is no fault then.
    pub(super) is_long: bool,
    /// What was answered, for a request that follows: an object.
    pub(super) answer: Option<Json>,
}

impl Case {
    pub(super) fn new(part: Part, kind: EventKind) -> Self {
        Self {
            part,
            kind,
            event: empty(),
            fields: empty(),
            properties: empty(),
            parameters: BTreeMap::new(),
            is_long: false,
            answer: None,
        }
    }

    /// Puts `value` at `path`, or takes away what is there. Of lists the item `item` is changed.
    pub(super) fn set(&mut self, path: &Path, value: Option<Json>, item: usize) {
        let root = match path.root {
            Root::Parameters => return self.set_parameter(path, value),
            Root::Input => &mut self.event,
            Root::MappedFields => &mut self.fields,
            Root::MappedProperties => &mut self.properties,
            Root::Answer => self.answer.get_or_insert_with(empty),
        };
        let is_empty = root.as_object().is_some_and(Object::is_empty);
        if is_empty
            && matches!(
                path.steps.first(),
                Some(Step::Each | Step::Dynamic | Step::Index(_))
            )
        {
            // These are objects, also where nothing is in them.
            return;
        }
        let mut steps = path.steps.clone();
        if path.root == Root::Input
            && self.part == Part::User
            && let Some(Step::Key(name)) = steps.first_mut()
            && let Some(source) = user::source(name)
        {
            source.clone_into(name);
        }
        set(root, &steps, value, item);
    }

    fn set_parameter(&mut self, path: &Path, value: Option<Json>) {
        let Some(Step::Key(name)) = path.steps.first() else {
            return;
        };
        let value = match value {
            Some(Value::Bool(flag)) => parameters::Value::Flag(flag),
            Some(Value::String(text)) => parameters::Value::Text(text.into_owned()),
            _ => {
                self.parameters.remove(name);
                return;
            }
        };
        self.parameters.insert(name.clone(), value);
    }

    /// The text at a path, if there is one.
    pub(super) fn text(&self, path: &Path) -> Option<String> {
        if path.root != Root::Parameters {
            return self.value(path)?.as_str().map(str::to_owned);
        }
        let Some(Step::Key(name)) = path.steps.first() else {
            return None;
        };
        match self.parameters.get(name)? {
            parameters::Value::Text(text) => Some(text.clone()),
            parameters::Value::Flag(_) => None,
        }
    }

    /// The value at a path that is none of a parameter.
    pub(super) fn value(&self, path: &Path) -> Option<&Json> {
        let root = match path.root {
            Root::Input => &self.event,
            Root::MappedFields => &self.fields,
            Root::MappedProperties => &self.properties,
            Root::Answer => self.answer.as_ref()?,
            Root::Parameters => return None,
        };
        get(root, &path.steps, 0)
    }

    /// Whether the answer has a text at a path.
    pub(super) fn answers_text(&self, path: &Path) -> bool {
        path.root == Root::Answer && self.text(path).is_some()
    }

    /// Whether such an event can come: a user's has one of the two ids.
    pub(super) fn is_possible(&self) -> bool {
        let has = |name| self.event.get(name).is_some();
        self.kind == EventKind::GroupIdentify || has("user_id") || has("device_id")
    }

    /// Renders `template` as the pipeline does.
    pub(super) fn render(&self, template: &Template) -> Result<String, ftl::Error> {
        let nothing = Object::new();
        let event = self.event.as_object().unwrap_or(&nothing);
        let as_user;
        let input: &dyn Hash = match self.part {
            Part::Event => event,
            Part::User => {
                as_user = UserView::new(event, self.kind);
                &as_user
            }
        };
        let fields = self.fields.as_object().unwrap_or(&nothing);
        let properties = self.properties.as_object().unwrap_or(&nothing);
        let answer = self.answer.as_ref().and_then(Value::as_object);
        let roots = Roots {
            input,
            parameters: &self.parameters,
            mapped_properties: properties,
            mapped_fields: fields,
            answer: answer.map(|answer| answer as &dyn Hash),
        };
        let mut out = Vec::new();
        template.render_into(&roots, &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    /// The parameters as JSON.
    pub(super) fn parameters_json(&self) -> String {
        let mut out = vec![b'{'];
        for (position, (name, value)) in self.parameters.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            write_string(name, &mut out);
            out.push(b':');
            match value {
                parameters::Value::Text(text) => write_string(text, &mut out),
                parameters::Value::Flag(flag) => out.extend_from_slice(flag.to_string().as_bytes()),
            }
        }
        out.push(b'}');
        String::from_utf8_lossy(&out).into_owned()
    }
}

pub(super) fn empty() -> Json {
    Value::Object(Object::new())
}

/// Puts `value` at `steps`.
pub(super) fn put(at: &mut Json, steps: &[Step], value: Option<Json>) {
    set(at, steps, value, 0);
}

fn set(at: &mut Json, steps: &[Step], value: Option<Json>, item: usize) {
    let Some((step, rest)) = steps.split_first() else {
        *at = value.unwrap_or(Value::Null);
        return;
    };
    match step {
        Step::Key(name) => {
            if !matches!(at, Value::Object(_)) {
                *at = empty();
            }
            let Value::Object(object) = at else { return };
            match (rest, value) {
                ([], None) => {
                    object.remove(name);
                }
                ([], Some(value)) => object.set(name.clone(), value),
                (_, value) => {
                    if object.get(name).is_none() {
                        object.set(name.clone(), empty());
                    }
                    if let Some(inner) = object.get_mut(name) {
                        set(inner, rest, value, item);
                    }
                }
            }
        }
        Step::Each | Step::Dynamic | Step::Index(_) => {
            if let (Value::Object(object), Step::Each | Step::Dynamic) = (&mut *at, step)
                && !object.is_empty()
            {
                let position = item.min(object.len() - 1);
                if let Some((_, inner)) = object.iter_mut().nth(position) {
                    set(inner, rest, value, item);
                }
                return;
            }
            if !matches!(at, Value::Array(_)) {
                *at = Value::Array(Vec::new());
            }
            let Value::Array(items) = at else { return };
            let index = match step {
                Step::Index(index) => usize::try_from((*index).clamp(0, MOST_ITEMS)).unwrap_or(0),
                _ => item,
            };
            while items.len() <= index {
                items.push(Value::Null);
            }
            set(&mut items[index], rest, value, item);
        }
    }
}

/// The value at `steps`, of lists the item `item`.
pub(super) fn get<'v, 'j>(at: &'v Value<'j>, steps: &[Step], item: usize) -> Option<&'v Value<'j>> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(at);
    };
    let inner = match (step, at) {
        (Step::Key(name), Value::Object(object)) => object.get(name)?,
        (Step::Index(index), Value::Array(items)) => items.get(usize::try_from(*index).ok()?)?,
        (Step::Each | Step::Dynamic, Value::Array(items)) => items.get(item)?,
        (Step::Each | Step::Dynamic, Value::Object(object)) => object.at(item)?.1,
        _ => return None,
    };
    get(inner, rest, item)
}
