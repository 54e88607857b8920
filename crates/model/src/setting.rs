//! What is wrong with the settings of a component.

use std::borrow::Cow;
use std::time::Duration;

/// A setting that has the right type and yet can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} must be {allowed}")]
pub struct Invalid {
    /// The setting, by its path in the configuration: `retry.attempts`.
    pub setting: Cow<'static, str>,
    /// What it must be: `from 1 to 20`.
    pub allowed: Cow<'static, str>,
}

/// Gathers everything that is wrong, so that nobody has to mend one fault to see the next.
#[derive(Debug, Default)]
pub struct Check {
    found: Vec<Invalid>,
}

impl Check {
    /// Notes the setting unless `holds`.
    pub fn require(
        &mut self,
        setting: impl Into<Cow<'static, str>>,
        holds: bool,
        allowed: impl Into<Cow<'static, str>>,
    ) {
        if !holds {
            self.found.push(Invalid {
                setting: setting.into(),
                allowed: allowed.into(),
            });
        }
    }

    /// Notes a number that is nothing.
    pub fn at_least_one(&mut self, setting: &'static str, number: impl Into<u64>) {
        self.require(setting, number.into() >= 1, "at least 1");
    }

    /// Notes a time that is no time.
    pub fn more_than_zero(&mut self, setting: &'static str, time: Duration) {
        self.require(setting, !time.is_zero(), "more than 0s");
    }

    /// All that was noted.
    pub fn finish(self) -> Vec<Invalid> {
        self.found
    }
}
