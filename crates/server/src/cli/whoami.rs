//! `millstream whoami`.

use clap::Args;
use serde_json::json;

use super::remote::{self, block_on};
use super::{Failure, output};

/// Options of `millstream whoami`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millstream whoami\n  millstream whoami --profile work --json")]
pub(crate) struct Whoami {
    #[command(flatten)]
    server: remote::Options,
}

pub(crate) fn run(options: Whoami) -> Result<(), Failure> {
    block_on(async {
        let from = options.server.target()?.source.to_string();
        let remote = options.server.connect()?;
        let me = remote.get("/api/v1/me").await?;
        let organisation = remote.organisation().await?;
        let answer = json!({
            "server": remote.url(),
            "credential": from,
            "organisation": {"id": organisation["id"], "name": organisation["name"]},
            "token": {
                "id": me["token_id"], "name": me["token_name"], "expires_at": me["expires_at"],
            },
            "permissions": me["permissions"],
        });
        let fields = [
            ("Server", "/server"),
            ("Known by", "/credential"),
            ("Organisation", "/organisation/name"),
            ("Its id", "/organisation/id"),
            ("Token", "/token/name"),
            ("Token's id", "/token/id"),
            ("Token ends", "/token/expires_at"),
            ("May", "/permissions"),
        ];
        Ok(output::print_item(options.server.json, &answer, &fields)?)
    })
}
