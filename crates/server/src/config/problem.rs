//! What is wrong with a configuration, in the words of whoever wrote it.

use std::fmt;

use figment::error::Kind;
use figment::value::Value;
use serde::Serialize;

use super::is_secret;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// The setting's dotted path; empty when no setting is to blame.
    pub(crate) setting: String,
    /// The value, as JSON; none of a secret, or when no value is to blame.
    pub(crate) value: Option<serde_json::Value>,
    /// The file or variable that said it.
    pub(crate) source: Option<String>,
    /// What is wrong, and what is allowed or what to do.
    pub(crate) message: String,
}

impl Problem {
    /// A problem with the value of a setting. The values of secrets are left out.
    pub(super) fn with_value(
        setting: &str,
        value: Option<&Value>,
        source: Option<String>,
        message: String,
    ) -> Self {
        let value = value.filter(|_| !is_secret(setting));
        Self {
            setting: setting.to_owned(),
            value: value.and_then(|value| serde_json::to_value(value).ok()),
            source,
            message,
        }
    }

    /// A problem of a source as a whole.
    pub(super) fn of_source(source: Option<String>, message: String) -> Self {
        Self {
            setting: String::new(),
            value: None,
            source,
            message,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}: ")?;
        }
        match (&*self.setting, &self.value) {
            ("", _) => {}
            (setting, None) => write!(f, "{setting}: ")?,
            (setting, Some(value)) => write!(f, "{setting} = {value}: ")?,
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration can't be used:\n{}", .0.iter().map(|p| format!("  {p}")).collect::<Vec<_>>().join("\n"))]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

/// What a setting may hold, said when the value that it was given has another type. Its default
/// shows what is meant.
pub(super) fn expectation(default: Option<&Value>, error: &Kind) -> String {
    if let Kind::UnknownVariant(_, allowed) = error {
        let allowed: Vec<_> = allowed.iter().map(|one| format!("\"{one}\"")).collect();
        return format!("must be {}", allowed.join(" or "));
    }
    let allowed = match default {
        Some(Value::Bool(..)) => "true or false".to_owned(),
        Some(Value::Num(..)) => number(error),
        Some(Value::Array(..)) => {
            "a list of networks such as [\"10.0.0.0/8\", \"fd00::/8\"]; the number behind the slash \
             goes up to 32, or 128 for IPv6"
                .to_owned()
        }
        Some(Value::String(_, text)) if is_duration(text) => {
            "a time with its unit, such as \"5s\", \"250ms\" or \"1h 30m\"".to_owned()
        }
        Some(Value::String(_, text)) if text.parse::<std::net::SocketAddr>().is_ok() => {
            "an address and a port, such as \"127.0.0.1:8080\"".to_owned()
        }
        // Custom messages say it themselves.
        _ => match error {
            Kind::Message(message) => return message.clone(),
            _ => "a text".to_owned(),
        },
    };
    format!("must be {allowed}")
}

fn number(error: &Kind) -> String {
    let wanted = match error {
        Kind::InvalidType(_, wanted) | Kind::InvalidValue(_, wanted) => wanted.as_str(),
        _ => "",
    };
    let largest = match wanted {
        "u8" => u64::from(u8::MAX),
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        "u64" | "usize" => return "a whole number, 0 or more".to_owned(),
        wanted if wanted.starts_with('f') => return "a number".to_owned(),
        wanted if wanted.contains("nonzero") => return "a whole number, 1 or more".to_owned(),
        _ => return "a whole number".to_owned(),
    };
    format!("a whole number from 0 to {largest}")
}

pub(super) fn is_duration(text: &str) -> bool {
    jiff::fmt::friendly::SpanParser::new()
        .parse_unsigned_duration(text)
        .is_ok()
}
