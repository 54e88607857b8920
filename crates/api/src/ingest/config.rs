//! The settings of ingest.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::HeaderMap;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The settings of ingest. The defaults are those of the Amplitude API where it names any.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The largest body of `/2/httpapi`, `/identify` and `/groupidentify`, decoded, in bytes.
    pub httpapi_body_bytes: usize,
    /// The largest body of `/batch`, decoded, in bytes.
    pub batch_body_bytes: usize,
    /// How long a client may send nothing in the middle of a body, in seconds.
    pub body_idle_timeout_seconds: u64,
    /// How long a body may take in all, in seconds.
    pub body_total_timeout_seconds: u64,
    /// The memory that the bodies being received and read may take together, in bytes. Beyond it
    /// requests are answered with 503.
    pub buffered_body_bytes: usize,
    /// How many devices and users throttling keeps count of in one window of 30 seconds. Those
    /// beyond it are not throttled until the next window.
    pub throttle_entries: usize,
    /// Networks of the reverse proxies whose `X-Forwarded-For` is believed. None by default: then
    /// the uploader's address is that of the connection.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            httpapi_body_bytes: 1 << 20,
            batch_body_bytes: 20 << 20,
            body_idle_timeout_seconds: 10,
            body_total_timeout_seconds: 120,
            buffered_body_bytes: 128 << 20,
            throttle_entries: 200_000,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Config {
    pub(super) fn body_idle_timeout(&self) -> Duration {
        Duration::from_secs(self.body_idle_timeout_seconds)
    }

    pub(super) fn body_total_timeout(&self) -> Duration {
        Duration::from_secs(self.body_total_timeout_seconds)
    }

    /// The uploader's address: the connection's, or, when that is a trusted proxy's, the last one
    /// of `X-Forwarded-For` that is not. What stands before that one may be forged.
    pub(super) fn uploader(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let trusted = |address: IpAddr| self.trusted_proxies.iter().any(|n| n.contains(&address));
        let mut uploader = peer?.to_canonical();
        let forwarded = headers.get_all("x-forwarded-for");
        let hops: Vec<&str> = forwarded
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        for hop in hops.iter().rev() {
            if !trusted(uploader) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(address) => uploader = address.to_canonical(),
                Err(_) => break,
            }
        }
        Some(uploader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed_about_the_uploader() {
        let config = Config {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..Config::default()
        };
        for (peer, forwarded, uploader) in [
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            (
                "10.0.0.1",
                "1.1.1.1, 198.51.100.1, 10.0.0.2",
                "198.51.100.1",
            ),
            ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            assert_eq!(
                config.uploader(Some(peer.parse().unwrap()), &headers),
                Some(uploader.parse().unwrap()),
                "{peer} {forwarded}"
            );
        }
        assert_eq!(config.uploader(None, &HeaderMap::new()), None);
    }
}
