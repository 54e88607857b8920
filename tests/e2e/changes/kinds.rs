//! One change of each kind that the API knows, and the signs that it has happened.

use std::time::SystemTime;

use http::Method;
use millstream_e2e::eventually;
use serde_json::{Value, json};
use totp_rs::Secret;

use super::definitions::of_definitions;
use super::revisions::of_revisions;
use crate::people::{Administrator, LIMIT, PASSWORD, Person, Request, ask};

const NEW_PASSWORD: &str = "another good one";

/// A change to ask for.
#[derive(Debug)]
pub(super) struct Change {
    /// The operation's id in the API's document.
    pub(super) operation: &'static str,
    request: Request,
    /// Whether it carries a key that makes it happen once.
    pub(super) once: bool,
    /// Whether a good answer says that it has happened.
    pub(super) promised: bool,
    /// Where it can be seen: everywhere or nowhere.
    pub(super) signs: Vec<Sign>,
}

/// What can be seen when a change has happened, and only then.
#[derive(Debug)]
pub(super) enum Sign {
    /// This path's answer has this value at this place.
    Reads(String, &'static str, Value),
    /// Nothing is at this path any more.
    Gone(String),
    /// One item of the list at this path contains this text; it never is in two.
    Listed(String, String),
    /// Two items do, where one did before.
    ListedTwice(String, String),
    /// No item does.
    Unlisted(String, String),
    /// This path's answer has another value at this place.
    Changed(String, &'static str, Value),
    /// This path's answer doesn't contain this text.
    Lacks(String, String),
    /// These credentials are good.
    SignsIn(Value),
    /// These credentials aren't good, or not enough.
    Refused(Value),
    /// This cookie is good no more.
    SignedOut(String),
}

impl Change {
    pub(super) fn request(&self) -> Request {
        self.request.clone()
    }

    /// Asked for by someone else than the administrator, or by nobody.
    fn by(mut self, person: Option<&Person>) -> Self {
        self.request.cookie = person.map(|person| person.cookie.clone());
        self
    }

    pub(super) fn shown_by(mut self, sign: Sign) -> Self {
        self.signs.push(sign);
        self
    }

    /// The installation's audit log has one such entry about this.
    fn logged(self, action: &str, target: &str) -> Self {
        let path = format!("/installation/audit?action={action}");
        self.shown_by(Sign::Listed(path, target.to_owned()))
    }

    /// A letter of this kind goes to this address.
    fn mailed(self, kind: &str, recipient: &str) -> Self {
        let letter = json!({"kind": kind, "recipient": recipient}).to_string();
        let letter = letter.trim_matches(['{', '}']).to_owned();
        self.shown_by(Sign::Listed("/installation/outbox".into(), letter))
    }

    /// The same of an organisation's.
    pub(super) fn logged_in(self, organisation: &str, action: &str, target: &str) -> Self {
        let path = format!("/organisations/{organisation}/audit?action={action}");
        self.shown_by(Sign::Listed(path, target.to_owned()))
    }
}

/// A round's organisation, and who makes changes to it.
pub(super) struct Round<'a> {
    pub(super) admin: &'a Administrator,
    pub(super) number: u64,
    pub(super) organisation: String,
    destination: &'a str,
}

impl Round<'_> {
    pub(super) fn change(
        &self,
        operation: &'static str,
        method: Method,
        path: impl Into<String>,
        body: Value,
    ) -> Change {
        // Creations take a key.
        let once = method == Method::POST && operation.starts_with("create_")
            || operation == "duplicate_sync"
            || operation.starts_with("rotate_") && operation.ends_with("_key");
        Change {
            operation,
            request: Request {
                method,
                path: path.into(),
                body: (!body.is_null()).then_some(body),
                cookie: Some(self.admin.cookie()),
                key: once.then(|| format!("{operation}-{}", self.number)),
            },
            once,
            promised: true,
            signs: Vec::new(),
        }
    }

    fn email(&self, what: &str) -> String {
        format!("{what}-{}@example.com", self.number)
    }

    async fn person(&self, what: &str) -> Person {
        self.admin
            .person(&self.organisation, &self.email(what))
            .await
    }

    async fn invitation(&self, what: &str) -> String {
        let path = self.of_organisation("/invitations");
        let body = json!({"email": self.email(what), "role": "viewer"});
        text(&self.admin.make(&path, body).await, "/id")
    }

    async fn organisation(&self, name: &str) -> String {
        let body = json!({"name": format!("{name} {}", self.number)});
        text(
            &self.admin.make("/installation/organisations", body).await,
            "/id",
        )
    }

    /// An organisation whose owner has not come yet.
    async fn ownerless(&self) -> String {
        let body = json!({
            "name": format!("Ownerless {}", self.number), "owner": self.email("former"),
        });
        text(
            &self.admin.make("/installation/organisations", body).await,
            "/id",
        )
    }

    async fn project(&self, name: &str) -> Value {
        let path = self.of_organisation("/projects");
        let made = self.admin.make(&path, json!({"name": name})).await;
        made["project"].clone()
    }

    pub(super) async fn sync(&self, project: &str, name: &str, enabled: bool) -> String {
        let path = format!("/projects/{project}/syncs");
        let made = self
            .admin
            .make(&path, self.sync_settings(name, enabled))
            .await;
        text(&made, "/id")
    }

    fn sync_settings(&self, name: &str, enabled: bool) -> Value {
        json!({
            "name": name, "url": self.destination, "enabled": enabled,
            "headers": [{"name": "authorization", "value": "Bearer secret"}],
        })
    }

    /// A key that seals nothing any more, and the one that seals.
    async fn two_keys(&self) -> (String, String) {
        let path = "/installation/secrets";
        let before = text(&self.admin.read(path).await, "/keys/0/id");
        self.admin
            .make(&format!("{path}/rotate"), json!({"new_key": true}))
            .await;
        self.admin.resealed().await;
        let after = text(&self.admin.read(path).await, "/keys/0/id");
        (before, after)
    }

    /// What confirms a second factor that was offered to someone.
    async fn second_factor(&self, person: &Person) -> Value {
        let path = "/me/second-factor/offer";
        let offer = self.ask_as(person, Method::POST, path, Value::Null).await;
        let secret = text(&offer, "/secret");
        let bytes = Secret::try_from_base32(&secret).expect("base 32");
        let totp = totp_rs::Builder::new()
            .with_secret(bytes)
            .build()
            .expect("long enough");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let code = totp.generate(now.expect("after 1970").as_secs());
        json!({"secret": secret, "code": code.to_string(), "password": PASSWORD})
    }

    /// Gives someone a second factor, and a code that stands in for it once.
    async fn recovery_code(&self, person: &Person) -> String {
        let confirmation = self.second_factor(person).await;
        let set = self.ask_as(person, Method::PUT, "/me/second-factor", confirmation);
        text(&set.await, "/recovery_codes/0")
    }

    /// What the link carries with which someone sets a new password.
    async fn password_reset(&self, person: &Person) -> String {
        let body = json!({"email": person.email});
        self.ask_as(person, Method::POST, "/password-resets", body)
            .await;
        let written = async || {
            let mails = self.admin.all("/installation/outbox").await;
            let to_them = |mail: &Value| mail["recipient"] == person.email.as_str();
            let mut links = mails.iter().filter(|mail| mail["kind"] == "password_reset");
            links.any(to_them)
        };
        eventually("the letter is written", LIMIT, written).await;
        self.admin.link_to(&person.email).await
    }

    async fn ask_as(&self, person: &Person, method: Method, path: &str, body: Value) -> Value {
        let (api, body) = (self.admin.client(), (!body.is_null()).then_some(&body));
        let answer = ask(&api, method, path, Some(&person.cookie), body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        if answer.body.is_empty() {
            Value::Null
        } else {
            answer.json()
        }
    }

    pub(super) fn of_organisation(&self, rest: &str) -> String {
        format!("/organisations/{}{rest}", self.organisation)
    }
}

pub(super) fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .unwrap_or_else(|| panic!("no {pointer} in {value}"))
        .to_owned()
}

/// What is there when a round begins is made here. Also gives the project in which syncs are changed.
pub(super) async fn of_round(
    admin: &Administrator,
    number: u64,
    destination: &str,
) -> (Vec<Change>, Value) {
    let mut round = Round {
        admin,
        number,
        organisation: String::new(),
        destination,
    };
    round.organisation = round.organisation("Round").await;
    let project = round.project("Syncs").await;
    let mut changes = of_installation(&round).await;
    changes.extend(of_accounts(&round).await);
    changes.extend(of_oneself(&round).await);
    changes.extend(of_sessions(&round).await);
    changes.extend(of_members(&round).await);
    changes.extend(of_organisation(&round).await);
    changes.extend(of_projects(&round).await);
    changes.extend(of_definitions(&round).await);
    changes.extend(of_syncs(&round, &text(&project, "/id")).await);
    changes.extend(of_revisions(&round, &text(&project, "/id")).await);
    (changes, project)
}

async fn of_installation(round: &Round<'_>) -> Vec<Change> {
    let (organisations, secrets) = ("/installation/organisations", "/installation/secrets");
    let person = round.person("rights").await;
    let rights = format!("/installation/people/{}/rights", person.id);
    let name = format!("New {}", round.number);
    let (unused, seals) = round.two_keys().await;
    let (post, patch) = (Method::POST, Method::PATCH);
    // The key file can't change in one transaction with the database: the log isn't looked at.
    vec![
        round
            .change(
                "create_organisation",
                post.clone(),
                organisations,
                json!({"name": name}),
            )
            .shown_by(Sign::Listed(organisations.into(), format!("{name:?}")))
            .shown_by(Sign::Listed(
                "/me/organisations".into(),
                format!("{name:?}"),
            )),
        round
            .change(
                "set_installation_rights",
                patch,
                rights,
                json!({"operator": false, "reviewer": true}),
            )
            .logged("person.set_rights", &person.id),
        round
            .change(
                "rotate_secrets",
                post.clone(),
                format!("{secrets}/rotate"),
                json!({"new_key": true}),
            )
            .shown_by(Sign::Changed(secrets.into(), "/keys/0/id", json!(seals))),
        round
            .change(
                "remove_unused_keys",
                post,
                format!("{secrets}/remove-unused-keys"),
                Value::Null,
            )
            .shown_by(Sign::Lacks(secrets.into(), unused)),
    ]
}

/// Operators look after the accounts of others.
async fn of_accounts(round: &Round<'_>) -> Vec<Change> {
    let (post, delete) = (Method::POST, Method::DELETE);
    let of = |person: &Person| format!("/installation/people/{}", person.id);
    let (locked, unlocked) = (round.person("locked").await, round.person("unlocked").await);
    let path = format!("{}/lock", of(&unlocked));
    round.admin.make(&path, Value::Null).await;
    let (ended, lost) = (round.person("ended").await, round.person("lost").await);
    round.recovery_code(&lost).await;
    let deleted = round.person("deleted").await;
    let organisations = "/installation/organisations";
    let ownerless = round.ownerless().await;
    let owner = round.email("owner");
    vec![
        round
            .change(
                "lock_person",
                post.clone(),
                format!("{}/lock", of(&locked)),
                Value::Null,
            )
            .logged("person.lock", &locked.id)
            .shown_by(Sign::SignedOut(locked.cookie.clone()))
            .shown_by(Sign::Refused(locked.credentials(PASSWORD))),
        round
            .change(
                "unlock_person",
                post.clone(),
                format!("{}/unlock", of(&unlocked)),
                Value::Null,
            )
            .logged("person.unlock", &unlocked.id)
            .shown_by(Sign::Reads(of(&unlocked), "/locked_at", Value::Null)),
        round
            .change(
                "end_sessions_of_person",
                delete.clone(),
                format!("{}/sessions", of(&ended)),
                Value::Null,
            )
            .logged("session.end_all", &ended.id)
            .shown_by(Sign::SignedOut(ended.cookie.clone())),
        round
            .change(
                "remove_second_factor_of_person",
                delete.clone(),
                format!("{}/second-factor", of(&lost)),
                Value::Null,
            )
            .logged("person.remove_second_factor", &lost.id)
            .shown_by(Sign::SignsIn(lost.credentials(PASSWORD))),
        round
            .change("delete_person", delete, of(&deleted), Value::Null)
            .logged("person.delete", &deleted.id)
            .logged_in(&round.organisation, "member.remove", &deleted.id)
            .shown_by(Sign::Gone(of(&deleted))),
        round
            .change(
                "invite_owner",
                post,
                format!("{organisations}/{ownerless}/owner"),
                json!({"email": owner}),
            )
            .mailed("invitation", &owner),
    ]
}

/// Everyone changes what is their own.
async fn of_oneself(round: &Round<'_>) -> Vec<Change> {
    let (put, post) = (Method::PUT, Method::POST);
    let renamed = round.person("renamed").await;
    let (new, forgetful) = (round.person("new").await, round.person("forgetful").await);
    let (careful, careless) = (
        round.person("careful").await,
        round.person("careless").await,
    );
    let second_factor = round.second_factor(&careful).await;
    let code = round.recovery_code(&careless).await;
    let reset = round.password_reset(&forgetful).await;
    let (asks, resigns) = (round.person("asks").await, round.person("resigns").await);
    vec![
        round
            .change(
                "delete_me",
                post.clone(),
                "/me/delete",
                json!({"password": PASSWORD}),
            )
            .by(Some(&resigns))
            .logged("person.delete", &resigns.id)
            .shown_by(Sign::Gone(format!("/installation/people/{}", resigns.id))),
        round
            .change(
                "change_me",
                Method::PATCH,
                "/me",
                json!({"name": "Renamed"}),
            )
            .by(Some(&renamed))
            .logged("person.rename", &renamed.id),
        round
            .change(
                "change_password",
                put.clone(),
                "/me/password",
                json!({"current": PASSWORD, "new": NEW_PASSWORD}),
            )
            .by(Some(&new))
            .logged("person.set_password", &new.id)
            .shown_by(Sign::SignsIn(new.credentials(NEW_PASSWORD)))
            .shown_by(Sign::Refused(new.credentials(PASSWORD))),
        round
            .change("set_second_factor", put, "/me/second-factor", second_factor)
            .by(Some(&careful))
            .logged("person.set_second_factor", &careful.id)
            .shown_by(Sign::Refused(careful.credentials(PASSWORD))),
        round
            .change(
                "remove_second_factor",
                post.clone(),
                "/me/second-factor/remove",
                json!({"password": PASSWORD, "code": code}),
            )
            .by(Some(&careless))
            .logged("person.remove_second_factor", &careless.id)
            .shown_by(Sign::SignsIn(careless.credentials(PASSWORD))),
        Change {
            // How long the answer takes must not tell whether there is an account.
            promised: false,
            ..round.change(
                "ask_password_reset",
                post.clone(),
                "/password-resets",
                json!({"email": asks.email}),
            )
        }
        .by(None)
        .logged("person.ask_password_reset", &asks.id)
        .mailed("password_reset", &asks.email),
        round
            .change(
                "reset_password",
                post,
                "/password-resets/redeem",
                json!({"token": reset, "password": NEW_PASSWORD}),
            )
            .by(None)
            .logged("person.reset_password", &forgetful.id)
            .shown_by(Sign::SignsIn(forgetful.credentials(NEW_PASSWORD)))
            .shown_by(Sign::SignedOut(forgetful.cookie.clone())),
    ]
}

async fn of_sessions(round: &Round<'_>) -> Vec<Change> {
    let delete = Method::DELETE;
    let (comes, goes) = (round.person("comes").await, round.person("goes").await);
    let ends = round.person("ends").await;
    let sessions = round.ask_as(&ends, Method::GET, "/me/sessions", Value::Null);
    let session = text(&sessions.await, "/items/0/id");
    vec![
        // The first session began when the invitation was accepted.
        round
            .change(
                "sign_in",
                Method::POST,
                "/session",
                comes.credentials(PASSWORD),
            )
            .by(None)
            .shown_by(Sign::ListedTwice(
                "/installation/audit?action=session.create".into(),
                comes.id,
            )),
        round
            .change("sign_out", delete.clone(), "/session", Value::Null)
            .by(Some(&goes))
            .logged("session.end", &goes.id)
            .shown_by(Sign::SignedOut(goes.cookie.clone())),
        round
            .change(
                "end_session",
                delete,
                format!("/me/sessions/{session}"),
                Value::Null,
            )
            .by(Some(&ends))
            .logged("session.end", &ends.id)
            .shown_by(Sign::SignedOut(ends.cookie.clone())),
    ]
}

async fn of_members(round: &Round<'_>) -> Vec<Change> {
    let organisation = round.organisation.as_str();
    let (invitations, members) = (
        round.of_organisation("/invitations"),
        round.of_organisation("/members"),
    );
    let (invited, joins) = (round.email("invited"), round.email("joins"));
    let withdrawn = round.invitation("withdrawn").await;
    round.invitation("joins").await;
    let acceptance = json!({
        "token": round.admin.link_to(&joins).await, "name": "Joins", "password": PASSWORD,
    });
    let (rises, leaves) = (round.person("rises").await, round.person("leaves").await);
    vec![
        round
            .change(
                "invite",
                Method::POST,
                invitations.clone(),
                json!({"email": invited, "role": "member"}),
            )
            .logged_in(organisation, "invitation.create", &invited)
            .mailed("invitation", &invited)
            .shown_by(Sign::Listed(invitations.clone(), invited)),
        round
            .change(
                "withdraw_invitation",
                Method::DELETE,
                format!("{invitations}/{withdrawn}"),
                Value::Null,
            )
            .logged_in(organisation, "invitation.withdraw", &withdrawn)
            .shown_by(Sign::Unlisted(invitations.clone(), withdrawn)),
        round
            .change(
                "accept_invitation",
                Method::POST,
                "/invitations/accept",
                acceptance,
            )
            .by(None)
            .logged_in(organisation, "invitation.accept", &joins)
            .shown_by(Sign::Listed(members.clone(), joins.clone()))
            .shown_by(Sign::Unlisted(invitations, joins)),
        round
            .change(
                "change_member",
                Method::PATCH,
                format!("{members}/{}", rises.id),
                json!({"role": "admin"}),
            )
            .logged_in(organisation, "member.set_role", &rises.id)
            .shown_by(Sign::Reads(
                format!("{members}/{}", rises.id),
                "/role",
                json!("admin"),
            )),
        round
            .change(
                "remove_member",
                Method::DELETE,
                format!("{members}/{}", leaves.id),
                Value::Null,
            )
            .logged_in(organisation, "member.remove", &leaves.id)
            .shown_by(Sign::Gone(format!("{members}/{}", leaves.id))),
    ]
}

async fn of_organisation(round: &Round<'_>) -> Vec<Change> {
    let renamed = round.organisation("Renamed").await;
    let deleted = round.organisation("Deleted").await;
    let tokens = round.of_organisation("/tokens");
    let token = round.admin.make(&tokens, json!({"name": "Revoked"})).await;
    let token = text(&token, "/token/id");
    let organisation = round.organisation.as_str();
    vec![
        round
            .change(
                "change_organisation",
                Method::PATCH,
                format!("/organisations/{renamed}"),
                json!({"name": "Other"}),
            )
            .logged_in(&renamed, "organisation.rename", &renamed)
            .shown_by(Sign::Reads(
                format!("/organisations/{renamed}"),
                "/name",
                json!("Other"),
            )),
        round
            .change(
                "delete_organisation",
                Method::DELETE,
                format!("/organisations/{deleted}"),
                Value::Null,
            )
            .shown_by(Sign::Gone(format!("/organisations/{deleted}")))
            .shown_by(Sign::Unlisted(
                "/installation/organisations".into(),
                deleted,
            )),
        round
            .change(
                "create_token",
                Method::POST,
                tokens.clone(),
                json!({"name": "Made"}),
            )
            .logged_in(organisation, "token.create", "\"Made\"")
            .shown_by(Sign::Listed(tokens.clone(), "\"Made\"".into())),
        round
            .change(
                "revoke_token",
                Method::DELETE,
                format!("{tokens}/{token}"),
                Value::Null,
            )
            .logged_in(organisation, "token.revoke", &token)
            .shown_by(Sign::Unlisted(tokens, token)),
    ]
}

async fn of_projects(round: &Round<'_>) -> Vec<Change> {
    let organisation = round.organisation.as_str();
    let projects = round.of_organisation("/projects");
    let (post, overlap) = (Method::POST, json!({"overlap_seconds": 60}));
    let (renamed, deleted) = (
        round.project("Renamed").await,
        round.project("Deleted").await,
    );
    let (renamed, deleted) = (text(&renamed, "/id"), text(&deleted, "/id"));
    let rotated = round.project("Rotated").await;
    let (id, key) = (text(&rotated, "/id"), text(&rotated, "/api_key"));
    vec![
        round
            .change(
                "create_project",
                post.clone(),
                projects.clone(),
                json!({"name": "Made"}),
            )
            .logged_in(organisation, "project.create", "\"Made\"")
            .shown_by(Sign::Listed(projects, "\"Made\"".into())),
        round
            .change(
                "change_project",
                Method::PATCH,
                format!("/projects/{renamed}"),
                json!({"name": "Other"}),
            )
            .logged_in(organisation, "project.change", &renamed)
            .shown_by(Sign::Reads(
                format!("/projects/{renamed}"),
                "/name",
                json!("Other"),
            )),
        round
            .change(
                "delete_project",
                Method::DELETE,
                format!("/projects/{deleted}"),
                Value::Null,
            )
            .logged_in(organisation, "project.delete", &deleted)
            .shown_by(Sign::Gone(format!("/projects/{deleted}"))),
        round
            .change(
                "rotate_api_key",
                post.clone(),
                format!("/projects/{id}/api-key/rotate"),
                overlap.clone(),
            )
            .logged_in(organisation, "project.rotate_api_key", &id)
            .shown_by(Sign::Changed(
                format!("/projects/{id}"),
                "/api_key",
                json!(key),
            )),
        round
            .change(
                "rotate_secret_key",
                post,
                format!("/projects/{id}/secret-key/rotate"),
                overlap,
            )
            .logged_in(organisation, "project.rotate_secret_key", &id),
    ]
}

async fn of_syncs(round: &Round<'_>, project: &str) -> Vec<Change> {
    let organisation = round.organisation.as_str();
    let syncs = format!("/projects/{project}/syncs");
    let renamed = round.sync(project, "renamed", true).await;
    let deleted = round.sync(project, "deleted", true).await;
    let starts = round.sync(project, "starts", false).await;
    let stops = round.sync(project, "stops", true).await;
    let (post, of) = (Method::POST, |sync: &str| format!("{syncs}/{sync}"));
    vec![
        round
            .change(
                "create_sync",
                post.clone(),
                syncs.clone(),
                round.sync_settings("made", true),
            )
            .logged_in(organisation, "sync.create", "\"made\"")
            .shown_by(Sign::Listed(syncs.clone(), "\"made\"".into())),
        round
            .change(
                "change_sync",
                Method::PATCH,
                of(&renamed),
                json!({"name": "other"}),
            )
            .logged_in(organisation, "sync.change", &renamed)
            .shown_by(Sign::Reads(of(&renamed), "/name", json!("other"))),
        round
            .change(
                "delete_sync",
                Method::DELETE,
                format!("{}?confirm=4294967295", of(&deleted)),
                Value::Null,
            )
            .logged_in(organisation, "sync.delete", &deleted)
            .shown_by(Sign::Gone(of(&deleted))),
        round
            .change(
                "enable_sync",
                post.clone(),
                format!("{}/enable", of(&starts)),
                Value::Null,
            )
            .logged_in(organisation, "sync.change", &starts)
            .shown_by(Sign::Reads(of(&starts), "/enabled", json!(true))),
        round
            .change(
                "disable_sync",
                post,
                format!("{}/disable", of(&stops)),
                Value::Null,
            )
            .logged_in(organisation, "sync.change", &stops)
            .shown_by(Sign::Reads(of(&stops), "/enabled", json!(false))),
    ]
}
