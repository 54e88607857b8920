//! `millstream template …`: FreeMarker templates on the command line, by the plain engine: none of what a sync adds to it.

mod answer;
mod batch;
mod data;
mod files;
mod inspect;
mod render;
mod settings;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::Failure;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the template is malformed or fails
  2  the command line, a setting or the data is wrong, or a file can't be read";

const RENDER_EXAMPLES: &str = "\
Examples:
  millstream template render --template hello.ftl --data user.json
  echo 'Hello ${name}!' | millstream template render --template - --data user.json
  millstream template render --template pages/index.ftlh --include-dir pages --data site.json \\
      --setting locale=de_AT --setting time_zone=Europe/Vienna";

const CHECK_EXAMPLES: &str = "\
Examples:
  millstream template check --template hello.ftl
  millstream template check --template hello.ftl --data user.json --json";

const INSPECT_EXAMPLES: &str = "\
Examples:
  millstream template inspect --template hello.ftl
  millstream template inspect --template hello.ftl --json | jq -r '.variables[].path'";

const BATCH_HELP: &str = "\
A line that comes in is a JSON object:
  id         comes back with the answer
  template   the template's text; or `templates`, an object of texts by name, and `name`, which of
             them to render; they can include and import each other
  data       an object; without it: {}
  settings   an object of texts by FreeMarker's names; each line starts from the defaults: en_US, UTC,
             2.3.31 unless incompatible_improvements says otherwise
Other members are passed over.

A line that goes out answers it, in order:
  {\"id\": …, \"ok\": true, \"output\": …}
  {\"id\": …, \"ok\": false, \"error\": …, \"line\": …, \"column\": …}
Line and column are null where the failure has no place. A line that can't be understood is answered
too. The exit code is 0 once all lines are answered, whatever the answers are.

Example:
  echo '{\"id\": 1, \"template\": \"${n + 1}\", \"data\": {\"n\": 1}}' | millstream template batch";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Render a template and print its output.
    #[command(after_help = EXIT_CODES, after_long_help = format!("{RENDER_EXAMPLES}\n\n{EXIT_CODES}"))]
    Render(Render),
    /// Say whether a template is well-formed; with data, also whether it renders.
    #[command(after_help = EXIT_CODES, after_long_help = format!("{CHECK_EXAMPLES}\n\n{EXIT_CODES}"))]
    Check(Render),
    /// List the variables of its data that a template reads, and where.
    ///
    /// A variable is guarded where the template says what to do when it is missing: by `!`, `??`,
    /// `?has_content`, `?if_exists` or `?default`.
    #[command(after_help = EXIT_CODES, after_long_help = format!("{INSPECT_EXAMPLES}\n\n{EXIT_CODES}"))]
    Inspect(Source),
    /// Answer templates line by line, for editors and test harnesses.
    #[command(after_help = BATCH_HELP)]
    Batch(batch::Options),
}

/// A template and how it is read.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The file with the template; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    template: PathBuf,
    /// The folder that `#include` and `#import` read from; nothing outside of it can be reached.
    /// A template within it is called by its path from there, any other by its file's name.
    #[arg(long, value_name = "DIR")]
    include_dir: Option<PathBuf>,
    /// A setting by FreeMarker's name, such as `number_format=0.00` (repeatable).
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = settings::pair)]
    settings: Vec<(String, String)>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A template with data.
#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(flatten)]
    source: Source,
    /// The file with the data, a JSON object; `-` is standard input. Without it: no data.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Render(options) => render::run(options),
        Command::Check(options) => render::check(options),
        Command::Inspect(source) => inspect::run(source),
        Command::Batch(options) => batch::run(options),
    }
}
