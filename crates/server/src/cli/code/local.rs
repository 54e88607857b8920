//! What a folder says that there should be.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{ProjectFile, SyncFile, definition_content};
use crate::definition::folder::DEFINITION;
use crate::definition::{Folder, Logo};
use crate::source::{Document, Fault, entries};

/// The folder of definitions.
pub(super) const DEFINITIONS: &str = "definitions";
/// The folder of projects.
pub(super) const PROJECTS: &str = "projects";
/// A project's file in its folder.
pub(super) const PROJECT: &str = "project.yaml";
/// The folder of syncs in a project's.
pub(super) const SYNCS: &str = "syncs";
/// The ending of a sync's file.
pub(super) const YAML: &str = "yaml";

/// More than that no organisation has.
const MOST_ENTRIES: usize = 10_000;

/// What an object is. In the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Definition,
    Project,
    Sync,
}

impl Kind {
    /// The kind of what is at an address.
    pub(super) fn at(address: &str) -> Option<Self> {
        let parts: Vec<_> = address.split('/').collect();
        match parts.as_slice() {
            [DEFINITIONS, _] => Some(Self::Definition),
            [PROJECTS, _] => Some(Self::Project),
            [PROJECTS, _, SYNCS, _] => Some(Self::Sync),
            _ => None,
        }
    }
}

/// An object that should be there.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Its path in the folder, without an ending.
    pub(super) address: String,
    /// As people call it.
    pub(super) name: String,
    /// What is compared.
    pub(super) content: Value,
    /// What it is.
    pub(super) source: Source,
}

/// The files of an object.
#[derive(Debug)]
pub(super) enum Source {
    Definition {
        folder: Box<Folder>,
        /// Its picture.
        logo: Option<Logo>,
    },
    Project(Document),
    Sync {
        /// The address of its project.
        project: String,
        file: Box<SyncFile>,
        document: Document,
    },
}

impl Wanted {
    pub(super) fn kind(&self) -> Kind {
        match self.source {
            Source::Definition { .. } => Kind::Definition,
            Source::Project(_) => Kind::Project,
            Source::Sync { .. } => Kind::Sync,
        }
    }

    /// What is wrong at a JSON pointer into the object, or at a line and column of a template there.
    pub(super) fn fault(
        &self,
        pointer: &str,
        within: Option<(u32, u32)>,
        message: impl std::fmt::Display,
    ) -> Fault {
        match &self.source {
            Source::Definition { folder, .. } => folder.fault(pointer, within, message),
            Source::Project(document) | Source::Sync { document, .. } => {
                document.fault(pointer, within, message)
            }
        }
    }
}

/// Reads the folder: definitions, then projects, then syncs. Says everything that is wrong.
pub(super) fn read(folder: &Path) -> Result<Vec<Wanted>, Vec<Fault>> {
    if !folder.is_dir() {
        return Err(vec![Fault::new(folder, "it is no folder")]);
    }
    let mut reader = Reader::default();
    for path in reader.entries(&folder.join(DEFINITIONS)) {
        if path.is_dir() {
            let read = definition(&path);
            reader.add(read);
        }
    }
    for path in reader.entries(&folder.join(PROJECTS)) {
        if path.is_dir() {
            let read = project(&path);
            reader.add(read);
        }
    }
    for project in reader.entries(&folder.join(PROJECTS)) {
        for path in reader.entries(&project.join(SYNCS)) {
            if path.extension().is_some_and(|extension| extension == YAML) {
                let read = sync(&project, &path);
                reader.add(read);
            }
        }
    }
    match reader.faults.is_empty() {
        true => Ok(reader.wanted),
        false => Err(reader.faults),
    }
}

#[derive(Default)]
struct Reader {
    wanted: Vec<Wanted>,
    faults: Vec<Fault>,
}

impl Reader {
    fn entries(&mut self, folder: &Path) -> Vec<PathBuf> {
        entries(folder, MOST_ENTRIES).unwrap_or_else(|fault| {
            self.faults.push(fault);
            Vec::new()
        })
    }

    fn add(&mut self, read: Result<Wanted, Fault>) {
        match read {
            Ok(wanted) => self.wanted.push(wanted),
            Err(fault) => self.faults.push(fault),
        }
    }
}

fn definition(path: &Path) -> Result<Wanted, Fault> {
    let folder = Folder::open(path)?;
    let logo = Logo::open(path)?;
    let content = definition_content(&folder.definition, logo.as_ref());
    Ok(Wanted {
        address: format!("{DEFINITIONS}/{}", stem(path)?),
        name: folder.definition.display_name.clone(),
        content: content.map_err(|error| Fault::new(path.join(DEFINITION), error))?,
        source: Source::Definition {
            folder: Box::new(folder),
            logo,
        },
    })
}

fn project(path: &Path) -> Result<Wanted, Fault> {
    let document = Document::open(&path.join(PROJECT))?;
    let file: ProjectFile = document.typed()?;
    let content = file.content();
    Ok(Wanted {
        address: format!("{PROJECTS}/{}", stem(path)?),
        name: file.name,
        content: content.map_err(|error| Fault::new(document.path(), error))?,
        source: Source::Project(document),
    })
}

fn sync(project: &Path, path: &Path) -> Result<Wanted, Fault> {
    let document = Document::open(path)?;
    let file: SyncFile = document.typed()?;
    let content = file.content();
    let project = format!("{PROJECTS}/{}", stem(project)?);
    Ok(Wanted {
        address: format!("{project}/{SYNCS}/{}", stem(path)?),
        name: file.name.clone(),
        content: content.map_err(|error| Fault::new(path, error))?,
        source: Source::Sync {
            project,
            file: Box::new(file),
            document,
        },
    })
}

/// The name of a file or folder without its ending.
fn stem(path: &Path) -> Result<String, Fault> {
    let name = match path.is_dir() {
        true => path.file_name(),
        false => path.file_stem(),
    };
    let name = name.and_then(|name| name.to_str());
    name.map(str::to_owned)
        .ok_or_else(|| Fault::new(path, "its name is no text"))
}
