//! The real engine: `tests/golden/Cases.java`, compiled once, as a child that answers batches of cases.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use serde_json::{Value, json};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/Cases.java");
const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/fuzz-diff");

/// The child; it ends with this value.
pub(crate) struct FreeMarker {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl FreeMarker {
    pub(crate) fn start() -> io::Result<Self> {
        let jar = std::env::var("FREEMARKER_JAR")
            .unwrap_or_else(|_| "/usr/share/java/freemarker.jar".to_owned());
        let classes = compile(&jar)?;
        let mut child = Command::new("java")
            .args([
                "-Xss64m",
                "-Xmx600m",
                "-Duser.language=en",
                "-Duser.country=US",
                "-Duser.timezone=UTC",
                "-Dfile.encoding=UTF-8",
                "-XX:+UseSerialGC",
            ])
            .arg("-cp")
            .arg(format!("{jar}:{}", classes.display()))
            .arg("Cases")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What it logs of failures is in its answers too.
            .stderr(Stdio::null())
            .spawn()?;
        let to = child.stdin.take();
        let from = child.stdout.take().ok_or_else(|| broken("no output"))?;
        Ok(Self {
            child,
            to,
            from: BufReader::new(from),
        })
    }

    /// Sends cases, and reads the answers, in order.
    pub(crate) fn answer(&mut self, cases: &[&Value]) -> io::Result<Vec<Value>> {
        let to = self.to.as_mut().ok_or_else(|| broken("ended"))?;
        let from = &mut self.from;
        thread::scope(|scope| {
            // Both at once: neither pipe holds a whole batch.
            let written = scope.spawn(move || {
                for case in cases {
                    writeln!(to, "{case}")?;
                }
                to.flush()
            });
            let answers = (0..cases.len()).map(|_| read_answer(from)).collect();
            written.join().map_err(|_| broken("writing"))??;
            answers
        })
    }
}

fn read_answer(from: &mut impl BufRead) -> io::Result<Value> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(broken("Java has ended: out of memory?"));
    }
    // Half a surrogate pair can't be in a string of ours.
    Ok(serde_json::from_str(&line).unwrap_or_else(|_| json!({"half_surrogate": true})))
}

fn compile(jar: &str) -> io::Result<PathBuf> {
    let classes = Path::new(TARGET).to_path_buf();
    std::fs::create_dir_all(&classes)?;
    let status = Command::new("javac")
        .args(["-cp", jar, "-d"])
        .arg(&classes)
        .arg(CASES)
        .status()?;
    if status.success() {
        Ok(classes)
    } else {
        Err(broken("javac failed"))
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::other(format!("the Java side: {what}"))
}

impl Drop for FreeMarker {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.to = None;
        let _ = self.child.wait();
    }
}
