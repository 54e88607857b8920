//! `millstream project …`.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::remote::{Refused, Remote, block_on};
use super::{Failure, ServerAddress, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a project with new keys.
    #[command(after_help = "Example:\n  millstream project create Shop")]
    Create(Create),
    /// List the projects.
    List(List),
    /// Show a project.
    Show(One),
    /// Delete a project: its API key is refused from then on.
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
    server: ServerAddress,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    server: ServerAddress,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id or name.
    project: String,
    #[command(flatten)]
    server: ServerAddress,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its id or name.
    project: String,
    /// Delete its syncs too, with all that they still owe.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: ServerAddress,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Create(create) => create.run().await,
            Command::List(list) => list.run().await,
            Command::Show(one) => one.show().await,
            Command::Delete(delete) => delete.run().await,
        }
    })
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let remote = Remote::find(&self.server)?;
        let mut input = json!({"name": self.name});
        if self.throttle_http.is_some() || self.throttle_batch.is_some() {
            let (http, batch) = (
                self.throttle_http.unwrap_or(30),
                self.throttle_batch.unwrap_or(1000),
            );
            input["throttle"] = json!({"http": http, "batch": batch});
        }
        let made = remote
            .call(Method::POST, &remote.projects_path().await?, Some(&input))
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
        let projects = Remote::find(&self.server)?.projects().await?;
        if self.server.json {
            return Ok(output::print_json(&projects)?);
        }
        let row = |project: &Value| {
            ["id", "name", "api_key"]
                .map(|field| output::text(&project[field]))
                .to_vec()
        };
        output::print_table(
            &["ID", "NAME", "API KEY"],
            &projects.iter().map(row).collect::<Vec<_>>(),
        );
        Ok(())
    }
}

impl One {
    async fn show(self) -> Result<(), Failure> {
        let project = find(&Remote::find(&self.server)?, &self.project).await?;
        if self.server.json {
            return Ok(output::print_json(&project)?);
        }
        output::print_fields(&fields(&project));
        Ok(())
    }
}

impl Delete {
    async fn run(self) -> Result<(), Failure> {
        let remote = Remote::find(&self.server)?;
        let id = output::text(&find(&remote, &self.project).await?["id"]);
        let path = format!("/api/v1/projects/{id}?force={}", self.force);
        let deleted = remote.call(Method::DELETE, &path, None).await;
        deleted.map_err(|error| match Refused::find(&error, "project_in_use") {
            Some(_) => anyhow::anyhow!(
                "the project still has syncs (`millstream sync list --project {id}` lists them): delete them \
                 first, or use `--force` to delete them too, with all that they still owe"
            ),
            None => error,
        })?;
        if self.server.json {
            return Ok(output::print_json(&json!({"deleted": id}))?);
        }
        output::print(&format!("{id} is deleted"));
        Ok(())
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
        ("Made", output::text(&project["created_at"])),
    ]
}

/// The project with this id, or the only one of this name.
pub(super) async fn find(remote: &Remote, wanted: &str) -> Result<Value, Failure> {
    if wanted.starts_with(model::ProjectId::PREFIX) && wanted.parse::<model::ProjectId>().is_ok() {
        return Ok(remote.get(&format!("/api/v1/projects/{wanted}")).await?);
    }
    only_one("project", wanted, remote.projects().await?)
}

/// The only item of this name.
pub(super) fn only_one(what: &str, name: &str, items: Vec<Value>) -> Result<Value, Failure> {
    let mut named: Vec<_> = items
        .into_iter()
        .filter(|item| item["name"] == name)
        .collect();
    match (named.pop(), named.len()) {
        (Some(item), 0) => Ok(item),
        (None, _) => Err(anyhow::anyhow!(
            "there is no {what} {name}; `millstream {what} list` lists them"
        )
        .into()),
        (Some(last), _) => {
            named.push(last);
            let ids: Vec<_> = named.iter().map(|item| output::text(&item["id"])).collect();
            Err(anyhow::anyhow!(
                "{} {what}s are called {name}; say which by its id: {}",
                ids.len(),
                ids.join(", ")
            )
            .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_with_one_name_every_id_is_said() {
        let item = |id: &str| json!({"id": id, "name": "Shop"});
        let chosen = only_one("project", "Shop", vec![item("prj_a")]);
        assert_eq!(chosen.expect("the only one")["id"], "prj_a");
        let items = vec![
            item("prj_a"),
            item("prj_b"),
            json!({"id": "prj_c", "name": "Else"}),
        ];
        let Err(Failure::Failed(error)) = only_one("project", "Shop", items) else {
            panic!("an ambiguous name was taken");
        };
        assert_eq!(
            error.to_string(),
            "2 projects are called Shop; say which by its id: prj_a, prj_b"
        );
    }
}
