//! The journal on SQLite against the contract, a crash, and a failing disk.

#![allow(clippy::unwrap_used)] // A test may panic, its helpers too.

mod crash;
mod erasure;
mod faults;
mod lookup;
mod received;
mod support;

use support::Sqlites;

millstream_journal::conformance!(Sqlites::default());
