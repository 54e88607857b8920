//! The first start: an organisation, and a way in for its administrator.

use std::path::{Path, PathBuf};

use anyhow::Context;
use api::auth::Authority;
use model::access::InstallationRights;
use store::{NewPerson, Secret, Store};

use crate::config::Config;

/// What the first organisation is called until its administrator renames it.
pub(super) const FIRST_ORGANISATION: &str = "My organisation";

/// The first account, for starts that nobody attends.
pub(crate) struct Administrator {
    /// The e-mail address.
    pub(crate) email: String,
    /// The file with the password: read only when the account is made, so that it can be deleted then.
    pub(crate) password_file: PathBuf,
}

/// While nobody has an account: makes the administrator's, or else a link with which one can be made,
/// which replaces the link of an earlier start and goes to the log.
pub(super) async fn prepare(
    store: &Store,
    authority: &Authority,
    config: &Config,
    administrator: Option<Administrator>,
) -> anyhow::Result<()> {
    if store.has_people().await? {
        return Ok(());
    }
    match administrator {
        Some(administrator) => make(store, authority, administrator).await,
        None => invite(store, authority, config).await,
    }
}

/// Refuses an administrator whose password can't be read, or can't be one.
pub(super) fn check(administrator: &Administrator) -> anyhow::Result<()> {
    let password = password(&administrator.password_file)?;
    match api::auth::password_problem(password.expose(), &administrator.email) {
        Some(problem) => Err(anyhow::Error::msg(problem)
            .context("the password in --admin-password-file can't be used")),
        None => Ok(()),
    }
}

fn password(file: &Path) -> anyhow::Result<Secret> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("--admin-password-file: {}", file.display()))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn make(
    store: &Store,
    authority: &Authority,
    administrator: Administrator,
) -> anyhow::Result<()> {
    let Administrator {
        email,
        password_file,
    } = administrator;
    let password = password(&password_file)?;
    let hashed = authority.hash_password(password, &email).await;
    let password_hash = hashed
        .map_err(anyhow::Error::msg)
        .context("the password in --admin-password-file can't be used")?;
    let person = NewPerson {
        name: email.split('@').next().unwrap_or_default().to_owned(),
        email,
        password_hash: Some(password_hash),
        rights: InstallationRights {
            operator: true,
            reviewer: true,
        },
    };
    let made = store.create_first_administrator(FIRST_ORGANISATION, person);
    if let Some(person) = made.await? {
        tracing::info!(email = person.email, "the administrator's account was made");
    }
    Ok(())
}

async fn invite(store: &Store, authority: &Authority, config: &Config) -> anyhow::Result<()> {
    let expires_at = authority.now() + config.access.invitation_lifetime;
    let made = store.invite_first_administrator(FIRST_ORGANISATION, expires_at);
    if let Some(made) = made.await? {
        let link = api::portal::link(&config.public_url(), "invitation", &made.text);
        tracing::info!("nobody has an account yet: make the administrator's at {link} (good once)");
    }
    Ok(())
}
