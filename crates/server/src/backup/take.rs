//! Taking a backup, while the server runs or not.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use journal::sqlite::backup as journal_backup;
use model::Clock;
use store::backup as store_backup;

use super::archive::Writer;
use super::files::{self, private, remove_if_there, with_suffix};
use super::manifest::{Manifest, Part, Schemas, journal_database};
use super::{JOURNAL, Progress, STORE};
use crate::config::Config;

/// Where a backup goes.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    /// A file, which appears when it is complete and durable.
    File(PathBuf),
    /// Standard output.
    Output,
}

/// Takes a backup of the data folder; returns what is in it.
pub(crate) fn take(
    config: &Config,
    destination: &Destination,
    clock: &dyn Clock,
    progress: Progress<'_>,
) -> anyhow::Result<Manifest> {
    let caught = Caught::now(config, clock)?;
    match destination {
        Destination::Output => {
            let out = io::stdout().lock();
            let name = format!("millstream-backup-{}.copy", std::process::id());
            let (mut out, manifest) =
                caught.write(out, std::env::temp_dir().join(name), progress)?;
            out.flush()?;
            Ok(manifest)
        }
        Destination::File(path) => {
            let partial = Partial::create(path)?;
            let copy = with_suffix(path, ".partial-copy");
            let (_, manifest) = caught.write(&partial.file, copy, progress)?;
            partial.complete(path)?;
            Ok(manifest)
        }
    }
}

/// Store and journal at one moment.
struct Caught {
    store: store_backup::Snapshot,
    journal: journal_backup::Snapshot,
    taken_at: jiff::Timestamp,
}

impl Caught {
    /// Catches both while nobody can change the store, so that each sync has its lane and each lane
    /// its sync: what is restored is what a server finds that was killed at this moment.
    fn now(config: &Config, clock: &dyn Clock) -> anyhow::Result<Self> {
        let settings = config.store.in_folder(&config.data_dir);
        let journal = config.data_dir.join(JOURNAL);
        let taken_at = jiff::Timestamp::from_microsecond(clock.now().0)?;
        let caught = store_backup::Snapshot::take(&settings, || {
            let journal = journal_backup::Snapshot::take(&journal);
            journal.map_err(anyhow::Error::new)
        });
        let (store, journal) = caught.with_context(|| {
            let folder = config.data_dir.display();
            format!("the data folder {folder} can't be backed up")
        })?;
        Ok(Self {
            store,
            journal,
            taken_at,
        })
    }

    fn manifest(&self) -> Manifest {
        let schemas = Schemas {
            store: self.store.schema(),
            journal: journal_backup::SCHEMA,
        };
        let store = Part {
            name: STORE.to_owned(),
            bytes: self.store.bytes(),
        };
        let journal = Part {
            name: journal_database(),
            bytes: self.journal.database_bytes(),
        };
        let runs = self.journal.runs().iter().map(|run| Part {
            name: format!("{JOURNAL}/{}", run.name),
            bytes: run.bytes,
        });
        let parts = [store, journal].into_iter().chain(runs).collect();
        let key_ids = self.store.key_ids().clone();
        Manifest::new(self.taken_at, schemas, key_ids, parts)
    }

    /// Writes the archive. SQLite copies a database into a file only: `copy` is where it may.
    fn write<W: Write>(
        self,
        out: W,
        copy: PathBuf,
        progress: Progress<'_>,
    ) -> anyhow::Result<(W, Manifest)> {
        let manifest = self.manifest();
        let [store_part, journal_part, run_parts @ ..] = &manifest.parts[..] else {
            bail!("a backup has two parts at least");
        };
        let total = manifest.bytes();
        let mut writer = Writer::new(out, &manifest)?;
        let mut written = 0;

        let copy = Scratch::create(copy)?;
        let mut copying = |bytes| progress("copying", bytes, total);
        self.store.copy(&copy.path, &mut copying)?;
        drop(self.store);
        copy.move_to(&mut writer, store_part)?;
        written += store_part.bytes;

        let copy = copy.emptied()?;
        let mut copying = |bytes| progress("copying", written + bytes, total);
        self.journal.copy_database(&copy.path, &mut copying)?;
        let runs = self.journal.into_runs();
        let mut archived = |bytes| {
            written += bytes;
            progress("archiving", written, total);
        };
        let file = BufReader::new(File::open(&copy.path)?);
        writer.part(journal_part, file, &mut archived)?;
        for (run, part) in runs.into_iter().zip(run_parts) {
            writer.part(part, run.file, &mut archived)?;
        }
        Ok((writer.finish()?, manifest))
    }
}

/// A file that is gone in the end, also when something fails.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes it anew. A backup that was killed may have left one.
    fn create(path: PathBuf) -> anyhow::Result<Self> {
        let scratch = Self { path };
        scratch.emptied()
    }

    fn emptied(self) -> anyhow::Result<Self> {
        remove_if_there(&self.path)
            .and_then(|()| private().create_new(true).open(&self.path))
            .with_context(|| format!("{} can't be written", self.path.display()))?;
        Ok(self)
    }

    fn move_to<W: Write>(&self, writer: &mut Writer<W>, part: &Part) -> anyhow::Result<()> {
        writer.part(part, File::open(&self.path)?, &mut |_| {})
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next backup removes what can't be removed now.
        let _ = remove_if_there(&self.path);
    }
}

/// The file `….partial`, which takes its final name when it is complete. Removed when it isn't.
struct Partial {
    path: PathBuf,
    file: File,
    completed: bool,
}

impl Partial {
    /// Makes it anew. A backup that was killed may have left one; one that is being written is
    /// refused.
    fn create(path: &Path) -> anyhow::Result<Self> {
        ensure!(
            !path.is_dir(),
            "{} is a folder: name a file in it",
            path.display()
        );
        let partial = with_suffix(path, ".partial");
        let unwritable = || format!("{} can't be written", partial.display());
        let file = private()
            .create(true)
            .open(&partial)
            .with_context(unwritable)?;
        let locked = files::lock(&file, &partial).with_context(unwritable)?;
        ensure!(locked, "another backup is writing {}", path.display());
        file.set_len(0)
            .and_then(|()| file.set_permissions(fs::Permissions::from_mode(0o600)))
            .with_context(unwritable)?;
        Ok(Self {
            path: partial,
            file,
            completed: false,
        })
    }

    fn complete(mut self, path: &Path) -> anyhow::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)
            .with_context(|| format!("{} can't be written", path.display()))?;
        self.completed = true;
        files::sync_folder_of(path)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.completed {
            // The next backup takes over what can't be removed now.
            let _ = remove_if_there(&self.path);
        }
    }
}
