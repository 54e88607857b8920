//! `millstream review …`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::remote::{self, Remote, block_on};
use super::{Failure, content, output, traffic};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the versions that wait for a reviewer, the longest waiting first.
    #[command(after_help = "Example:\n  millstream review list")]
    List(List),
    /// Show a version that was submitted, beside what everyone has now.
    #[command(after_help = "Example:\n  millstream review show Acme --json")]
    Show(One),
    /// Release a version for everyone.
    #[command(after_help = "Example:\n  millstream review approve Acme --note 'Well done'")]
    Approve(Approve),
    /// Send a version back with what is to mend.
    #[command(
        after_help = "Example:\n  millstream review return Acme --note 'One thing' --comment '/events/body=escape the name'"
    )]
    Return(Return),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The definition's id or name.
    definition: String,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    one: One,
    /// What is said of the whole.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

#[derive(Debug, Args)]
pub(crate) struct Return {
    #[command(flatten)]
    one: One,
    /// What is said of the whole.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// What is said of a field, by its JSON pointer (repeatable).
    #[arg(long = "comment", value_name = "POINTER=TEXT")]
    comments: Vec<String>,
}

const QUEUE: &str = "/api/v1/installation/reviews";

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List(list) => block_on(list.run()),
        Command::Show(one) => block_on(one.show()),
        Command::Approve(approve) => {
            let decision = json!({"decision": "approve", "note": approve.note});
            block_on(approve.one.decide(decision, "is approved"))
        }
        Command::Return(back) => {
            let comments = back.comments.iter().map(|text| comment(text));
            let comments = comments.collect::<Result<Vec<_>, _>>()?;
            let decision = json!({"decision": "return", "note": back.note, "comments": comments});
            block_on(back.one.decide(decision, "is sent back"))
        }
    }
}

fn comment(text: &str) -> Result<Value, Failure> {
    let (pointer, comment) = text
        .split_once('=')
        .ok_or_else(|| Failure::usage("a comment is given as POINTER=TEXT"))?;
    Ok(json!({"pointer": pointer, "comment": comment}))
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let waiting = self.server.connect()?.list(QUEUE).await?;
        let columns = [
            ("DEFINITION", "/definition"),
            ("NAME", "/content/display_name"),
            ("VERSION", "/version"),
            ("SUBMITTED BY", "/submitted_by"),
            ("SUBMITTED", "/submitted_at"),
        ];
        Ok(output::print_list(self.server.json, &waiting, &columns)?)
    }
}

impl One {
    /// The server, and where the version is that waits.
    async fn find(&self) -> Result<(Remote, String), Failure> {
        let remote = self.server.connect()?;
        let waiting = remote.list(QUEUE).await?;
        let is_meant = |version: &&Value| {
            let names = [&version["definition"], &version["content"]["display_name"]];
            names.contains(&&json!(self.definition))
        };
        let Some(found) = waiting.iter().find(is_meant) else {
            let message = format!(
                "no version of {} waits; `millstream review list` lists those that do",
                self.definition
            );
            return Err(anyhow::anyhow!(message).into());
        };
        let (id, version) = (output::text(&found["definition"]), &found["version"]);
        Ok((remote, format!("{QUEUE}/{id}/versions/{version}")))
    }

    async fn show(self) -> Result<(), Failure> {
        let (remote, path) = self.find().await?;
        let review = remote.get(&path).await?;
        let fields = [
            ("Definition", "/submitted/definition"),
            ("Name", "/submitted/content/display_name"),
            ("Version", "/submitted/version"),
            ("Summary", "/submitted/content/about/summary"),
            ("Submitted by", "/submitted/submitted_by"),
            ("Everyone has", "/approved/display_name"),
        ];
        output::print_item(self.server.json, &review, &fields)?;
        if !self.server.json {
            output::print("");
            content::print(&review["submitted"]["content"]);
            print_difference(&review["difference"]);
        }
        Ok(())
    }

    async fn decide(self, decision: Value, done: &str) -> Result<(), Failure> {
        let (remote, path) = self.find().await?;
        let path = format!("{path}/decision");
        let decided = remote
            .call(http::Method::POST, &path, Some(&decision))
            .await?;
        let name = output::text(&decided["content"]["display_name"]);
        let sentence = format!("version {} of {name} {done}", decided["version"]);
        Ok(output::print_done(self.server.json, &decided, &sentence)?)
    }
}

/// Prints how what everyone has becomes what was submitted, where everyone has something.
fn print_difference(difference: &Value) {
    if difference.is_null() {
        return;
    }
    output::print("\nOtherwise than what everyone has:");
    traffic::print_others(&difference["catalog"]);
    traffic::print_definition(&difference["definition"]);
}
