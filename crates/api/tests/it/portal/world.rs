//! A control API on a store of its own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use ipnet::IpNet;
use millstream_api::auth::openid::Providers;
use millstream_api::auth::{self, Authority};
use millstream_api::ingest::{ProjectIngest, Projects};
use millstream_api::mail::{Letter, LetterError, Letters};
use millstream_api::portal::{self, Portal};
use model::access::{InstallationRights, Permission, Role};
use model::random::System;
use model::time::ManualClock;
use model::{ApiKey, Clock, MailId, OrganisationId, PersonId, Random, SyncId, Timestamp};
use serde_json::{Value, json};
use store::mail::{Bodies, Draft};
use store::{Caller, Config, Invitee, NewSession, Secret, Store, TokenDraft, Vouched};
use tempfile::TempDir;
use test_postgres::Database;

use super::call::{Answer, Call};
use super::courier::NotingCourier;
use super::lanes::NotingLanes;

/// 2026-01-01, when the clock starts.
const START: Timestamp = Timestamp(1_767_225_600_000_000);

/// Where people reach the installation.
pub(crate) const PUBLIC_URL: &str = "https://millstream.example.com/";

/// Everyone's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Letters that say no more than their link.
struct PlainLetters;

impl Letters for PlainLetters {
    fn write(&self, recipient: &str, letter: &Letter<'_>) -> Result<Draft, LetterError> {
        let text = match letter {
            Letter::Invitation { link, inviter, .. } if !inviter.is_empty() => {
                format!("{inviter} invites: {link}")
            }
            Letter::Invitation { link, .. } | Letter::PasswordReset { link, .. } => {
                (*link).to_owned()
            }
            Letter::Review {
                step,
                destination,
                version,
                note,
                comments,
                link,
                ..
            } => {
                let said = comments.iter().map(|said| format!(" {}", said.comment));
                let said = said.collect::<String>();
                format!("{step:?} {destination} {version}: {note}{said} {link}")
            }
            Letter::PasswordChanged { tokens, .. } => format!("password_changed, {tokens} tokens"),
            Letter::TokenMade { token, .. } => format!("token_made {token}"),
            Letter::IdentityLinked { provider, .. } => format!("identity_linked {provider}"),
            Letter::AlertOpened {
                sync,
                reason,
                link,
                unsubscribe,
                ..
            } => format!("{sync}: {reason}\n{link}\n{unsubscribe}"),
            Letter::AlertClosed { sync, over, .. } => format!("{sync} is {over}"),
            other => other.kind().name().to_owned(),
        };
        Ok(Draft {
            kind: letter.kind(),
            recipient: recipient.to_owned(),
            subject: letter.kind().name().to_owned(),
            bodies: Bodies {
                html: text.clone(),
                text,
                unsubscribe: None,
            },
            expires_at: letter.expires_at(),
        })
    }
}

/// Someone with an account, a session and a token.
pub(crate) struct Somebody {
    pub(crate) id: PersonId,
    pub(crate) email: String,
    /// As `name=value`.
    pub(crate) cookie: String,
    pub(crate) token: String,
}

/// The control API, and a token for it.
pub(crate) struct World {
    pub(crate) store: Store,
    /// Stands still unless it is advanced.
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) lanes: Arc<NotingLanes>,
    pub(crate) courier: Arc<NotingCourier>,
    pub(crate) portal: Arc<Portal>,
    /// The installation's own: may do everything.
    pub(crate) token: String,
    pub(crate) organisation: OrganisationId,
    /// Of [`PASSWORD`].
    password_hash: String,
    router: Router,
    folder: TempDir,
    /// Where the store isn't SQLite, in a file in the folder.
    _database: Option<Database>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(cheap(), Vec::new()).await
    }

    pub(crate) async fn with(config: auth::Config, trusted_proxies: Vec<IpNet>) -> Self {
        Self::on(None, config, trusted_proxies, |portal, _| portal, false).await
    }

    /// With its store in PostgreSQL, on the server that the tests share.
    pub(crate) async fn on_postgres() -> Self {
        let database = Database::shared(env!("CARGO_TARGET_TMPDIR"));
        Self::on(
            Some(database),
            cheap(),
            Vec::new(),
            |portal, _| portal,
            false,
        )
        .await
    }

    /// Where a mail server brings letters.
    pub(crate) async fn with_mail_server() -> Self {
        let set_up = |portal: Portal, _| portal.with_mail_server();
        Self::on(None, cheap(), Vec::new(), set_up, false).await
    }

    /// Where people may also sign in with providers, which may name the organisation.
    pub(crate) async fn with_providers(
        providers: impl FnOnce(OrganisationId) -> Providers,
    ) -> Self {
        let set_up = |portal: Portal, organisation| portal.with_providers(providers(organisation));
        Self::on(None, cheap(), Vec::new(), set_up, false).await
    }

    /// Which knows from its configuration that browsers reach it at [`PUBLIC_URL`].
    pub(crate) async fn at_public_url() -> Self {
        Self::on(None, cheap(), Vec::new(), |portal, _| portal, true).await
    }

    async fn on(
        database: Option<Database>,
        config: auth::Config,
        trusted_proxies: Vec<IpNet>,
        set_up: impl FnOnce(Portal, OrganisationId) -> Portal,
        configured: bool,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let random = Arc::new(System);
        let mut store = Config::in_folder(folder.path());
        if let Some(database) = &database {
            store.database = database.address();
        }
        let store = Store::open(&store, clock.clone(), random.clone()).await;
        let store = store.unwrap();
        let organisation = store.ensure_organisation("Test").await.unwrap().id;
        let draft = TokenDraft {
            organisation,
            person: None,
            name: "test".into(),
            scopes: None,
            parent: None,
            expires_at: None,
        };
        let token = store.create_token(draft, &Caller::system()).await.unwrap();
        let lanes = Arc::new(NotingLanes::default());
        let courier = Arc::new(NotingCourier::default());
        let mut authority = Authority::new(
            store.clone(),
            config,
            trusted_proxies,
            clock.clone(),
            random,
        );
        if configured {
            authority = authority.reached_at(PUBLIC_URL);
        }
        let password = Secret::new(PASSWORD.into());
        let password_hash = authority.hash_password(password, "").await.unwrap();
        let portal = Portal::new(
            store.clone(),
            lanes.clone(),
            courier.clone(),
            Arc::new(authority),
            Arc::new(PlainLetters),
            PUBLIC_URL,
        );
        let portal = Arc::new(set_up(portal, organisation));
        Self {
            store,
            clock,
            lanes,
            courier,
            router: portal::router(portal.clone()),
            portal,
            token: token.text.expose().to_owned(),
            organisation,
            password_hash,
            folder,
            _database: database,
        }
    }

    /// What the key file holds.
    pub(crate) fn key_file(&self) -> String {
        let config = Config::in_folder(self.folder.path());
        std::fs::read_to_string(config.key_file).unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A request of no one, not sent yet.
    pub(crate) fn anonymous(&self, method: &str, path: &str) -> Call<'_> {
        Call::new(&self.router, method, path)
    }

    /// A request for something beside the control API, not sent yet.
    pub(crate) fn outside(&self, method: &str, path: &str) -> Call<'_> {
        Call::to(&self.router, method, path)
    }

    /// A request with the installation's token, not sent yet.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        self.anonymous(method, path).token(Some(&self.token))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(body).send().await
    }

    /// Changes something, whatever its version.
    pub(crate) async fn change(&self, path: &str, body: Value) -> Answer {
        let call = self.call("PATCH", path).header("if-match", "*");
        call.json(body).send().await
    }

    /// The path of something of the organisation.
    pub(crate) fn of_organisation(&self, rest: &str) -> String {
        format!("/organisations/{}{rest}", self.organisation)
    }

    /// The path of the organisation's projects.
    pub(crate) fn projects(&self) -> String {
        self.of_organisation("/projects")
    }

    /// A new project's id.
    pub(crate) async fn project(&self) -> String {
        let name = format!("shop {}", System.next_u64());
        let answer = self.post(&self.projects(), json!({"name": name})).await;
        answer.at("/project/id")
    }

    /// The path of the syncs of a new project.
    pub(crate) async fn syncs(&self) -> String {
        format!("/projects/{}/syncs", self.project().await)
    }

    /// The path of a new sync of a new project.
    pub(crate) async fn sync(&self, body: Value) -> String {
        let syncs = self.syncs().await;
        let made = self.post(&syncs, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        format!("{syncs}/{}", made.at("/id"))
    }

    /// What ingest takes for this API key.
    pub(crate) async fn ingests(&self, key: &str) -> Option<Arc<ProjectIngest>> {
        let key: ApiKey = key.parse().unwrap();
        self.store.read(key).await.unwrap()
    }

    /// Another organisation.
    pub(crate) async fn another_organisation(&self, name: &str) -> OrganisationId {
        let by = Caller::system();
        let made = self.store.create_organisation(name, &by).await;
        made.unwrap().id
    }

    /// Someone new in the organisation.
    pub(crate) async fn person(&self, role: Role) -> Somebody {
        self.person_in(self.organisation, role).await
    }

    /// Someone new in an organisation.
    pub(crate) async fn person_in(&self, organisation: OrganisationId, role: Role) -> Somebody {
        let email = format!("{role}-{:x}@example.com", System.next_u64());
        let id = self.account(organisation, role, &email).await;
        self.somebody(organisation, id, email).await
    }

    /// Someone new with rights in the whole installation, who belongs to another organisation.
    pub(crate) async fn person_with(&self, rights: InstallationRights) -> Somebody {
        let organisation = self.another_organisation("Elsewhere").await;
        let email = format!("staff-{:x}@example.com", System.next_u64());
        let id = self.account(organisation, Role::Viewer, &email).await;
        let given = self.store.set_rights(id, rights, &Caller::system()).await;
        given.unwrap();
        self.somebody(organisation, id, email).await
    }

    /// A new account with [`PASSWORD`].
    pub(crate) async fn account(
        &self,
        organisation: OrganisationId,
        role: Role,
        email: &str,
    ) -> PersonId {
        let link = self.invitation(organisation, role, email).await;
        let invitee = Invitee::New {
            email: email.to_owned(),
            name: format!("Name of {email}"),
            password_hash: Some(self.password_hash.clone()),
        };
        let by = Caller::system();
        let accepted = self.store.accept_invitation(&link, invitee, &by).await;
        accepted.unwrap().0.id
    }

    /// A new account without a password, of somebody whom a provider vouches for.
    pub(crate) async fn person_by_provider(&self, email: &str) -> PersonId {
        self.invitation(self.organisation, Role::Member, email)
            .await;
        let vouched = Vouched {
            issuer: "https://id.example.com".into(),
            subject: email.to_owned(),
            verified_email: Some(email.to_owned()),
            name: String::new(),
        };
        let by = Caller::system();
        let admitted = self.store.admit(&vouched, None, &by).await;
        admitted.unwrap().person.id
    }

    /// What the link of a new invitation carries.
    pub(crate) async fn invitation(
        &self,
        organisation: OrganisationId,
        role: Role,
        email: &str,
    ) -> String {
        let mut text = String::new();
        let write = |link: &Secret| {
            text = link.expose().to_owned();
            let (organisation, inviter) = ("", "");
            let letter = Letter::Invitation {
                organisation,
                inviter,
                link: &portal::link(PUBLIC_URL, "invitation", link),
                expires_at: START,
            };
            Ok(PlainLetters.write(email, &letter)?)
        };
        let expires_at = START + Duration::from_secs(24 * 3600);
        let by = Caller::system();
        let made = self
            .store
            .invite(organisation, email, role, expires_at, write, &by);
        made.await.unwrap();
        text
    }

    async fn somebody(
        &self,
        organisation: OrganisationId,
        id: PersonId,
        email: String,
    ) -> Somebody {
        Somebody {
            id,
            email,
            cookie: self.session(id).await,
            token: self.token_of(organisation, id, None).await,
        }
    }

    /// The cookie of a new session.
    pub(crate) async fn session(&self, person: PersonId) -> String {
        let new = NewSession {
            person,
            address: String::new(),
            user_agent: String::new(),
            way: "password".into(),
            lifetime: Duration::from_secs(30 * 24 * 3600),
        };
        let secret = self.store.create_session(new, &Caller::system()).await;
        format!("__Host-millstream_session={}", secret.unwrap().expose())
    }

    /// The text of a new token of a person's.
    pub(crate) async fn token_of(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        scopes: Option<Vec<Permission>>,
    ) -> String {
        let draft = TokenDraft {
            organisation,
            person: Some(person),
            name: "of a person".into(),
            scopes,
            parent: None,
            expires_at: None,
        };
        let made = self.store.create_token(draft, &Caller::system()).await;
        made.unwrap().text.expose().to_owned()
    }

    /// What the link in the newest letter to an address carries.
    pub(crate) async fn link_to(&self, email: &str) -> String {
        let text = self.letter_to(email).await;
        let (_, link) = text.split_once('#').expect("the letter has a link");
        link.to_owned()
    }

    /// The newest letter to an address.
    pub(crate) async fn letter_to(&self, email: &str) -> String {
        let newest = self.mail_to(email).await;
        let (_, bodies) = self.store.mail(newest).await.unwrap();
        bodies.expect("it waits to be sent").text
    }

    /// The id of the newest letter to an address.
    pub(crate) async fn mail_to(&self, email: &str) -> MailId {
        let mails = self.store.mails(None, None, 200).await.unwrap().items;
        let to_them = mails.iter().filter(|mail| mail.recipient == email);
        let newest = to_them.max_by_key(|mail| mail.created_at);
        newest.unwrap_or_else(|| panic!("no letter to {email}")).id
    }
}

/// Settings under which everything is cheap and nothing is limited.
pub(crate) fn cheap() -> auth::Config {
    auth::Config {
        // As cheap as hashing gets: nothing here is worth guessing.
        password_memory_kib: 8,
        password_passes: 1,
        requests_per_second: 0,
        ..auth::Config::default()
    }
}

/// The id at the end of a sync's path.
pub(crate) fn id_in(path: &str) -> SyncId {
    path.rsplit('/').next().unwrap().parse().unwrap()
}
