//! Projects and syncs as files, and what of each is compared with the server's.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use model::definition::Definition;
use model::filter::Property;
use model::sensitive::SensitiveProperties;
use model::sync::{Events, Order, PropertyChoice, UserAgent, Users};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::secret::{Given, STAND_IN, Secrets};
use crate::definition::Logo;
use crate::source::{Document, Fault};

/// The name of the built-in destination.
pub(super) const WEBHOOK: &str = "Webhook";

/// A project: a stream of events with keys of its own.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectFile {
    /// As people call it.
    pub(super) name: String,
    /// Events a second of one device or user beyond which it is throttled.
    #[serde(default)]
    throttle: ThrottleFile,
    /// Properties whose values are masked wherever events are shown.
    #[serde(default, skip_serializing_if = "SensitiveProperties::is_empty")]
    sensitive: SensitiveProperties,
    /// How long what it received is kept.
    #[serde(default, skip_serializing_if = "RetentionFile::is_default")]
    retention: RetentionFile,
}

/// How long a project keeps what it received, in hours. Absent: as long as the installation does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct RetentionFile {
    /// Events.
    #[serde(skip_serializing_if = "Option::is_none")]
    events_hours: Option<u32>,
    /// Deliveries that ended without success.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes_hours: Option<u32>,
}

impl RetentionFile {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Events a second of one device or user, averaged over 30 seconds. 0: any number.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ThrottleFile {
    /// On `/2/httpapi`.
    http: u32,
    /// On `/batch`.
    batch: u32,
}

impl Default for ThrottleFile {
    fn default() -> Self {
        Self {
            http: 30,
            batch: 1000,
        }
    }
}

/// A sync: sends a project's events to a destination.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncFile {
    /// As people call it.
    pub(super) name: String,
    /// What people note about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    notes: String,
    /// The destination, which stays as the sync was made with. Absent: the built-in webhook.
    #[serde(default)]
    pub(super) definition: DestinationFile,
    /// Whether it delivers.
    #[serde(default)]
    enabled: bool,
    /// Where a webhook's requests go: an address, or a template of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Headers of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<HeaderFile>,
    /// Values for the destination's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, Given>,
    /// What fills the destination's properties: name → property.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    mappings: BTreeMap<String, Property>,
    /// What kind of identifier fills a mapping, where the destination lets choose.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    mapping_kinds: BTreeMap<String, String>,
    /// Properties that go along, or that don't: see `property_choice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
    /// Whether `properties` go along, or all others.
    #[serde(default)]
    property_choice: PropertyChoice,
    /// Whether properties that don't go along are taken out of `input`, too.
    #[serde(default)]
    withhold_properties: bool,
    /// Which events are sent, and how.
    #[serde(default)]
    events: Events,
    /// Whether users are sent, and how.
    #[serde(default)]
    users: Users,
    /// The name under which requests are sent.
    #[serde(default)]
    user_agent: UserAgent,
    /// Whether selected properties keep their types; absent: as the destination says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typed_properties: Option<bool>,
    /// Requests in flight at once; absent: the installation's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    concurrency: Option<u16>,
    /// Requests a minute at most, each try counted; absent: as many as the destination takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    /// Which deliveries may overtake others.
    #[serde(default)]
    order: Order,
    /// How long an event waits, from when it was received, for the user property that a required mapping
    /// names, in seconds, from 60 to 86400; absent: it is discarded at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait_for_properties_seconds: Option<u32>,
}

/// A destination, as the catalog has it.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DestinationFile {
    /// Its name in the catalog.
    pub(super) name: String,
    /// The version that a new sync connects; absent: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u32>,
}

impl Default for DestinationFile {
    fn default() -> Self {
        Self {
            name: WEBHOOK.to_owned(),
            version: None,
        }
    }
}

/// A header of a sync's own.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HeaderFile {
    /// The name.
    name: String,
    /// The value, a template.
    value: Given,
}

impl ProjectFile {
    /// What is compared, and what is sent.
    pub(super) fn content(&self) -> anyhow::Result<Value> {
        Ok(serde_json::to_value(self)?)
    }

    /// What is sent to make a project what the content says, with what that leaves out.
    pub(super) fn change(content: &Value) -> Value {
        let mut change = json!({"sensitive": {}, "retention": {}});
        for (field, value) in content.as_object().into_iter().flatten() {
            change[field] = value.clone();
        }
        change
    }

    /// The project as the server shows it.
    pub(super) fn from_view(view: &Value) -> anyhow::Result<Self> {
        let file = json!({
            "name": view["name"],
            "throttle": view["throttle"],
            "sensitive": view["sensitive"],
            "retention": view["retention"],
        });
        serde_json::from_value(file).context("the server's project can't be read")
    }
}

impl SyncFile {
    /// What is compared: with a mark where a secret is.
    pub(super) fn content(&self) -> anyhow::Result<Value> {
        let mut content = serde_json::to_value(self)?;
        content["definition"] = json!(self.definition.name);
        let mark = |given: &Given| match given {
            Given::Text(text) => json!(text),
            Given::Flag(flag) => json!(flag.to_string()),
            Given::Reference(_) => json!({"secret": true}),
        };
        for (index, header) in self.headers.iter().enumerate() {
            content["headers"][index]["value"] = mark(&header.value);
        }
        for (name, given) in &self.parameters {
            content["parameters"][name] = mark(given);
        }
        Ok(content)
    }

    /// The sync as the server shows it. Secrets are found in variables named after `prefix`.
    pub(super) fn from_view(view: &Value, prefix: &str) -> anyhow::Result<Self> {
        let given = |value: &Value, name: &str| match value["secret"].as_bool() {
            Some(true) => json!({"env": variable(prefix, name)}),
            _ => value["value"].clone(),
        };
        let mut file = json!({
            "name": view["name"],
            "notes": view["notes"],
            "definition": {"name": view["definition"]["name"], "version": view["definition"]["version"]},
        });
        for field in [
            "enabled",
            "url",
            "mappings",
            "mapping_kinds",
            "properties",
            "property_choice",
            "withhold_properties",
            "events",
            "users",
            "user_agent",
            "typed_properties",
            "concurrency",
            "requests_per_minute",
            "order",
            "wait_for_properties_seconds",
        ] {
            file[field] = view[field].clone();
        }
        let headers = view["headers"].as_array().into_iter().flatten();
        let headers = headers.map(|header| {
            let name = header["name"].as_str().unwrap_or_default();
            json!({"name": name, "value": given(header, name)})
        });
        file["headers"] = headers.collect();
        let parameters = view["parameters"].as_object().into_iter().flatten();
        let parameters = parameters.map(|(name, value)| (name.clone(), given(value, name)));
        file["parameters"] = Value::Object(parameters.collect());
        let mut file: Self =
            serde_json::from_value(file).context("the server's sync can't be read")?;
        if file.definition.name == WEBHOOK {
            file.definition.version = None;
        }
        Ok(file)
    }

    /// The request's body that makes the sync so, secrets and all; `document` is its file. The
    /// destination is for whoever makes it to add.
    pub(super) fn input(&self, document: &Document, secrets: Secrets) -> Result<Value, Vec<Fault>> {
        let (input, missing) = self.filled(document, secrets);
        match missing.is_empty() {
            true => Ok(input),
            false => Err(missing.into_iter().map(|(_, fault)| fault).collect()),
        }
    }

    /// The same to have it checked: something stands in for secrets that aren't there, too. Besides the faults of
    /// these, and where something stands in, by JSON pointer.
    pub(super) fn input_to_check(
        &self,
        document: &Document,
        secrets: Secrets,
    ) -> (Value, Vec<Fault>, Vec<String>) {
        let (input, missing) = self.filled(document, secrets);
        let (places, faults): (Vec<_>, _) = missing.into_iter().unzip();
        let stands_in = self.stand_ins(secrets).into_iter().chain(places);
        (input, faults, stands_in.collect())
    }

    /// As the control API takes it, and the secrets that aren't there: where, and why.
    fn filled(&self, document: &Document, secrets: Secrets) -> (Value, Vec<(String, Fault)>) {
        let mut faults = Vec::new();
        let folder = document.path().parent().unwrap_or(Path::new("."));
        let mut resolve = |given: &Given, pointer: &str| match given {
            Given::Text(text) => (json!(text), false),
            Given::Flag(flag) => (json!(flag.to_string()), false),
            Given::Reference(reference) => match secrets.resolve(reference, folder) {
                Ok(secret) => (json!(secret.expose_secret()), true),
                Err(message) => {
                    let fault = document.fault(pointer, None, message);
                    faults.push((pointer.to_owned(), fault));
                    (json!(STAND_IN), true)
                }
            },
        };
        let headers = self.headers.iter().enumerate().map(|(index, header)| {
            let (value, secret) = resolve(&header.value, &format!("/headers/{index}/value"));
            json!({"name": header.name, "value": value, "secret": secret})
        });
        let headers: Vec<_> = headers.collect();
        let parameters = self.parameters.iter().map(|(name, given)| {
            let (value, secret) = resolve(given, &format!("/parameters/{name}"));
            (name.clone(), json!({"value": value, "secret": secret}))
        });
        let parameters: serde_json::Map<_, _> = parameters.collect();
        let mut input = json!({
            "name": self.name,
            "notes": self.notes,
            "enabled": self.enabled,
            "headers": headers,
            "parameters": parameters,
            "mappings": self.mappings,
            "mapping_kinds": self.mapping_kinds,
            "properties": self.properties,
            "property_choice": self.property_choice,
            "withhold_properties": self.withhold_properties,
            "events": self.events,
            "users": self.users,
            "user_agent": self.user_agent,
            "typed_properties": self.typed_properties,
            "concurrency": self.concurrency,
            "requests_per_minute": self.requests_per_minute,
            "order": self.order,
            "wait_for_properties_seconds": self.wait_for_properties_seconds,
        });
        if let Some(url) = &self.url {
            input["url"] = json!(url);
        }
        (input, faults)
    }

    /// Where something stands in for secrets, by JSON pointer.
    fn stand_ins(&self, secrets: Secrets) -> Vec<String> {
        if secrets == Secrets::Needed {
            return Vec::new();
        }
        let is_reference = |given: &Given| matches!(given, Given::Reference(_));
        let headers = self.headers.iter().enumerate();
        let headers = headers.filter(|(_, header)| is_reference(&header.value));
        let headers = headers.map(|(index, _)| format!("/headers/{index}/value"));
        let parameters = self.parameters.iter();
        let parameters = parameters.filter(|(_, given)| is_reference(given));
        let parameters = parameters.map(|(name, _)| format!("/parameters/{name}"));
        headers.chain(parameters).collect()
    }

    /// Takes over where another file of the same sync says that secrets are found.
    pub(super) fn keep_references(&mut self, other: &Self) {
        let is_reference = |given: &Given| matches!(given, Given::Reference(_));
        for header in self
            .headers
            .iter_mut()
            .filter(|header| is_reference(&header.value))
        {
            let same = other.headers.iter().find(|each| each.name == header.name);
            if let Some(same) = same.filter(|same| is_reference(&same.value)) {
                header.value = same.value.clone();
            }
        }
        for (name, given) in &mut self.parameters {
            let same = other.parameters.get(name).filter(|same| is_reference(same));
            if let Some(same) = same.filter(|_| is_reference(given)) {
                *given = same.clone();
            }
        }
    }

    /// Values that are given as they are where the server keeps a secret, by JSON pointer.
    pub(super) fn plain_secrets(&self, stored: &Value) -> Vec<String> {
        let is_secret = |value: &Value| value["secret"] == true;
        let mut found = Vec::new();
        for (index, header) in self.headers.iter().enumerate() {
            let stored = stored["headers"].as_array().into_iter().flatten();
            let mut same = stored.filter(|each| each["name"] == header.name.as_str());
            let secret = same.next().is_some_and(|each| is_secret(&each["value"]));
            if secret && !matches!(header.value, Given::Reference(_)) {
                found.push(format!("/headers/{index}/value"));
            }
        }
        for (name, given) in &self.parameters {
            if is_secret(&stored["parameters"][name]) && !matches!(given, Given::Reference(_)) {
                found.push(format!("/parameters/{name}"));
            }
        }
        found
    }
}

/// The name of the variable that has a secret.
fn variable(prefix: &str, name: &str) -> String {
    let whole = format!("{prefix} {name}");
    let letters = whole.chars().map(|c| match c.to_ascii_uppercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '_',
    });
    let name: String = letters.collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}

/// What of a definition is compared, and what is sent but for the picture, of which these are facts.
pub(super) fn definition_content(
    definition: &Definition,
    logo: Option<&Logo>,
) -> anyhow::Result<Value> {
    let mut content = serde_json::to_value(definition)?;
    let members = content
        .as_object_mut()
        .context("a definition is an object")?;
    for field in ["id", "version", "extra_headers", "own_templates"] {
        members.remove(field);
    }
    content["about"]
        .as_object_mut()
        .map(|about| about.remove("logo"));
    if let Some(logo) = logo {
        content["logo"] = logo.facts();
    }
    Ok(content)
}

/// A definition's content as the server shows it.
pub(super) fn definition_from_view(id: &Value, content: &Value) -> anyhow::Result<Definition> {
    let mut whole = content.clone();
    whole["id"] = id.clone();
    whole["version"] = json!(1);
    serde_json::from_value(whole).context("the server's definition can't be read")
}

/// Where a secret is found, for messages of tests.
#[cfg(test)]
pub(super) fn env(name: &str) -> Given {
    Given::Reference(super::secret::Reference::Env(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> Value {
        json!({
            "id": "sync_1", "project": "prj_1", "version": 3, "created_at": "x", "updated_at": "x",
            "name": "To A", "notes": "", "enabled": true, "url": null,
            "definition": {"id": "dst_1", "version": 2, "name": "A"},
            "headers": [{"name": "X-Key", "secret": true, "value": null}],
            "parameters": {"key": {"secret": true, "value": null}, "on": {"secret": false, "value": "true"}},
            "events": {"send": true, "select": {"all": {}}}, "users": {"send": false},
            "properties": [{"scope": "event", "name": "x"}], "mappings": {}, "mapping_kinds": {},
            "property_choice": "only", "withhold_properties": false,
            "user_agent": "millstream", "typed_properties": null, "concurrency": null, "requests_per_minute": null, "order": "none",
            "wait_for_properties_seconds": null,
        })
    }

    #[test]
    fn secrets_of_a_sync_are_variables_that_a_former_file_may_name() {
        let mut file = SyncFile::from_view(&view(), "shop to a").unwrap();
        assert_eq!(file.parameters["key"], env("SHOP_TO_A_KEY"));
        assert_eq!(file.parameters["on"], Given::Text("true".into()));
        assert_eq!(file.headers[0].value, env("SHOP_TO_A_X_KEY"));
        let mut former = file.clone();
        former.parameters.insert("key".into(), env("OTHER"));
        file.keep_references(&former);
        assert_eq!(file.parameters["key"], env("OTHER"));
    }

    #[test]
    fn a_file_compares_as_equal_to_what_the_server_shows_of_it() {
        let text = "name: To A\nenabled: true\ndefinition: {name: A}\nheaders: [{name: X-Key, value: {env: K}}]\n\
                    parameters: {key: {file: k}, 'on': true}\nproperties: [{scope: event, name: x}]\n";
        let document = Document::parse(Path::new("a.yaml"), text).unwrap();
        let file: SyncFile = document.typed().unwrap();
        let stored = SyncFile::from_view(&view(), "p")
            .unwrap()
            .content()
            .unwrap();
        assert_eq!(file.content().unwrap(), stored);
        assert!(file.plain_secrets(&stored).is_empty());
    }

    #[test]
    fn a_secret_that_stands_in_the_file_is_found() {
        let text = "name: To A\nheaders: [{name: X-Key, value: s}]\nparameters: {key: s}\n";
        let document = Document::parse(Path::new("a.yaml"), text).unwrap();
        let file: SyncFile = document.typed().unwrap();
        let stored = SyncFile::from_view(&view(), "p")
            .unwrap()
            .content()
            .unwrap();
        assert_eq!(
            file.plain_secrets(&stored),
            ["/headers/0/value", "/parameters/key"]
        );
    }

    #[test]
    fn a_secret_that_is_missing_is_told_with_its_place() {
        let text = "name: To A\nparameters:\n  key: {env: MILLSTREAM_TEST_NO_SUCH_VARIABLE}\n";
        let document = Document::parse(Path::new("a.yaml"), text).unwrap();
        let faults = document
            .typed::<SyncFile>()
            .unwrap()
            .input(&document, Secrets::Needed)
            .unwrap_err();
        assert_eq!(
            faults[0].to_string(),
            "a.yaml:3:3: the variable MILLSTREAM_TEST_NO_SUCH_VARIABLE is not set"
        );
    }
}
