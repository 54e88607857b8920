//! The end of an event's streamed form: what only the state of its user and groups can tell.

use std::collections::BTreeMap;

use model::json::write_string;
use rusqlite::Connection;

use super::groups::GroupProperties;
use super::user::{User, sorted};
use crate::IncomingEvent;
use crate::sqlite::failure::Fault;

/// Appends the event's streamed form to `out`, closing brace included.
pub(super) fn write(
    out: &mut Vec<u8>,
    connection: &Connection,
    project: i64,
    event: &IncomingEvent,
    user: Option<&User>,
    groups: &mut GroupProperties,
) -> Result<(), Fault> {
    out.extend_from_slice(&event.fields);
    if let Some(user) = user {
        out.extend_from_slice(user.identity());
    }
    let no_groups = event.groups.is_empty() && user.is_none_or(|user| user.groups.is_empty());
    if !no_groups {
        write_groups(out, connection, project, event, user, groups)?;
    }
    if let Some(user) = user {
        out.extend_from_slice(b",\"user_properties\":");
        let own = event.own_user_properties.as_deref();
        out.extend_from_slice(own.unwrap_or(&user.properties));
    }
    out.push(b'}');
    Ok(())
}

/// `groups` and `group_properties`: the user's groups, overlaid by the event's.
fn write_groups(
    out: &mut Vec<u8>,
    connection: &Connection,
    project: i64,
    event: &IncomingEvent,
    user: Option<&User>,
    properties: &mut GroupProperties,
) -> Result<(), Fault> {
    let own: BTreeMap<&str, Vec<String>> = event
        .groups
        .iter()
        .map(|(kind, names)| (kind.as_str(), sorted(names)))
        .collect();
    let mut groups: BTreeMap<&str, &[String]> = user
        .into_iter()
        .flat_map(|user| &user.groups)
        .map(|(kind, names)| (kind.as_str(), names.as_slice()))
        .collect();
    groups.extend(own.iter().map(|(kind, names)| (*kind, names.as_slice())));
    groups.retain(|_, names| !names.is_empty());
    if groups.is_empty() {
        return Ok(());
    }
    out.extend_from_slice(b",\"groups\":");
    write_object(out, &groups, |out, names| {
        for (position, name) in names.iter().enumerate() {
            out.push(if position == 0 { b'[' } else { b',' });
            write_string(name, out);
        }
        out.push(b']');
    });

    let mut described: BTreeMap<&str, BTreeMap<&str, Vec<u8>>> = BTreeMap::new();
    for (kind, names) in &groups {
        for name in *names {
            if let Some(text) = properties.get(connection, project, kind, name)? {
                let of_kind = described.entry(kind).or_default();
                of_kind.insert(name, text.to_vec());
            }
        }
    }
    if !described.is_empty() {
        out.extend_from_slice(b",\"group_properties\":");
        write_object(out, &described, |out, of_kind| {
            write_object(out, of_kind, |out, text| out.extend_from_slice(text));
        });
    }
    Ok(())
}

/// A map as a JSON object, each value written by `member`.
fn write_object<V>(out: &mut Vec<u8>, map: &BTreeMap<&str, V>, member: impl Fn(&mut Vec<u8>, &V)) {
    out.push(b'{');
    for (position, (name, value)) in map.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        member(out, value);
    }
    out.push(b'}');
}
