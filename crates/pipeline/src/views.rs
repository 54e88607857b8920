//! What templates see beside the event, which they read as the tree that it was parsed into.

use ftl::{Data, Entries, Hash, View};

/// Values under names, in order: selected properties and mapped fields.
#[derive(Default)]
pub struct Members<'a>(pub Vec<(&'a str, View<'a>)>);

impl Hash for Members<'_> {
    fn get(&self, key: &str) -> Option<View<'_>> {
        let found = self.0.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| *value)
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn entries(&self) -> Entries<'_> {
        Box::new(self.0.iter().copied())
    }
}

/// The names that a template can use. Each has two spellings, but only the first is listed.
pub struct Roots<'a> {
    /// The event, or the user that it shows.
    pub input: &'a dyn Hash,
    /// What the user filled in.
    pub parameters: &'a dyn Hash,
    /// The selected properties.
    pub mapped_properties: &'a dyn Hash,
    /// The mapped fields.
    pub mapped_fields: &'a dyn Hash,
    /// What the destination answered, for a request that follows: `answer`.
    pub answer: Option<&'a dyn Hash>,
}

/// The name by which a request that follows finds the answer.
pub(crate) const ANSWER: &str = "answer";

/// One of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Root {
    Input,
    Parameters,
    MappedProperties,
    MappedFields,
    /// Only for a request that follows, under [`ANSWER`].
    Answer,
}

impl Root {
    /// Those that all templates can use, as templates usually spell them.
    pub(crate) const NAMES: [(Self, &'static str); 4] = [
        (Self::Input, "input"),
        (Self::Parameters, "parameters"),
        (Self::MappedProperties, "mappedProperties"),
        (Self::MappedFields, "mappedFields"),
    ];

    /// The root that a template means by `name`: the guide capitalises the names in its prose, and
    /// templates follow it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "input" | "Input" => Self::Input,
            "parameters" | "Parameters" => Self::Parameters,
            "mappedProperties" | "MappedProperties" => Self::MappedProperties,
            "mappedFields" | "MappedFields" => Self::MappedFields,
            _ => return None,
        })
    }
}

impl<'a> Roots<'a> {
    fn value(&self, root: Root) -> View<'a> {
        View::Hash(match root {
            Root::Input => self.input,
            Root::Parameters => self.parameters,
            Root::MappedProperties => self.mapped_properties,
            Root::MappedFields => self.mapped_fields,
            Root::Answer => return self.answer.map_or(View::Null, View::Hash),
        })
    }
}

impl Hash for Roots<'_> {
    fn get(&self, key: &str) -> Option<View<'_>> {
        match key {
            ANSWER => self.answer.map(View::Hash),
            key => Root::named(key).map(|root| self.value(root)),
        }
    }

    fn len(&self) -> usize {
        Root::NAMES.len() + usize::from(self.answer.is_some())
    }

    fn entries(&self) -> Entries<'_> {
        let all = Root::NAMES.into_iter();
        let all = all.map(|(root, name)| (name, self.value(root)));
        Box::new(all.chain(self.answer.map(|answer| (ANSWER, View::Hash(answer)))))
    }
}

impl Data for Roots<'_> {
    fn view(&self) -> View<'_> {
        View::Hash(self)
    }
}
