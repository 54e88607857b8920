//! Statuses as rules name them.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A status (`409`), a class of them (`4xx`) or a range (`500-503`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statuses {
    first: u16,
    last: u16,
}

impl Statuses {
    /// Whether this status is meant.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }

    /// Reads `409`, `4xx` or `500-503`.
    pub fn parse(text: &str) -> Option<Self> {
        let status = |text: &str| {
            let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            let status = digits.then(|| text.parse().ok())??;
            Self::of(status, status)
        };
        if let Some(class) = text.strip_suffix("xx") {
            let class: u16 = (class.len() == 1).then(|| class.parse().ok())??;
            return Self::of(class * 100, class * 100 + 99);
        }
        match text.split_once('-') {
            Some((first, last)) => Self::of(status(first)?.first, status(last)?.first),
            None => status(text),
        }
    }

    fn of(first: u16, last: u16) -> Option<Self> {
        let legal = (100..=599).contains(&first) && last <= 599 && first <= last;
        legal.then_some(Self { first, last })
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = *self;
        match (first % 100, last - first) {
            (_, 0) => write!(f, "{first}"),
            (0, 99) => write!(f, "{}xx", first / 100),
            _ => write!(f, "{first}-{last}"),
        }
    }
}

impl Serialize for Statuses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Takes texts and, as YAML has them without quotes, numbers.
        struct AsText;

        impl Visitor<'_> for AsText {
            type Value = Statuses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status such as 409, a class such as 4xx or a range such as 500-503")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Statuses, E> {
                let unknown = || E::invalid_value(de::Unexpected::Str(text), &self);
                Statuses::parse(text).ok_or_else(unknown)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Statuses, E> {
                let unknown = || E::invalid_value(de::Unexpected::Unsigned(number), &self);
                let status = u16::try_from(number).ok();
                let status = status.and_then(|status| Statuses::of(status, status));
                status.ok_or_else(unknown)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Statuses, E> {
                self.visit_u64(u64::try_from(number).unwrap_or_default())
            }
        }

        deserializer.deserialize_any(AsText)
    }
}

/// By hand: it is a text in a form of its own, or a number.
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Statuses {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{SchemaType, Type};
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Integer]))
            .pattern(Some("^[1-5]([0-9]{2}|xx|[0-9]{2}-[1-5][0-9]{2})$"))
            .description(Some(
                "A status (`409`), a class of them (`4xx`) or a range (`500-503`).",
            ))
            .examples(["409", "4xx"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Statuses {}
