//! The settings of ingest.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::HeaderMap;
use ipnet::IpNet;
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use model::setting::{Check, Invalid};
use serde::{Deserialize, Serialize};

/// The settings of ingest. The defaults are those of the Amplitude API where it names any.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The largest body of `/2/httpapi`, `/identify` and `/groupidentify`, decoded, in bytes.
    pub httpapi_body_bytes: usize,
    /// The largest body of `/batch`, decoded, in bytes.
    pub batch_body_bytes: usize,
    /// How long a client may send nothing in the middle of a body.
    #[serde(with = "duration")]
    pub body_idle_timeout: Duration,
    /// How long a body may take in all.
    #[serde(with = "duration")]
    pub body_total_timeout: Duration,
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
            body_idle_timeout: Duration::from_secs(10),
            body_total_timeout: Duration::from_secs(120),
            buffered_body_bytes: 128 << 20,
            throttle_entries: 200_000,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Config {
    /// Everything that is out of range.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut check = Check::default();
        let body_sizes = [
            ("ingest.httpapi_body_bytes", self.httpapi_body_bytes),
            ("ingest.batch_body_bytes", self.batch_body_bytes),
        ];
        for (setting, bytes) in body_sizes {
            check.at_least_one(setting, bytes as u64);
        }
        check.more_than_zero("ingest.body_idle_timeout", self.body_idle_timeout);
        check.more_than_zero("ingest.body_total_timeout", self.body_total_timeout);
        let largest = self.httpapi_body_bytes.max(self.batch_body_bytes);
        check.require(
            "ingest.buffered_body_bytes",
            self.buffered_body_bytes >= largest,
            format!("at least {largest}, so that the largest body has room"),
        );
        check.finish()
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
