//! Messages that say nothing but that they come.

use model::MessageId;
use serde_json::json;
use store::Caller;
use store::alert::{Channel, ChannelKind};

use crate::mail::Letter;
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, Portal};

impl Portal {
    /// Queues a message to a channel that says that it comes; its id, unless the address gets too many.
    pub(super) async fn test_channel(
        &self,
        channel: &Channel,
        by: &Caller,
    ) -> Result<Option<String>, ApiError> {
        let project = self.store.project(channel.project).await?;
        let sentence = format!("Alerts of the project {} come here.", project.name);
        let body = match channel.kind {
            ChannelKind::Mail => {
                let letter = Letter::AlertTest {
                    project: &project.name,
                };
                let by = self.telling(by, &channel.target, &letter);
                self.store.log_channel_test(channel, None, &by).await?;
                return Ok(None);
            }
            ChannelKind::Slack => json!({"text": sentence}),
            ChannelKind::Webhook => json!({
                "type": "test",
                "timestamp": rfc3339(self.authority.now()),
                "data": {"project": {"id": project.id.to_string(), "name": project.name}, "message": sentence},
            }),
        };
        let id = MessageId::generate(self.authority.random.as_ref());
        let message = Some((id, body.to_string()));
        self.store.log_channel_test(channel, message, by).await?;
        Ok(Some(id.to_string()))
    }
}
