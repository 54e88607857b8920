//! Periods on the command line, such as `24h` or `90d`.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use model::{Clock, time::SystemClock};

/// Reads a period; a day has 24 hours.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let span: Span = text
        .parse()
        .map_err(|_| "a period such as 24h, 90d or 2w".to_owned())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let duration =
        duration.map_err(|_| "months and years differ in length: say days".to_owned())?;
    Duration::try_from(duration).map_err(|_| "not before now".to_owned())
}

/// Reads a time as the control API takes it (RFC 3339), and leaves it as it is.
pub(super) fn time(text: &str) -> Result<String, String> {
    match text.parse::<jiff::Timestamp>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("a time such as 2026-01-31T12:00:00Z".to_owned()),
    }
}

/// The moment a period before now.
pub(super) fn ago(period: Duration) -> anyhow::Result<String> {
    Ok(now()?.checked_sub(period)?.to_string())
}

/// How long ago a time was that [`time`] has read; nothing where it is still to come.
pub(super) fn since(time: &str) -> anyhow::Result<Duration> {
    let since = now()?.duration_since(time.parse()?);
    Ok(Duration::try_from(since).unwrap_or_default())
}

fn now() -> anyhow::Result<jiff::Timestamp> {
    Ok(jiff::Timestamp::from_microsecond(SystemClock.now().0)?)
}

/// When something ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    /// It doesn't.
    Never,
    /// After so long.
    After(Duration),
}

impl Expiry {
    /// Reads `never` or a period.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self::Never),
            text => parse(text)
                .map(Self::After)
                .map_err(|message| format!("{message}; or never")),
        }
    }

    /// The moment, as the server takes it; none: never.
    pub(super) fn at(self) -> anyhow::Result<Option<String>> {
        let Self::After(period) = self else {
            return Ok(None);
        };
        // To the second: nobody means the microseconds.
        let now = jiff::Timestamp::from_second(now()?.as_second())?;
        Ok(Some(now.checked_add(period)?.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_taken_as_the_server_takes_them() {
        for right in ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00"] {
            assert_eq!(time(right), Ok(right.to_owned()));
        }
        for wrong in ["yesterday", "2026-01-31", "", "2026-02-30T00:00:00Z"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        assert!(since("2026-01-31T12:00:00Z").unwrap() > Duration::ZERO);
        assert_eq!(since("9000-01-31T12:00:00Z").unwrap(), Duration::ZERO);
    }

    #[test]
    fn periods_have_units() {
        const HOUR: u64 = 3600;
        for (text, hours) in [
            ("24h", 24),
            ("90d", 90 * 24),
            ("2w", 14 * 24),
            ("1d 1h", 25),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(hours * HOUR)), "{text}");
        }
        for wrong in ["", "90", "3 months", "-1h", "tomorrow"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Expiry::parse("never"), Ok(Expiry::Never));
        assert!(Expiry::parse("soon").unwrap_err().contains("or never"));
    }
}
