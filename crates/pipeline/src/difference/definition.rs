//! How two versions of a definition differ.

use model::definition::{Definition, Mapping, Parameter, Payload};
use serde::Serialize;
use serde_json::{Value, json};

use super::json::{Change, changes};
use super::lines::{Line, lines};

/// How two versions of a definition differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DefinitionDifference {
    /// Parameters that came, went or changed.
    pub parameters: Vec<FieldChange<Parameter>>,
    /// Mappings that came, went or changed.
    pub mappings: Vec<FieldChange<Mapping>>,
    /// Templates that came, went or changed.
    pub templates: Vec<TemplateChange>,
    /// What else of how requests are made and what is taken.
    pub others: Vec<Change>,
}

/// A field of the form that came, went or changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = DefinitionFieldChange))]
pub struct FieldChange<T> {
    /// Its name.
    pub name: String,
    /// What it was; null when it is new.
    pub before: Option<T>,
    /// What it is; null when it is gone.
    pub after: Option<T>,
}

/// A template that came, went or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateChange {
    /// Which: a JSON pointer into the definition. `/events/headers` and `/users/headers` stand for all
    /// headers, one `name: value` each.
    pub pointer: String,
    /// The lines that differ, with three around each.
    pub lines: Vec<Line>,
}

/// How `after` differs from `before`. What only the catalog shows is left out.
pub fn definitions(before: &Definition, after: &Definition) -> DefinitionDifference {
    let parameter = |parameter: &Parameter| parameter.name.clone();
    let mapping = |mapping: &Mapping| mapping.name.clone();
    let mut templates = Vec::new();
    for (section, before, after) in [
        ("events", &before.events, &after.events),
        ("users", &before.users, &after.users),
    ] {
        let texts = |payload: &Option<Payload>| payload.as_ref().map(texts).unwrap_or_default();
        let (before, after) = (texts(before), texts(after));
        let names = ["url", "headers", "body", "follow_up/url", "follow_up/body"].into_iter();
        for (name, (before, after)) in names.zip(before.iter().zip(&after)) {
            let lines = lines(before, after);
            if !lines.is_empty() {
                let pointer = format!("/{section}/{name}");
                templates.push(TemplateChange { pointer, lines });
            }
        }
    }
    let (was, is) = (others(before).to_string(), others(after).to_string());
    DefinitionDifference {
        parameters: fields(&before.parameters, &after.parameters, parameter),
        mappings: fields(&before.mappings, &after.mappings, mapping),
        templates,
        others: changes(was.as_bytes(), is.as_bytes()).unwrap_or_default(),
    }
}

fn fields<T: Clone + PartialEq>(
    before: &[T],
    after: &[T],
    name: impl Fn(&T) -> String,
) -> Vec<FieldChange<T>> {
    let find =
        |fields: &[T], wanted: &str| fields.iter().find(|each| name(each) == wanted).cloned();
    let known = before.iter().map(&name);
    let added = after.iter().map(&name);
    let added = added.filter(|name| find(before, name).is_none());
    let changes = known.chain(added).map(|name| FieldChange {
        before: find(before, &name),
        after: find(after, &name),
        name,
    });
    changes
        .filter(|change| change.before != change.after)
        .collect()
}

/// URL, headers and body of a payload, then URL and body of what follows.
fn texts(payload: &Payload) -> [String; 5] {
    let headers = payload.headers.iter();
    let headers = headers.map(|header| format!("{}: {}", header.name, header.value));
    let headers = headers.collect::<Vec<_>>().join("\n");
    let body = payload.body.clone().unwrap_or_default();
    let follow_up = payload.follow_up.as_ref();
    let next_url = follow_up.map(|next| next.url.clone());
    let next_body = follow_up.and_then(|next| next.body.clone());
    let next = [next_url, next_body].map(Option::unwrap_or_default);
    let [next_url, next_body] = next;
    [payload.url.clone(), headers, body, next_url, next_body]
}

/// What is neither a field nor a template.
fn others(definition: &Definition) -> Value {
    let payload = |payload: &Payload| {
        json!({
            "method": payload.method, "unit": payload.unit,
            "as_streamed": payload.body.is_none(),
            "idempotency_key": payload.idempotency_key,
            "responses": payload.responses,
            "follow_up": payload.follow_up.as_ref().map(|next| json!({
                "method": next.method, "same_body": next.body.is_none(),
                "responses": next.responses,
            })),
        })
    };
    json!({
        "events": definition.events.as_ref().map(payload),
        "users": definition.users.as_ref().map(payload),
        "typed_properties": definition.typed_properties,
        "extra_headers": definition.extra_headers,
        "own_templates": definition.own_templates,
        "limits": definition.limits,
    })
}
