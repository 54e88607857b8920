//! Lists, a page at a time.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ApiError;

/// Items on a page when the client doesn't say.
const DEFAULT_LIMIT: u32 = 50;

/// Most items on a page.
const MAX_LIMIT: u32 = 200;

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// `next` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

impl PageQuery {
    pub(super) fn new(cursor: Option<String>, limit: Option<u32>) -> Self {
        Self { cursor, limit }
    }

    pub(super) fn limit(&self) -> Result<u32, ApiError> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => Err(ApiError::Query {
                message: format!("limit: from 1 to {MAX_LIMIT}"),
            }),
        }
    }

    /// Where the page starts, read by `parse`.
    pub(super) fn after<T>(
        &self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        parse(cursor).map(Some).ok_or_else(|| ApiError::Query {
            message: "cursor: take `next` of the page before as it is".into(),
        })
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// What is on it.
    pub(super) items: Vec<T>,
    /// The next page's `cursor`; null on the last page.
    pub(super) next: Option<String>,
}

impl<T> Page<T> {
    /// The view of a page of the store.
    pub(super) fn of<R>(page: store::Page<R>, view: impl FnMut(R) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(view).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        }
    }
}
