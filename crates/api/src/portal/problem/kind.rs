//! How each error is answered: what clients tell errors apart by.

use axum::http::StatusCode;

use super::ApiError;

impl ApiError {
    /// Status, stable code and title.
    pub(super) fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "Not signed in"),
            Self::TooManyFailures { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_failures",
                "Too many failed sign-ins",
            ),
            Self::WrongCredentials => (
                StatusCode::UNAUTHORIZED,
                "wrong_credentials",
                "Wrong e-mail address or password",
            ),
            Self::SecondFactorNeeded => (
                StatusCode::UNAUTHORIZED,
                "second_factor_needed",
                "Second factor needed",
            ),
            Self::RecentSignInNeeded => (
                StatusCode::FORBIDDEN,
                "recent_sign_in_needed",
                "Recent sign-in needed",
            ),
            Self::AccountLocked => (
                StatusCode::FORBIDDEN,
                "account_locked",
                "The account is locked",
            ),
            Self::RateLimited { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Too many requests",
            ),
            Self::TooManyLetters(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_letters",
                "Too much mail waits",
            ),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross_site", "From another site"),
            Self::SessionNeeded => (StatusCode::FORBIDDEN, "session_needed", "For people only"),
            Self::LinkEnded => (StatusCode::GONE, "link_ended", "The link has ended"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict", "Not possible now"),
            Self::KeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "Key of another request",
            ),
            Self::KeyInUse => (
                StatusCode::CONFLICT,
                "idempotency_key_in_use",
                "The same request is under way",
            ),
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
            ),
            Self::Malformed { .. } => (StatusCode::BAD_REQUEST, "malformed_body", "Malformed body"),
            Self::Query { .. } => (
                StatusCode::BAD_REQUEST,
                "malformed_query",
                "Malformed query",
            ),
            Self::Header { .. } => (
                StatusCode::BAD_REQUEST,
                "malformed_header",
                "Malformed header",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Unsupported media type",
            ),
            Self::TooLarge { .. } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "Body too large",
            ),
            Self::Invalid(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_fields",
                "Invalid fields",
            ),
            Self::NotReady(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "sync_not_ready",
                "Sync not ready",
            ),
            Self::SecretsNeeded(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "secrets_needed",
                "Secrets needed again",
            ),
            Self::NotReleasable(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "definition_not_ready",
                "Definition not ready",
            ),
            Self::PreconditionRequired => (
                StatusCode::PRECONDITION_REQUIRED,
                "precondition_required",
                "Precondition required",
            ),
            Self::PreconditionFailed { .. } => (
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                "Changed in the meantime",
            ),
            Self::ProjectInUse { .. } => (StatusCode::CONFLICT, "project_in_use", "Project in use"),
            Self::ConfirmationNeeded(_) => (
                StatusCode::CONFLICT,
                "confirmation_needed",
                "Confirmation needed",
            ),
            Self::TimedOut => (StatusCode::REQUEST_TIMEOUT, "timed_out", "Took too long"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Too busy"),
            Self::Unavailable { .. } | Self::Ending => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Unavailable",
            ),
            Self::Internal { .. } => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Server error",
            ),
        }
    }
}
