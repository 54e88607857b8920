//! What a server refuses, at the places in the files that it means.

use crate::cli::output::text;
use crate::cli::remote::Refused;
use crate::source::Fault;

use super::local::{Kind, Wanted};

/// A fault that a server names, and the JSON pointer of where the object's file has it.
pub(super) type Placed = (String, Fault);

/// The faults for which a server refuses an object; `None` where it names no fields.
pub(super) fn faults(error: &anyhow::Error, wanted: &Wanted) -> Option<Vec<Placed>> {
    let refused = error.downcast_ref::<Refused>()?;
    let single = refused.problem["errors"].as_array()?;
    let faults = single.iter().map(|one| {
        let number = |field: &str| one[field].as_u64().and_then(|at| u32::try_from(at).ok());
        let within = number("line").zip(number("column"));
        let pointer = in_file(wanted.kind(), &text(&one["pointer"]));
        let fault = wanted.fault(&pointer, within, text(&one["message"]));
        (pointer, fault)
    });
    let faults: Vec<_> = faults.collect();
    (!faults.is_empty()).then_some(faults)
}

/// The fields that a server names in a refusal, each with what it says of it.
pub(super) fn fields(error: &anyhow::Error) -> Vec<(String, String)> {
    let refused = error.downcast_ref::<Refused>();
    let fields = refused.and_then(|refused| refused.problem["errors"].as_array());
    let fields = fields.into_iter().flatten();
    let named = fields.map(|one| (text(&one["pointer"]), text(&one["message"])));
    named.collect()
}

/// Where a file has what a request has at a pointer.
fn in_file(kind: Kind, pointer: &str) -> String {
    if kind != Kind::Sync {
        return pointer.to_owned();
    }
    // Upgrades and checks have the settings in a member of their own.
    let mut members = ["/changes", "/sync"].iter();
    let settings = members.find_map(|member| pointer.strip_prefix(member));
    let settings = settings.filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let pointer = match pointer {
        "/to" => "/definition/version",
        pointer => settings.unwrap_or(pointer),
    };
    // A value of the file is an object in the request.
    match pointer.strip_prefix("/parameters/") {
        Some(name) => {
            let name = name.strip_suffix("/value").unwrap_or(name);
            format!("/parameters/{name}")
        }
        None => pointer.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_into_a_request_is_one_into_the_file() {
        for (pointer, expected) in [
            ("/name", "/name"),
            ("/sync/parameters/key/value", "/parameters/key"),
            ("/changes/parameters/key", "/parameters/key"),
            ("/changes/headers/0/value", "/headers/0/value"),
            ("/to", "/definition/version"),
            ("/sync/definition", "/definition"),
            ("/synced", "/synced"),
        ] {
            assert_eq!(in_file(Kind::Sync, pointer), expected);
        }
        assert_eq!(in_file(Kind::Project, "/sync/x"), "/sync/x");
    }
}
