//! HTTP: the Amplitude-compatible [`ingest`] API, and the control API of the [`portal`] with its
//! [`auth`].

pub mod auth;
pub mod ingest;
pub mod portal;
mod proxy;
