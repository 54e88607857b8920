//! What each letter says.

use api::mail::Letter;

use super::alert::alert;
use super::readable::{date, shown};
use super::review::{review, said};
use super::{Button, Content};

/// What a letter says.
pub(super) fn content(letter: &Letter<'_>) -> Content {
    const NOT_YOU: &str =
        "If this was not you, set a new password at once and look through your sessions.";
    match *letter {
        Letter::Invitation {
            organisation,
            inviter,
            link,
            expires_at,
        } => {
            let (organisation, inviter) = (shown(organisation), shown(inviter));
            Content {
                // Without names: strangers choose them, and a subject is all that many read.
                subject: "You are invited to an organisation on Millstream".to_owned(),
                title: format!("Join {organisation}"),
                paragraphs: vec![format!(
                    "“{inviter}” invites you to the organisation “{organisation}” on Millstream."
                )],
                button: button("Accept the invitation", link),
                notes: vec![
                    format!("The invitation can be used once, until {}.", date(expires_at)),
                    "If you don't know who this is, ignore this mail.".to_owned(),
                ],
            }
        }
        Letter::PasswordReset { link, expires_at } => Content {
            subject: "Choose a new password".to_owned(),
            title: "Choose a new password".to_owned(),
            paragraphs: vec![
                "Somebody, hopefully you, asked for a new password for your Millstream account."
                    .to_owned(),
            ],
            button: button("Choose a new password", link),
            notes: vec![
                format!("The link can be used once, until {}.", date(expires_at)),
                "If you did not ask for it, ignore this mail: your password stays as it is."
                    .to_owned(),
            ],
        },
        Letter::PasswordChanged {
            at,
            address,
            tokens,
        } => Content {
            subject: "Your password was changed".to_owned(),
            title: "Your password was changed".to_owned(),
            paragraphs: vec![
                format!(
                    "The password of your Millstream account was changed on {} from {}.",
                    date(at),
                    shown(address)
                ),
                tokens_go_on(tokens),
            ],
            notes: vec![NOT_YOU.to_owned()],
            ..Content::default()
        },
        Letter::SecondFactor { enabled, at } => {
            let switched = if enabled { "on" } else { "off" };
            Content {
                subject: format!("The second factor was switched {switched}"),
                title: format!("The second factor was switched {switched}"),
                paragraphs: vec![format!(
                    "Signing in to your Millstream account with a second factor was switched {switched} on {}.",
                    date(at)
                )],
                notes: vec![NOT_YOU.to_owned()],
                ..Content::default()
            }
        }
        Letter::SecondFactorRemoved { at } => Content {
            subject: "Your second factor was removed".to_owned(),
            title: "Your second factor was removed".to_owned(),
            paragraphs: vec![format!(
                "An operator removed the second factor of your Millstream account on {}. A password is enough to sign in from now on.",
                date(at)
            )],
            notes: vec![
                "If you did not ask for it, tell your operator, and set a new password at once."
                    .to_owned(),
            ],
            ..Content::default()
        },
        Letter::AccountLocked { at } => Content {
            subject: "Your account was locked".to_owned(),
            title: "Your account was locked".to_owned(),
            paragraphs: vec![format!(
                "An operator locked your Millstream account on {}. Nobody can sign in to it, and its API tokens are refused, until it is unlocked.",
                date(at)
            )],
            notes: vec!["If you don't know why, ask your operator.".to_owned()],
            ..Content::default()
        },
        Letter::AccountDeleted { at } => Content {
            subject: "Your account was deleted".to_owned(),
            title: "Your account was deleted".to_owned(),
            paragraphs: vec![format!(
                "Your Millstream account was deleted on {}, with its API tokens.",
                date(at)
            )],
            notes: vec!["If you did not do this, tell your operator.".to_owned()],
            ..Content::default()
        },
        Letter::IdentityLinked {
            provider,
            at,
            address,
        } => {
            let provider = shown(provider);
            Content {
                subject: format!("You can sign in with {provider} now"),
                title: format!("You can sign in with {provider} now"),
                paragraphs: vec![format!(
                    "Somebody whose e-mail address {provider} says is yours signed in to your Millstream account on {} from {}. The account is linked to them at {provider} from now on.",
                    date(at),
                    shown(address)
                )],
                notes: vec![
                    "If this was not you, remove the link, end your sessions, and tell your operator."
                        .to_owned(),
                ],
                ..Content::default()
            }
        }
        Letter::SignIn {
            at,
            address,
            client,
        } => Content {
            subject: "A sign-in from a new place".to_owned(),
            title: "A sign-in from a new place".to_owned(),
            paragraphs: vec![
                "Somebody, hopefully you, signed in to your Millstream account from a network where you never did before."
                    .to_owned(),
                format!("When: {}", date(at)),
                format!("From: {}", shown(address)),
                format!("With: {}", shown(client)),
            ],
            notes: vec![NOT_YOU.to_owned()],
            ..Content::default()
        },
        Letter::TokenMade {
            organisation,
            token,
            at,
            address,
        } => {
            let (organisation, token) = (shown(organisation), shown(token));
            Content {
                subject: format!("The API token {token} was made"),
                title: "An API token was made".to_owned(),
                paragraphs: vec![format!(
                    "On {}, from {}, somebody signed in as you made the API token {token} of the organisation {organisation}. Whoever has it acts in your name, until it is revoked.",
                    date(at),
                    shown(address)
                )],
                notes: vec![
                    "If this was not you, revoke the token, set a new password at once and look through your sessions and tokens."
                        .to_owned(),
                ],
                ..Content::default()
            }
        }
        Letter::TokenExpiring {
            organisation,
            token,
            expires_at,
        } => {
            let (organisation, token) = (shown(organisation), shown(token));
            Content {
                subject: format!("The API token {token} is about to expire"),
                title: "An API token is about to expire".to_owned(),
                paragraphs: vec![format!(
                    "The API token {token} of the organisation {organisation} expires on {}. What uses it is refused from then on.",
                    date(expires_at)
                )],
                notes: vec!["Make a new token, put it where this one is used, and revoke this one.".to_owned()],
                ..Content::default()
            }
        }
        Letter::AlertOpened { .. } | Letter::AlertClosed { .. } | Letter::AlertTest { .. } => {
            alert(letter)
        }
        Letter::Review {
            step,
            destination,
            version,
            organisation,
            by,
            note,
            comments,
            to_author,
            link,
        } => {
            let destination = format!("{} (version {version})", shown(destination));
            let content = review(step, to_author, &destination, &shown(organisation), &shown(by));
            said(content, note, comments, link)
        }
    }
}

/// What a new password doesn't end.
fn tokens_go_on(tokens: u64) -> String {
    match tokens {
        0 => "All other sessions have ended. You have no API tokens.".to_owned(),
        1 => {
            "All other sessions have ended; your API token goes on until it is revoked.".to_owned()
        }
        tokens => format!(
            "All other sessions have ended; your {tokens} API tokens go on until they are revoked."
        ),
    }
}

pub(super) fn button(label: &'static str, link: &str) -> Option<Button> {
    Some(Button {
        label,
        link: link.to_owned(),
    })
}
