//! Changes of destination definitions.

use http::Method;
use serde_json::{Value, json};

use super::kinds::{Change, Round, Sign, text};

/// A definition that can be released.
fn content(name: &str) -> Value {
    json!({
        "display_name": name,
        "about": {"summary": "Takes events."},
        "events": {"url": "https://example.com/", "body": "{}"},
    })
}

/// A definition of its own for each change, brought as far as the change needs: its id.
pub(super) async fn definition(round: &Round<'_>, what: &str, steps: &[&str]) -> String {
    let name = format!("{what} {}", round.number);
    let definitions = round.of_organisation("/definitions");
    let made = round.admin.make(&definitions, content(&name)).await;
    let id = text(&made, "/id");
    for step in steps {
        let path = format!("{definitions}/{id}/{step}");
        round.admin.make(&path, Value::Null).await;
    }
    id
}

pub(super) async fn of_definitions(round: &Round<'_>) -> Vec<Change> {
    const SUBMIT: &str = "versions/1/submit";
    let organisation = round.organisation.as_str();
    let definitions = round.of_organisation("/definitions");
    let of = |id: &str| format!("{definitions}/{id}");
    let version = |id: &str| format!("{definitions}/{id}/versions/1");
    let changed = definition(round, "Changed", &[]).await;
    let deleted = definition(round, "Deleted", &[]).await;
    let listed = definition(round, "Listed", &[]).await;
    let bare = definition(round, "Bare", &[]).await;
    let released = definition(round, "Released", &[]).await;
    let submitted = definition(round, "Submitted", &["release"]).await;
    let withdrawn = definition(round, "Withdrawn", &["release", SUBMIT]).await;
    let barred = definition(round, "Barred", &["release", SUBMIT]).await;
    let decided = definition(round, "Decided", &["release", SUBMIT]).await;
    let name = format!("Made {}", round.number);
    let state = |id: &str, state: &str| Sign::Reads(version(id), "/state", json!(state));
    vec![
        round
            .change(
                "create_definition",
                Method::POST,
                definitions.clone(),
                content(&name),
            )
            .logged_in(organisation, "definition.create", &format!("{name:?}"))
            .shown_by(Sign::Listed(definitions.clone(), format!("{name:?}"))),
        round
            .change(
                "change_definition",
                Method::PATCH,
                of(&changed),
                json!({"typed_properties": true}),
            )
            .logged_in(organisation, "definition.change", &changed)
            .shown_by(Sign::Reads(
                of(&changed),
                "/draft/typed_properties",
                json!(true),
            )),
        round
            .change(
                "delete_definition",
                Method::DELETE,
                of(&deleted),
                Value::Null,
            )
            .logged_in(organisation, "definition.delete", &deleted)
            .shown_by(Sign::Gone(of(&deleted))),
        round
            .change(
                "set_definition_listing",
                Method::PUT,
                of(&listed) + "/listing",
                json!({"listing": "archived"}),
            )
            .logged_in(organisation, "definition.list", &listed)
            .shown_by(Sign::Reads(of(&listed), "/listing", json!("archived"))),
        round
            .change(
                "remove_definition_logo",
                Method::DELETE,
                of(&bare) + "/logo",
                Value::Null,
            )
            .logged_in(organisation, "definition.set_logo", &bare)
            .shown_by(Sign::Reads(of(&bare), "/revision", json!(2))),
        round
            .change(
                "release_definition",
                Method::POST,
                of(&released) + "/release",
                Value::Null,
            )
            .logged_in(organisation, "definition.release", &released)
            .shown_by(Sign::Reads(of(&released), "/newest", json!(1))),
        round
            .change(
                "submit_definition",
                Method::POST,
                version(&submitted) + "/submit",
                Value::Null,
            )
            .logged_in(organisation, "definition.submit", &submitted)
            .shown_by(state(&submitted, "submitted")),
        round
            .change(
                "withdraw_definition",
                Method::POST,
                version(&withdrawn) + "/withdraw",
                Value::Null,
            )
            .logged_in(organisation, "definition.withdraw", &withdrawn)
            .shown_by(state(&withdrawn, "internal")),
        round
            .change(
                "set_definition_barring",
                Method::PUT,
                format!("/installation/reviews/{barred}/barring"),
                json!({"barred": true, "note": "It loses mail."}),
            )
            .logged_in(organisation, "definition.bar", &barred)
            .shown_by(Sign::Reads(of(&barred), "/listing", json!("barred"))),
        round
            .change(
                "decide_review",
                Method::POST,
                format!("/installation/reviews/{decided}/versions/1/decision"),
                json!({"decision": "approve"}),
            )
            .logged_in(organisation, "definition.approve", &decided)
            .shown_by(state(&decided, "approved"))
            .shown_by(Sign::Reads(of(&decided), "/approved", json!(1))),
    ]
}
