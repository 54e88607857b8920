//! `millstream import`.

mod archive;

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::remote::{Remote, block_on};
use super::replay::{follow, print_example};
use super::sync::path;
use super::{Failure, output, project, remote, sync};

pub(crate) const HELP: &str = "\
Archives are those of Amplitude's Export API: a zip of gzipped files with an event on each line. Such files
by themselves, and plain ones, are taken too. Their events are sent to the one sync, as it selects and
renders events, and are seen by no other; they carry the header Millstream-Backfill. The same archives are
not imported twice: an import that broke off goes on when the command is run again, and of one that is
complete the command says once more which lines were refused.

Examples:
  millstream import export.zip --project Shop --sync Braze --dry-run
  millstream import export.zip --project Shop --sync Braze --rate 6000 --wait
  millstream import 2026-01/*.json.gz --project Shop --sync Braze --json

Exit codes:
  0  all lines were taken, now or before (with --wait: and delivered)
  1  failed, or some lines were refused, now or before
  2  the command line is wrong";

/// How much of a request's body lines may take, written as JSON.
const REQUEST_BYTES: usize = 1 << 20;

/// Most lines of a request.
const REQUEST_LINES: usize = 2_000;

/// Refused lines that the report names.
const NAMED: usize = 100;

/// Examples of deliveries that a dry run shows.
const EXAMPLES: usize = 3;

/// How long to wait when the server can't take lines, and how often to try.
const PAUSE: Duration = Duration::from_secs(2);
const TRIES: u32 = 30;

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The archives.
    #[arg(value_name = "ARCHIVE", required = true)]
    archives: Vec<PathBuf>,
    /// The project of the sync: its id or name.
    #[arg(long)]
    project: String,
    /// The sync that the events are sent to: its id or name.
    #[arg(long)]
    sync: String,
    /// How many are sent per minute at most. Without it: as many as the sync sends.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Take nothing: say how many lines would be taken, which would be refused, what would be sent of them,
    /// and show some of it.
    #[arg(long)]
    dry_run: bool,
    /// Wait until all was sent, and show how far it is.
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
    #[command(flatten)]
    server: remote::Options,
}

/// What became of the lines.
#[derive(Debug, Default)]
struct Report {
    /// Whether the same archives were imported before, all of them.
    before: bool,
    read: u64,
    taken: u64,
    duplicates: u64,
    refused: u64,
    /// The first of those that were refused: where, and why.
    named: Vec<(String, u64, String)>,
    /// Of a dry run: how many would be sent, as how many deliveries, and some of these.
    matching: u64,
    deliveries: u64,
    examples: Vec<Value>,
}

/// What is done with lines that were read.
#[derive(Clone, Copy)]
enum To<'r> {
    /// Only whether they can be read is looked at.
    Nowhere,
    /// The server says what it would do with them: the sync's replays, and what would be made.
    DryRun(&'r Remote, &'r str, &'r Value),
    /// They are appended to this replay.
    Import(&'r Remote, &'r str),
}

/// Lines that are sent together, and those that can't be sent.
#[derive(Debug, Default)]
struct Batch {
    places: Vec<(String, u64)>,
    lines: Vec<String>,
    bytes: usize,
    refused: Vec<(String, u64, String)>,
}

pub(crate) fn run(import: Import) -> Result<(), Failure> {
    block_on(import.run())
}

impl Import {
    async fn run(self) -> Result<(), Failure> {
        if self.dry_run {
            return self.dry_run().await;
        }
        let digest = {
            let archives = self.archives.clone();
            let digest = tokio::task::spawn_blocking(move || digest(&archives)).await;
            digest.context("reading broke off")??
        };
        // An archive that can't be read to its end is found before anything is made of it.
        self.read(To::Nowhere).await?;
        let remote = self.server.connect()?;
        let project = project::find(&remote, &self.project).await?;
        let sync = sync::find(&remote, &project, &self.sync).await?;
        let replays = format!("{}/replays", path(&sync));
        let import = json!({"name": self.name(), "digest": digest});
        let body = json!({"import": import, "per_minute": self.rate});
        let made = remote.create(&replays, &body).await?;
        let replay = format!("{replays}/{}", output::text(&made["id"]));
        let report = match made["import"]["complete"] == true {
            true => self.report_again(&remote, &replays, &made).await?,
            false => {
                let report = self.read(To::Import(&remote, &replay)).await?;
                let complete = format!("{replay}/complete");
                remote.call(Method::POST, &complete, None).await?;
                report
            }
        };
        if self.wait {
            self.print(&made, &report)?;
            follow(&remote, &replay, self.server.json).await?;
            return report.verdict();
        }
        self.end(&made, &report)
    }

    /// Of archives that were imported before: has the server look at the lines once more, and take none, to
    /// say which it refused.
    async fn report_again(
        &self,
        remote: &Remote,
        replays: &str,
        made: &Value,
    ) -> Result<Report, Failure> {
        if !self.server.json {
            output::print("These archives were imported to this sync before.");
            if made["progress"]["failed"].as_u64().unwrap_or(0) > 0 {
                output::print("What failed of them is sent again by `millstream replay failed`.");
            }
        }
        let dry_run = format!("{replays}/dry-run");
        let import = json!({"name": self.name(), "digest": "none"});
        let looked = self.read(To::DryRun(remote, &dry_run, &import)).await?;
        Ok(Report {
            before: true,
            taken: 0,
            duplicates: looked.taken,
            ..looked
        })
    }

    /// Has the server look at all lines, and take none.
    async fn dry_run(&self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let project = project::find(&remote, &self.project).await?;
        let sync = sync::find(&remote, &project, &self.sync).await?;
        let dry_run = format!("{}/replays/dry-run", path(&sync));
        // Nothing is made of it: any digest will do.
        let import = json!({"name": self.name(), "digest": "none"});
        let report = self.read(To::DryRun(&remote, &dry_run, &import)).await?;
        if self.server.json {
            output::print_json(&report.json_of_dry_run())?;
        } else {
            report.print_dry_run();
        }
        report.verdict()
    }

    /// What people call it.
    fn name(&self) -> String {
        let names = self.archives.iter().map(|path| {
            let name = path.file_name().unwrap_or(path.as_os_str());
            name.to_string_lossy().into_owned()
        });
        let names = names.collect::<Vec<_>>().join(", ");
        match names.chars().count() > 200 {
            true => names.chars().take(199).chain(['…']).collect(),
            false => names,
        }
    }

    /// Reads all archives, and does with their lines what is wanted. Archives without any are refused.
    async fn read(&self, to: To<'_>) -> Result<Report, Failure> {
        let shows = io::stderr().is_terminal() && !self.server.json;
        let (batches, mut read) = mpsc::channel(2);
        let archives = self.archives.clone();
        let reading = tokio::task::spawn_blocking(move || read_all(&archives, &batches));
        let mut report = Report::default();
        while let Some(batch) = read.recv().await {
            report.add(batch, to).await?;
            if shows {
                report.show(matches!(to, To::Import(..)));
            }
        }
        if shows {
            let _ = writeln!(io::stderr());
        }
        reading.await.context("reading broke off")??;
        Ok(report)
    }

    fn print(&self, made: &Value, report: &Report) -> Result<(), Failure> {
        if self.server.json {
            let mut shown = report.json();
            shown["replay"] = made["id"].clone();
            return Ok(output::print_json(&shown)?);
        }
        for (file, line, why) in &report.named {
            output::print(&format!("{file}:{line}: {why}"));
        }
        if report.refused > report.named.len() as u64 {
            let more = report.refused - report.named.len() as u64;
            let more = output::counted(more, "more line was", "more lines were");
            output::print(&format!("… {more} refused"));
        }
        output::print_fields(&[
            ("Import", output::text(&made["id"])),
            ("Lines read", report.read.to_string()),
            ("Taken", report.taken.to_string()),
            ("Duplicates", report.duplicates.to_string()),
            ("Refused", report.refused.to_string()),
        ]);
        Ok(())
    }

    fn end(&self, made: &Value, report: &Report) -> Result<(), Failure> {
        self.print(made, report)?;
        report.verdict()
    }
}

impl Report {
    async fn add(&mut self, batch: Batch, to: To<'_>) -> Result<(), Failure> {
        self.read += (batch.lines.len() + batch.refused.len()) as u64;
        for refused in batch.refused {
            self.refuse(refused);
        }
        if batch.lines.is_empty() {
            return Ok(());
        }
        let number = |answer: &Value, name: &str| answer[name].as_u64().unwrap_or(0);
        let (answer, refused) = match to {
            To::Nowhere => return Ok(()),
            To::Import(remote, replay) => {
                let lines = format!("{replay}/lines");
                let answer = ask(remote, &lines, &json!({"lines": batch.lines})).await?;
                self.taken += number(&answer, "taken");
                self.duplicates += number(&answer, "duplicates");
                (answer, "refused")
            }
            To::DryRun(remote, dry_run, import) => {
                let body = json!({"import": import, "lines": batch.lines});
                let answer = ask(remote, dry_run, &body).await?;
                self.taken += number(&answer, "looked_at");
                self.matching += number(&answer, "matching");
                self.deliveries += number(&answer, "estimate");
                let examples = answer["examples"].as_array().into_iter().flatten();
                let left = EXAMPLES.saturating_sub(self.examples.len());
                self.examples.extend(examples.take(left).cloned());
                // Beyond those that are named.
                let named = answer["refused_lines"].as_array().map_or(0, Vec::len) as u64;
                self.refused += number(&answer, "refused").saturating_sub(named);
                (answer, "refused_lines")
            }
        };
        for refused in answer[refused].as_array().into_iter().flatten() {
            let index = refused["index"].as_u64().unwrap_or(u64::MAX);
            let place = usize::try_from(index).ok();
            let place = place.and_then(|index| batch.places.get(index));
            let (file, line) = place.cloned().unwrap_or_default();
            self.refuse((file, line, output::text(&refused["message"])));
        }
        Ok(())
    }

    fn refuse(&mut self, refused: (String, u64, String)) {
        self.refused += 1;
        if self.named.len() < NAMED {
            self.named.push(refused);
        }
    }

    fn show(&self, sent: bool) {
        let mut error = io::stderr().lock();
        let (read, taken) = (output::counted(self.read, "line", "lines"), self.taken);
        let (duplicates, refused) = (self.duplicates, self.refused);
        // Progress that can't be shown is no reason to stop.
        let _ = match sent {
            true => write!(
                error,
                "\r\x1b[Kread {read}: taken {taken}, duplicates {duplicates}, refused {refused}"
            ),
            false => write!(error, "\r\x1b[Kchecked {read}: refused {refused}"),
        };
        let _ = error.flush();
    }

    fn json(&self) -> Value {
        let named = self.named.iter();
        let named =
            named.map(|(file, line, why)| json!({"file": file, "line": line, "message": why}));
        json!({
            "read": self.read, "taken": self.taken, "duplicates": self.duplicates,
            "refused": self.refused, "refused_lines": named.collect::<Vec<_>>(),
            "imported_before": self.before,
        })
    }

    fn json_of_dry_run(&self) -> Value {
        let mut found = self.json();
        found["matching"] = json!(self.matching);
        found["deliveries"] = json!(self.deliveries);
        found["examples"] = json!(self.examples);
        found
    }

    fn print_dry_run(&self) {
        output::print(&format!(
            "Of {} {} would be taken and {} refused. Of those taken {} would be sent, as {}.",
            output::counted(self.read, "line", "lines"),
            self.taken,
            self.refused,
            self.matching,
            output::counted(self.deliveries, "delivery", "deliveries"),
        ));
        for (file, line, why) in &self.named {
            output::print(&format!("{file}:{line}: {why}"));
        }
        let unnamed = self.refused - self.named.len() as u64;
        if unnamed > 0 {
            output::print(&format!("and {unnamed} more"));
        }
        self.examples.iter().for_each(print_example);
    }

    fn verdict(&self) -> Result<(), Failure> {
        match self.refused {
            0 => Ok(()),
            _ => Err(Failure::Code(1)),
        }
    }
}

/// Sends lines, however often the server has to be asked: what it has it doesn't take twice.
async fn ask(remote: &Remote, path: &str, body: &Value) -> anyhow::Result<Value> {
    let mut tries = 1;
    loop {
        let sent = remote.call(Method::POST, path, Some(body)).await;
        let error = match sent {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let refused = error.downcast_ref::<remote::Refused>();
        let passing = refused.is_none_or(|refused| {
            matches!(
                refused.code(),
                "unavailable" | "busy" | "timed_out" | "rate_limited" | "too_much_work"
            )
        });
        if !passing || tries == TRIES {
            return Err(error);
        }
        tries += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Tells the archives' contents from others'.
fn digest(archives: &[PathBuf]) -> anyhow::Result<String> {
    let mut whole = Sha256::new();
    for path in archives {
        whole.update(digest_of(path)?);
    }
    let bytes = whole.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn digest_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    let unreadable = || format!("{} can't be read", path.display());
    let mut file = File::open(path).with_context(unreadable)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut buffer).with_context(unreadable)? {
            0 => return Ok(hash.finalize().to_vec()),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Reads all archives and hands their lines on, some at a time.
fn read_all(archives: &[PathBuf], batches: &mpsc::Sender<Batch>) -> anyhow::Result<()> {
    let mut batch = Batch::default();
    for path in archives {
        let mut found = 0_u64;
        archive::lines(path, &mut |line| {
            found += 1;
            let place = (line.file.to_owned(), line.number);
            let text = match line.text {
                Ok(text) => text,
                Err(why) => {
                    batch.refused.push((place.0, place.1, why.to_owned()));
                    return Ok(());
                }
            };
            let bytes = serde_json::to_string(text)?.len() + 1;
            if bytes > REQUEST_BYTES {
                let why = "longer than a request may be".to_owned();
                batch.refused.push((place.0, place.1, why));
                return Ok(());
            }
            let full = batch.bytes + bytes > REQUEST_BYTES
                || batch.lines.len() + batch.refused.len() >= REQUEST_LINES;
            if full {
                hand_on(batches, std::mem::take(&mut batch))?;
            }
            batch.places.push(place);
            batch.lines.push(text.to_owned());
            batch.bytes += bytes;
            Ok(())
        })?;
        if found == 0 {
            bail!("{} has no lines", path.display());
        }
    }
    hand_on(batches, batch)
}

fn hand_on(batches: &mpsc::Sender<Batch>, batch: Batch) -> anyhow::Result<()> {
    // Whoever takes them has failed, and says why.
    batches.blocking_send(batch).context("the import broke off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_with_the_same_contents_have_the_same_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (one, same, other) = (path("a", "x"), path("b", "x"), path("c", "y"));
        let digest = |paths: &[&PathBuf]| {
            digest(&paths.iter().map(|path| (*path).clone()).collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(digest(&[&one]), digest(&[&same]));
        assert_ne!(digest(&[&one]), digest(&[&other]));
        assert_ne!(digest(&[&one, &other]), digest(&[&other, &one]));
    }

    #[test]
    fn lines_are_handed_on_in_requests_of_bounded_size() {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("{}\n", "\"".repeat(1000));
        let archive = archive::tests::gzip(line.repeat(5000).as_bytes());
        let path = folder.path().join("x.json.gz");
        std::fs::write(&path, archive).unwrap();
        let (sender, mut receiver) = mpsc::channel(100);
        read_all(&[path], &sender).unwrap();
        drop(sender);
        let (mut lines, mut next) = (0, 1);
        while let Some(batch) = receiver.blocking_recv() {
            let body = json!({"lines": batch.lines}).to_string();
            assert!(body.len() <= REQUEST_BYTES + 100, "{}", body.len());
            assert_eq!(batch.places[0].1, next);
            next += batch.lines.len() as u64;
            lines += batch.lines.len();
        }
        assert_eq!(lines, 5000);
    }
}
