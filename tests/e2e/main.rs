//! Drives the real binary as its users do: over HTTP, by signals, with the SDKs' own clients.
//!
//! The binary is the one that `MILLSTREAM_BIN` names, else `target/debug/millstream`. The SDKs are
//! installed by `tests/setup-clients`. Every test has a server, a data folder and destinations of
//! its own.

// The process of a test lives as long as the test does: its tasks need no further owner.
#![allow(clippy::disallowed_methods)]

mod alert_mails;
mod alerts;
mod answers;
mod awaiting;
mod backup;
mod changes;
mod clients;
mod contract;
mod crash;
mod definitions;
mod echoes;
mod fates;
mod faults;
mod figures;
mod holding;
mod hostile;
mod imports;
mod isolation;
mod limits;
mod operation;
mod order;
mod past_failures;
mod people;
mod post;
mod preview;
mod privacy;
mod replays;
mod tail;
mod walk;
