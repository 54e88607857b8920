//! `millstream end-access`.

use clap::Args;
use serde_json::json;

use super::{ConfigFile, Failure, output};
use crate::config::{self, Files};
use crate::serve;

pub(super) const HELP: &str = "\
For a database that was loaded from a dump (PostgreSQL): the dump brings sessions and links back that have \
ended since. `millstream restore` does this by itself. API tokens stay; look through those that were \
revoked since the dump.

Example:
  millstream end-access --config /etc/millstream.toml";

/// Options of `millstream end-access`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let config = config::load(options.file.config.as_deref(), Files::Unchecked)?.config;
    let access = serve::end_access(&config)?;
    if options.json {
        output::print_json(&json!({
            "sessions_ended": access.sessions_ended,
            "links_ended": access.links_ended,
            "tokens_live": access.tokens_live,
        }))?;
        return Ok(());
    }
    output::print(&format!(
        "sessions have ended ({}), and so have the links of invitations and new passwords ({}); {} API tokens \
         are live, those included that were revoked since the dump: look through them (`millstream token \
         list`)",
        access.sessions_ended, access.links_ended, access.tokens_live
    ));
    Ok(())
}
