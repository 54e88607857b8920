//! `GET /api/2/event-streaming/delivery-metrics-summary`, as Amplitude has it: what became of a sync's
//! deliveries over some time, for programs that have the project's API key and secret key.

use std::time::Duration;

use axum::Json;
use axum::extract::{self, RawQuery};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use journal::figures::{Figures, MINUTES_KEPT, Scope, Step};
use model::{ProjectId, SyncId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Secret;

use super::figures::HOURS_KEPT;
use super::view::parse_rfc3339;
use super::{ApiError, Portal, State};

/// Where it stands.
pub(super) const PATH: &str = "/api/2/event-streaming/delivery-metrics-summary";

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A period that ends now, or one of the client's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum TimePeriod {
    TenMinutes,
    OneHour,
    FourHours,
    OneDay,
    OneWeek,
    TwoWeeks,
    Custom,
}

impl TimePeriod {
    const NAMES: &'static str =
        "TEN_MINUTES, ONE_HOUR, FOUR_HOURS, ONE_DAY, ONE_WEEK, TWO_WEEKS or CUSTOM";

    /// Its length, and by what it is summed up; `None` for one of the client's own.
    fn fixed(self) -> Option<(Duration, Step)> {
        match self {
            Self::TenMinutes => Some((MINUTE * 10, Step::Minute)),
            Self::OneHour => Some((HOUR, Step::Minute)),
            Self::FourHours => Some((HOUR * 4, Step::Minute)),
            Self::OneDay => Some((HOUR * 24, Step::Hour)),
            Self::OneWeek => Some((HOUR * 24 * 7, Step::Hour)),
            Self::TwoWeeks => Some((HOUR * 24 * 14, Step::Hour)),
            Self::Custom => None,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Asked {
    sync_id: Option<String>,
    time_period: Option<String>,
    start: Option<String>,
    end: Option<String>,
}

/// What is asked for: whole steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    named: TimePeriod,
    step: Step,
    start: Timestamp,
    end: Timestamp,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    time_period: TimePeriod,
    events_delivered: u64,
    events_not_delivered: u64,
    /// From 0 to 1; null when nothing was to be delivered.
    delivery_rate: Option<f64>,
    /// Nineteen of twenty took no longer from received to delivered; null when there were none.
    latency_in_seconds: Option<f64>,
    time_period_start: String,
    time_period_end: String,
    success_on_first_attempt: u64,
    success_after_retry: u64,
    events_expired: u64,
    events_discarded: u64,
}

/// Why there is no summary.
#[derive(Debug)]
enum Refused {
    Query(String),
    Credentials,
    TooManyFailures(Duration),
    OfAnother,
    Failed(ApiError),
}

impl<E: Into<ApiError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, error, also) = match self {
            Self::Query(error) => (StatusCode::BAD_REQUEST, error, None),
            Self::Credentials => (
                StatusCode::UNAUTHORIZED,
                "the project's API key and secret key are needed (Basic authentication)".into(),
                Some((
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Basic realm=\"millstream\""),
                )),
            ),
            Self::TooManyFailures(wait) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too many requests with wrong keys came from this address".into(),
                Some((header::RETRY_AFTER, wait.as_secs().max(1).into())),
            ),
            Self::OfAnother => (
                StatusCode::FORBIDDEN,
                "sync_id: the project has no such sync".into(),
                None,
            ),
            Self::Failed(error) => return error.into_response(),
        };
        let body = serde_json::json!({ "code": status.as_u16(), "error": error });
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().extend(also);
        response
    }
}

/// Answers with the summary.
pub(super) async fn show(
    extract::State(portal): State,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Response {
    match portal
        .summary(&parts, query.as_deref().unwrap_or_default())
        .await
    {
        Ok(summary) => Json(summary).into_response(),
        Err(refused) => refused.into_response(),
    }
}

impl Portal {
    async fn summary(&self, parts: &Parts, query: &str) -> Result<Summary, Refused> {
        let project = self.project_of_keys(parts).await?;
        let (sync, period) = read_query(query, self.authority.now()).map_err(Refused::Query)?;
        match self.store.sync(project, sync).await {
            Ok(_) => {}
            // Whether there is such a sync elsewhere is nobody's business.
            Err(store::Error::NoSync(_)) => return Err(Refused::OfAnother),
            Err(error) => return Err(error.into()),
        }
        let range = (period.start, period.end);
        let steps = self.figures(Scope::Sync(sync), period.step, range).await?;
        let mut sum = Figures::default();
        steps.iter().for_each(|(_, figures)| sum.add(figures));
        Ok(Summary::of(&sum, period))
    }

    /// The project whose keys came along.
    async fn project_of_keys(&self, parts: &Parts) -> Result<ProjectId, Refused> {
        let Some((api_key, secret_key)) = basic(parts) else {
            return Err(Refused::Credentials);
        };
        if let Ok(api_key) = api_key.parse()
            && let Some(project) = self.store.verify_secret_key(api_key, &secret_key).await?
        {
            return Ok(project.id);
        }
        let (address, now) = (self.authority.address(parts), self.authority.now());
        match self.authority.failures.note_credential(address, now) {
            Ok(()) => Err(Refused::Credentials),
            Err(wait) => Err(Refused::TooManyFailures(wait)),
        }
    }
}

/// Name and password of Basic authentication.
fn basic(parts: &Parts) -> Option<(String, Secret)> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), Secret::new(password.to_owned())))
}

fn read_query(query: &str, now: Timestamp) -> Result<(SyncId, Period), String> {
    let uri = format!("/?{query}").parse::<axum::http::Uri>();
    let uri = uri.map_err(|_| "the query can't be read".to_owned())?;
    let asked = extract::Query::<Asked>::try_from_uri(&uri);
    let extract::Query(asked) = asked.map_err(|rejection| rejection.body_text())?;
    let sync = asked.sync_id.as_deref().ok_or("sync_id is needed")?;
    let sync = sync.parse().map_err(|_| "sync_id: not the id of a sync")?;
    let named = asked.time_period.as_deref();
    let named = named.ok_or_else(|| format!("time_period is needed: {}", TimePeriod::NAMES))?;
    let named = serde_json::from_value(named.into())
        .map_err(|_| format!("time_period: {}", TimePeriod::NAMES))?;
    Ok((sync, period(named, &asked, now)?))
}

fn period(named: TimePeriod, asked: &Asked, now: Timestamp) -> Result<Period, String> {
    let Some((length, step)) = named.fixed() else {
        return own_period(asked, now);
    };
    for (name, given) in [("start", &asked.start), ("end", &asked.end)] {
        if given.is_some() {
            return Err(format!("{name}: only with time_period=CUSTOM"));
        }
    }
    let end = end_of(step, now);
    Ok(Period {
        named,
        step,
        start: end - length,
        end,
    })
}

/// The period from `start` to `end`, widened to whole minutes or, where minutes are no longer there, to
/// whole hours.
fn own_period(asked: &Asked, now: Timestamp) -> Result<Period, String> {
    let time = |name: &str, given: &Option<String>| {
        let given = given.as_deref();
        let given = given.ok_or_else(|| format!("{name} is needed with time_period=CUSTOM"))?;
        parse_rfc3339(given).ok_or_else(|| {
            format!("{name}: a time of ISO 8601 with its zone is needed, as 2022-10-01T06:00:00Z")
        })
    };
    let (start, end) = (time("start", &asked.start)?, time("end", &asked.end)?);
    if start >= end {
        return Err("start: must be before end".into());
    }
    if start > now {
        return Err("start: lies in the future".into());
    }
    if now.since(start) > HOURS_KEPT {
        return Err("start: figures reach back 90 days".into());
    }
    let step = match now.since(start) <= MINUTES_KEPT {
        true => Step::Minute,
        false => Step::Hour,
    };
    Ok(Period {
        named: TimePeriod::Custom,
        step,
        start: step.start(start),
        end: end_of(step, end.min(now) - Duration::from_micros(1)),
    })
}

/// The end of the step that a moment lies in.
fn end_of(step: Step, at: Timestamp) -> Timestamp {
    Timestamp(step.start(at).0 + step.micros())
}

impl Summary {
    fn of(figures: &Figures, period: Period) -> Self {
        let counts = figures.counts;
        let delivered = counts.delivered_first + counts.delivered_retry;
        let not_delivered = counts.expired + counts.discarded;
        let ended = delivered + not_delivered;
        Self {
            time_period: period.named,
            events_delivered: delivered,
            events_not_delivered: not_delivered,
            delivery_rate: (ended > 0).then(|| delivered as f64 / ended as f64),
            latency_in_seconds: figures.details.latency.quantile(0.95),
            time_period_start: written(period.start),
            time_period_end: written(period.end),
            success_on_first_attempt: counts.delivered_first,
            success_after_retry: counts.delivered_retry,
            events_expired: counts.expired,
            events_discarded: counts.discarded,
        }
    }
}

/// A whole minute as the answer has it: with microseconds.
fn written(minute: Timestamp) -> String {
    format!("{minute}000")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2022-10-01 12:34:56
    const NOW: Timestamp = Timestamp(1_664_627_696_000_000);

    fn read(query: &str) -> Result<(String, String), String> {
        let sync = SyncId::from_bytes([0; 16]);
        let query = format!("sync_id={sync}&{query}");
        let (read, period) = read_query(&query, NOW)?;
        assert_eq!(read, sync);
        Ok((written(period.start), written(period.end)))
    }

    fn times(start: &str, end: &str) -> Result<(String, String), String> {
        Ok((format!("{start}:00.000000"), format!("{end}:00.000000")))
    }

    #[test]
    fn periods_end_with_the_step_that_is_under_way() {
        for (named, start, end) in [
            ("TEN_MINUTES", "2022-10-01 12:25", "2022-10-01 12:35"),
            ("ONE_HOUR", "2022-10-01 11:35", "2022-10-01 12:35"),
            ("FOUR_HOURS", "2022-10-01 08:35", "2022-10-01 12:35"),
            ("ONE_DAY", "2022-09-30 13:00", "2022-10-01 13:00"),
            ("ONE_WEEK", "2022-09-24 13:00", "2022-10-01 13:00"),
            ("TWO_WEEKS", "2022-09-17 13:00", "2022-10-01 13:00"),
        ] {
            assert_eq!(read(&format!("time_period={named}")), times(start, end));
        }
    }

    #[test]
    fn a_period_of_the_clients_own_is_widened_to_whole_steps() {
        let own =
            |start: &str, end: &str| read(&format!("time_period=CUSTOM&start={start}&end={end}"));
        assert_eq!(
            own("2022-10-01T11:10:30Z", "2022-10-01T11:20:00Z"),
            times("2022-10-01 11:10", "2022-10-01 11:20"),
        );
        assert_eq!(
            own("2022-09-30T22:00:00%2B02:00", "2022-10-01T11:20:00Z"),
            times("2022-09-30 20:00", "2022-10-01 12:00"),
        );
        assert_eq!(
            own("2022-10-01T11:00:00Z", "2023-10-01T11:20:00Z"),
            times("2022-10-01 11:00", "2022-10-01 12:35"),
            "the future has no figures"
        );
        for (start, end, refused) in [
            ("2022-07-01T00:00:00Z", "2022-10-01T00:00:00Z", "90 days"),
            ("2022-10-01T11:00:00Z", "2022-10-01T11:00:00Z", "before end"),
            (
                "2022-10-01T11:00:00",
                "2022-10-01T12:00:00Z",
                "with its zone",
            ),
            ("2022-10-02T11:00:00Z", "2022-10-03T12:00:00Z", "future"),
        ] {
            let error = own(start, end).unwrap_err();
            assert!(error.contains(refused), "{start} {end}: {error}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let sync = format!("sync_id={}", SyncId::from_bytes([0; 16]));
        let custom = format!("{sync}&time_period=CUSTOM");
        for (query, name) in [
            ("time_period=ONE_DAY".to_owned(), "sync_id"),
            ("sync_id=x&time_period=ONE_DAY".to_owned(), "sync_id"),
            (sync.clone(), "time_period"),
            (format!("{sync}&time_period=ONE_YEAR"), "time_period"),
            (format!("{custom}&end=2022-10-01T11:00:00Z"), "start"),
            (format!("{custom}&start=2022-10-01T11:00:00Z"), "end"),
            (
                format!("{sync}&time_period=ONE_DAY&end=2022-10-01T11:00:00Z"),
                "end",
            ),
        ] {
            let error = read_query(&query, NOW).unwrap_err();
            assert!(error.starts_with(name), "{query}: {error}");
        }
    }

    #[test]
    fn a_summary_of_nothing_has_no_rate() {
        let period = period(TimePeriod::OneDay, &none(), NOW).unwrap();
        let json = serde_json::to_value(Summary::of(&Figures::default(), period)).unwrap();
        let expected = serde_json::json!({
            "timePeriod": "ONE_DAY", "eventsDelivered": 0, "eventsNotDelivered": 0,
            "deliveryRate": null, "latencyInSeconds": null,
            "timePeriodStart": "2022-09-30 13:00:00.000000",
            "timePeriodEnd": "2022-10-01 13:00:00.000000",
            "successOnFirstAttempt": 0, "successAfterRetry": 0,
            "eventsExpired": 0, "eventsDiscarded": 0,
        });
        assert_eq!(json, expected);
    }

    fn none() -> Asked {
        Asked {
            sync_id: None,
            time_period: None,
            start: None,
            end: None,
        }
    }
}
