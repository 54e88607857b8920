//! Making a data folder of a backup.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use journal::sqlite::backup as journal_backup;
use model::{Clock, Timestamp};
use store::backup as store_backup;

use super::files::{self, folder_of, private, sync_folder, with_suffix};
use super::manifest::{Manifest, Part};
use super::{JOURNAL, Progress, STORE, archive};

/// The name of the key file in a data folder.
const KEY_FILE: &str = "secret.key";

/// Where a backup is read from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Input,
}

/// What a backup becomes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The folder that appears.
    pub(crate) data_dir: PathBuf,
    /// Where the key is that its secrets are sealed with.
    pub(crate) key: Key,
}

/// Where the key is that a backup's secrets are sealed with.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    /// In this file, which is copied into the data folder.
    Copied(PathBuf),
    /// In this file, where the configuration says that the server finds it.
    InPlace(PathBuf),
    /// It is put there later: nothing is checked.
    Later,
    /// Nobody said.
    Unknown,
}

/// A data folder that was made of a backup.
#[derive(Debug)]
pub(crate) struct Restored {
    /// What the backup said of itself.
    pub(crate) manifest: Manifest,
    /// Who is still let in.
    pub(crate) access: store_backup::Access,
}

/// Makes the data folder; it appears when all of it has been checked and is durable.
pub(crate) fn restore(
    source: &Source,
    target: &Target,
    clock: &dyn Clock,
    progress: Progress<'_>,
) -> anyhow::Result<Restored> {
    match source {
        Source::Input => restore_from(io::stdin().lock(), target, clock, progress),
        Source::File(path) => {
            let unreadable = || format!("{} can't be read", path.display());
            let file = File::open(path).with_context(unreadable)?;
            let restored = restore_from(file, target, clock, progress);
            restored.with_context(|| format!("{} can't be restored", path.display()))
        }
    }
}

fn restore_from(
    archive: impl Read,
    target: &Target,
    clock: &dyn Clock,
    progress: Progress<'_>,
) -> anyhow::Result<Restored> {
    // Without a separator at its end, which would end up within the name beside it.
    let data_dir: PathBuf = target.data_dir.components().collect();
    check_vacant(&data_dir)?;
    let building = Building::begin(&data_dir)?;
    let begin = |manifest: &Manifest| check_key_ids(manifest, &target.key);
    let take = |part: &Part, content: &mut dyn Read| building.add(part, content);
    let mut restored = |done, total| progress("restoring", done, total);
    let manifest = archive::read(archive, begin, take, &mut restored)?;

    progress("checking", 0, manifest.bytes());
    let key_file = match &target.key {
        Key::Copied(file) | Key::InPlace(file) => Some(file.as_path()),
        Key::Later | Key::Unknown => None,
    };
    store_backup::verify(&building.path.join(STORE), key_file)?;
    let access = store_backup::end_access(&building.path.join(STORE), clock.now())?;
    let taken_at = Timestamp(manifest.taken_at.as_microsecond());
    journal_backup::adopt(&building.path.join(JOURNAL), taken_at, clock.now())?;
    if let Key::Copied(file) = &target.key {
        building.add_key(file)?;
    }
    progress("checking", manifest.bytes(), manifest.bytes());
    building.complete(&data_dir)?;
    Ok(Restored { manifest, access })
}

/// Nothing may be where the folder will appear, but for an empty folder.
fn check_vacant(data_dir: &Path) -> anyhow::Result<()> {
    let shown = data_dir.display();
    ensure!(
        data_dir.file_name().is_some(),
        "{shown} has no name of its own: name the folder that shall appear"
    );
    if !data_dir.exists() {
        return Ok(());
    }
    ensure!(
        !journal_backup::is_in_use(&data_dir.join(JOURNAL)),
        "a server is running on {shown}: stop it, and restore into a folder that is empty or \
         doesn't exist"
    );
    ensure!(data_dir.is_dir(), "{shown} is no folder");
    let mut entries = fs::read_dir(data_dir).with_context(|| format!("{shown} can't be read"))?;
    ensure!(
        entries.next().is_none(),
        "{shown} is not empty: nothing is overwritten; move it away, or name another folder by \
         --data-dir"
    );
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev());
    ensure!(
        device(data_dir)? == device(folder_of(data_dir))?,
        "{shown} is a mount point, which can't be replaced as a whole: name a folder in it by \
         --data-dir"
    );
    Ok(())
}

fn check_key_ids(manifest: &Manifest, key: &Key) -> anyhow::Result<()> {
    if manifest.key_ids.is_empty() {
        return Ok(());
    }
    match key {
        Key::Copied(file) | Key::InPlace(file) => {
            store_backup::check_key_ids(&manifest.key_ids, file)?;
        }
        Key::Later => {}
        Key::Unknown => {
            let ids: Vec<_> = manifest.key_ids.iter().map(String::as_str).collect();
            bail!(
                "the backup's secrets are sealed with the key {}, which is not in it: name the \
                 key file's copy by --key-file, or say --without-key to put it there later",
                ids.join(", ")
            );
        }
    }
    Ok(())
}

/// The folder as it is built, beside its final place. Removed when it isn't completed.
struct Building {
    path: PathBuf,
    /// Locked, so that two don't build the same.
    _lock: File,
    completed: bool,
}

impl Building {
    /// Makes it, empty. A restore that was killed may have left one.
    fn begin(data_dir: &Path) -> anyhow::Result<Self> {
        let path = with_suffix(data_dir, ".restoring");
        let unwritable = || format!("{} can't be made", path.display());
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&path).with_context(unwritable)?;
        let lock = File::open(&path).with_context(unwritable)?;
        let locked = files::lock(&lock, &path).with_context(unwritable)?;
        ensure!(locked, "another restore is building {}", path.display());
        let building = Self {
            path,
            _lock: lock,
            completed: false,
        };
        building.empty()?;
        Ok(building)
    }

    fn empty(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            removed.with_context(|| format!("{} can't be removed", path.display()))?;
        }
        DirBuilder::new()
            .mode(0o700)
            .create(self.path.join(JOURNAL))
            .with_context(|| format!("{} can't be written", self.path.display()))
    }

    /// The manifest has been checked: the part's name stays within the folder.
    fn add(&self, part: &Part, content: &mut dyn Read) -> anyhow::Result<()> {
        let mut file = private()
            .create_new(true)
            .open(self.path.join(&part.name))?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                read => file.write_all(&buffer[..read])?,
            }
        }
        Ok(file.sync_all()?)
    }

    fn add_key(&self, key_file: &Path) -> anyhow::Result<()> {
        let copied = || -> io::Result<()> {
            let keys = fs::read(key_file)?;
            let path = self.path.join(KEY_FILE);
            let mut file = private().create_new(true).open(path)?;
            file.write_all(&keys)?;
            file.sync_all()
        };
        copied().with_context(|| format!("the key file {} can't be copied", key_file.display()))
    }

    fn complete(mut self, data_dir: &Path) -> anyhow::Result<()> {
        sync_folder(&self.path.join(JOURNAL))?;
        sync_folder(&self.path)?;
        // Takes the place of an empty folder, but of no other.
        fs::rename(&self.path, data_dir)
            .with_context(|| format!("{} can't be put in its place", data_dir.display()))?;
        self.completed = true;
        files::sync_folder_of(data_dir)
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        if !self.completed {
            // The next restore empties what can't be removed now.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
