//! The picture in a definition's folder, judged as the server judges it.

use std::path::Path;

use api::picture::{MOST_BYTES, Picture};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::source::{Fault, read_bytes_if_there};

/// The file in the folder.
pub(crate) const LOGO: &str = "logo.png";

/// A picture, as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logo {
    picture: Picture,
    /// The SHA-256 of its bytes in hexadecimal, by which the server calls it.
    hash: String,
}

impl Logo {
    /// The picture in a folder, if there is one.
    pub(crate) fn open(folder: &Path) -> Result<Option<Self>, Fault> {
        let path = folder.join(LOGO);
        let Some(file) = read_bytes_if_there(&path, MOST_BYTES)? else {
            return Ok(None);
        };
        Self::read(&file)
            .map(Some)
            .map_err(|message| Fault::new(path, message))
    }

    /// A picture, of the bytes of any PNG.
    pub(crate) fn read(file: &[u8]) -> Result<Self, String> {
        let picture = Picture::read(file)?;
        let digest = Sha256::digest(&picture.png);
        let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { picture, hash })
    }

    /// By what the server calls it.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    /// The file's bytes.
    pub(crate) fn png(&self) -> &[u8] {
        &self.picture.png
    }

    /// What is compared of it, and shown where it changes.
    pub(crate) fn facts(&self) -> Value {
        json!({
            "sha256": self.hash,
            "width": self.picture.width,
            "height": self.picture.height,
            "bytes": self.picture.png.len(),
        })
    }

    /// As a request carries it.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.picture.png)
    }
}
