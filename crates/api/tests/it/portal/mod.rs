//! The control API as its clients meet it.

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails right there"
)]

mod access;
mod alert_routes;
mod alerts;
mod answers;
mod audit;
mod authorisation;
mod call;
mod checks;
mod connecting;
mod courier;
mod creation;
mod definition_routes;
mod definitions;
mod events;
mod fates;
mod figures;
mod health;
mod invitations;
mod lanes;
mod lifecycle;
mod listed_events;
mod nul;
mod observed;
mod openapi;
mod openid;
mod passwords;
mod people;
mod pictures;
mod preconditions;
mod presence;
mod preview;
mod privacy;
mod projects;
mod provider;
mod replay_routes;
mod replays;
mod resuming;
mod revision_routes;
mod routes;
mod sealing;
mod second_factor;
mod secrets;
mod sensitive;
mod sensitive_fates;
mod session;
mod sync_versions;
mod syncs;
mod tails;
mod tenants;
mod tokens;
mod traffic;
mod turns;
mod upgrades;
mod users;
mod validation;
mod world;

use world::World;
