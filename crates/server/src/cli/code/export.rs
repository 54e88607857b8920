//! Writes what an organisation has as files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use model::definition::Definition;
use serde_json::Value;

use super::files::{ProjectFile, SyncFile, definition_from_view};
use super::inventory::{Found, Inventory};
use super::local::{DEFINITIONS, Kind, PROJECT, PROJECTS, SYNCS, YAML};
use super::lock::{Lock, Locked};
use super::schema;
use crate::definition::folder::{self, schema_line, without_nulls, write_text};
use crate::definition::scaffold::slug;
use crate::source::{Document, to_yaml};

/// The folder of schemas.
const SCHEMAS: &str = "schemas";

/// An organisation's files.
pub(super) struct Export<'e> {
    folder: &'e Path,
    lock: Lock,
    taken: BTreeSet<String>,
}

impl<'e> Export<'e> {
    /// To a folder; objects that the lock knows keep their addresses.
    pub(super) fn new(folder: &'e Path, lock: Lock) -> Self {
        let taken = lock.objects.keys().cloned().collect();
        Self {
            folder,
            lock,
            taken,
        }
    }

    /// Writes everything; returns the lock, and how many objects there are.
    pub(super) fn write(mut self, inventory: &Inventory) -> anyhow::Result<(Lock, usize)> {
        let schemas = self.folder.join(SCHEMAS);
        fs::create_dir_all(&schemas).with_context(|| schemas.display().to_string())?;
        for schema in schema::ALL {
            write_text(&schemas.join(schema.file), &schema.text()?)?;
        }
        let known: BTreeSet<&str> = inventory.found.iter().map(|each| &*each.id).collect();
        self.lock
            .objects
            .retain(|_, locked| known.contains(&*locked.id));
        let mut count = 0;
        for found in &inventory.found {
            // A folder says that its definition is offered: what is archived gets none.
            if found.is_archived() {
                self.archived(found);
                continue;
            }
            count += 1;
            let address = self.address(found)?;
            match found.kind {
                Kind::Definition => self.definition(&address, found)?,
                Kind::Project => self.project(&address, found)?,
                Kind::Sync => self.sync(&address, found)?,
            }
            self.lock.objects.insert(address, Locked::of(found));
        }
        Ok((self.lock, count))
    }

    /// Knows from now on that a definition of the lock is archived.
    fn archived(&mut self, found: &Found) {
        let mut objects = self.lock.objects.values_mut();
        if let Some(locked) = objects.find(|locked| locked.id == found.id) {
            *locked = Locked::of(found);
        }
    }

    /// Where an object's files are: as before, or named after it.
    fn address(&mut self, found: &Found) -> anyhow::Result<String> {
        if let Some(address) = self.address_of(&found.id) {
            return Ok(address);
        }
        let parent = match (found.kind, &found.project) {
            (Kind::Definition, _) => DEFINITIONS.to_owned(),
            (Kind::Project, _) => PROJECTS.to_owned(),
            (Kind::Sync, project) => {
                let project = project.as_ref().and_then(|id| self.address_of(id));
                let project = project.context("a sync's project isn't among the projects")?;
                format!("{project}/{SYNCS}")
            }
        };
        let first = format!("{parent}/{}", slug(&found.name));
        let mut address = first.clone();
        let mut number = 1;
        while !self.taken.insert(address.clone()) {
            number += 1;
            address = format!("{first}-{number}");
        }
        Ok(address)
    }

    fn address_of(&self, id: &str) -> Option<String> {
        let mut known = self.lock.objects.iter();
        let known = known.find(|(_, locked)| locked.id == id);
        known.map(|(address, _)| address.clone())
    }

    fn definition(&self, address: &str, found: &Found) -> anyhow::Result<()> {
        let definition: Definition = definition_from_view(&found.view["id"], &found.view["draft"])?;
        let schema = format!("../../{SCHEMAS}/{}", schema::DEFINITION.file);
        let folder = self.folder.join(address);
        folder::write(&definition, found.logo.as_ref(), &folder, &schema)
    }

    fn project(&self, address: &str, found: &Found) -> anyhow::Result<()> {
        let file = ProjectFile::from_view(&found.view)?;
        let schema = format!("../../{SCHEMAS}/{}", schema::PROJECT.file);
        let path = self.folder.join(address).join(PROJECT);
        write_yaml(&path, &schema, serde_json::to_value(file)?)
    }

    fn sync(&self, address: &str, found: &Found) -> anyhow::Result<()> {
        let path = self.folder.join(format!("{address}.{YAML}"));
        let prefix = address.trim_start_matches(PROJECTS).replace(SYNCS, "");
        let prefix: Vec<_> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        let mut file = SyncFile::from_view(&found.view, &prefix.join(" "))?;
        // Secrets stay where the files there say that they are.
        let former = Document::open(&path).and_then(|document| document.typed::<SyncFile>());
        if let Ok(former) = former {
            file.keep_references(&former);
        }
        let schema = format!("../../../{SCHEMAS}/{}", schema::SYNC.file);
        write_yaml(&path, &schema, serde_json::to_value(file)?)
    }
}

fn write_yaml(path: &Path, schema: &str, value: Value) -> anyhow::Result<()> {
    let folder = path.parent().context("a file is in a folder")?;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let text = format!("{}{}", schema_line(schema), to_yaml(&without_nulls(value)));
    write_text(path, &text)
}

/// Refuses a folder that holds something.
pub(super) fn demand_empty(folder: &PathBuf) -> anyhow::Result<()> {
    let is_used = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_used {
        bail!(
            "{} is there already; --force writes over its files",
            folder.display()
        );
    }
    Ok(())
}
