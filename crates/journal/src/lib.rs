//! What must not be lost: the durable log of a project's events, the state of its users, the
//! cursors of the lanes that read it, their pending retries and their ended deliveries.
//!
//! One consistency boundary, one trait: [`Journal`]. Its contract is written here; the suite in
//! [`conformance`] states all of it and runs on every backend.

mod contract;

pub use contract::*;
