//! `millstream definition …`.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::lookup::Kind;
use super::remote::{self, Remote, block_on};
use super::{Failure, content, output};
use crate::definition::{self, New, Test};

const TEST_HELP: &str = "\
Reads each folder, checks its definition, renders every fixture (fixtures/*.json) and compares what
comes out. What is wrong is told with file, line and column. The linter's findings are warnings.

Examples:
  millstream definition test catalog/braze
  millstream definition test --update my-destination
  millstream definition test --json --no-lint catalog/braze catalog/intercom

Exit codes:
  0  everything is as expected
  1  a definition has problems or no fixtures, or something came out differently
  2  the command line is wrong";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a folder with a definition to start from.
    #[command(
        after_help = "Examples:\n  millstream definition new Acme\n  millstream definition new 'Acme Mail' --dir destinations/acme"
    )]
    New(New),
    /// Test definitions in folders, without a server.
    #[command(after_help = TEST_HELP)]
    Test(Test),
    /// List the organisation's definitions.
    #[command(after_help = "Example:\n  millstream definition list")]
    List(List),
    /// Show a definition and its versions.
    #[command(after_help = "Example:\n  millstream definition show Acme --json")]
    Show(One),
    /// Say what is wrong with a draft: exit code 0, or 1 with everything that is.
    #[command(after_help = "Example:\n  millstream definition check Acme")]
    Check(One),
    /// Release a draft within the organisation: it becomes a version.
    #[command(after_help = "Example:\n  millstream definition release Acme")]
    Release(One),
    /// Ask reviewers to release a version for everyone.
    #[command(after_help = "Example:\n  millstream definition submit Acme")]
    Submit(OfVersion),
    /// Take a submission back.
    #[command(after_help = "Example:\n  millstream definition withdraw Acme")]
    Withdraw(OfVersion),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id or name.
    definition: String,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct OfVersion {
    #[command(flatten)]
    one: One,
    /// The version. Without it: the newest.
    #[arg(long, value_name = "N")]
    of_version: Option<u64>,
}

const DEFINITION: Kind = Kind {
    what: "definition",
    id: "id",
    names: &["name"],
};

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::New(options) => definition::scaffold::run(&options),
        Command::Test(options) => definition::test::run(&options),
        Command::List(list) => block_on(list.run()),
        Command::Show(one) => block_on(one.show()),
        Command::Check(one) => block_on(one.check()),
        Command::Release(one) => block_on(one.release()),
        Command::Submit(version) => block_on(version.step("submit", "is submitted")),
        Command::Withdraw(version) => block_on(version.step("withdraw", "is withdrawn")),
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let (_, definitions) = all(&remote).await?;
        let columns = [
            ("ID", "/id"),
            ("NAME", "/name"),
            ("NEWEST", "/newest"),
            ("APPROVED", "/approved"),
            ("LISTING", "/listing"),
        ];
        Ok(output::print_list(
            self.server.json,
            &definitions,
            &columns,
        )?)
    }
}

/// Where an organisation's definitions are, and all of them, each with its name at the top.
async fn all(remote: &Remote) -> anyhow::Result<(String, Vec<Value>)> {
    let path = remote.organisation_path("definitions").await?;
    let mut definitions = remote.list(&path).await?;
    for definition in &mut definitions {
        definition["name"] = definition["draft"]["display_name"].clone();
    }
    Ok((path, definitions))
}

impl One {
    /// The server, the definition and its path.
    async fn find(&self) -> Result<(Remote, Value, String), Failure> {
        let remote = self.server.connect()?;
        let (path, definitions) = all(&remote).await?;
        let found = DEFINITION.pick(&self.definition, definitions)?;
        let path = format!("{path}/{}", output::text(&found["id"]));
        Ok((remote, found, path))
    }

    async fn show(self) -> Result<(), Failure> {
        let (remote, listed, path) = self.find().await?;
        let mut found = remote.get(&path).await?;
        found["name"] = listed["name"].clone();
        let versions = remote.list(&format!("{path}/versions")).await?;
        if self.server.json {
            found["versions"] = json!(versions);
            return Ok(output::print_json(&found)?);
        }
        let fields = [
            ("Definition", "/id"),
            ("Name", "/name"),
            ("Summary", "/draft/about/summary"),
            ("Newest", "/newest"),
            ("Approved", "/approved"),
            ("Listing", "/listing"),
            ("Changed", "/updated_at"),
        ];
        output::print_item(false, &found, &fields)?;
        let columns = [
            ("VERSION", "/version"),
            ("STATE", "/state"),
            ("RELEASED", "/released_at"),
            ("NOTE", "/note"),
        ];
        output::print("");
        output::print_list(false, &versions, &columns)?;
        for version in &versions {
            let comments = &version["comments"];
            if comments.as_array().is_some_and(|said| !said.is_empty()) {
                let number = &version["version"];
                output::print(&format!("\nOf version {number} the reviewer said:"));
                content::print_comments(comments);
            }
        }
        Ok(())
    }

    async fn check(self) -> Result<(), Failure> {
        let (remote, _, path) = self.find().await?;
        let check = remote.get(&format!("{path}/check")).await?;
        if self.server.json {
            output::print_json(&check)?;
        } else {
            for kind in ["problems", "warnings"] {
                for one in check[kind].as_array().into_iter().flatten() {
                    output::print(&problem(kind.trim_end_matches('s'), one));
                }
            }
        }
        match check["problems"].as_array().map_or(0, Vec::len) {
            0 if self.server.json => Ok(()),
            0 => {
                output::print("the draft can be released");
                Ok(())
            }
            count => Err(anyhow::anyhow!("the draft has {count} problems").into()),
        }
    }

    async fn release(self) -> Result<(), Failure> {
        let (remote, found, path) = self.find().await?;
        let revision = found["revision"].as_u64().unwrap_or_default();
        let path = format!("{path}/release");
        let made = remote.call_if(Method::POST, &path, revision, None).await?;
        let (name, version) = (output::text(&found["name"]), &made["version"]);
        let sentence = format!("version {version} of {name} is released");
        Ok(output::print_done(self.server.json, &made, &sentence)?)
    }
}

/// A problem of a draft in a line.
fn problem(kind: &str, one: &Value) -> String {
    let place = match (one["line"].as_u64(), one["column"].as_u64()) {
        (Some(line), Some(column)) => format!(" line {line} column {column}"),
        _ => String::new(),
    };
    let (pointer, message) = (output::text(&one["pointer"]), output::text(&one["message"]));
    format!("{kind}: {pointer}{place}: {message}")
}

impl OfVersion {
    async fn step(self, verb: &str, done: &str) -> Result<(), Failure> {
        let (remote, found, path) = self.one.find().await?;
        let version = self.of_version.or(found["newest"].as_u64());
        let Some(version) = version else {
            let message = "it has no version: `millstream definition release` makes one";
            return Err(anyhow::anyhow!(message).into());
        };
        let path = format!("{path}/versions/{version}/{verb}");
        let changed = remote.call(Method::POST, &path, None).await?;
        let name = output::text(&found["name"]);
        let sentence = format!("version {version} of {name} {done}");
        Ok(output::print_done(
            self.one.server.json,
            &changed,
            &sentence,
        )?)
    }
}
