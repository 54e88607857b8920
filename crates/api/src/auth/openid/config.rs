//! Settings of a provider.

use std::net::IpAddr;

use axum::http::Uri;
use model::OrganisationId;
use model::access::Role;
use model::setting::Check;
use serde::{Deserialize, Deserializer};
use store::{Admission, Secret};

/// Longest name of a provider in the configuration, which also stands in paths.
const ID_CHARACTERS: usize = 32;

/// Longest text on a button.
const NAME_CHARACTERS: usize = 60;

/// A provider that people sign in with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What the button says.
    pub name: String,
    /// The provider: where its discovery document is found.
    pub issuer: String,
    /// What the provider calls this installation.
    pub client_id: String,
    /// What this installation proves itself with; empty for a public client.
    #[serde(deserialize_with = "secret")]
    pub client_secret: Secret,
    /// What is asked for besides `openid`, divided by spaces.
    pub scopes: String,
    /// The domains whose addresses are let in, divided by spaces; empty: any.
    pub domains: String,
    /// The organisation that those join whom nobody has invited; empty: none.
    pub organisation: String,
    /// What they are in it: anything but owners.
    #[serde(deserialize_with = "role")]
    pub role: Role,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::new(),
            issuer: String::new(),
            client_id: String::new(),
            client_secret: Secret::new(String::new()),
            scopes: "email profile".into(),
            domains: String::new(),
            organisation: String::new(),
            role: Role::Viewer,
        }
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
    let named = String::deserialize(deserializer)?.parse().ok();
    let role = named.filter(|role| *role != Role::Owner);
    role.ok_or_else(|| {
        serde::de::Error::custom("must be \"viewer\", \"partner\", \"member\" or \"admin\"")
    })
}

impl Config {
    /// Notes everything that is out of range in the settings of the provider `id`.
    pub(in crate::auth) fn check(&self, id: &str, check: &mut Check) {
        let setting = |name: &str| format!("access.openid.{id}.{name}");
        let plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-');
        let usable_id = !id.is_empty() && id.len() <= ID_CHARACTERS && id.chars().all(plain);
        check.require(
            format!("access.openid.{id}"),
            usable_id,
            "named by a to z, 0 to 9, _ and -, at most 32 of them",
        );
        let name = (1..=NAME_CHARACTERS).contains(&self.name.chars().count());
        check.require(
            setting("name"),
            name && !self.name.contains(char::is_control),
            "a text of 1 to 60 characters on one line",
        );
        check.require(
            setting("issuer"),
            is_issuer(&self.issuer),
            "a URL without query such as \"https://id.example.com\"; http:// on this machine only",
        );
        check.require(
            setting("client_id"),
            !self.client_id.is_empty(),
            "what the provider calls this installation",
        );
        check.require(
            setting("scopes"),
            self.scopes.split(' ').all(is_scope),
            "scopes divided by spaces, such as \"email profile\"",
        );
        check.require(
            setting("domains"),
            self.domains().all(is_domain),
            "domains divided by spaces, such as \"example.com example.org\"",
        );
        let organisation = self.organisation.as_str();
        check.require(
            setting("organisation"),
            organisation.is_empty() || organisation.parse::<OrganisationId>().is_ok(),
            "an organisation's id such as \"org_06r3h4v8n5s7qj2k0c1d9w6xyz\", or empty",
        );
        check.require(
            setting("domains"),
            organisation.is_empty() || self.domains().next().is_some(),
            "set where `organisation` is: else everyone whom the provider knows would join it",
        );
    }

    /// The domains whose addresses are let in; none: any.
    pub(super) fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.split(' ').filter(|domain| !domain.is_empty())
    }

    /// Where those go whom nobody has invited.
    pub(super) fn admission(&self) -> Option<Admission> {
        let organisation = self.organisation.parse().ok()?;
        let role = self.role;
        Some(Admission { organisation, role })
    }
}

/// Whether an address may be asked: what comes from it decides who is let in.
pub(super) fn is_safe(url: &Uri) -> bool {
    match (url.scheme_str(), url.host()) {
        (Some("https"), Some(host)) => !host.is_empty(),
        (Some("http"), Some(host)) => is_this_machine(host),
        _ => false,
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn is_issuer(text: &str) -> bool {
    let url = text.parse::<Uri>();
    url.is_ok_and(|url| is_safe(&url)) && !text.contains(['?', '#', '@'])
}

/// RFC 6749, section 3.3; the spaces between several make empty ones, which count for nothing.
fn is_scope(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

fn is_domain(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    text.bytes().all(plain) && !text.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> Config {
        Config {
            name: "Acme".into(),
            issuer: "https://id.example.com".into(),
            client_id: "millstream".into(),
            ..Config::default()
        }
    }

    fn problems(id: &str, config: &Config) -> Vec<String> {
        let mut check = Check::default();
        config.check(id, &mut check);
        let found = check.finish().into_iter();
        found.map(|invalid| invalid.setting.into_owned()).collect()
    }

    #[test]
    fn what_is_needed_is_enough() {
        assert!(problems("acme", &acme()).is_empty());
        let whole = Config {
            scopes: "email  profile".into(),
            domains: "example.com  example.org".into(),
            organisation: "org_06r3h4v8n5s7qj2k0c1d9w6xyz".into(),
            role: Role::Member,
            ..acme()
        };
        assert!(problems("acme-2", &whole).is_empty());
        assert_eq!(whole.domains().count(), 2);
        assert_eq!(whole.admission().unwrap().role, Role::Member);
    }

    #[test]
    fn each_setting_that_is_out_of_range_is_named() {
        let long = "a".repeat(61);
        let wrong: &[(&str, &str, &str)] = &[
            ("name", "", "name"),
            ("name", &long, "name"),
            ("issuer", "http://id.example.com", "issuer"),
            ("issuer", "id.example.com", "issuer"),
            ("issuer", "https://id.example.com/?a=b", "issuer"),
            ("client_id", "", "client_id"),
            ("scopes", "email \"", "scopes"),
            ("domains", "@example.com", "domains"),
            ("domains", "Example.com", "domains"),
            ("organisation", "acme", "organisation"),
        ];
        for &(setting, value, _) in wrong {
            let mut config = acme();
            config.domains = "example.com".into();
            match setting {
                "name" => config.name = value.into(),
                "issuer" => config.issuer = value.into(),
                "client_id" => config.client_id = value.into(),
                "scopes" => config.scopes = value.into(),
                "domains" => config.domains = value.into(),
                _ => config.organisation = value.into(),
            }
            let expected = format!("access.openid.acme.{setting}");
            assert_eq!(problems("acme", &config), [expected], "{value}");
        }
        let open_to_all = Config {
            organisation: "org_06r3h4v8n5s7qj2k0c1d9w6xyz".into(),
            ..acme()
        };
        assert_eq!(
            problems("acme", &open_to_all),
            ["access.openid.acme.domains"]
        );
        assert_eq!(problems("A", &acme()), ["access.openid.A"]);
    }

    #[test]
    fn an_issuer_on_this_machine_goes_without_tls() {
        for issuer in [
            "http://localhost:4000",
            "http://127.0.0.1/a",
            "http://[::1]:1",
        ] {
            assert!(is_issuer(issuer), "{issuer}");
        }
    }
}
