//! Errors of the control API: problem details (RFC 9457) with stable codes.

mod kind;

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::access::Permission;
use model::{OrganisationId, ProjectId, SyncId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::mail::LetterError;
use crate::portal::lanes::{DroppedLane, LaneError};
use kind::Code;

/// Why a request was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No session and no token, or none of ours.
    #[error("sign in, or send a valid API token as `Authorization: Bearer …`")]
    Unauthenticated,
    /// E-mail address and password don't belong together; which of them is wrong isn't said.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,
    /// Who signs in is who they say, but an operator has locked the account.
    #[error("this account is locked: ask an operator of the installation")]
    AccountLocked,
    /// Who uses a session has not proved lately to be the one who began it.
    #[error("{}", recent_sign_in(*has_password))]
    RecentSignInNeeded {
        /// Whether they have a password to do it with.
        has_password: bool,
    },
    /// The password is right, and a code is needed too.
    #[error("give the code of your second factor as `code`, or a recovery code")]
    SecondFactorNeeded,
    /// Too many failures of this address or account.
    #[error("there were too many failures: wait a little")]
    TooManyFailures {
        /// When to try again.
        retry_after: Duration,
    },
    /// The caller makes more requests than it may.
    #[error("too many requests: wait a little")]
    RateLimited {
        /// When to try again.
        retry_after: Duration,
    },
    /// The organisation's share of the mail queue is used up, or somebody got enough letters.
    #[error("{message}")]
    TooManyLetters {
        /// Which.
        message: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// No further work that takes long can be begun.
    #[error("{message}")]
    TooMuchWork {
        /// Whose there is too much.
        message: &'static str,
    },
    /// No further tail can be opened.
    #[error("{message}")]
    TooManyTails {
        /// Whose there are too many.
        message: &'static str,
    },
    /// The caller may not do this.
    #[error("this needs the permission `{permission}`")]
    Forbidden {
        /// What is missing.
        permission: Permission,
    },
    /// Another site's page sent this with somebody's cookie.
    #[error("the request came from a page of another site")]
    CrossSite,
    /// Only for a person who is present.
    #[error("this is for people who are signed in, not for tokens")]
    SessionNeeded,
    /// A link that was used, has expired, or never was.
    #[error("the link was used, has expired, or was cut short: ask for a new one")]
    LinkEnded,
    /// It is not possible as things are.
    #[error("{0}")]
    Conflict(String),
    /// The idempotency key was used for something else.
    #[error("the `Idempotency-Key` was used for another request: take a new one")]
    KeyReused,
    /// The same creation is under way.
    #[error("the same request is under way: repeat it in a moment")]
    KeyInUse,
    /// There is no such thing, or it isn't the caller's.
    #[error("there is no {what}")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The path is there, but not for this method.
    #[error("the path doesn't take this method")]
    MethodNotAllowed,
    /// The body is not JSON.
    #[error("the body is not valid JSON: {message}")]
    Malformed {
        /// What is wrong with it.
        message: String,
        /// The line in the body, from 1.
        line: u32,
        /// The column in the body, from 1.
        column: u32,
    },
    /// The query is not what the path takes.
    #[error("the query can't be read: {message}")]
    Query {
        /// What is wrong with it.
        message: String,
    },
    /// A header is not what it should be.
    #[error("the header {name} can't be used: {message}")]
    Header {
        /// Which.
        name: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The body is something else than JSON by its own account.
    #[error("send the body as `Content-Type: application/json`")]
    UnsupportedMediaType,
    /// The body is too long.
    #[error("the body is longer than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// Some fields have values that they can't have.
    #[error("some fields can't be used as they are")]
    Invalid(Vec<FieldProblem>),
    /// The sync can't be enabled as it is.
    #[error("the sync can't be enabled as it is")]
    NotReady(Vec<FieldProblem>),
    /// Requests would go elsewhere, and take secrets along that the caller didn't give.
    #[error("the secrets that stay would be sent to another place: enter them again")]
    SecretsNeeded(Vec<FieldProblem>),
    /// The draft can't become a version as it is.
    #[error("the definition can't be released as it is")]
    NotReleasable(Vec<FieldProblem>),
    /// The update says nothing of the version that it was made from.
    #[error("send the `ETag` that you read as `If-Match`, or `*` to overwrite whatever is there")]
    PreconditionRequired,
    /// It was changed since it was read.
    #[error("it was changed since you read it: it is at version {current}")]
    PreconditionFailed {
        /// Its version now.
        current: u64,
    },
    /// The project has syncs.
    #[error("the project has {syncs} syncs: delete them first, or delete it with `?force=true`")]
    ProjectInUse {
        /// How many.
        syncs: u64,
    },
    /// Deleting a sync, or resuming it without its backlog, would drop deliveries that it still owes.
    #[error(
        "this drops {} deliveries that the sync still owes: repeat with `?confirm={}`, or with `confirm` in the body \
         of a resumption",
        .0.owed(), .0.owed()
    )]
    ConfirmationNeeded(DroppedLane),
    /// The request took longer than it may.
    #[error("the request took too long: try again in a moment, or ask for less at once")]
    TimedOut,
    /// The server is ending.
    #[error("the server is ending: try again in a moment")]
    Ending,
    /// Too many others wait for work that takes long.
    #[error("too many others are signing in: try again in a moment")]
    Busy,
    /// Something that we need does not answer.
    #[error("the server can't do this at present")]
    Unavailable {
        /// For the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Our fault.
    #[error("the server failed")]
    Internal {
        /// For the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Where the field is in the request body (for a sync that is enabled: in the sync): a JSON
    /// pointer.
    pub pointer: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// The line in the template, from 1, where the field is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in the template, from 1, where the field is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl FieldProblem {
    /// A problem of a field as a whole.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
            line: None,
            column: None,
        }
    }
}

impl From<pipeline::Problem> for FieldProblem {
    fn from(problem: pipeline::Problem) -> Self {
        Self {
            pointer: problem.pointer,
            message: problem.message,
            line: problem.line,
            column: problem.column,
        }
    }
}

/// One more reference token of a JSON pointer (RFC 6901), escaped.
pub(super) fn pointer(base: &str, token: impl std::fmt::Display) -> String {
    let token = token.to_string().replace('~', "~0").replace('/', "~1");
    format!("{base}/{token}")
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Identifies the kind of problem: `urn:millstream:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The kind of problem: stable, for programs.
    code: Code,
    /// What is wrong with this request, and what to do.
    detail: String,
    /// What is wrong with which fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    /// What deleting would drop, where a confirmation is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_drop: Option<DroppedLane>,
}

/// How to prove that one is still there.
fn recent_sign_in(has_password: bool) -> &'static str {
    match has_password {
        true => {
            "send your password as `password`, or sign in again and repeat this within ten minutes"
        }
        false => {
            "sign in again at your provider and repeat this within ten minutes, or choose a password \
             by the link that `POST /api/v1/password-resets` sends you"
        }
    }
}

impl ApiError {
    /// An id in the path that has not the form of one: it names nothing that exists.
    pub(crate) fn malformed_id() -> Self {
        Self::NotFound {
            what: "thing with an id of this form".into(),
        }
    }

    pub(crate) fn no_organisation(id: OrganisationId) -> Self {
        Self::NotFound {
            what: format!("organisation {id}"),
        }
    }

    /// One field that can't be used.
    pub(crate) fn field(pointer: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(pointer, message)])
    }

    pub(crate) fn no_project(id: ProjectId) -> Self {
        Self::NotFound {
            what: format!("project {id}"),
        }
    }

    pub(super) fn no_sync(id: SyncId) -> Self {
        Self::NotFound {
            what: format!("sync {id}"),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyFailures { retry_after }
            | Self::RateLimited { retry_after }
            | Self::TooManyLetters { retry_after, .. } => Some(*retry_after),
            Self::KeyInUse | Self::Busy => Some(Duration::from_secs(1)),
            Self::TooMuchWork { .. } => Some(Duration::from_secs(5)),
            Self::Unavailable { .. } | Self::Ending => Some(Duration::from_secs(5)),
            _ => None,
        }
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoOrganisation(id) => Self::no_organisation(id),
            store::Error::NoPerson(id) | store::Error::NoMember(id) => Self::NotFound {
                what: format!("member {id}"),
            },
            store::Error::NoMail(id) => Self::NotFound {
                what: format!("mail {id}"),
            },
            store::Error::NoSession(id) => Self::NotFound {
                what: format!("session {id}"),
            },
            store::Error::NoIdentity(id) => Self::NotFound {
                what: format!("identity {id}"),
            },
            store::Error::NoToken(id) => Self::NotFound {
                what: format!("token {id}"),
            },
            store::Error::NoInvitation => Self::LinkEnded,
            store::Error::Locked => Self::AccountLocked,
            store::Error::AccessEnded => Self::Unauthenticated,
            store::Error::NameTaken { .. } => Self::field("/name", "another one has this name"),
            store::Error::AlreadyMember
            | store::Error::InvitedAsOwner
            | store::Error::TooManyTokens { .. }
            | store::Error::LastOwner
            | store::Error::OnlyOwner { .. }
            | store::Error::HasOwner
            | store::Error::RoleChanged { .. }
            | store::Error::ProofOutdated
            | store::Error::RightsChanged
            | store::Error::MadeIsGone
            | store::Error::KeysGiven
            | store::Error::LastOperator
            | store::Error::LastWayIn
            | store::Error::EmailTaken
            | store::Error::SecondFactorTaken
            | store::Error::OtherInvitee
            | store::Error::DefinitionReleased
            | store::Error::DefinitionBarred
            | store::Error::TooManyDefinitions { .. }
            | store::Error::TooManyVersions { .. }
            | store::Error::VersionState { .. }
            | store::Error::HoldsInstallationToken
            | store::Error::NoImport(_)
            | store::Error::MailNotFailed(_)
            | store::Error::MailTextGone(_)
            | store::Error::ReplayEnded { .. }
            | store::Error::TooManyReplays { .. }
            | store::Error::TooManyFormerKeys { .. }
            | store::Error::OrganisationInUse { .. } => Self::Conflict(error.to_string()),
            store::Error::Letter(source) => match source.downcast_ref() {
                Some(LetterError::Address) => {
                    Self::field("/email", LetterError::Address.to_string())
                }
                _ => Self::Internal { source },
            },
            store::Error::TooManyMails { retry_after, .. }
            | store::Error::TooManySubmissions { retry_after, .. } => Self::TooManyLetters {
                message: error.to_string(),
                retry_after,
            },
            store::Error::MailShareUsedUp { .. } => Self::TooManyLetters {
                message: error.to_string(),
                retry_after: Duration::from_secs(60),
            },
            store::Error::OtherRequestOfSameKey => Self::KeyReused,
            store::Error::SameRequestUnderWay => Self::KeyInUse,
            store::Error::NoDefinition(_)
            | store::Error::NoVersion { .. }
            | store::Error::NoSyncVersion { .. }
            | store::Error::NoReplay(_) => Self::NotFound {
                what: error.to_string().replace("there is no ", ""),
            },
            error @ (store::Error::NoChannel(_) | store::Error::NoIncident(_)) => Self::NotFound {
                what: error.to_string().replace("there is no ", ""),
            },
            error @ (store::Error::TooManyChannels { .. }
            | store::Error::TooManyMessages { .. }
            | store::Error::Unsubscribed) => Self::Conflict(error.to_string()),
            store::Error::NoProject(id) => Self::no_project(id),
            store::Error::NoSync(id) => Self::no_sync(id),
            store::Error::ProjectInUse { syncs } => Self::ProjectInUse { syncs },
            store::Error::Conflict { current } => Self::PreconditionFailed { current },
            store::Error::Database(_)
            | store::Error::MailQueueFull { .. }
            | store::Error::TooManyAsk => Self::Unavailable {
                source: error.into(),
            },
            _ => Self::Internal {
                source: error.into(),
            },
        }
    }
}

impl From<LaneError> for ApiError {
    fn from(error: LaneError) -> Self {
        match error {
            LaneError::Problems(problems) => Self::NotReady(problems),
            LaneError::Unavailable(source) => Self::Unavailable { source },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, title) = self.kind();
        if let Self::Unavailable { source } | Self::Internal { source } = &self {
            tracing::error!(
                code = code.name(),
                error = source.as_ref(),
                "a control request failed"
            );
        }
        let detail = self.to_string();
        let retry_after = self.retry_after();
        let (errors, would_drop) = match self {
            Self::Invalid(errors)
            | Self::NotReady(errors)
            | Self::NotReleasable(errors)
            | Self::SecretsNeeded(errors) => (errors, None),
            Self::Malformed {
                message,
                line,
                column,
            } => {
                let place = FieldProblem {
                    line: Some(line),
                    column: Some(column),
                    ..FieldProblem::new("", message)
                };
                (vec![place], None)
            }
            Self::ConfirmationNeeded(would_drop) => (Vec::new(), Some(would_drop)),
            _ => (Vec::new(), None),
        };
        let problem = Problem {
            kind: format!("urn:millstream:problem:{}", code.name()),
            title,
            status: status.as_u16(),
            code,
            detail,
            errors,
            would_drop,
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(retry_after) = retry_after {
            // Whole seconds, rounded up: never an invitation to come too early.
            let seconds = retry_after.as_secs_f64().ceil() as u64;
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
