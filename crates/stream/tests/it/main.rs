//! Lanes on a real journal, on simulated time.

#![allow(clippy::unwrap_used)] // what fails here fails the test

mod awaiting;
mod away_in_order;
mod backfills;
mod balance;
mod breaker;
mod erasures;
mod fates;
mod follow_ups;
mod holding;
mod isolation;
mod limits;
mod looking_on;
mod lost;
mod no_answer;
mod order;
mod replays;
mod retries;
mod settling;
mod some_fail;
mod support;
