//! HTTP: the Amplitude-compatible [`ingest`] API, and the control API of the [`portal`] with its
//! [`auth`], the [`mail`] that it writes and the [`picture`]s that it shows.

pub mod auth;
pub mod ingest;
pub mod mail;
pub mod picture;
pub mod portal;
mod proxy;
