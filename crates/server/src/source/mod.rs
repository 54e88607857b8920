//! Files that people write: read up to a bound, with faults that say where they stand.

mod document;
mod wording;
mod yaml;
mod yaml_writer;

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub(crate) use document::Document;
pub(crate) use yaml_writer::to_yaml;

/// Longest file that is read.
const MAX_BYTES: usize = 1 << 20;

/// Something that is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// The file or folder.
    pub(crate) file: PathBuf,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u32>,
    /// What is wrong and what to do about it.
    pub(crate) message: String,
}

impl Fault {
    /// A fault of the whole file.
    pub(crate) fn new(file: impl Into<PathBuf>, message: impl fmt::Display) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
            message: message.to_string(),
        }
    }

    /// The same at a line and column.
    pub(crate) fn at(mut self, place: Option<(u32, u32)>) -> Self {
        self.line = place.map(|(line, _)| line);
        self.column = place.map(|(_, column)| column);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for Fault {}

/// Everything that is wrong, one a line.
pub(crate) fn listed(faults: &[Fault]) -> String {
    let lines: Vec<_> = faults.iter().map(Fault::to_string).collect();
    lines.join("\n")
}

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> Result<String, Fault> {
    let bytes = read_bytes(path, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|_| Fault::new(path, "it is not UTF-8 text"))
}

/// The bytes of a file that has at most so many.
fn read_bytes(path: &Path, most: usize) -> Result<Vec<u8>, Fault> {
    let fault = |message: &dyn fmt::Display| Fault::new(path, message);
    // Devices and pipes may block for ever.
    let found = fs::metadata(path).map_err(|error| fault(&error))?;
    if !found.is_file() {
        return Err(fault(&"it is no file"));
    }
    let mut bytes = Vec::new();
    let bound = most as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(bound).read_to_end(&mut bytes));
    read.map_err(|error| fault(&error))?;
    if bytes.len() > most {
        return Err(fault(&format_args!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

/// The same of a file that need not be there.
pub(crate) fn read_text_if_there(path: &Path) -> Result<Option<String>, Fault> {
    is_there(path).then(|| read_text(path)).transpose()
}

/// The bytes of a file that need not be there and has at most so many.
pub(crate) fn read_bytes_if_there(path: &Path, most: usize) -> Result<Option<Vec<u8>>, Fault> {
    is_there(path).then(|| read_bytes(path, most)).transpose()
}

/// Whether something is there: also a link that leads nowhere, which can't be read.
fn is_there(path: &Path) -> bool {
    let found = fs::symlink_metadata(path);
    found.map_or_else(
        |error| error.kind() != std::io::ErrorKind::NotFound,
        |_| true,
    )
}

/// The entries of a folder by name, without hidden ones; none where there is no such folder.
pub(crate) fn entries(folder: &Path, most: usize) -> Result<Vec<PathBuf>, Fault> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Fault::new(folder, error)),
    };
    let mut found = Vec::new();
    for entry in listing {
        let entry = entry.map_err(|error| Fault::new(folder, error))?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if found.len() == most {
            return Err(Fault::new(
                folder,
                format_args!("it has more than {most} entries"),
            ));
        }
        found.push(entry.path());
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_file_line_and_column() {
        let fault = Fault::new("a/definition.yaml", "no").at(Some((3, 7)));
        assert_eq!(fault.to_string(), "a/definition.yaml:3:7: no");
        assert_eq!(Fault::new("a", "gone").to_string(), "a: gone");
    }

    #[test]
    fn a_file_that_is_too_long_or_no_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, vec![b'a'; MAX_BYTES]).unwrap();
        assert!(read_text(&file).is_ok());
        fs::write(&file, vec![b'a'; MAX_BYTES + 1]).unwrap();
        assert!(read_text(&file).unwrap_err().message.contains("longer"));
        fs::write(&file, [0xff]).unwrap();
        assert!(read_text(&file).unwrap_err().message.contains("UTF-8"));
        assert!(
            read_text(folder.path())
                .unwrap_err()
                .message
                .contains("no file")
        );
        assert_eq!(
            read_text_if_there(&folder.path().join("none")).unwrap(),
            None
        );
    }
}
