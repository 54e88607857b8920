//! A PostgreSQL server in a temporary folder.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::programs::{self, User, succeed};

/// Its only user, who may do everything.
pub(crate) const USER: &str = "millstream";
/// The user's password.
pub(crate) const PASSWORD: &str = "swordfish-of-the-tests";

/// It need not survive a crash of the machine, is reached by its socket only, and takes the
/// connections of many tests.
const SETTINGS: &str = "
fsync = off
full_page_writes = off
listen_addresses = ''
max_connections = 200
password_encryption = 'scram-sha-256'
";

/// A running server.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    user: Option<User>,
    /// Held for as long as a server lives that is not shared.
    lock: Option<File>,
}

impl Server {
    /// Starts a server of one's own; stopped when this is dropped.
    pub(crate) fn start() -> Self {
        let mut server = Self::initialise();
        let path = server.folder.join("in-use");
        let lock = crate::create(&path);
        lock.lock_shared().expect("a file can be locked");
        server.lock = Some(lock);
        server.restart();
        server.keep(&path);
        server
    }

    /// Starts a server that is stopped when nobody holds the lock any more.
    pub(crate) fn start_shared(lock: &Path) -> Self {
        let server = Self::initialise();
        server.restart();
        server.keep(lock);
        server
    }

    /// The server in the folder, if it takes connections.
    pub(crate) fn running_in(folder: PathBuf) -> Option<Self> {
        UnixStream::connect(folder.join(".s.PGSQL.5432")).ok()?;
        Some(Self {
            folder,
            programs: programs::folder(),
            user: User::for_server(),
            lock: None,
        })
    }

    /// Where its socket is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.lock.is_none()
    }

    /// The command that runs a statement in the database `postgres`.
    pub(crate) fn sql(&self, sql: &str) -> Command {
        let mut command = self.client("psql", "postgres");
        command.args(["--no-psqlrc", "--quiet", "--command", sql]);
        command
    }

    /// A database as SQL.
    pub(crate) fn dump(&self, database: &str) -> String {
        let output = succeed(&mut self.client("pg_dump", database));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Stops it as a crash would: clients lose their connections at once.
    ///
    /// # Panics
    ///
    /// When it can't be stopped.
    pub fn stop(&self) {
        succeed(&mut self.stopping());
    }

    /// Starts it again after [`stop`](Self::stop).
    ///
    /// # Panics
    ///
    /// When it can't be started.
    pub fn restart(&self) {
        let mut command = self.server_program("pg_ctl");
        command.args(["start", "--silent", "--wait", "--log"]);
        command.arg(self.folder.join("log"));
        // What it inherits it keeps: a pipe would never end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.status().expect("PostgreSQL's programs can be run");
        assert!(
            started.success(),
            "PostgreSQL doesn't start:\n{}",
            fs::read_to_string(self.folder.join("log")).unwrap_or_default()
        );
    }

    /// A server's files, not yet running. The language's order is not that of the bytes, as on most
    /// servers: whoever relies on the latter must say so.
    fn initialise() -> Self {
        let (programs, user) = (programs::folder(), User::for_server());
        let folder = TempDir::with_prefix("millstream-postgres-");
        let folder = folder.expect("a temporary folder").keep();
        let password = folder.join("password");
        fs::write(&password, PASSWORD).expect("a file in our folder");
        if let Some(user) = user {
            user.own(&folder);
        }
        let server = Self {
            folder,
            programs,
            user,
            lock: None,
        };
        let mut command = server.server_program("initdb");
        command.args(["--no-sync", "--auth=scram-sha-256", "--username", USER]);
        command.args([
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=icu",
            "--icu-locale=en",
        ]);
        command.arg("--pwfile").arg(password);
        succeed(&mut command);
        let settings = server.folder.join("data/postgresql.conf");
        let text = fs::read_to_string(&settings).expect("initdb writes it");
        let sockets = format!("unix_socket_directories = '{}'\n", server.folder.display());
        fs::write(settings, text + SETTINGS + &sockets).expect("a file in our folder");
        server
    }

    /// Leaves a process behind that stops the server when nobody holds the lock any more. In a process
    /// group of its own, so that it survives when that of the tests is killed.
    fn keep(&self, lock: &Path) {
        let stopping = self.stopping();
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", include_str!("keeper.sh"), "keeper"]);
        keeper.arg(&self.folder);
        keeper.arg(stopping.get_program()).args(stopping.get_args());
        keeper
            .stdin(crate::create(lock))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        keeper.current_dir("/").process_group(0);
        if let Some(user) = self.user {
            user.run(&mut keeper);
        }
        keeper.spawn().expect("a shell can be run");
    }

    fn stopping(&self) -> Command {
        let mut command = self.server_program("pg_ctl");
        command.args(["stop", "--silent", "--wait", "--mode=immediate"]);
        command
    }

    /// One of the server's own programs, on its data.
    fn server_program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.arg("--pgdata").arg(self.folder.join("data"));
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .env("LC_ALL", "C");
        if let Some(user) = self.user {
            user.run(&mut command);
        }
        command
    }

    /// A client program that speaks to a database.
    fn client(&self, name: &str, database: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.args(["--username", USER, "--dbname", database, "--host"]);
        command.arg(&self.folder).stdin(Stdio::null());
        command.env("PGPASSWORD", PASSWORD);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.is_shared() {
            let _ = self.stopping().output();
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
