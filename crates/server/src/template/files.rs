//! Files that the commands read, each up to a bound.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use ftl::{Loader, Owned};

use super::{Render, Source, data};
use crate::cli::Failure;

/// Longest template and longest data.
const MAX_BYTES: u64 = 64 << 20;

/// The file that stands for standard input.
const STDIN: &str = "-";

/// The text of a file, or of standard input.
fn read(path: &Path) -> anyhow::Result<String> {
    let text = if path == Path::new(STDIN) {
        bounded(io::stdin().lock())
    } else {
        File::open(path).map_err(Into::into).and_then(bounded)
    };
    let name = if path == Path::new(STDIN) {
        Path::new("standard input")
    } else {
        path
    };
    text.with_context(|| format!("{} can't be read", name.display()))
}

/// All that `input` has, if it isn't too much and is text.
fn bounded(input: impl Read) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("it is longer than {MAX_BYTES} bytes");
    }
    Ok(String::from_utf8(bytes)?)
}

impl Source {
    /// The file with the template.
    pub(super) fn path(&self) -> &Path {
        &self.template
    }

    /// The template's text.
    pub(super) fn read(&self) -> Result<String, Failure> {
        read(&self.template).map_err(Failure::Usage)
    }

    /// The folder of includes.
    pub(super) fn folder(&self) -> Result<Option<Folder>, Failure> {
        self.include_dir.as_deref().map(Folder::open).transpose()
    }

    /// What the template is called if no folder has it: by its file's name.
    pub(super) fn name(&self) -> String {
        let file = self.template.file_name();
        match file.unwrap_or(self.template.as_os_str()).to_string_lossy() {
            name if name == STDIN => "stdin".to_owned(),
            name => name.into_owned(),
        }
    }
}

impl Render {
    /// The data, if any is given.
    pub(super) fn data(&self) -> Result<Option<Owned>, Failure> {
        let Some(path) = &self.data else {
            return Ok(None);
        };
        if path == Path::new(STDIN) && self.source.template == Path::new(STDIN) {
            return Err(Failure::usage(
                "template and data can't both be standard input",
            ));
        }
        let text = read(path).map_err(Failure::Usage)?;
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::usage(format!("{} can't be used as data: {why}", path.display()))
        };
        let value = model::json::parse(text.as_bytes(), &data::LIMITS).map_err(|e| wrong(&e))?;
        data::root(&value).map(Some).map_err(|e| wrong(&e))
    }
}

/// Templates in a folder, which no name can lead out of.
#[derive(Debug)]
pub(super) struct Folder {
    /// Without symbolic links.
    root: PathBuf,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let open = || {
            let root = path.canonicalize()?;
            if !root.is_dir() {
                bail!("it is no folder");
            }
            Ok(Self { root })
        };
        open()
            .with_context(|| format!("{} can't be used as --include-dir", path.display()))
            .map_err(Failure::Usage)
    }

    /// The name that `file` goes by here, if it lies within.
    pub(super) fn name_of(&self, file: &Path) -> Option<String> {
        let file = file.canonicalize().ok()?;
        let parts = file.strip_prefix(&self.root).ok()?.components();
        let parts: Option<Vec<_>> = parts.map(|part| part.as_os_str().to_str()).collect();
        Some(parts?.join("/"))
    }
}

impl Loader for Folder {
    fn load(&self, name: &str) -> Result<Option<String>, String> {
        let relative = Path::new(name.trim_start_matches('/'));
        let stays = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !stays || name.contains(['\\', '\0']) {
            return Err(format!(
                "the template name {name:?} leads out of the folder of templates"
            ));
        }
        let file = match self.root.join(relative).canonicalize() {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(format!("the template {name:?} can't be read: {error}")),
        };
        if !file.starts_with(&self.root) {
            return Err(format!(
                "the template {name:?} is a symbolic link out of the folder of templates"
            ));
        }
        // Devices and pipes may block for ever.
        if !fs::metadata(&file).is_ok_and(|file| file.is_file()) {
            return Ok(None);
        }
        read(&file).map(Some).map_err(|error| {
            format!(
                "the template {name:?} can't be read: {}",
                error.root_cause()
            )
        })
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_gives_its_own_files_and_nothing_else() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("templates");
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::write(outer.path().join("secret"), "secret").unwrap();
        fs::write(folder.join("sub/a.ftl"), "a").unwrap();
        symlink(outer.path().join("secret"), folder.join("link.ftl")).unwrap();
        symlink("sub/a.ftl", folder.join("inner.ftl")).unwrap();

        let folder = Folder::open(&folder).ok().unwrap();
        let a = Ok(Some("a".to_owned()));
        assert_eq!(folder.load("sub/a.ftl"), a);
        assert_eq!(folder.load("/sub/a.ftl"), a);
        assert_eq!(folder.load("inner.ftl"), a);
        assert_eq!(folder.load("sub/b.ftl"), Ok(None));
        assert_eq!(folder.load("sub"), Ok(None));
        for outside in [
            "../secret",
            "sub/../../secret",
            "link.ftl",
            "sub\\a.ftl",
            "a\0",
        ] {
            assert!(folder.load(outside).is_err(), "{outside:?}");
        }
    }
}
