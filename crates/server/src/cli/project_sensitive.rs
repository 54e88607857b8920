//! `millstream project sensitive`.

use std::str::FromStr;

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::project::find;
use super::remote;
use super::{Failure, output};

/// Whose properties there are, as the control API names the lists.
const OWNERS: [&str; 3] = ["event", "user", "group"];

#[derive(Debug, Args)]
pub(crate) struct Sensitive {
    /// The project's id or name.
    project: String,
    /// Mask the values of a property: event:NAME, user:NAME or group:NAME. A NAME may go into objects
    /// (address.street) and stand for all that begin so (card_*).
    #[arg(long, value_name = "WHOSE:NAME")]
    mark: Vec<Marked>,
    /// Show the values of a property again: a name as it was marked.
    #[arg(long, value_name = "WHOSE:NAME")]
    unmark: Vec<Marked>,
    #[command(flatten)]
    server: remote::Options,
}

/// A name and whose property it is.
#[derive(Debug, Clone)]
struct Marked {
    owner: &'static str,
    name: String,
}

impl FromStr for Marked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = text.split_once(':').and_then(|(owner, name)| {
            let owner = OWNERS.into_iter().find(|each| *each == owner)?;
            let name = Some(name.trim()).filter(|name| !name.is_empty())?;
            Some((owner, name.to_owned()))
        });
        let (owner, name) =
            found.ok_or("expected event:NAME, user:NAME or group:NAME, such as user:email")?;
        Ok(Self { owner, name })
    }
}

impl Sensitive {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let mut project = find(&remote, &self.project).await?;
        if !self.mark.is_empty() || !self.unmark.is_empty() {
            let sensitive = self.applied_to(&project["sensitive"])?;
            let path = format!("/api/v1/projects/{}", output::text(&project["id"]));
            let version = project["version"].as_u64().unwrap_or_default();
            let body = json!({"sensitive": sensitive});
            let changed = remote.call_if(Method::PATCH, &path, version, Some(&body));
            project = changed.await?;
        }
        if self.server.json {
            return Ok(output::print_json(&project["sensitive"])?);
        }
        let fields = [
            ("Project", output::text(&project["name"])),
            ("Sensitive", listed(&project["sensitive"])),
        ];
        output::print_fields(&fields);
        Ok(())
    }

    /// The lists with what is marked and without what is unmarked.
    fn applied_to(&self, present: &Value) -> Result<Value, Failure> {
        let mut lists = present.clone();
        for unmarked in &self.unmark {
            let names = lists[unmarked.owner].as_array_mut();
            let before = names.as_ref().map_or(0, |names| names.len());
            if let Some(names) = names {
                names.retain(|name| name.as_str() != Some(&unmarked.name));
                if names.len() < before {
                    continue;
                }
            }
            let (owner, name) = (unmarked.owner, &unmarked.name);
            let message = format!("{owner}:{name} is not marked");
            return Err(anyhow::anyhow!(message).into());
        }
        for marked in &self.mark {
            if let Some(names) = lists[marked.owner].as_array_mut() {
                names.push(json!(marked.name));
            }
        }
        Ok(lists)
    }
}

/// All names in a line.
pub(super) fn listed(sensitive: &Value) -> String {
    let names = OWNERS.into_iter().flat_map(|owner| {
        let names = sensitive[owner].as_array().into_iter().flatten();
        names.map(move |name| format!("{owner}:{}", output::text(name)))
    });
    let names: Vec<_> = names.collect();
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    }
}
