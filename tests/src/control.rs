//! The control API, as far as tests use it.

use http::Method;
use serde_json::{Value, json};

use crate::event::Ingest;
use crate::http::{Client, Response};
use crate::metrics::Metrics;
use crate::server::Server;

/// A webhook sync's settings that send every event as it is streamed.
pub fn settings(url: &str) -> Value {
    json!({ "url": url })
}

/// A project with its key.
#[derive(Debug, Clone)]
pub struct Project {
    /// Identifies it.
    pub id: String,
    /// What events are sent with.
    pub api_key: String,
}

/// A client of the control API with the operator's token.
#[derive(Debug, Clone)]
pub struct Control {
    client: Client,
    base: String,
    token: String,
}

impl Control {
    /// For a running server.
    pub fn of(server: &Server) -> Self {
        Self {
            client: server.client().clone(),
            base: server.base().to_owned(),
            token: server.admin_token(),
        }
    }

    /// The same with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// Sends a request below `/api/v1`. Changes are made whatever the version is.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let url = format!("{}/api/v1{path}", self.base);
        let authorization = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", authorization.as_str())];
        if method == Method::PATCH || path.ends_with("/release") {
            headers.push(("if-match", "*"));
        }
        let body = body.map(Value::to_string);
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let answer = self
            .client
            .send(method, &url, &headers, body.unwrap_or_default())
            .await;
        answer.unwrap_or_else(|e| panic!("{path} was not answered: {e}"))
    }

    /// The same, and expects it to be granted.
    pub async fn granted(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let answer = self.call(method, path, body).await;
        assert!(
            answer.status.is_success(),
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
        answer
    }

    /// Where the organisation's projects are.
    pub async fn projects_path(&self) -> String {
        let organisations = self.granted(Method::GET, "/me/organisations", None).await;
        let organisations = organisations.json();
        let organisation = organisations["items"][0]["id"].as_str().expect("an id");
        format!("/organisations/{organisation}/projects")
    }

    /// Makes a project.
    pub async fn create_project(&self, name: &str) -> Project {
        let path = self.projects_path().await;
        let made = self
            .granted(Method::POST, &path, Some(&json!({ "name": name })))
            .await
            .json();
        let field = |name: &str| made["project"][name].as_str().expect("a text").to_owned();
        Project {
            id: field("id"),
            api_key: field("api_key"),
        }
    }

    /// Makes a webhook sync and enables it; its path.
    pub async fn create_sync(&self, project: &Project, name: &str, mut settings: Value) -> String {
        settings["name"] = json!(name);
        settings["enabled"] = json!(true);
        let path = format!("/projects/{}/syncs", project.id);
        let made = self
            .granted(Method::POST, &path, Some(&settings))
            .await
            .json();
        format!("{path}/{}", made["id"].as_str().expect("an id"))
    }

    /// Lets a sync deliver.
    pub async fn enable(&self, sync: &str) {
        self.granted(Method::POST, &format!("{sync}/enable"), None)
            .await;
    }

    /// Pauses a sync.
    pub async fn disable(&self, sync: &str) {
        self.granted(Method::POST, &format!("{sync}/disable"), None)
            .await;
    }

    /// Removes a sync with all that it owes; what it owed.
    pub async fn delete(&self, sync: &str) -> Value {
        let path = format!("{sync}?confirm={}", u32::MAX);
        self.granted(Method::DELETE, &path, None).await.json()
    }

    /// How a sync does.
    pub async fn status(&self, sync: &str) -> Value {
        self.granted(Method::GET, &format!("{sync}/status"), None)
            .await
            .json()
    }

    /// What `/metrics` shows now.
    pub async fn metrics(&self) -> Metrics {
        let answer = self
            .client
            .get(&format!("{}/metrics", self.base))
            .await
            .expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        Metrics::parse(&answer.text())
    }

    /// A client that sends a project's events.
    pub fn ingest(&self, project: &Project) -> Ingest {
        Ingest {
            client: self.client.clone(),
            base: self.base.clone(),
            api_key: project.api_key.clone(),
        }
    }
}
