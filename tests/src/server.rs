//! The real binary, run in a data folder of its own.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::http::Client;

/// Lets destinations be on this machine.
const LOOPBACK_ALLOWED: &str = "[egress]\nallow = [\"127.0.0.0/8\"]";

/// How long a start may take, recovery included.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A server's folder and settings, which outlive its processes.
#[derive(Debug)]
pub struct Setup {
    folder: tempfile::TempDir,
    data: PathBuf,
    address: SocketAddr,
    config: String,
    binary: PathBuf,
}

impl Setup {
    /// Settings under which destinations on this machine may be reached.
    pub fn new() -> Self {
        Self::with_config("")
    }

    /// The same, with further lines of configuration (TOML) behind them.
    pub fn with_config(extra: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        // The port is free now and hardly anyone takes it before the server does.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let config = format!("{extra}\n{LOOPBACK_ALLOWED}\n");
        Self {
            folder,
            data,
            address,
            config,
            binary: default_binary(),
        }
    }

    /// Puts the data folder elsewhere.
    pub fn in_folder(mut self, data: &Path) -> Self {
        self.data = data.to_owned();
        self
    }

    /// Runs another binary than the usual one.
    pub fn with_binary(mut self, binary: PathBuf) -> Self {
        self.binary = binary;
        self
    }

    /// The binary that it runs.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(&self) -> Server {
        let mut server = self.launch();
        server.wait_until_ready().await;
        server
    }

    /// Starts the server without waiting for anything.
    pub fn launch(&self) -> Server {
        let config = self.folder.path().join("millstream.toml");
        let own = format!(
            "data_dir = {:?}\nlisten = \"{}\"\n",
            self.data, self.address
        );
        fs::write(&config, own + &self.config).expect("the temporary folder can be written");
        let log = self.folder.path().join("log");
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log file");
        assert!(
            self.binary.is_file(),
            "there is no {}: build it (cargo build -p millstream) or name it in MILLSTREAM_BIN",
            self.binary.display()
        );
        let mut command = Command::new(&self.binary);
        // Only the file says what holds.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MILLSTREAM_") {
                command.env_remove(name);
            }
        }
        let child = command
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|e| panic!("{} can't be run: {e}", self.binary.display()));
        Server {
            child,
            base: format!("http://{}", self.address),
            address: self.address,
            data: self.data.clone(),
            log,
            client: Client::new(),
        }
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

/// `MILLSTREAM_BIN`, else what a debug build makes.
fn default_binary() -> PathBuf {
    std::env::var_os("MILLSTREAM_BIN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/millstream"),
        PathBuf::from,
    )
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    base: String,
    address: SocketAddr,
    data: PathBuf,
    log: PathBuf,
    client: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the end of the server's log\n{}", self.log_tail());
        }
    }
}

impl Server {
    /// Its address, as `http://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client for it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The token that it made for its operator.
    pub fn admin_token(&self) -> String {
        let path = self.data.join("admin-token");
        let token = fs::read_to_string(&path);
        token
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
            .trim()
            .to_owned()
    }

    /// The end of what it (and its predecessors in the folder) wrote.
    pub fn log_tail(&self) -> String {
        const LINES: usize = 30;
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }

    /// Waits until it says that it is ready.
    pub async fn wait_until_ready(&mut self) {
        let end = Instant::now() + START_LIMIT;
        let url = format!("{}/health/ready", self.base);
        loop {
            if matches!(self.client.get(&url).await, Ok(answer) if answer.status == 200) {
                return;
            }
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                panic!(
                    "the server ended at its start: {status}\n{}",
                    self.log_tail()
                );
            }
            assert!(
                Instant::now() < end,
                "not ready within {START_LIMIT:?}\n{}",
                self.log_tail()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills it at once: nothing is flushed, nobody is told.
    pub fn kill(mut self) {
        self.child.kill().expect("the process runs");
        self.child.wait().expect("the process ends");
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub async fn terminate(mut self, limit: Duration) -> ExitStatus {
        let pid = self.pid().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill can be run");
        assert!(sent.success(), "SIGTERM could not be sent");
        self.wait(limit).await
    }

    /// Waits until it has ended by itself.
    pub async fn wait(&mut self, limit: Duration) -> ExitStatus {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                return status;
            }
            assert!(
                Instant::now() < end,
                "still running after {limit:?}\n{}",
                self.log_tail()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A line of `/proc/PID/status`, in bytes: `VmRSS`, `VmHWM` (its peak), `RssAnon`.
    pub fn memory(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))
            .expect("the process runs on Linux");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or_else(|| panic!("no {what} in {status}")) * 1024
    }
}
