//! `millstream project …`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::lookup::Kind;
use super::project_keys::Rotate;
use super::project_retention::Retention;
use super::project_sensitive::{self, Sensitive};
use super::remote::{self, Refused, Remote, block_on};
use super::{Failure, fate, figures, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a project with new keys.
    #[command(after_help = "Example:\n  millstream project create Shop")]
    Create(Create),
    /// List the projects.
    #[command(after_help = "Example:\n  millstream project list")]
    List(List),
    /// Show a project.
    #[command(after_help = "Example:\n  millstream project show Shop")]
    Show(One),
    /// Rename a project.
    #[command(after_help = "Example:\n  millstream project rename Shop 'Web shop'")]
    Rename(Rename),
    /// Show or change which properties' values are masked wherever events are shown.
    #[command(
        after_help = "Examples:\n  millstream project sensitive Shop\n  millstream project sensitive Shop --mark user:email --mark 'event:card_*'\n  millstream project sensitive Shop --unmark event:address.street"
    )]
    Sensitive(Sensitive),
    /// Show or change how long events are kept, and show what is held of them.
    #[command(
        after_help = "Examples:\n  millstream project retention Shop\n  millstream project retention Shop --events 72 --outcomes 24\n  millstream project retention Shop --events default"
    )]
    Retention(Retention),
    /// Make a new API key; the present one is taken beside it for a while.
    #[command(after_help = "Example:\n  millstream project rotate-api-key Shop --overlap 7d")]
    RotateApiKey(Rotate),
    /// Make a new secret key, which is shown once; the present one is taken beside it for a while.
    #[command(after_help = "Example:\n  millstream project rotate-secret-key Shop --overlap 24h")]
    RotateSecretKey(Rotate),
    /// List samples of requests that were refused, with the reason.
    #[command(after_help = fate::REFUSED_HELP)]
    Refused(fate::Refused),
    /// Show what became of a project's events over time, in figures.
    #[command(after_help = figures::PROJECT_HELP)]
    Figures(figures::OfProject),
    /// Delete a project: its API key is refused from then on.
    #[command(
        after_help = "Examples:\n  millstream project delete Shop\n  millstream project delete Shop --force"
    )]
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// As people call it.
    name: String,
    /// Events a second that one device or user may send to /2/httpapi [default: 30; 0: any number].
    #[arg(long, value_name = "N")]
    throttle_http: Option<u32>,
    /// The same for /batch [default: 1000; 0: any number].
    #[arg(long, value_name = "N")]
    throttle_batch: Option<u32>,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id or name.
    project: String,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// Its id or present name.
    project: String,
    /// The name to be.
    #[arg(value_name = "NEW NAME")]
    name: String,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its id or name.
    project: String,
    /// Delete its syncs too, with all that they still owe.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: remote::Options,
}

const PROJECT: Kind = Kind {
    what: "project",
    id: "id",
    names: &["name"],
};

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Create(create) => create.run().await,
            Command::List(list) => list.run().await,
            Command::Show(one) => one.show().await,
            Command::Rename(rename) => rename.run().await,
            Command::Sensitive(sensitive) => sensitive.run().await,
            Command::Retention(retention) => retention.run().await,
            Command::RotateApiKey(rotate) => rotate.api_key().await,
            Command::RotateSecretKey(rotate) => rotate.secret_key().await,
            Command::Refused(refused) => refused.run().await,
            Command::Figures(figures) => figures.run().await,
            Command::Delete(delete) => delete.run().await,
        }
    })
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let mut input = json!({"name": self.name});
        if self.throttle_http.is_some() || self.throttle_batch.is_some() {
            let (http, batch) = (
                self.throttle_http.unwrap_or(30),
                self.throttle_batch.unwrap_or(1000),
            );
            input["throttle"] = json!({"http": http, "batch": batch});
        }
        let made = remote
            .create(&remote.projects_path().await?, &input)
            .await?;
        if self.server.json {
            return Ok(output::print_json(&made)?);
        }
        let mut fields = fields(&made["project"]);
        fields.push((
            "Secret key",
            format!("{} (not shown again)", output::text(&made["secret_key"])),
        ));
        output::print_fields(&fields);
        Ok(())
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let projects = self.server.connect()?.projects().await?;
        let columns = [("ID", "/id"), ("NAME", "/name"), ("API KEY", "/api_key")];
        Ok(output::print_list(self.server.json, &projects, &columns)?)
    }
}

impl One {
    async fn show(self) -> Result<(), Failure> {
        let project = find(&self.server.connect()?, &self.project).await?;
        if self.server.json {
            return Ok(output::print_json(&project)?);
        }
        output::print_fields(&fields(&project));
        Ok(())
    }
}

impl Rename {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let id = output::text(&find(&remote, &self.project).await?["id"]);
        let path = format!("/api/v1/projects/{id}");
        let renamed = remote.change(&path, &json!({"name": self.name})).await?;
        if self.server.json {
            return Ok(output::print_json(&renamed)?);
        }
        output::print_fields(&fields(&renamed));
        Ok(())
    }
}

impl Delete {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let id = output::text(&find(&remote, &self.project).await?["id"]);
        let path = format!("/api/v1/projects/{id}?force={}", self.force);
        let deleted = remote.delete(&path).await;
        deleted.map_err(|error| match Refused::find(&error, "project_in_use") {
            Some(_) => anyhow::anyhow!(
                "the project still has syncs (`millstream sync list --project {id}` lists them): delete them \
                 first, or use `--force` to delete them too, with all that they still owe"
            ),
            None => error,
        })?;
        let sentence = format!("{id} is deleted");
        Ok(output::print_done(
            self.server.json,
            &json!({"deleted": id}),
            &sentence,
        )?)
    }
}

fn fields(project: &Value) -> Vec<(&'static str, String)> {
    vec![
        ("Project", output::text(&project["id"])),
        ("Name", output::text(&project["name"])),
        ("API key", output::text(&project["api_key"])),
        (
            "Throttle",
            format!(
                "{} events/s on /2/httpapi, {} on /batch, for each device and user",
                project["throttle"]["http"], project["throttle"]["batch"]
            ),
        ),
        (
            "Sensitive",
            project_sensitive::listed(&project["sensitive"]),
        ),
        ("Made", output::text(&project["created_at"])),
    ]
}

/// The project with this id, or the only one of this name.
pub(super) async fn find(remote: &Remote, wanted: &str) -> Result<Value, Failure> {
    if wanted.starts_with(model::ProjectId::PREFIX) && wanted.parse::<model::ProjectId>().is_ok() {
        return Ok(remote.get(&format!("/api/v1/projects/{wanted}")).await?);
    }
    PROJECT.pick(wanted, remote.projects().await?)
}
