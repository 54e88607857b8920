//! Looking names up.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::{Resolver, TokioResolver};

use crate::config::Egress as Config;

/// Finds the addresses of names.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `name`, the preferred ones first. Asked for every new connection.
    ///
    /// # Errors
    ///
    /// Why there are none.
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, LookupError>;
}

/// Why a name has no addresses.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// There is no such name, or it has no address.
    #[error("the host name has no address")]
    NotFound,
    /// No name server answered in time.
    #[error("the name servers did not answer in time")]
    Timeout,
    /// There are no name servers, or they could not be asked, or failed.
    #[error("the name servers could not be used")]
    Failed(#[source] NetError),
}

/// Looks names up as the system is configured to (`/etc/resolv.conf`, `/etc/hosts`), with a
/// bounded cache.
pub struct SystemResolver {
    resolver: TokioResolver,
    longest: Duration,
}

impl SystemResolver {
    /// A resolver with the system's name servers. Without a readable `/etc/resolv.conf` only the
    /// names of `/etc/hosts` are known.
    ///
    /// # Errors
    ///
    /// When the resolver can't be set up.
    pub fn new(config: &Config) -> Result<Self, LookupError> {
        let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|error| {
            tracing::warn!(%error, "no name servers are configured: only names of the hosts file can be looked up");
            Resolver::builder_with_config(
                ResolverConfig::default(),
                TokioRuntimeProvider::default(),
            )
        });
        let options = builder.options_mut();
        options.timeout = config.lookup_timeout;
        options.attempts = config.lookup_retries.into();
        options.cache_size = config.lookup_cache.into();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        Ok(Self {
            resolver: builder.build().map_err(LookupError::Failed)?,
            // Several servers and search domains are asked in turn: this bounds them together.
            longest: config.lookup_timeout * (u32::from(config.lookup_retries) + 1) * 2,
        })
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        match tokio::time::timeout(self.longest, self.resolver.lookup_ip(name)).await {
            Err(_) | Ok(Err(NetError::Timeout)) => Err(LookupError::Timeout),
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(_)))) => Err(LookupError::NotFound),
            Ok(Err(error)) => Err(LookupError::Failed(error)),
            Ok(Ok(found)) => Ok(found.iter().collect()),
        }
    }
}
