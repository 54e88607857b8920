//! Events that clients give. Their numbers keep the digits that they were written with: what is shown
//! is what a delivery would send.

use axum::extract::{FromRequest, Request};
use model::json::{self, Limits};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use crate::portal::ApiError;
use crate::portal::extract;

/// An event as a client gave it: JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::portal) struct Given(String);

impl Given {
    /// An event of our own.
    pub(super) fn own(value: &json::Value<'_>) -> Self {
        Self(value.to_json())
    }

    /// The JSON text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(value.to_string()))
    }
}

/// A body in which events stand.
pub(in crate::portal) trait Events {
    /// Takes the events again from the same body, where numbers are as they were written.
    fn take_exact(&mut self, body: &json::Value<'_>);
}

/// Takes the event that is the body's member `event`.
pub(super) fn take_event(given: &mut Option<Given>, body: &json::Value<'_>) {
    if let (Some(given), Some(event)) = (given, body.get("event")) {
        *given = Given::own(event);
    }
}

/// A JSON body in which events stand.
pub(in crate::portal) struct Exact<T>(pub(in crate::portal) T);

impl<S: Send + Sync, T: DeserializeOwned + Events> FromRequest<S> for Exact<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = extract::json_bytes(request, state).await?;
        let mut input: T = extract::read(&bytes)?;
        let body = json::parse(&bytes, &Limits::FOREIGN).map_err(|error| ApiError::Malformed {
            message: error.problem.into(),
            line: u32::try_from(error.line).unwrap_or(u32::MAX),
            column: u32::try_from(error.column).unwrap_or(u32::MAX),
        })?;
        input.take_exact(&body);
        Ok(Self(input))
    }
}
