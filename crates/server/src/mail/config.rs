//! Settings of mail.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use lettre::message::Mailbox;
use model::setting::Check;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{address, schedule, smtp};

/// How mail is sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The mail server; empty: there is none, and mail stays in the outbox.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
    /// How the connection to it is protected.
    pub(super) security: Security,
    /// Empty: no credentials are sent.
    pub(super) username: String,
    /// What belongs to the user name.
    pub(super) password: SecretString,
    /// The sender, with or without a name.
    pub(super) from: String,
    /// Certificates of authorities that are trusted besides the system's.
    pub(super) ca_file: Option<PathBuf>,
    /// How long connecting, the TLS handshake and signing in may take together.
    #[serde(with = "duration")]
    pub(super) connect_timeout: Duration,
    /// How long handing over one mail may take.
    #[serde(with = "duration")]
    pub(super) send_timeout: Duration,
    /// How long an unused connection is kept.
    #[serde(with = "duration")]
    pub(super) idle_timeout: Duration,
    /// The wait before the second attempt; it doubles.
    #[serde(with = "duration")]
    pub(super) first_delay: Duration,
    /// The longest wait between attempts.
    #[serde(with = "duration")]
    pub(super) max_delay: Duration,
    /// How far waits are moved at random.
    pub(super) jitter: f64,
    /// The age at which a mail is given up.
    #[serde(with = "duration")]
    pub(super) give_up_after: Duration,
    /// How often the queue is looked at without being told.
    #[serde(with = "duration")]
    pub(super) poll_interval: Duration,
}

/// How a connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Security {
    /// By TLS, after asking for it; refused where the server doesn't offer it.
    Starttls,
    /// By TLS from the first byte.
    Tls,
    /// Not at all.
    None,
}

impl Config {
    /// Whether a mail server is set up.
    pub(crate) fn is_set_up(&self) -> bool {
        !self.host.is_empty()
    }

    /// Notes everything that is out of range.
    pub(crate) fn check(&self, check: &mut Check) {
        if self.is_set_up() {
            let from = self.sender().is_some();
            check.require(
                "mail.from",
                from,
                "an address such as \"Millstream <millstream@example.com>\" where `mail.host` is set",
            );
            let exposed = self.security == Security::None
                && !self.username.is_empty()
                && !self.is_on_this_machine();
            check.require(
                "mail.security",
                !exposed,
                "\"starttls\" or \"tls\" where a user name is sent to another machine",
            );
        }
        check.at_least_one("mail.port", self.port);
        for (setting, time) in [
            ("mail.connect_timeout", self.connect_timeout),
            ("mail.send_timeout", self.send_timeout),
            ("mail.first_delay", self.first_delay),
            ("mail.max_delay", self.max_delay),
            ("mail.poll_interval", self.poll_interval),
        ] {
            check.more_than_zero(setting, time);
        }
        let jitter = (0.0..=1.0).contains(&self.jitter);
        check.require("mail.jitter", jitter, "from 0 to 1");
    }

    /// Why the certificates can't be used, if so.
    pub(crate) fn unusable_ca_file(&self) -> Option<String> {
        smtp::own_authorities(self)
            .err()
            .map(|error| format!("{error:#}"))
    }

    /// The sender of all mail.
    pub(super) fn sender(&self) -> Option<Mailbox> {
        let text = self.from.trim();
        let named = text.strip_suffix('>').and_then(|text| text.split_once('<'));
        let (name, email) = named.unwrap_or(("", text));
        let name = name.trim().trim_matches('"');
        let email = address::parse(email)?;
        // Every mail server must be able to take it.
        let plain = email.to_string().is_ascii() && !name.contains(char::is_control);
        let name = (!name.is_empty()).then(|| name.to_owned());
        plain.then(|| Mailbox::new(name, email))
    }

    pub(super) fn schedule(&self) -> schedule::Schedule {
        schedule::Schedule {
            first_delay: self.first_delay,
            max_delay: self.max_delay,
            jitter: self.jitter,
            give_up_after: self.give_up_after,
        }
    }

    /// What must never be shown.
    pub(super) fn secret(&self) -> &str {
        self.password.expose_secret()
    }

    fn is_on_this_machine(&self) -> bool {
        let address: Result<IpAddr, _> = self.host.parse();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}
