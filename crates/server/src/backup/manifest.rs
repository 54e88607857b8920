//! What an archive says of itself, before anything else.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::{JOURNAL, STORE};

/// The form of the archives that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// The content of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The form of the archive.
    pub(crate) format: u32,
    /// The version of the program that took the backup.
    pub(crate) program: String,
    /// The moment that it shows. Nothing that was acknowledged before is missing.
    pub(crate) taken_at: jiff::Timestamp,
    /// The schemas of the databases.
    pub(crate) schemas: Schemas,
    /// The ids of the keys that secrets are sealed with. The keys are not in the archive.
    pub(crate) key_ids: BTreeSet<String>,
    /// The files that follow, in their order.
    pub(crate) parts: Vec<Part>,
}

/// The schemas of the databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schemas {
    /// Of the store.
    pub(crate) store: i64,
    /// Of the journal.
    pub(crate) journal: i64,
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Its path in the archive and in the data folder.
    pub(crate) name: String,
    /// Its length.
    pub(crate) bytes: u64,
}

impl Manifest {
    /// What this version says of its archives.
    pub(crate) fn new(
        taken_at: jiff::Timestamp,
        schemas: Schemas,
        key_ids: BTreeSet<String>,
        parts: Vec<Part>,
    ) -> Self {
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at,
            schemas,
            key_ids,
            parts,
        }
    }

    /// Reads it, and refuses what this version can't restore.
    pub(crate) fn parse(text: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
            program: String,
        }
        const UNREADABLE: &str = "manifest.json can't be read: the archive is damaged";
        let form: Form = serde_json::from_slice(text).context(UNREADABLE)?;
        let newer = |what: &str, found: i64, known: i64| {
            format!(
                "the backup was taken by Millstream {}: its {what} is {found}, this version knows \
                 only up to {known}; restore it with that version or a later one",
                form.program
            )
        };
        if form.format > FORMAT {
            bail!(newer("format", form.format.into(), FORMAT.into()));
        }
        let manifest: Self = serde_json::from_slice(text).context(UNREADABLE)?;
        for (what, found, known) in [
            (
                "store's schema",
                manifest.schemas.store,
                store::backup::SCHEMA,
            ),
            (
                "journal's schema",
                manifest.schemas.journal,
                journal::sqlite::backup::SCHEMA,
            ),
        ] {
            ensure!(found <= known, newer(what, found, known));
        }
        manifest.check_parts()?;
        Ok(manifest)
    }

    /// The parts become files of the data folder: there may be no others than those it has.
    fn check_parts(&self) -> anyhow::Result<()> {
        let mut names = BTreeSet::new();
        for Part { name, .. } in &self.parts {
            let known = name == STORE
                || name
                    .strip_prefix(JOURNAL)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .is_some_and(journal::sqlite::backup::is_file_of_journal);
            ensure!(
                known,
                "manifest.json names {name:?}, which is no part of a backup"
            );
            ensure!(
                names.insert(name.as_str()),
                "manifest.json names {name} twice"
            );
        }
        for needed in [STORE, &journal_database()] {
            ensure!(
                names.contains(needed),
                "manifest.json doesn't name {needed}"
            );
        }
        Ok(())
    }

    /// All parts together.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }
}

/// The name of the journal's database in an archive.
pub(crate) fn journal_database() -> String {
    format!("{JOURNAL}/{}", journal::sqlite::backup::DATABASE_NAME)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn manifest() -> Value {
        let part = |name: &str| Part {
            name: name.to_owned(),
            bytes: 1,
        };
        let schemas = Schemas {
            store: store::backup::SCHEMA,
            journal: journal::sqlite::backup::SCHEMA,
        };
        let parts = [STORE, "journal/journal.db", "journal/dedupe-00000007.run"].map(part);
        let now = jiff::Timestamp::UNIX_EPOCH;
        json!(Manifest::new(now, schemas, BTreeSet::new(), parts.to_vec()))
    }

    fn refusal(manifest: &Value) -> String {
        let parsed = Manifest::parse(manifest.to_string().as_bytes());
        format!("{:#}", parsed.expect_err("a refused manifest"))
    }

    #[test]
    fn what_a_manifest_says_is_read_again() {
        let written = manifest();
        let read = Manifest::parse(written.to_string().as_bytes()).unwrap();
        assert_eq!(json!(read), written);
    }

    #[test]
    fn a_later_format_is_refused_whatever_else_it_says() {
        let later = json!({"format": FORMAT + 1, "program": "9.1.0", "sections": {}});
        let refused = refusal(&later);
        assert!(
            refused.contains("by Millstream 9.1.0: its format is 2"),
            "{refused}"
        );
    }

    #[test]
    fn later_schemas_are_refused() {
        for name in ["store", "journal"] {
            let mut later = manifest();
            later["schemas"][name] = json!(1000);
            let refused = refusal(&later);
            let named = format!("its {name}'s schema is 1000");
            assert!(refused.contains(&named), "{refused}");
        }
    }

    #[test]
    fn only_files_of_a_data_folder_are_parts() {
        for name in [
            "secret.key",
            "/etc/passwd",
            "../control.db",
            "journal/../control.db",
            "journal/journal.db-wal",
            "journal/dedupe-1.run",
            "journal/dedupe-00000001.run/x",
            "",
        ] {
            let mut wrong = manifest();
            wrong["parts"][2]["name"] = json!(name);
            assert!(refusal(&wrong).contains("no part of a backup"), "{name}");
        }
        let mut twice = manifest();
        twice["parts"][2]["name"] = json!("control.db");
        assert!(refusal(&twice).contains("twice"));
        let mut missing = manifest();
        missing["parts"].as_array_mut().unwrap().remove(1);
        assert!(refusal(&missing).contains("doesn't name journal/journal.db"));
    }
}
