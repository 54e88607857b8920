//! `millstream config …`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{ConfigFile, Failure, output};
use crate::config::{self, Files};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say whether the configuration can be used: exit code 0, or 2 with everything that is wrong.
    #[command(after_help = "Example:\n  millstream config check --config /etc/millstream.toml")]
    Check(Options),
    /// Show the settings in force and where each came from. Secrets stay hidden.
    #[command(
        after_help = "Examples:\n  millstream config show journal\n  millstream config show --changed"
    )]
    Show(ShowOptions),
    /// Print the commented default file, to start one's own from.
    #[command(after_help = "Example:\n  millstream config default > millstream.toml")]
    Default,
    /// Print the reference of all settings (docs/configuration.md).
    Docs,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// Only settings whose path starts with this.
    #[arg(value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    /// Only settings that a file or a variable sets.
    #[arg(long)]
    changed: bool,
    #[command(flatten)]
    common: Options,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Check(options) => {
            let loaded = config::load(options.file.config.as_deref(), Files::Checked);
            if options.json {
                let problems = loaded.as_ref().err().map_or(&[][..], |found| &found.0);
                output::print_json(&json!({"usable": loaded.is_ok(), "problems": problems}))?;
            }
            loaded?;
            if !options.json {
                output::print("the configuration can be used");
            }
        }
        Command::Show(show) => {
            let file = show.common.file.config.as_deref();
            let mut settings = config::load(file, Files::Unchecked)?.settings();
            let known = |prefix: &str| settings.iter().any(|one| one.key.starts_with(prefix));
            if !known(&show.prefix) {
                return Err(Failure::usage(format!(
                    "no setting begins with `{}`: `millstream config docs` lists them all",
                    show.prefix
                )));
            }
            settings.retain(|setting| {
                setting.key.starts_with(&show.prefix) && (setting.is_changed() || !show.changed)
            });
            if show.common.json {
                output::print_json(&settings)?;
                return Ok(());
            }
            let row = |setting: config::Setting| {
                vec![setting.key, setting.value.to_string(), setting.from]
            };
            output::print_table(
                &["SETTING", "VALUE", "FROM"],
                &settings.into_iter().map(row).collect::<Vec<_>>(),
            );
        }
        Command::Docs => output::print(config::reference::page().trim_end()),
        Command::Default => output::print(config::DEFAULTS.trim_end()),
    }
    Ok(())
}
