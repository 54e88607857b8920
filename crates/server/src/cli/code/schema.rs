//! JSON Schemas of the files, made of the types that read them. Editors complete and check by them.

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::files::{ProjectFile, SyncFile};
use crate::definition::fixture::FixtureFile;
use crate::definition::folder::DefinitionFile;

/// Where generated documents keep the schemas that are referred to.
const COMPONENTS: &str = "#/components/schemas/";

/// The schema of a kind of file.
#[derive(Clone, Copy)]
pub(crate) struct FileSchema {
    /// The name of the schema's own file.
    pub(crate) file: &'static str,
    title: &'static str,
    root: fn() -> RefOr<Schema>,
    parts: fn(&mut Vec<(String, RefOr<Schema>)>),
}

/// Of `definition.yaml`.
pub(crate) const DEFINITION: FileSchema = schema::<DefinitionFile>(
    "definition.schema.json",
    "A Millstream destination definition",
);

/// Of `project.yaml`.
pub(super) const PROJECT: FileSchema =
    schema::<ProjectFile>("project.schema.json", "A Millstream project");

/// Of a sync's file.
pub(super) const SYNC: FileSchema = schema::<SyncFile>("sync.schema.json", "A Millstream sync");

/// Of a fixture of a definition.
pub(crate) const FIXTURE: FileSchema =
    schema::<FixtureFile>("fixture.schema.json", "A Millstream fixture");

/// All of them.
pub(super) const ALL: &[FileSchema] = &[DEFINITION, PROJECT, SYNC, FIXTURE];

const fn schema<T: ToSchema>(file: &'static str, title: &'static str) -> FileSchema {
    FileSchema {
        file,
        title,
        root: <T as PartialSchema>::schema,
        parts: <T as ToSchema>::schemas,
    }
}

impl FileSchema {
    /// The schema as JSON text.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        let mut parts = Vec::new();
        (self.parts)(&mut parts);
        let mut definitions = Map::new();
        parts.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, part) in parts {
            definitions.insert(name, with_local_references(serde_json::to_value(part)?));
        }
        let mut members = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title,
        });
        if let (Value::Object(members), Value::Object(root)) = (
            &mut members,
            with_local_references(serde_json::to_value((self.root)())?),
        ) {
            members.extend(root);
            members.insert("$defs".to_owned(), Value::Object(definitions));
        }
        Ok(format!("{}\n", serde_json::to_string_pretty(&members)?))
    }
}

/// The same with references into the document itself. The depth is that of our own types.
fn with_local_references(schema: Value) -> Value {
    match schema {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| match (name.as_str(), &value) {
                ("$ref", Value::String(target)) => {
                    let local = target.replace(COMPONENTS, "#/$defs/");
                    (name, Value::String(local))
                }
                _ => (name, with_local_references(value)),
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(with_local_references).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Every `$ref` of a schema.
    fn references<'s>(schema: &'s Value, found: &mut Vec<&'s str>) {
        match schema {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn the_published_schemas_are_those_of_the_types() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
        for schema in ALL {
            let (file, text) = (folder.join(schema.file), schema.text().unwrap());
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&file, &text).unwrap();
            }
            let published = fs::read_to_string(&file).unwrap_or_default();
            assert!(
                published == text,
                "{} is out of date: run the tests with UPDATE_SCHEMAS=1",
                file.display()
            );
        }
    }

    #[test]
    fn every_reference_of_a_schema_leads_somewhere() {
        for schema in ALL {
            let schema: Value = serde_json::from_str(&schema.text().unwrap()).unwrap();
            let mut found = Vec::new();
            references(&schema, &mut found);
            assert!(!found.is_empty());
            for reference in found {
                let pointer = reference.strip_prefix('#').expect("it is local");
                assert!(schema.pointer(pointer).is_some(), "{reference}");
            }
        }
    }
}
