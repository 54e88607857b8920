//! What an organisation has on the server.

use anyhow::Context;
use serde_json::Value;

use super::files::{ProjectFile, SyncFile, definition_content, definition_from_view};
use super::local::Kind;
use crate::cli::output::text;
use crate::cli::remote::Remote;

/// An object of the server.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// As people call it.
    pub(super) name: String,
    /// What `If-Match` carries.
    pub(super) version: u64,
    /// What is compared.
    pub(super) content: Value,
    /// Where it is.
    pub(super) path: String,
    /// The id of its project.
    pub(super) project: Option<String>,
    /// Of a definition: what its newest version says, where that was asked for.
    pub(super) released: Option<Value>,
    /// As the server shows it.
    pub(super) view: Value,
}

/// What an organisation has.
#[derive(Debug)]
pub(super) struct Inventory {
    /// The organisation's id.
    pub(super) organisation: String,
    pub(super) found: Vec<Found>,
}

/// Which syncs are needed.
pub(super) enum Syncs<'s> {
    All,
    /// Those of projects with these ids or names.
    Of(&'s [String]),
}

impl Inventory {
    /// Asks the server; with what the newest versions say if `released`.
    pub(super) async fn fetch(
        remote: &Remote,
        syncs: Syncs<'_>,
        released: bool,
    ) -> anyhow::Result<Self> {
        let organisation = text(&remote.organisation().await?["id"]);
        let mut found = Vec::new();
        let definitions = format!("/api/v1/organisations/{organisation}/definitions");
        for view in remote.list(&definitions).await? {
            let path = format!("{definitions}/{}", text(&view["id"]));
            let mut definition = Found::definition(view, path)?;
            if released {
                definition.fetch_released(remote).await?;
            }
            found.push(definition);
        }
        for view in remote.projects().await? {
            let project = Found::project(view)?;
            let is_needed = match syncs {
                Syncs::All => true,
                Syncs::Of(wanted) => wanted.contains(&project.id) || wanted.contains(&project.name),
            };
            if is_needed {
                for view in remote.list(&format!("{}/syncs", project.path)).await? {
                    found.push(Found::sync(view, &project.path)?);
                }
            }
            found.push(project);
        }
        found.sort_by_key(|each| each.kind);
        Ok(Self {
            organisation,
            found,
        })
    }
}

impl Found {
    /// A definition, from what the server shows of it.
    pub(super) fn definition(view: Value, path: String) -> anyhow::Result<Self> {
        let definition = definition_from_view(&view["id"], &view["draft"])?;
        Ok(Self {
            kind: Kind::Definition,
            id: text(&view["id"]),
            name: definition.display_name.clone(),
            version: version(&view["revision"])?,
            content: definition_content(&definition)?,
            path,
            project: None,
            released: None,
            view,
        })
    }

    /// A project, from what the server shows of it.
    pub(super) fn project(view: Value) -> anyhow::Result<Self> {
        Ok(Self {
            kind: Kind::Project,
            id: text(&view["id"]),
            name: text(&view["name"]),
            version: version(&view["version"])?,
            content: ProjectFile::from_view(&view)?.content()?,
            path: format!("/api/v1/projects/{}", text(&view["id"])),
            project: None,
            released: None,
            view,
        })
    }

    /// A sync of the project at `project`, from what the server shows of it.
    pub(super) fn sync(view: Value, project: &str) -> anyhow::Result<Self> {
        Ok(Self {
            kind: Kind::Sync,
            id: text(&view["id"]),
            name: text(&view["name"]),
            version: version(&view["version"])?,
            content: SyncFile::from_view(&view, "")?.content()?,
            path: format!("{project}/syncs/{}", text(&view["id"])),
            project: Some(text(&view["project"])),
            released: None,
            view,
        })
    }

    async fn fetch_released(&mut self, remote: &Remote) -> anyhow::Result<()> {
        let Some(newest) = self.view["newest"].as_u64() else {
            return Ok(());
        };
        let version = remote
            .get(&format!("{}/versions/{newest}", self.path))
            .await?;
        let definition = definition_from_view(&self.view["id"], &version["content"])?;
        self.released = Some(definition_content(&definition)?);
        Ok(())
    }
}

fn version(value: &Value) -> anyhow::Result<u64> {
    value.as_u64().context("the server's answer has no version")
}
