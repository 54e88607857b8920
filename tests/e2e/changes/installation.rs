//! Changes of the installation, and of others' accounts by its operators.

use http::Method;
use serde_json::{Value, json};

use super::kinds::{Change, Round, Sign};
use crate::people::{PASSWORD, Person};

pub(super) async fn of_installation(round: &Round<'_>) -> Vec<Change> {
    let (organisations, secrets) = ("/installation/organisations", "/installation/secrets");
    let person = round.person("rights").await;
    let rights = format!("/installation/people/{}/rights", person.id);
    let name = format!("New {}", round.number);
    let (unused, seals) = round.two_keys().await;
    let (post, patch) = (Method::POST, Method::PATCH);
    // The key file can't change in one transaction with the database: the log isn't looked at.
    vec![
        round
            .change(
                "create_organisation",
                post.clone(),
                organisations,
                json!({"name": name}),
            )
            .shown_by(Sign::Listed(organisations.into(), format!("{name:?}")))
            .shown_by(Sign::Listed(
                "/me/organisations".into(),
                format!("{name:?}"),
            )),
        round
            .change(
                "set_installation_rights",
                patch,
                rights,
                json!({"operator": false, "reviewer": true}),
            )
            .logged("person.set_rights", &person.id),
        round
            .change(
                "rotate_secrets",
                post.clone(),
                format!("{secrets}/rotate"),
                json!({"new_key": true}),
            )
            .shown_by(Sign::Changed(secrets.into(), "/keys/0/id", json!(seals))),
        round
            .change(
                "remove_unused_keys",
                post,
                format!("{secrets}/remove-unused-keys"),
                Value::Null,
            )
            .shown_by(Sign::Lacks(secrets.into(), unused)),
    ]
}

/// Operators look after the accounts of others.
pub(super) async fn of_accounts(round: &Round<'_>) -> Vec<Change> {
    let (post, delete) = (Method::POST, Method::DELETE);
    let of = |person: &Person| format!("/installation/people/{}", person.id);
    let (locked, unlocked) = (round.person("locked").await, round.person("unlocked").await);
    let path = format!("{}/lock", of(&unlocked));
    round.admin.make(&path, Value::Null).await;
    let (ended, mut lost) = (round.person("ended").await, round.person("lost").await);
    round.recovery_code(&mut lost).await;
    let deleted = round.person("deleted").await;
    let organisations = "/installation/organisations";
    let ownerless = round.ownerless().await;
    let owner = round.email("owner");
    vec![
        round
            .change(
                "lock_person",
                post.clone(),
                format!("{}/lock", of(&locked)),
                Value::Null,
            )
            .logged("person.lock", &locked.id)
            .shown_by(Sign::SignedOut(locked.cookie.clone()))
            .shown_by(Sign::Refused(locked.credentials(PASSWORD))),
        round
            .change(
                "unlock_person",
                post.clone(),
                format!("{}/unlock", of(&unlocked)),
                Value::Null,
            )
            .logged("person.unlock", &unlocked.id)
            .shown_by(Sign::Reads(of(&unlocked), "/locked_at", Value::Null)),
        round
            .change(
                "end_sessions_of_person",
                delete.clone(),
                format!("{}/sessions", of(&ended)),
                Value::Null,
            )
            .logged("session.end_all", &ended.id)
            .shown_by(Sign::SignedOut(ended.cookie.clone())),
        round
            .change(
                "remove_second_factor_of_person",
                delete.clone(),
                format!("{}/second-factor", of(&lost)),
                Value::Null,
            )
            .logged("person.remove_second_factor", &lost.id)
            .shown_by(Sign::SignsIn(lost.credentials(PASSWORD))),
        round
            .change("delete_person", delete, of(&deleted), Value::Null)
            .logged("person.delete", &deleted.id)
            .logged_in(&round.organisation, "member.remove", &deleted.id)
            .shown_by(Sign::Gone(of(&deleted))),
        round
            .change(
                "invite_owner",
                post,
                format!("{organisations}/{ownerless}/owner"),
                json!({"email": owner}),
            )
            .mailed("invitation", &owner),
    ]
}
