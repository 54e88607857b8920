//! Identifiers: newtypes with a prefix that says what they name, parsed once at the edge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::Xxh3;

use crate::event::Offset;
use crate::random::Random;
use crate::request::Part;

/// Crockford's base 32 in lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters that 128 bits take in base 32.
const DIGITS: usize = 26;

/// Why a text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of the form {prefix}… (26 characters after the prefix)")]
pub struct ParseIdError {
    /// The prefix that such an id starts with.
    pub prefix: &'static str,
}

fn base32(value: u128) -> [u8; DIGITS] {
    // In two halves, since shifting 128 bits takes several instructions.
    let (mut high, mut low) = ((value >> 65) as u64, value as u64);
    let middle = (value >> 60) as usize & 31;
    let mut digits = [0u8; DIGITS];
    for slot in digits[14..].iter_mut().rev() {
        *slot = ALPHABET[(low & 31) as usize];
        low >>= 5;
    }
    digits[13] = ALPHABET[middle];
    for slot in digits[..13].iter_mut().rev() {
        *slot = ALPHABET[(high & 31) as usize];
        high >>= 5;
    }
    digits
}

fn parse_base32(text: &str) -> Option<u128> {
    if text.len() != DIGITS {
        return None;
    }
    let mut value: u128 = 0;
    for (position, byte) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|&c| c == byte)? as u128;
        // 26 digits hold 130 bits; the first one may only use the lowest three of its five.
        if position == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | digit;
    }
    Some(value)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What the text form starts with.
            pub const PREFIX: &'static str = $prefix;

            /// The text form, as bytes.
            pub fn to_text(self) -> Vec<u8> {
                [$prefix.as_bytes(), &base32(self.0)].concat()
            }

            /// A new identifier, unique for any purpose (128 random bits).
            pub fn generate(random: &dyn Random) -> Self {
                Self((u128::from(random.next_u64()) << 64) | u128::from(random.next_u64()))
            }

            /// The bits, for use as a storage key.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// The identifier with these bits.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(std::str::from_utf8(&base32(self.0)).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix($prefix)
                    .and_then(parse_base32)
                    .map(Self)
                    .ok_or(ParseIdError { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// An organisation: members, and the projects that they share.
    OrganisationId,
    "org_"
);
id!(
    /// A person with an account.
    PersonId,
    "person_"
);
id!(
    /// A person as a provider of OpenID Connect knows them.
    IdentityId,
    "identity_"
);
id!(
    /// An entry of the audit log.
    AuditId,
    "audit_"
);
id!(
    /// A project: one stream of events with keys of its own.
    ProjectId,
    "prj_"
);
id!(
    /// A destination definition.
    DefinitionId,
    "dst_"
);
id!(
    /// A sync: a definition connected to a project with a user's settings. Each has a lane.
    SyncId,
    "sync_"
);
id!(
    /// One delivery: one event (or user) to one sync. The same over all its attempts, tries and
    /// re-sends after a crash.
    DeliveryId,
    "dlv_"
);
id!(
    /// A replay: deliveries of a sync that are made again, or of past events.
    ReplayId,
    "rpl_"
);
id!(
    /// A place where incidents are told.
    ChannelId,
    "chn_"
);
id!(
    /// An incident: one rule's trouble with one sync.
    IncidentId,
    "inc_"
);
id!(
    /// A message to a webhook: the same however often it is sent.
    MessageId,
    "msg_"
);
id!(
    /// A mail to a person.
    MailId,
    "mail_"
);
id!(
    /// The erasure of a user.
    ErasureId,
    "era_"
);

impl DeliveryId {
    /// The id of the delivery of `part` of the event at `offset` of the project's log to `sync`:
    /// a hash of the four, so that it needs no storage and survives a crash.
    pub fn of(project: ProjectId, offset: Offset, sync: SyncId, part: Part) -> Self {
        let mut hash = Xxh3::new();
        hash.update(&project.to_bytes());
        hash.update(&sync.to_bytes());
        hash.update(&offset.0.to_be_bytes());
        hash.update(&[part as u8]);
        Self(hash.digest128())
    }
}

/// A project's API key, as SDKs send it: 32 hexadecimal digits. Not a secret (browsers carry it),
/// but not shown where it isn't needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKey(u128);

impl ApiKey {
    /// A new key.
    pub fn generate(random: &dyn Random) -> Self {
        Self((u128::from(random.next_u64()) << 64) | u128::from(random.next_u64()))
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}…", self.0 >> 96)
    }
}

impl FromStr for ApiKey {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let hexadecimal = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u128::from_str_radix(text, 16).ok().filter(|_| hexadecimal);
        value.map(Self).ok_or(ParseIdError { prefix: "" })
    }
}

impl Serialize for ApiKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApiKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seeded;

    #[test]
    fn an_id_survives_its_text_form() {
        let random = Seeded::new(7);
        for _ in 0..1000 {
            let id = SyncId::generate(&random);
            assert_eq!(id.to_string().parse::<SyncId>(), Ok(id));
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = ProjectId::generate(&Seeded::new(1)).to_string();
        assert!(id.parse::<SyncId>().is_err());
        assert!("sync_".parse::<SyncId>().is_err());
        assert!("sync_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<SyncId>().is_err());
    }

    #[test]
    fn a_delivery_id_differs_by_each_of_its_parts_and_is_stable() {
        let random = Seeded::new(3);
        let (project, sync) = (ProjectId::generate(&random), SyncId::generate(&random));
        let id = DeliveryId::of(project, Offset(5), sync, Part::Event);
        assert_eq!(id, DeliveryId::of(project, Offset(5), sync, Part::Event));
        assert_ne!(id, DeliveryId::of(project, Offset(6), sync, Part::Event));
        assert_ne!(id, DeliveryId::of(project, Offset(5), sync, Part::User));
        assert_ne!(
            id,
            DeliveryId::of(project, Offset(5), SyncId::generate(&random), Part::Event)
        );
    }

    #[test]
    fn an_api_key_is_32_hexadecimal_digits() {
        let key = ApiKey::generate(&Seeded::new(9));
        assert_eq!(key.to_string().len(), 32);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!(
            "+123456789012345678901234567890a"
                .parse::<ApiKey>()
                .is_err()
        );
    }
}
