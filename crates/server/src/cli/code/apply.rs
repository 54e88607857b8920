//! Takes the steps of a plan, one request for each object.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use http::Method;
use serde_json::{Value, json};

use super::files::{ProjectFile, SyncFile};
use super::inventory::{Found, Pictures};
use super::local::{Kind, Source, Wanted};
use super::lock::{Lock, Locked};
use super::plan::{ARCHIVED, Action, LISTED, Plan, Step};
use super::refusal;
use super::secret::Secrets;
use super::upgrade::Upgrade;
use crate::cli::output::{self, text};
use crate::cli::remote::{Remote, query};
use crate::definition::Logo;
use crate::source::listed;

/// Where a plan is carried out.
pub(super) struct Target<'t> {
    pub(super) remote: &'t Remote,
    pub(super) organisation: &'t str,
    pub(super) lock: Lock,
    pub(super) lock_path: &'t Path,
    /// Whether each step is told of as it is taken.
    pub(super) told: bool,
    /// Whether upgrades may send secrets to other places.
    pub(super) send_secrets: bool,
}

impl Target<'_> {
    /// Takes the steps in order, up to the first that fails; the lock holds what was done. Returns what
    /// was done, with the secret keys of projects that were made.
    pub(super) async fn carry_out(&mut self, plan: Plan) -> anyhow::Result<Vec<Value>> {
        let mut done = Vec::new();
        self.lock.follow(&plan);
        for step in &plan.steps {
            let taken = self.take(step).await;
            // Also what was done of a step that failed then is known.
            if step.is_pending() || taken.is_err() {
                self.lock.write(self.lock_path)?;
            }
            done.extend(taken.map_err(|error| placed(error, step))?);
        }
        // What was in order already is known from now on.
        self.lock.write(self.lock_path)?;
        Ok(done)
    }

    async fn take(&mut self, step: &Step) -> anyhow::Result<Option<Value>> {
        let mut report = json!({
            "action": step.action,
            "address": step.address,
            "name": step.name,
        });
        let present = match (&step.action, &step.wanted, &step.found) {
            (Action::Delete, _, Some(found)) => {
                let archived = self.delete(step, found).await?;
                report["archived"] = json!(step.is_archived());
                self.forget(found, archived.as_ref());
                let done = match step.is_archived() {
                    true => "archived",
                    false => "deleted",
                };
                self.tell(step, done);
                return Ok(Some(report));
            }
            (Action::Create, Some(wanted), _) => {
                let (made, secret_key) = self.create(wanted).await?;
                self.remember(step, &made);
                self.tell(step, "made");
                if let Some(key) = secret_key {
                    report["secret_key"] = json!(key);
                    if self.told {
                        output::print(&format!("  its secret key, not shown again: {key}"));
                    }
                }
                made
            }
            (Action::Update, Some(wanted), Some(found)) => {
                let listed = match step.relist {
                    true => Some(self.set_listing(found, LISTED).await?),
                    false => None,
                };
                let found = listed.as_ref().unwrap_or(found);
                let changed = match &step.upgrade {
                    Some(upgrade) => self.upgrade(wanted, found, upgrade).await?,
                    None if step.relist && found.content == wanted.content => found.clone(),
                    None => self.update(wanted, found).await?,
                };
                self.remember(step, &changed);
                self.tell(step, "changed");
                changed
            }
            (_, _, Some(found)) => {
                self.remember(step, found);
                found.clone()
            }
            _ => return Ok(None),
        };
        if step.release {
            let version = self.release(step, &present).await?;
            report["released"] = json!(version);
            if self.told {
                output::print(&format!("{}: version {version} is released", step.address));
            }
        }
        Ok(step.is_pending().then_some(report))
    }

    fn tell(&self, step: &Step, what: &str) {
        if self.told {
            output::print(&format!("{} ({}) is {what}", step.address, step.name));
        }
    }

    fn remember(&mut self, step: &Step, found: &Found) {
        let locked = Locked::of(found);
        self.lock.objects.insert(step.address.clone(), locked);
    }

    /// Forgets an object that has no file, unless it is still there and archived.
    fn forget(&mut self, gone: &Found, archived: Option<&Found>) {
        let objects = &mut self.lock.objects;
        match archived {
            None => objects.retain(|_, locked| locked.id != gone.id),
            Some(archived) => {
                let mut known = objects.values_mut();
                if let Some(locked) = known.find(|locked| locked.id == gone.id) {
                    *locked = Locked::of(archived);
                }
            }
        }
    }

    /// Makes an object; with the secret key that a new project has.
    async fn create(&self, wanted: &Wanted) -> anyhow::Result<(Found, Option<String>)> {
        match &wanted.source {
            Source::Definition { logo, .. } => {
                let path = format!("/api/v1/organisations/{}/definitions", self.organisation);
                let body = with_logo(&wanted.content, logo.as_ref());
                let made = self.remote.create(&path, &body).await?;
                let path = format!("{path}/{}", text(&made["id"]));
                let mut pictures = self.pictures(logo.as_ref());
                let made = Found::definition(made, path, &mut pictures).await?;
                Ok((made, None))
            }
            Source::Project(_) => {
                let path = format!("/api/v1/organisations/{}/projects", self.organisation);
                let mut made = self.remote.create(&path, &wanted.content).await?;
                let key = text(&made["secret_key"]);
                Ok((Found::project(made["project"].take())?, Some(key)))
            }
            Source::Sync {
                project,
                file,
                document,
            } => {
                let project = self.lock.objects.get(project);
                let project = project.context("its project is still to be made")?;
                let project = format!("/api/v1/projects/{}", project.id);
                let mut input = self.destination(wanted, file).await?;
                let settings = file.input(document, Secrets::Needed);
                let settings = settings.map_err(|faults| anyhow!("{}", listed(&faults)))?;
                if let (Value::Object(input), Value::Object(settings)) = (&mut input, settings) {
                    input.extend(settings);
                }
                let made = self
                    .remote
                    .create(&format!("{project}/syncs"), &input)
                    .await?;
                Ok((Found::sync(made, &project)?, None))
            }
        }
    }

    /// Knows the picture that was just sent.
    fn pictures(&self, logo: Option<&Logo>) -> Pictures<'_> {
        Pictures::new(self.remote, logo)
    }

    /// The part of a new sync's input that says what it connects.
    async fn destination(&self, wanted: &Wanted, file: &SyncFile) -> anyhow::Result<Value> {
        let name = &file.definition.name;
        let catalog = format!("/api/v1/organisations/{}/catalog", self.organisation);
        let tiles = query(&catalog, &[("text", Some(name.as_str()))]);
        let tiles = self.remote.list(&tiles).await?;
        let Some(tile) = tiles
            .iter()
            .find(|tile| tile["display_name"] == name.as_str())
        else {
            let message = format!("the catalog has no destination {name}; is it released?");
            return Err(wanted.fault("/definition/name", None, message).into());
        };
        let id = text(&tile["definition"]);
        let mut chosen = json!({"id": id});
        if let Some(version) = file.definition.version {
            chosen["version"] = json!(version);
        }
        Ok(json!({"definition": chosen}))
    }

    async fn update(&self, wanted: &Wanted, found: &Found) -> anyhow::Result<Found> {
        let body = match &wanted.source {
            Source::Definition { logo, .. } => {
                let mut body = with_logo(&wanted.content, logo.as_ref());
                for section in ["events", "users"] {
                    // What is absent stays.
                    if body.get(section).is_none() {
                        body[section] = Value::Null;
                    }
                }
                body
            }
            Source::Project(_) => ProjectFile::change(&wanted.content),
            Source::Sync { file, document, .. } => {
                let input = file.input(document, Secrets::Needed);
                input.map_err(|faults| anyhow!("{}", listed(&faults)))?
            }
        };
        let changed = self
            .remote
            .call_if(Method::PATCH, &found.path, found.version, Some(&body))
            .await?;
        match found.kind {
            Kind::Definition => {
                let logo = match &wanted.source {
                    Source::Definition { logo, .. } => logo.as_ref(),
                    _ => None,
                };
                let mut pictures = self.pictures(logo);
                Found::definition(changed, found.path.clone(), &mut pictures).await
            }
            Kind::Project => Found::project(changed),
            Kind::Sync => {
                let project = found.path.split("/syncs/").next().unwrap_or_default();
                Found::sync(changed, project)
            }
        }
    }

    /// Has a sync connect a later version of its destination, with what else its file changes.
    async fn upgrade(
        &self,
        wanted: &Wanted,
        found: &Found,
        planned: &Upgrade,
    ) -> anyhow::Result<Found> {
        let Source::Sync { file, document, .. } = &wanted.source else {
            bail!("only syncs are upgraded");
        };
        let mut upgrade = Upgrade {
            shown: None,
            ..*planned
        };
        // The version may have been released after the plan was made.
        upgrade.look(self.remote, found, 0).await?;
        let moved = upgrade.moved_secrets(wanted);
        if !moved.is_empty() && !self.send_secrets {
            bail!("{}", listed(&moved));
        }
        let changes = file.input(document, Secrets::Needed);
        let changes = changes.map_err(|faults| anyhow!("{}", listed(&faults)))?;
        let body = json!({"to": upgrade.to, "changes": changes});
        let path = format!("{}/upgrade", found.path);
        let upgraded = self
            .remote
            .call_if(Method::POST, &path, found.version, Some(&body))
            .await?;
        let project = found.path.split("/syncs/").next().unwrap_or_default();
        Found::sync(upgraded, project)
    }

    /// Releases a draft; returns the version.
    async fn release(&mut self, step: &Step, draft: &Found) -> anyhow::Result<Value> {
        let path = format!("{}/release", draft.path);
        let made = self
            .remote
            .call_if(Method::POST, &path, draft.version, None)
            .await?;
        let mut pictures = self.pictures(draft.logo.as_ref());
        let view = self.remote.get(&draft.path).await?;
        let path = draft.path.clone();
        let released = Found::definition(view, path, &mut pictures).await?;
        self.remember(step, &released);
        Ok(made["version"].clone())
    }

    /// Deletes an object, or archives it: then it is returned.
    async fn delete(&self, step: &Step, found: &Found) -> anyhow::Result<Option<Found>> {
        if step.is_archived() {
            return self.set_listing(found, ARCHIVED).await.map(Some);
        }
        self.remote
            .call_if(Method::DELETE, &found.path, found.version, None)
            .await?;
        Ok(None)
    }

    /// Says whether new syncs may connect a definition.
    async fn set_listing(&self, found: &Found, listing: &str) -> anyhow::Result<Found> {
        let path = format!("{}/listing", found.path);
        let body = json!({"listing": listing});
        let listed = self
            .remote
            .call_if(Method::PUT, &path, found.version, Some(&body))
            .await?;
        let mut pictures = self.pictures(found.logo.as_ref());
        Found::definition(listed, found.path.clone(), &mut pictures).await
    }
}

/// A definition's content as a request carries it: with its picture.
fn with_logo(content: &Value, logo: Option<&Logo>) -> Value {
    let mut body = content.clone();
    body["logo"] = json!(logo.map(Logo::base64));
    body
}

/// A refusal with the places in the files that the server's pointers mean.
fn placed(error: anyhow::Error, step: &Step) -> anyhow::Error {
    let wanted = step.wanted.as_ref();
    let faults = wanted.and_then(|wanted| refusal::faults(&error, wanted));
    let Some(faults) = faults else {
        return error.context(step.address.clone());
    };
    let faults: Vec<_> = faults.into_iter().map(|(_, fault)| fault).collect();
    anyhow!("{} is refused:\n{}", step.address, listed(&faults))
}
