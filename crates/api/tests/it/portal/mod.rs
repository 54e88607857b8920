//! The control API as its clients meet it.

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails right there"
)]

mod access;
mod call;
mod lanes;
mod lifecycle;
mod openapi;
mod projects;
mod secrets;
mod session;
mod syncs;
mod tenants;
mod validation;
mod world;

use world::World;
