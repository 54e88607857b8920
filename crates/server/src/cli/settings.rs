//! `millstream config …`.

use clap::{Args, Subcommand};

use super::{ConfigFile, Failure, output};
use crate::config;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say whether the configuration can be used: exit code 0, or 2 with everything that is wrong.
    #[command(after_help = "Example:\n  millstream config check --config /etc/millstream.toml")]
    Check(ConfigFile),
    /// Show every setting in force and where it came from. Secrets stay hidden.
    Show(Show),
    /// Print the commented default file, to start one's own from.
    #[command(after_help = "Example:\n  millstream config default > millstream.toml")]
    Default,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    file: ConfigFile,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Check(file) => {
            config::load(file.config.as_deref())?;
            output::print("the configuration can be used");
        }
        Command::Show(show) => {
            let settings = config::load(show.file.config.as_deref())?.settings();
            if show.json {
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
        Command::Default => output::print(config::DEFAULTS.trim_end()),
    }
    Ok(())
}
