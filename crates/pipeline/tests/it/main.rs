//! What a sync makes of events, seen from outside.

#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers may panic as the test itself may"
)]

mod answers;
mod arbitrary;
mod check;
mod curl;
mod difference;
mod discarded;
mod ending;
mod guide;
mod lint;
mod payload;
mod problems;
mod selected;
mod selection;
mod settings;
mod support;
