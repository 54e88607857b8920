//! People, and what they ask of the API.

use std::time::Duration;

use http::Method;
use millstream_e2e::{Client, Response, Server, eventually};
use serde_json::{Value, json};

/// Longest wait for what is under way.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

pub(super) const PASSWORD: &str = "correct horse battery";
const EMAIL: &str = "admin@example.com";

/// A request, not sent yet.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Below `/api/v1`.
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) cookie: Option<String>,
    pub(super) key: Option<String>,
}

/// A running server.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) http: Client,
    pub(super) base: String,
}

impl Api {
    /// Sends a request; the error says that there was no answer.
    pub(super) async fn send(&self, request: Request) -> Result<Response, String> {
        let url = format!("{}/api/v1{}", self.base, request.path);
        let mut headers = Vec::new();
        if request.body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let of_version = ["/release", "/restore", "/upgrade"];
        let of_version = of_version.iter().any(|end| request.path.ends_with(end));
        if request.method == Method::PATCH || of_version {
            headers.push(("if-match", "*"));
        }
        if let Some(cookie) = &request.cookie {
            headers.push(("cookie", cookie));
        }
        if let Some(key) = &request.key {
            headers.push(("idempotency-key", key));
        }
        let body = request.body.map(|body| body.to_string());
        let body = body.unwrap_or_default();
        self.http.send(request.method, &url, &headers, body).await
    }
}

/// Sends a request to a server that runs.
pub(super) async fn ask(
    api: &Api,
    method: Method,
    path: &str,
    cookie: Option<&str>,
    body: Option<&Value>,
) -> Response {
    let request = Request {
        method,
        path: path.to_owned(),
        body: body.cloned(),
        cookie: cookie.map(str::to_owned),
        key: None,
    };
    let answer = api.send(request).await;
    answer.unwrap_or_else(|e| panic!("{path} was not answered: {e}"))
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) email: String,
    /// As `name=value`.
    pub(super) cookie: String,
}

impl Person {
    fn of(answer: &Response) -> Self {
        let person = &answer.json()["person"];
        let text = |name: &str| person[name].as_str().expect("a text").to_owned();
        let cookie = answer.headers["set-cookie"].to_str().expect("a text");
        let (cookie, _) = cookie.split_once(';').expect("attributes");
        Self {
            id: text("id"),
            email: text("email"),
            cookie: cookie.to_owned(),
        }
    }

    /// What this person signs in with.
    pub(super) fn credentials(&self, password: &str) -> Value {
        json!({"email": self.email, "password": password})
    }
}

/// The installation's administrator: an operator, and the owner of all organisations.
#[derive(Debug)]
pub(super) struct Administrator {
    api: Api,
    cookie: String,
}

impl Administrator {
    /// Comes in by the link of the first start.
    pub(super) async fn of_first_start(server: &Server) -> Self {
        let api = Api {
            http: server.client().clone(),
            base: server.base().to_owned(),
        };
        let log = server.log_tail();
        let acceptance = json!({
            "token": link_in(&log), "email": EMAIL, "name": "Ann", "password": PASSWORD,
        });
        let accepted = accept(&api, &acceptance).await;
        Self {
            api,
            cookie: accepted.cookie,
        }
    }

    /// Signs in at the server's next process.
    pub(super) async fn sign_in_again(&mut self) {
        self.api.http = Client::new();
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let answer = ask(&self.api, Method::POST, "/session", None, Some(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.cookie = Person::of(&answer).cookie;
    }

    /// The cookie of a new session of somebody's.
    pub(super) async fn session_of(&self, person: &Person) -> String {
        let body = person.credentials(PASSWORD);
        let answer = ask(&self.api, Method::POST, "/session", None, Some(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Person::of(&answer).cookie
    }

    pub(super) fn client(&self) -> Api {
        self.api.clone()
    }

    pub(super) fn cookie(&self) -> String {
        self.cookie.clone()
    }

    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        ask(&self.api, method, path, Some(&self.cookie), body).await
    }

    /// The same, and expects it to be granted.
    pub(super) async fn granted(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Response {
        let answer = self.call(method, path, body).await;
        let (status, text) = (answer.status, answer.text());
        assert!(status.is_success(), "{path}: {status} {text}");
        answer
    }

    /// What a creation answers.
    pub(super) async fn make(&self, path: &str, body: Value) -> Value {
        self.granted(Method::POST, path, Some(&body)).await.json()
    }

    pub(super) async fn read(&self, path: &str) -> Value {
        self.granted(Method::GET, path, None).await.json()
    }

    /// All items of a list.
    pub(super) async fn all(&self, path: &str) -> Vec<Value> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let first = format!("{path}{mark}limit=200");
        let (mut items, mut page) = (Vec::new(), self.read(&first).await);
        loop {
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            let Some(next) = page["next"].as_str() else {
                return items;
            };
            page = self.read(&format!("{first}&cursor={next}")).await;
        }
    }

    /// Waits until all secrets are sealed with the present key.
    pub(super) async fn resealed(&self) {
        eventually("everything is sealed again", LIMIT, async || {
            let resealing = self.read("/installation/secrets").await["resealing"].clone();
            assert_eq!(resealing["error"], Value::Null);
            resealing["running"] == false
        })
        .await;
    }

    /// What the link in the newest letter to an address carries.
    pub(super) async fn link_to(&self, email: &str) -> String {
        let mails = self.all("/installation/outbox").await;
        let to_them = mails.iter().rev().find(|mail| mail["recipient"] == email);
        let id = to_them.unwrap_or_else(|| panic!("no letter to {email}"))["id"].clone();
        let id = id.as_str().expect("an id");
        let mail = self.read(&format!("/installation/outbox/{id}")).await;
        link_in(mail["text"].as_str().expect("it waits to be sent"))
    }

    /// Somebody new in an organisation.
    pub(super) async fn person(&self, organisation: &str, email: &str) -> Person {
        let path = format!("/organisations/{organisation}/invitations");
        let invitation = json!({"email": email, "role": "viewer"});
        self.make(&path, invitation).await;
        let token = self.link_to(email).await;
        let acceptance = json!({"token": token, "name": "Somebody", "password": PASSWORD});
        accept(&self.api, &acceptance).await
    }
}

pub(super) async fn accept(api: &Api, acceptance: &Value) -> Person {
    let path = "/invitations/accept";
    let answer = ask(api, Method::POST, path, None, Some(acceptance)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Person::of(&answer)
}

/// What stands behind `#` in the link in a text.
pub(super) fn link_in(text: &str) -> String {
    let words = text.split_whitespace();
    let mut secrets = words.filter_map(|word| word.split_once("://")?.1.split_once('#'));
    let (_, secret) = secrets
        .next()
        .unwrap_or_else(|| panic!("no link in {text}"));
    secret.to_owned()
}
