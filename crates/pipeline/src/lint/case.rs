//! What a template is rendered with.

use std::collections::BTreeMap;

use ftl::{Hash, Step, Template};
use model::json::{Object, Value, write_string};
use model::{EventKind, Part};

use super::asked::Asked;
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
        match self.place(path) {
            Some((root, steps)) => set(root, &steps, value, item),
            None => self.set_parameter(path, value),
        }
    }

    /// Makes all items of the lists that `path` goes through like the item `item`, and two at least.
    pub(super) fn repeat(&mut self, path: &Path, item: usize) {
        if let Some((root, steps)) = self.place(path) {
            repeat(root, &steps, item);
        }
    }

    /// The steps of a path in the event as it is streamed: a user's fields have other names there.
    pub(super) fn steps(&self, path: &Path) -> Vec<Step> {
        let mut steps = path.steps.clone();
        if path.root == Root::Input
            && self.part == Part::User
            && let Some(Step::Key(name)) = steps.first_mut()
            && let Some(source) = user::source(name)
        {
            source.clone_into(name);
        }
        steps
    }

    /// Where a path begins, and its steps from there; `None` for parameters.
    fn place(&mut self, path: &Path) -> Option<(&mut Json, Vec<Step>)> {
        let steps = self.steps(path);
        let root = match path.root {
            Root::Parameters => return None,
            Root::Input => &mut self.event,
            Root::MappedFields => &mut self.fields,
            Root::MappedProperties => &mut self.properties,
            Root::Answer => self.answer.get_or_insert_with(empty),
        };
        Some((root, steps))
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

    /// The texts at a path: of lists, of all items.
    pub(super) fn texts(&self, path: &Path) -> Vec<&str> {
        if path.root == Root::Parameters {
            let Some(Step::Key(name)) = path.steps.first() else {
                return Vec::new();
            };
            return match self.parameters.get(name) {
                Some(parameters::Value::Text(text)) => vec![text],
                _ => Vec::new(),
            };
        }
        let mut found = Vec::new();
        if let Some(root) = self.root(path.root) {
            texts(root, &self.steps(path), &mut found);
        }
        found
    }

    /// The value at a path that is none of a parameter.
    pub(super) fn value(&self, path: &Path) -> Option<&Json> {
        get(self.root(path.root)?, &self.steps(path), 0)
    }

    fn root(&self, root: Root) -> Option<&Json> {
        Some(match root {
            Root::Input => &self.event,
            Root::MappedFields => &self.fields,
            Root::MappedProperties => &self.properties,
            Root::Answer => self.answer.as_ref()?,
            Root::Parameters => return None,
        })
    }

    /// Whether the answer has a text at a path.
    pub(super) fn answers_text(&self, path: &Path) -> bool {
        path.root == Root::Answer && !self.texts(path).is_empty()
    }

    /// Whether such an event can come: a user's has one of the two ids.
    pub(super) fn is_possible(&self) -> bool {
        let has = |name| self.event.get(name).is_some();
        self.kind == EventKind::GroupIdentify || has("user_id") || has("device_id")
    }

    /// Renders `template` as the pipeline does.
    pub(super) fn render(&self, template: &Template) -> Result<String, ftl::Error> {
        self.render_watched(template, None)
    }

    /// The same, while `asked` keeps in mind which names are asked for.
    pub(super) fn render_watched(
        &self,
        template: &Template,
        asked: Option<&Asked>,
    ) -> Result<String, ftl::Error> {
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
        let answer = answer.map(|answer| answer as &dyn Hash);
        let all: [(Root, Option<&dyn Hash>); 5] = [
            (Root::Input, Some(input)),
            (Root::Parameters, Some(&self.parameters)),
            (Root::MappedProperties, Some(properties)),
            (Root::MappedFields, Some(fields)),
            (Root::Answer, answer),
        ];
        let watched = all.map(|(root, hash)| asked?.watched(root, hash?));
        let seen = |at: usize| {
            let watched = watched[at].as_ref().map(|watched| watched as &dyn Hash);
            watched.or(all[at].1)
        };
        let roots = Roots {
            input: seen(0).unwrap_or(input),
            parameters: seen(1).unwrap_or(&self.parameters),
            mapped_properties: seen(2).unwrap_or(properties),
            mapped_fields: seen(3).unwrap_or(fields),
            answer: seen(4),
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
                // Nothing is there already.
                (_, None) if object.get(name).is_none_or(Value::is_null) => {}
                ([], Some(value)) => object.set(name.clone(), value),
                (_, value) => {
                    if object.get(name).is_none() {
                        // What comes next says whether it is a list or an object.
                        object.set(name.clone(), Value::Null);
                    }
                    if let Some(inner) = object.get_mut(name) {
                        set(inner, rest, value, item);
                    }
                }
            }
        }
        Step::Each | Step::Dynamic | Step::Index(_) => {
            // An object stays one, also where nothing is in it.
            if let Value::Object(object) = at {
                let last = object.len().saturating_sub(1);
                let member = object.iter_mut().nth(item.min(last));
                let by_name = !matches!(step, Step::Index(_));
                if let Some((_, inner)) = member.filter(|_| by_name) {
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

fn repeat(at: &mut Json, steps: &[Step], item: usize) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    match (step, at) {
        (Step::Key(name), Value::Object(object)) => {
            if let Some(inner) = object.get_mut(name) {
                repeat(inner, rest, item);
            }
        }
        (Step::Each, Value::Array(items)) => {
            let Some(mut one) = items.get(item).cloned() else {
                return;
            };
            repeat(&mut one, rest, item);
            let count = items.len().max(2);
            *items = vec![one; count];
        }
        (Step::Each, Value::Object(object)) => {
            let Some((_, one)) = object.at(item) else {
                return;
            };
            let mut one = one.clone();
            repeat(&mut one, rest, item);
            object
                .iter_mut()
                .for_each(|(_, each)| each.clone_from(&one));
        }
        _ => {}
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

/// The texts at `steps`, of all items.
fn texts<'v>(at: &'v Json, steps: &[Step], found: &mut Vec<&'v str>) {
    let Some((step, rest)) = steps.split_first() else {
        found.extend(at.as_str());
        return;
    };
    match (step, at) {
        (Step::Each | Step::Dynamic, Value::Array(items)) => {
            items.iter().for_each(|item| texts(item, rest, found));
        }
        (Step::Each | Step::Dynamic, Value::Object(object)) => {
            object
                .iter()
                .for_each(|(_, inner)| texts(inner, rest, found));
        }
        (step, at) => {
            if let Some(inner) = get(at, std::slice::from_ref(step), 0) {
                texts(inner, rest, found);
            }
        }
    }
}
