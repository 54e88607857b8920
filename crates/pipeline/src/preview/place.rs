//! Where the fault is when no request can be made.

use model::Part;
use model::definition::{Definition, Header, Payload};
use model::outcome::Discarded;
use model::sync::Settings;

use crate::problem::pointer as below;

/// Where to mend what keeps a part of an event from being sent: a JSON pointer as that of a
/// [`Problem`](crate::Problem). `None` where it is no field's fault. `follows` says that it is of the
/// request that follows an answer.
pub fn pointer(
    definition: &Definition,
    settings: &Settings,
    part: Part,
    why: &Discarded,
    follows: bool,
) -> Option<String> {
    let (section, payload, own) = match part {
        Part::Event => ("events", &definition.events, &settings.events.template),
        Part::User => ("users", &definition.users, &settings.users.template),
    };
    let payload = payload.as_ref()?;
    let defined_at = below("/definition", section);
    let next = payload.follow_up.as_ref().filter(|_| follows);
    let of_next = |name| below(&below(&defined_at, "follow_up"), name);
    let body = || match (own, &payload.body) {
        _ if next.is_some_and(|next| next.body.is_some()) => Some(of_next("body")),
        (Some(_), _) => Some(format!("/{section}/template")),
        (None, Some(_)) => Some(below(&defined_at, "body")),
        (None, None) => None,
    };
    let first_url = || match crate::payload::own_url(definition, settings, payload) {
        Some((_, at)) => at,
        None => below(&defined_at, "url"),
    };
    // Where the first request has been made, its own address is one.
    let url = || match next {
        Some(_) => of_next("url"),
        None => first_url(),
    };
    match why {
        Discarded::Template { place, .. } => match place.split_once(' ') {
            Some(("header", name)) => header(settings, payload, &defined_at, name),
            Some(("follow-up", what)) => Some(of_next(what)),
            _ if place == "url" => Some(first_url()),
            _ => body(),
        },
        Discarded::InvalidHeader { name } => header(settings, payload, &defined_at, name),
        Discarded::InvalidUrl { .. } => Some(url()),
        Discarded::InvalidJson { .. } => body(),
        Discarded::MissingMapping { field, .. } => {
            let mut mappings = definition.mappings.iter();
            let missing = mappings.find(|mapping| mapping.fields().any(|name| name == field))?;
            Some(below("/mappings", &missing.name))
        }
        Discarded::OverLimit { .. } | Discarded::Unreadable { .. } | Discarded::Refused { .. } => {
            None
        }
    }
}

/// The value of a header: the sync's own, which wins, or the definition's.
fn header(settings: &Settings, payload: &Payload, defined_at: &str, name: &str) -> Option<String> {
    let position = |headers: &[Header]| {
        let mut headers = headers.iter();
        headers.position(|header| header.name.eq_ignore_ascii_case(name))
    };
    let value = |base: &str, at| below(&below(base, at), "value");
    let own = position(&settings.headers).map(|at| value("/headers", at));
    let defined = || position(&payload.headers).map(|at| value(&below(defined_at, "headers"), at));
    own.or_else(defined)
}
