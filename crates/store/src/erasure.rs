//! That users are erased, told in the audit log, which says who asked and what was found; of the user it
//! has a hash. What is erased lies elsewhere.

use std::collections::BTreeMap;

use model::{ErasureId, ProjectId, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::change::{Caller, Entry, rfc3339};
use crate::secret::hexadecimal;
use crate::{Error, Store, project};

/// An erasure that is done.
#[derive(Debug, Clone, Copy)]
pub struct ErasureReport<'r> {
    /// Which.
    pub id: ErasureId,
    /// Whose user.
    pub project: ProjectId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// What was found and erased, by kind.
    pub found: &'r BTreeMap<String, u64>,
}

impl Store {
    /// Writes into the audit log that somebody asks for a user to be erased; returns the erasure's id,
    /// the same for a repeated request. `kind` says what `subject` is: `user_id`, `device_id` or
    /// `amplitude_id`.
    pub async fn log_erasure_asked(
        &self,
        project: ProjectId,
        kind: &str,
        subject: &str,
        by: &Caller,
    ) -> Result<ErasureId, Error> {
        let mut change = self.begin(by).await?;
        if let Some(id) = change.made_before().await? {
            return Ok(id);
        }
        let found = project::find(change.connection(), project).await?;
        let id = ErasureId::generate(self.random.as_ref());
        change.remember(&id).await?;
        let hash = subject_hash(project, kind, subject);
        let entry = Entry {
            organisation: Some(found.organisation),
            action: "user.erase",
            target_id: project.to_string(),
            target_name: found.name,
            before: None,
            after: Some(json!({"erasure": id.to_string(), "by": kind, "sha256": hash})),
        };
        change.commit(entry).await?;
        Ok(id)
    }

    /// Writes into the audit log what an erasure has found. Nothing, when the project is gone.
    pub async fn log_erased(&self, report: ErasureReport<'_>) -> Result<(), Error> {
        let by = Caller::system();
        let mut change = self.begin(&by).await?;
        let found = match project::find(change.connection(), report.project).await {
            Err(Error::NoProject(_)) => return Ok(()),
            found => found?,
        };
        let entry = Entry {
            organisation: Some(found.organisation),
            action: "user.erased",
            target_id: report.project.to_string(),
            target_name: found.name,
            before: None,
            after: Some(json!({
                "erasure": report.id.to_string(),
                "requested_at": rfc3339(report.requested_at),
                "found": report.found,
            })),
        };
        change.commit(entry).await
    }
}

/// What stands for a user in the audit log: whoever has the id can make the same of it.
fn subject_hash(project: ProjectId, kind: &str, subject: &str) -> String {
    let text = format!("{project} {kind} {subject}");
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_can_be_made_by_whoever_knows_the_id() {
        let project = ProjectId::from_bytes([7; 16]);
        let hash = subject_hash(project, "user_id", "ann@example.com");
        assert_eq!(hash.len(), 64);
        assert!(!hash.contains("ann"));
        assert_ne!(hash, subject_hash(project, "device_id", "ann@example.com"));
    }
}
