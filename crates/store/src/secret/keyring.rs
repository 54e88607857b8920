//! The keys that seal secrets at rest, and the envelopes that they are sealed in.
//!
//! The key file has one key a line, `ID:HEX`; the first one seals, all of them open. An envelope is
//! the text `1:KEY_ID:HEX`: the version of its form, the key, and the nonce followed by what
//! XChaCha20-Poly1305 made of the value. The row's id is bound to it, so that an envelope that is
//! copied to another row doesn't open there.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use model::Random;

use super::{from_hexadecimal, hexadecimal};
use crate::Error;

const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;
const FORM: &str = "1";

/// The keys that seal and open secrets.
pub struct Keyring {
    /// Never empty: the first one seals.
    keys: Vec<Key>,
}

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.keys.iter().map(|key| &key.id);
        f.debug_list().entries(ids).finish()
    }
}

impl Keyring {
    /// Reads the key file. Where there is none: makes one with a new key if that can do no harm
    /// (`may_make`: nothing is sealed yet), and refuses otherwise.
    pub fn open(path: &Path, may_make: bool, random: &dyn Random) -> Result<Self, Error> {
        if let Some(keys) = Self::read(path)? {
            return Ok(keys);
        }
        if !may_make {
            return Err(Error::KeyFileMissing {
                path: path.to_owned(),
            });
        }
        let text = new_key(random);
        write_key_file(path, &text)?;
        Self::from_text(&text, path)
    }

    /// The keys that the configuration gives, separated by commas or line breaks.
    pub(crate) fn given(text: &str) -> Result<Self, Error> {
        let lines = text.split([',', '\n']).map(str::trim);
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        Self::parse(&lines.join("\n")).map_err(|line| Error::KeyMalformed { number: line })
    }

    /// Puts a new key before the others in the key file: it seals from the next reading on.
    pub(crate) fn add_key(path: &Path, random: &dyn Random) -> Result<(), Error> {
        let present = read_text(path)?;
        write_key_file(path, &format!("{}{present}", new_key(random)))
    }

    /// Takes the keys with these ids out of the key file.
    pub(crate) fn remove_keys(path: &Path, ids: &[String]) -> Result<(), Error> {
        let present = read_text(path)?;
        let goes = |line: &&str| {
            let id = line.split_once(':').map_or("", |(id, _)| id);
            ids.iter().any(|removed| removed == id)
        };
        let kept = present.lines().filter(|line| !goes(line));
        let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
        write_key_file(path, &kept)
    }

    /// The keys' ids; the first one seals.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// Reads the key file; `None` when there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Error> {
        let unusable = |source| Error::KeyFile {
            path: path.to_owned(),
            source,
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(error)),
        };
        if readable_by_others(path).map_err(unusable)? {
            return Err(Error::KeyFileExposed {
                path: path.to_owned(),
            });
        }
        Self::from_text(&text, path).map(Some)
    }

    fn from_text(text: &str, path: &Path) -> Result<Self, Error> {
        Self::parse(text).map_err(|line| Error::KeyFileMalformed {
            path: path.to_owned(),
            line,
        })
    }

    /// The keys of a key file's text, or the number of the line that is wrong.
    fn parse(text: &str) -> Result<Self, usize> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            keys.push(Key::parse(line).ok_or(index + 1)?);
        }
        if keys.is_empty() {
            return Err(1);
        }
        Ok(Self { keys })
    }

    /// Whether there is a key of this id.
    pub(crate) fn has(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.id == key_id)
    }

    /// The id of the key that an envelope was sealed with.
    pub(crate) fn key_id(envelope: &str) -> Option<&str> {
        let mut parts = envelope.splitn(3, ':');
        (parts.next() == Some(FORM)).then(|| parts.next())?
    }

    /// Seals a value for the row `id`.
    pub(crate) fn seal(
        &self,
        id: &str,
        value: &[u8],
        random: &dyn Random,
    ) -> Result<String, Error> {
        let mut sealed = [0; NONCE_BYTES];
        for chunk in sealed.chunks_exact_mut(8) {
            chunk.copy_from_slice(&random.next_u64().to_le_bytes());
        }
        let payload = Payload {
            msg: value,
            aad: id.as_bytes(),
        };
        let key = &self.keys[0];
        let nonce = XNonce::from(sealed);
        let unsealable = |_| Error::Unsealable { id: id.to_owned() };
        let sealed_value = key.cipher.encrypt(&nonce, payload).map_err(unsealable)?;
        let digits = hexadecimal(&[&sealed[..], &sealed_value].concat());
        Ok(format!("{FORM}:{}:{digits}", key.id))
    }

    /// Opens an envelope of the row `id`.
    pub(crate) fn open_envelope(&self, id: &str, envelope: &str) -> Result<Vec<u8>, Error> {
        let unsealable = || Error::Unsealable { id: id.to_owned() };
        let mut parts = envelope.splitn(3, ':');
        let (Some(FORM), Some(key_id), Some(digits)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(unsealable());
        };
        let key = self.keys.iter().find(|key| key.id == key_id);
        let key = key.ok_or_else(|| Error::UnknownKey {
            key_id: key_id.to_owned(),
        })?;
        let sealed = from_hexadecimal(digits).ok_or_else(unsealable)?;
        let (nonce, msg) = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(unsealable)?;
        let payload = Payload {
            msg,
            aad: id.as_bytes(),
        };
        let opened = key.cipher.decrypt(&XNonce::from(*nonce), payload);
        opened.map_err(|_| unsealable())
    }
}

impl Key {
    fn parse(line: &str) -> Option<Self> {
        let (id, digits) = line.split_once(':')?;
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let key: [u8; KEY_BYTES] = from_hexadecimal(digits)?.try_into().ok()?;
        plain.then(|| Self {
            id: id.to_owned(),
            cipher: XChaCha20Poly1305::new(&key.into()),
        })
    }
}

/// The line of a new key.
fn new_key(random: &dyn Random) -> String {
    let id = random.next_u64();
    let key: [u64; KEY_BYTES / 8] = std::array::from_fn(|_| random.next_u64());
    let key = hexadecimal(&key.map(u64::to_le_bytes).concat());
    format!("{id:016x}:{key}\n")
}

fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::KeyFile {
        path: path.to_owned(),
        source,
    })
}

/// Writes a key file, whole or not at all.
fn write_key_file(path: &Path, text: &str) -> Result<(), Error> {
    let unusable = |source| Error::KeyFile {
        path: path.to_owned(),
        source,
    };
    write_whole(path, text).map_err(unusable)
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = private_file(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    // Secrets may be sealed and committed from now on: the file's name must last as well.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(path)?.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;

    fn keyring(lines: &[&str]) -> Keyring {
        Keyring::parse(&lines.join("\n")).expect("a key file")
    }

    const OLD: &str = "old:1111111111111111111111111111111111111111111111111111111111111111";
    const NEW: &str = "new:2222222222222222222222222222222222222222222222222222222222222222";

    #[test]
    fn a_sealed_value_opens_for_its_row_only() {
        let (keyring, random) = (keyring(&[OLD]), Seeded::new(1));
        let envelope = keyring.seal("a", b"value", &random).unwrap();
        assert!(!envelope.contains("value"));
        assert_eq!(keyring.open_envelope("a", &envelope).unwrap(), b"value");
        let moved = keyring.open_envelope("b", &envelope);
        assert!(matches!(moved, Err(Error::Unsealable { .. })));
    }

    #[test]
    fn a_changed_envelope_does_not_open() {
        let (keyring, random) = (keyring(&[OLD]), Seeded::new(1));
        let envelope = keyring.seal("a", b"value", &random).unwrap();
        let flipped = match envelope.strip_suffix('0') {
            Some(rest) => format!("{rest}1"),
            None => format!("{}0", &envelope[..envelope.len() - 1]),
        };
        for wrong in [flipped.as_str(), "", "1:old:", "1:old:00", "2:old:00", "x"] {
            assert!(keyring.open_envelope("a", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_key_seals_and_older_ones_still_open() {
        let random = Seeded::new(1);
        let sealed_before = keyring(&[OLD]).seal("a", b"value", &random).unwrap();
        let rotated = keyring(&[NEW, OLD]);
        assert_eq!(
            rotated.open_envelope("a", &sealed_before).unwrap(),
            b"value"
        );
        assert!(
            rotated
                .seal("a", b"value", &random)
                .unwrap()
                .starts_with("1:new:")
        );
        let without = keyring(&[NEW]).open_envelope("a", &sealed_before);
        assert!(matches!(without, Err(Error::UnknownKey { key_id }) if key_id == "old"));
    }

    #[test]
    fn the_same_value_is_sealed_differently_each_time() {
        let (keyring, random) = (keyring(&[OLD]), Seeded::new(1));
        let seal = || keyring.seal("a", b"value", &random).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_key_file_is_made_private_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let random = Seeded::new(1);
        let made = Keyring::open(&path, true, &random).unwrap();
        assert!(!readable_by_others(&path).unwrap());
        let envelope = made.seal("a", b"value", &random).unwrap();
        let again = Keyring::open(&path, false, &random).unwrap();
        assert_eq!(again.open_envelope("a", &envelope).unwrap(), b"value");
        let shown = format!("{again:?}");
        let key = fs::read_to_string(&path).unwrap();
        assert!(!shown.contains(key.trim().split_once(':').unwrap().1));
    }

    #[test]
    fn a_missing_exposed_or_malformed_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let random = Seeded::new(1);
        let missing = Keyring::open(&path, false, &random);
        assert!(matches!(missing, Err(Error::KeyFileMissing { .. })));
        for (text, wrong_line) in [("", 1), ("a:b", 1), (&*format!("{OLD}\nnew:22"), 2)] {
            private_file(&path)
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
            let malformed = Keyring::open(&path, true, &random);
            assert!(
                matches!(malformed, Err(Error::KeyFileMalformed { line, .. }) if line == wrong_line)
            );
        }
    }

    #[test]
    fn a_key_is_put_before_the_others_and_taken_out_of_a_file_that_stays_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let random = Seeded::new(1);
        let former = Keyring::open(&path, true, &random).unwrap();
        let envelope = former.seal("a", b"value", &random).unwrap();
        let ids = |keyring: &Keyring| keyring.ids().map(str::to_owned).collect::<Vec<_>>();

        Keyring::add_key(&path, &random).unwrap();
        let both = Keyring::open(&path, false, &random).unwrap();
        assert_eq!(ids(&both)[1..], ids(&former));
        assert_eq!(both.open_envelope("a", &envelope).unwrap(), b"value");
        let sealed = both.seal("a", b"value", &random).unwrap();
        assert_eq!(Keyring::key_id(&sealed), both.ids().next());

        Keyring::remove_keys(&path, &ids(&former)).unwrap();
        let present = Keyring::open(&path, false, &random).unwrap();
        assert_eq!(ids(&present), ids(&both)[..1]);
        assert!(!readable_by_others(&path).unwrap());
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "nothing with keys is left beside the file");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        Keyring::open(&path, true, &Seeded::new(1)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let exposed = Keyring::open(&path, true, &Seeded::new(1));
        assert!(matches!(exposed, Err(Error::KeyFileExposed { .. })));
    }
}
