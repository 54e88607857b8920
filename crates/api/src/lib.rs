//! HTTP: the Amplitude-compatible [`ingest`] API.

pub mod ingest;
