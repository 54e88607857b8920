//! How each error is answered: what clients tell errors apart by.

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;

macro_rules! codes {
    ($($(#[$said:meta])* $code:ident = $name:literal,)*) => {
        /// The kinds of problems: stable, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = ProblemCode)]
        pub(in crate::portal) enum Code {
            $($(#[$said])* $code,)*
        }

        impl Code {
            /// All there are.
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$code),*];

            /// As clients see it.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// Not signed in.
    Unauthenticated = "unauthenticated",
    /// Too many failed sign-ins.
    TooManyFailures = "too_many_failures",
    /// Wrong e-mail address or password.
    WrongCredentials = "wrong_credentials",
    /// Second factor needed.
    SecondFactorNeeded = "second_factor_needed",
    /// Recent sign-in needed.
    RecentSignInNeeded = "recent_sign_in_needed",
    /// The account is locked.
    AccountLocked = "account_locked",
    /// Too many requests.
    RateLimited = "rate_limited",
    /// Too much mail.
    TooManyLetters = "too_many_letters",
    /// Too much work at once.
    TooMuchWork = "too_much_work",
    /// Too many tails.
    TooManyTails = "too_many_tails",
    /// Not allowed.
    Forbidden = "forbidden",
    /// From another site.
    CrossSite = "cross_site",
    /// For people only.
    SessionNeeded = "session_needed",
    /// The link has ended.
    LinkEnded = "link_ended",
    /// Not possible now.
    Conflict = "conflict",
    /// Key of another request.
    IdempotencyKeyReused = "idempotency_key_reused",
    /// The same request is under way.
    IdempotencyKeyInUse = "idempotency_key_in_use",
    /// Not found.
    NotFound = "not_found",
    /// Method not allowed.
    MethodNotAllowed = "method_not_allowed",
    /// Malformed body.
    MalformedBody = "malformed_body",
    /// Malformed query.
    MalformedQuery = "malformed_query",
    /// Malformed header.
    MalformedHeader = "malformed_header",
    /// Unsupported media type.
    UnsupportedMediaType = "unsupported_media_type",
    /// Body too large.
    BodyTooLarge = "body_too_large",
    /// Invalid fields.
    InvalidFields = "invalid_fields",
    /// Sync not ready.
    SyncNotReady = "sync_not_ready",
    /// Secrets needed again.
    SecretsNeeded = "secrets_needed",
    /// Definition not ready.
    DefinitionNotReady = "definition_not_ready",
    /// Precondition required.
    PreconditionRequired = "precondition_required",
    /// Changed in the meantime.
    PreconditionFailed = "precondition_failed",
    /// Project in use.
    ProjectInUse = "project_in_use",
    /// Confirmation needed.
    ConfirmationNeeded = "confirmation_needed",
    /// Took too long.
    TimedOut = "timed_out",
    /// Too busy.
    Busy = "busy",
    /// Unavailable.
    Unavailable = "unavailable",
    /// Server error.
    Internal = "internal",
}

impl ApiError {
    /// Status, stable code and title.
    pub(super) fn kind(&self) -> (StatusCode, Code, &'static str) {
        match self {
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                Code::Unauthenticated,
                "Not signed in",
            ),
            Self::TooManyFailures { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                Code::TooManyFailures,
                "Too many failed sign-ins",
            ),
            Self::WrongCredentials => (
                StatusCode::UNAUTHORIZED,
                Code::WrongCredentials,
                "Wrong e-mail address or password",
            ),
            Self::SecondFactorNeeded => (
                StatusCode::UNAUTHORIZED,
                Code::SecondFactorNeeded,
                "Second factor needed",
            ),
            Self::RecentSignInNeeded { .. } => (
                StatusCode::FORBIDDEN,
                Code::RecentSignInNeeded,
                "Recent sign-in needed",
            ),
            Self::AccountLocked => (
                StatusCode::FORBIDDEN,
                Code::AccountLocked,
                "The account is locked",
            ),
            Self::RateLimited { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                Code::RateLimited,
                "Too many requests",
            ),
            Self::TooManyLetters { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                Code::TooManyLetters,
                "Too much mail",
            ),
            Self::TooMuchWork { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                Code::TooMuchWork,
                "Too much work at once",
            ),
            Self::TooManyTails { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                Code::TooManyTails,
                "Too many tails",
            ),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, Code::Forbidden, "Not allowed"),
            Self::CrossSite => (StatusCode::FORBIDDEN, Code::CrossSite, "From another site"),
            Self::SessionNeeded => (
                StatusCode::FORBIDDEN,
                Code::SessionNeeded,
                "For people only",
            ),
            Self::LinkEnded => (StatusCode::GONE, Code::LinkEnded, "The link has ended"),
            Self::Conflict(_) => (StatusCode::CONFLICT, Code::Conflict, "Not possible now"),
            Self::KeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::IdempotencyKeyReused,
                "Key of another request",
            ),
            Self::KeyInUse => (
                StatusCode::CONFLICT,
                Code::IdempotencyKeyInUse,
                "The same request is under way",
            ),
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, Code::NotFound, "Not found"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                Code::MethodNotAllowed,
                "Method not allowed",
            ),
            Self::Malformed { .. } => (
                StatusCode::BAD_REQUEST,
                Code::MalformedBody,
                "Malformed body",
            ),
            Self::Query { .. } => (
                StatusCode::BAD_REQUEST,
                Code::MalformedQuery,
                "Malformed query",
            ),
            Self::Header { .. } => (
                StatusCode::BAD_REQUEST,
                Code::MalformedHeader,
                "Malformed header",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Code::UnsupportedMediaType,
                "Unsupported media type",
            ),
            Self::TooLarge { .. } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                Code::BodyTooLarge,
                "Body too large",
            ),
            Self::Invalid(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::InvalidFields,
                "Invalid fields",
            ),
            Self::NotReady(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::SyncNotReady,
                "Sync not ready",
            ),
            Self::SecretsNeeded(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::SecretsNeeded,
                "Secrets needed again",
            ),
            Self::NotReleasable(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::DefinitionNotReady,
                "Definition not ready",
            ),
            Self::PreconditionRequired => (
                StatusCode::PRECONDITION_REQUIRED,
                Code::PreconditionRequired,
                "Precondition required",
            ),
            Self::PreconditionFailed { .. } => (
                StatusCode::PRECONDITION_FAILED,
                Code::PreconditionFailed,
                "Changed in the meantime",
            ),
            Self::ProjectInUse { .. } => {
                (StatusCode::CONFLICT, Code::ProjectInUse, "Project in use")
            }
            Self::ConfirmationNeeded(_) => (
                StatusCode::CONFLICT,
                Code::ConfirmationNeeded,
                "Confirmation needed",
            ),
            Self::TimedOut => (StatusCode::REQUEST_TIMEOUT, Code::TimedOut, "Took too long"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, Code::Busy, "Too busy"),
            Self::Unavailable { .. } | Self::Ending => (
                StatusCode::SERVICE_UNAVAILABLE,
                Code::Unavailable,
                "Unavailable",
            ),
            Self::Internal { .. } => (
                StatusCode::INTERNAL_SERVER_ERROR,
                Code::Internal,
                "Server error",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_says_what_each_code_means() {
        let page = include_str!("../../../../../docs/problems.md");
        for code in Code::ALL {
            let row = format!("| `{}` | ", code.name());
            assert!(page.contains(&row), "{row}");
        }
        assert_eq!(page.matches("\n| `").count(), Code::ALL.len());
    }

    #[test]
    fn a_code_is_written_as_it_is_named() {
        for code in [Code::Busy, Code::IdempotencyKeyReused, Code::SyncNotReady] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }
}
