//! Events, and the client that sends them.

use serde_json::{Value, json};

use super::http::{Client, Response};

/// An event with a user of its own choice.
pub fn track(user: &str, event_type: &str, properties: Value) -> Value {
    json!({ "user_id": user, "event_type": event_type, "event_properties": properties })
}

/// Sends events to one project.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// The connections.
    pub client: Client,
    /// The server's address.
    pub base: String,
    /// The project's key.
    pub api_key: String,
}

impl Ingest {
    /// The body of an upload.
    pub fn body(&self, events: &[Value]) -> Value {
        json!({ "api_key": self.api_key, "events": events })
    }

    /// Sends events to `/2/httpapi`; the error says that there was no answer.
    pub async fn try_send(&self, events: &[Value]) -> Result<Response, String> {
        self.client
            .post_json(&format!("{}/2/httpapi", self.base), &self.body(events))
            .await
    }

    /// Sends events to `/batch`, where a user may send faster; the error says that there was no answer.
    pub async fn try_batch(&self, events: &[Value]) -> Result<Response, String> {
        self.client
            .post_json(&format!("{}/batch", self.base), &self.body(events))
            .await
    }

    /// Sends events and expects them to be taken.
    pub async fn send(&self, events: &[Value]) {
        let answer = self.try_send(events).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
