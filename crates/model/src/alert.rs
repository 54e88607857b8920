//! Alerts: when a sync's trouble is worth telling, and to whom.

use serde::{Deserialize, Serialize};

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AlertKind))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The sync's health is failing, misconfigured or stalled.
    State,
    /// Too large a part of the attempts fails.
    ErrorRate,
    /// The oldest event that was not sent yet waits too long.
    BacklogAge,
    /// Deliveries expire: their last attempt failed.
    Expiry,
    /// The destination refuses the credentials (401, 403).
    Credentials,
    /// Events are lost, since the sync stands still beyond the bounds of what it may hold.
    Loss,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::State,
        Self::ErrorRate,
        Self::BacklogAge,
        Self::Expiry,
        Self::Credentials,
        Self::Loss,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::ErrorRate => "error_rate",
            Self::BacklogAge => "backlog_age",
            Self::Expiry => "expiry",
            Self::Credentials => "credentials",
            Self::Loss => "loss",
        }
    }

    /// The one of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The rules for a sync, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AlertRules))]
#[serde(default)]
pub struct Rules {
    /// Whether anybody is told of anything.
    pub enabled: bool,
    /// A failing, misconfigured or stalled sync.
    pub state: StateRule,
    /// Too many attempts that fail.
    pub error_rate: ErrorRateRule,
    /// Events that wait too long.
    pub backlog_age: BacklogAgeRule,
    /// Deliveries that expire.
    pub expiry: Switch,
    /// Credentials that are refused.
    pub credentials: Switch,
    /// Events that are lost, since a sync stands still for too long.
    pub loss: LossRule,
    /// How many minutes all must be well before an incident is over, from 1 to 1440.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1440))]
    pub calm_minutes: u32,
    /// When nobody is told; null: told at any time.
    pub quiet_hours: Option<QuietHours>,
    /// Whether the organisation's owners and admins and the one who made the sync get mail, beside the
    /// project's channels.
    pub default_recipients: bool,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AlertSwitch))]
#[serde(default, deny_unknown_fields)]
pub struct Switch {
    /// Whether it is told.
    pub enabled: bool,
}

/// A rule about a sync's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AlertStateRule))]
#[serde(default, deny_unknown_fields)]
pub struct StateRule {
    /// Whether it is told.
    pub enabled: bool,
    /// How many seconds the state must last, from 0 to 86,400.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 86_400))]
    pub after_seconds: u32,
}

/// A rule about attempts that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AlertErrorRateRule))]
#[serde(default, deny_unknown_fields)]
pub struct ErrorRateRule {
    /// Whether it is told.
    pub enabled: bool,
    /// More than so many of a hundred, from 1 to 99.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 99))]
    pub percent: u32,
    /// Within so many minutes, from 1 to 60.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 60))]
    pub window_minutes: u32,
    /// If there were at least so many attempts, from 1 to 1,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub minimum: u32,
}

/// A rule about events that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AlertBacklogAgeRule))]
#[serde(default, deny_unknown_fields)]
pub struct BacklogAgeRule {
    /// Whether it is told.
    pub enabled: bool,
    /// Longer than so many minutes, from 1 to 10,080.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_080))]
    pub minutes: u32,
}

/// A rule about what is lost because a sync stands still beyond the bounds of what it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AlertLossRule))]
#[serde(default, deny_unknown_fields)]
pub struct LossRule {
    /// Whether it is told.
    pub enabled: bool,
    /// If at least so many events and deliveries were lost within an hour, from 1 to 1,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub minimum: u32,
}

/// A time of each day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AlertQuietHours))]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// When it begins, as `22:00`.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")
    )]
    pub from: String,
    /// When it ends, as `07:00`; on the next day, if that is earlier.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")
    )]
    pub until: String,
    /// Where it is so late, as `Europe/Berlin`.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub time_zone: String,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            enabled: true,
            state: StateRule::default(),
            error_rate: ErrorRateRule::default(),
            backlog_age: BacklogAgeRule::default(),
            expiry: Switch::default(),
            credentials: Switch::default(),
            loss: LossRule::default(),
            calm_minutes: 5,
            quiet_hours: None,
            default_recipients: true,
        }
    }
}

impl Default for Switch {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for StateRule {
    fn default() -> Self {
        Self {
            enabled: true,
            after_seconds: 60,
        }
    }
}

impl Default for ErrorRateRule {
    fn default() -> Self {
        Self {
            enabled: true,
            percent: 10,
            window_minutes: 10,
            minimum: 50,
        }
    }
}

impl Default for BacklogAgeRule {
    fn default() -> Self {
        Self {
            enabled: true,
            minutes: 15,
        }
    }
}

impl Default for LossRule {
    fn default() -> Self {
        Self {
            enabled: true,
            minimum: 1,
        }
    }
}

impl Rules {
    /// Whether a kind is told.
    pub fn tells(&self, kind: Kind) -> bool {
        self.enabled
            && match kind {
                Kind::State => self.state.enabled,
                Kind::ErrorRate => self.error_rate.enabled,
                Kind::BacklogAge => self.backlog_age.enabled,
                Kind::Expiry => self.expiry.enabled,
                Kind::Credentials => self.credentials.enabled,
                Kind::Loss => self.loss.enabled,
            }
    }
}

impl QuietHours {
    /// Minutes of the day; `None` for what is none.
    pub fn minutes(&self) -> Option<(u16, u16)> {
        Some((minutes(&self.from)?, minutes(&self.until)?))
    }
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}
