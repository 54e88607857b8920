//! A PostgreSQL server in a temporary folder.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
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
max_connections = 1000
password_encryption = 'scram-sha-256'
";

/// The port of a server that has no other reason: it only names the socket.
const USUAL_PORT: u16 = 5432;

/// A certificate and its key, as PEM.
#[derive(Debug, Clone, Copy)]
pub struct Tls<'a> {
    /// The certificate.
    pub certificate: &'a str,
    /// Its private key.
    pub key: &'a str,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    port: u16,
    programs: PathBuf,
    user: Option<User>,
    /// Held for as long as a server lives that is not shared.
    lock: Option<File>,
}

impl Server {
    /// Starts a server of one's own; stopped when this is dropped. With TLS it listens on 127.0.0.1.
    pub(crate) fn start(tls: Option<Tls<'_>>) -> Self {
        let mut server = Self::initialise();
        if let Some(tls) = tls {
            server.listen(tls);
        }
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
        UnixStream::connect(folder.join(format!(".s.PGSQL.{USUAL_PORT}"))).ok()?;
        Some(Self {
            folder,
            port: USUAL_PORT,
            programs: programs::folder(),
            user: User::for_server(),
            lock: None,
        })
    }

    /// Where its socket is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Of its address.
    pub(crate) fn port(&self) -> u16 {
        self.port
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
            port: USUAL_PORT,
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
        let sockets = format!("unix_socket_directories = '{}'\n", server.folder.display());
        server.configure(&(SETTINGS.to_owned() + &sockets));
        server
    }

    /// Appends to the settings; what comes last counts.
    fn configure(&self, settings: &str) {
        let path = self.folder.join("data/postgresql.conf");
        let before = fs::read_to_string(&path).expect("initdb writes it");
        fs::write(path, before + settings).expect("a file in our folder");
    }

    /// Before it starts: makes it listen on a port of its own, and speak TLS there.
    fn listen(&mut self, tls: Tls<'_>) {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        self.port = free.expect("a free port").port();
        for (name, text) in [("server.crt", tls.certificate), ("server.key", tls.key)] {
            let path = self.folder.join("data").join(name);
            fs::write(&path, text).expect("a file in our folder");
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&path, private).expect("a file of ours");
            if let Some(user) = self.user {
                user.own(&path);
            }
        }
        let port = self.port;
        self.configure(&format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\n"
        ));
    }

    /// Leaves a process behind that stops the server when nobody holds the lock any more. In a process
    /// group of its own, so that it survives when that of the tests is killed.
    #[expect(clippy::zombie_processes, reason = "it outlives this process")]
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
        command
            .arg(&self.folder)
            .arg("--port")
            .arg(self.port.to_string());
        command.stdin(Stdio::null());
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
