//! From what a client sends to what is stored of a sync: values that can't be used are refused, all
//! at once. Whether it is complete and its templates compile is the lanes' to say, when it is
//! enabled.

mod headers;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Uri;
use model::DefinitionId;
use model::definition::{Definition, Parameter};
use model::filter::{Property, Selection};
use model::sync::{Events, Order, PropertyChoice, Settings, UserAgent, Users, WAIT_FOR_PROPERTIES};
use serde::{Deserialize, Deserializer};
use store::{SecretFields, SyncDraft};
use utoipa::ToSchema;

use super::destination::{kept_secrets, refuse_to_move};
use super::field;
use super::problem::{ApiError, FieldProblem, pointer};
use headers::headers;

/// Most characters of what people note about a sync.
const NOTES: usize = 4000;
const URL_BYTES: usize = 8 << 10;
const TEMPLATE_BYTES: usize = 256 << 10;
const EVENT_TYPES: usize = 1000;
const PROPERTIES: usize = 1000;
const PARAMETERS: usize = 100;
const MAX_CONCURRENCY: u16 = 1000;
const MAX_RATE: u32 = 1_000_000;

/// The webhook's one parameter, which has a field of its own.
pub(super) const URL: &str = "url";

/// A sync. To make one, only `name` is required; in a change, what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncInput {
    /// As people call it.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// What people note about it.
    #[schema(max_length = 4000)]
    notes: Option<String>,
    /// Which destination it connects: stays as it was made. Absent: the built-in webhook.
    definition: Option<DefinitionChoice>,
    /// Whether it delivers. Refused with all that is missing when it can't.
    enabled: Option<bool>,
    /// Where a webhook's requests go: an absolute `http` or `https` address, or a template of one.
    #[schema(example = "https://example.com/hook")]
    url: Option<String>,
    /// Headers beside the two preset ones (`Content-Type`, `User-Agent`).
    #[schema(max_items = 5)]
    pub(super) headers: Option<Vec<HeaderInput>>,
    /// Which events are sent, and how.
    events: Option<Events>,
    /// Whether users are sent, and how.
    users: Option<Users>,
    /// Properties that go along as `mappedProperties`, or that don't: see `property_choice`.
    properties: Option<Vec<Property>>,
    /// Whether `properties` go along, or all others.
    property_choice: Option<PropertyChoice>,
    /// Whether properties that don't go along are taken out of `input`, too.
    withhold_properties: Option<bool>,
    /// What fills `mappedFields`: destination property → property.
    mappings: Option<BTreeMap<String, Property>>,
    /// What kind of identifier fills a mapping, where the destination lets choose.
    mapping_kinds: Option<BTreeMap<String, String>>,
    /// Values for `parameters` in templates. A change names all of them: `{}` keeps a value as it is stored, and
    /// what isn't named is taken away.
    pub(super) parameters: Option<BTreeMap<String, ParameterInput>>,
    /// The name under which requests are sent.
    user_agent: Option<UserAgent>,
    /// Whether selected properties keep their types; null: as the destination says.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    typed_properties: Option<Option<bool>>,
    /// Requests in flight at once; null: the installation's default.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 1000)]
    concurrency: Option<Option<u16>>,
    /// Requests a minute at most, each try counted, where that is less than the destination takes;
    /// null: as many as it takes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    requests_per_minute: Option<Option<u32>>,
    /// Which deliveries may overtake others.
    order: Option<Order>,
    /// How long an event waits, from when it was received, for the user property that a required mapping
    /// names, in seconds; null: it is discarded at once.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 86_400)]
    wait_for_properties_seconds: Option<Option<u32>>,
}

/// The destination that a sync is to connect.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DefinitionChoice {
    /// The definition's id, as the catalog has it.
    #[schema(value_type = String)]
    pub(super) id: DefinitionId,
    /// One of its versions; absent: the one that the catalog shows.
    pub(super) version: Option<u32>,
}

impl SyncInput {
    /// Which destination the client chose.
    pub(super) fn take_definition(&mut self) -> Option<DefinitionChoice> {
        self.definition.take()
    }

    /// Changes nothing but whether the sync delivers.
    pub(super) fn switch(enabled: bool) -> Self {
        Self {
            enabled: Some(enabled),
            ..Self::default()
        }
    }
}

/// Tells null (`Some(None)`) from absent (`None`).
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A header of a sync's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderInput {
    /// The name.
    #[schema(example = "Authorization")]
    pub(super) name: String,
    /// The value, a template. Absent or null: what is stored for this header stays; a secret one is
    /// needed again where requests go to another scheme, host or port (`secrets_needed`).
    pub(super) value: Option<String>,
    /// Whether the value is never shown again. Absent: as it is stored, or as the name suggests
    /// (`Authorization`, `X-Api-Key`, …).
    secret: Option<bool>,
}

impl std::fmt::Debug for HeaderInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeaderInput")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The value of a parameter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterInput {
    /// The value. Absent or null: what is stored for this parameter stays; a secret one is needed
    /// again where requests go to another scheme, host or port (`secrets_needed`).
    pub(super) value: Option<String>,
    /// Whether the value is never shown again. Absent: as the destination says, or as it is stored.
    secret: Option<bool>,
}

impl std::fmt::Debug for ParameterInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParameterInput").finish_non_exhaustive()
    }
}

/// An empty sync, to which a client's input is applied.
pub(super) fn blank() -> SyncDraft {
    SyncDraft {
        name: String::new(),
        notes: String::new(),
        enabled: false,
        settings: Settings::default(),
        secret: SecretFields::default(),
    }
}

/// Applies what a client sent to what there is.
pub(super) fn apply(
    input: SyncInput,
    draft: SyncDraft,
    definition: &Definition,
) -> Result<SyncDraft, ApiError> {
    let before = draft.settings.clone();
    let (draft, kept) = merge(input, draft, definition)?;
    let needed = refuse_to_move(&before, &draft.settings, definition, kept);
    match needed.is_empty() {
        true => Ok(draft),
        false => Err(ApiError::SecretsNeeded(needed)),
    }
}

/// The same, wherever requests would go then; also says where the secrets are that stay.
pub(super) fn merge(
    input: SyncInput,
    mut draft: SyncDraft,
    definition: &Definition,
) -> Result<(SyncDraft, Vec<String>), ApiError> {
    let mut problems = Vec::new();
    if input.definition.is_some() {
        let message = "a sync stays with its destination: make another one";
        problems.push(FieldProblem::new("/definition", message));
    }
    let kept = kept_secrets(&input, &draft.settings, &draft.secret);
    let settings = &mut draft.settings;
    if let Some(input) = input.name {
        draft.name = field::name(&input, &mut problems);
    } else if draft.name.is_empty() {
        problems.push(FieldProblem::new("/name", "this field is required"));
    }
    if let Some(notes) = input.notes {
        check_notes(&notes, &mut problems);
        draft.notes = notes;
    }
    draft.enabled = input.enabled.unwrap_or(draft.enabled);
    if let Some(input) = input.headers {
        let (headers, secret) = headers(input, settings, &draft.secret, definition, &mut problems);
        settings.headers = headers;
        draft.secret.headers = secret;
    }
    if let Some(input) = input.parameters {
        let (parameters, secret) =
            parameters(input, settings, &draft.secret, definition, &mut problems);
        settings.parameters = parameters;
        draft.secret.parameters = secret;
    }
    if let Some(url) = input.url {
        match has_own_url(definition) {
            true => check_url(&url, &mut problems),
            false => problems.push(FieldProblem::new("/url", "the destination has its own URL")),
        }
        settings.parameters.insert(URL.into(), url);
    }
    if let Some(events) = input.events {
        check_template(
            "/events/template",
            events.template.as_deref(),
            &mut problems,
        );
        check_selection(&events.select, &mut problems);
        settings.events = events;
    }
    if let Some(users) = input.users {
        check_template("/users/template", users.template.as_deref(), &mut problems);
        let own = users.properties.as_ref().map_or(0, |own| own.list.len());
        check_count("/users/properties/list", own, PROPERTIES, &mut problems);
        settings.users = users;
    }
    if let Some(properties) = input.properties {
        check_count("/properties", properties.len(), PROPERTIES, &mut problems);
        settings.properties = properties;
    }
    if let Some(mappings) = input.mappings {
        check_count("/mappings", mappings.len(), PROPERTIES, &mut problems);
        settings.mappings = mappings;
    }
    if let Some(kinds) = input.mapping_kinds {
        check_count("/mapping_kinds", kinds.len(), PROPERTIES, &mut problems);
        settings.mapping_kinds = kinds;
    }
    if let Some(concurrency) = input.concurrency {
        if !concurrency.is_none_or(|most| (1..=MAX_CONCURRENCY).contains(&most)) {
            let message = format!("from 1 to {MAX_CONCURRENCY}, or null for the default");
            problems.push(FieldProblem::new("/concurrency", message));
        }
        settings.concurrency = concurrency;
    }
    if let Some(rate) = input.requests_per_minute {
        let most = definition.limits.requests_per_minute;
        let most = most.unwrap_or(MAX_RATE).min(MAX_RATE);
        if !rate.is_none_or(|rate| (1..=most).contains(&rate)) {
            let message = format!("from 1 to {most}, or null for as many as the destination takes");
            problems.push(FieldProblem::new("/requests_per_minute", message));
        }
        settings.requests_per_minute = rate;
    }
    if let Some(wait) = input.wait_for_properties_seconds {
        if !wait.is_none_or(|seconds| WAIT_FOR_PROPERTIES.contains(&seconds)) {
            let (least, most) = (WAIT_FOR_PROPERTIES.start(), WAIT_FOR_PROPERTIES.end());
            let message = format!("from {least} to {most} (a day), or null for no waiting");
            problems.push(FieldProblem::new("/wait_for_properties_seconds", message));
        }
        settings.wait_for_properties_seconds = wait;
    }
    settings.property_choice = input.property_choice.unwrap_or(settings.property_choice);
    settings.withhold_properties =
        (input.withhold_properties).unwrap_or(settings.withhold_properties);
    settings.order = input.order.unwrap_or(settings.order);
    settings.user_agent = input.user_agent.unwrap_or(settings.user_agent);
    settings.typed_properties = input.typed_properties.unwrap_or(settings.typed_properties);
    match problems.is_empty() {
        true => Ok((draft, kept)),
        false => Err(ApiError::Invalid(problems)),
    }
}

/// Whether the URL is the sync's own, as a webhook's: it has a field of its own then.
pub(super) fn has_own_url(definition: &Definition) -> bool {
    let mut parameters = definition.parameters.iter();
    definition.own_templates && parameters.any(|parameter| parameter.name == URL)
}

/// The parameters and the names of the secret ones. A URL of the sync's own stays: it has a field of its own.
fn parameters(
    input: BTreeMap<String, ParameterInput>,
    stored: &Settings,
    secret: &SecretFields,
    definition: &Definition,
    problems: &mut Vec<FieldProblem>,
) -> (BTreeMap<String, String>, BTreeSet<String>) {
    check_count("/parameters", input.len(), PARAMETERS, problems);
    let own_url = has_own_url(definition);
    let url = stored.parameters.get_key_value(URL).filter(|_| own_url);
    let mut parameters: BTreeMap<_, _> = url
        .into_iter()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut secrets = BTreeSet::new();
    for (name, input) in input.into_iter().take(PARAMETERS) {
        let place = pointer("/parameters", &name);
        if own_url && name == URL {
            problems.push(FieldProblem::new(
                place,
                "the URL has a field of its own: `url`",
            ));
            continue;
        }
        if !is_identifier(&name) {
            let message = "a name for templates: letters, digits and _, no digit first";
            problems.push(FieldProblem::new(place.clone(), message));
        }
        let declared = definition
            .parameters
            .iter()
            .find(|declared| declared.name == name);
        let was_secret = secret.parameters.contains(&name);
        let must_be_secret = declared.is_some_and(Parameter::is_secret);
        let is_secret = must_be_secret || input.secret.unwrap_or(was_secret);
        let value = kept_or_given(
            input.value,
            stored.parameters.get(&name),
            was_secret && !is_secret,
            &place,
            problems,
        );
        if value.len() > TEMPLATE_BYTES {
            let message = format!("at most {TEMPLATE_BYTES} bytes");
            problems.push(FieldProblem::new(format!("{place}/value"), message));
        }
        if is_secret {
            secrets.insert(name.clone());
        }
        parameters.insert(name, value);
    }
    (parameters, secrets)
}

/// The given value, or the stored one when none is given; a stored secret is not laid open by
/// calling it none.
fn kept_or_given(
    given: Option<String>,
    stored: Option<&String>,
    lays_open: bool,
    place: &str,
    problems: &mut Vec<FieldProblem>,
) -> String {
    match (given, stored) {
        (Some(value), _) => value,
        (None, Some(stored)) if !lays_open => stored.clone(),
        (None, stored) => {
            let message = match stored {
                Some(_) => "the stored value is secret: give it again to have it shown from now on",
                None => "this field is required: nothing is stored for it",
            };
            problems.push(FieldProblem::new(format!("{place}/value"), message));
            String::new()
        }
    }
}

/// A URL without template constructs must be one as it stands; one with them is checked when it is
/// rendered.
fn check_url(url: &str, problems: &mut Vec<FieldProblem>) {
    let message = if url.len() > URL_BYTES {
        Some(format!("at most {URL_BYTES} bytes"))
    } else if url.contains("${") || url.contains("<#") || url.contains("#{") {
        None
    } else {
        url_problem(url).map(str::to_owned)
    };
    problems.extend(message.map(|message| FieldProblem::new("/url", message)));
}

fn url_problem(url: &str) -> Option<&'static str> {
    let Ok(uri) = url.parse::<Uri>() else {
        return Some("not a URL: expected something like https://example.com/hook");
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Some("an absolute URL is needed, with https:// or http://");
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Some("no user and password in the URL: use an `Authorization` header");
    }
    uri.host()
        .is_none_or(str::is_empty)
        .then_some("the URL has no host")
}

fn check_notes(notes: &str, problems: &mut Vec<FieldProblem>) {
    if notes.chars().count() > NOTES {
        let message = format!("at most {NOTES} characters");
        problems.push(FieldProblem::new("/notes", message));
    }
}

fn check_template(place: &str, template: Option<&str>, problems: &mut Vec<FieldProblem>) {
    if template.is_some_and(|template| template.len() > TEMPLATE_BYTES) {
        let message = format!("at most {TEMPLATE_BYTES} bytes");
        problems.push(FieldProblem::new(place, message));
    }
}

fn check_selection(selection: &Selection, problems: &mut Vec<FieldProblem>) {
    let Selection::Types(types) = selection else {
        return;
    };
    check_count("/events/select/types", types.len(), EVENT_TYPES, problems);
    let mut seen = BTreeSet::new();
    for (index, selected) in types.iter().enumerate() {
        let place = format!("/events/select/types/{index}/event_type");
        if selected.event_type.is_empty() {
            problems.push(FieldProblem::new(place, "give an event type"));
        } else if !seen.insert(&selected.event_type) {
            problems.push(FieldProblem::new(place, "this event type is already there"));
        }
    }
}

fn check_count(place: &str, count: usize, most: usize, problems: &mut Vec<FieldProblem>) {
    if count > most {
        let message = format!("at most {most}, not {count}");
        problems.push(FieldProblem::new(place, message));
    }
}

fn is_identifier(name: &str) -> bool {
    const LONGEST: usize = 100;
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.len() <= LONGEST
        && name.starts_with(first)
        && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// Where the client's input has the setting that `problem` points to.
pub(super) fn as_input(mut problem: FieldProblem, definition: &Definition) -> FieldProblem {
    if has_own_url(definition) && problem.pointer == "/parameters/url" {
        problem.pointer = "/url".into();
    }
    problem
}
