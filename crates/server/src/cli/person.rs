//! `millstream person …`.

use clap::{Args, Subcommand};
use http::Method;

use super::lookup::Kind;
use super::remote::{self, block_on};
use super::{Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List everyone with an account in the installation (for operators).
    #[command(after_help = "Example:\n  millstream person list")]
    List(List),
    /// Give a person rights in the whole installation, or take them (for operators).
    #[command(after_help = "Examples:\n  \
        millstream person rights ann@example.com --operator yes\n  \
        millstream person rights ann@example.com --operator no --reviewer yes")]
    Rights(Rights),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Rights {
    /// The person's e-mail address, name or id.
    person: String,
    /// Whether they run the installation. Without it that stays.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no, required_unless_present = "reviewer")]
    operator: Option<bool>,
    /// Whether they release destinations for everyone. Without it that stays.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    reviewer: Option<bool>,
    #[command(flatten)]
    server: remote::Options,
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no"),
    }
}

const PEOPLE: &str = "/api/v1/installation/people";

const PERSON: Kind = Kind {
    what: "person",
    id: "id",
    names: &["email", "name"],
};

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::List(list) => list.run().await,
            Command::Rights(rights) => rights.run().await,
        }
    })
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let people = self.server.connect()?.list(PEOPLE).await?;
        let columns = [
            ("ID", "/id"),
            ("E-MAIL", "/email"),
            ("NAME", "/name"),
            ("SECOND FACTOR", "/second_factor"),
            ("OPERATOR", "/installation/operator"),
            ("REVIEWER", "/installation/reviewer"),
            ("MADE", "/created_at"),
        ];
        Ok(output::print_list(self.server.json, &people, &columns)?)
    }
}

impl Rights {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let mut person = PERSON.pick(&self.person, remote.list(PEOPLE).await?)?;
        let mut rights = person["installation"].take();
        for (right, wanted) in [("operator", self.operator), ("reviewer", self.reviewer)] {
            if let Some(wanted) = wanted {
                rights[right] = wanted.into();
            }
        }
        let path = format!("{PEOPLE}/{}/rights", output::text(&person["id"]));
        let changed = remote.call(Method::PUT, &path, Some(&rights)).await?;
        let fields = [
            ("Person", "/id"),
            ("E-mail", "/email"),
            ("Operator", "/installation/operator"),
            ("Reviewer", "/installation/reviewer"),
        ];
        Ok(output::print_item(self.server.json, &changed, &fields)?)
    }
}
