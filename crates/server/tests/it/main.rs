//! The binary as its users meet it, and the rules of the workspace.

// Tests drive processes and sockets of their own.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

mod admin_token;
mod backup;
mod code;
mod commands;
mod configuration;
mod definitions;
mod demo;
mod foresight;
mod home;
mod imports;
mod login;
mod mail;
mod matching;
mod openid;
mod people;
mod postgres;
mod process;
mod prompt;
mod receiver;
mod revisions;
mod secrets;
mod serving;
mod templates;
