//! `millstream export`, `plan` and `apply`: an organisation's projects, definitions and syncs as files.

mod apply;
pub(super) mod changes;
mod destination;
mod export;
mod files;
mod foresight;
mod inventory;
mod local;
mod lock;
mod matching;
mod obstacle;
mod plan;
mod refusal;
pub(crate) mod schema;
mod secret;
mod upgrade;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::json;

use super::remote::{self, Remote, block_on};
use super::{Failure, output};
use crate::source::{Fault, listed};
use apply::Target;
use export::Export;
use inventory::{Inventory, Pictures, Syncs};
use local::{Source, Wanted};
use lock::Lock;
use plan::{ALL, Plan, Scope};
use secret::Secrets;

pub(crate) const EXPORT_HELP: &str = "\
Writes DIR/definitions/NAME/, DIR/projects/NAME/project.yaml and DIR/projects/NAME/syncs/NAME.yaml, and
DIR/millstream.lock, which says which object each is. Secrets are not exported: files name variables of
the environment instead.

Examples:
  millstream export
  millstream export -o configuration --force";

pub(crate) const PLAN_HELP: &str = "\
Changes nothing.

Examples:
  millstream plan -f configuration
  millstream plan -f configuration --prune --release --json
  millstream plan -f configuration --without-secrets

Exit codes:
  0  nothing to do
  1  failed: a file is wrong, the server refused or can't be reached
  2  there is something to do";

pub(crate) const APPLY_HELP: &str = "\
Definitions come first, then projects, then syncs; each object is changed whole or not at all. The first
failure ends it, and what was done by then stays done: apply again. What was changed on the server
since it was last exported or applied is refused before anything is changed.

Examples:
  millstream apply -f configuration
  BRAZE_KEY=… millstream apply -f configuration --release
  millstream apply -f configuration --lock staging.lock --prune
  millstream apply -f configuration --release=acme
  millstream apply -f configuration --send-secrets";

/// Which files.
#[derive(Debug, Args)]
struct Folder {
    /// The folder.
    #[arg(
        short = 'f',
        long = "folder",
        value_name = "DIR",
        default_value = "millstream"
    )]
    folder: PathBuf,
    /// The lock, where it isn't millstream.lock in the folder: one for each installation.
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
    /// Delete what was applied once and is no longer in the folder. Definitions that were released are
    /// archived.
    #[arg(long)]
    prune: bool,
    /// Release the drafts of definitions that differ from their newest version: all, or that in
    /// definitions/NAME.
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ALL
    )]
    release: Vec<String>,
    #[command(flatten)]
    server: remote::Options,
}

/// Options of `millstream export`.
#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    /// The folder to write to.
    #[arg(
        short = 'o',
        long = "output",
        value_name = "DIR",
        default_value = "millstream"
    )]
    folder: PathBuf,
    /// The lock, where it isn't millstream.lock in the folder: one for each installation.
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
    /// Write over files that are there. Where secrets are found stays.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: remote::Options,
}

/// Options of `millstream plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    folder: Folder,
    /// Plan where the secrets aren't: they aren't looked for, and whether they fit isn't checked.
    #[arg(long)]
    without_secrets: bool,
}

/// Options of `millstream apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyOptions {
    #[command(flatten)]
    folder: Folder,
    /// Change also what was changed on the server since it was last seen.
    #[arg(long)]
    force: bool,
    /// Send secrets also where an upgrade of a sync may send them to another place, as the plan shows.
    #[arg(long)]
    send_secrets: bool,
}

/// A plan, and what it was made with.
struct Prepared {
    remote: Remote,
    organisation: String,
    lock: Lock,
    plan: Plan,
}

impl Folder {
    async fn prepare(&self, secrets: Secrets) -> Result<Prepared, Failure> {
        let wanted = local::read(&self.folder).map_err(|faults| faulty(&faults))?;
        self.demand_released(&wanted)?;
        let lock_path = self.lock_path();
        let mut lock = Lock::read(&lock_path).map_err(|fault| faulty(&[fault]))?;
        let remote = self.server.connect()?;
        // A project has its syncs compared if the folder has it, or had it.
        let projects = wanted.iter().filter_map(|wanted| match &wanted.source {
            Source::Project(_) => Some(wanted.name.clone()),
            _ => None,
        });
        let locked = lock.objects.values().map(|locked| locked.id.clone());
        let projects: Vec<_> = projects.chain(locked).collect();
        let logos = wanted.iter().filter_map(|wanted| match &wanted.source {
            Source::Definition { logo, .. } => logo.as_ref(),
            _ => None,
        });
        let pictures = Pictures::new(&remote, logos);
        let syncs = Syncs::Of(&projects);
        let inventory =
            Inventory::fetch(&remote, syncs, pictures, !self.release.is_empty()).await?;
        let organisation = inventory.organisation.clone();
        let demanded = lock.demand(&organisation, &lock_path);
        demanded.map_err(|fault| faulty(&[fault]))?;
        let scope = Scope {
            prune: self.prune,
            release: &self.release,
        };
        let plan = Plan::make(wanted, inventory, &lock, scope);
        let mut plan = plan.map_err(|faults| faulty(&faults))?;
        let refused = plan.foresee(&remote, &organisation, secrets).await?;
        if !refused.is_empty() {
            return Err(faulty(&refused));
        }
        plan.look_at_debts(&remote).await?;
        plan.look_at_upgrades(&remote).await?;
        Ok(Prepared {
            remote,
            organisation,
            lock,
            plan,
        })
    }

    /// Refuses names of definitions that aren't there.
    fn demand_released(&self, wanted: &[Wanted]) -> Result<(), Failure> {
        let named = self.release.iter().filter(|name| *name != ALL);
        for name in named {
            let address = format!("{}/{name}", local::DEFINITIONS);
            if !wanted.iter().any(|wanted| wanted.address == address) {
                let message = format!("--release={name}: the folder has no {address}");
                return Err(Failure::usage(message));
            }
        }
        Ok(())
    }

    fn lock_path(&self) -> PathBuf {
        lock::path(&self.folder, self.lock.as_ref())
    }
}

fn faulty(faults: &[Fault]) -> Failure {
    Failure::Failed(anyhow!("{}", listed(faults)))
}

/// `millstream export`.
pub(crate) fn export(options: ExportOptions) -> Result<(), Failure> {
    block_on(async {
        if !options.force {
            export::demand_empty(&options.folder)?;
        }
        let folder = &options.folder;
        let path = lock::path(folder, options.lock.as_ref());
        let mut lock = Lock::read(&path).map_err(|fault| faulty(&[fault]))?;
        let remote = options.server.connect()?;
        let pictures = Pictures::new(&remote, []);
        let inventory = Inventory::fetch(&remote, Syncs::All, pictures, false).await?;
        let demanded = lock.demand(&inventory.organisation, &path);
        demanded.map_err(|fault| faulty(&[fault]))?;
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let (lock, count) = Export::new(folder, lock).write(&inventory)?;
        lock.write(&path)?;
        let report = json!({"folder": folder, "objects": count});
        let sentence = format!("{count} objects are in {}", folder.display());
        Ok(output::print_done(options.server.json, &report, &sentence)?)
    })
}

/// `millstream plan`: exit code 2 says that there is something to do.
pub(crate) fn plan(options: PlanOptions) -> Result<(), Failure> {
    let folder = options.folder;
    let secrets = match options.without_secrets {
        true => Secrets::StoodIn,
        false => Secrets::Needed,
    };
    let prepared = block_on(folder.prepare(secrets)).map_err(|failure| match failure {
        Failure::Usage(error) => Failure::Failed(error),
        other => other,
    })?;
    match folder.server.json {
        true => output::print_json(&prepared.plan.json())?,
        false => prepared.plan.print(),
    }
    match prepared.plan.pending().next() {
        None => Ok(()),
        Some(_) => Err(Failure::Code(2)),
    }
}

/// `millstream apply`.
pub(crate) fn apply(options: ApplyOptions) -> Result<(), Failure> {
    block_on(async {
        let folder = options.folder;
        let prepared = folder.prepare(Secrets::Needed).await?;
        let plan = prepared.plan;
        if plan.drifted() > 0 && !options.force {
            let drifted = plan.pending().filter(|step| step.drift.is_some());
            let lines = drifted.map(|step| {
                let why = step.drift.unwrap_or_default();
                format!("\n  {}: {why}", step.address)
            });
            let lines: String = lines.collect();
            let message = format!(
                "nothing was changed: the server has other changes (--force makes these anyway){lines}"
            );
            return Err(Failure::Failed(anyhow!(message)));
        }
        let refused: String = plan.refusals().map(|line| format!("\n  {line}")).collect();
        if !refused.is_empty() {
            let message = format!("nothing was changed: the server would refuse this{refused}");
            return Err(Failure::Failed(anyhow!(message)));
        }
        let moved = plan.moved_secrets();
        if !moved.is_empty() && !options.send_secrets {
            let lines = listed(&moved);
            let message = format!("nothing was changed: upgrades may move secrets\n{lines}");
            return Err(Failure::Failed(anyhow!(message)));
        }
        let is_idle = plan.pending().next().is_none();
        let json = folder.server.json;
        let mut target = Target {
            remote: &prepared.remote,
            organisation: &prepared.organisation,
            lock: prepared.lock,
            lock_path: &folder.lock_path(),
            told: !json,
            send_secrets: options.send_secrets,
        };
        let done = target.carry_out(plan).await?;
        match (json, is_idle) {
            (true, _) => output::print_json(&json!({"steps": done}))?,
            (false, true) => output::print("nothing to do"),
            (false, false) => {}
        }
        Ok(())
    })
}
