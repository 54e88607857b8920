//! Runs the binary.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start or to end.
const LIMIT: Duration = Duration::from_secs(30);

/// The binary, with nothing of this process's environment that configures it.
pub(crate) fn millstream() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    without_settings(&mut command);
    // Nobody's profiles.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// Takes from a command what would configure the binary in this process's environment.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MILLSTREAM_"))
    {
        command.env_remove(name);
    }
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    millstream()
        .args(arguments)
        .output()
        .expect("the binary runs")
}

/// What it printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A port that is free now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// A running `millstream serve` in a folder of its own, with the receiver; killed when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
    child: Child,
}

impl Server {
    /// Starts it with further lines of configuration and waits until it is ready.
    pub(crate) fn start(extra: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_in(folder, extra)
    }

    /// The same in a folder that has been used before.
    pub(crate) fn start_in(folder: tempfile::TempDir, extra: &str) -> Self {
        Self::launch(folder, extra, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        Self::launch(folder, "", arguments)
    }

    /// Starts it with the account of an administrator, who has this password.
    pub(crate) fn with_administrator(email: &str, password: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("password");
        fs::write(&file, format!("{password}\n")).expect("the folder can be written");
        let file = file.to_str().expect("a readable name").to_owned();
        let arguments = ["--admin-email", email, "--admin-password-file", &file];
        Self::launch(folder, "", &arguments)
    }

    fn launch(folder: tempfile::TempDir, extra: &str, arguments: &[&str]) -> Self {
        let address = free_address();
        let config = folder.path().join("millstream.toml");
        let settings = format!(
            "data_dir = {:?}\nlisten = \"{address}\"\nreceiver.enabled = true\negress.allow = [\"127.0.0.0/8\"]\n{extra}\n",
            folder.path().join("data")
        );
        fs::write(&config, settings).expect("the folder can be written");
        let child = millstream()
            .args(["serve", "--config"])
            .arg(&config)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).expect("a log file"))
            .spawn()
            .expect("the binary runs");
        let mut server = Self {
            address,
            folder,
            child,
        };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) {
        let end = Instant::now() + LIMIT;
        loop {
            if let Ok((200, _)) = request(self.address, "GET", "/health/ready", "") {
                return;
            }
            let ended = self.child.try_wait().expect("the process can be asked");
            assert!(
                ended.is_none() && Instant::now() < end,
                "not ready: {ended:?}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its address, as commands take it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A command that speaks to it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        millstream()
            .args(arguments)
            .args([
                "--config".as_ref(),
                self.folder.path().join("millstream.toml").as_os_str(),
            ])
            .output()
            .expect("the binary runs")
    }

    /// The same, its output as JSON; panics when the command fails.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.command(&[arguments, &["--json"]].concat());
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{}",
            text(&output.stderr),
            self.log()
        );
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill can be run").success());
    }

    /// Ends it with SIGKILL; returns its folder.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
        let elsewhere = tempfile::tempdir().expect("a temporary folder");
        std::mem::replace(&mut self.folder, elsewhere)
    }

    /// Ends it with SIGTERM; returns its folder and whether it ended well.
    pub(crate) fn terminate(mut self) -> (tempfile::TempDir, bool) {
        self.signal("-TERM");
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                let folder = std::mem::replace(
                    &mut self.folder,
                    tempfile::tempdir().expect("a temporary folder"),
                );
                return (folder, status.success());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("still running\n{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request over a connection of its own; status and body.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    let (head, body) = exchange(address, method, path, &[], body)?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status
        .map(|status| (status, body))
        .ok_or_else(|| std::io::Error::other("no status"))
}

/// The same with headers; the answer's head and body.
pub(crate) fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
         {headers}content-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| std::io::Error::other("no head"))?;
    Ok((head.to_owned(), body.to_owned()))
}

/// Looks until `holds`; panics with `what` when it doesn't in time.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The permissions of a file or folder.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}

/// A square picture of one colour, a PNG.
pub(crate) fn picture(side: u32, shade: u8) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut encoder = png::Encoder::new(&mut encoded, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a header");
    let pixels = vec![shade; (side * side) as usize];
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("a picture");
    encoded
}
