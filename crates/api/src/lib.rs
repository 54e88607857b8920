//! HTTP: the Amplitude-compatible [`ingest`] API, and the control API of the [`portal`] with its
//! [`auth`] and the [`mail`] that it writes.

pub mod auth;
pub mod ingest;
pub mod mail;
pub mod portal;
mod proxy;
