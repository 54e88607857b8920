//! Everyone who takes part, and what they work with.

use http::Method;
use millstream_e2e::{Destination, Ingest, Response, Server, Setup};
use serde_json::{Value, json};

use crate::clients::{script, tell};
use crate::people::{Administrator, Api, PASSWORD, Person, accept, ask, link_in};
use crate::post::Post;

/// Somebody who is signed in, and what they ask for.
pub(super) struct Actor {
    api: Api,
    cookie: String,
    pub(super) email: String,
}

impl Actor {
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        ask(&self.api, method, path, Some(&self.cookie), body).await
    }

    /// The same, and expects it to be granted.
    async fn granted(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let answer = self.call(method, path, body).await;
        let (status, text) = (answer.status, answer.text());
        assert!(status.is_success(), "{path}: {status} {text}");
        answer
    }

    pub(super) async fn read(&self, path: &str) -> Value {
        self.granted(Method::GET, path, None).await.json()
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(&body);
        self.granted(Method::POST, path, body).await.json()
    }

    pub(super) async fn change(&self, path: &str, body: Value) -> Value {
        let answer = self.granted(Method::PATCH, path, Some(&body)).await;
        answer.json()
    }

    pub(super) async fn put(&self, path: &str, body: Value) -> Value {
        self.granted(Method::PUT, path, Some(&body)).await.json()
    }

    /// What is refused with this status.
    pub(super) async fn refused(&self, path: &str, body: Value, status: u16) -> Value {
        let body = (!body.is_null()).then_some(&body);
        let answer = self.call(Method::POST, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        answer.json()
    }

    /// Sends a picture.
    pub(super) async fn picture(&self, path: &str, png: Vec<u8>) -> Value {
        let url = format!("{}/api/v1{path}", self.api.base);
        let headers = [("content-type", "image/png"), ("cookie", &self.cookie)];
        let http = &self.api.http;
        let answer = http.send(Method::PUT, &url, &headers, png).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

/// A project, and how its events are sent.
pub(super) struct Project {
    /// Where its syncs are.
    pub(super) syncs: String,
    path: String,
    pub(super) ingest: Ingest,
}

impl Project {
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// Everyone who takes part.
pub(super) struct Cast {
    pub(super) post: Post,
    pub(super) server: Server,
    pub(super) receiver: Destination,
    /// Where the partner's organisation is.
    pub(super) partner: String,
    /// Who defines the destination.
    pub(super) author: Actor,
    /// Who connects projects of the partner's own.
    pub(super) colleague: Actor,
    pub(super) partners_project: Project,
    pub(super) reviewer: Actor,
    /// Where the other organisation is.
    pub(super) shop: String,
    /// Who connects projects there.
    pub(super) user: Actor,
    pub(super) shops_project: Project,
    _setup: Setup,
}

impl Cast {
    pub(super) async fn gather() -> Self {
        let post = Post::start();
        let setup = Setup::with_config(&post.settings());
        let server = setup.start().await;
        let admin = Administrator::of_first_start(&server).await;
        let partner = organisation(&admin, "Lantern Ltd").await;
        let shop = organisation(&admin, "Shop").await;
        let house = organisation(&admin, "House").await;
        let invited = async |organisation: &str, name: &str, role: &str| {
            let email = format!("{name}@example.com");
            let path = format!("{organisation}/invitations");
            admin
                .make(&path, json!({"email": email, "role": role}))
                .await;
            let (_, text) = post.next_to(&email).await;
            let acceptance = json!({"token": link_in(&text), "name": name, "password": PASSWORD});
            let api = admin.client();
            accept(&api, &acceptance).await
        };
        let author = invited(&partner, "author", "partner").await;
        let colleague = invited(&partner, "colleague", "member").await;
        let user = invited(&shop, "user", "member").await;
        let mut reviewer = invited(&house, "reviewer", "viewer").await;
        let rights = format!("/installation/people/{}/rights", reviewer.id);
        let reviewer_right = json!({"reviewer": true});
        admin
            .granted(Method::PATCH, &rights, Some(&reviewer_right))
            .await;
        // With other rights come other sessions.
        reviewer.cookie = admin.session_of(&reviewer).await;
        let acting = |Person { email, cookie, .. }| Actor {
            api: admin.client(),
            cookie,
            email,
        };
        Self {
            partners_project: project(&admin, &partner, &server).await,
            shops_project: project(&admin, &shop, &server).await,
            receiver: Destination::start().await,
            post,
            server,
            partner,
            author: acting(author),
            colleague: acting(colleague),
            reviewer: acting(reviewer),
            shop,
            user: acting(user),
            _setup: setup,
        }
    }

    /// Where the receiver takes what is sent.
    pub(super) fn endpoint(&self) -> String {
        self.receiver.url().trim_end_matches('/').to_owned()
    }

    /// Has the unmodified SDK tell the shop's project of a user, and of events at the guide's time.
    pub(super) async fn sdk_sends(&self, events: &[(&str, Value)]) {
        let track = events.iter().map(|(event_type, properties)| {
            json!({
                "event_type": event_type, "event_properties": properties,
                "time": 1_641_490_144_000_u64,
            })
        });
        let event = super::event();
        let told = json!({
            "user_id": event["user_id"], "set": event["user_properties"],
            "track": track.collect::<Vec<_>>(),
        });
        let (server, key) = (
            self.server.base().to_owned(),
            &self.shops_project.ingest.api_key,
        );
        let answers = tell(
            script("node/send.mjs"),
            server,
            key.clone(),
            told.to_string(),
        )
        .await;
        assert_eq!(answers.len(), events.len() + 1);
        assert!(
            answers.iter().all(|answer| answer["code"] == 200),
            "{answers:?}"
        );
    }
}

async fn organisation(admin: &Administrator, name: &str) -> String {
    let made = admin.make("/installation/organisations", json!({"name": name}));
    let made = made.await;
    format!("/organisations/{}", made["id"].as_str().expect("an id"))
}

async fn project(admin: &Administrator, organisation: &str, server: &Server) -> Project {
    let path = format!("{organisation}/projects");
    let made = admin.make(&path, json!({"name": "Shop"})).await["project"].clone();
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    let path = format!("/projects/{}", text("id"));
    Project {
        syncs: format!("{path}/syncs"),
        path,
        ingest: Ingest {
            client: server.client().clone(),
            base: server.base().to_owned(),
            api_key: text("api_key"),
        },
    }
}
