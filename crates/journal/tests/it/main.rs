//! The journal on SQLite against the contract, a crash, and a failing disk.

mod crash;
mod faults;
mod support;

use support::Sqlites;

millstream_journal::conformance!(Sqlites::default());
