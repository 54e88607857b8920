//! What the audit log tells of syncs.

use model::OrganisationId;
use model::sync::Sync;
use serde_json::{Value, json};

use super::SyncRecord;
use crate::Error;
use crate::change::Entry;

impl SyncRecord {
    /// The values that are never shown, by kind and name.
    pub(super) fn secret_values(&self) -> Vec<(&str, &str)> {
        let settings = &self.sync.settings;
        let headers = settings.headers.iter();
        let headers = headers
            .filter(|header| self.secret.headers.contains(&header.name))
            .map(|header| (header.name.as_str(), header.value.as_str()));
        let parameters = settings.parameters.iter();
        let parameters = parameters
            .filter(|(name, _)| self.secret.parameters.contains(*name))
            .map(|(name, value)| (name.as_str(), value.as_str()));
        headers.chain(parameters).collect()
    }
}

/// What the audit log shows of a sync: no secret values.
pub(super) fn shown(record: &SyncRecord) -> Result<Value, Error> {
    let sync = &record.sync;
    let mut settings = sync.settings.clone();
    for header in &mut settings.headers {
        if record.secret.headers.contains(&header.name) {
            header.value.clear();
        }
    }
    for (name, value) in &mut settings.parameters {
        if record.secret.parameters.contains(name) {
            value.clear();
        }
    }
    let settings = serde_json::to_value(settings).map_err(|_| Error::Corrupt {
        what: "the settings",
        id: sync.id.to_string(),
    })?;
    let about = json!({
        "name": sync.name, "notes": record.notes, "enabled": sync.enabled,
        "definition_version": sync.definition_version,
    });
    Ok(match settings {
        Value::Object(settings) => settings.into_iter().fold(about, |shown, (name, value)| {
            with_member(shown, &name, Some(value))
        }),
        _ => about,
    })
}

/// An object with a further member, if there is a value for it.
pub(super) fn with_member(mut object: Value, name: &str, value: Option<Value>) -> Value {
    if let (Value::Object(members), Some(value)) = (&mut object, value) {
        members.insert(name.to_owned(), value);
    }
    object
}

/// The members of two objects that differ.
pub(crate) fn difference(before: Value, after: Value) -> (Value, Value) {
    let only = |these: &Value, others: &Value| {
        let members = these.as_object().into_iter().flatten();
        let changed = members.filter(|(name, value)| others.get(name) != Some(value));
        Value::Object(
            changed
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    };
    (only(&before, &after), only(&after, &before))
}

pub(super) fn entry(action: &'static str, organisation: OrganisationId, sync: &Sync) -> Entry {
    Entry {
        organisation: Some(organisation),
        action,
        target_id: sync.id.to_string(),
        target_name: sync.name.clone(),
        before: None,
        after: None,
    }
}
