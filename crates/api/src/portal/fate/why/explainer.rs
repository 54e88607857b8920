//! What one sync did with an event, and why.

use std::sync::Arc;

use journal::LaneOf;
use journal::fate::{Fate, Key, Standing};
use journal::hold::LetGo;
use model::outcome::Filtered;
use model::sensitive::{Masked, SensitiveProperties};
use model::{Clock, Event, Part, Timestamp};
use pipeline::Plan;
use store::SyncRecord;

use super::{
    AWAITING, ExplainedEvent, ExplainedSync, FilteredView, Verdict, VerdictState, explained,
};
use crate::portal::fate::delivery::{DeliveryState, KnownDelivery, known, same_log};
use crate::portal::fate::home::Home;
use crate::portal::fate::let_go::{explaining, told};
use crate::portal::fate::outcomes::unavailable;
use crate::portal::lanes::Health;
use crate::portal::masking::reason_as_shown;
use crate::portal::{ApiError, Portal};

/// What is known of an event on a sync beside its deliveries.
struct Known {
    standing: Standing,
    let_go: Vec<LetGo>,
}

/// Explains what one sync did.
pub(super) struct Explainer {
    record: SyncRecord,
    /// The sync as it is now; `None` when its settings can't be used.
    plan: Option<Plan>,
    /// How its lane does, and why.
    health: Health,
    reason: Option<String>,
    /// Whether it ever left out events that were meant for it: lost to the bounds of what it may hold,
    /// dropped, or superseded by newer ones.
    leaves_out: bool,
    /// The lanes of its replays of past events, newest first.
    backfills: Vec<LaneOf>,
}

impl Explainer {
    pub(super) async fn new(
        portal: &Portal,
        record: SyncRecord,
        sensitive: &SensitiveProperties,
    ) -> Result<Self, ApiError> {
        let definition = portal.definition(&record.sync).await?;
        let clock: &Arc<dyn Clock> = &portal.authority.clock;
        let plan = Plan::compile(&definition, &record.sync, clock).ok();
        let status = portal.lanes.status(record.sync.id).await?;
        let backfills = portal.lanes.backfills(record.sync.id).await?;
        let losses = status.stats.unwrap_or_default().losses;
        Ok(Self {
            leaves_out: losses.lost.events + losses.dropped.events + losses.superseded > 0,
            backfills,
            record,
            plan,
            health: status.health,
            reason: status
                .reason
                .map(|reason| reason_as_shown(reason, sensitive)),
        })
    }

    fn home(&self) -> Home {
        let sync = &self.record.sync;
        Home {
            project: sync.project,
            sync: sync.id,
        }
    }

    /// What the sync did with events of its imports that carry any of these, the newest first.
    pub(super) async fn of_imports(
        &self,
        portal: &Portal,
        keys: &[Key],
        limit: usize,
        sensitive: &SensitiveProperties,
        left: &mut usize,
    ) -> Result<Vec<ExplainedEvent>, ApiError> {
        let home = self.home();
        let imports = self.backfills.iter().filter(|of| home.is_import(**of));
        let mut all = Vec::new();
        for of in imports {
            if *left == 0 || all.len() >= limit {
                break;
            }
            *left -= 1;
            let found = portal.found(of.log, keys.to_vec(), None, limit - all.len());
            for event in found.await?.events {
                let masked = portal.masked_as_sent(of.log, &event, sensitive).await?;
                let fate = portal.lanes.fates().fate(of.lane, event.offset).await;
                let Some(fate) = fate.map_err(unavailable)? else {
                    continue;
                };
                let mut verdicts = self.verdicts(*of, &event, &masked, fate);
                for verdict in &mut verdicts {
                    verdict.replay = home.replay(*of);
                }
                let of_sync = ExplainedSync {
                    sync: self.record.sync.id.to_string(),
                    name: self.record.sync.name.clone(),
                    verdicts,
                };
                all.push(explained(&event, home.replay(*of), vec![of_sync]));
            }
        }
        Ok(all)
    }

    /// What the sync's replays did with the event: what is known of deliveries, and no more.
    async fn of_backfills(
        &self,
        portal: &Portal,
        event: &Event,
        masked: &Masked,
        left: &mut usize,
    ) -> Result<Vec<Verdict>, ApiError> {
        let home = self.home();
        let shown = |text: String| masked.redaction.apply(&text);
        let mut verdicts = Vec::new();
        for of in same_log(&self.backfills, home.own()) {
            if *left == 0 {
                break;
            }
            *left -= 1;
            let fate = portal.lanes.fates().fate(of.lane, event.offset).await;
            let Some(fate) = fate.map_err(unavailable)? else {
                continue;
            };
            let (let_go, tried) = (fate.let_go.clone(), last_tried(&fate));
            for delivery in known(home, of, event.offset, fate, &shown) {
                let tried = tried[delivery.part as usize];
                verdicts.push(self.of_delivery(delivery, event, &let_go, tried));
            }
        }
        Ok(verdicts)
    }

    /// What the sync did with `event`, of which so much is shown as `masked` has. So many times more may
    /// be asked what replays did.
    pub(super) async fn explain(
        &self,
        portal: &Portal,
        event: &Event,
        masked: &Masked,
        left: &mut usize,
    ) -> Result<ExplainedSync, ApiError> {
        let sync = &self.record.sync;
        let fate = portal.lanes.fates().fate(sync.id, event.offset).await;
        let mut verdicts = match fate.map_err(unavailable)? {
            Some(fate) => self.verdicts(self.home().own(), event, masked, fate),
            None => vec![self.verdict(
                Part::Event,
                VerdictState::NeverEnabled,
                "the sync was never enabled".into(),
                event,
            )],
        };
        let of_backfills = self.of_backfills(portal, event, masked, left).await?;
        verdicts.extend(of_backfills);
        Ok(ExplainedSync {
            sync: sync.id.to_string(),
            name: sync.name.clone(),
            verdicts,
        })
    }

    fn verdicts(&self, of: LaneOf, event: &Event, masked: &Masked, fate: Fate) -> Vec<Verdict> {
        let known_of = Known {
            standing: fate.standing,
            let_go: fate.let_go.clone(),
        };
        let tried = last_tried(&fate);
        let shown = |text: String| masked.redaction.apply(&text);
        let deliveries = known(self.home(), of, event.offset, fate, &shown);
        let mut verdicts: Vec<_> = deliveries
            .into_iter()
            .map(|delivery| {
                let tried = tried[delivery.part as usize];
                self.of_delivery(delivery, event, &known_of.let_go, tried)
            })
            .collect();
        for part in self.parts(event) {
            if verdicts.iter().all(|verdict| verdict.part != part) {
                verdicts.push(self.without_delivery(part, &known_of, event, masked));
            }
        }
        if verdicts.is_empty() {
            verdicts.push(self.without_delivery(Part::Event, &known_of, event, masked));
        }
        verdicts
    }

    /// The parts that the sync may send of such events.
    fn parts(&self, event: &Event) -> Vec<Part> {
        let plan = self.plan.as_ref();
        plan.map_or_else(Vec::new, |plan| plan.parts(event.kind).iter().collect())
    }

    fn of_delivery(
        &self,
        delivery: KnownDelivery,
        event: &Event,
        let_go: &[LetGo],
        tried: Option<Timestamp>,
    ) -> Verdict {
        let mut went = None;
        let times = |attempts: u8| match attempts {
            1 => "once".to_owned(),
            attempts => format!("{attempts} times"),
        };
        let (state, summary) = match &delivery.state {
            DeliveryState::Delivered {
                at,
                attempt,
                status,
                took_ms,
            } => {
                let status = status.map_or(String::new(), |status| format!(", status {status}"));
                let summary =
                    format!("delivered at {at} at attempt {attempt} in {took_ms} ms{status}");
                (VerdictState::Delivered, summary)
            }
            DeliveryState::Pending {
                due_at,
                attempts_made,
                last_failure,
            } => {
                let mut summary = match last_failure.category {
                    // It says what it waits for, and until when.
                    AWAITING if *attempts_made == 0 => last_failure.message.clone(),
                    _ => format!(
                        "tried {}, the last time: {}; the next attempt is due at {due_at}",
                        times(*attempts_made),
                        last_failure.message
                    ),
                };
                // Why that is would be much the same once more.
                if let Some(state) = self.held_as() {
                    summary = format!("{summary}; the sync is {state}");
                }
                (VerdictState::Pending, summary)
            }
            DeliveryState::WaitingInOrder => {
                let mut summary = "waits for an earlier delivery of its user".to_owned();
                if let Some(held) = self.held() {
                    summary = format!("{summary}; {held}");
                }
                (VerdictState::Waiting, summary)
            }
            DeliveryState::Expired {
                at,
                attempts_made,
                last_failure,
            } => {
                let summary = format!(
                    "expired at {at}: tried {}, the last time: {}",
                    times(*attempts_made),
                    last_failure.message
                );
                (VerdictState::Expired, summary)
            }
            DeliveryState::Discarded { at, message, .. } => {
                let summary = format!("discarded at {at}: {message}");
                (VerdictState::Discarded, summary)
            }
            DeliveryState::Withdrawn => match explaining(let_go, tried) {
                Some(part) => {
                    let (state, summary, view) = told(part);
                    went = Some(view);
                    (
                        state,
                        format!("attempts failed, and no more are made: {summary}"),
                    )
                }
                None => {
                    let summary = "attempts failed, and no more are made: the settings were changed so \
                                   that it is no longer sent";
                    (VerdictState::Withdrawn, summary.to_owned())
                }
            },
        };
        let summary = match &delivery.replay {
            Some(replay) => format!("by the replay {replay}: {summary}"),
            None => summary,
        };
        let verdict = self.verdict(delivery.part, state, summary, event);
        Verdict {
            replay: delivery.replay.clone(),
            delivery: Some(delivery),
            let_go: went,
            ..verdict
        }
    }

    fn without_delivery(
        &self,
        part: Part,
        known: &Known,
        event: &Event,
        masked: &Masked,
    ) -> Verdict {
        match known.standing {
            Standing::BeforeLane => {
                let summary = "it was received before the sync began".to_owned();
                self.verdict(part, VerdictState::BeforeSync, summary, event)
            }
            Standing::Ahead { events } => {
                let first = match events {
                    0 => None,
                    1 => Some("one earlier event comes first".to_owned()),
                    events => Some(format!("{events} earlier events come first")),
                };
                let summary = match (first, self.held()) {
                    (Some(first), Some(held)) => format!("{first}; {held}"),
                    (Some(first), None) => first,
                    (None, Some(held)) => format!("it is the next one, and waits: {held}"),
                    (None, None) => "the sync is sending it now".to_owned(),
                };
                Verdict {
                    events_before: Some(events),
                    ..self.verdict(part, VerdictState::Waiting, summary, event)
                }
            }
            Standing::Forgotten => {
                let summary = "handled so long ago that what became of it is no longer recorded";
                self.verdict(part, VerdictState::Forgotten, summary.into(), event)
            }
            Standing::Settled => {
                let filtered = self.filtered(part, event, masked);
                let would_send = ["left_out", "other_settings"].contains(&filtered.reason);
                let went = explaining(&known.let_go, None).filter(|_| would_send);
                if let Some((state, summary, view)) = went.map(told) {
                    return Verdict {
                        let_go: Some(view),
                        ..self.verdict(part, state, summary, event)
                    };
                }
                let summary = format!("filtered: {}", filtered.message);
                Verdict {
                    filtered: Some(filtered),
                    ..self.verdict(part, VerdictState::Filtered, summary, event)
                }
            }
        }
    }

    /// What holds the sync up, if something does.
    fn held(&self) -> Option<String> {
        let state = self.held_as()?;
        Some(match &self.reason {
            Some(reason) => format!("the sync is {state}: {reason}"),
            None => format!("the sync is {state}"),
        })
    }

    /// In which state of health it is held up, if it is.
    fn held_as(&self) -> Option<&'static str> {
        Some(match self.health {
            Health::Paused => "paused",
            Health::Misconfigured => "misconfigured",
            Health::Stalled => "stalled",
            Health::Failing => "failing",
            _ => return None,
        })
    }

    /// Why the sync's settings, as they are now, don't send it.
    fn filtered(&self, part: Part, event: &Event, masked: &Masked) -> FilteredView {
        let Some(plan) = &self.plan else {
            return FilteredView {
                reason: "other_settings",
                message: "by the settings it had then; the present ones can't be used".into(),
            };
        };
        let (reason, message) = match plan.explain_shown(event, &masked.event, part) {
            Some(Filtered::PathOff) => ("path_off", "the sync doesn't send such events".into()),
            Some(Filtered::EventType) => ("event_type", "its event type is not selected".into()),
            Some(Filtered::Unchanged) => (
                "unchanged",
                "nothing changed about the user that the sync sends".into(),
            ),
            Some(Filtered::Erased) => ("erased", "its user was erased".into()),
            // What a condition is compared with may be the value itself.
            Some(Filtered::Condition { condition }) => {
                ("condition", masked.redaction.apply(&condition))
            }
            None if self.leaves_out => (
                "left_out",
                "by the settings it had then, or it was dropped while the sync was on hold, so long ago that \
                 how is no longer known"
                    .into(),
            ),
            None => (
                "other_settings",
                "by the settings it had then; the present ones would send it".into(),
            ),
        };
        FilteredView { reason, message }
    }

    fn verdict(&self, part: Part, state: VerdictState, summary: String, event: &Event) -> Verdict {
        Verdict {
            part,
            replay: None,
            state,
            summary,
            delivery: None,
            filtered: None,
            let_go: None,
            events_before: None,
            settings_are_newer: self.record.updated_at > event.received_at,
        }
    }
}

/// When each part of the event was last tried, by what is kept of attempts.
fn last_tried(fate: &Fate) -> [Option<Timestamp>; 2] {
    [Part::Event, Part::User].map(|part| {
        let attempts = fate.attempts.iter().map(|row| &row.attempt);
        let of_part = attempts.filter(|one| one.part == part);
        of_part.map(|one| one.at).max()
    })
}
