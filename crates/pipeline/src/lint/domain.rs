//! What can occur at a path: what the system guarantees about events, mappings and parameters.

use ftl::Step;
use model::Part;
use model::definition::{Definition, Parameter, ParameterKind};

use crate::user;
use crate::views::{ANSWER, Root};

/// What a template reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path {
    pub(super) root: Root,
    /// From the root on.
    pub(super) steps: Vec<Step>,
}

impl Path {
    pub(super) fn starts_with(&self, other: &Self) -> bool {
        self.root == other.root && self.steps.starts_with(&other.steps)
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut names = Root::NAMES.into_iter();
        let name = names.find_map(|(root, name)| (root == self.root).then_some(name));
        // All but one have a name there.
        f.write_str(name.unwrap_or(ANSWER))?;
        for step in &self.steps {
            match step {
                Step::Key(key) if crate::check::is_identifier(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Each | Step::Dynamic => f.write_str("[…]")?,
            }
        }
        Ok(())
    }
}

/// What values a path can have.
#[derive(Debug, Clone)]
pub(super) struct Domain<'d> {
    pub(super) kind: Kind<'d>,
    /// Whether there may be none.
    pub(super) optional: bool,
}

impl Domain<'_> {
    fn is_never(&self) -> bool {
        matches!(self.kind, Kind::Never)
    }

    /// Whether there are only texts.
    pub(super) fn is_text(&self) -> bool {
        match self.kind {
            Kind::Text | Kind::AnyText | Kind::Fixed(_) => true,
            Kind::Parameter(parameter) => parameter.kind != ParameterKind::Checkbox,
            _ => false,
        }
    }
}

/// The kind of values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'d> {
    /// Any text but the empty one.
    Text,
    /// Any text.
    AnyText,
    /// A text that no client has a say in.
    Fixed(&'static str),
    Integer,
    Number,
    /// `true`, where there is a value.
    True,
    /// Any JSON but null.
    Any,
    /// An object with any members.
    Members,
    /// An object with texts under any names.
    TextMembers,
    /// Types of groups with the names of groups.
    Groups,
    /// The names of groups of one type.
    GroupNames,
    /// Of group types, of group names, properties.
    GroupProperties,
    /// Of the names of groups of one type, properties.
    GroupsOfType,
    /// What the user can fill in.
    Parameter(&'d Parameter),
    /// The status of an answer.
    Status,
    /// Something in the body of an answer, where a template looks for it.
    Answered,
    /// There is never a value.
    Never,
}

const TIME: &str = "2022-02-28 20:07:01.795";

/// The fields that every streamed event has, but for those of its user.
const ALWAYS: &[(&str, Kind<'static>)] = &[
    ("uuid", Kind::Fixed("0f9ec8ec-98d8-11ec-b909-0242ac120002")),
    ("app", Kind::Integer),
    ("client_event_time", Kind::Fixed(TIME)),
    ("client_upload_time", Kind::Fixed(TIME)),
    ("created_at", Kind::Fixed(TIME)),
    ("event_name", Kind::Text),
    ("event_properties", Kind::Members),
    ("event_time", Kind::Fixed(TIME)),
    ("event_type", Kind::Text),
    ("processed_time", Kind::Fixed(TIME)),
    ("server_received_time", Kind::Fixed(TIME)),
    ("server_upload_time", Kind::Fixed(TIME)),
];

/// The fields that every event of a user has: all but a group's identification without ids.
const OF_USER: &[(&str, Kind<'static>)] = &[
    ("amplitude_id", Kind::Integer),
    ("user_creation_time", Kind::Fixed(TIME)),
    ("user_properties", Kind::Members),
];

/// The fields that an event may have.
const OPTIONAL: &[(&str, Kind<'static>)] = &[
    ("data", Kind::Members),
    ("event_id", Kind::Integer),
    ("group_properties", Kind::GroupProperties),
    ("groups", Kind::Groups),
    ("location_lat", Kind::Number),
    ("location_lng", Kind::Number),
    ("paying", Kind::True),
    ("plan", Kind::Members),
    ("session_id", Kind::Integer),
];

/// The texts that an event may have.
const TEXTS: &[&str] = &[
    "$insert_id",
    "adid",
    "city",
    "country",
    "device_brand",
    "device_carrier",
    "device_family",
    "device_id",
    "device_manufacturer",
    "device_model",
    "device_type",
    "dma",
    "idfa",
    "ip_address",
    "language",
    "library",
    "os_name",
    "os_version",
    "partner_id",
    "platform",
    "region",
    "start_version",
    "user_id",
    "version_name",
];

/// The fields that an event always has, by name and kind.
pub(super) fn always() -> impl Iterator<Item = (&'static str, Kind<'static>)> {
    ALWAYS.iter().chain(OF_USER).copied()
}

/// The fields that an input of `part` can have, by name.
pub(super) fn fields(part: Part) -> impl Iterator<Item = &'static str> {
    let of_event = ALWAYS.iter().chain(OF_USER).chain(OPTIONAL);
    let of_event = of_event.map(|(name, _)| *name).chain(TEXTS.iter().copied());
    let renamed = user::names().filter(|name| field(name, Part::Event).is_never());
    let all = of_event.chain(renamed);
    all.filter(move |name| !field(name, part).is_never())
}

/// What can occur at `path` of a request of `part`.
pub(super) fn domain<'d>(path: &Path, part: Part, definition: &'d Definition) -> Domain<'d> {
    let of = |kind, optional| Domain { kind, optional };
    let name = match path.steps.first() {
        Some(Step::Key(name)) => Some(name.as_str()),
        _ => None,
    };
    let (root, rest) = match (path.root, name) {
        (Root::Answer, Some("status")) => (of(Kind::Status, false), &path.steps[1..]),
        (Root::Answer, Some("body")) => (of(Kind::Answered, false), &path.steps[1..]),
        (Root::Answer, _) => (of(Kind::Never, true), &path.steps[..]),
        (Root::Input, Some(name)) => (field(name, part), &path.steps[1..]),
        // What it is asked for are names that are known.
        (Root::Input | Root::Parameters, None) => (of(Kind::Never, true), &path.steps[..]),
        (Root::Parameters, Some(name)) => {
            let declared = definition.parameters.iter().find(|each| each.name == name);
            // The check has said that there is no such parameter.
            let Some(parameter) = declared else {
                return of(Kind::Fixed("undeclared"), false);
            };
            let is_there = parameter.required
                || parameter.kind == ParameterKind::Checkbox
                || parameter
                    .default
                    .as_ref()
                    .is_some_and(|text| !text.is_empty());
            (of(Kind::Parameter(parameter), !is_there), &path.steps[1..])
        }
        (Root::MappedFields, Some(name)) => {
            let mut mappings = definition.mappings.iter();
            let Some(mapping) = mappings.find(|each| each.fields().any(|field| field == name))
            else {
                return of(Kind::Fixed("undeclared"), false);
            };
            let kind = match (definition.typed_properties, mapping.required) {
                (true, _) => Kind::Any,
                (false, true) => Kind::Text,
                (false, false) => Kind::AnyText,
            };
            (of(kind, !mapping.required), &path.steps[1..])
        }
        (Root::MappedProperties, Some(_)) => {
            let kind = if definition.typed_properties {
                Kind::Any
            } else {
                Kind::AnyText
            };
            (of(kind, true), &path.steps[1..])
        }
        (Root::MappedProperties, None) if path.steps.is_empty() => {
            let kind = if definition.typed_properties {
                Kind::Members
            } else {
                Kind::TextMembers
            };
            (of(kind, false), &[][..])
        }
        (_, None) => {
            let kind = if definition.typed_properties {
                Kind::Any
            } else {
                Kind::AnyText
            };
            (of(kind, false), path.steps.get(1..).unwrap_or_default())
        }
    };
    rest.iter().fold(root, |outer, step| within(&outer, step))
}

fn field(name: &str, part: Part) -> Domain<'static> {
    let of = |kind, optional| Domain { kind, optional };
    if part == Part::User && name == "event_type" {
        return of(Kind::Fixed("$identify"), false);
    }
    let source = match part {
        Part::Event => Some(name),
        Part::User => user::source(name),
    };
    let Some(name) = source else {
        return of(Kind::Never, true);
    };
    let find = |fields: &[(&str, Kind<'static>)]| {
        let found = fields.iter().find(|(known, _)| *known == name);
        found.map(|(_, kind)| *kind)
    };
    if let Some(kind) = find(ALWAYS) {
        return of(kind, false);
    }
    if let Some(kind) = find(OF_USER) {
        return of(kind, part == Part::User);
    }
    if let Some(kind) = find(OPTIONAL) {
        return of(kind, true);
    }
    if TEXTS.contains(&name) {
        return of(Kind::Text, true);
    }
    of(Kind::Never, true)
}

/// What can occur at a step into what `outer` describes.
fn within<'d>(outer: &Domain<'d>, step: &Step) -> Domain<'d> {
    let by_name = matches!(step, Step::Key(_) | Step::Dynamic);
    let (kind, optional) = match outer.kind {
        Kind::Members | Kind::Any => (Kind::Any, true),
        Kind::TextMembers => (Kind::AnyText, by_name),
        Kind::Answered => (Kind::Answered, false),
        Kind::Groups => (Kind::GroupNames, by_name),
        Kind::GroupNames => (Kind::Text, !matches!(step, Step::Each | Step::Index(0))),
        // Of types, then of names, then of properties: each level is an object.
        Kind::GroupProperties => (Kind::GroupsOfType, by_name),
        Kind::GroupsOfType => (Kind::Members, by_name),
        _ => (Kind::Never, true),
    };
    Domain { kind, optional }
}
