//! FreeMarker's versions, for `incompatible_improvements`.

use std::fmt;

/// `2.3.micro`; others aren't known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32);

impl Version {
    /// What the engine does unless it is told otherwise.
    pub(crate) const DEFAULT: Self = Self(31);
    pub(crate) const NEWEST: Self = Self(34);

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let micro = text
            .strip_prefix("2.3.")
            .and_then(|rest| rest.split('-').next())
            .and_then(|micro| micro.parse().ok())
            .filter(|micro| *micro <= Self::NEWEST.0);
        micro.map(Self).ok_or_else(|| {
            format!(
                "incompatible_improvements must be between 2.3.0 and 2.3.{}, not {text:?}",
                Self::NEWEST.0
            )
        })
    }

    /// Whether the changes of 2.3.`micro` are in force.
    pub(crate) fn has(self, micro: u32) -> bool {
        self.0 >= micro
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2.3.{}", self.0)
    }
}
