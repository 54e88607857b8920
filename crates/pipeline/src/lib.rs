//! A destination definition and a sync's settings, compiled once: an event becomes an HTTP request,
//! or the reason why not.

mod filter;
mod nearest;
mod number;
mod problem;
mod property;

pub use problem::Problem;
