//! `millstream definition new`: a folder to start from, which passes its own test.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use model::DefinitionId;
use model::definition::{
    About, BodyUnit, Category, Definition, Header, Limits, Mapping, Method, Parameter,
    ParameterKind, Payload,
};
use model::filter::Property;

use super::folder::{self, write_text};
use super::logo::LOGO;
use crate::cli::code::schema;
use crate::cli::{Failure, output};

const EVENT_BODY: &str = include_str!("example/event.ftl");
const USER_BODY: &str = include_str!("example/user.ftl");
const EVENT_FIXTURE: &str = include_str!("example/event.json");
const MISSING_FIXTURE: &str = include_str!("example/missing.json");
const USER_FIXTURE: &str = include_str!("example/user.json");

/// Options of `millstream definition new`.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// The destination's name, as the catalog is to show it.
    name: String,
    /// The folder to make. Without it: the name in small letters.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Makes the folder; refuses one that holds anything.
pub(crate) fn run(options: &New) -> Result<(), Failure> {
    let name = options.name.trim();
    if options.dir.is_none() && name.contains(['/', '\\']) {
        return Err(Failure::usage(
            "a name is no path: say with --dir where the folder is to be",
        ));
    }
    let folder = match &options.dir {
        Some(folder) => folder.clone(),
        None => PathBuf::from(slug(name)),
    };
    if name.is_empty() {
        return Err(Failure::usage("give the destination a name"));
    }
    make(name, &folder)?;
    let shown = folder.display();
    let logo = folder.join(LOGO);
    output::print(&format!(
        "{shown} is made; `millstream definition test {shown}` tests it. Its picture goes to {}",
        logo.display()
    ));
    Ok(())
}

fn make(name: &str, folder: &std::path::Path) -> anyhow::Result<()> {
    let is_used = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_used || folder.is_file() {
        bail!("{} is there already: nothing was written", folder.display());
    }
    let fixtures = folder.join(folder::FIXTURES);
    fs::create_dir_all(&fixtures).with_context(|| fixtures.display().to_string())?;
    let definition_schema = schema::DEFINITION;
    for schema in [definition_schema, schema::FIXTURE] {
        write_text(&folder.join(schema.file), &schema.text()?)?;
    }
    folder::write(&example(name), None, folder, definition_schema.file)?;
    for (file, text) in [
        ("event.json", EVENT_FIXTURE),
        ("missing.json", MISSING_FIXTURE),
        ("user.json", USER_FIXTURE),
    ] {
        write_text(&fixtures.join(file), text)?;
    }
    Ok(())
}

/// A definition that shows what there is.
fn example(name: &str) -> Definition {
    let payload = |path: &str, body: &str| Payload {
        method: Method::Post,
        url: format!("${{parameters.endpoint}}/{path}"),
        headers: vec![Header {
            name: "authorization".into(),
            value: "Bearer ${parameters.api_key}".into(),
        }],
        body: Some(body.into()),
        unit: BodyUnit::Object,
        idempotency_key: false,
        responses: Vec::new(),
        follow_up: None,
    };
    Definition {
        id: DefinitionId::from_bytes([0; 16]),
        version: 1,
        display_name: name.into(),
        about: About {
            category: Category::Other,
            summary: format!("Sends events and users to {name}."),
            description: format!("What people use {name} for, in *Markdown*.\n"),
            ..About::default()
        },
        parameters: vec![
            Parameter {
                name: "endpoint".into(),
                display_name: "Endpoint".into(),
                kind: ParameterKind::Url,
                required: true,
                default: Some("https://api.example.com/v1".into()),
                ..Parameter::default()
            },
            Parameter {
                name: "api_key".into(),
                display_name: "API key".into(),
                kind: ParameterKind::Secret,
                required: true,
                help: "Where to find the key.".into(),
                ..Parameter::default()
            },
        ],
        mappings: vec![Mapping {
            name: "external_id".into(),
            required: true,
            help: "By what the destination knows its users.".into(),
            suggested: Some(Property::Field {
                name: "user_id".into(),
            }),
            kinds: Vec::new(),
        }],
        events: Some(payload("events", EVENT_BODY)),
        users: Some(payload("users", USER_BODY)),
        typed_properties: true,
        extra_headers: 0,
        own_templates: false,
        limits: Limits::default(),
    }
}

/// A name as that of a file: small letters, digits and `-`. Never empty.
pub(crate) fn slug(name: &str) -> String {
    /// Long names make no better ones of files.
    const LONGEST: usize = 60;
    let mut slug = String::new();
    for c in name.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(LONGEST);
    match slug.trim_end_matches('-') {
        "" => "unnamed".to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn names_become_those_of_files() {
        for (name, file) in [
            ("Customer.io", "customer-io"),
            ("  Größe & Co. ", "gr-e-co"),
            ("日本", "unnamed"),
            ("../x", "x"),
        ] {
            assert_eq!(slug(name), file);
        }
        assert_eq!(slug(&"a".repeat(100)).len(), 60);
    }
}
