//! `millstream backup` and `millstream restore`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use model::time::SystemClock;
use serde_json::json;

use super::{ConfigFile, Failure, output};
use crate::backup::{self, Destination, Key, Manifest, Restored, Source, Target};
use crate::config::{self, Config, Files};

/// How often the progress is shown.
const REFRESH: Duration = Duration::from_millis(200);

pub(super) const BACKUP_HELP: &str = "\
The file has everything but the key file, which seals the secrets in it, and the admin token. Keep \
a copy of the key file elsewhere: with both, secrets can be read. The file appears when it is \
complete; one of the same name is replaced then. It takes twice its size on the disk while it is \
written (for `-`, once its size in the folder for temporary files).

Examples:
  millstream backup /var/backups/millstream.tar
  millstream backup --data-dir /var/lib/millstream /var/backups/millstream.tar
  millstream backup - | zstd > millstream.tar.zst";

pub(super) const RESTORE_HELP: &str = "\
The folder appears when all of it has been checked; nothing is overwritten. Nothing of what the \
server took, delivered or changed after the backup is in it: what was delivered since is delivered \
again, under the same delivery id.

Examples:
  millstream restore millstream.tar --data-dir /var/lib/millstream --key-file secret.key
  zstd -dc millstream.tar.zst | millstream restore - --data-dir restored --key-file secret.key";

/// Options of `millstream backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupOptions {
    /// The file to write; `-` for standard output.
    #[arg(value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Options of `millstream restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreOptions {
    /// The backup; `-` for standard input.
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// A copy of the key file that seals the backup's secrets. It is checked and copied into the
    /// data folder. Not needed where `store.key_file` says where it is.
    #[arg(long, value_name = "FILE", conflicts_with = "without_key")]
    key_file: Option<PathBuf>,
    /// Don't ask for the key file: the server won't start before it has been put there.
    #[arg(long)]
    without_key: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    /// The data folder, in place of the configuration's.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

impl Common {
    fn config(&self) -> Result<Config, Failure> {
        let mut config = config::load(self.file.config.as_deref(), Files::Unchecked)?.config;
        if let Some(data_dir) = &self.data_dir {
            config.data_dir.clone_from(data_dir);
        }
        Ok(config)
    }
}

pub(super) fn backup(options: &BackupOptions) -> Result<(), Failure> {
    let config = options.common.config()?;
    let to_output = options.to.as_os_str() == "-";
    if to_output && options.common.json {
        return Err(Failure::usage(
            "--json needs standard output, and so does the backup to `-`",
        ));
    }
    if to_output && io::stdout().is_terminal() {
        return Err(Failure::usage(
            "a backup is no text: send standard output to a file or a pipe",
        ));
    }
    let destination = match to_output {
        true => Destination::Output,
        false => Destination::File(options.to.clone()),
    };
    let mut display = Display::new();
    let taken = backup::take(
        &config,
        &destination,
        &SystemClock,
        &mut |what, done, total| {
            display.show(what, done, total);
        },
    );
    display.clear();
    let manifest = taken?;
    if options.common.json {
        output::print_json(&json!({"file": options.to, "manifest": manifest}))?;
    } else if !to_output {
        output::print(&format!(
            "{} shows {} as it was at {}: {}{}",
            options.to.display(),
            config.data_dir.display(),
            manifest.taken_at,
            size(manifest.bytes()),
            key_note(
                &manifest,
                ". Keep the key file apart from it: its secrets are sealed with"
            )
        ));
    }
    Ok(())
}

pub(super) fn restore(options: &RestoreOptions) -> Result<(), Failure> {
    let config = options.common.config()?;
    let source = match options.from.as_os_str() == "-" {
        true => Source::Input,
        false => Source::File(options.from.clone()),
    };
    let target = Target {
        data_dir: config.data_dir.clone(),
        key: key(options, &config),
    };
    let mut display = Display::new();
    let restored = backup::restore(&source, &target, &SystemClock, &mut |what, done, total| {
        display.show(what, done, total);
    });
    display.clear();
    let Restored { manifest, access } = restored?;
    if options.common.json {
        output::print_json(&json!({
            "data_dir": config.data_dir,
            "manifest": manifest,
            "sessions_ended": access.sessions_ended,
            "links_ended": access.links_ended,
            "tokens_live": access.tokens_live,
        }))?;
        return Ok(());
    }
    let mut text = format!(
        "{} is as it was at {}. It has no admin token: start the server with --new-admin-token \
         for another",
        config.data_dir.display(),
        manifest.taken_at
    );
    if matches!(target.key, Key::Later) {
        text += &key_note(
            &manifest,
            ". Before that, put the key file in its place, with",
        );
    }
    text += &format!(
        ". Sessions have ended ({}), and so have the links of invitations and new passwords ({}); {} API \
         tokens are live, those included that were revoked since: look through them (`millstream token \
         list`)",
        access.sessions_ended, access.links_ended, access.tokens_live
    );
    output::print(&text);
    Ok(())
}

/// What is said of the keys, where there are any.
fn key_note(manifest: &Manifest, words: &str) -> String {
    let ids: Vec<_> = manifest.key_ids.iter().map(String::as_str).collect();
    match ids.is_empty() {
        true => String::new(),
        false => format!("{words} the key {}", ids.join(", ")),
    }
}

fn key(options: &RestoreOptions, config: &Config) -> Key {
    if options.without_key {
        return Key::Later;
    }
    if let Some(file) = &options.key_file {
        return Key::Copied(file.clone());
    }
    let configured = config.store.in_folder(&config.data_dir).key_file;
    match configured.starts_with(&config.data_dir) {
        // It will be in the folder that is made, so it can't be there yet.
        true => Key::Unknown,
        false => Key::InPlace(configured),
    }
}

/// Shows on standard error how far it is, where somebody looks.
struct Display {
    terminal: bool,
    shown: Option<Instant>,
}

impl Display {
    fn new() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            shown: None,
        }
    }

    fn show(&mut self, what: &str, done: u64, total: u64) {
        let is_due = self.shown.is_none_or(|shown| shown.elapsed() >= REFRESH);
        if self.terminal && is_due {
            self.shown = Some(Instant::now());
            let line = format!("{what}: {} of {}", size(done), size(total));
            // Nothing is lost when nobody sees it.
            let _ = write!(io::stderr(), "\r\x1b[K{line}");
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
