//! Apache FreeMarker, in a Java process of its own for each case: what the compiler has learnt from one
//! template doesn't disturb the next.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::case::{Case, Work};

/// The compiled Java program and its libraries.
pub(crate) struct Java {
    class_path: String,
    inputs: PathBuf,
}

const JARS: [&str; 2] = ["freemarker.jar", "jackson-core.jar"];

impl Java {
    /// Compiles the program into `folder`; `jars` is where the libraries are.
    pub(crate) fn compile(jars: &Path, folder: &Path, inputs: &Path) -> anyhow::Result<Self> {
        let mut class_path = folder.display().to_string();
        for jar in JARS {
            let path = jars.join(jar);
            ensure!(path.exists(), "{} is missing", path.display());
            class_path = format!("{class_path}:{}", path.display());
        }
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("java");
        let status = Command::new("javac")
            .args(["-cp", &class_path, "-d"])
            .arg(folder)
            .args(["FtlBench.java", "JsonTree.java"].map(|name| sources.join(name)))
            .status()
            .context("javac")?;
        ensure!(status.success(), "javac failed");
        Ok(Self {
            class_path,
            inputs: inputs.to_owned(),
        })
    }

    /// Starts a process for one piece of work.
    pub(crate) fn start(&self, case: &Case, work: Work) -> anyhow::Result<Process> {
        // The parallel collector has the cheapest barriers; a fixed heap saves its growing.
        let mut child = Command::new("java")
            .args(["-XX:+UseParallelGC", "-Xms512m", "-Xmx512m"])
            .args(["-cp", &self.class_path, "FtlBench"])
            .arg(&self.inputs)
            .args([case.name, work.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("java")?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(commands), Some(answers)) => Ok(Process {
                child,
                commands: Some(commands),
                answers: BufReader::new(answers),
                output: self.inputs.join("output"),
            }),
            _ => bail!("java has no pipes"),
        }
    }
}

/// A running Java process.
pub(crate) struct Process {
    child: Child,
    /// Taken away to end it.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    output: PathBuf,
}

impl Process {
    fn ask(&mut self, command: &str) -> anyhow::Result<String> {
        let commands = self.commands.as_mut().context("java has ended")?;
        writeln!(commands, "{command}")?;
        commands.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "java gave no answer to {command:?}");
        Ok(answer)
    }

    /// What the template makes of the event.
    pub(crate) fn output(&mut self) -> anyhow::Result<Vec<u8>> {
        self.ask(&format!("output {}", self.output.display()))?;
        Ok(std::fs::read(&self.output)?)
    }

    /// Nanoseconds of CPU time that the work takes.
    pub(crate) fn measure(&mut self, millis: u64) -> anyhow::Result<f64> {
        let answer = self.ask(&format!("measure {millis}"))?;
        answer.trim().parse().context("java's answer")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // At the end of its input it ends.
        self.commands = None;
        let _ = self.child.wait();
    }
}
