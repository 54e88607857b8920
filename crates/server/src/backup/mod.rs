//! Backups of an embedded installation: one file with its store and its journal of one moment.
//!
//! The file is a tar archive, so that ordinary tools can look into it:
//!
//! ```text
//! manifest.json          what follows, when it was taken, by which version (see [`manifest`])
//! control.db             the store
//! journal/journal.db     the journal
//! journal/dedupe-N.run   its files beside the database
//! SHA256SUMS             of all of the above, as `sha256sum --check` reads it
//! ```
//!
//! It is written and read as a stream, with a bounded buffer. The key that seals the secrets in
//! `control.db` is not in it, nor is the admin token.

mod archive;
mod files;
mod manifest;
mod restore;
mod take;

pub(crate) use manifest::Manifest;
pub(crate) use restore::{Key, Restored, Source, Target, restore};
pub(crate) use take::{Destination, take};

/// The store's name in an archive and in a data folder.
const STORE: &str = "control.db";

/// The journal's folder in an archive and in a data folder.
const JOURNAL: &str = "journal";

/// Told what is being done, how many bytes of it are done, and of how many.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(&str, u64, u64);
