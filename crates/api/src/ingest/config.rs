//! The settings of ingest.

use std::time::Duration;

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
}
