//! PostgreSQL for tests: a server that the tests of a run share, and a database of its own for each.
//!
//! The first test that asks starts the server, in a temporary folder, on a Unix socket in it. Each
//! process that uses it holds a shared lock on a file; a small process stops the server some seconds
//! after the last of them is gone, also when they were killed.

mod programs;
mod server;

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub use server::{Server, Tls};

use programs::succeed;

/// An empty database; dropped with this.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
}

impl Database {
    /// A database of the shared server. `folder` is where the tests of a run find each other: give
    /// `env!("CARGO_TARGET_TMPDIR")`.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL, or it can't be started.
    pub fn shared(folder: &str) -> Self {
        Self::on(shared_server(Path::new(folder)))
    }

    /// A database of a server of its own, for a test that stops it.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL, or it can't be started.
    pub fn alone() -> Self {
        Self::on(Server::start(None))
    }

    /// The same, with TLS on a port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL, or it can't be started.
    pub fn alone_with_tls(tls: Tls<'_>) -> Self {
        Self::on(Server::start(Some(tls)))
    }

    fn on(server: Server) -> Self {
        let name = format!("test_{:016x}", RandomState::new().hash_one(0));
        succeed(&mut server.sql(&format!("CREATE DATABASE {name}")));
        Self { server, name }
    }

    /// Its address by the server's socket, with the password.
    pub fn address(&self) -> String {
        let folder = self.server.folder().display();
        format!("{}?host={folder}", self.address_by_tcp())
    }

    /// Its address by TCP, with the password: for a server with TLS.
    pub fn address_by_tcp(&self) -> String {
        let (user, password) = (server::USER, server::PASSWORD);
        let (port, name) = (self.server.port(), &self.name);
        format!("postgres://{user}:{password}@localhost:{port}/{name}")
    }

    /// The password in the address.
    pub fn password(&self) -> &'static str {
        server::PASSWORD
    }

    /// Its schema and all it holds, as SQL.
    ///
    /// # Panics
    ///
    /// When it can't be read.
    pub fn dump(&self) -> String {
        self.server.dump(&self.name)
    }

    /// The server that it is on.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.server.is_shared() {
            // What is left goes with the server.
            let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
            let _ = self.server.sql(&sql).output();
        }
    }
}

/// The server that is running, or a new one. Its lock is held until this process ends.
fn shared_server(folder: &Path) -> Server {
    static LOCK: Mutex<Option<File>> = Mutex::new(None);

    let folder = folder.join("postgres");
    fs::create_dir_all(&folder).expect("the folder for tests can be written");
    let in_use = folder.join("in-use");
    let starting = create(&folder.join("starting"));
    starting.lock().expect("a file can be locked");
    let mut lock = LOCK.lock().expect("no other test died in here");
    if lock.is_none() {
        let file = create(&in_use);
        file.lock_shared().expect("a file can be locked");
        *lock = Some(file);
    }
    let place = folder.join("server");
    let running = fs::read_to_string(&place).ok().map(PathBuf::from);
    if let Some(server) = running.and_then(Server::running_in) {
        return server;
    }
    let server = Server::start_shared(&in_use);
    fs::write(&place, server.folder().as_os_str().as_encoded_bytes())
        .expect("the folder for tests can be written");
    server
}

/// Opens a file, which is made when it is missing.
fn create(path: &Path) -> File {
    let mut options = File::options();
    let file = options.create(true).append(true).open(path);
    file.expect("the folder for tests can be written")
}
