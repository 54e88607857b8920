//! One attempt: up to three tries of the same request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use model::definition::{Meaning, ResponseRule, deciding};
use model::outcome::{Category, Failure};
use model::{Answer, Clock, OutboundRequest, Random, Timestamp};

use crate::config::Tries as Config;
use crate::pace::Pace;
use crate::retry::{doubled, jittered};
use crate::retry_after;
use crate::transport::{BodyEnd, Response, Transport, TransportError};
use crate::verdict::{self, Verdict};

/// Carries the delivery's id, the same over all attempts, tries and re-sends after a crash.
pub const DELIVERY_ID_HEADER: HeaderName = HeaderName::from_static("millstream-delivery-id");

/// Carries the attempt's number, from 1.
pub const ATTEMPT_HEADER: HeaderName = HeaderName::from_static("millstream-attempt");

/// Carries the delivery's id where the definition asks for it.
const IDEMPOTENCY_KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Makes attempts. Cheap to clone where its transport is.
#[derive(Clone)]
pub struct Sender<T> {
    transport: T,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    config: Config,
}

impl<T: Transport> Sender<T> {
    /// A sender that reaches destinations through `transport`.
    pub fn new(
        transport: T,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        config: Config,
    ) -> Self {
        Self {
            transport,
            clock,
            random,
            config,
        }
    }

    /// Makes the attempt with this number (from 1). Tries again on 5xx, 429 and when there was no
    /// answer, as long as tries, time and places are left; any other answer ends the attempt, and so
    /// does one that the request's rules decide on, unless its status is such and it means another try.
    /// The first try's place has been taken by the caller, the others' are of `pace`. Before each of
    /// these `may_go_on` is asked: what it refuses ends the attempt as it is.
    ///
    /// Dropping the future gives the attempt up; the request may have been sent by then.
    pub async fn attempt(
        &self,
        request: &OutboundRequest,
        attempt: u8,
        pace: &Pace,
        may_go_on: &(dyn Fn() -> bool + Send + Sync),
    ) -> Verdict {
        let began = self.clock.now();
        let delivery_headers = DeliveryHeaders::new(request, attempt);
        let mut tries = 1;
        loop {
            let answer = self.transport.send(delivery_headers.stamp(request)).await;
            let now = self.clock.now();
            let failed = match judge(request, &answer, now) {
                Judgement::Delivered(status) => {
                    return Verdict::Delivered {
                        status,
                        tries,
                        elapsed: now.since(began),
                        timing: answer.map(|response| response.timing).unwrap_or_default(),
                    };
                }
                Judgement::Refused(failure) => {
                    return Verdict::Refused {
                        failure,
                        tries,
                        elapsed: now.since(began),
                        answer: answer.ok().map(|response| Box::new(response.into())),
                    };
                }
                Judgement::FollowUp(answer) => {
                    return Verdict::FollowUp {
                        answer,
                        tries,
                        elapsed: now.since(began),
                    };
                }
                Judgement::Failed(failed) => failed,
            };
            if let Some(at) = self.next_try(&failed, tries, began, now, pace) {
                self.clock.sleep_until(at).await;
                if may_go_on() {
                    tries += 1;
                    continue;
                }
            }
            return Verdict::Failed {
                failure: failed.failure,
                retry_after: failed.retry_after,
                tries,
                elapsed: now.since(began),
                answer: answer.ok().map(|response| Box::new(response.into())),
            };
        }
    }

    /// Makes the first try of the first attempt, and no more: to see what comes of it.
    pub async fn try_once(&self, request: &OutboundRequest) -> Trial {
        let began = self.clock.now();
        let stamped = DeliveryHeaders::new(request, 1).stamp(request);
        let answer = self.transport.send(stamped).await;
        let now = self.clock.now();
        let (means, failure) = match judge(request, &answer, now) {
            Judgement::Delivered(_) => (Meaning::Delivered, None),
            Judgement::Refused(failure) => (Meaning::Refused, Some(failure)),
            Judgement::FollowUp(_) => (Meaning::FollowUp, None),
            Judgement::Failed(failed) => (Meaning::Retry, Some(failed.failure)),
        };
        Trial {
            response: answer.ok(),
            means,
            failure,
            elapsed: now.since(began),
        }
    }

    /// When to try again after `tries` tries, if at all.
    fn next_try(
        &self,
        failed: &Failed,
        tries: u8,
        began: Timestamp,
        now: Timestamp,
        pace: &Pace,
    ) -> Option<Timestamp> {
        if !failed.worth_another_try || tries >= self.config.max {
            return None;
        }
        let wait = jittered(
            doubled(self.config.first_wait, tries - 1),
            self.config.jitter,
            &*self.random,
        );
        let at = (now + wait).max(failed.retry_after.unwrap_or(now));
        pace.reserve(at, began + self.config.within)
    }
}

/// What a single try came to.
#[derive(Debug)]
pub struct Trial {
    /// The answer, where there was one.
    pub response: Option<Response>,
    /// What that means for the delivery.
    pub means: Meaning,
    /// Why the delivery was not made; `None` when it was, or may be by the other request.
    pub failure: Option<Failure>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What one try came to.
enum Judgement {
    Delivered(http::StatusCode),
    Refused(Failure),
    FollowUp(Answer),
    Failed(Failed),
}

struct Failed {
    failure: Failure,
    retry_after: Option<Timestamp>,
    worth_another_try: bool,
}

fn judge(
    request: &OutboundRequest,
    answer: &Result<Response, TransportError>,
    now: Timestamp,
) -> Judgement {
    match answer {
        Err(error) => Judgement::Failed(Failed {
            failure: verdict::failed_transport(error),
            retry_after: None,
            worth_another_try: error.is_transient(),
        }),
        Ok(response) => judge_answer(request, response, now),
    }
}

fn judge_answer(request: &OutboundRequest, response: &Response, now: Timestamp) -> Judgement {
    let answer = Answer {
        status: response.status.as_u16(),
        body: response.body.clone(),
        complete: response.body_end == BodyEnd::Complete,
    };
    let rule = deciding(&request.responses, &answer);
    let host = request.uri.host().unwrap_or_default();
    let category = verdict::category(response.status);
    let by_rule =
        |rule: &ResponseRule| verdict::failed_by_rule(host, response, rule.message.as_str());
    let failure = match (rule, category) {
        (Some(rule), _) => match rule.means {
            Meaning::Delivered => return Judgement::Delivered(response.status),
            Meaning::FollowUp => return Judgement::FollowUp(answer),
            Meaning::Refused => return Judgement::Refused(by_rule(rule)),
            Meaning::Retry => by_rule(rule),
        },
        (None, None) => return Judgement::Delivered(response.status),
        (None, Some(category)) => verdict::failed_response(host, category, response),
    };
    Judgement::Failed(Failed {
        worth_another_try: matches!(
            failure.category,
            Category::ServerError | Category::RateLimited
        ),
        failure,
        retry_after: retry_after::parse(&response.headers, now),
    })
}

/// The two headers that every try of an attempt carries.
struct DeliveryHeaders {
    delivery: HeaderValue,
    attempt: HeaderValue,
}

impl DeliveryHeaders {
    fn new(request: &OutboundRequest, attempt: u8) -> Self {
        Self {
            delivery: HeaderValue::from_maybe_shared(Bytes::from(request.delivery.to_text()))
                .expect("an id is made of letters, digits and an underscore"),
            attempt: HeaderValue::from(u16::from(attempt)),
        }
    }

    /// `request` as it goes over the wire.
    fn stamp(&self, request: &OutboundRequest) -> http::Request<Bytes> {
        // Room for these, and for what the client adds.
        let mut headers = HeaderMap::with_capacity(request.headers.len() + 5);
        for (name, value) in &request.headers {
            headers.append(name, value.clone());
        }
        if request.idempotency_key {
            headers.insert(IDEMPOTENCY_KEY_HEADER, self.delivery.clone());
        }
        headers.insert(DELIVERY_ID_HEADER, self.delivery.clone());
        headers.insert(ATTEMPT_HEADER, self.attempt.clone());
        let mut stamped = http::Request::new(request.body.clone());
        *stamped.method_mut() = request.method.clone();
        *stamped.uri_mut() = request.uri.clone();
        *stamped.headers_mut() = headers;
        stamped
    }
}
