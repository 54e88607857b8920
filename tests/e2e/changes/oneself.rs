//! Changes of what is people's own.

use http::Method;
use serde_json::{Value, json};

use super::kinds::{Change, Round, Sign, text};
use crate::people::PASSWORD;

const NEW_PASSWORD: &str = "another good one";

/// Everyone changes what is their own.
pub(super) async fn of_oneself(round: &Round<'_>) -> Vec<Change> {
    let (put, post) = (Method::PUT, Method::POST);
    let renamed = round.person("renamed").await;
    let (new, forgetful) = (round.person("new").await, round.person("forgetful").await);
    let careful = round.person("careful").await;
    let mut careless = round.person("careless").await;
    let second_factor = round.second_factor(&careful).await;
    let code = round.recovery_code(&mut careless).await;
    let reset = round.password_reset(&forgetful).await;
    let (asks, resigns) = (round.person("asks").await, round.person("resigns").await);
    vec![
        round
            .change(
                "delete_me",
                post.clone(),
                "/me/delete",
                json!({"password": PASSWORD}),
            )
            .by(Some(&resigns))
            .logged("person.delete", &resigns.id)
            .shown_by(Sign::Gone(format!("/installation/people/{}", resigns.id))),
        round
            .change(
                "change_me",
                Method::PATCH,
                "/me",
                json!({"name": "Renamed"}),
            )
            .by(Some(&renamed))
            .logged("person.rename", &renamed.id),
        round
            .change(
                "change_password",
                put.clone(),
                "/me/password",
                json!({"current": PASSWORD, "new": NEW_PASSWORD}),
            )
            .by(Some(&new))
            .logged("person.set_password", &new.id)
            .shown_by(Sign::SignsIn(new.credentials(NEW_PASSWORD)))
            .shown_by(Sign::Refused(new.credentials(PASSWORD))),
        round
            .change("set_second_factor", put, "/me/second-factor", second_factor)
            .by(Some(&careful))
            .logged("person.set_second_factor", &careful.id)
            .shown_by(Sign::Refused(careful.credentials(PASSWORD))),
        round
            .change(
                "remove_second_factor",
                post.clone(),
                "/me/second-factor/remove",
                json!({"password": PASSWORD, "code": code}),
            )
            .by(Some(&careless))
            .logged("person.remove_second_factor", &careless.id)
            .shown_by(Sign::SignsIn(careless.credentials(PASSWORD))),
        Change {
            // How long the answer takes must not tell whether there is an account.
            promised: false,
            ..round.change(
                "ask_password_reset",
                post.clone(),
                "/password-resets",
                json!({"email": asks.email}),
            )
        }
        .by(None)
        .logged("person.ask_password_reset", &asks.id)
        .mailed("password_reset", &asks.email),
        round
            .change(
                "reset_password",
                post,
                "/password-resets/redeem",
                json!({"token": reset, "password": NEW_PASSWORD}),
            )
            .by(None)
            .logged("person.reset_password", &forgetful.id)
            .shown_by(Sign::SignsIn(forgetful.credentials(NEW_PASSWORD)))
            .shown_by(Sign::SignedOut(forgetful.cookie.clone())),
    ]
}

pub(super) async fn of_sessions(round: &Round<'_>) -> Vec<Change> {
    let delete = Method::DELETE;
    let (comes, goes) = (round.person("comes").await, round.person("goes").await);
    let ends = round.person("ends").await;
    let sessions = round.ask_as(&ends, Method::GET, "/me/sessions", Value::Null);
    let session = text(&sessions.await, "/items/0/id");
    vec![
        // The first session began when the invitation was accepted.
        round
            .change(
                "sign_in",
                Method::POST,
                "/session",
                comes.credentials(PASSWORD),
            )
            .by(None)
            .shown_by(Sign::ListedTwice(
                "/installation/audit?action=session.create".into(),
                comes.id,
            )),
        round
            .change("sign_out", delete.clone(), "/session", Value::Null)
            .by(Some(&goes))
            .logged("session.end", &goes.id)
            .shown_by(Sign::SignedOut(goes.cookie.clone())),
        round
            .change(
                "end_session",
                delete,
                format!("/me/sessions/{session}"),
                Value::Null,
            )
            .by(Some(&ends))
            .logged("session.end", &ends.id)
            .shown_by(Sign::SignedOut(ends.cookie.clone())),
    ]
}
