//! Two organisations and every kind of caller, for the table of routes.

use std::collections::HashMap;
use std::time::Duration;

use journal::fate::{Record, Sample, What};
use journal::{Fates as _, Journal as _, Settlement};
use model::access::{InstallationRights, Permission, Role};
use model::definition::Definition;
use model::{IncidentId, Offset, OrganisationId, Part, ProjectId, Random};
use serde_json::json;
use store::alert::{NewIncident, Seen, Telling};
use store::{Caller, Person, TokenDraft, Vouched};

use super::World;
use super::call::Call;

/// In the names of all that is the first organisation's.
pub(super) const OURS: &str = "quagga";

/// In the names of all that is the other organisation's.
pub(super) const THEIRS: &str = "zebra";

/// A kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Nobody,
    NoToken,
    NoCookie,
    ExpiredToken,
    RevokedToken,
    EndedSession,
    RemovedSession,
    RemovedToken,
    Session(Role),
    Token(Role),
    /// The owner of the other organisation.
    OtherSession,
    OtherToken,
    /// Who belong to neither organisation.
    OperatorSession,
    OperatorToken,
    ReviewerSession,
    ReviewerToken,
    /// The installation's own token in the first organisation.
    Installation,
    /// An owner's token, narrowed to what the route needs.
    Enough,
    /// The same without one of these permissions, or with nothing of use.
    TooLittle,
}

impl Kind {
    pub(super) const ALL: &[Self] = &[
        Self::Nobody,
        Self::NoToken,
        Self::NoCookie,
        Self::ExpiredToken,
        Self::RevokedToken,
        Self::EndedSession,
        Self::RemovedSession,
        Self::RemovedToken,
        Self::Session(Role::Owner),
        Self::Session(Role::Admin),
        Self::Session(Role::Member),
        Self::Session(Role::Partner),
        Self::Session(Role::Viewer),
        Self::Token(Role::Owner),
        Self::Token(Role::Admin),
        Self::Token(Role::Member),
        Self::Token(Role::Partner),
        Self::Token(Role::Viewer),
        Self::OtherSession,
        Self::OtherToken,
        Self::OperatorSession,
        Self::OperatorToken,
        Self::ReviewerSession,
        Self::ReviewerToken,
        Self::Installation,
        Self::Enough,
        Self::TooLittle,
    ];

    /// Whether we know who it is.
    pub(super) fn is_known(self) -> bool {
        !matches!(
            self,
            Self::Nobody
                | Self::NoToken
                | Self::NoCookie
                | Self::ExpiredToken
                | Self::RevokedToken
                | Self::EndedSession
                | Self::RemovedToken
        )
    }

    /// Whether it is a person who is signed in.
    pub(super) fn is_present(self) -> bool {
        matches!(
            self,
            Self::RemovedSession
                | Self::Session(_)
                | Self::OtherSession
                | Self::OperatorSession
                | Self::ReviewerSession
        )
    }
}

/// What a caller proves itself with.
#[derive(Debug, Clone)]
pub(super) enum Credential {
    None,
    Token(String),
    Cookie(String),
}

impl Credential {
    pub(super) fn on<'w>(&self, call: Call<'w>) -> Call<'w> {
        match self {
            Self::None => call,
            Self::Token(token) => call.token(Some(token)),
            Self::Cookie(cookie) => call.cookie(cookie),
        }
    }

    /// The public half of a session's cookie.
    fn session(&self) -> Option<String> {
        match self {
            Self::Cookie(cookie) => {
                let (_, text) = cookie.split_once('=')?;
                text.split('_').nth(1).map(str::to_owned)
            }
            _ => None,
        }
    }
}

/// The ids of things of one organisation, by the names that paths have for them.
#[derive(Debug, Clone)]
pub(super) struct Things(pub(super) Vec<(&'static str, String)>);

impl Things {
    /// A path with the ids in it.
    pub(super) fn fill(&self, path: &str) -> String {
        let ids = self.0.iter();
        // Of definitions: every one of them has this one.
        let path = path.replace("{version}", "1");
        let path = path.replace("{offset}", "0");
        ids.fold(path, |path, (name, id)| {
            path.replace(&format!("{{{name}}}"), id)
        })
    }

    /// With another id of one thing.
    pub(super) fn with(&self, name: &'static str, id: &str) -> Self {
        let others = self.0.iter().filter(|(other, _)| *other != name).cloned();
        Self(others.chain([(name, id.to_owned())]).collect())
    }

    pub(super) fn id(&self, name: &str) -> &str {
        let thing = self.0.iter().find(|(other, _)| *other == name);
        &thing.expect("it has all things").1
    }
}

/// Two organisations, with callers who are made once and again after each use that may have changed
/// them.
pub(super) struct Tenants {
    pub(super) world: World,
    pub(super) other: OrganisationId,
    callers: HashMap<Kind, Credential>,
    things: Option<Things>,
    number: u32,
}

impl Tenants {
    pub(super) async fn new() -> Self {
        let world = World::new().await;
        let rename = json!({"name": OURS});
        world
            .change(&world.of_organisation(""), rename)
            .await
            .is(200);
        let other = world.another_organisation(THEIRS).await;
        Self {
            world,
            other,
            callers: HashMap::new(),
            things: None,
            number: 0,
        }
    }

    /// A number that was not used before.
    pub(super) fn number(&mut self) -> u32 {
        self.number += 1;
        self.number
    }

    /// The path of a route, for a caller: with the caller's own session.
    pub(super) async fn things(&mut self, credential: &Credential) -> Things {
        let things = match &self.things {
            Some(things) => things.clone(),
            None => self.make_things(self.world.organisation, OURS).await,
        };
        self.things = Some(things.clone());
        let Some(session) = credential.session() else {
            return things;
        };
        let things = things.with("session", &session);
        match self.person_of(credential).await {
            Some(person) => things.with("identity", &self.identity(&person).await),
            None => things,
        }
    }

    /// Who is signed in with a cookie.
    async fn person_of(&self, credential: &Credential) -> Option<Person> {
        let Credential::Cookie(cookie) = credential else {
            return None;
        };
        let (_, secret) = cookie.split_once('=').unwrap();
        let idle = Duration::from_secs(3600);
        let verified = self.world.store.verify_session(secret, idle).await;
        verified.unwrap().map(|verified| verified.person)
    }

    /// A new identity of a person.
    async fn identity(&self, person: &Person) -> String {
        let store = &self.world.store;
        // Each of a provider of its own: none links two to one account.
        let subject = format!("{:x}", model::random::System.next_u64());
        let vouched = Vouched {
            issuer: format!("https://{subject}.example.com"),
            subject,
            verified_email: Some(person.email.clone()),
            name: String::new(),
        };
        let admitted = store.admit(&vouched, None, &Caller::system()).await;
        assert_eq!(admitted.unwrap().person.id, person.id);
        let mut after = None;
        loop {
            let page = store.identities(person.id, after.as_ref(), 200).await;
            let page = page.unwrap();
            let mut made = page.items.into_iter();
            if let Some(made) = made.find(|identity| identity.subject == vouched.subject) {
                return made.id.to_string();
            }
            after = Some(page.next.expect("it is on one of the pages"));
        }
    }

    /// Forgets what may have been changed.
    pub(super) fn used(&mut self, kind: Kind) {
        self.callers.remove(&kind);
        self.things = None;
    }

    /// One of everything, in an organisation.
    pub(super) async fn make_things(&self, organisation: OrganisationId, name: &str) -> Things {
        let (store, by) = (&self.world.store, Caller::system());
        let n = model::random::System.next_u64();
        let email = format!("{name}-{n:x}@example.com");
        let person = self.world.account(organisation, Role::Viewer, &email).await;
        let cookie = Credential::Cookie(self.world.session(person).await);
        let token = self.world.token_of(organisation, person, None).await;
        let invited = format!("{name}-invited-{n:x}@example.com");
        let link = self.world.invitation(organisation, Role::Viewer, &invited);
        let link = link.await;
        let mails = store.mails(None, None, 1).await.unwrap();
        let called = format!("{name} {n:x}");
        let made = store.create_project(organisation, &called, <_>::default(), &by);
        let project = made.await.unwrap().project.id;
        let email = format!("{name}-owner-{n:x}@example.com");
        let owner = self.world.account(organisation, Role::Owner, &email).await;
        let owner = self.world.token_of(organisation, owner, None).await;
        let sync = self
            .world
            .call("POST", &format!("/projects/{project}/syncs"))
            .token(Some(&owner))
            .json(
                json!({"name": format!("{name} hook"), "url": format!("https://{name}.example")}),
            );
        let sync = sync.send().await.is(201).at("/id");
        let replay = self
            .world
            .call("POST", &format!("/projects/{project}/syncs/{sync}/replays"))
            .token(Some(&owner))
            .json(json!({"failed": {}}));
        let (channel, incident) = self.alerts(project, &sync, &owner, &called).await;
        let half = |text: &str| text.split('_').nth(1).unwrap().to_owned();
        let account = store.person(person).await.unwrap();
        Things(vec![
            ("organisation", organisation.to_string()),
            ("person", person.to_string()),
            ("identity", self.identity(&account).await),
            ("provider", name.to_owned()),
            ("session", cookie.session().unwrap()),
            ("token", half(&token)),
            ("invitation", half(&link)),
            ("mail", mails.items[0].id.to_string()),
            ("project", project.to_string()),
            ("sample", self.sample(project, &sync).await),
            ("sync", sync),
            ("replay", replay.send().await.is(201).at("/id")),
            ("erasure", self.world.lanes.begun_erasure(project)),
            ("channel", channel),
            ("incident", incident),
            ("definition", self.definition(organisation, &called).await),
        ])
    }

    /// Where a project's incidents are told, and one of them.
    async fn alerts(
        &self,
        project: ProjectId,
        sync: &str,
        owner: &str,
        name: &str,
    ) -> (String, String) {
        let channel = json!({
            "kind": "slack", "name": name, "url": "https://hooks.example/services/of-slack",
        });
        let path = format!("/projects/{project}/alert-channels");
        let made = self
            .world
            .call("POST", &path)
            .token(Some(owner))
            .json(channel);
        let channel = made.send().await.is(201).at("/channel/id");
        let id = IncidentId::generate(&model::random::System);
        let new = NewIncident {
            id,
            project,
            sync: sync.parse().unwrap(),
            kind: model::alert::Kind::State,
            seen: Seen {
                reason: format!("{name} is down"),
                ..Seen::default()
            },
            tell_at: None,
        };
        let opened = self
            .world
            .store
            .open_incident(new, Telling::default())
            .await;
        opened.unwrap().unwrap();
        (channel, id.to_string())
    }

    /// A sample of a failure of a sync.
    async fn sample(&self, project: ProjectId, sync: &str) -> String {
        let (journal, sync) = (self.world.lanes.journal(), sync.parse().unwrap());
        journal.open_lane(project, sync).await.unwrap();
        let sample = Sample {
            offset: Offset(0),
            part: Part::Event,
            at: self.world.now(),
            number: 1,
            what: What::Discarded("template"),
            body: "{}".into(),
        };
        let settlement = Settlement {
            record: Record {
                samples: vec![sample],
                ..Record::default()
            },
            ..Settlement::default()
        };
        journal.settle(sync, settlement).await.unwrap();
        let samples = journal.samples(sync, None).await.unwrap();
        samples[0].sequence.to_string()
    }

    /// A definition that was released once, and submitted.
    async fn definition(&self, organisation: OrganisationId, name: &str) -> String {
        let (store, by) = (&self.world.store, Caller::system());
        let mut content = Definition::webhook();
        content.display_name = name.to_owned();
        let made = store.create_definition(organisation, content, &by).await;
        let id = made.unwrap().draft.id;
        let released = store.release_definition(organisation, id, 1, &by).await;
        let version = released.unwrap().definition.version;
        let submitted = store.submit_definition(organisation, id, version, &by);
        submitted.await.unwrap();
        id.to_string()
    }

    /// A caller of this kind, for a route that needs these permissions.
    pub(super) async fn caller(&mut self, kind: Kind, needs: &[Permission]) -> Credential {
        match kind {
            Kind::Enough => self.narrowed(needs.to_vec()).await,
            Kind::TooLittle => {
                let rest = Role::Owner.permissions().iter();
                let rest = rest.filter(|permission| Some(permission) != needs.last());
                self.narrowed(rest.collect()).await
            }
            kind => {
                if let Some(made) = self.callers.get(&kind) {
                    return made.clone();
                }
                let made = self.make(kind).await;
                self.callers.insert(kind, made.clone());
                made
            }
        }
    }

    /// A token with these scopes, of an owner who is operator and reviewer too.
    async fn narrowed(&self, scopes: Vec<Permission>) -> Credential {
        let (world, by) = (&self.world, Caller::system());
        let owner = world.person(Role::Owner).await;
        let rights = InstallationRights {
            operator: true,
            reviewer: true,
        };
        world.store.set_rights(owner.id, rights, &by).await.unwrap();
        let token = world.token_of(world.organisation, owner.id, Some(scopes));
        Credential::Token(token.await)
    }

    async fn make(&self, kind: Kind) -> Credential {
        let (world, by) = (&self.world, Caller::system());
        let (organisation, store) = (world.organisation, &world.store);
        let staff =
            |operator, reviewer| world.person_with(InstallationRights { operator, reviewer });
        match kind {
            Kind::Nobody => Credential::None,
            Kind::NoToken => Credential::Token("mst_guess".into()),
            Kind::NoCookie => Credential::Cookie("__Host-millstream_session=mss_guess".into()),
            Kind::ExpiredToken => {
                let draft = TokenDraft {
                    organisation,
                    person: None,
                    name: OURS.into(),
                    scopes: None,
                    parent: None,
                    expires_at: Some(world.now() + Duration::from_secs(1)),
                };
                let made = store.create_token(draft, &by).await.unwrap();
                world.clock.advance(Duration::from_secs(1));
                Credential::Token(made.text.expose().to_owned())
            }
            Kind::RevokedToken => {
                let token = world.person(Role::Owner).await.token;
                let id = token.split('_').nth(1).unwrap();
                store.delete_token(id, &by).await.unwrap();
                Credential::Token(token)
            }
            Kind::EndedSession => {
                let owner = world.person(Role::Owner).await;
                let cookie = Credential::Cookie(owner.cookie);
                let session = cookie.session().unwrap();
                store.end_session(owner.id, &session, &by).await.unwrap();
                cookie
            }
            Kind::RemovedSession | Kind::RemovedToken => {
                let admin = world.person(Role::Admin).await;
                let removed = store.remove_member(organisation, admin.id, None, Role::Admin, &by);
                removed.await.unwrap();
                match kind {
                    // The one from before has ended.
                    Kind::RemovedSession => Credential::Cookie(world.session(admin.id).await),
                    _ => Credential::Token(admin.token),
                }
            }
            Kind::Session(role) => Credential::Cookie(world.person(role).await.cookie),
            Kind::Token(role) => Credential::Token(world.person(role).await.token),
            Kind::OtherSession => {
                Credential::Cookie(world.person_in(self.other, Role::Owner).await.cookie)
            }
            Kind::OtherToken => {
                Credential::Token(world.person_in(self.other, Role::Owner).await.token)
            }
            Kind::OperatorSession => Credential::Cookie(staff(true, false).await.cookie),
            Kind::OperatorToken => Credential::Token(staff(true, false).await.token),
            Kind::ReviewerSession => Credential::Cookie(staff(false, true).await.cookie),
            Kind::ReviewerToken => Credential::Token(staff(false, true).await.token),
            Kind::Installation => Credential::Token(world.token.clone()),
            Kind::Enough | Kind::TooLittle => unreachable!("made for each route"),
        }
    }
}
