//! What must not be lost: the durable log of a project's events, the state of its users, the
//! cursors of the lanes that read it, their pending retries and their ended deliveries.
//!
//! One consistency boundary, one trait: [`Journal`]. Its contract is written here; the suite in
//! `conformance` (a feature, for the tests of backends) states all of it and runs on every one.

#[cfg(feature = "conformance")]
pub mod conformance;
mod contract;
mod erasure;
pub mod fate;
pub mod figures;
pub mod hold;
mod keep;
mod newest;
pub mod person;
pub mod received;
mod replay;
mod settlement;
pub mod sqlite;
pub mod turn;

pub use contract::*;
pub use erasure::{EraseRequest, Erasing, Erasure, ErasureState, Subject, TimesErased};
pub use fate::Fates;
pub use keep::{Held, ImportLog, Keep};
pub use newest::newest;
pub use person::KnownUser;
pub use replay::{ReplayState, ReplayStep, Stretch};
pub use settlement::*;
