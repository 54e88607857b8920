//! `millstream project rotate-api-key` and `rotate-secret-key`.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::remote;
use super::{Failure, output, period, project};

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The project: its id or name.
    project: String,
    /// How long the present key is still taken beside the new one; 0h: not at all.
    #[arg(long, value_name = "PERIOD", default_value = "24h", value_parser = period::parse)]
    overlap: Duration,
    /// End the keys that were replaced earlier now: else each is taken for as long as was said then.
    #[arg(long)]
    end_former: bool,
    #[command(flatten)]
    server: remote::Options,
}

impl Rotate {
    pub(super) async fn api_key(self) -> Result<(), Failure> {
        let project = self.rotate("api-key").await?;
        let fields = [
            ("Project", "/id"),
            ("Name", "/name"),
            ("New API key", "/api_key"),
        ];
        Ok(output::print_item(self.server.json, &project, &fields)?)
    }

    pub(super) async fn secret_key(self) -> Result<(), Failure> {
        let made = self.rotate("secret-key").await?;
        let fields = [
            ("Project", "/project/id"),
            ("Name", "/project/name"),
            ("New secret key (not shown again)", "/secret_key"),
        ];
        Ok(output::print_item(self.server.json, &made, &fields)?)
    }

    async fn rotate(&self, key: &str) -> Result<Value, Failure> {
        let remote = self.server.connect()?;
        let id = output::text(&project::find(&remote, &self.project).await?["id"]);
        let path = format!("/api/v1/projects/{id}/{key}/rotate");
        let input = json!({
            "overlap_seconds": self.overlap.as_secs(),
            "end_former": self.end_former,
        });
        Ok(remote.create(&path, &input).await?)
    }
}
