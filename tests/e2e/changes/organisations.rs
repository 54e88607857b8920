//! Changes of organisations and of who is in them.

use http::Method;
use serde_json::{Value, json};

use super::kinds::{Change, Round, Sign, text};
use crate::people::PASSWORD;

pub(super) async fn of_members(round: &Round<'_>) -> Vec<Change> {
    let organisation = round.organisation.as_str();
    let (invitations, members) = (
        round.of_organisation("/invitations"),
        round.of_organisation("/members"),
    );
    let (invited, joins) = (round.email("invited"), round.email("joins"));
    let withdrawn = round.invitation("withdrawn").await;
    round.invitation("joins").await;
    let acceptance = json!({
        "token": round.admin.link_to(&joins).await, "name": "Joins", "password": PASSWORD,
    });
    let (rises, leaves) = (round.person("rises").await, round.person("leaves").await);
    vec![
        round
            .change(
                "invite",
                Method::POST,
                invitations.clone(),
                json!({"email": invited, "role": "member"}),
            )
            .logged_in(organisation, "invitation.create", &invited)
            .mailed("invitation", &invited)
            .shown_by(Sign::Listed(invitations.clone(), invited)),
        round
            .change(
                "withdraw_invitation",
                Method::DELETE,
                format!("{invitations}/{withdrawn}"),
                Value::Null,
            )
            .logged_in(organisation, "invitation.withdraw", &withdrawn)
            .shown_by(Sign::Unlisted(invitations.clone(), withdrawn)),
        round
            .change(
                "accept_invitation",
                Method::POST,
                "/invitations/accept",
                acceptance,
            )
            .by(None)
            .logged_in(organisation, "invitation.accept", &joins)
            .shown_by(Sign::Listed(members.clone(), joins.clone()))
            .shown_by(Sign::Unlisted(invitations, joins)),
        round
            .change(
                "change_member",
                Method::PATCH,
                format!("{members}/{}", rises.id),
                json!({"role": "admin"}),
            )
            .logged_in(organisation, "member.set_role", &rises.id)
            .shown_by(Sign::Reads(
                format!("{members}/{}", rises.id),
                "/role",
                json!("admin"),
            )),
        round
            .change(
                "remove_member",
                Method::DELETE,
                format!("{members}/{}", leaves.id),
                Value::Null,
            )
            .logged_in(organisation, "member.remove", &leaves.id)
            .shown_by(Sign::Gone(format!("{members}/{}", leaves.id))),
    ]
}

pub(super) async fn of_organisation(round: &Round<'_>) -> Vec<Change> {
    let renamed = round.organisation("Renamed").await;
    let deleted = round.organisation("Deleted").await;
    let tokens = round.of_organisation("/tokens");
    let token = round.admin.make(&tokens, json!({"name": "Revoked"})).await;
    let token = text(&token, "/token/id");
    let organisation = round.organisation.as_str();
    vec![
        round
            .change(
                "change_organisation",
                Method::PATCH,
                format!("/organisations/{renamed}"),
                json!({"name": "Other"}),
            )
            .logged_in(&renamed, "organisation.rename", &renamed)
            .shown_by(Sign::Reads(
                format!("/organisations/{renamed}"),
                "/name",
                json!("Other"),
            )),
        round
            .change(
                "delete_organisation",
                Method::DELETE,
                format!("/organisations/{deleted}"),
                Value::Null,
            )
            .shown_by(Sign::Gone(format!("/organisations/{deleted}")))
            .shown_by(Sign::Unlisted(
                "/installation/organisations".into(),
                deleted,
            )),
        round
            .change(
                "create_token",
                Method::POST,
                tokens.clone(),
                json!({"name": "Made"}),
            )
            .logged_in(organisation, "token.create", "\"Made\"")
            .shown_by(Sign::Listed(tokens.clone(), "\"Made\"".into())),
        round
            .change(
                "revoke_token",
                Method::DELETE,
                format!("{tokens}/{token}"),
                Value::Null,
            )
            .logged_in(organisation, "token.revoke", &token)
            .shown_by(Sign::Unlisted(tokens, token)),
    ]
}
