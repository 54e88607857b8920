//! The built-in definition.

use super::{
    About, BodyUnit, Category, Definition, Header, Limits, Method, Parameter, ParameterKind,
    Payload,
};
use crate::id::DefinitionId;

impl Definition {
    /// The built-in definition of the generic webhook: the URL is its one parameter, the rest is
    /// the sync's own.
    pub fn webhook() -> Self {
        let payload = Payload {
            method: Method::Post,
            url: "${parameters.url}".into(),
            headers: vec![
                Header {
                    name: "content-type".into(),
                    value: "application/json".into(),
                },
                Header {
                    name: "user-agent".into(),
                    value: "Millstream/Webhook/1.0".into(),
                },
            ],
            body: None,
            unit: BodyUnit::Object,
            idempotency_key: false,
            responses: Vec::new(),
            follow_up: None,
        };
        Self {
            id: DefinitionId::from_bytes(*b"millstreamwebhok"),
            version: 1,
            display_name: "Webhook".into(),
            about: About {
                category: Category::Automation,
                summary: "Sends events and users to any HTTP address.".into(),
                description: "Posts each event, and if you like each user, as JSON to an address \
                    of yours. Shape the body with a FreeMarker template, and add up to five headers."
                    .into(),
                ..About::default()
            },
            parameters: vec![Parameter {
                name: "url".into(),
                display_name: "Webhook URL".into(),
                kind: ParameterKind::Text,
                required: true,
                help: "Where requests go. May be a template.".into(),
                ..Parameter::default()
            }],
            mappings: Vec::new(),
            events: Some(payload.clone()),
            users: Some(payload),
            typed_properties: false,
            extra_headers: 5,
            own_templates: true,
            limits: Limits::default(),
        }
    }
}
