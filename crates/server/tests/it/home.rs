//! Somebody at a machine without a server, who has nothing but profiles.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::process::{Server, millstream, text, without_settings};

/// The administrator of most tests.
pub(crate) const ANN: &str = "ann@example.com";

/// Her password.
pub(crate) const PASSWORD: &str = "a horse, a battery and a staple";

/// A folder with profiles; it goes when dropped.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// Without any profile.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder }
    }

    /// With the profile of an administrator at a server of her own.
    pub(crate) fn with_ann() -> (Self, Server) {
        let server = Server::with_administrator(ANN, PASSWORD);
        let home = Self::new();
        home.login(&server, ANN, &[]);
        (home, server)
    }

    /// Signs in with the usual password.
    pub(crate) fn login(&self, server: &Server, email: &str, more: &[&str]) {
        let url = server.url();
        let arguments = ["login", "--server", &url, "--email", email];
        let output = self.run(&[&arguments, more].concat(), &format!("{PASSWORD}\n"));
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// The file of profiles.
    pub(crate) fn profiles(&self) -> PathBuf {
        self.folder.path().join("millstream/profiles.toml")
    }

    /// Makes a command find these profiles, and no server on this machine.
    pub(crate) fn settle(&self, command: &mut Command) {
        without_settings(command);
        command
            .env("XDG_CONFIG_HOME", self.folder.path())
            .env("MILLSTREAM_DATA_DIR", self.folder.path().join("no-data"));
    }

    /// Runs a command that reads `input`.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        self.run_with(arguments, &[], input)
    }

    /// The same with variables in its environment.
    pub(crate) fn run_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
        input: &str,
    ) -> Output {
        let mut command = millstream();
        self.settle(&mut command);
        let mut child = command
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that ends before it has read everything is no error here.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("the process ends")
    }

    /// What a command prints as JSON; panics when it fails.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.run(&[arguments, &["--json"]].concat(), "");
        let error = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// What a command prints for people; panics when it fails.
    pub(crate) fn shown(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, "");
        let error = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        text(&output.stdout)
    }

    /// What a command says that is expected to fail, with its exit code.
    pub(crate) fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments, "");
        let code = output.status.code().expect("it ended by itself");
        assert_ne!(code, 0, "{arguments:?}: {}", text(&output.stdout));
        (code, text(&output.stderr))
    }
}
