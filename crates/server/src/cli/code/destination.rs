//! What new syncs connect once a plan is carried out.

use std::collections::BTreeMap;

use model::definition::Definition;
use serde_json::{Value, json};

use super::files::{SyncFile, WEBHOOK, definition_content, definition_from_view};
use super::local::{Kind, Wanted};
use super::plan::{Action, Plan, Step};
use crate::cli::output::text;
use crate::cli::remote::{Remote, query};
use crate::source::Fault;

/// A destination as the catalog has it.
#[derive(Debug, Clone)]
struct Tile {
    id: String,
    newest: u64,
    definition: Definition,
}

/// What a new sync connects.
#[derive(Debug)]
pub(super) enum Chosen {
    /// A version that is there.
    There {
        /// The definition's id.
        id: String,
        /// The newest version that can be connected then.
        newest: u64,
        definition: Box<Definition>,
    },
    /// One that is still to be released, or to be offered again.
    Later {
        newest: u64,
        content: Value,
        definition: Box<Definition>,
    },
    /// Nothing: why.
    Nothing(String),
}

/// Finds what new syncs connect.
pub(super) struct Destinations<'r> {
    remote: &'r Remote,
    organisation: &'r str,
    /// What the catalog has, by names that were asked for.
    tiles: BTreeMap<String, Option<Tile>>,
}

impl<'r> Destinations<'r> {
    pub(super) fn new(remote: &'r Remote, organisation: &'r str) -> Self {
        Self {
            remote,
            organisation,
            tiles: BTreeMap::new(),
        }
    }

    /// Where something of the organisation is.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/api/v1/organisations/{}/{rest}", self.organisation)
    }

    /// What the sync of a file will connect.
    pub(super) async fn choose(&mut self, plan: &Plan, file: &SyncFile) -> anyhow::Result<Chosen> {
        let name = file.definition.name.as_str();
        let version = file.definition.version.map(u64::from);
        let mut released = plan.steps.iter().filter(|step| step.release);
        if let Some(step) = released.find(|step| step.name == name)
            && let Some(chosen) = step.chosen(version)
        {
            return Ok(chosen);
        }
        let tile = self.tile(name).await?;
        // What is released has the name that its folder says.
        let tile = tile.filter(|tile| {
            let mut released = plan.steps.iter().filter(|step| step.release);
            !released.any(|step| step.is(&tile.id))
        });
        if let Some(Tile {
            id,
            newest,
            definition,
        }) = tile
        {
            let definition = Box::new(definition);
            return Ok(Chosen::There {
                id,
                newest,
                definition,
            });
        }
        for step in plan
            .steps
            .iter()
            .filter(|step| step.relist && !step.release)
        {
            if let Some(chosen) = self.listed_again(step, name, version).await? {
                return Ok(chosen);
            }
        }
        Ok(Chosen::Nothing(plan.unknown(name)))
    }

    /// The destination that the catalog has by a name.
    async fn tile(&mut self, name: &str) -> anyhow::Result<Option<Tile>> {
        if let Some(known) = self.tiles.get(name) {
            return Ok(known.clone());
        }
        let catalog = self.path("catalog");
        let tiles = query(&catalog, &[("text", Some(name))]);
        let tiles = self.remote.list(&tiles).await?;
        let tile = match tiles.iter().find(|tile| tile["display_name"] == name) {
            None => None,
            Some(tile) => {
                let id = text(&tile["definition"]);
                let definition = match name {
                    WEBHOOK => Definition::webhook(),
                    _ => {
                        let shown = self.remote.get(&format!("{catalog}/{id}")).await?;
                        definition_from_view(&tile["definition"], &shown["content"])?
                    }
                };
                Some(Tile {
                    newest: tile["version"].as_u64().unwrap_or(0),
                    definition,
                    id,
                })
            }
        };
        self.tiles.insert(name.to_owned(), tile.clone());
        Ok(tile)
    }

    /// A destination of this name that the catalog doesn't show until the step is taken.
    async fn listed_again(
        &self,
        step: &Step,
        name: &str,
        version: Option<u64>,
    ) -> anyhow::Result<Option<Chosen>> {
        let Some(found) = &step.found else {
            return Ok(None);
        };
        let Some(newest) = found.view["newest"].as_u64() else {
            return Ok(None);
        };
        let read = async |version: u64| {
            let path = format!("{}/versions/{version}", found.path);
            let shown = self.remote.get(&path).await?;
            definition_from_view(&found.view["id"], &shown["content"])
        };
        let latest = read(newest).await?;
        if latest.display_name != name {
            return Ok(None);
        }
        let definition = match version {
            Some(version) if (1..newest).contains(&version) => read(version).await?,
            _ => latest,
        };
        Ok(Some(Chosen::Later {
            newest,
            content: definition_content(&definition, None)?,
            definition: Box::new(definition),
        }))
    }
}

impl Step {
    /// Whether it is about the object with this id.
    fn is(&self, id: &str) -> bool {
        self.found.as_ref().is_some_and(|found| found.id == id)
    }

    /// What a new sync connects that names the definition which the step releases.
    fn chosen(&self, version: Option<u64>) -> Option<Chosen> {
        let newest = self.next_version()?;
        let definition = Box::new(self.definition()?.clone());
        let is_there = version.filter(|version| (1..newest).contains(version));
        match (is_there, &self.found) {
            (Some(_), Some(found)) => Some(Chosen::There {
                id: found.id.clone(),
                newest,
                definition,
            }),
            _ => Some(Chosen::Later {
                newest,
                content: self.definition_content()?,
                definition,
            }),
        }
    }
}

impl Plan {
    /// Why a sync can't connect what the catalog doesn't have.
    fn unknown(&self, name: &str) -> String {
        let mut definitions = self.steps.iter();
        let is_draft = definitions.any(|step| {
            step.kind == Kind::Definition && step.name == name && step.action != Action::Delete
        });
        match is_draft {
            true => format!("{name} was never released: --release does that"),
            false => format!("the catalog has no destination {name}; is it released?"),
        }
    }
}

impl Chosen {
    /// What keeps the sync of a file from connecting it, and secrets that stand in the file.
    pub(super) fn faults(&self, wanted: &Wanted, file: &SyncFile) -> Vec<Fault> {
        let (newest, definition) = match self {
            Self::Nothing(why) => return vec![wanted.fault("/definition/name", None, why)],
            Self::There {
                newest, definition, ..
            }
            | Self::Later {
                newest, definition, ..
            } => (*newest, definition),
        };
        let version = file.definition.version.map(u64::from);
        let wrong = match version {
            Some(0) => Some("versions count from 1".to_owned()),
            Some(version) if version > newest => Some(format!("the newest version is {newest}")),
            _ => None,
        };
        let wrong = wrong.map(|message| wanted.fault("/definition/version", None, message));
        let declared = definition.parameters.iter();
        let secrets = declared.filter(|each| each.is_secret());
        let secrets = secrets.map(|each| (each.name.clone(), json!({"secret": true})));
        let secrets: serde_json::Map<_, _> = secrets.collect();
        let plain = file.plain_secrets(&json!({"parameters": secrets}));
        let plain = plain.iter().map(|pointer| {
            let message = "give a secret by reference: {env: NAME} or {file: PATH}";
            wanted.fault(pointer, None, message)
        });
        wrong.into_iter().chain(plain).collect()
    }

    /// The request that checks a sync with these settings; `None` where there is nothing to check it by.
    pub(super) fn check(&self, file: &SyncFile, settings: Value) -> Option<Value> {
        let mut sync = settings;
        match self {
            Self::Nothing(_) => return None,
            Self::Later { content, .. } => {
                return Some(json!({"sync": sync, "content": content}));
            }
            Self::There { id, newest, .. } => {
                sync["definition"] = json!({"id": id});
                let version = file.definition.version.map(u64::from);
                if let Some(version) = version.filter(|version| (1..=*newest).contains(version)) {
                    sync["definition"]["version"] = json!(version);
                }
            }
        }
        Some(json!({"sync": sync}))
    }
}
