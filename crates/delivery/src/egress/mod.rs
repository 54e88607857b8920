//! Which addresses may be connected to.
//!
//! A destination's address is chosen by a user and rendered from event data, so it must not lead
//! into the operator's own network. The [`Guard`] looks names up itself and hands out only
//! addresses that it has checked; the client connects to exactly those. A name that changes its
//! address between check and connection therefore gains nothing, and neither does one that changes
//! it later: each new connection is checked again.

mod literal;
mod lookup;
mod ranges;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

pub use lookup::{LookupError, Resolve, SystemResolver};
pub use ranges::Reason;

use crate::config::Egress as Config;
use crate::transport::TransportError;
use literal::Host;

/// Looks hosts up and lets only allowed addresses pass. Cheap to clone.
#[derive(Clone)]
pub struct Guard {
    resolver: Arc<dyn Resolve>,
    allow: Arc<[IpNet]>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("allow", &self.allow)
            .finish_non_exhaustive()
    }
}

/// A host that may not be connected to. Does not tell the addresses that a name has inside the
/// operator's network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} is not allowed as a destination: {reason}{}", advice(*.reason))]
pub struct Blocked {
    /// The host, as it was written.
    pub host: String,
    /// Why not.
    pub reason: Reason,
}

fn advice(reason: Reason) -> &'static str {
    match reason.can_be_allowed() {
        true => " (the operator can allow it by the setting egress.allow)",
        false => "",
    }
}

impl Guard {
    /// A guard that looks names up as the system is configured to.
    ///
    /// # Errors
    ///
    /// When the system's configuration can't be used.
    pub fn new(config: &Config) -> Result<Self, LookupError> {
        Ok(Self::with_resolver(
            config,
            Arc::new(SystemResolver::new(config)?),
        ))
    }

    /// A guard that looks names up with `resolver`.
    pub fn with_resolver(config: &Config, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            resolver,
            allow: config.allow.iter().copied().collect(),
        }
    }

    /// The addresses of `host` (a name or a literal address, IPv6 in brackets) that may be
    /// connected to: at least one.
    ///
    /// # Errors
    ///
    /// [`TransportError::Blocked`] when none may be connected to, [`TransportError::Dns`] when
    /// there are none.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, TransportError> {
        let blocked = |reason| Blocked {
            host: host.to_owned(),
            reason,
        };
        let name = match Host::parse(host).map_err(blocked)? {
            Host::Address(address) => {
                self.check(address).map_err(blocked)?;
                return Ok(vec![address]);
            }
            Host::Name(name) => name,
        };
        let dns = |source| TransportError::Dns {
            host: host.to_owned(),
            source,
        };
        let found = self.resolver.resolve(name).await.map_err(dns)?;
        let mut refused = None;
        let allowed: Vec<IpAddr> = found
            .into_iter()
            .filter(|&address| match self.check(address) {
                Ok(()) => true,
                Err(reason) => {
                    refused = Some(reason);
                    false
                }
            })
            .collect();
        match refused {
            _ if !allowed.is_empty() => Ok(allowed),
            Some(reason) => Err(blocked(reason).into()),
            None => Err(dns(LookupError::NotFound)),
        }
    }

    /// Whether `host` may be a destination as far as that shows without looking a name up.
    ///
    /// # Errors
    ///
    /// Why a literal address may not be connected to.
    pub fn check_literal(&self, host: &str) -> Result<(), Blocked> {
        let checked = match Host::parse(host) {
            Ok(Host::Address(address)) => self.check(address),
            Ok(Host::Name(_)) => Ok(()),
            Err(reason) => Err(reason),
        };
        checked.map_err(|reason| Blocked {
            host: host.to_owned(),
            reason,
        })
    }

    fn check(&self, address: IpAddr) -> Result<(), Reason> {
        let Some(reason) = ranges::refused(address) else {
            return Ok(());
        };
        // `::ffff:10.0.0.1` reaches 10.0.0.1, so the operator's leave for that covers it.
        let reached = address.to_canonical();
        if self.allow.iter().any(|network| network.contains(&reached)) {
            Ok(())
        } else {
            Err(reason)
        }
    }
}
