//! The one way to change what is stored for people: in a transaction that also says, in the audit
//! log, who changed what.

use model::{AuditId, OrganisationId, PersonId, Random, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{Any, AnyConnection, Row, Transaction};

use crate::grant::Renewal;
use crate::person::{self, Person};
use crate::secret::{Secret, hexadecimal};
use crate::{Error, Grant, Store, mail};

/// On whose behalf something is changed, and from where.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The network address that the request came from; empty when it came from none.
    pub address: String,
    /// The request's id; empty when there is none.
    pub request_id: String,
    /// Makes a creation happen once however often it is asked for.
    pub once: Option<Once>,
    /// The notices that tell others of the change: queued if and when it happens. One that can't be
    /// queued is no reason not to make the change.
    pub notices: Vec<mail::Notice>,
    /// What the caller proved before, on which the change rests.
    pub proved: Option<Proved>,
    /// The person as the caller saw them, from which the change was made.
    pub seen: Option<Seen>,
    /// What the caller was let in with, which has to hold still when the change begins. `None` for the
    /// server itself, and for what is open to everyone.
    pub grant: Option<Grant>,
}

/// A person as they were when somebody decided to change them: what was decided on something else than
/// is there by now doesn't happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    person: PersonId,
    version: u64,
}

impl Seen {
    /// Refuses when the person is not as they were.
    async fn check(self, connection: &mut AnyConnection) -> Result<(), Error> {
        let present = person::find(connection, self.person).await?;
        person::conflict(Some(self.version), present.version)
    }
}

/// A person as they were when they proved who they are. Comparing a password takes a while: what rests
/// on it doesn't happen when they have another one by then, or another second factor. What they may do is
/// no part of it: that is looked at with each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proved {
    person: PersonId,
    epoch: u64,
}

impl Proved {
    /// Whether it was this person who proved it.
    pub(crate) fn is_of(self, person: PersonId) -> bool {
        self.person == person
    }

    /// Refuses when the person is not as they were.
    async fn check(self, connection: &mut AnyConnection) -> Result<(), Error> {
        let present = person::find(connection, self.person).await?;
        match present.epoch == self.epoch {
            true => Ok(()),
            false => Err(Error::ProofOutdated),
        }
    }
}

impl Caller {
    /// The server itself, such as at its first start.
    pub fn system() -> Self {
        Self {
            actor: Actor {
                kind: ActorKind::System,
                id: String::new(),
                name: "Millstream".into(),
                person: None,
            },
            address: String::new(),
            request_id: String::new(),
            once: None,
            notices: Vec::new(),
            proved: None,
            seen: None,
            grant: None,
        }
    }

    /// The same, whose change happens only if this person still is what they were when they were read:
    /// it fails with [`Error::ProofOutdated`] otherwise.
    #[must_use]
    pub fn having_proved(&self, person: &Person) -> Self {
        let proved = Proved {
            person: person.id,
            epoch: person.epoch,
        };
        Self {
            proved: Some(proved),
            ..self.clone()
        }
    }

    /// The same, whose change happens only if nothing of this person was changed since they were read:
    /// it fails with [`Error::Conflict`] otherwise.
    #[must_use]
    pub fn having_seen(&self, person: &Person) -> Self {
        let seen = Seen {
            person: person.id,
            version: person.version,
        };
        Self {
            seen: Some(seen),
            ..self.clone()
        }
    }

    /// The same, who tells of the change by these letters, too.
    #[must_use]
    pub fn telling(&self, notices: Vec<mail::Draft>) -> Self {
        self.telling_counted(notices, mail::Counted::default())
    }

    /// The same by letters that are counted with those others.
    #[must_use]
    pub fn telling_counted(&self, notices: Vec<mail::Draft>, counted: mail::Counted) -> Self {
        let notices = notices.into_iter();
        let notices = notices.map(|draft| mail::Notice { draft, counted });
        let mut telling = self.clone();
        telling.notices.extend(notices);
        telling
    }
}

/// Who changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of.
    pub kind: ActorKind,
    /// A person's or token's id.
    pub id: String,
    /// A person's e-mail address or a token's name, as it is now. Tokens are called what their makers
    /// like, such as somebody else's address: people are told [who](Self::who) it was.
    pub name: String,
    /// Who answers for it: the person, or the one whose token it is. `None`: the installation itself.
    pub person: Option<Behind>,
}

/// The person behind what is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Who.
    pub id: PersonId,
    /// Their e-mail address, as it is now.
    pub email: String,
}

impl Behind {
    /// A person who acts.
    pub fn of(person: &Person) -> Self {
        Self {
            id: person.id,
            email: person.email.clone(),
        }
    }
}

impl Actor {
    /// A person.
    pub fn of_person(person: &Person) -> Self {
        Self {
            kind: ActorKind::Person,
            id: person.id.to_string(),
            name: person.email.clone(),
            person: Some(Behind::of(person)),
        }
    }

    /// Who it is, for people to read: begins with a person's address only where they did it.
    pub fn who(&self) -> String {
        let email = self.person.as_ref().map(|person| person.email.as_str());
        who(self.kind.name(), &self.name, email)
    }
}

/// Who an actor is, for people to read: `ann@example.com`, `ann@example.com (token "ci")`, or
/// `token "admin"` for the installation's own.
pub(crate) fn who(kind: &str, name: &str, email: Option<&str>) -> String {
    match (kind == ActorKind::Token.name(), email) {
        (true, Some(email)) => format!("{email} (token {name:?})"),
        (true, None) => format!("token {name:?}"),
        (false, _) => name.to_owned(),
    }
}

/// What kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A person.
    Person,
    /// A program with an API token.
    Token,
    /// The server itself.
    System,
}

impl ActorKind {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::System => "system",
        }
    }
}

/// The key that a client gave a creation, so that it can repeat the request safely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    id: String,
    request_hash: String,
}

impl Once {
    /// `scope` tells callers and requests' targets apart; `key` is the client's; `request` is the
    /// body, which has to be the same when the request is repeated.
    pub fn new(scope: &str, key: &str, request: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [scope, key] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Self {
            id: hexadecimal(&hash.finalize()),
            request_hash: hexadecimal(&Sha256::digest(request)),
        }
    }
}

/// Why a letter could not be written, by whoever writes them.
pub type LetterFailure = Box<dyn std::error::Error + Send + Sync>;

/// Writes the letter that brings a link to the one it is for, given what the link carries.
pub trait WriteLetter: FnOnce(&Secret) -> Result<mail::Draft, LetterFailure> + Send {}

impl<F: FnOnce(&Secret) -> Result<mail::Draft, LetterFailure> + Send> WriteLetter for F {}

/// A time as the audit log has it.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    format!("{}Z", at.to_string().replacen(' ', "T", 1))
}

/// What was made before, as a repeated request finds it: that it isn't there any more is said of it, not
/// of the place where it is to be made.
pub(crate) fn still_there<T>(found: Result<T, Error>) -> Result<T, Error> {
    found.map_err(|error| match error {
        Error::NoProject(_)
        | Error::NoOrganisation(_)
        | Error::NoSync(_)
        | Error::NoChannel(_)
        | Error::NoToken(_)
        | Error::NoDefinition(_)
        | Error::NoVersion { .. } => Error::MadeIsGone,
        error => error,
    })
}

/// What a change was, for the audit log. Nothing secret may be in it.
pub(crate) struct Entry {
    pub(crate) organisation: Option<OrganisationId>,
    /// Such as `project.create`.
    pub(crate) action: &'static str,
    pub(crate) target_id: String,
    pub(crate) target_name: String,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// A change under way. Dropped without [`commit`](Self::commit), it has not happened.
pub(crate) struct Change<'s> {
    store: &'s Store,
    pub(crate) by: &'s Caller,
    /// Who does it, as far as it is known by now.
    actor: Actor,
    transaction: Transaction<'s, Any>,
    /// Mail that tells of it, to be sent when it has happened.
    mails: Vec<mail::Enqueued>,
    /// The cookie that the caller's session gets by it.
    pub(crate) renewed: Option<Renewal>,
    /// When it happens.
    pub(crate) now: Timestamp,
}

impl Store {
    /// Begins a change. Refuses with [`Error::AccessEnded`] or [`Error::RightsChanged`] when what the caller
    /// was let in with is gone: from here to the end of the change, nothing takes it away.
    pub(crate) async fn begin<'s>(&'s self, by: &'s Caller) -> Result<Change<'s>, Error> {
        let mut transaction = self.dialect.begin_write(&self.pool).await?;
        let now = self.clock.now();
        if let Some(grant) = &by.grant {
            grant.check(&mut transaction, now).await?;
        }
        if let Some(seen) = by.seen {
            seen.check(&mut transaction).await?;
        }
        if let Some(proved) = by.proved {
            proved.check(&mut transaction).await?;
        }
        Ok(Change {
            store: self,
            by,
            actor: by.actor.clone(),
            transaction,
            mails: Vec::new(),
            renewed: None,
            now,
        })
    }
}

impl Change<'_> {
    /// Where its statements run.
    pub(crate) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// What makes its ids and secrets.
    pub(crate) fn random(&self) -> &dyn Random {
        self.store.random.as_ref()
    }

    /// Says who does it, where that shows only in the course of it: by a link that is theirs.
    pub(crate) fn is_by(&mut self, person: &Person) {
        self.actor = Actor::of_person(person);
    }

    /// What was made when this creation was asked for before.
    pub(crate) async fn made_before<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        let Some(once) = &self.by.once else {
            return Ok(None);
        };
        let row = sqlx::query("SELECT request_hash, made FROM idempotency WHERE id = $1")
            .bind(&once.id)
            .fetch_optional(&mut *self.transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let request_hash: String = row.try_get("request_hash")?;
        if request_hash != once.request_hash {
            return Err(Error::OtherRequestOfSameKey);
        }
        let envelope: String = row.try_get("made")?;
        let made = self.store.keyring.open_envelope(&once.id, &envelope)?;
        let made = serde_json::from_slice(&made).map_err(|_| Error::Corrupt {
            what: "what was made",
            id: once.id.clone(),
        });
        made.map(Some)
    }

    /// Keeps what was made for when this creation is asked for again. May hold secrets.
    pub(crate) async fn remember<T: Serialize>(&mut self, made: &T) -> Result<(), Error> {
        let Some(once) = &self.by.once else {
            return Ok(());
        };
        let unwritable = |_| Error::Corrupt {
            what: "what was made",
            id: once.id.clone(),
        };
        let made = serde_json::to_vec(made).map_err(unwritable)?;
        let random = self.store.random.as_ref();
        let envelope = self.store.keyring.seal(&once.id, &made, random)?;
        let stored = sqlx::query(
            "INSERT INTO idempotency (id, request_hash, made, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(&once.id)
        .bind(&once.request_hash)
        .bind(envelope)
        .bind(self.now.0)
        .execute(&mut *self.transaction)
        .await;
        match stored {
            Ok(_) => Ok(()),
            // The same request at the same moment, which was faster.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Err(Error::SameRequestUnderWay)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Queues a letter that the change needs: it is sent if the change happens, and only then.
    pub(crate) async fn mail(
        &mut self,
        letter: mail::Draft,
        belongs: mail::Belongs<'_>,
    ) -> Result<(), Error> {
        let enqueued = self
            .store
            .enqueue_mail_in(&mut self.transaction, letter, belongs);
        self.mails.push(enqueued.await?);
        Ok(())
    }

    /// Makes the change happen, and the log and the caller's notices tell of it.
    pub(crate) async fn commit(mut self, entry: Entry) -> Result<(), Error> {
        self.log(entry).await?;
        for notice in self.by.notices.clone() {
            self.tell(notice).await?;
        }
        self.commit_logged().await
    }

    /// Queues a notice, unless its recipient got too many of those that it is counted with.
    async fn tell(&mut self, notice: mail::Notice) -> Result<(), Error> {
        let kind = notice.draft.kind.name();
        let (organisation, is_awaited) = match notice.counted {
            mail::Counted::OfRecipient => (None, false),
            mail::Counted::Of(organisation) => (Some(organisation), false),
            mail::Counted::WithNone => (None, true),
        };
        let belongs = mail::Belongs {
            organisation,
            is_awaited,
            link: None,
        };
        match self.mail(notice.draft, belongs).await {
            Err(error @ (Error::TooManyMails { .. } | Error::MailTooLong { .. })) => {
                tracing::warn!(kind, %error, "a notice could not be queued");
                Ok(())
            }
            queued => queued,
        }
    }

    /// Makes a change happen of which the log tells already, or that turned out to be none.
    pub(crate) async fn commit_logged(self) -> Result<(), Error> {
        self.transaction.commit().await?;
        self.mails.into_iter().for_each(mail::Enqueued::announce);
        if let Some(renewed) = self.renewed {
            renewed.hand_out();
        }
        Ok(())
    }

    /// Writes an entry of a change that is several things at once.
    pub(crate) async fn log(&mut self, entry: Entry) -> Result<(), Error> {
        let id = AuditId::generate(self.store.random.as_ref() as &dyn Random);
        let json = |value: &Option<Value>| value.as_ref().map(Value::to_string);
        let behind = self.actor.person.as_ref();
        sqlx::query(
            "INSERT INTO audit_log
                 (id, organisation_id, at, actor_kind, actor_id, actor_name, address, request_id,
                  action, target_id, target_name, before, after, actor_person_id, actor_email)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(id.to_string())
        .bind(entry.organisation.map(|id| id.to_string()))
        .bind(self.now.0)
        .bind(self.actor.kind.name())
        .bind(&self.actor.id)
        .bind(&self.actor.name)
        .bind(&self.by.address)
        .bind(&self.by.request_id)
        .bind(entry.action)
        .bind(entry.target_id)
        .bind(entry.target_name)
        .bind(json(&entry.before))
        .bind(json(&entry.after))
        .bind(behind.map(|person| person.id.to_string()))
        .bind(behind.map(|person| &*person.email))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}
