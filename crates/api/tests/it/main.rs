//! The ingest API and the control API as their clients meet them.

#![allow(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

mod hostile;
mod http;
mod identify;
mod ids;
mod portal;
mod rules;
mod support;
