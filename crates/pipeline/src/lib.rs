//! The pipeline: a destination definition and a sync's settings, compiled once into a [`Plan`]; a plan
//! makes of an event an HTTP request, or says why not.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use model::definition::Definition;
//! use model::sync::{Settings, Sync};
//! use model::time::SystemClock;
//! use model::{Clock, Event, EventKind, Offset, Part, ProjectId, SyncId, Timestamp};
//! use millstream_pipeline::{Outcome, Plan};
//!
//! let definition = Definition::webhook();
//! let mut settings = Settings::default();
//! settings.parameters.insert("url".into(), "https://example.com/hook".into());
//! settings.events.template = Some(r#"{"name": "${input.event_type}"}"#.into());
//! let sync = Sync {
//!     id: SyncId::from_bytes([1; 16]),
//!     project: ProjectId::from_bytes([2; 16]),
//!     definition: definition.id,
//!     definition_version: definition.version,
//!     name: "To my server".into(),
//!     enabled: true,
//!     settings,
//! };
//! let clock: Arc<dyn Clock> = Arc::new(SystemClock);
//! let plan = Plan::compile(&definition, &sync, &clock).expect("nothing is wrong with it");
//!
//! let text = Bytes::from_static(br#"{"event_type":"sign up","user_id":"ann"}"#);
//! let event = Event::new(sync.project, Offset(0), EventKind::Track, Timestamp(0), text);
//! let Outcome::Request(request) = plan.apply(&event, Part::Event) else { panic!("it is sent") };
//! assert_eq!(request.uri, "https://example.com/hook");
//! assert_eq!(request.body, r#"{"name": "sign up"}"#);
//! ```
//!
//! The same functions serve streaming, preview, test events and the command line, so what is
//! previewed is what is sent. Nothing here does I/O, and chance has no say: one event and one plan make
//! the same request, but for a template that asks for `.now`, which is the time of the clock that the
//! plan was given.
//!
//! The way through: [`Plan::matching`] asks the selection (`filter`), [`Plan::render`] makes the
//! request (`payload`: `url`, `headers`, body) from what templates see (`views`, `user`, `settings`).

mod awaited;
mod check;
pub mod difference;
mod filter;
mod follow_up;
mod functions;
mod headers;
mod json_check;
pub mod lint;
mod nearest;
mod number;
mod parameters;
mod payload;
mod plan;
pub mod preview;
mod problem;
mod property;
mod scope;
mod selected;
mod settings;
mod template;
mod url;
mod user;
pub mod views;

pub use awaited::Completed;
pub use check::{Check, Usage, Used, check};
pub use plan::{Outcome, Parts, Plan};
pub use problem::Problem;
pub use property::describe;
pub use scope::Scope;
