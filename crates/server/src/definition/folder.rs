//! A definition in a folder: `definition.yaml` with the bodies' templates beside it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use model::DefinitionId;
use model::definition::{
    About, BodyUnit, Definition, FollowUp, Header, Limits, Mapping, Method, Parameter, Payload,
    ResponseRule,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::logo::{LOGO, Logo};
use crate::source::{Document, Fault, read_text_if_there, to_yaml};

/// The file that makes a folder a definition's.
pub(crate) const DEFINITION: &str = "definition.yaml";
/// The template of an event's body.
const EVENT_BODY: &str = "event.ftl";
/// The template of a user's body.
const USER_BODY: &str = "user.ftl";
/// What `definition.yaml` says of the files beside it.
const BESIDE: &str = "\
# Beside this file: event.ftl and user.ftl, the templates of the bodies; logo.png, the picture on its
# tile (a PNG of 16 to 512 pixels a side); fixtures, events with the requests that are to come of them.
";
/// The folder of fixtures.
pub(crate) const FIXTURES: &str = "fixtures";

/// A destination definition, without the templates of its bodies: `event.ftl` and `user.ftl`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefinitionFile {
    /// As the catalog shows it; no other definition of the installation has it.
    display_name: String,
    /// What else the catalog shows.
    #[serde(default)]
    about: About,
    /// What the user is asked at set-up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<Parameter>,
    /// What the user fills from properties of their choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mappings: Vec<Mapping>,
    /// What is sent for an event; absent where the destination takes no events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    events: Option<RequestFile>,
    /// What is sent for a user; absent where the destination takes no users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    users: Option<RequestFile>,
    /// Whether selected properties keep their types; otherwise they are sent as strings.
    #[serde(default)]
    typed_properties: bool,
    /// What the destination can take.
    #[serde(default, skip_serializing_if = "is_unlimited")]
    limits: Limits,
}

/// One kind of request; its body is the template in a file beside this one, or, where there is no such
/// file, the event (or user) as it is streamed.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestFile {
    /// The verb.
    #[serde(default)]
    method: Method,
    /// The URL, a template.
    url: String,
    /// The headers, templates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Header>,
    /// Whether the body stands alone or in an array of one.
    #[serde(default)]
    unit: BodyUnit,
    /// Whether the delivery's id goes along as `Idempotency-Key`, the same over all tries.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    idempotency_key: bool,
    /// What answers mean where their status alone doesn't tell: the first rule that holds decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    responses: Vec<ResponseRule>,
    /// One more request, for answers that mean `follow_up`. Its body's template stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follow_up: Option<FollowUp>,
}

fn is_unlimited(limits: &Limits) -> bool {
    *limits == Limits::default()
}

/// A definition and where each part of it stands.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    document: Document,
    /// What the files say. Its id is nobody's.
    pub(crate) definition: Definition,
}

impl Folder {
    /// Reads the folder at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let document = Document::open(&path.join(DEFINITION))?;
        let file: DefinitionFile = document.typed()?;
        if file.about.logo.is_some() {
            let message = format!("the logo is the file {LOGO} beside this one");
            return Err(document.fault("/about/logo", None, message));
        }
        let definition = Definition {
            id: DefinitionId::from_bytes([0; 16]),
            version: 1,
            display_name: file.display_name,
            about: file.about,
            parameters: file.parameters,
            mappings: file.mappings,
            events: payload(path, file.events, EVENT_BODY, "events")?,
            users: payload(path, file.users, USER_BODY, "users")?,
            typed_properties: file.typed_properties,
            extra_headers: 0,
            own_templates: false,
            limits: file.limits,
        };
        Ok(Self {
            path: path.to_owned(),
            document,
            definition,
        })
    }

    /// Where the folder is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong at a JSON pointer into the definition, or at a line and column of the template
    /// that stands there, in the file that has it.
    pub(crate) fn fault(
        &self,
        pointer: &str,
        within: Option<(u32, u32)>,
        message: impl std::fmt::Display,
    ) -> Fault {
        let file = match pointer {
            "/events/body" => EVENT_BODY,
            "/users/body" => USER_BODY,
            "/logo" => LOGO,
            _ => return self.document.fault(pointer, within, message),
        };
        Fault::new(self.path.join(file), message).at(within)
    }

    /// The fault that a check found.
    pub(crate) fn fault_of(&self, problem: &pipeline::Problem) -> Fault {
        let within = problem.line.zip(problem.column);
        self.fault(&problem.pointer, within, &problem.message)
    }
}

/// A request with its body's template, if there is such a file.
fn payload(
    folder: &Path,
    request: Option<RequestFile>,
    body: &str,
    section: &str,
) -> Result<Option<Payload>, Fault> {
    let path = folder.join(body);
    let Some(request) = request else {
        return match read_text_if_there(&path)? {
            None => Ok(None),
            Some(_) => {
                let message =
                    format!("it is sent nowhere: {DEFINITION} has no `{section}` with a URL");
                Err(Fault::new(path, message))
            }
        };
    };
    Ok(Some(Payload {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: read_text_if_there(&path)?,
        unit: request.unit,
        idempotency_key: request.idempotency_key,
        responses: request.responses,
        follow_up: request.follow_up,
    }))
}

/// Writes a definition's files to a folder, which is made. `schema` is where the schema is, as
/// `definition.yaml` names it. Bodies' templates and a picture that the definition hasn't are removed.
pub(crate) fn write(
    definition: &Definition,
    logo: Option<&Logo>,
    folder: &Path,
    schema: &str,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let file = DefinitionFile {
        display_name: definition.display_name.clone(),
        about: About {
            logo: None,
            ..definition.about.clone()
        },
        parameters: definition.parameters.clone(),
        mappings: definition.mappings.clone(),
        events: definition.events.as_ref().map(request),
        users: definition.users.as_ref().map(request),
        typed_properties: definition.typed_properties,
        limits: definition.limits,
    };
    let yaml = to_yaml(&without_nulls(serde_json::to_value(&file)?));
    let text = format!("{}{BESIDE}{yaml}", schema_line(schema));
    write_text(&folder.join(DEFINITION), &text)?;
    write_logo(logo, &folder.join(LOGO))?;
    for (payload, name) in [
        (&definition.events, EVENT_BODY),
        (&definition.users, USER_BODY),
    ] {
        let path = folder.join(name);
        match payload.as_ref().and_then(|payload| payload.body.as_ref()) {
            Some(body) => write_text(&path, body)?,
            None => remove(&path)?,
        }
    }
    Ok(())
}

/// Writes a picture, unless the same is there in other bytes; removes the one that is there where
/// there is to be none.
fn write_logo(logo: Option<&Logo>, path: &Path) -> anyhow::Result<()> {
    let Some(logo) = logo else {
        return remove(path);
    };
    let present = path.parent().map(Logo::open);
    if matches!(present, Some(Ok(Some(present))) if present == *logo) {
        return Ok(());
    }
    fs::write(path, logo.png()).with_context(|| format!("{} can't be written", path.display()))
}

/// Removes a file that need not be there.
fn remove(path: &Path) -> anyhow::Result<()> {
    match path.exists() {
        true => fs::remove_file(path).with_context(|| path.display().to_string()),
        false => Ok(()),
    }
}

/// The comment by which editors find the schema of a file.
pub(crate) fn schema_line(schema: &str) -> String {
    format!("# yaml-language-server: $schema={schema}\n")
}

/// Writes a file.
pub(crate) fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("{} can't be written", path.display()))
}

fn request(payload: &Payload) -> RequestFile {
    RequestFile {
        method: payload.method,
        url: payload.url.clone(),
        headers: payload.headers.clone(),
        unit: payload.unit,
        idempotency_key: payload.idempotency_key,
        responses: payload.responses.clone(),
        follow_up: payload.follow_up.clone(),
    }
}

/// The members of an object that have a value, all the way down. The depth is that of our own types.
pub(crate) fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// The folder's fixtures and what else is worth reading, by name.
pub(crate) fn fixtures(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    /// More cases than that belong to a test-suite of one's own.
    const MOST: usize = 500;
    let mut found = crate::source::entries(&folder.join(FIXTURES), MOST)?;
    found.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn what_is_written_reads_as_the_same() {
        let written = Definition {
            id: DefinitionId::from_bytes([0; 16]),
            extra_headers: 0,
            own_templates: false,
            ..Definition::webhook()
        };
        let mut with_body = written.clone();
        with_body.users = None;
        with_body.events.as_mut().unwrap().body = Some("{\n${1}\r\n  }\n\n".into());
        with_body.limits.concurrency = Some(7);
        let folder = tempfile::tempdir().unwrap();
        for definition in [with_body, written] {
            write(&definition, None, folder.path(), "x.json").unwrap();
            let read = Folder::open(folder.path()).unwrap();
            assert_eq!(read.definition, definition);
        }
    }

    #[test]
    fn a_fault_is_told_of_the_file_that_has_it() {
        let folder = folder(&[
            (
                DEFINITION,
                "display_name: X\nabout: {summary: s}\nevents:\n  url: https://a/${parmeters.x}\n",
            ),
            (EVENT_BODY, "{\n\"a\": ${input.x\n"),
        ]);
        let read = Folder::open(folder.path()).unwrap();
        let clock: std::sync::Arc<dyn model::Clock> = std::sync::Arc::new(model::time::SystemClock);
        let check = pipeline::check(&read.definition, &clock);
        let faults: Vec<_> = check
            .problems
            .iter()
            .map(|each| read.fault_of(each))
            .collect();
        let places: Vec<_> = faults
            .iter()
            .map(|fault| {
                let file = fault.file.file_name().unwrap().to_str().unwrap().to_owned();
                (file, fault.line.unwrap())
            })
            .collect();
        assert!(
            places.contains(&(DEFINITION.into(), 4))
                && places.iter().any(|(file, _)| file == EVENT_BODY),
            "{faults:?}"
        );
        let url = faults
            .iter()
            .find(|fault| fault.file.ends_with(DEFINITION))
            .unwrap();
        assert_eq!(url.column, Some(20), "{url}");
    }

    #[test]
    fn a_template_without_a_request_is_refused() {
        let folder = folder(&[(DEFINITION, "display_name: X\n"), (USER_BODY, "{}")]);
        let fault = Folder::open(folder.path()).unwrap_err();
        assert!(fault.file.ends_with(USER_BODY), "{fault}");
        assert!(fault.message.contains("no `users`"), "{fault}");
    }
}
