//! `millstream audit …`.

use clap::{Args, Subcommand};

use super::remote::{self, Remote, block_on, query};
use super::{Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what was changed, newest first.
    #[command(after_help = "Examples:\n  \
        millstream audit list --action project\n  \
        millstream audit list --from 2026-01-01T00:00:00Z --limit 500\n  \
        millstream audit list --installation\n  \
        millstream audit list --organisation org_06r3h4v8n5s7qj2k0c1d9w6xyz")]
    List(List),
    /// Write everything that was changed as JSON, an entry a line, newest first.
    #[command(after_help = "Example:\n  \
        millstream audit export --from 2026-01-01T00:00:00Z >audit.jsonl")]
    Export(Export),
}

/// Which entries.
#[derive(Debug, Args)]
struct Filter {
    /// Only those by the person or token with this id.
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Only those to what has this id.
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// Only this action, or those that start with it and a dot: `project`, `project.create`.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Not earlier than this time, such as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = super::period::time)]
    from: Option<String>,
    /// Earlier than this time.
    #[arg(long, value_name = "TIME", value_parser = super::period::time)]
    until: Option<String>,
    /// What was changed in the installation as a whole (for operators), not in the organisation.
    #[arg(long)]
    installation: bool,
    /// What was changed in the organisation with this id, which may be gone (for operators).
    #[arg(long, value_name = "ID", conflicts_with = "installation")]
    organisation: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    filter: Filter,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    server: remote::Options,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::List(list) => list.run().await,
            Command::Export(export) => export.run().await,
        }
    })
}

impl Filter {
    /// The path of the entries.
    async fn path(&self, remote: &Remote) -> anyhow::Result<String> {
        let log = match self.installation || self.organisation.is_some() {
            true => "/api/v1/installation/audit".to_owned(),
            false => remote.organisation_path("audit").await?,
        };
        let parameters = [
            ("organisation", self.organisation.as_deref()),
            ("actor", self.actor.as_deref()),
            ("target", self.target.as_deref()),
            ("action", self.action.as_deref()),
            ("from", self.from.as_deref()),
            ("until", self.until.as_deref()),
        ];
        Ok(query(&log, &parameters))
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let path = self.filter.path(&remote).await?;
        let entries = remote.first(&path, self.limit as usize).await?;
        let columns = [
            ("TIME", "/at"),
            ("WHO", "/actor/who"),
            ("FROM", "/address"),
            ("ACTION", "/action"),
            ("TO", "/target/name"),
            ("ID", "/target/id"),
        ];
        Ok(output::print_list(self.server.json, &entries, &columns)?)
    }
}

impl Export {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let path = self.filter.path(&remote).await?;
        let mut pages = remote.pages(&path, usize::MAX);
        while let Some(entries) = pages.next().await? {
            let lines: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
            output::write(lines.as_bytes());
        }
        Ok(())
    }
}
