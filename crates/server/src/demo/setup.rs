//! Makes the demo's project and sync over the control API, or finds those of an earlier start.

use std::path::{Path, PathBuf};

use anyhow::Context;
use model::SyncId;
use serde_json::{Value, json};

use crate::cli::remote::Remote;
use crate::serve;

/// What the project and the sync are called.
const PROJECT: &str = "Demo shop";
const SYNC: &str = "Shop to receiver";

/// The template of the Webhook guide.
const TEMPLATE: &str = include_str!("template.ftl");

/// Where everything is.
pub(super) struct Place {
    /// The server: scheme, host and port.
    pub(super) url: String,
    /// The project's API key.
    pub(super) api_key: String,
    /// The sync.
    pub(super) sync: SyncId,
    /// The file with the admin token.
    pub(super) token_file: PathBuf,
    /// The data folder.
    pub(super) data_dir: PathBuf,
    inbox: &'static str,
}

impl Place {
    /// The receiver's page.
    pub(super) fn page(&self) -> String {
        format!("{}/receiver/?inbox={}", self.url, self.inbox)
    }
}

/// Finds or makes project and sync on the server at `url`, whose data is in `data_dir`.
pub(super) async fn prepare(
    url: &str,
    data_dir: &Path,
    inbox: &'static str,
) -> anyhow::Result<Place> {
    let token_file = serve::token_path(data_dir);
    let token = std::fs::read_to_string(&token_file);
    let token = token.with_context(|| format!("{} can't be read", token_file.display()))?;
    let remote = Remote::new(url, token.trim().to_owned().into())?;
    let project = project(&remote).await?;
    let sync = sync(
        &remote,
        &text(&project, "id")?,
        &format!("{url}/receiver/in/{inbox}"),
    )
    .await?;
    Ok(Place {
        url: url.to_owned(),
        api_key: text(&project, "api_key")?,
        sync: text(&sync, "id")?.parse()?,
        token_file,
        data_dir: data_dir.to_owned(),
        inbox,
    })
}

async fn project(remote: &Remote) -> anyhow::Result<Value> {
    let known = remote.projects().await?;
    if let Some(project) = known.into_iter().find(|project| project["name"] == PROJECT) {
        return Ok(project);
    }
    // The shop may be told to send faster than devices and users do.
    let input = json!({"name": PROJECT, "throttle": {"http": 0, "batch": 0}});
    let mut made = remote
        .create(&remote.projects_path().await?, &input)
        .await?;
    Ok(made["project"].take())
}

async fn sync(remote: &Remote, project: &str, destination: &str) -> anyhow::Result<Value> {
    let syncs = format!("/api/v1/projects/{project}/syncs");
    let known = remote.list(&syncs).await?;
    let Some(sync) = known.into_iter().find(|sync| sync["name"] == SYNC) else {
        let input = json!({
            "name": SYNC, "enabled": true, "url": destination,
            "events": {"send": true, "template": TEMPLATE},
        });
        return remote.create(&syncs, &input).await;
    };
    if sync["url"] == destination {
        return Ok(sync);
    }
    // The server listens elsewhere than at the last start.
    let path = format!("{syncs}/{}", text(&sync, "id")?);
    remote.change(&path, &json!({"url": destination})).await
}

fn text(value: &Value, field: &str) -> anyhow::Result<String> {
    let text = value[field].as_str().map(str::to_owned);
    text.with_context(|| format!("the server's answer has no {field}"))
}
