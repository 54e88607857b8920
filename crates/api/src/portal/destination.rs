//! Where a sync sends its requests, and what goes along: whoever may change a sync may not see its
//! secrets, and so may not have them sent elsewhere either.

use axum::http::Uri;
use model::definition::Definition;
use model::sync::Settings;
use store::SecretFields;

use super::draft::{SyncInput, URL, has_own_url};
use super::problem::{FieldProblem, pointer};

/// Scheme, host and port.
pub(super) type Origin = (String, String, Option<u16>);

/// What begins a directive or an interpolation, in any syntax of templates.
const CONSTRUCTS: &[&str] = &[
    "${", "#{", "<#", "</#", "<@", "</@", "[=", "[#", "[/#", "[@",
];

/// Where each stored secret is that `input` leaves as it is: in the input where it names the field,
/// in the sync where it doesn't.
pub(super) fn kept_secrets(
    input: &SyncInput,
    stored: &Settings,
    secret: &SecretFields,
) -> Vec<String> {
    let is_secret = |name: &str| {
        let mut secrets = secret.headers.iter();
        secrets.any(|header| header.eq_ignore_ascii_case(name))
    };
    let header = |index| format!("{}/value", pointer("/headers", index));
    let parameter = |name: &str| format!("{}/value", pointer("/parameters", name));
    let mut kept = Vec::new();
    match &input.headers {
        None => {
            let stored = stored.headers.iter().enumerate();
            let stored = stored.filter(|(_, stored)| is_secret(&stored.name));
            kept.extend(stored.map(|(index, _)| header(index)));
        }
        Some(given) => {
            let given = given.iter().enumerate();
            let given = given.filter(|(_, given)| given.value.is_none() && is_secret(&given.name));
            kept.extend(given.map(|(index, _)| header(index)));
        }
    }
    let parameters = secret.parameters.iter().filter(|&name| {
        let given = input.parameters.as_ref();
        given.is_none_or(|given| given.get(name).is_some_and(|given| given.value.is_none()))
    });
    kept.extend(parameters.map(|name| parameter(name)));
    kept
}

/// That the secrets that were kept (by where they are) have to be given again; nothing when requests
/// still go where they went.
pub(super) fn refuse_to_move(
    before: &Settings,
    after: &Settings,
    definition: &Definition,
    kept: Vec<String>,
) -> Vec<FieldProblem> {
    let same = match has_own_url(definition) {
        true => same_destination(before, after),
        false => same_makings(before, after, definition),
    };
    if same {
        return Vec::new();
    }
    let message = "enter this secret again: it is not sent to another scheme, host or port unseen";
    kept.into_iter()
        .map(|place| FieldProblem::new(place, message))
        .collect()
}

/// Whether each of the definition's URLs leads where it led: to the same scheme, host and port where it begins with
/// a parameter that has them, and otherwise if all that it may be made of stays.
pub(super) fn same_makings(before: &Settings, after: &Settings, definition: &Definition) -> bool {
    let payloads = [&definition.events, &definition.users];
    let mut urls = payloads.into_iter().flatten().map(|payload| &*payload.url);
    urls.all(|url| {
        let (was, is) = (origin_of(url, before), origin_of(url, after));
        match (was, is) {
            (Some(was), Some(is)) => was == is,
            _ => same_parts(url, before, after, definition),
        }
    })
}

/// Scheme, host and port of a URL that begins with a parameter, `${parameters.endpoint}/events`, and ends its host
/// before anything else is made.
fn origin_of(url: &str, settings: &Settings) -> Option<Origin> {
    let (name, rest) = url.strip_prefix("${parameters.")?.split_once('}')?;
    let value = settings.parameters.get(name)?;
    origin(&format!("{value}{rest}"))
}

/// Whether all that a URL may be made of stays.
fn same_parts(url: &str, before: &Settings, after: &Settings, definition: &Definition) -> bool {
    // Judged by the text alone: a template can pass names around. A secret may be (part of) the
    // address, too.
    let mut parameters = definition.parameters.iter();
    let same_parameters = parameters.all(|parameter| {
        let value = |settings: &Settings| settings.parameters.get(&parameter.name).cloned();
        !reads_any(url, &parameter.name) || value(before) == value(after)
    });
    same_parameters && (same_properties(before, after) || !url.contains("apped"))
}

/// Whether the same properties go along, under the same names.
fn same_properties(before: &Settings, after: &Settings) -> bool {
    before.mappings == after.mappings
        && before.mapping_kinds == after.mapping_kinds
        && before.properties == after.properties
        && before.property_choice == after.property_choice
        && before.users.properties == after.users.properties
}

/// Whether a template may read this parameter: it names it, or does more than name some.
fn reads_any(template: &str, name: &str) -> bool {
    let named = template.replace("${parameters.", "");
    let does_more = CONSTRUCTS.iter().any(|each| named.contains(each)) || named.contains('?');
    template.contains(name) || does_more
}

/// Whether scheme, host and port stay. Where a template makes them of other settings, these have to
/// stay too.
pub(super) fn same_destination(before: &Settings, after: &Settings) -> bool {
    let url = |settings: &Settings| settings.parameters.get(URL).cloned().unwrap_or_default();
    let (was, is) = (url(before), url(after));
    match (origin(&was), origin(&is)) {
        (Some(was), Some(is)) => was == is,
        (None, None) => {
            was == is && before.parameters == after.parameters && same_properties(before, after)
        }
        _ => false,
    }
}

/// Scheme, host and port of a URL that starts with them as they stand; `None` where a template makes
/// them.
pub(super) fn origin(url: &str) -> Option<Origin> {
    let (scheme, rest) = url.split_once("://")?;
    let construct = CONSTRUCTS
        .iter()
        .filter_map(|construct| rest.find(construct));
    let construct = construct.min().unwrap_or(rest.len());
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    // `#{` ends no host: what it makes is still part of it.
    if construct <= end && construct < rest.len() {
        return None;
    }
    let uri: Uri = format!("{scheme}://{}", &rest[..end]).parse().ok()?;
    let scheme = scheme.to_ascii_lowercase();
    let port = uri.port_u16().or(match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    });
    Some((scheme, uri.host()?.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stays(was: &str, is: &str) -> bool {
        let settings = |url: &str| Settings {
            parameters: [(URL.to_owned(), url.to_owned())].into(),
            ..Settings::default()
        };
        same_destination(&settings(was), &settings(is))
    }

    #[test]
    fn a_path_may_change_and_nothing_before_it() {
        let was = "https://example.com/a";
        for is in [
            "https://EXAMPLE.com:443/b?c=d",
            "https://example.com",
            "HTTPS://example.com/${event_type}",
        ] {
            assert!(stays(was, is), "{is}");
        }
        for is in [
            "http://example.com/a",
            "https://example.com:8443/a",
            "https://example.com.evil.example/a",
            "https://evil.example/a",
            "https://evil.example\\.example.com/a",
            "https://example.com${x}/a",
            "https://example.com#{1}/a",
            "https://example.com<#if x>.evil.example</#if>/a",
            "${x}https://example.com/a",
            "",
        ] {
            assert!(!stays(was, is), "{is}");
        }
        assert!(stays("https://[::1]:8080/a", "https://[::1]:8080/b"));
    }

    #[test]
    fn a_host_that_a_template_makes_stays_only_with_all_that_it_may_be_made_of() {
        let settings = |region: &str| Settings {
            parameters: [
                (URL.to_owned(), "https://${parameters.region}/a".to_owned()),
                ("region".to_owned(), region.to_owned()),
            ]
            .into(),
            ..Settings::default()
        };
        assert!(same_destination(&settings("eu"), &settings("eu")));
        assert!(!same_destination(
            &settings("eu"),
            &settings("evil.example")
        ));
        let mut mapped = settings("eu");
        let property = serde_json::from_str(r#"{"scope": "event", "name": "host"}"#).unwrap();
        mapped.mappings.insert("host".into(), property);
        assert!(!same_destination(&settings("eu"), &mapped));
    }

    #[test]
    fn a_definitions_host_stays_where_a_parameter_begins_with_the_same() {
        let to = |url: &str, was: &str, is: &str| {
            let definition = serde_json::from_value::<Definition>(serde_json::json!({
                "id": Definition::webhook().id, "version": 1, "display_name": "A",
                "parameters": [
                    {"name": "endpoint", "display_name": "Endpoint", "kind": "url"},
                    {"name": "region", "display_name": "Region"},
                ],
                "events": {"url": url},
            }));
            let settings = |endpoint: &str| Settings {
                parameters: [("endpoint".to_owned(), endpoint.to_owned())].into(),
                ..Settings::default()
            };
            same_makings(&settings(was), &settings(is), &definition.unwrap())
        };
        let path = "${parameters.endpoint}/events/${parameters.region}";
        assert!(to(path, "https://a.example/v1", "https://A.example:443/v2"));
        for (url, was, is) in [
            (path, "https://a.example", "https://b.example"),
            (path, "https://a.example", "http://a.example"),
            // What the template makes may go on with the host.
            (
                "${parameters.endpoint}${parameters.region}",
                "https://a.example",
                "https://a.exampl",
            ),
            (
                "https://${parameters.endpoint}/",
                "a.example",
                "a.example/b",
            ),
            (
                "<#assign x=1>${parameters.endpoint}/",
                "https://a.example/a",
                "https://a.example/b",
            ),
        ] {
            assert!(!to(url, was, is), "{url}: {is}");
        }
    }
}
