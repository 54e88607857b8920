//! `millstream login` and `millstream logout`.

use anyhow::Context;
use clap::Args;
use model::access::Permission;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::lookup::Kind;
use super::period::Expiry;
use super::profiles::{self, Profile, Profiles, profiles_path};
use super::prompt::{self, PasswordSource};
use super::remote::{self, Credential, Refused, Remote, block_on};
use super::{Failure, output, token};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    millstream login --server https://millstream.example.com\n  \
    millstream login --server https://millstream.example.com --profile work --expires 30d\n  \
    millstream login --email ci@example.com --password-file - --scope projects:read <password.txt")]
pub(crate) struct Login {
    #[command(flatten)]
    who: SignIn,
    /// The organisation that the token is for: its id or name. Needed for those who belong to several.
    #[arg(long, value_name = "ORGANISATION")]
    organisation: Option<String>,
    /// When the token ends by itself: a period such as 90d, or never.
    #[arg(long, value_name = "PERIOD", default_value = "90d", value_parser = Expiry::parse)]
    expires: Expiry,
    /// What the token may do (repeatable). Without it: all that you may, now and later.
    #[arg(long = "scope", value_name = "PERMISSION", value_parser = token::permissions(), hide_possible_values = true)]
    scopes: Vec<String>,
    #[command(flatten)]
    place: remote::Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Who signs in.
#[derive(Debug, Args)]
pub(super) struct SignIn {
    /// Your e-mail address. Without it you are asked.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) email: Option<String>,
    #[command(flatten)]
    pub(super) password: PasswordSource,
    /// The code of your second factor, or a recovery code. Without it you are asked where it is needed.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millstream logout\n  millstream logout --profile work")]
pub(crate) struct Logout {
    /// Forget the token even when the server can't be asked to revoke it.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    place: remote::Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Characters that a token's name may have.
const LONGEST_NAME: usize = 200;

const ORGANISATION: Kind = Kind {
    what: "organisation",
    id: "id",
    names: &["name"],
};

pub(crate) fn login(login: Login) -> Result<(), Failure> {
    block_on(login.run())
}

pub(crate) fn logout(logout: Logout) -> Result<(), Failure> {
    block_on(logout.run())
}

impl Login {
    async fn run(self) -> Result<(), Failure> {
        // Before anything is asked: a file that can't be used would cost a token.
        let path = profiles_path()?;
        Profiles::load(&path)?;
        let url = self.place.server_url()?;
        note(&format!("Signing in at {url}"));
        let mut remote =
            Remote::with_credential(&url, Credential::Nobody).map_err(Failure::Usage)?;
        let person = self.who.sign_in(&mut remote).await?;
        let made = self.make_token(&remote, &person).await;
        let ended = end_session(&remote).await;
        let profile = made?;
        ended?;
        let name = self.place.profile_name();
        let name = name.as_deref().unwrap_or(profiles::DEFAULT);
        let mut profiles = Profiles::load(&path)?;
        let before = profiles.put(name, profile.clone());
        profiles.save(&path)?;
        if let Some(before) = before {
            replace(&before).await;
        }
        let sentence = format!(
            "signed in as {} at {} in {}; profile {name} is used from now on",
            profile.person, profile.server, profile.organisation_name
        );
        let json = profile_view(name, &profile, true);
        Ok(output::print_done(self.json, &json, &sentence)?)
    }

    async fn make_token(&self, remote: &Remote, person: &Value) -> Result<Profile, Failure> {
        let organisation = self.choose(remote).await?;
        let id = output::text(&organisation["id"]);
        let expires_at = self.expires.at()?;
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let email = output::text(&person["email"]);
        // Mails and the audit log say the token's name where they would say the person's.
        let name: String = format!("{email} on {host}")
            .chars()
            .take(LONGEST_NAME)
            .collect();
        let mut input = json!({"name": name, "expires_at": expires_at});
        if !self.scopes.is_empty() {
            // Without it the token could not be revoked by itself.
            let own = Permission::OrganisationRead.name().to_owned();
            let mut scopes = self.scopes.clone();
            if !scopes.contains(&own) {
                scopes.push(own);
            }
            input["scopes"] = scopes.into();
        }
        let path = format!("/api/v1/organisations/{id}/tokens");
        let made = remote.create(&path, &input).await?;
        let token = made["text"]
            .as_str()
            .context("the server's answer has no token")?;
        Ok(Profile {
            server: remote.url().to_owned(),
            organisation: id,
            organisation_name: output::text(&organisation["name"]),
            person: email,
            token_id: output::text(&made["token"]["id"]),
            token: SecretString::from(token.to_owned()),
            expires_at,
        })
    }

    /// The organisation that the token is to be for.
    async fn choose(&self, remote: &Remote) -> Result<Value, Failure> {
        let mut organisations = remote.list("/api/v1/me/organisations").await?;
        if let Some(wanted) = &self.organisation {
            return ORGANISATION.pick(wanted, organisations);
        }
        match organisations.len() {
            0 => {
                Err(anyhow::anyhow!("you belong to no organisation: ask for an invitation").into())
            }
            1 => Ok(organisations.swap_remove(0)),
            _ => {
                let names = organisations.iter().map(|one| {
                    format!(
                        "\n  {} ({})",
                        output::text(&one["name"]),
                        output::text(&one["id"])
                    )
                });
                let names: String = names.collect();
                Err(Failure::usage(format!(
                    "you belong to several organisations; say for which by --organisation:{names}"
                )))
            }
        }
    }
}

impl SignIn {
    /// Signs in; returns the person.
    pub(super) async fn sign_in(&self, remote: &mut Remote) -> Result<Value, Failure> {
        warn_of_open_connection(remote.url());
        let email = prompt::given_or_line(self.email.as_deref(), "E-mail address: ")?;
        let password = self.password.read("Password: ")?;
        let input = |code: Option<&str>| json!({"email": email, "password": password.expose_secret(), "code": code});
        let first = remote
            .begin_session("/api/v1/session", &input(self.code.as_deref()))
            .await;
        let mut answer = match first {
            Err(error) if Refused::find(&error, "second_factor_needed").is_some() => {
                let code = prompt::given_or_line(None, "Code of your second factor: ")?;
                remote
                    .begin_session("/api/v1/session", &input(Some(&code)))
                    .await?
            }
            answer => answer?,
        };
        Ok(answer["person"].take())
    }
}

/// Signs out again; what was to be done with the session is done.
pub(super) async fn end_session(remote: &Remote) -> anyhow::Result<()> {
    remote.delete("/api/v1/session").await?;
    Ok(())
}

/// A password goes to the server as it is.
pub(super) fn warn_of_open_connection(url: &str) {
    if url.starts_with("http://") && !remote::is_loopback(url) {
        note(&format!(
            "warning: the connection to {url} is not encrypted; others may read the password"
        ));
    }
}

/// Says something beside what programs read.
pub(super) fn note(text: &str) {
    use std::io::Write;
    // Nothing is left to do when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Revokes the token of a profile that another has taken the place of; but not together with others
/// that were made with it.
async fn replace(before: &Profile) {
    let id = &before.token_id;
    if made_others(before).await.unwrap_or(false) {
        note(&format!(
            "the profile's earlier token {id} goes on, since others were made with it, which would end \
             with it: `millstream token revoke {id}`"
        ));
        return;
    }
    if let Err(error) = revoke(before).await {
        note(&format!(
            "warning: the profile's earlier token {id} could not be revoked: {error:#}"
        ));
    }
}

impl Logout {
    async fn run(self) -> Result<(), Failure> {
        let path = profiles_path()?;
        let mut profiles = Profiles::load(&path)?;
        let (name, profile) = match self.place.profile_name() {
            Some(name) => profiles.named(&name)?,
            None => profiles
                .in_use()
                .ok_or_else(|| Failure::usage("no profile is in use: say which by --profile"))?,
        };
        let (name, profile) = (name.to_owned(), profile.clone());
        let answer = match revoke(&profile).await {
            Err(error) if !self.force => {
                let kept =
                    "the token could not be revoked and is kept; `--force` forgets it all the same";
                return Err(error.context(kept).into());
            }
            Err(error) => {
                note(&format!("warning: the token was not revoked: {error:#}"));
                Value::Null
            }
            Ok(answer) => answer,
        };
        profiles.remove(&name);
        profiles.save(&path)?;
        let done = json!({"profile": name, "server": profile.server});
        let others = token::made_with(&answer, &profile.token_id);
        let sentence = format!(
            "signed out of {}; profile {name} is gone{}",
            profile.server,
            token::and_those(&others)
        );
        Ok(output::print_done(self.json, &done, &sentence)?)
    }
}

/// Whether other tokens were made with a profile's.
async fn made_others(profile: &Profile) -> anyhow::Result<bool> {
    let remote = Remote::new(&profile.server, profile.token.clone())?;
    let path = format!("/api/v1/organisations/{}/tokens", profile.organisation);
    let tokens = remote.list(&path).await?;
    Ok(tokens
        .iter()
        .any(|token| token["parent"] == *profile.token_id))
}

/// Revokes a profile's token; one that is no longer taken needs no revoking. Returns what the server
/// says of it.
async fn revoke(profile: &Profile) -> anyhow::Result<Value> {
    let remote = Remote::new(&profile.server, profile.token.clone())?;
    let path = format!(
        "/api/v1/organisations/{}/tokens/{}",
        profile.organisation, profile.token_id
    );
    match remote.delete(&path).await {
        Err(error) if Refused::find(&error, "unauthenticated").is_some() => Ok(Value::Null),
        deleted => deleted,
    }
}

/// A profile as it is shown: without its token.
pub(super) fn profile_view(name: &str, profile: &Profile, in_use: bool) -> Value {
    json!({
        "profile": name,
        "in_use": in_use,
        "server": profile.server,
        "organisation": {"id": profile.organisation, "name": profile.organisation_name},
        "person": profile.person,
        "token": {"id": profile.token_id, "text": profile.masked_token()},
        "expires_at": profile.expires_at,
    })
}
