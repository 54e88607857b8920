//! What lists show of definitions. It is stored beside the whole, which can take up half a megabyte.

use std::sync::Arc;

use model::DefinitionId;
use model::definition::{Category, Definition};
use serde::{Deserialize, Serialize};

use crate::Error;

/// A definition as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Identifies it over its versions.
    pub id: DefinitionId,
    /// The version; of a draft the one that it will become.
    pub version: u32,
    /// What is shown of it.
    pub outline: Outline,
}

/// The part of a definition that lists show: the same fields, so that it can be read from the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// As the catalog shows it.
    pub display_name: String,
    /// What else its tile shows.
    #[serde(default)]
    pub about: AboutOutline,
}

/// What a tile shows beside the name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AboutOutline {
    /// The shelf.
    pub category: Category,
    /// One line about it.
    pub summary: String,
    /// The picture, by the SHA-256 of its bytes in hexadecimal; `None`: its initials.
    pub logo: Option<String>,
}

impl From<&Definition> for Listed {
    fn from(definition: &Definition) -> Self {
        Self {
            id: definition.id,
            version: definition.version,
            outline: Outline::from(definition),
        }
    }
}

impl From<&Definition> for Outline {
    fn from(definition: &Definition) -> Self {
        let about = &definition.about;
        Self {
            display_name: definition.display_name.clone(),
            about: AboutOutline {
                category: about.category,
                summary: about.summary.clone(),
                logo: about.logo.clone(),
            },
        }
    }
}

/// The outline of a definition, as it is stored.
pub(super) fn outline_text(definition: &Definition) -> Result<String, Error> {
    serde_json::to_string(&Outline::from(definition)).map_err(|_| Error::Corrupt {
        what: "the outline",
        id: definition.id.to_string(),
    })
}

/// What a row is read as: a definition as a whole, or its outline.
pub(super) trait Content: Sized {
    /// Reads it from the JSON text of a row; `None` when that is corrupt.
    fn read(id: &str, version: u32, text: &str) -> Option<Self>;
}

impl Content for Listed {
    fn read(id: &str, version: u32, text: &str) -> Option<Self> {
        Some(Self {
            id: id.parse().ok()?,
            version,
            outline: serde_json::from_str(text).ok()?,
        })
    }
}

impl Content for Definition {
    fn read(_: &str, _: u32, text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl Content for Arc<Definition> {
    fn read(id: &str, version: u32, text: &str) -> Option<Self> {
        Definition::read(id, version, text).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_is_read_from_the_whole_as_from_itself() {
        let mut whole = Definition::webhook();
        whole.about.logo = Some("ab".into());
        let id = whole.id.to_string();
        let text = serde_json::to_string(&whole).unwrap();
        let listed = Listed::from(&whole);
        let version = whole.version;
        assert_eq!(Listed::read(&id, version, &text).unwrap(), listed);
        let outline = outline_text(&whole).unwrap();
        assert!(outline.len() < text.len());
        assert_eq!(Listed::read(&id, version, &outline).unwrap(), listed);
    }
}
