//! Values of syncs, and secrets that stand elsewhere.

use std::fmt;
use std::path::Path;

use secrecy::SecretString;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::source::read_text;

/// The value of a parameter or header: as it is, or where a secret one is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Given {
    /// As it is. What the destination or the name of a header declares secret is given by reference.
    Text(String),
    /// Of a checkbox.
    Flag(bool),
    /// Where a secret is found when it is applied.
    Reference(Reference),
}

/// Where a secret is found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reference {
    /// In this variable of the environment.
    Env(String),
    /// In this file, by its path from the one that names it; a line break at its end doesn't count.
    File(String),
}

/// Whether secrets have to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrets {
    /// They are sent, or checked as they would be.
    Needed,
    /// They aren't looked for: something stands in for each.
    StoodIn,
}

/// What stands in for a secret.
pub(super) const STAND_IN: &str = "stand-in";

impl Secrets {
    /// The secret that a reference names; `folder` is that of the file that names it.
    pub(super) fn resolve(
        self,
        reference: &Reference,
        folder: &Path,
    ) -> Result<SecretString, String> {
        match self {
            Self::Needed => reference.resolve(folder),
            Self::StoodIn => Ok(SecretString::from(STAND_IN)),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {path}"),
        }
    }
}

impl Reference {
    /// The secret; `folder` is that of the file that names it.
    pub(super) fn resolve(&self, folder: &Path) -> Result<SecretString, String> {
        let text = match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(text) => text,
                Err(std::env::VarError::NotPresent) => {
                    return Err(format!("the variable {name} is not set"));
                }
                Err(_) => return Err(format!("the variable {name} is no text")),
            },
            Self::File(path) => {
                let path = folder.join(path);
                let mut text = read_text(&path).map_err(|fault| fault.to_string())?;
                let line = text.trim_end_matches(['\r', '\n']).len();
                text.truncate(line);
                text
            }
        };
        match text.is_empty() {
            true => Err(format!("{self} is empty")),
            false => Ok(SecretString::from(text)),
        }
    }
}

/// Serde's own choice among variants says only that none fits.
impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a text (a number in quotes), true or false, {env: NAME} or {file: PATH}",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Given, E> {
                Ok(Given::Text(text.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Given, E> {
                Ok(Given::Flag(flag))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Given, A::Error> {
                let members = de::value::MapAccessDeserializer::new(map);
                Reference::deserialize(members).map(Given::Reference)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_given_as_it_is_or_by_reference() {
        let read = |value| serde_json::from_value::<Given>(value);
        assert_eq!(read(json!("x")).unwrap(), Given::Text("x".into()));
        assert_eq!(read(json!(true)).unwrap(), Given::Flag(true));
        let env = Given::Reference(Reference::Env("KEY".into()));
        assert_eq!(read(json!({"env": "KEY"})).unwrap(), env);
        assert_eq!(serde_json::to_value(env).unwrap(), json!({"env": "KEY"}));
        for wrong in [
            json!(1),
            json!(null),
            json!({"vault": "x"}),
            json!({}),
            json!([]),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_in_a_file_is_its_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "s3cret\n").unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        let resolve = |path: &str| Reference::File(path.into()).resolve(folder.path());
        assert_eq!(resolve("key").unwrap().expose_secret(), "s3cret");
        assert!(resolve("empty").unwrap_err().contains("is empty"));
        assert!(resolve("none").is_err());
        let missing = Reference::Env("MILLSTREAM_TEST_NO_SUCH_VARIABLE".into());
        assert!(
            missing
                .resolve(folder.path())
                .unwrap_err()
                .contains("not set")
        );
    }
}
