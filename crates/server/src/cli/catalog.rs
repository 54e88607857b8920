//! `millstream catalog`.

use clap::Args;
use serde_json::Value;

use super::remote::{self, Remote, block_on, query};
use super::{Failure, output};

/// Options of `millstream catalog`.
#[derive(Debug, Args)]
pub(crate) struct Catalog {
    /// Only destinations whose name or summary contains this.
    text: Option<String>,
    /// Only those of this category, such as messaging.
    #[arg(long)]
    category: Option<String>,
    #[command(flatten)]
    server: remote::Options,
}

pub(crate) fn run(options: Catalog) -> Result<(), Failure> {
    block_on(async {
        let remote = options.server.connect()?;
        let path = remote.organisation_path("catalog").await?;
        let filter = [
            ("text", options.text.as_deref()),
            ("category", options.category.as_deref()),
        ];
        let tiles = remote.list(&query(&path, &filter)).await?;
        let columns = [
            ("ID", "/definition"),
            ("NAME", "/display_name"),
            ("CATEGORY", "/category"),
            ("VERSION", "/version"),
            ("FOR EVERYONE", "/approved"),
            ("SUMMARY", "/summary"),
        ];
        Ok(output::print_list(options.server.json, &tiles, &columns)?)
    })
}

/// A destination of the catalog with all that its set-up needs, by its id or its name.
pub(super) async fn find(remote: &Remote, wanted: &str) -> Result<Value, Failure> {
    let path = remote.organisation_path("catalog").await?;
    if wanted.parse::<model::DefinitionId>().is_ok() {
        return Ok(remote.get(&format!("{path}/{wanted}")).await?);
    }
    let tiles = remote
        .list(&query(&path, &[("text", Some(wanted))]))
        .await?;
    let tile = tiles.iter().find(|tile| tile["display_name"] == wanted);
    let tile = tile.ok_or_else(|| {
        anyhow::anyhow!("the catalog has no {wanted}; `millstream catalog` lists what there is")
    })?;
    let id = output::text(&tile["definition"]);
    Ok(remote.get(&format!("{path}/{id}")).await?)
}
