//! Sends one [`model::OutboundRequest`] and judges the answer.
//!
//! - [`Sender`] makes one *attempt*: up to three *tries* of the same request within four seconds,
//!   and comes to a [`Verdict`].
//! - [`Pace`] spreads requests, so that no minute holds more than the destination takes.
//! - [`retry::Schedule`] says when the next attempt is due: ten of them over four hours.
//! - [`Client`] does one try, or any other HTTP request: pooled HTTP/1.1 and HTTP/2, TLS by
//!   rustls, no redirects, no proxy from the environment, every wait and every size bounded.
//! - [`egress::Guard`] decides which addresses may be connected to.
//!
//! `Sender` reaches the network through [`Transport`] only and takes time and randomness as
//! arguments, so that tries can be tested with scripted answers on simulated time. The timeouts of
//! [`Client`] are those of real sockets and run on the runtime's clock.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use millstream_delivery as delivery;
//! # async fn example(request: model::OutboundRequest) -> Result<(), Box<dyn std::error::Error>> {
//! let config = delivery::Config::default();
//! let guard = delivery::egress::Guard::new(&config.egress)?;
//! let client = delivery::Client::new(&config.client, guard)?;
//! let clock = Arc::new(model::time::SystemClock);
//! let random = Arc::new(model::random::Seeded::from_entropy());
//! let sender = delivery::Sender::new(client, clock, random, config.tries);
//! let verdict = sender.attempt(&request, 1, &delivery::Pace::default(), &|| true).await;
//! # Ok(())
//! # }
//! ```

pub mod client;
pub mod config;
pub mod egress;
pub mod pace;
pub mod retry;
mod retry_after;
mod sender;
pub mod transport;
mod verdict;

pub use client::Client;
pub use config::Config;
pub use pace::Pace;
pub use sender::{ATTEMPT_HEADER, DELIVERY_ID_HEADER, Sender, Trial};
pub use transport::{BodyEnd, Connecting, Response, Timing, Transport, TransportError};
pub use verdict::{Evidence, Verdict};
