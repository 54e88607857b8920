//! `millstream sync create destination`.

use clap::Args;
use serde_json::{Map, Value, json};

use super::remote;
use super::{Failure, catalog, output, project};

/// Options of `millstream sync create destination`.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The destination's name in the catalog, or its id.
    #[arg(value_name = "DESTINATION")]
    definition: String,
    /// The project whose events are sent: its id or name.
    #[arg(long)]
    project: String,
    /// As people call it. Without it: the destination's name.
    #[arg(long)]
    name: Option<String>,
    /// The destination's version. Without it: the newest.
    #[arg(long, value_name = "N")]
    of_version: Option<u32>,
    #[command(flatten)]
    filled: Filled,
    /// A property that goes along (repeatable), written as in --mapping.
    #[arg(long = "property", value_name = "PROPERTY")]
    properties: Vec<String>,
    /// An event type to send (repeatable). Without it: all.
    #[arg(long = "event", value_name = "TYPE")]
    events: Vec<String>,
    /// Don't send events.
    #[arg(long, conflicts_with = "events")]
    no_events: bool,
    /// Send users: with each event, and on each identify.
    #[arg(long)]
    send_users: bool,
    /// Make it disabled; `millstream sync enable` starts it.
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    pub(super) server: remote::Options,
}

/// What fills the fields of a destination's form.
#[derive(Debug, Default, Args)]
pub(super) struct Filled {
    /// A parameter of the destination's (repeatable).
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// A secret parameter, by the variable of the environment that has it (repeatable).
    #[arg(long = "secret", value_name = "NAME=VARIABLE")]
    secrets: Vec<String>,
    /// What fills a mapping (repeatable): event:NAME, user:NAME, field:NAME or group:TYPE:NAME.
    #[arg(long = "mapping", value_name = "NAME=PROPERTY")]
    mappings: Vec<String>,
    /// What kind of identifier fills a mapping, where the destination lets choose (repeatable).
    #[arg(long = "kind", value_name = "MAPPING=KIND")]
    kinds: Vec<String>,
}

impl Filled {
    /// The fields of a request's body: only those in which something is filled.
    pub(super) fn fields(&self) -> Result<Map<String, Value>, Failure> {
        let mut parameters = Map::new();
        for text in &self.parameters {
            let (name, value) = pair(text)?;
            parameters.insert(name.to_owned(), json!({"value": value}));
        }
        for text in &self.secrets {
            let (name, variable) = pair(text)?;
            let value = std::env::var(variable)
                .map_err(|_| Failure::usage(format!("the variable {variable} is not set")))?;
            parameters.insert(name.to_owned(), json!({"value": value, "secret": true}));
        }
        let mut mappings = Map::new();
        for text in &self.mappings {
            let (name, text) = pair(text)?;
            mappings.insert(name.to_owned(), property(text)?);
        }
        let mut kinds = Map::new();
        for text in &self.kinds {
            let (name, kind) = pair(text)?;
            kinds.insert(name.to_owned(), json!(kind));
        }
        let sections = [
            ("parameters", parameters),
            ("mappings", mappings),
            ("mapping_kinds", kinds),
        ];
        let filled = sections
            .into_iter()
            .filter(|(_, fields)| !fields.is_empty());
        let filled = filled.map(|(section, fields)| (section.to_owned(), Value::Object(fields)));
        Ok(filled.collect())
    }
}

impl Connect {
    /// Makes the sync; returns it.
    pub(super) async fn create(&self) -> Result<Value, Failure> {
        let mut input = self.input()?;
        let remote = self.server.connect()?;
        let project = output::text(&project::find(&remote, &self.project).await?["id"]);
        let destination = catalog::find(&remote, &self.definition).await?;
        let tile = &destination["tile"];
        input["definition"] = json!({"id": tile["definition"], "version": self.of_version});
        if self.name.is_none() {
            input["name"] = tile["display_name"].clone();
        }
        let path = format!("/api/v1/projects/{project}/syncs");
        Ok(remote.create(&path, &input).await?)
    }

    /// The request's body, but for the destination.
    fn input(&self) -> Result<Value, Failure> {
        let properties = self.properties.iter().map(|text| property(text));
        let properties = properties.collect::<Result<Vec<_>, _>>()?;
        let mut events = json!({"send": !self.no_events});
        if !self.events.is_empty() {
            let types = self.events.iter();
            let types: Vec<_> = types.map(|each| json!({"event_type": each})).collect();
            events["select"] = json!({"types": types});
        }
        let mut input = json!({
            "name": self.name,
            "enabled": !self.disabled,
            "properties": properties,
            "events": events,
            "users": {"send": self.send_users},
        });
        if let Value::Object(input) = &mut input {
            input.extend(self.filled.fields()?);
        }
        Ok(input)
    }
}

fn pair(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('=')
        .ok_or_else(|| Failure::usage(format!("{text} has no =: give NAME=VALUE")))
}

/// A property as it is written on the command line.
fn property(text: &str) -> Result<Value, Failure> {
    let parts = text.split_once(':');
    Ok(match parts {
        Some((scope @ ("event" | "user" | "field"), name)) => {
            json!({"scope": scope, "name": name})
        }
        Some(("group", rest)) if rest.contains(':') => {
            let (group_type, name) = rest.split_once(':').unwrap_or_default();
            json!({"scope": "group", "group_type": group_type, "name": name})
        }
        _ => {
            let message = format!(
                "{text} is no property: give event:NAME, user:NAME, field:NAME or group:TYPE:NAME"
            );
            return Err(Failure::usage(message));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_written_with_its_scope() {
        for (text, value) in [
            ("user:plan", json!({"scope": "user", "name": "plan"})),
            ("event:a:b", json!({"scope": "event", "name": "a:b"})),
            (
                "group:org:plan",
                json!({"scope": "group", "group_type": "org", "name": "plan"}),
            ),
        ] {
            assert_eq!(property(text).unwrap(), value);
        }
        for wrong in ["plan", "group:org", "usr:plan"] {
            assert!(property(wrong).is_err(), "{wrong}");
        }
    }
}
