//! The configuration: the embedded default file, a file of the operator's, the environment.

mod components;
mod environment;
mod load;
mod masking;
mod problem;
pub(crate) mod reference;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use model::setting::{Check, Invalid};
use serde::{Deserialize, Deserializer};

pub(crate) use load::{Files, Setting, load};
pub(crate) use problem::Problems;

use crate::{mail, receiver};

/// The commented file that is the defaults.
pub(crate) const DEFAULTS: &str = include_str!("../../millstream.default.toml");

/// Settings that have no default and so stand in the default file only as a comment.
const OPTIONAL_KEYS: &[&str] = &[
    "access.openid.NAME.client_id",
    "access.openid.NAME.client_secret",
    "access.openid.NAME.domains",
    "access.openid.NAME.issuer",
    "access.openid.NAME.name",
    "access.openid.NAME.organisation",
    "access.openid.NAME.role",
    "access.openid.NAME.scopes",
    "client.ca_file",
    "mail.ca_file",
];

/// Settings whose values are never shown whole.
const SECRET_KEYS: &[&str] = &[
    "access.openid.NAME",
    "access.openid.NAME.client_secret",
    "mail.password",
    "store.database",
    "store.key",
];

/// What stands in keys for the names that operators choose.
const ANY_NAME: &str = "NAME";

/// Whether a setting is the one of this key, or one of those that the key stands for.
fn is_of_key(setting: &str, key: &str) -> bool {
    let (mut names, mut wanted) = (setting.split('.'), key.split('.'));
    loop {
        match (names.next(), wanted.next()) {
            (None, None) => return true,
            (Some(name), Some(wanted)) if name == wanted || wanted == ANY_NAME => {}
            _ => return false,
        }
    }
}

/// Whether a setting's value is never shown whole.
fn is_secret(setting: &str) -> bool {
    SECRET_KEYS.iter().any(|key| is_of_key(setting, key))
}

/// Every setting, by component.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where everything is kept.
    pub(crate) data_dir: PathBuf,
    /// The address that takes events, and, unless it has one of its own, the control API.
    pub(crate) listen: SocketAddr,
    /// The control API.
    pub(crate) control: Control,
    /// Connections.
    pub(crate) http: Http,
    /// Who is let in.
    pub(crate) access: api::auth::Config,
    /// What comes in.
    pub(crate) ingest: api::ingest::Config,
    /// Events, users' state, cursors, retries.
    pub(crate) journal: components::Journal,
    /// Projects, syncs, tokens, secrets.
    pub(crate) store: components::Store,
    /// How mail is sent.
    pub(crate) mail: mail::Config,
    /// The lanes.
    pub(crate) lanes: stream::Config,
    /// When a destination counts as gone.
    pub(crate) breaker: stream::breaker::Config,
    /// What goes out: connections, timeouts and bounds.
    pub(crate) client: delivery::config::Client,
    /// Which addresses may be destinations.
    pub(crate) egress: delivery::config::Egress,
    /// The tries within one attempt.
    pub(crate) tries: delivery::config::Tries,
    /// The attempts of one delivery.
    pub(crate) retry: delivery::config::Retry,
    /// The built-in receiver.
    pub(crate) receiver: receiver::Config,
    /// When the server calls itself ready.
    pub(crate) health: Health,
    /// The log.
    pub(crate) log: Log,
    /// How the server ends.
    pub(crate) shutdown: Shutdown,
}

/// The control API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Control {
    /// An address of its own.
    #[serde(deserialize_with = "empty_is_none")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where people reach it: what links in mails begin with. Empty: it is derived.
    public_url: String,
    /// How long a request may take as a whole.
    #[serde(with = "duration")]
    pub(crate) request_timeout: Duration,
}

/// Connections.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    /// Open connections at once.
    pub(crate) connection_limit: usize,
    /// How long a client may take to send a request's head, the wait since the last one included.
    #[serde(with = "duration")]
    pub(crate) header_read_timeout: Duration,
    /// The largest head.
    pub(crate) header_bytes: usize,
}

/// When the server calls itself ready.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Health {
    /// The age of the oldest undelivered event of a healthy sync beyond which it doesn't.
    #[serde(with = "duration")]
    pub(crate) oldest_undelivered: Duration,
}

/// The log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// How a line looks.
    pub(crate) format: LogFormat,
    /// What is logged.
    pub(crate) filter: String,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// How the server ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shutdown {
    /// How long it may take.
    #[serde(with = "duration")]
    pub(crate) deadline: Duration,
}

impl Config {
    /// The settings of delivery together.
    pub(crate) fn delivery(&self) -> delivery::Config {
        delivery::Config {
            client: self.client.clone(),
            egress: self.egress.clone(),
            tries: self.tries,
            retry: self.retry,
        }
    }

    /// Where people reach the control API, without a slash at the end.
    pub(crate) fn public_url(&self) -> String {
        match self.control.public_url.trim_end_matches('/') {
            "" => format!("http://{}", self.control.listen.unwrap_or(self.listen)),
            url => url.to_owned(),
        }
    }

    /// Where people reach the control API, if the configuration says so.
    pub(crate) fn configured_url(&self) -> Option<&str> {
        let url = self.control.public_url.as_str();
        (!url.is_empty()).then_some(url)
    }

    /// The host of [`public_url`](Self::public_url).
    pub(crate) fn public_host(&self) -> String {
        let url = self.public_url().parse::<http::Uri>().ok();
        let host = url.as_ref().and_then(http::Uri::host);
        host.unwrap_or("localhost").to_owned()
    }

    /// What no type forbids, in all components.
    fn problems(&self) -> Vec<Invalid> {
        let mut found = self.own_problems();
        found.extend(self.access.problems());
        found.extend(self.ingest.problems());
        found.extend(self.journal.in_folder(&self.data_dir).problems());
        found.extend(self.store.in_folder(&self.data_dir).problems());
        found.extend(self.lanes.problems());
        found.extend(self.breaker.problems());
        found.extend(self.delivery().problems());
        found
    }

    fn own_problems(&self) -> Vec<Invalid> {
        let mut check = Check::default();
        let shared = self.control.listen == Some(self.listen) && self.listen.port() != 0;
        check.require(
            "control.listen",
            !shared,
            "another address than `listen`, or empty for one address",
        );
        let public_url = self.control.public_url.as_str();
        check.require(
            "control.public_url",
            public_url.is_empty() || is_base_url(public_url),
            "a URL without query such as \"https://millstream.example.com\", or empty",
        );
        check.require(
            "control.public_url",
            !public_url.is_empty() || !self.mail.is_set_up(),
            "set where `mail.host` is: links in mails begin with it",
        );
        check.require(
            "control.public_url",
            !public_url.is_empty() || self.access.openid.is_empty(),
            "set where `access.openid` is: providers send people back there",
        );
        self.mail.check(&mut check);
        // More than a process can have open; tokio's semaphores have a bound of their own.
        let connections = (1..=10_000_000).contains(&self.http.connection_limit);
        check.require("http.connection_limit", connections, "from 1 to 10000000");
        // hyper's own lower bound.
        let header_bytes = self.http.header_bytes >= 8192;
        check.require("http.header_bytes", header_bytes, "at least 8192");
        check.more_than_zero("http.header_read_timeout", self.http.header_read_timeout);
        check.more_than_zero("control.request_timeout", self.control.request_timeout);
        check.more_than_zero("shutdown.deadline", self.shutdown.deadline);
        let receiver = [
            ("receiver.names", self.receiver.names),
            (
                "receiver.requests_per_name",
                self.receiver.requests_per_name,
            ),
            ("receiver.bytes_per_name", self.receiver.bytes_per_name),
            ("receiver.body_max_bytes", self.receiver.body_max_bytes),
        ];
        for (setting, number) in receiver {
            check.at_least_one(setting, number as u64);
        }
        let parsed = self.log.filter.parse::<tracing_subscriber::EnvFilter>();
        if let Err(error) = parsed {
            let allowed = format!("a filter such as \"info,millstream=debug\" ({error})");
            check.require("log.filter", false, allowed);
        }
        check.finish()
    }

    /// The settings whose files or folders can't be used, and why. Makes nothing.
    fn unusable_files(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.data_dir.exists() && !self.data_dir.is_dir() {
            found.push(("data_dir", "is no folder".to_owned()));
        }
        if let Err(error) = delivery::Client::check_files(&self.client) {
            found.push(("client.ca_file", with_causes(error)));
        }
        if let Some(reason) = self.mail.unusable_ca_file() {
            found.push(("mail.ca_file", reason));
        }
        if let Err(error) = self.store.in_folder(&self.data_dir).check_files() {
            let setting = match error {
                store::Error::KeyMalformed { .. } => "store.key",
                _ => "store.key_file",
            };
            found.push((setting, with_causes(error)));
        }
        found
    }
}

fn with_causes(error: impl std::error::Error + Send + Sync + 'static) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

/// Whether paths can be put behind the text to make URLs.
fn is_base_url(text: &str) -> bool {
    let Ok(url) = text.parse::<http::Uri>() else {
        return false;
    };
    matches!(url.scheme_str(), Some("http" | "https"))
        && url.host().is_some_and(|host| !host.is_empty())
        && !text.contains(['?', '#', '@'])
}

fn empty_is_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        serde::de::Error::custom(
            "must be an address and a port, such as \"127.0.0.1:8081\", or empty",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_default_file_says_what_the_components_take_as_their_defaults() {
        let config = load(None, Files::Unchecked)
            .expect("the defaults can be used")
            .config;
        let folder = Path::new("folder");
        assert_eq!(config.delivery(), delivery::Config::default());
        assert_eq!(
            config.journal.in_folder(folder),
            journal::sqlite::Config::new(folder.join("journal"))
        );
        assert!(config.store.in_folder(folder) == store::Config::in_folder(folder));
        let text = |config: &dyn std::fmt::Debug| format!("{config:?}");
        assert_eq!(text(&config.access), text(&api::auth::Config::default()));
        assert_eq!(text(&config.lanes), text(&stream::Config::default()));
        let breaker = stream::breaker::Config::default();
        assert_eq!(text(&config.breaker), text(&breaker));
        assert_eq!(text(&config.ingest), text(&api::ingest::Config::default()));
    }
}
