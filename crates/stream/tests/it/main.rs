//! Lanes on a real journal, on simulated time.

mod isolation;
mod retries;
mod settling;
mod support;
