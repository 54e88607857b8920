//! The file of profiles: for each, a server and a token that was made there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use super::Failure;

/// What a profile is called where nobody says.
pub(super) const DEFAULT: &str = "default";

/// Who somebody is at a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Profile {
    /// The server's address, in its normal form.
    pub(super) server: String,
    /// The id of the organisation that the token is for.
    pub(super) organisation: String,
    /// Its name when the token was made.
    pub(super) organisation_name: String,
    /// The e-mail address of who signed in.
    pub(super) person: String,
    /// The token's public id.
    pub(super) token_id: String,
    /// The token.
    #[serde(serialize_with = "expose")]
    pub(super) token: SecretString,
    /// When it ends (RFC 3339); none: never.
    pub(super) expires_at: Option<String>,
}

/// The file alone has the token in plain text.
fn expose<S: Serializer>(token: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose_secret())
}

impl Profile {
    /// As much of the token as may be shown.
    pub(super) fn masked_token(&self) -> String {
        let shown: String = self.token.expose_secret().chars().take(8).collect();
        format!("{shown}…")
    }
}

/// All profiles.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Profiles {
    /// The name of the one that is used where nobody names one.
    current: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

/// Where profiles are kept.
pub(super) fn profiles_path() -> Result<PathBuf, Failure> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    let absolute = |path: &PathBuf| path.is_absolute();
    let base = folder("XDG_CONFIG_HOME").filter(absolute);
    let base = base.or_else(|| Some(folder("HOME")?.join(".config")).filter(absolute));
    let base = base.ok_or_else(|| {
        Failure::usage("neither XDG_CONFIG_HOME nor HOME says where profiles are kept")
    })?;
    Ok(base.join("millstream").join("profiles.toml"))
}

impl Profiles {
    /// Those in the file at `path`; none where there is no such file.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: anyhow::Error| {
            Failure::Usage(error.context(format!("{} can't be read", path.display())))
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(unreadable(error.into())),
        };
        let metadata = fs::metadata(path).map_err(|error| unreadable(error.into()))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(Failure::usage(format!(
                "{0} has tokens in it and others may read it: `chmod 600 {0}`",
                path.display()
            )));
        }
        // The message alone: the error's own text shows the line, which may hold a token.
        let parsed = toml::from_str(&text);
        parsed.map_err(|error: toml::de::Error| unreadable(anyhow::anyhow!("{}", error.message())))
    }

    /// Writes the file whole or not at all, readable by its owner only.
    pub(super) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let folder = path.parent().context("a file is in a folder")?;
        let text = toml::to_string(self).context("the profiles can't be written as TOML")?;
        let written = make_private(folder).and_then(|()| write_private(folder, path, &text));
        written.with_context(|| format!("{} can't be written", path.display()))
    }

    /// The profile of this name.
    pub(super) fn named<'p>(&'p self, name: &str) -> Result<(&'p str, &'p Profile), Failure> {
        let found = self.profiles.get_key_value(name);
        let found = found.map(|(name, profile)| (name.as_str(), profile));
        found.ok_or_else(|| {
            let names: Vec<_> = self.profiles.keys().map(String::as_str).collect();
            let known = match names.is_empty() {
                true => "`millstream login` makes one".to_owned(),
                false => format!("there are: {}", names.join(", ")),
            };
            Failure::usage(format!("there is no profile {name}; {known}"))
        })
    }

    /// The profile that is used where nobody names one.
    pub(super) fn in_use(&self) -> Option<(&str, &Profile)> {
        let found = self.profiles.get_key_value(self.current.as_ref()?);
        found.map(|(name, profile)| (name.as_str(), profile))
    }

    /// The profile for this server: the one in use, or else the only one.
    pub(super) fn for_server(&self, url: &str) -> Option<(&str, &Profile)> {
        let mut fitting = self.all().filter(|(_, profile)| profile.server == url);
        let first = fitting.next()?;
        let in_use = self.in_use().filter(|(_, profile)| profile.server == url);
        in_use.or(fitting.next().is_none().then_some(first))
    }

    /// All, by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Profile)> {
        self.profiles
            .iter()
            .map(|(name, profile)| (name.as_str(), profile))
    }

    /// Adds or replaces a profile and uses it from now on; returns the one that was there.
    pub(super) fn put(&mut self, name: &str, profile: Profile) -> Option<Profile> {
        self.current = Some(name.to_owned());
        self.profiles.insert(name.to_owned(), profile)
    }

    /// Forgets a profile.
    pub(super) fn remove(&mut self, name: &str) {
        self.profiles.remove(name);
        if self.current.as_deref() == Some(name) {
            self.current = None;
        }
    }

    /// Uses a profile from now on.
    pub(super) fn use_named(&mut self, name: &str) -> Result<(), Failure> {
        let name = self.named(name)?.0.to_owned();
        self.current = Some(name);
        Ok(())
    }
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

fn write_private(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let partial = path.with_extension(format!("new.{}", std::process::id()));
    // A rest of a process that had the same number may have other permissions.
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(server: &str) -> Profile {
        Profile {
            server: server.to_owned(),
            organisation: "org_1".to_owned(),
            organisation_name: "Acme \"& Co\"".to_owned(),
            person: "ann@example.com".to_owned(),
            token_id: "0123".to_owned(),
            token: SecretString::from("mst_0123456789_secret".to_owned()),
            expires_at: None,
        }
    }

    #[test]
    fn profiles_are_kept_in_a_file_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/millstream/profiles.toml");
        let mut profiles = Profiles::default();
        profiles.put("home", profile("http://127.0.0.1:8080"));
        profiles.put("my work", profile("https://acme.example.com"));
        profiles.save(&path).unwrap();
        profiles.save(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "nothing but the file is left");

        let mut read = Profiles::load(&path).unwrap();
        let (name, in_use) = read.in_use().unwrap();
        assert_eq!(
            (name, in_use.organisation_name.as_str()),
            ("my work", "Acme \"& Co\"")
        );
        assert_eq!(in_use.token.expose_secret(), "mst_0123456789_secret");
        assert_eq!(in_use.masked_token(), "mst_0123…");
        read.remove("my work");
        assert!(read.in_use().is_none() && read.named("my work").is_err());
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_and_a_broken_one_shows_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profiles.toml");
        let message = |result: Result<Profiles, Failure>| match result {
            Err(Failure::Usage(error)) => format!("{error:#}"),
            other => panic!("{other:?}"),
        };
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(message(Profiles::load(&path)).contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "[profiles.a]\ntoken = \"mst_secret\" nonsense").unwrap();
        let message = message(Profiles::load(&path));
        assert!(!message.contains("mst_secret"), "{message}");
    }

    #[test]
    fn of_several_profiles_for_a_server_the_one_in_use_is_taken() {
        let mut profiles = Profiles::default();
        profiles.put("a", profile("https://one"));
        profiles.put("b", profile("https://one"));
        profiles.put("c", profile("https://two"));
        assert!(profiles.for_server("https://one").is_none());
        assert_eq!(profiles.for_server("https://two").unwrap().0, "c");
        profiles.use_named("b").unwrap();
        assert_eq!(profiles.for_server("https://one").unwrap().0, "b");
        assert!(profiles.for_server("https://three").is_none());
    }
}
