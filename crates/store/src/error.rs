//! What can go wrong in the store.

use std::path::PathBuf;
use std::time::Duration;

use model::access::Role;
use model::{
    ChannelId, DefinitionId, IdentityId, IncidentId, MailId, OrganisationId, PersonId, ProjectId,
    ReplayId, SyncId,
};

use crate::change::LetterFailure;
use crate::definition::VersionState;
use crate::replay::ReplayGoal;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the database names no dialect that this build knows.
    #[error("the database address must start with `sqlite:` or `postgres://`")]
    UnknownDialect,
    /// The address of a PostgreSQL database can't be read. It is not shown: it may hold a password.
    #[error(
        "the database address must be like `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, special \
         characters percent-encoded (`?` as `%3F`), behind a `?` only what Millstream knows"
    )]
    MalformedAddress,
    /// The database was used by a later version of the program.
    #[error(
        "the database has schema {found}, but this version of Millstream knows only up to {known}: \
         start it with the version that wrote it, or a later one"
    )]
    NewerSchema {
        /// The newest migration that the database has seen.
        found: i64,
        /// The newest migration of this build.
        known: i64,
    },
    /// A sync has no such version, or none any more.
    #[error("there is no version {version} of {id}")]
    NoSyncVersion {
        /// The sync.
        id: SyncId,
        /// What was asked for.
        version: u64,
    },
    /// A sync has no such replay, or none any more.
    #[error("there is no replay {0}")]
    NoReplay(ReplayId),
    /// A mail that waits or went out isn't sent again.
    #[error("the mail {0} waits or was sent: only what was given up is sent again")]
    MailNotFailed(MailId),
    /// What a mail said is kept no longer.
    #[error("what the mail {0} said is kept no longer, since its link has ended: make a new one")]
    MailTextGone(MailId),
    /// A replay takes no events.
    #[error("the replay {0} is no import")]
    NoImport(ReplayId),
    /// A replay has ended, and can't go on.
    #[error("the replay is {}", state.name())]
    ReplayEnded {
        /// How it ended.
        state: ReplayGoal,
    },
    /// A sync has as many replays that have not ended as may be.
    #[error("the sync has {limit} replays that have not ended, and no more may be: cancel some")]
    TooManyReplays {
        /// Most of one sync.
        limit: i64,
    },
    /// The schema could not be brought up to date.
    #[error("the database's schema can't be brought up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// What was read contradicts the schema's promises.
    #[error("the database is damaged: {what} of {id} can't be read")]
    Corrupt {
        /// Which value.
        what: &'static str,
        /// Of which row.
        id: String,
    },
    /// The key file can't be read or made.
    #[error("the key file {path} can't be used")]
    KeyFile {
        /// Where it is expected.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database holds sealed secrets, but their key is not there.
    #[error(
        "the key file {path} is missing, but the database holds secrets that were sealed with it: \
         put the file back from its copy"
    )]
    KeyFileMissing {
        /// Where it is expected.
        path: PathBuf,
    },
    /// The key file is not what it should be.
    #[error("line {line} of the key file {path} is not `ID:` and 64 hexadecimal digits")]
    KeyFileMalformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 1 for an empty file.
        line: usize,
    },
    /// A key in the configuration is not what it should be.
    #[error("key {number} of `store.key` is not `ID:` and 64 hexadecimal digits")]
    KeyMalformed {
        /// Which of them, from 1.
        number: usize,
    },
    /// The keys can't be changed from here.
    #[error(
        "the keys are given by `store.key`: put a new one before the others there, restart, and \
         seal again without a new key"
    )]
    KeysGiven,
    /// Others than the owner can read the key file.
    #[error("the key file {path} is readable by others: run `chmod 600` on it")]
    KeyFileExposed {
        /// The file.
        path: PathBuf,
    },
    /// A secret was sealed with a key that the key file doesn't hold.
    #[error("a secret was sealed with the key {key_id}, which is not in the key file")]
    UnknownKey {
        /// The key's id.
        key_id: String,
    },
    /// A sealed secret was changed, or belongs to another row.
    #[error("the sealed secrets of {id} can't be opened: they were changed or moved")]
    Unsealable {
        /// Whose.
        id: String,
    },
    /// There is no such organisation.
    #[error("there is no organisation {0}")]
    NoOrganisation(OrganisationId),
    /// There is no such person.
    #[error("there is no person {0}")]
    NoPerson(PersonId),
    /// The person is not in the organisation.
    #[error("the organisation has no member {0}")]
    NoMember(PersonId),
    /// The person is in the organisation already.
    #[error("the person is a member already")]
    AlreadyMember,
    /// The organisation would have no owner left.
    #[error("the organisation needs an owner: make another one first")]
    LastOwner,
    /// The member's role was changed since it was read.
    #[error("the member has become {role} in the meantime")]
    RoleChanged {
        /// What they are now.
        role: Role,
    },
    /// The installation would have no operator left.
    #[error("the installation needs an operator: make another one first")]
    LastOperator,
    /// The person is the only owner of an organisation, which would have none.
    #[error(
        "you are the only owner of the organisation {organisation}: make somebody else an owner, or \
         delete it, first"
    )]
    OnlyOwner {
        /// Its name.
        organisation: String,
    },
    /// The organisation has an owner, who invites others.
    #[error("the organisation has an owner: owners invite others")]
    HasOwner,
    /// An operator locked the account.
    #[error("this account is locked: ask an operator of the installation")]
    Locked,
    /// Who asks proved who they are, but signs in with something else, or has other rights, by now.
    #[error("the account was changed in the meantime: repeat this")]
    ProofOutdated,
    /// The session or token that the caller was let in with has ended in the meantime.
    #[error("the session or token has ended in the meantime")]
    AccessEnded,
    /// The caller may not do any more what they were let in for, or something else.
    #[error("your rights were changed in the meantime: repeat this")]
    RightsChanged,
    /// The e-mail address has an account.
    #[error("the e-mail address has an account already")]
    EmailTaken,
    /// The person has a second factor already.
    #[error("there is a second factor already")]
    SecondFactorTaken,
    /// The address is invited as owner, which an invitation as less would end.
    #[error("this address is invited as owner: withdraw that invitation first")]
    InvitedAsOwner,
    /// There is no such invitation, or not any more.
    #[error("there is no such invitation, or it was used or has expired")]
    NoInvitation,
    /// The invitation is somebody else's.
    #[error("the invitation was sent to another e-mail address")]
    OtherInvitee,
    /// Nobody has this verified address, and nobody is admitted by it.
    #[error("there is no account for this address, and no invitation")]
    NoAccount,
    /// The person has no such identity.
    #[error("there is no identity {0}")]
    NoIdentity(IdentityId),
    /// The person removed this identity from their account.
    #[error("this identity was removed from the account: sign in otherwise, and allow it again")]
    IdentityRemoved,
    /// The person could not sign in any more.
    #[error("this is the only way to sign in: choose a password first")]
    LastWayIn,
    /// The person has no such session.
    #[error("there is no session {0}")]
    NoSession(String),
    /// The organisation can't be deleted while it has projects.
    #[error("the organisation has {projects} projects")]
    OrganisationInUse {
        /// How many.
        projects: u64,
    },
    /// The organisation can't be deleted while the installation's own tokens are for it.
    #[error(
        "the organisation holds the installation's own API token, which would end with it: an operator \
         revokes that first"
    )]
    HoldsInstallationToken,
    /// Another one has this name.
    #[error("the name {name:?} is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The letter that tells of the change could not be written; nothing was changed.
    #[error("the letter can't be written")]
    Letter(#[source] LetterFailure),
    /// A creation was asked for with the key of another one.
    #[error("the idempotency key was used for another request")]
    OtherRequestOfSameKey,
    /// What was made when this was asked for before is gone, or has been replaced.
    #[error(
        "what this `Idempotency-Key` made was deleted or replaced since: ask for another one under a new key"
    )]
    MadeIsGone,
    /// The same creation is being carried out for another request.
    #[error("the same request is under way")]
    SameRequestUnderWay,
    /// There is no such definition, or not for this organisation.
    #[error("there is no definition {0}")]
    NoDefinition(DefinitionId),
    /// The definition has no such version, or not for this organisation.
    #[error("there is no version {version} of the definition {id}")]
    NoVersion {
        /// Of which definition.
        id: DefinitionId,
        /// Which.
        version: u32,
    },
    /// The organisation has as many definitions as may be.
    #[error("the organisation has {limit} definitions, and no more may be: delete drafts")]
    TooManyDefinitions {
        /// Most of one organisation.
        limit: i64,
    },
    /// The definition has as many versions as may be.
    #[error("the definition has {limit} versions, and no more may be")]
    TooManyVersions {
        /// Most of one definition.
        limit: u32,
    },
    /// A definition with versions can't be deleted.
    #[error("the definition has been released, and syncs may connect it: archive it instead")]
    DefinitionReleased,
    /// A reviewer took the definition from the catalog.
    #[error("a reviewer took this destination from the catalog: only reviewers can put it back")]
    DefinitionBarred,
    /// What is asked can't be done with a version in this state.
    #[error("{}", not_for(*state))]
    VersionState {
        /// How far it has come.
        state: VersionState,
    },
    /// As many replaced keys of a project are still taken as may be.
    #[error(
        "{limit} former keys are still taken, and no more may be: rotate without an overlap, or end \
         the former ones (`end_former`)"
    )]
    TooManyFormerKeys {
        /// Most at once.
        limit: i64,
    },
    /// There is no such project.
    #[error("there is no project {0}")]
    NoProject(ProjectId),
    /// The project has no such sync.
    #[error("there is no sync {0}")]
    NoSync(SyncId),
    /// The project has no such channel.
    #[error("there is no channel {0}")]
    NoChannel(ChannelId),
    /// The project has no such incident.
    #[error("there is no incident {0}")]
    NoIncident(IncidentId),
    /// The project has as many channels as may be.
    #[error("the project has {limit} channels, and no more may be")]
    TooManyChannels {
        /// Most of one project.
        limit: i64,
    },
    /// So many messages wait for a channel that no test is sent.
    #[error("{limit} messages wait for this channel already: see why they aren't taken")]
    TooManyMessages {
        /// Most that may wait.
        limit: i64,
    },
    /// Whom the address belongs to asked for no more of it.
    #[error("whoever has this address asked for no more mail: only they can add it again")]
    Unsubscribed,
    /// There is no such token.
    #[error("there is no token {0}")]
    NoToken(String),
    /// No more tokens may be made.
    #[error(
        "{whose} {limit} tokens already, and no more may be: revoke some, such as expired ones"
    )]
    TooManyTokens {
        /// Who has them.
        whose: &'static str,
        /// Most.
        limit: u64,
    },
    /// So many wait for a link to a new password that no more may.
    #[error("too many links to a new password were asked for: try again in a minute")]
    TooManyAsk,
    /// There is no such mail.
    #[error("there is no mail {0}")]
    NoMail(MailId),
    /// The recipient got as many mails of this kind lately as anyone may get, or may get of one
    /// organisation.
    #[error("this address got {limit} such mails within an hour: wait before asking for another")]
    TooManyMails {
        /// Most mails of one kind to one address within an hour.
        limit: u32,
        /// When there is room for another.
        retry_after: Duration,
    },
    /// A definition was submitted so often lately that reviewers would hear of little else.
    #[error(
        "this destination was submitted {limit} times within an hour: wait before submitting it again"
    )]
    TooManySubmissions {
        /// Most submissions of one definition within an hour.
        limit: u32,
        /// When there is room for another.
        retry_after: Duration,
    },
    /// The mail queue is full.
    #[error("{limit} mails wait to be sent, and no more may: see to the mail server")]
    MailQueueFull {
        /// Most mails that may wait.
        limit: u32,
    },
    /// So much mail of one organisation waits that more would be in others' way.
    #[error(
        "{limit} mails of this organisation wait to be sent, and no more of one organisation may: try \
         again when some have gone out"
    )]
    MailShareUsedUp {
        /// Most mails of one organisation that may wait.
        limit: u32,
    },
    /// A mail is longer than any should be.
    #[error("the mail is longer than {limit_bytes} bytes")]
    MailTooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// The project can't be deleted while it has syncs.
    #[error("the project has {syncs} syncs")]
    ProjectInUse {
        /// How many.
        syncs: u64,
    },
    /// It was changed since it was read.
    #[error("it was changed in the meantime: it is at version {current}")]
    Conflict {
        /// Its version now.
        current: u64,
    },
}

/// Why something can't be done with a version in this state, and what to do.
fn not_for(state: VersionState) -> &'static str {
    match state {
        VersionState::Internal => "the version does not wait for a reviewer: submit it first",
        VersionState::Submitted => "the version is submitted already, and waits for a reviewer",
        VersionState::Approved => "the version is approved already",
        VersionState::Returned => {
            "the version was sent back: mend the draft, release it as a new version, and submit that"
        }
    }
}
