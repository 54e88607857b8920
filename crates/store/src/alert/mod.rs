//! Alerts: the rules, where incidents are told, the incidents, and what is still to be told of them.
//!
//! An incident is opened, and all that tells of it queued, in one transaction; so is its end. Mail goes
//! into the mail queue, what webhooks get into a queue of its own, from which a node claims it as the
//! mailer claims mail. So each is told at least once, under one id, and twice only where a node died
//! between the receiver's answer and its own note of it.

mod channel;
mod incident;
mod message;
mod recipient;
mod rules;

pub use channel::{Channel, ChannelChange, ChannelKind, ChannelSecrets, NewChannel};
pub use incident::{Ended, Incident, IncidentFilter, NewIncident, Seen, Telling};
pub use message::{Message, Undelivered};
pub use recipient::Recipients;
pub use rules::{RulesRecord, Subject};
