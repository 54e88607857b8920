//! A file with one value, whose parts can be pointed at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::wording::worded;
use super::yaml::{self, Place, Text};
use super::{Fault, read_text};

/// A YAML (or JSON) file.
#[derive(Debug)]
pub(crate) struct Document {
    path: PathBuf,
    value: Value,
    places: BTreeMap<String, Place>,
}

impl Document {
    /// Reads a file.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        Self::parse(path, &read_text(path)?)
    }

    /// Reads the text of the file at `path`.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Fault> {
        match yaml::read(text) {
            Ok((value, places)) => Ok(Self {
                path: path.to_owned(),
                value,
                places,
            }),
            Err(refused) => {
                Err(Fault::new(path, refused.message).at(Some((refused.line, refused.column))))
            }
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The value as a type.
    pub(crate) fn typed<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_path_to_error::deserialize(&self.value).map_err(|error| {
            let pointer = pointer(error.path());
            let message = worded(&error.inner().to_string());
            let (place, _) = self.nearest(&pointer);
            // Names stand beside each other, in lines that are easily taken for others.
            let message = match pointer.as_str() {
                "" => message,
                pointer => format!("{pointer}: {message}"),
            };
            Fault::new(&self.path, message).at(Some((place.line, place.column)))
        })
    }

    /// What is wrong at a JSON pointer; with a line and a column in the text that stands there.
    pub(crate) fn fault(
        &self,
        pointer: &str,
        within: Option<(u32, u32)>,
        message: impl std::fmt::Display,
    ) -> Fault {
        let (place, is_its_own) = self.nearest(pointer);
        let at = match (place.text, within) {
            // Only on its first line is the text known to go on as it is written.
            (Text::Line(ahead), Some((1, column))) if is_its_own => {
                (place.line, place.column + ahead + column - 1)
            }
            (Text::Block, Some((line, column))) if is_its_own => {
                (place.line + line - 1, place.column + column - 1)
            }
            _ => (place.line, place.column),
        };
        let message = match is_its_own || pointer.is_empty() {
            true => message.to_string(),
            // What is missing has no place.
            false => format!("{pointer}: {message}"),
        };
        Fault::new(&self.path, message).at(Some(at))
    }

    /// The place of the value at `pointer`, or of the innermost one around it; and whether it is that
    /// value's own.
    fn nearest(&self, pointer: &str) -> (Place, bool) {
        let mut nearest = pointer;
        loop {
            if let Some(place) = self.places.get(nearest) {
                return (*place, nearest == pointer);
            }
            match nearest.rfind('/') {
                Some(end) => nearest = &nearest[..end],
                None => break,
            }
        }
        let start = Place {
            line: 1,
            column: 1,
            text: Text::Otherwise,
        };
        (start, false)
    }
}

/// A path of serde's as a JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        let token = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => break,
        };
        pointer.push('/');
        pointer.push_str(&token);
    }
    pointer
}

#[cfg(test)]
mod tests {
    use model::sync::Settings;

    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(Path::new("f.yaml"), text).expect("it is read")
    }

    #[test]
    fn a_fault_of_type_or_name_has_its_place() {
        for (text, place, said) in [
            (
                "events:\n  sent: true\n",
                (2, 9),
                "/events/sent: there is no sent: there is send, ",
            ),
            (
                "concurrency: many\n",
                (1, 14),
                "/concurrency: a whole number from 0 to 65535 is expected, not this text",
            ),
            (
                "headers:\n  - name: a\n    value: b\n  - name: c\n",
                (4, 5),
                "/headers/1: value is missing",
            ),
        ] {
            let fault = document(text).typed::<Settings>().unwrap_err();
            let at = (fault.line.unwrap(), fault.column.unwrap());
            assert_eq!(at, place, "{text}: {fault}");
            assert!(fault.message.contains(said), "{fault}");
        }
    }

    #[test]
    fn a_place_in_a_text_on_one_line_is_a_place_in_the_file() {
        let document = document("url: https://a/${x}\nquoted: \"ab\"\nblock: |\n  abc\n  d\n");
        let at = |pointer: &str, within| {
            let fault = document.fault(pointer, Some(within), "no");
            (fault.line.unwrap(), fault.column.unwrap())
        };
        assert_eq!(at("/url", (1, 13)), (1, 18));
        assert_eq!(at("/quoted", (1, 2)), (2, 11));
        assert_eq!(at("/block", (1, 2)), (4, 4));
        assert_eq!(at("/block", (2, 1)), (5, 3));
        let fault = document.fault("/about/summary", None, "say it");
        assert_eq!(fault.to_string(), "f.yaml:1:1: /about/summary: say it");
    }
}
