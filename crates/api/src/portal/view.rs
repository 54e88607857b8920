//! Syncs as clients see them: without their secrets.

use std::collections::BTreeMap;

use model::Timestamp;
use model::definition::Definition;
use model::filter::Property;
use model::sync::{Events, Order, PropertyChoice, UserAgent, Users};
use serde::Serialize;
use store::SyncRecord;
use utoipa::ToSchema;

use super::draft::{URL, has_own_url};

/// A sync.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncView {
    /// Identifies it.
    id: String,
    /// The project whose events it sends.
    project: String,
    /// The destination definition that it connects.
    definition: ConnectedDefinition,
    /// As people call it.
    name: String,
    /// What people note about it.
    notes: String,
    /// Whether it delivers.
    enabled: bool,
    /// Where a webhook's requests go; null while it isn't set, and for other destinations.
    url: Option<String>,
    /// Headers beside the two preset ones.
    headers: Vec<HeaderView>,
    /// Which events are sent, and how.
    events: Events,
    /// Whether users are sent, and how.
    users: Users,
    /// Properties that go along as `mappedProperties`, or that don't: see `property_choice`.
    properties: Vec<Property>,
    /// Whether `properties` go along, or all others.
    property_choice: PropertyChoice,
    /// Whether properties that don't go along are taken out of `input`, too.
    withhold_properties: bool,
    /// What fills `mappedFields`.
    mappings: BTreeMap<String, Property>,
    /// What kind of identifier fills a mapping, where the destination lets choose.
    mapping_kinds: BTreeMap<String, String>,
    /// Values for `parameters` in templates.
    parameters: BTreeMap<String, ParameterView>,
    /// The name under which requests are sent.
    user_agent: UserAgent,
    /// Whether selected properties keep their types; null: as the destination says.
    typed_properties: Option<bool>,
    /// Requests in flight at once; null: the installation's default.
    concurrency: Option<u16>,
    /// Requests a minute at most, each try counted; null: as many as the destination takes.
    requests_per_minute: Option<u32>,
    /// Which deliveries may overtake others.
    order: Order,
    /// How long an event waits, from when it was received, for the user property that a required mapping
    /// names, in seconds; null: it is discarded at once.
    wait_for_properties_seconds: Option<u32>,
    /// Counts from 1 with each change; what `ETag` and `If-Match` carry as `"vN"`.
    version: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A definition that a sync connects.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectedDefinition {
    /// Identifies it over its versions.
    id: String,
    /// The version.
    version: u32,
    /// As the catalog shows it.
    name: String,
}

/// A header of a sync's own.
#[derive(Debug, Serialize, ToSchema)]
struct HeaderView {
    /// The name.
    name: String,
    /// Whether the value is never shown.
    secret: bool,
    /// The value, a template; null when it is secret.
    value: Option<String>,
}

/// The value of a parameter.
#[derive(Debug, Serialize, ToSchema)]
struct ParameterView {
    /// Whether the value is never shown.
    secret: bool,
    /// The value; null when it is secret.
    value: Option<String>,
}

impl SyncView {
    /// What clients may see of a sync that connects `definition`.
    pub(super) fn new(record: &SyncRecord, definition: &Definition) -> Self {
        let (sync, settings) = (&record.sync, &record.sync.settings);
        let own_url = has_own_url(definition);
        let headers = settings.headers.iter().map(|header| {
            let secret = record.secret.headers.contains(&header.name);
            HeaderView {
                name: header.name.clone(),
                secret,
                value: (!secret).then(|| header.value.clone()),
            }
        });
        let parameters = settings
            .parameters
            .iter()
            .filter(|(name, _)| !own_url || *name != URL);
        let parameters = parameters.map(|(name, value)| {
            let secret = record.secret.parameters.contains(name);
            let value = (!secret).then(|| value.clone());
            (name.clone(), ParameterView { secret, value })
        });
        Self {
            id: sync.id.to_string(),
            project: sync.project.to_string(),
            definition: ConnectedDefinition {
                id: definition.id.to_string(),
                version: definition.version,
                name: definition.display_name.clone(),
            },
            name: sync.name.clone(),
            notes: record.notes.clone(),
            enabled: sync.enabled,
            url: settings.parameters.get(URL).filter(|_| own_url).cloned(),
            headers: headers.collect(),
            events: settings.events.clone(),
            users: settings.users.clone(),
            properties: settings.properties.clone(),
            property_choice: settings.property_choice,
            withhold_properties: settings.withhold_properties,
            mappings: settings.mappings.clone(),
            mapping_kinds: settings.mapping_kinds.clone(),
            parameters: parameters.collect(),
            user_agent: settings.user_agent,
            typed_properties: settings.typed_properties,
            concurrency: settings.concurrency,
            requests_per_minute: settings.requests_per_minute,
            order: settings.order,
            wait_for_properties_seconds: settings.wait_for_properties_seconds,
            version: record.version,
            created_at: rfc3339(record.created_at),
            updated_at: rfc3339(record.updated_at),
        }
    }
}

/// A time as the control API writes it: `2022-02-28T20:07:01.795Z`.
pub(super) fn rfc3339(at: Timestamp) -> String {
    let mut text = at.to_string().replacen(' ', "T", 1);
    text.push('Z');
    text
}

/// A time as clients write it: RFC 3339, with any offset.
pub(super) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(at.as_microsecond()))
}
