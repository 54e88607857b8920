//! Passwords that were forgotten.

use std::sync::Arc;
use std::time::Duration;

use axum::extract;
use axum::http::StatusCode;
use serde::Deserialize;
use store::{AskedReset, Caller, Person, Secret};
use utoipa::ToSchema;

use super::extract::Body;
use super::openapi::Refusal;
use super::{ApiError, Portal, State, field};
use crate::auth::{Public, password_problem};
use crate::mail::Letter;

/// How long a link that was asked for may be under way before it is tried again.
const AT_ONCE: Duration = Duration::from_secs(30);

/// Who forgot their password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forgotten {
    /// The account's e-mail address.
    email: String,
}

/// A new password, with the link that was received.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// What stands behind `#` in the link.
    token: String,
    /// The new password.
    #[schema(format = Password, min_length = 10)]
    password: String,
}

/// Sends a link to set a new password, if the address has an account. The answer is the same, and
/// comes as soon, if not.
#[utoipa::path(post, path = "/password-resets", tag = "access",
    operation_id = "ask_password_reset", request_body = Forgotten, security(()),
    responses((status = 202, description = "If the address has an account, a mail is on its way."),
        Refusal))]
pub(super) async fn ask(
    public: Public,
    extract::State(portal): State,
    Body(input): Body<Forgotten>,
) -> Result<StatusCode, ApiError> {
    let email = field::checked_email("/email", &input.email)?;
    // Each counts: nobody fills others' mailboxes, or ours.
    let authority = &portal.authority;
    let (failures, now) = (&authority.failures, authority.clock.now());
    let noted = failures.note_asked(public.address, now);
    noted.map_err(|retry_after| ApiError::RateLimited { retry_after })?;
    if failures.note_letter(&email, now).is_err() {
        // Not said aloud: the address's owner has enough letters, whoever asks here.
        return Ok(StatusCode::ACCEPTED);
    }
    // First of all for everybody alike: what is answered below isn't lost, whatever happens next.
    let asked = portal.store.ask_password_reset(&email, &public.caller);
    let asked = asked
        .await
        .inspect_err(|_| failures.forgive_letter(&email, now))?;
    let whole = Arc::clone(&portal);
    // Not waited for: how long it takes would tell whether there is an account.
    portal
        .tasks
        .spawn(async move { whole.send_asked_reset(&asked).await });
    Ok(StatusCode::ACCEPTED)
}

/// Sets a new password with a link that was received. All sessions end; a second factor stays.
#[utoipa::path(post, path = "/password-resets/redeem", tag = "access",
    operation_id = "reset_password", request_body = NewPassword, security(()),
    responses((status = 204, description = "The new password counts: sign in with it."), Refusal))]
pub(super) async fn redeem(
    public: Public,
    extract::State(portal): State,
    Body(input): Body<NewPassword>,
) -> Result<StatusCode, ApiError> {
    let person = portal.store.password_reset_of(&input.token).await?;
    let Some(person) = person else {
        return Err(portal.ended_link(&public));
    };
    if let Some(problem) = password_problem(&input.password, &person.email) {
        return Err(ApiError::field("/password", problem));
    }
    let password = Secret::new(input.password);
    let hash = portal.authority.passwords.hash(password).await?;
    let by = portal.telling_password_changed(&person, &public.caller);
    let by = by.await?;
    let reset = portal.store.reset_password(&input.token, &hash, &by);
    match reset.await? {
        Some(_) => Ok(StatusCode::NO_CONTENT),
        None => Err(portal.ended_link(&public)),
    }
}

impl Portal {
    /// Sends the links that were asked for and could not be sent at once: the database, or the process,
    /// was away. To be called now and then.
    pub async fn send_asked_resets(&self) {
        let before = self.authority.clock.now() - AT_ONCE;
        match self.store.asked_resets(before).await {
            Ok(asked) => {
                for asked in &asked {
                    self.send_asked_reset(asked).await;
                }
            }
            Err(error) => tracing::error!(%error, "it isn't known who waits for a password reset"),
        }
    }

    async fn send_asked_reset(&self, asked: &AskedReset) {
        let Err(error) = self.answer_asked_reset(asked).await else {
            return;
        };
        // Of what doesn't pass, trying again makes nothing better.
        let passes = matches!(
            error,
            store::Error::Database(_) | store::Error::MailQueueFull { .. }
        );
        tracing::error!(%error, tried_again = passes, "a password reset could not be sent");
        if !passes && let Err(error) = self.store.forget_asked_reset(asked).await {
            tracing::error!(%error, "a password reset can't be given up");
        }
    }

    async fn answer_asked_reset(&self, asked: &AskedReset) -> Result<(), store::Error> {
        let authority = &self.authority;
        let lifetime = authority.config.password_reset_lifetime;
        let late = authority.clock.now().since(asked.asked_at) > lifetime;
        let person = self.store.person_by_email(&asked.email).await?;
        // With a new password nobody would come in to a locked account either, until it is unlocked.
        let person = person.filter(|person| person.locked_at.is_none() && !late);
        let Some(person) = person else {
            return self.store.forget_asked_reset(asked).await;
        };
        let by = &Caller {
            address: asked.address.clone(),
            request_id: asked.request_id.clone(),
            ..Caller::system()
        };
        let expires_at = authority.clock.now() + lifetime;
        let write = |token: &Secret| {
            let letter = Letter::PasswordReset {
                link: &self.link("password-reset", token),
                expires_at,
            };
            Ok(self.letters.write(&person.email, &letter)?)
        };
        let made = self
            .store
            .answer_asked_reset(asked, person.id, expires_at, write, by);
        made.await
    }

    /// Who changes a password and tells its owner: a thief's change shall not go unseen.
    pub(super) async fn telling_password_changed(
        &self,
        person: &Person,
        by: &Caller,
    ) -> Result<Caller, ApiError> {
        let letter = Letter::PasswordChanged {
            at: self.authority.clock.now(),
            address: &by.address,
            tokens: self.store.count_live_tokens(person.id).await?,
        };
        Ok(self.telling(by, &person.email, &letter))
    }
}
