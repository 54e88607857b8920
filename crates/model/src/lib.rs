//! The vocabulary that every part of Millstream shares: identifiers, [`Event`]s, users and their
//! properties, destination [`definition`]s, [`sync`]s, [`OutboundRequest`]s and [`outcome`]s, and
//! the sources of time and randomness that the rest of the system takes as arguments.
//!
//! Nothing here does I/O.

pub mod access;
pub mod alert;
pub mod definition;
pub mod event;
pub mod filter;
pub mod id;
pub mod json;
pub mod name;
pub mod outcome;
pub mod random;
pub mod replay;
pub mod request;
pub mod sensitive;
pub mod setting;
pub mod sync;
pub mod tail;
pub mod time;
pub mod user;

pub use event::{Event, EventKind, Offset};
pub use id::{
    ApiKey, AuditId, ChannelId, DefinitionId, DeliveryId, ErasureId, IdentityId, IncidentId,
    MailId, MessageId, OrganisationId, PersonId, ProjectId, ReplayId, SyncId,
};
pub use random::Random;
pub use request::{Answer, OutboundRequest, Part};
pub use time::{Clock, Timestamp};
