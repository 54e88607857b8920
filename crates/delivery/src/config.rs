//! What an operator can set. Durations are written with their unit: `"5s"`, `"100ms"`, `"1h 30m"`.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use model::setting::{Check, Invalid};
use serde::{Deserialize, Serialize};

/// Everything about delivery.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Connections, timeouts and bounds.
    pub client: Client,
    /// Which addresses may be connected to.
    pub egress: Egress,
    /// The tries within one attempt.
    pub tries: Tries,
    /// The attempts of one delivery.
    pub retry: Retry,
}

impl Config {
    /// Everything that is out of range.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut check = Check::default();
        self.client.check(&mut check);
        self.egress.check(&mut check);
        self.tries.check(&mut check);
        self.retry.check(&mut check);
        check.finish()
    }
}

/// Connections, timeouts and bounds of the HTTP client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Client {
    /// How long looking up the name, connecting and the TLS handshake may take together.
    #[serde(with = "duration")]
    pub connect_timeout: Duration,
    /// How long one try may take as a whole, from asking for a connection to the answer's last
    /// byte.
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    /// How long an unused connection is kept.
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
    /// Unused connections kept to one destination.
    pub max_idle_per_destination: usize,
    /// Unused connections kept to all destinations together.
    pub max_idle: usize,
    /// How much of an answer's body is read, in bytes. An answer that is longer is cut off and
    /// costs its connection.
    pub max_response_bytes: usize,
    /// Whether HTTP/2 is offered to destinations with TLS.
    pub http2: bool,
    /// A file with certificates (PEM) of authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            max_idle_per_destination: 128,
            max_idle: 1024,
            max_response_bytes: 64 * 1024,
            http2: true,
            ca_file: None,
        }
    }
}

impl Client {
    fn check(&self, check: &mut Check) {
        check.more_than_zero("client.connect_timeout", self.connect_timeout);
        check.more_than_zero("client.request_timeout", self.request_timeout);
        let idle_timeout = self.idle_timeout >= Duration::from_secs(1);
        check.require("client.idle_timeout", idle_timeout, "at least 1s");
    }
}

/// Which addresses may be connected to, and how names are looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Egress {
    /// Networks that may be connected to although they are not public, for example
    /// `["10.20.0.0/16", "fd12:3456::/32"]`.
    pub allow: Vec<IpNet>,
    /// How long a name server may take to answer.
    #[serde(with = "duration")]
    pub lookup_timeout: Duration,
    /// How often a name server is asked again that did not answer.
    pub lookup_retries: u8,
    /// Looked-up names that are remembered, for as long as their records allow.
    pub lookup_cache: u32,
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            lookup_timeout: Duration::from_secs(2),
            lookup_retries: 1,
            lookup_cache: 1024,
        }
    }
}

impl Egress {
    /// Settings that let every address pass: for tools that run on the user's own behalf.
    pub fn allow_all() -> Self {
        Self {
            allow: vec![
                IpNet::new_assert(std::net::Ipv4Addr::UNSPECIFIED.into(), 0),
                IpNet::new_assert(std::net::Ipv6Addr::UNSPECIFIED.into(), 0),
            ],
            ..Self::default()
        }
    }

    /// These settings, with this machine's own addresses allowed as well.
    #[must_use]
    pub fn with_loopback(mut self) -> Self {
        self.allow.push(IpNet::new_assert(
            std::net::Ipv4Addr::new(127, 0, 0, 0).into(),
            8,
        ));
        self.allow
            .push(IpNet::new_assert(std::net::Ipv6Addr::LOCALHOST.into(), 128));
        self
    }

    fn check(&self, check: &mut Check) {
        check.more_than_zero("egress.lookup_timeout", self.lookup_timeout);
    }
}

/// The tries within one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tries {
    /// Tries in an attempt, the first one included.
    pub max: u8,
    /// The wait before the second try; it doubles for each further one.
    #[serde(with = "duration")]
    pub first_wait: Duration,
    /// How far each wait is moved at random to either side, as a fraction of it.
    pub jitter: f64,
    /// No new try starts once this has passed since the attempt began.
    #[serde(with = "duration")]
    pub within: Duration,
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            max: 3,
            first_wait: Duration::from_millis(100),
            jitter: 0.5,
            within: Duration::from_secs(4),
        }
    }
}

impl Tries {
    fn check(&self, check: &mut Check) {
        check.require("tries.max", (1..=10).contains(&self.max), "from 1 to 10");
        let jitter = (0.0..=1.0).contains(&self.jitter);
        check.require("tries.jitter", jitter, "from 0 to 1");
    }
}

/// The attempts of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Attempts, the first one included.
    pub attempts: u8,
    /// The delay before the second attempt; it doubles for each further one. Nine delays from
    /// 28.2 s add up to four hours.
    #[serde(with = "duration")]
    pub first_delay: Duration,
    /// How far each delay is moved at random to either side, as a fraction of it.
    pub jitter: f64,
    /// The longest `Retry-After` that is heeded. A longer one counts as this.
    #[serde(with = "duration")]
    pub max_retry_after: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 10,
            first_delay: Duration::from_millis(28_200),
            jitter: 0.1,
            max_retry_after: Duration::from_secs(24 * 3600),
        }
    }
}

impl Retry {
    fn check(&self, check: &mut Check) {
        let attempts = (1..=20).contains(&self.attempts);
        check.require("retry.attempts", attempts, "from 1 to 20");
        let delays = Duration::from_millis(1)..=Duration::from_secs(3600);
        let first_delay = delays.contains(&self.first_delay);
        check.require("retry.first_delay", first_delay, "from 1ms to 1h");
        let jitter = (0.0..=1.0).contains(&self.jitter);
        check.require("retry.jitter", jitter, "from 0 to 1");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_survive_their_text_form() {
        let defaults = Config::default();
        assert_eq!(defaults.problems(), []);
        let text = serde_json::to_string(&defaults).unwrap();
        assert!(text.contains(r#""connect_timeout":"5s""#), "{text}");
        assert_eq!(serde_json::from_str::<Config>(&text).unwrap(), defaults);
    }

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_unknown_is_refused() {
        let config: Config =
            serde_json::from_str(r#"{"client": {"request_timeout": "1m 30s"}}"#).unwrap();
        assert_eq!(config.client.request_timeout, Duration::from_secs(90));
        assert_eq!(config.client.connect_timeout, Duration::from_secs(5));
        assert!(serde_json::from_str::<Config>(r#"{"client": {"timeout": "1s"}}"#).is_err());
        assert!(serde_json::from_str::<Config>(r#"{"egress": {"allow": ["10.0.0"]}}"#).is_err());
    }

    #[test]
    fn every_setting_out_of_range_is_named() {
        let config: Config =
            serde_json::from_str(r#"{"retry": {"attempts": 0}, "tries": {"jitter": 1.5}}"#)
                .unwrap();
        let problems: Vec<_> = config.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "tries.jitter must be from 0 to 1",
                "retry.attempts must be from 1 to 20"
            ]
        );
    }
}
