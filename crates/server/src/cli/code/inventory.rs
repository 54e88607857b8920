//! What an organisation has on the server.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use model::definition::Definition;
use serde_json::Value;

use super::files::{ProjectFile, SyncFile, definition_content, definition_from_view};
use super::local::Kind;
use super::obstacle;
use super::plan::ARCHIVED;
use crate::cli::output::text;
use crate::cli::remote::Remote;
use crate::definition::Logo;

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
    /// Of a definition: the picture of its draft.
    pub(super) logo: Option<Logo>,
    /// As the server shows it.
    pub(super) view: Value,
}

/// What an organisation has.
#[derive(Debug)]
pub(super) struct Inventory {
    /// The organisation's id.
    pub(super) organisation: String,
    /// What the token allows in it, by the names of permissions.
    pub(super) permissions: BTreeSet<String>,
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
        mut pictures: Pictures<'_>,
        released: bool,
    ) -> anyhow::Result<Self> {
        let organisation = remote.organisation().await?;
        let permissions = obstacle::permissions(&organisation);
        let organisation = text(&organisation["id"]);
        let mut found = Vec::new();
        let definitions = format!("/api/v1/organisations/{organisation}/definitions");
        for listed in remote.list(&definitions).await? {
            let path = format!("{definitions}/{}", text(&listed["id"]));
            let view = remote.get(&path).await?;
            let mut definition = Found::definition(view, path, &mut pictures).await?;
            if released {
                definition.fetch_released(&mut pictures).await?;
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
            permissions,
            found,
        })
    }
}

impl Found {
    /// A definition, from what the server shows of it.
    pub(super) async fn definition(
        view: Value,
        path: String,
        pictures: &mut Pictures<'_>,
    ) -> anyhow::Result<Self> {
        let definition = definition_from_view(&view["id"], &view["draft"])?;
        let logo = pictures.of(&definition).await?;
        Ok(Self {
            kind: Kind::Definition,
            id: text(&view["id"]),
            name: definition.display_name.clone(),
            version: version(&view["revision"])?,
            content: definition_content(&definition, logo.as_ref())?,
            path,
            project: None,
            released: None,
            logo,
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
            logo: None,
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
            logo: None,
            view,
        })
    }

    /// Whether it is a definition that neither new syncs can connect nor the catalog shows.
    pub(super) fn is_archived(&self) -> bool {
        self.kind == Kind::Definition && self.view["listing"] == ARCHIVED
    }

    async fn fetch_released(&mut self, pictures: &mut Pictures<'_>) -> anyhow::Result<()> {
        let Some(newest) = self.view["newest"].as_u64() else {
            return Ok(());
        };
        let version = pictures
            .remote
            .get(&format!("{}/versions/{newest}", self.path))
            .await?;
        let definition = definition_from_view(&self.view["id"], &version["content"])?;
        let logo = pictures.of(&definition).await?;
        self.released = Some(definition_content(&definition, logo.as_ref())?);
        Ok(())
    }
}

/// The pictures of definitions, by what the server calls them: those in the folder, and those that were
/// asked for.
pub(super) struct Pictures<'r> {
    remote: &'r Remote,
    known: BTreeMap<String, Logo>,
}

impl<'r> Pictures<'r> {
    /// Knows these, and asks the server for others.
    pub(super) fn new<'l>(remote: &'r Remote, known: impl IntoIterator<Item = &'l Logo>) -> Self {
        let known = known.into_iter();
        let known = known.map(|logo| (logo.hash().to_owned(), logo.clone()));
        Self {
            remote,
            known: known.collect(),
        }
    }

    /// A definition's picture.
    async fn of(&mut self, definition: &Definition) -> anyhow::Result<Option<Logo>> {
        let Some(hash) = &definition.about.logo else {
            return Ok(None);
        };
        if let Some(known) = self.known.get(hash) {
            return Ok(Some(known.clone()));
        }
        let path = format!("/api/v1/logos/{hash}");
        let file = self.remote.get_bytes(&path).await?;
        let logo = Logo::read(&file).map_err(anyhow::Error::msg)?;
        self.known.insert(hash.clone(), logo.clone());
        Ok(Some(logo))
    }
}

fn version(value: &Value) -> anyhow::Result<u64> {
    value.as_u64().context("the server's answer has no version")
}
