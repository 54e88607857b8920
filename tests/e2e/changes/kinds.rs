//! One change of each kind that the API knows, and the signs that it has happened.

use std::time::SystemTime;

use http::Method;
use millstream_e2e::eventually;
use serde_json::{Value, json};
use totp_rs::Secret;

use super::alerts::of_alerts;
use super::definitions::of_definitions;
use super::installation::{of_accounts, of_installation};
use super::oneself::{of_oneself, of_sessions};
use super::organisations::{of_members, of_organisation};
use super::projects::{of_projects, of_syncs};
use super::revisions::{of_replays, of_revisions};
use crate::people::{Administrator, LIMIT, PASSWORD, Person, Request, ask};

/// A change to ask for.
#[derive(Debug)]
pub(super) struct Change {
    /// The operation's id in the API's document.
    pub(super) operation: &'static str,
    pub(super) request: Request,
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
    pub(super) fn by(mut self, person: Option<&Person>) -> Self {
        self.request.cookie = person.map(|person| person.cookie.clone());
        self
    }

    pub(super) fn shown_by(mut self, sign: Sign) -> Self {
        self.signs.push(sign);
        self
    }

    /// The installation's audit log has one such entry about this.
    pub(super) fn logged(self, action: &str, target: &str) -> Self {
        let path = format!("/installation/audit?action={action}");
        self.shown_by(Sign::Listed(path, target.to_owned()))
    }

    /// A letter of this kind goes to this address.
    pub(super) fn mailed(self, kind: &str, recipient: &str) -> Self {
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

    pub(super) fn email(&self, what: &str) -> String {
        format!("{what}-{}@example.com", self.number)
    }

    pub(super) async fn person(&self, what: &str) -> Person {
        self.admin
            .person(&self.organisation, &self.email(what))
            .await
    }

    pub(super) async fn invitation(&self, what: &str) -> String {
        let path = self.of_organisation("/invitations");
        let body = json!({"email": self.email(what), "role": "viewer"});
        text(&self.admin.make(&path, body).await, "/id")
    }

    pub(super) async fn organisation(&self, name: &str) -> String {
        let body = json!({"name": format!("{name} {}", self.number)});
        text(
            &self.admin.make("/installation/organisations", body).await,
            "/id",
        )
    }

    /// An organisation whose owner has not come yet.
    pub(super) async fn ownerless(&self) -> String {
        let body = json!({
            "name": format!("Ownerless {}", self.number), "owner": self.email("former"),
        });
        text(
            &self.admin.make("/installation/organisations", body).await,
            "/id",
        )
    }

    pub(super) async fn project(&self, name: &str) -> Value {
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

    pub(super) fn sync_settings(&self, name: &str, enabled: bool) -> Value {
        json!({
            "name": name, "url": self.destination, "enabled": enabled,
            "headers": [{"name": "authorization", "value": "Bearer secret"}],
        })
    }

    /// A key that seals nothing any more, and the one that seals.
    pub(super) async fn two_keys(&self) -> (String, String) {
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
    pub(super) async fn second_factor(&self, person: &Person) -> Value {
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
    pub(super) async fn recovery_code(&self, person: &mut Person) -> String {
        let confirmation = self.second_factor(person).await;
        let (api, path) = (self.admin.client(), "/me/second-factor");
        let (cookie, body) = (Some(person.cookie.as_str()), Some(&confirmation));
        let set = ask(&api, Method::PUT, path, cookie, body).await;
        assert!(set.status.is_success(), "{}", set.text());
        // Their session goes on with another cookie.
        let renewed = set.headers["set-cookie"].to_str().expect("a text");
        person.cookie = renewed.split(';').next().expect("a cookie").to_owned();
        text(&set.json(), "/recovery_codes/0")
    }

    /// What the link carries with which someone sets a new password.
    pub(super) async fn password_reset(&self, person: &Person) -> String {
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

    pub(super) async fn ask_as(
        &self,
        person: &Person,
        method: Method,
        path: &str,
        body: Value,
    ) -> Value {
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
    changes.extend(of_alerts(&round).await);
    changes.extend(of_revisions(&round, &text(&project, "/id")).await);
    changes.extend(of_replays(&round, &text(&project, "/id")).await);
    (changes, project)
}
