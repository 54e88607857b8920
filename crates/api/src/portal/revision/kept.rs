//! Which secrets may stay in a sync that connects another version of its definition. Whoever releases
//! that version, even in the sync's own organisation, may not have secrets sent to another place by
//! it: they were entered for the place that the version before sends them to.

use std::collections::BTreeSet;

use model::definition::{Definition, Payload};
use model::sync::Settings;

use crate::portal::destination::{Origin, origin, same_destination, same_makings};
use crate::portal::draft::has_own_url;
use crate::portal::problem::{FieldProblem, pointer};

/// What begins an interpolation of a parameter.
const PARAMETER: &str = "${parameters.";

/// Through which a template reads names that it doesn't spell.
const INDIRECT: &[&str] = &[
    "eval",
    "interpret",
    "include",
    "import",
    ".vars",
    ".globals",
    ".data_model",
    ".dataModel",
    ".namespace",
    ".main",
    ".locals",
];

/// A sync's settings with the definition that they are for.
#[derive(Clone, Copy)]
pub(super) struct Connected<'c> {
    pub(super) settings: &'c Settings,
    pub(super) definition: &'c Definition,
}

/// The secrets (by where they are) that have to be entered again: all where requests could go to
/// another scheme, host or port, and those that come into the address.
pub(super) fn to_enter_again(
    before: Connected<'_>,
    after: Connected<'_>,
    kept: Vec<String>,
) -> Vec<FieldProblem> {
    let moves = !same_place(before, after);
    let message = match moves {
        true => "enter this secret again: the new version may send it to another place",
        false => "enter this secret again: the new version puts it into the address",
    };
    let (was, is) = (addresses(before), addresses(after));
    let enters = |name: &str| !was.contains(name) && (is.contains(name) || !names_only(&is));
    let parameters = after.definition.parameters.iter();
    let in_address = parameters.filter(|parameter| enters(&parameter.name));
    let in_address = in_address.map(|parameter| value_of(&parameter.name));
    let in_address: BTreeSet<String> = in_address.collect();
    let again = kept.into_iter();
    let again = again.filter(|place| moves || in_address.contains(place));
    again
        .map(|place| FieldProblem::new(place, message))
        .collect()
}

/// Where the value of a parameter is in a client's input.
fn value_of(parameter: &str) -> String {
    format!("{}/value", pointer("/parameters", parameter))
}

/// Whether requests still go nowhere else.
fn same_place(before: Connected<'_>, after: Connected<'_>) -> bool {
    if let (Some(was), Some(is)) = (origins(before), origins(after)) {
        return is.is_subset(&was);
    }
    addresses(before) == addresses(after)
        && declared_alike(before.definition, after.definition)
        && {
            let (was, is) = (before.settings, after.settings);
            match has_own_url(after.definition) {
                true => same_destination(was, is),
                false => same_makings(was, is, after.definition),
            }
        }
}

/// Whether two definitions make the same addresses of the same settings and the same URL templates.
fn declared_alike(before: &Definition, after: &Definition) -> bool {
    let parameters = |definition: &Definition| {
        let parameters = definition.parameters.iter();
        let makings = parameters.map(|each| (each.name.clone(), (each.kind, each.default.clone())));
        makings.collect::<Vec<_>>()
    };
    parameters(before) == parameters(after)
        && before.mappings == after.mappings
        && before.typed_properties == after.typed_properties
        && before.own_templates == after.own_templates
}

/// Scheme, host and port of all addresses; `None` where more than parameters makes one of them.
fn origins(connected: Connected<'_>) -> Option<BTreeSet<Origin>> {
    let payloads = payloads(connected.definition);
    payloads
        .map(|payload| origin(&filled_in(&payload.url, connected)))
        .collect()
}

/// The texts of all addresses, those that users write themselves included.
fn addresses(connected: Connected<'_>) -> String {
    let urls = payloads(connected.definition).flat_map(|payload| {
        let next = payload.follow_up.as_ref().map(|next| next.url.as_str());
        [payload.url.as_str()].into_iter().chain(next)
    });
    let own = has_own_url(connected.definition);
    let own = connected.settings.parameters.get("url").filter(|_| own);
    let urls = urls.chain(own.map(String::as_str));
    urls.collect::<Vec<_>>().join("\n")
}

fn payloads(definition: &Definition) -> impl Iterator<Item = &Payload> {
    [&definition.events, &definition.users]
        .into_iter()
        .flatten()
}

/// A URL template with the values of the parameters that it names plainly.
fn filled_in(url: &str, connected: Connected<'_>) -> String {
    let (mut filled, mut rest) = (String::new(), url);
    while let Some((literal, from)) = rest.split_once(PARAMETER) {
        filled.push_str(literal);
        let named = from.split_once('}');
        let value = named.and_then(|(name, _)| value(name, connected));
        match (value, named) {
            (Some(value), Some((_, behind))) => {
                filled.push_str(value);
                rest = behind;
            }
            _ => {
                filled.push_str(PARAMETER);
                rest = from;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// The value that templates see of a parameter, where it has one.
fn value<'c>(name: &str, connected: Connected<'c>) -> Option<&'c str> {
    let mut declared = connected.definition.parameters.iter();
    let declared = declared.find(|parameter| parameter.name == name)?;
    let given = connected.settings.parameters.get(name);
    let given = given.filter(|value| !value.trim().is_empty());
    given.or(declared.default.as_ref()).map(String::as_str)
}

/// Whether all that a template reads of parameters is spelt out in it.
fn names_only(template: &str) -> bool {
    let spelt = |behind: &str| {
        let name = behind.strip_prefix('.');
        name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
    };
    let mut reads = template.split("parameters").skip(1);
    reads.all(spelt) && !INDIRECT.iter().any(|each| template.contains(each))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn definition(url: &str, changes: Value) -> Definition {
        let mut definition = json!({
            "id": Definition::webhook().id, "version": 1, "display_name": "Tool",
            "parameters": [
                {"name": "endpoint", "display_name": "Endpoint", "kind": "url"},
                {"name": "region", "display_name": "Region", "default": "eu"},
                {"name": "key", "display_name": "Key", "kind": "secret"},
            ],
            "events": {"url": url},
            "users": null,
        });
        for (name, value) in changes.as_object().unwrap() {
            definition[name] = value.clone();
        }
        serde_json::from_value(definition).unwrap()
    }

    fn settings() -> Settings {
        let values = json!({"endpoint": "https://good.example/x", "key": "k"});
        serde_json::from_value(json!({"parameters": values})).unwrap()
    }

    /// Whether the key has to be entered again for an upgrade from one URL to another.
    fn again(was: &Definition, is: &Definition) -> bool {
        let settings = settings();
        let connected = |definition| Connected {
            settings: &settings,
            definition,
        };
        let kept = vec![value_of("key")];
        !to_enter_again(connected(was), connected(is), kept).is_empty()
    }

    #[test]
    fn secrets_stay_where_requests_go_to_the_same_place() {
        for (was, is) in [
            (
                "https://a.example/v1",
                "https://a.example/v2?x=${input.a?url}",
            ),
            ("https://a.example", "HTTPS://A.example:443/b"),
            ("${parameters.endpoint}/a", "${parameters.endpoint}/b"),
            (
                "https://${parameters.region}.a.example",
                "https://eu.a.example",
            ),
            (
                "https://a.example/${parameters.key}",
                "https://a.example/b/${parameters.key}",
            ),
        ] {
            let (was, is) = (definition(was, json!({})), definition(is, json!({})));
            assert!(!again(&was, &is), "{is:?}");
        }
    }

    #[test]
    fn secrets_are_entered_again_where_requests_could_go_elsewhere() {
        for (was, is) in [
            ("https://a.example", "http://a.example"),
            ("https://a.example", "https://b.example"),
            ("https://a.example", "https://a.example:8443"),
            ("https://a.example", "https://a.example@b.example"),
            (
                "https://a.example",
                "https://a.example.${parameters.region}.b.example",
            ),
            (
                "https://a.example",
                "https://${parameters.region}.a.example",
            ),
            (
                "https://a.example",
                "https://a.example<#if true>.b.example</#if>/",
            ),
            ("https://a.example", "<#assign x = 1>https://a.example"),
            (
                "${parameters.endpoint}/a",
                "https://b.example/${parameters.endpoint}",
            ),
            (
                "${parameters.endpoint}/a",
                "${parameters.region}${parameters.endpoint}/a",
            ),
            ("https://a.example", "${input.host}"),
            ("https://${input.host}/a", "https://${input.host}/b"),
        ] {
            let (was, is) = (definition(was, json!({})), definition(is, json!({})));
            assert!(again(&was, &is), "{is:?}");
        }
    }

    #[test]
    fn the_same_url_can_lead_elsewhere_by_what_is_declared() {
        let was = definition("https://${parameters.region}.example", json!({}));
        let other = json!([
            {"name": "region", "display_name": "Region", "default": "evil"},
            {"name": "key", "display_name": "Key", "kind": "secret"},
        ]);
        let is = definition(
            "https://${parameters.region}.example",
            json!({"parameters": other}),
        );
        assert!(again(&was, &is));
        // By functions nothing can be told but that nothing changed.
        let url = "https://${parameters.region?lower_case}.example";
        let (was, is) = (
            definition(url, json!({})),
            definition(url, json!({"parameters": other})),
        );
        assert!(!again(&was, &was));
        assert!(again(&was, &is));
        let users = json!({"users": {"url": "https://b.example"}});
        let was = definition("https://a.example", json!({}));
        assert!(again(&was, &definition("https://a.example", users)));
    }

    #[test]
    fn a_secret_that_comes_into_the_address_is_entered_again() {
        let was = definition("https://a.example", json!({}));
        for is in [
            "https://a.example/${parameters.key}",
            "https://a.example?key=${parameters.key?url}",
            "https://a.example/${parameters['k' + 'ey']}",
            "https://a.example/${'parameters.k'?eval}",
            "https://a.example/<#list parameters as name, value>${value}</#list>",
        ] {
            assert!(again(&was, &definition(is, json!({}))), "{is}");
        }
    }
}
