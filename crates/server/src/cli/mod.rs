//! The command line: what can be asked of it, and where each command is carried out.

mod alert;
mod audit;
mod backup;
mod catalog;
pub(crate) mod code;
mod connect;
mod content;
mod definition;
mod end_access;
mod fate;
mod figures;
mod import;
mod invitation;
mod link;
mod login;
mod lookup;
mod member;
mod organisation;
mod outbox;
pub(crate) mod output;
mod password;
mod period;
mod person;
mod profile;
mod profiles;
mod project;
mod project_keys;
mod project_retention;
mod project_sensitive;
mod prompt;
pub(crate) mod remote;
mod replay;
mod resume;
mod review;
mod revision;
mod secrets;
mod settings;
mod sync;
mod tail;
mod token;
mod traffic;
mod user;
mod whoami;
mod why;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::serve::Administrator;
use crate::{config, demo, serve, template};

const AFTER_HELP: &str = "\
Which server, and who asks: commands that speak to a server take its address and a token each from the first of
  1. the options --profile, --server and --token, which stand behind the command
  2. the variables MILLSTREAM_PROFILE, MILLSTREAM_URL and MILLSTREAM_TOKEN
  3. the profile in use, which `millstream login` makes and `millstream profile use` chooses
  4. the server on this machine and the admin token in its data folder
A profile's token is sent to its own server only, the admin token to this machine only.

Exit codes:
  0  done
  1  failed: the server refused or can't be reached, something is missing
  2  the command line or the configuration is wrong";

/// Takes Amplitude-compatible events in and streams them, filtered and shaped by a template, to any
/// HTTP destination.
#[derive(Debug, Parser)]
#[command(name = "millstream", version, after_help = AFTER_HELP, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    #[command(
        after_help = "Examples:\n  millstream serve\n  millstream serve --config /etc/millstream.toml\n  \
                            MILLSTREAM_LISTEN=0.0.0.0:8080 millstream serve"
    )]
    Serve(ServeOptions),
    /// Run the server with a simulated shop that sends events to a receiver, to see it work.
    Demo(demo::Options),
    /// Sign in to a server and keep a token for it in a profile.
    Login(Box<login::Login>),
    /// Revoke the token of a profile and forget it.
    Logout(login::Logout),
    /// A forgotten password: ask for a link, choose a new one with it.
    #[command(subcommand)]
    Password(password::Command),
    /// Say which server is spoken to, by whom, and what they may do there.
    Whoami(whoami::Whoami),
    /// Profiles: each is a server with a token, as `millstream login` keeps it.
    #[command(subcommand)]
    Profile(profile::Command),
    /// Projects: each is a stream of events with keys of its own.
    #[command(subcommand)]
    Project(project::Command),
    /// Destination definitions: how destinations are spoken to.
    #[command(subcommand)]
    Definition(definition::Command),
    /// List the destinations that projects can be connected to.
    #[command(
        after_help = "Examples:\n  millstream catalog\n  millstream catalog mail --category messaging"
    )]
    Catalog(catalog::Catalog),
    /// Versions of definitions that wait for a reviewer (for reviewers).
    #[command(subcommand)]
    Review(review::Command),
    /// Write the organisation's projects, definitions and syncs as files.
    #[command(after_help = code::EXPORT_HELP)]
    Export(code::ExportOptions),
    /// Say what `apply` would change: exit code 0 for nothing, 2 for something.
    #[command(after_help = code::PLAN_HELP)]
    Plan(code::PlanOptions),
    /// Make projects, definitions and syncs as files say.
    #[command(after_help = code::APPLY_HELP)]
    Apply(code::ApplyOptions),
    /// Syncs: each sends a project's events to a destination.
    #[command(subcommand)]
    Sync(sync::Command),
    /// Alerts: who is told of trouble, by which rules, and of what.
    #[command(subcommand)]
    Alert(alert::Command),
    /// Follow events, or what becomes of them, as it happens.
    #[command(subcommand)]
    Tail(tail::Command),
    /// Send again: deliveries that ended without success, or past events.
    #[command(subcommand)]
    Replay(replay::Command),
    /// Send the events of an export archive to a sync.
    #[command(after_help = import::HELP)]
    Import(Box<import::Import>),
    /// Users of a project, as its events tell of them: erase one.
    #[command(subcommand)]
    User(user::Command),
    /// Say what happened to an event on every sync, and why.
    #[command(after_help = why::HELP)]
    Why(Box<why::Why>),
    /// Organisations: each has projects and members of its own.
    #[command(subcommand)]
    Organisation(organisation::Command),
    /// Members of the organisation, and their roles.
    #[command(subcommand)]
    Member(member::Command),
    /// Invitations to the organisation.
    #[command(subcommand)]
    Invitation(invitation::Command),
    /// API tokens, for programs.
    #[command(subcommand)]
    Token(token::Command),
    /// The audit log: who changed what.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Everyone with an account in the installation (for operators).
    #[command(subcommand)]
    Person(person::Command),
    /// The mail that went out or waits (for operators).
    #[command(subcommand)]
    Outbox(outbox::Command),
    /// The keys that seal secrets at rest: see them, change them (for operators).
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// FreeMarker templates: render them, check them, see what they read.
    #[command(subcommand)]
    Template(template::Command),
    /// Write a copy of everything that an embedded installation keeps, while it runs or not.
    #[command(after_help = backup::BACKUP_HELP)]
    Backup(backup::BackupOptions),
    /// Make a data folder of a backup.
    #[command(after_help = backup::RESTORE_HELP)]
    Restore(backup::RestoreOptions),
    /// End all sessions and links: after the database was loaded from a dump.
    #[command(after_help = end_access::HELP)]
    EndAccess(end_access::Options),
    /// The configuration: check it, show what holds.
    #[command(subcommand)]
    Config(settings::Command),
}

/// The configuration file.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigFile {
    /// A file with settings that differ from the defaults.
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

/// Options of `millstream serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Revoke the admin token and make another, before anything else.
    #[arg(long)]
    pub(crate) new_admin_token: bool,
    /// The e-mail address of the first account, which is made if there is none yet. Without it the
    /// first start writes a link to the log with which one can be made.
    #[arg(
        long,
        value_name = "ADDRESS",
        requires = "admin_password_file",
        env = "MILLSTREAM_ADMIN_EMAIL"
    )]
    admin_email: Option<String>,
    /// The file with that account's password.
    #[arg(
        long,
        value_name = "FILE",
        requires = "admin_email",
        env = "MILLSTREAM_ADMIN_PASSWORD_FILE"
    )]
    admin_password_file: Option<PathBuf>,
}

impl ServeOptions {
    /// The first account, if one is named.
    pub(crate) fn administrator(&self) -> Result<Option<Administrator>, Failure> {
        let (Some(email), Some(file)) = (&self.admin_email, &self.admin_password_file) else {
            return Ok(None);
        };
        if !email.contains('@') || crate::mail::address::parse(email).is_none() {
            return Err(Failure::usage(format!(
                "--admin-email: {email} is no e-mail address"
            )));
        }
        Ok(Some(Administrator {
            email: email.clone(),
            password_file: file.clone(),
        }))
    }
}

/// What a command can fail with, by exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit code 1.
    Failed(anyhow::Error),
    /// Exit code 2.
    Usage(anyhow::Error),
    /// An exit code that says it all.
    Code(u8),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<config::Problems> for Failure {
    fn from(problems: config::Problems) -> Self {
        Self::Usage(problems.into())
    }
}

impl Failure {
    /// A command line that clap can't see to be wrong.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self::Usage(anyhow::anyhow!("{message}"))
    }
}

/// Carries out what the command line asks for.
pub(crate) fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(options) => serve::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Login(options) => login::login(*options),
        Command::Logout(options) => login::logout(options),
        Command::Password(command) => password::run(command),
        Command::Whoami(options) => whoami::run(options),
        Command::Profile(command) => profile::run(command),
        Command::Project(command) => project::run(command),
        Command::User(command) => user::run(command),
        Command::Definition(command) => definition::run(command),
        Command::Catalog(options) => catalog::run(options),
        Command::Review(command) => review::run(command),
        Command::Export(options) => code::export(options),
        Command::Plan(options) => code::plan(options),
        Command::Apply(options) => code::apply(options),
        Command::Sync(command) => sync::run(command),
        Command::Alert(command) => alert::run(command),
        Command::Tail(command) => tail::run(command),
        Command::Replay(command) => replay::run(command),
        Command::Why(why) => why::run(*why),
        Command::Import(import) => import::run(*import),
        Command::Organisation(command) => organisation::run(command),
        Command::Member(command) => member::run(command),
        Command::Invitation(command) => invitation::run(command),
        Command::Token(command) => token::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Person(command) => person::run(command),
        Command::Outbox(command) => outbox::run(command),
        Command::Secrets(command) => secrets::run(command),
        Command::Template(command) => template::run(&command),
        Command::Backup(options) => backup::backup(&options),
        Command::Restore(options) => backup::restore(&options),
        Command::EndAccess(options) => end_access::run(&options),
        Command::Config(command) => settings::run(&command),
    };
    let (code, error) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(error)) => (1, error),
        Err(Failure::Usage(error)) => (2, error),
        Err(Failure::Code(code)) => return ExitCode::from(code),
    };
    output::error(&error);
    ExitCode::from(code)
}

/// An address as a client on the same machine reaches it: `0.0.0.0` and `::` mean every address.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            SocketAddr::from(([127, 0, 0, 1], v4.port()))
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, v6.port()))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_address_for_every_interface_is_reached_on_loopback() {
        for (listened, reached) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.1.2.3:80", "10.1.2.3:80"),
        ] {
            assert_eq!(reachable(listened.parse().unwrap()).to_string(), reached);
        }
    }
}
