//! Which server a command speaks to, and with which token: the one place that decides.
//!
//! Each is taken from the first that says it: the command line, the environment, a profile (what
//! `millstream login` keeps), the server on this machine with the admin token of its data folder. A
//! token that we know the server of is sent to no other.

mod client;
mod pages;
mod refused;

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;

use super::profiles::{Profile, Profiles, profiles_path};
use super::{Failure, reachable};
use crate::config::{self, Files};
use crate::serve;

pub(crate) use client::Remote;
pub(super) use client::{Credential, block_on, normal_url};
pub(super) use pages::{Pages, query};
pub(super) use refused::Refused;

/// Which server is meant.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Place {
    /// The profile that `millstream login` makes [env: MILLSTREAM_PROFILE]. What goes before what
    /// says `millstream --help`.
    #[arg(long, value_name = "NAME", global = true, help_heading = HEADING)]
    pub(super) profile: Option<String>,
    /// The server's address [env: MILLSTREAM_URL].
    #[arg(long, value_name = "URL", global = true, help_heading = HEADING)]
    pub(super) server: Option<String>,
    /// The configuration file of a server on this machine, to find its address and its data folder.
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_CONFIG", global = true, help_heading = HEADING)]
    pub(super) config: Option<PathBuf>,
}

/// Which server is meant, and who asks.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) place: Place,
    /// An API token [env: MILLSTREAM_TOKEN]. Others on this machine may see it on a command line:
    /// prefer the variable, or `millstream login`.
    #[arg(long, value_name = "TOKEN", global = true, help_heading = HEADING)]
    pub(super) token: Option<SecretString>,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

const HEADING: &str = "Server";

/// What the environment says.
#[derive(Default)]
struct Environment {
    profile: Option<String>,
    server: Option<String>,
    token: Option<SecretString>,
    /// Whether it says where a server on this machine listens.
    configures: bool,
}

/// Settings that say where a server on this machine listens.
const LISTENS: [&str; 2] = ["MILLSTREAM_LISTEN", "MILLSTREAM_CONTROL__LISTEN"];

impl Environment {
    fn read() -> Self {
        let text = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            profile: text("MILLSTREAM_PROFILE"),
            server: text("MILLSTREAM_URL"),
            token: text("MILLSTREAM_TOKEN").map(SecretString::from),
            configures: LISTENS.iter().any(|name| text(name).is_some()),
        }
    }
}

/// Where a token came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `--token`.
    Option,
    /// `MILLSTREAM_TOKEN`.
    Environment,
    /// The profile of this name.
    Profile(String),
    /// The data folder of the server on this machine.
    DataFolder,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Option => f.write_str("--token"),
            Self::Environment => f.write_str("MILLSTREAM_TOKEN"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::DataFolder => f.write_str("the admin token of the data folder"),
        }
    }
}

/// A server and the token for it.
#[derive(Debug)]
pub(super) struct Target {
    /// The server's address, in its normal form.
    pub(super) url: String,
    pub(super) token: SecretString,
    pub(super) source: Source,
}

impl Options {
    /// The server that is meant, and the token for it.
    pub(super) fn target(&self) -> Result<Target, Failure> {
        let profiles = Profiles::load(&profiles_path()?)?;
        self.choose(Environment::read(), &profiles)
    }

    /// A client for it. To be called within a Tokio runtime.
    pub(super) fn connect(&self) -> Result<Remote, Failure> {
        let Target { url, token, source } = self.target()?;
        let remote = Remote::new(&url, token).map_err(Failure::Usage)?;
        Ok(remote.with_source(source))
    }

    fn choose(&self, environment: Environment, profiles: &Profiles) -> Result<Target, Failure> {
        let named = self.place.named(&environment, profiles)?;
        let url = self.place.url(&environment, named, profiles)?;
        let target = |token: &SecretString, source| {
            let (url, token) = (url.clone(), token.clone());
            Ok(Target { url, token, source })
        };
        if let Some(token) = &self.token {
            return target(token, Source::Option);
        }
        if let (Some(_), Some((name, profile))) = (&self.place.profile, named) {
            if profile.server != url {
                return Err(Failure::usage(format!(
                    "the token of profile {name} is for {}, not for {url}: leave out --server, or give a --token",
                    profile.server
                )));
            }
            return target(&profile.token, Source::Profile(name.to_owned()));
        }
        // A token that stands beside an address in the environment is that server's.
        let of_environment = match &environment.server {
            Some(server) => normal_url(server).is_ok_and(|server| server == url),
            None => true,
        };
        if let (Some(token), true) = (&environment.token, of_environment) {
            return target(token, Source::Environment);
        }
        // A configuration file that is named stands for its server, and for the admin token there.
        let local = self.place.config.is_some() && is_loopback(&url);
        let any = || profiles.for_server(&url).filter(|_| !local);
        let known = named.filter(|(_, profile)| profile.server == url);
        if let Some((name, profile)) = known.or_else(any) {
            return target(&profile.token, Source::Profile(name.to_owned()));
        }
        if !is_loopback(&url) {
            return Err(no_token(&url));
        }
        let config = config::load(self.place.config.as_deref(), Files::Unchecked)?.config;
        target(&token_file(&config.data_dir)?, Source::DataFolder)
    }
}

impl Place {
    /// The server's address, in its normal form, for those who have no token yet.
    pub(super) fn server_url(&self) -> Result<String, Failure> {
        let profiles = Profiles::load(&profiles_path()?)?;
        let environment = Environment::read();
        // The profile that is named may be still to be made.
        let named = self.named(&environment, &profiles).ok().flatten();
        self.url(&environment, named, &profiles)
    }

    /// The name of the profile that is named, if one is.
    pub(super) fn profile_name(&self) -> Option<String> {
        self.profile.clone().or(Environment::read().profile)
    }

    /// Whether the command line or the environment configures a server on this machine.
    fn configures(&self, environment: &Environment) -> bool {
        self.config.is_some() || environment.configures
    }

    /// The profile that the command line or the environment names.
    fn named<'p>(
        &'p self,
        environment: &Environment,
        profiles: &'p Profiles,
    ) -> Result<Option<(&'p str, &'p Profile)>, Failure> {
        match self.profile.as_ref().or(environment.profile.as_ref()) {
            Some(name) => profiles.named(name).map(Some),
            None => Ok(None),
        }
    }

    /// The server's address, in its normal form.
    fn url(
        &self,
        environment: &Environment,
        named: Option<(&str, &Profile)>,
        profiles: &Profiles,
    ) -> Result<String, Failure> {
        let chosen = named.filter(|_| self.profile.is_some());
        let given = match (&self.server, chosen) {
            (Some(server), _) => Some(server),
            (None, Some((_, profile))) => Some(&profile.server),
            (None, None) => environment.server.as_ref(),
        };
        // A server that is configured here is the one that is meant.
        let in_use = || match self.configures(environment) {
            true => None,
            false => profiles.in_use(),
        };
        let given = given.or_else(|| {
            let (_, profile) = named.or_else(in_use)?;
            Some(&profile.server)
        });
        if let Some(given) = given {
            return normal_url(given).map_err(Failure::Usage);
        }
        // The address that the server listens on is one of this machine's.
        let config = config::load(self.config.as_deref(), Files::Unchecked)?.config;
        let local = reachable(config.control.listen.unwrap_or(config.listen));
        normal_url(&format!("http://{local}")).map_err(Failure::Usage)
    }
}

/// Whether `url` leads to this machine whatever a name server says: the admin token of the local data
/// folder is sent nowhere else.
pub(super) fn is_loopback(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else {
        return false;
    };
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn no_token(url: &str) -> Failure {
    Failure::usage(format!(
        "a token is needed to speak to {url}: sign in with `millstream login --server {url}`, choose a profile \
         with --profile, or give a token as MILLSTREAM_TOKEN or --token"
    ))
}

/// The admin token that the server wrote on its first start.
fn token_file(data_dir: &Path) -> Result<SecretString, Failure> {
    let path = serve::token_path(data_dir);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(SecretString::from(text.trim().to_owned())),
        Err(error) => Err(Failure::usage(format!(
            "the server's token can't be read from {} ({error}): sign in with `millstream login`, give a token as \
             --token or MILLSTREAM_TOKEN, or say where the server keeps its data, by its own --config FILE \
             (MILLSTREAM_CONFIG) or by MILLSTREAM_DATA_DIR, and run this as the server's user",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const HERE: &str = "http://127.0.0.1:8080";
    const ACME: &str = "https://acme.example.com";
    const OTHER: &str = "https://other.example.com";

    fn profiles() -> Profiles {
        let profile = |server: &str, token: &str| Profile {
            server: server.to_owned(),
            organisation: "org_1".to_owned(),
            organisation_name: "Acme".to_owned(),
            person: "ann@example.com".to_owned(),
            token_id: "1".to_owned(),
            token: SecretString::from(token.to_owned()),
            expires_at: None,
        };
        let mut profiles = Profiles::default();
        profiles.put("acme", profile(ACME, "mst_acme"));
        profiles.put("other", profile(OTHER, "mst_other"));
        profiles.use_named("acme").unwrap();
        profiles
    }

    fn options(profile: Option<&str>, server: Option<&str>, token: Option<&str>) -> Options {
        Options {
            place: Place {
                profile: profile.map(str::to_owned),
                server: server.map(str::to_owned),
                config: None,
            },
            token: token.map(|token| SecretString::from(token.to_owned())),
            json: false,
        }
    }

    fn environment(
        profile: Option<&str>,
        server: Option<&str>,
        token: Option<&str>,
    ) -> Environment {
        let options = options(profile, server, token);
        Environment {
            profile: options.place.profile,
            server: options.place.server,
            token: options.token,
            configures: false,
        }
    }

    #[test]
    fn a_server_that_the_environment_configures_goes_before_the_profile_in_use() {
        let environment = Environment {
            configures: true,
            ..Environment::default()
        };
        let place = Place::default();
        let url = place.url(&environment, None, &profiles()).ok().unwrap();
        assert!(is_loopback(&url), "{url}");
        let named = Environment {
            profile: Some("acme".to_owned()),
            configures: true,
            ..Environment::default()
        };
        let options = options(None, None, None);
        let target = options.choose(named, &profiles()).ok().unwrap();
        assert_eq!(target.url, ACME);
    }

    type Level = (
        Option<&'static str>,
        Option<&'static str>,
        Option<&'static str>,
    );

    fn chosen(flags: Level, variables: Level) -> Result<(String, String), String> {
        let options = options(flags.0, flags.1, flags.2);
        let environment = environment(variables.0, variables.1, variables.2);
        match options.choose(environment, &profiles()) {
            Ok(target) => Ok((target.url, target.token.expose_secret().to_owned())),
            Err(Failure::Usage(error) | Failure::Failed(error)) => Err(error.to_string()),
            Err(Failure::Code(code)) => Err(format!("exit code {code}")),
        }
    }

    #[test]
    fn options_go_before_the_environment_and_that_before_profiles() {
        const NONE: Level = (None, None, None);
        for (flags, variables, url, token) in [
            (NONE, NONE, ACME, "mst_acme"),
            ((Some("other"), None, None), NONE, OTHER, "mst_other"),
            (NONE, (Some("other"), None, None), OTHER, "mst_other"),
            (
                (Some("acme"), None, None),
                (Some("other"), Some(HERE), Some("mst_env")),
                ACME,
                "mst_acme",
            ),
            ((None, Some(OTHER), None), NONE, OTHER, "mst_other"),
            (
                (None, Some(HERE), Some("mst_flag")),
                (None, Some(OTHER), Some("mst_env")),
                HERE,
                "mst_flag",
            ),
            (NONE, (None, Some(HERE), Some("mst_env")), HERE, "mst_env"),
            ((None, None, Some("mst_flag")), NONE, ACME, "mst_flag"),
            (
                (None, Some("https://ACME.example.com:443/"), None),
                NONE,
                ACME,
                "mst_acme",
            ),
        ] {
            let expected = Ok((url.to_owned(), token.to_owned()));
            assert_eq!(
                chosen(flags, variables),
                expected,
                "{flags:?} {variables:?}"
            );
        }
    }

    #[test]
    fn a_token_goes_to_no_other_server_than_its_own() {
        let elsewhere = "https://elsewhere.example.com";
        let refused = chosen((Some("acme"), Some(elsewhere), None), (None, None, None));
        assert!(
            refused
                .unwrap_err()
                .contains("is for https://acme.example.com")
        );
        for variables in [
            (None, None, None),
            (Some("acme"), None, None),
            (None, Some(ACME), Some("mst_env")),
        ] {
            let refused = chosen((None, Some(elsewhere), None), variables).unwrap_err();
            assert!(refused.contains("a token is needed"), "{refused}");
        }
        let (_, token) = chosen(
            (None, Some(OTHER), None),
            (None, Some(ACME), Some("mst_env")),
        )
        .unwrap();
        assert_eq!(token, "mst_other");
        let unknown = chosen((Some("nobody"), None, None), (None, None, None));
        assert!(unknown.unwrap_err().contains("there is no profile nobody"));
    }

    #[test]
    fn only_this_machine_gets_the_token_of_the_local_data_folder() {
        for url in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:8080",
            "http://localhost:8080/",
            "https://LOCALHOST",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://10.0.0.1:8080",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://localhost@example.com",
            "http://0.0.0.0:8080",
            "http://[2001:db8::1]",
            "nonsense",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
