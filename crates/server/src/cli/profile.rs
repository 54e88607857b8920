//! `millstream profile …`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::login::profile_view;
use super::profiles::{Profiles, profiles_path};
use super::{Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the profiles that `millstream login` made.
    #[command(after_help = "Example:\n  millstream profile list")]
    List(Options),
    /// Use a profile from now on, where nobody names one.
    #[command(after_help = "Example:\n  millstream profile use work")]
    Use(One),
    /// Show a profile, its token masked.
    #[command(after_help = "Examples:\n  millstream profile show\n  millstream profile show work")]
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its name.
    #[arg(value_name = "NAME")]
    profile: String,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its name. Without it: the one in use.
    #[arg(value_name = "NAME")]
    profile: Option<String>,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    let path = profiles_path()?;
    let mut profiles = Profiles::load(&path)?;
    match command {
        Command::List(options) => {
            let columns = [
                ("PROFILE", "/profile"),
                ("IN USE", "/in_use"),
                ("SERVER", "/server"),
                ("ORGANISATION", "/organisation/name"),
                ("PERSON", "/person"),
                ("EXPIRES", "/expires_at"),
            ];
            Ok(output::print_list(
                options.json,
                &views(&profiles),
                &columns,
            )?)
        }
        Command::Use(one) => {
            profiles.use_named(&one.profile)?;
            profiles.save(&path)?;
            let sentence = format!("profile {} is used from now on", one.profile);
            Ok(output::print_done(
                one.options.json,
                &view(&profiles, &one.profile)?,
                &sentence,
            )?)
        }
        Command::Show(show) => {
            let name = show
                .profile
                .or_else(|| profiles.in_use().map(|(name, _)| name.to_owned()));
            let name =
                name.ok_or_else(|| Failure::usage("no profile is in use: say which one to show"))?;
            let fields = [
                ("Profile", "/profile"),
                ("In use", "/in_use"),
                ("Server", "/server"),
                ("Organisation", "/organisation/name"),
                ("Person", "/person"),
                ("Token", "/token/text"),
                ("Token's id", "/token/id"),
                ("Expires", "/expires_at"),
            ];
            Ok(output::print_item(
                show.options.json,
                &view(&profiles, &name)?,
                &fields,
            )?)
        }
    }
}

fn view(profiles: &Profiles, name: &str) -> Result<Value, Failure> {
    let (name, profile) = profiles.named(name)?;
    let in_use = profiles.in_use().is_some_and(|(used, _)| used == name);
    Ok(profile_view(name, profile, in_use))
}

fn views(profiles: &Profiles) -> Vec<Value> {
    let used = profiles.in_use().map(|(name, _)| name);
    let view = |(name, profile)| profile_view(name, profile, used == Some(name));
    profiles.all().map(view).collect()
}
