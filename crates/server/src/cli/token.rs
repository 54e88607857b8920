//! `millstream token …`.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use model::access::Permission;
use serde_json::{Value, json};

use super::lookup::Kind;
use super::period::Expiry;
use super::remote::{self, block_on};
use super::{Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List API tokens: your own, and all of the organisation's for its administrators.
    #[command(after_help = "Example:\n  millstream token list")]
    List(List),
    /// Make an API token for a program. It may do no more than you, and is shown once.
    #[command(after_help = "Examples:\n  \
        millstream token create CI --scope projects:read --scope syncs:write\n  \
        millstream token create Terraform --expires never --json")]
    Create(Create),
    /// Revoke an API token.
    #[command(after_help = "Example:\n  millstream token revoke CI")]
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it is for.
    name: String,
    /// What it may do (repeatable). Without it: all that you may, now and later.
    #[arg(long = "scope", value_name = "PERMISSION", value_parser = permissions())]
    scopes: Vec<String>,
    /// When it ends by itself: a period such as 90d, or never. Without it: after 90 days, or together with
    /// the token that you make it with when that is sooner.
    #[arg(long, value_name = "PERIOD", value_parser = Expiry::parse)]
    expires: Option<Expiry>,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its id or name.
    #[arg(value_name = "TOKEN")]
    wanted: String,
    #[command(flatten)]
    server: remote::Options,
}

/// The names of all permissions.
pub(super) fn permissions() -> PossibleValuesParser {
    PossibleValuesParser::new(Permission::ALL.iter().map(|permission| permission.name()))
}

/// When a token ends of which nothing is said.
const DEFAULT_EXPIRY: Expiry = Expiry::After(Duration::from_secs(90 * 24 * 3600));

const TOKEN: Kind = Kind {
    what: "token",
    id: "id",
    names: &["name"],
};

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::List(list) => list.run().await,
            Command::Create(create) => create.run().await,
            Command::Revoke(revoke) => revoke.run().await,
        }
    })
}

/// `wanted`, or none when the token that `me` tells of ends before: what is made with it then ends with it.
fn sooner(wanted: Option<String>, me: &Value) -> Option<String> {
    let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let own = me["expires_at"].as_str().and_then(moment);
    let wanted_at = wanted.as_deref().and_then(moment);
    match (own, wanted_at) {
        (Some(own), Some(wanted_at)) if own < wanted_at => None,
        _ => wanted,
    }
}

/// Of the tokens that a revocation ended, those that were made with the token `id`.
pub(super) fn made_with<'a>(answer: &'a Value, id: &str) -> Vec<&'a Value> {
    let revoked = answer["revoked"].as_array().into_iter().flatten();
    revoked.filter(|token| token["id"] != id).collect()
}

/// How a sentence goes on that tells of a revocation.
pub(super) fn and_those(others: &[&Value]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let name = |token: &&Value| {
        let (name, id) = (output::text(&token["name"]), output::text(&token["id"]));
        format!("{name} ({id})")
    };
    let names: Vec<_> = others.iter().map(name).collect();
    format!(
        ", and with it those that were made with it: {}",
        names.join(", ")
    )
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let tokens = remote
            .list(&remote.organisation_path("tokens").await?)
            .await?;
        let columns = [
            ("ID", "/id"),
            ("NAME", "/name"),
            ("PERSON", "/person"),
            ("SCOPES", "/scopes"),
            ("LAST USED", "/used_at"),
            ("EXPIRES", "/expires_at"),
        ];
        Ok(output::print_list(self.server.json, &tokens, &columns)?)
    }
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let expires_at = match self.expires {
            Some(expires) => expires.at()?,
            None => sooner(DEFAULT_EXPIRY.at()?, &remote.get("/api/v1/me").await?),
        };
        let mut input = json!({"name": self.name, "expires_at": expires_at});
        if !self.scopes.is_empty() {
            input["scopes"] = self.scopes.into();
        }
        let path = remote.organisation_path("tokens").await?;
        let made = remote.create(&path, &input).await?;
        let fields = [
            ("Token", "/token/id"),
            ("Name", "/token/name"),
            ("Scopes", "/token/scopes"),
            ("Expires", "/token/expires_at"),
            ("Text (not shown again)", "/text"),
        ];
        Ok(output::print_item(self.server.json, &made, &fields)?)
    }
}

impl Revoke {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let tokens = remote.organisation_path("tokens").await?;
        let token = TOKEN.pick(&self.wanted, remote.list(&tokens).await?)?;
        let (id, name) = (output::text(&token["id"]), output::text(&token["name"]));
        let answer = remote.delete(&format!("{tokens}/{id}")).await?;
        let others = made_with(&answer, &id);
        let ids: Vec<_> = others.iter().map(|token| &token["id"]).collect();
        let done = json!({"revoked": id, "made_with_it": ids});
        let sentence = format!("token {name} ({id}) is revoked{}", and_those(&others));
        Ok(output::print_done(self.server.json, &done, &sentence)?)
    }
}
