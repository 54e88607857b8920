//! PostgreSQL's programs, and who runs them.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the programs are: the newest of Debian's, or in the `PATH`.
///
/// # Panics
///
/// When they are nowhere.
pub(crate) fn folder() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let newest = versions
        .filter_map(|entry| {
            let version = entry.ok()?.file_name().to_str()?.parse::<u32>().ok()?;
            let programs = PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"));
            programs
                .join("initdb")
                .exists()
                .then_some((version, programs))
        })
        .max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = || std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
    newest
        .map(|(_, programs)| programs)
        .or_else(in_path)
        .expect("PostgreSQL is missing: `./tools/prerequisites test` installs it")
}

/// Whom the server runs as. It refuses to run as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    id: u32,
    group: u32,
}

impl User {
    /// `postgres`, or `nobody`, when we are root; else who we are.
    pub(crate) fn for_server() -> Option<Self> {
        let we_are_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        we_are_root.then(|| {
            let found = ["postgres", "nobody"]
                .iter()
                .find_map(|name| Self::named(name));
            found.expect("as root the tests need a user `postgres` or `nobody`")
        })
    }

    fn named(name: &str) -> Option<Self> {
        let users = std::fs::read_to_string("/etc/passwd").ok()?;
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [found, _, id, group, ..] = fields[..] else {
                return None;
            };
            let user = |id: &str| id.parse().ok();
            (found == name).then_some(Self {
                id: user(id)?,
                group: user(group)?,
            })
        })
    }

    /// Gives the folder to this user.
    pub(crate) fn own(self, folder: &Path) {
        std::os::unix::fs::chown(folder, Some(self.id), Some(self.group))
            .expect("root can give a folder away");
    }

    /// Makes the command run as this user.
    pub(crate) fn run(self, command: &mut Command) {
        command.uid(self.id).gid(self.group);
    }
}

/// Runs a command to its end; panics with what it said when it fails.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().expect("PostgreSQL's programs can be run");
    assert!(
        output.status.success(),
        "{:?} failed:\n{}{}",
        command.get_program(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
