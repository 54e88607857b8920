//! Mail: letters made from templates, and the task that sends what waits in the store's queue.
//!
//! A handler asks for a [`Letter`](api::mail::Letter); [`letters`] words it; the store keeps it,
//! committed together with the change that it tells of; [`mailer`] claims it and hands it to [`smtp`].
//! Without a mail server it stays in the outbox, for the operator to read.

pub(crate) mod address;
mod config;
mod letters;
mod mailer;
mod message;
mod reply;
mod schedule;
mod smtp;

pub(crate) use config::Config;
pub(crate) use letters::TemplateLetters;
pub(crate) use mailer::Mailer;
