//! One attempt of one delivery: its request is made, sent and judged.

use std::time::Duration;

use delivery::pace::Place;
use delivery::{Evidence, Verdict};
use journal::fate::Split;
use model::OutboundRequest;
use model::outcome::{Category, Discarded, Failure, Filtered};
use pipeline::Outcome;

use super::erasing::unsent;
use super::telling::{delivered, millis, timed};
use super::{Shared, Told, Waited, Work, WorkResult};

/// What became of an attempt.
pub(super) struct Performed {
    pub(super) result: WorkResult,
    /// How many requests were sent.
    pub(super) requests: u8,
    pub(super) told: Option<Box<Told>>,
}

impl Performed {
    /// An attempt that failed through something of ours, after so many requests.
    pub(super) fn internal(message: String, requests: u8) -> Self {
        Self {
            result: WorkResult::Failed {
                failure: internal(message, None),
                retry_after: None,
            },
            requests,
            told: None,
        }
    }
}

pub(super) async fn perform(shared: &Shared, work: &Work, place: Place) -> Performed {
    let begun = shared.clock.now();
    let erased = match shared.erased.look(&work.event, work.erased).await {
        Ok(Some(times)) => times,
        other => {
            shared.pace.give_back(place);
            return unsent(other);
        }
    };
    let rendered = work.plan.render(&work.event, work.part);
    let split = Split {
        queue_ms: millis(begun.since(work.due_at)),
        render_us: u32::try_from(shared.clock.now().since(begun).as_micros()).unwrap_or(u32::MAX),
        ..Split::default()
    };
    let request = match rendered {
        Outcome::Request(request) => request,
        other => {
            shared.pace.give_back(place);
            return shared.unmade(work, other, split, 0);
        }
    };
    let verdict = match shared.send(work, &request, erased).await {
        Ok(verdict) => verdict,
        Err(performed) => {
            shared.pace.give_back(place);
            return performed;
        }
    };
    match verdict {
        Verdict::FollowUp {
            answer,
            tries,
            elapsed,
        } => {
            shared.attempt_seconds.record(elapsed);
            let mut performed = shared.follow_up(work, &answer, split, erased).await;
            performed.requests = performed.requests.saturating_add(tries);
            performed
        }
        verdict => shared.settled(work, &request, verdict, split),
    }
}

impl Shared {
    /// A delivery of which no request was made: it is filtered or discarded, after so many requests.
    pub(super) fn unmade(
        &self,
        work: &Work,
        outcome: Outcome,
        split: Split,
        requests: u8,
    ) -> Performed {
        let Outcome::Discarded(mut why) = outcome else {
            let result = match outcome {
                Outcome::Filtered(Filtered::Erased) => WorkResult::Erased,
                _ => WorkResult::NotSent,
            };
            return Performed {
                result,
                requests,
                told: None,
            };
        };
        // What a template says may quote what it was given.
        self.redaction(None).apply_to_discarded(&mut why);
        if let Discarded::MissingMapping {
            waited_seconds,
            no_room,
            ..
        } = &mut why
        {
            let waited = self.clock.now().since(work.event.received_at);
            *waited_seconds = (work.waited == Waited::InVain).then_some(waited.as_secs());
            *no_room = match work.waited {
                Waited::NoRoom(why) => Some(why),
                Waited::No | Waited::InVain => None,
            };
        }
        self.feed.discarded(work, &why, &*self.clock);
        let told = self.tell(work, split, why.name(), |subject| {
            subject.of_discarded(&work.event, &why.to_string(), split)
        });
        Performed {
            result: WorkResult::Discarded(why),
            requests,
            told: Some(told),
        }
    }

    /// What a verdict means for the delivery.
    pub(super) fn settled(
        &self,
        work: &Work,
        request: &OutboundRequest,
        mut verdict: Verdict,
        split: Split,
    ) -> Performed {
        // What a destination says may quote what it was sent.
        if let Some(failure) = verdict.failure_mut() {
            self.redaction(Some(request)).apply_to_failure(failure);
        }
        self.feed.attempted(work, &verdict, &*self.clock);
        match verdict {
            Verdict::Delivered {
                elapsed,
                tries,
                status,
                timing,
            } => {
                self.attempt_seconds.record(elapsed);
                let took_ms = millis(elapsed);
                let told = delivered(work, split, timing, elapsed);
                Performed {
                    result: WorkResult::Delivered {
                        status: status.as_u16(),
                        took_ms,
                    },
                    requests: tries,
                    told,
                }
            }
            Verdict::Refused {
                failure,
                tries,
                elapsed,
                answer,
            } => {
                let told = self.failed(work, request, &failure, answer.as_deref(), elapsed, split);
                Performed {
                    result: WorkResult::Discarded(Discarded::Refused { failure }),
                    requests: tries,
                    told: Some(told),
                }
            }
            // Nothing that follows is followed by more: no plan has such rules.
            Verdict::FollowUp {
                answer,
                tries,
                elapsed,
            } => {
                let message = "the answer asks for one request more than there is".to_owned();
                let failure = internal(message, Some(answer.status));
                let told = self.failed(work, request, &failure, None, elapsed, split);
                Performed {
                    result: WorkResult::Failed {
                        failure,
                        retry_after: None,
                    },
                    requests: tries,
                    told: Some(told),
                }
            }
            Verdict::Failed {
                failure,
                retry_after,
                tries,
                elapsed,
                answer,
            } => {
                let told = self.failed(work, request, &failure, answer.as_deref(), elapsed, split);
                Performed {
                    result: WorkResult::Failed {
                        failure,
                        retry_after,
                    },
                    requests: tries,
                    told: Some(told),
                }
            }
        }
    }

    /// Notes an attempt that failed, and makes what is told of it.
    fn failed(
        &self,
        work: &Work,
        request: &OutboundRequest,
        failure: &Failure,
        answer: Option<&Evidence>,
        elapsed: Duration,
        split: Split,
    ) -> Box<Told> {
        self.attempt_seconds.record(elapsed);
        tracing::debug!(
            sync = %work.plan.sync(),
            delivery = %request.delivery,
            attempt = work.attempt,
            category = failure.category.name(),
            "{}",
            failure.message
        );
        let split = timed(split, answer.map(|answer| answer.timing), elapsed);
        self.tell(work, split, failure.category.name(), |subject| {
            subject.of_failure(&work.event, work.part, request, failure, answer, split)
        })
    }
}

/// A failure of ours, not of the destination's.
pub(super) fn internal(message: String, status: Option<u16>) -> Failure {
    Failure {
        category: Category::Internal,
        status,
        message,
        response: String::new(),
    }
}
