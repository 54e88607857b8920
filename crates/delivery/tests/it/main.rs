//! The client against real sockets, the guard against names that change, and the tries on
//! simulated time.

// Test servers and scripted peers run for as long as their test, on the real clock.
#![allow(clippy::disallowed_methods)]
// Helpers of tests may fail their test as well.
#![allow(clippy::unwrap_used)]

mod client;
mod guard;
mod peer;
mod timing;
mod tls;
mod tries;
