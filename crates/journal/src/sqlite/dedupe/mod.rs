//! Duplicate detection: the keys of the events accepted within the last 7 days.
//!
//! A log-structured set. Keys are random, so a B-tree of them would touch a page per event; instead
//! each commit appends its keys as one row to the table `dedupe_log` and to a table in memory.
//! When that is full it is frozen, sorted and written to an immutable [`run`] file by a thread of
//! its own ([`builder`]); runs of like size are merged there too. A commit that registers the new
//! run in `dedupe_runs` removes what it replaces. Files that no row names are left-overs of a
//! crash and are deleted at the start.

pub(super) mod builder;
mod filter;
mod key;
pub(super) mod run;
mod set;

pub(super) use key::{Key, seconds_rounded_up};
pub(super) use set::Dedupe;

use std::time::Duration;

/// How long an `insert_id` is remembered.
pub(super) const WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A key and the second, rounded up, in which its event was received.
pub(super) type Entry = (Key, u32);
