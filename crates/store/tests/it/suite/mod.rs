//! The behaviours.

pub(crate) mod account;
pub(crate) mod alert;
pub(crate) mod audit;
pub(crate) mod audit_log;
pub(crate) mod definition;
pub(crate) mod grant;
pub(crate) mod idempotency;
pub(crate) mod identity;
pub(crate) mod invitation;
pub(crate) mod keys;
pub(crate) mod letters;
pub(crate) mod mail;
pub(crate) mod maintenance;
pub(crate) mod member;
mod migration;
pub(crate) mod open;
pub(crate) mod organisation;
pub(crate) mod password_reset;
pub(crate) mod person;
pub(crate) mod project;
pub(crate) mod rotation;
pub(crate) mod session;
pub(crate) mod sync;
pub(crate) mod sync_version;
pub(crate) mod token;

use std::future::Future;
use std::sync::{Arc, LazyLock};

use millstream_store::mail::{Bodies, Draft, Kind};
use millstream_store::{
    Actor, ActorKind, Caller, Error, Invitee, LetterFailure, Member, NewInvitation, NewPerson,
    NewProject, NewSession, Once, Person, Project, Secret, SecretFields, Store, SyncDraft,
    SyncRecord, Throttle,
};
use model::access::{InstallationRights, Role};
use model::definition::Header;
use model::sync::Settings;
use model::time::ManualClock;
use model::{OrganisationId, PersonId, ProjectId, Timestamp};
use tokio::task::JoinSet;

/// When tests with a clock of their own begin.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000_000);
/// When nothing ends that a test wants to keep.
pub(crate) const FAR: Timestamp = Timestamp(4_000_000_000_000_000);

/// A clock that the test moves.
pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START))
}

/// Somebody who changes something.
pub(crate) fn caller() -> &'static Caller {
    static CALLER: LazyLock<Caller> = LazyLock::new(|| Caller {
        actor: Actor {
            kind: ActorKind::Token,
            id: "0123456789abcdef".into(),
            name: "the suite".into(),
            person: None,
        },
        address: "192.0.2.7".into(),
        request_id: "request-1".into(),
        once: None,
        notices: Vec::new(),
        proved: None,
        seen: None,
        grant: None,
    });
    &CALLER
}

/// A letter that says no more than its link.
fn letter(recipient: &str, link: &Secret, kind: Kind) -> Draft {
    let text = link.expose().to_owned();
    Draft {
        kind,
        recipient: recipient.to_owned(),
        subject: "a link".into(),
        bodies: Bodies {
            html: text.clone(),
            text,
            unsubscribe: None,
        },
        expires_at: None,
    }
}

/// Writes the letter of an invitation, and notes its link.
pub(crate) fn letter_with_link<'l>(
    recipient: &'l str,
    read: &'l mut Option<Secret>,
) -> impl FnOnce(&Secret) -> Result<Draft, LetterFailure> + Send + 'l {
    move |link| {
        *read = Some(link.clone());
        Ok(letter(recipient, link, Kind::Invitation))
    }
}

/// Invites someone, and reads their mail.
pub(crate) async fn invite(
    store: &Store,
    organisation: OrganisationId,
    email: &str,
    role: Role,
    expires_at: Timestamp,
    by: &Caller,
) -> Result<NewInvitation, Error> {
    let mut read = None;
    let write = letter_with_link(email, &mut read);
    let invited = store.invite(organisation, email, role, expires_at, write, by);
    let invitation = invited.await?;
    let text = read.expect("a letter was written");
    Ok(NewInvitation { invitation, text })
}

/// Asks for a new password, and reads the mail.
pub(crate) async fn password_reset(
    store: &Store,
    person: PersonId,
    expires_at: Timestamp,
    by: &Caller,
) -> Result<Secret, Error> {
    let mut read = None;
    let write = |link: &Secret| {
        read = Some(link.clone());
        Ok(letter("someone@example.com", link, Kind::PasswordReset))
    };
    let made = store.create_password_reset(person, expires_at, write, by);
    made.await?;
    Ok(read.expect("a letter was written"))
}

/// Gives a member another role, whatever they are.
pub(crate) async fn set_role(
    store: &Store,
    organisation: OrganisationId,
    person: PersonId,
    role: Role,
    by: &Caller,
) -> Result<Member, Error> {
    let former = store.member(organisation, person).await?.role;
    let changed = store.set_role(organisation, person, None, former, role, by);
    changed.await
}

/// Removes a member, whatever they are.
pub(crate) async fn remove_member(
    store: &Store,
    organisation: OrganisationId,
    person: PersonId,
    by: &Caller,
) -> Result<(), Error> {
    let former = store.member(organisation, person).await?.role;
    let removed = store.remove_member(organisation, person, None, former, by);
    removed.await
}

/// The same, who asks for a creation under a key.
pub(crate) fn once(key: &str, request: &str) -> Caller {
    Caller {
        once: Some(Once::new("the suite", key, request.as_bytes())),
        ..caller().clone()
    }
}

/// What becomes of `count` tasks that run at once.
pub(crate) async fn at_once<F>(count: usize, task: impl Fn(usize) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..count {
        tasks.spawn(task(number));
    }
    tasks.join_all().await
}

/// A new organisation.
pub(crate) async fn organisation(store: &Store) -> OrganisationId {
    let made = store.create_organisation("acme", caller()).await;
    made.unwrap().id
}

/// A new project in a new organisation, with its keys.
pub(crate) async fn project_with_keys(store: &Store) -> NewProject {
    let organisation = organisation(store).await;
    let made = store.create_project(organisation, "shop", Throttle::default(), caller());
    made.await.unwrap()
}

/// A new project in a new organisation.
pub(crate) async fn project(store: &Store) -> Project {
    project_with_keys(store).await.project
}

/// A new sync of a project.
pub(crate) async fn sync(store: &Store, project: ProjectId, name: &str) -> SyncRecord {
    let webhook = store.webhook();
    let definition = (webhook.id, webhook.version);
    let made = store.create_sync(project, definition, draft(name), caller());
    made.await.unwrap()
}

/// Somebody new who accepts an invitation.
pub(crate) fn newcomer(name: &str) -> Invitee {
    Invitee::New {
        email: format!("{name}@example.com"),
        name: name.into(),
        password_hash: Some(format!("$argon2id$of-{name}")),
    }
}

/// A new person, `NAME@example.com`, who is a member of the organisation.
pub(crate) async fn member(
    store: &Store,
    organisation: OrganisationId,
    name: &str,
    role: Role,
) -> Person {
    let email = format!("{name}@example.com");
    let invited = invite(store, organisation, &email, role, FAR, caller());
    let link = invited.await.unwrap().text;
    let accepted = store.accept_invitation(link.expose(), newcomer(name), caller());
    accepted.await.unwrap().0
}

/// The first administrator, `root@example.com`.
pub(crate) async fn administrator(store: &Store) -> Person {
    let person = NewPerson {
        email: "root@example.com".into(),
        name: "Root".into(),
        password_hash: Some("$argon2id$of-root".into()),
        rights: InstallationRights {
            operator: true,
            reviewer: true,
        },
    };
    let made = store.create_first_administrator("first", person).await;
    made.unwrap().expect("nobody has an account yet")
}

/// The same person, who counts as many changes of their account as another one does.
pub(crate) fn as_changed_as(other: &Person, person: &Person) -> Person {
    Person {
        epoch: other.epoch,
        version: other.version,
        ..person.clone()
    }
}

/// A new session that lasts a day; its cookie.
pub(crate) async fn session(store: &Store, person: PersonId) -> Secret {
    let new = NewSession {
        person,
        address: "192.0.2.9".into(),
        user_agent: "browser".into(),
        way: "password".into(),
        lifetime: DAY,
    };
    store.create_session(new, caller()).await.unwrap()
}

/// How long [`session`]s last.
pub(crate) const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// Whether a cookie is taken.
pub(crate) async fn signed_in(store: &Store, cookie: &Secret) -> bool {
    let verified = store.verify_session(cookie.expose(), DAY).await;
    verified.unwrap().is_some()
}

/// The person whose session it is, who proved who they are and changes something with it.
pub(crate) async fn with_session(store: &Store, cookie: &Secret) -> Caller {
    let verified = store.verify_session(cookie.expose(), DAY).await;
    let verified = verified.unwrap().expect("the cookie is taken");
    Caller {
        grant: Some(verified.grant),
        ..caller().having_proved(&verified.person)
    }
}

/// The cookie that a change gave the caller's session.
pub(crate) fn renewed(by: &Caller) -> Option<Secret> {
    by.grant
        .as_ref()
        .and_then(millstream_store::Grant::take_renewed)
}

/// The public half of a text that proves something.
pub(crate) fn public_half(text: &Secret) -> String {
    text.expose().split('_').nth(1).unwrap().to_owned()
}

/// The half that proves it.
pub(crate) fn secret_half(text: &Secret) -> String {
    text.expose().rsplit('_').next().unwrap().to_owned()
}

/// What the secret header of [`draft`] holds.
pub(crate) const SECRET_HEADER: &str = "Bearer hunter2-in-a-header";
/// What the secret parameter of [`draft`] holds.
pub(crate) const SECRET_PARAMETER: &str = "hunter2-in-a-parameter";

/// A sync with a secret header, an open one, a secret parameter and an open one.
pub(crate) fn draft(name: &str) -> SyncDraft {
    let header = |name: &str, value: &str| Header {
        name: name.into(),
        value: value.into(),
    };
    SyncDraft {
        name: name.into(),
        notes: format!("about {name}"),
        enabled: false,
        settings: Settings {
            headers: vec![
                header("x-shop", "north"),
                header("authorization", SECRET_HEADER),
            ],
            parameters: [
                ("url", "https://example.com/hook"),
                ("key", SECRET_PARAMETER),
            ]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
            ..Settings::default()
        },
        secret: SecretFields {
            headers: ["authorization".into()].into(),
            parameters: ["key".into()].into(),
        },
    }
}
