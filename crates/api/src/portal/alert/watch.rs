//! When trouble begins and when it is over: rules over what is seen of lanes, on any clock.
//!
//! Only lanes in trouble are remembered. Of a lane that delivers and of an idle one nothing is kept, so
//! that a look at a million of them costs a look at each.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use journal::hold::Untold;
use model::alert::{Kind, Rules};
use model::outcome::{Category, Failure};
use model::{IncidentId, SyncId, Timestamp};
use store::alert::{Incident, Seen};

use crate::portal::lanes::{Glance, Health};

/// The least age of a backlog that a rule can look for.
const LEAST_AGE: Duration = Duration::from_secs(60);

/// How far back failures are remembered: the longest window of a rule.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// How long ago the last loss may be while a sync counts as losing: what is held goes piece by piece.
const LOSING: Duration = Duration::from_secs(10 * 60);

/// How exactly: counts are noted so often.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// After how many looks what is remembered of lanes that are gone is forgotten.
const FORGOTTEN_AFTER: u64 = 360;

/// An open incident is over when there is less than so much of a hundred of what began it.
const CALM_PERCENT: u64 = 80;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// An incident begins.
    /// So many deliveries expired, and so much was lost, before it was seen: the incident's own.
    Open(Kind, Box<Seen>, Begun),
    /// It is over.
    Close(Kind, IncidentId, Over),
}

/// What had happened by the time that an incident was seen, since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Begun {
    /// Deliveries that expired.
    pub(super) expired: u64,
    /// Events and deliveries that were lost.
    pub(super) lost: u64,
}

/// Why an incident is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// All is well again.
    Recovered,
    /// The sync was switched off.
    SwitchedOff,
    /// Nobody wants to know any more.
    RuleOff,
    /// The sync was deleted.
    Deleted,
}

impl Over {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::SwitchedOff => "switched_off",
            Self::RuleOff => "rule_off",
            Self::Deleted => "deleted",
        }
    }
}

/// What is remembered of lanes.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// In trouble, or once in trouble.
    lanes: HashMap<SyncId, Lane>,
    /// How many attempts lanes had made at the last look, and which look that was; of those which made any.
    attempts: HashMap<SyncId, (u64, u64)>,
    looks: u64,
}

/// What is remembered of a lane in trouble.
#[derive(Debug, Default)]
struct Lane {
    /// Counts as they were, oldest first: the newest is the present one's predecessor by a minute.
    marks: VecDeque<Mark>,
    /// How many attempts had failed at the last look.
    failed: u64,
    /// How many deliveries had expired at the last look, and when that last rose.
    expired: u64,
    expired_at: Option<Timestamp>,
    /// The same of what was lost since the lane is remembered.
    lost: u64,
    lost_at: Option<Timestamp>,
    /// How much of what it ever lost had been told by then, where the journal has said so: from there on it
    /// is counted.
    told_before: Option<u64>,
    /// What came to these with the last look.
    news: Begun,
    conditions: [Condition; Kind::ALL.len()],
}

/// Counts at a time.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Timestamp,
    attempts: u64,
    failed: u64,
    lost: u64,
}

#[derive(Debug, Clone, Default)]
struct Condition {
    bad_since: Option<Timestamp>,
    well_since: Option<Timestamp>,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    id: IncidentId,
    at: Timestamp,
    needs_success: bool,
}

impl Watch {
    /// Knows of the incidents that are open, and of no others.
    pub(super) fn know(&mut self, incidents: &[Incident]) {
        for lane in self.lanes.values_mut() {
            for condition in &mut lane.conditions {
                condition.open = None;
            }
        }
        for incident in incidents {
            let open = Open {
                id: incident.id,
                at: incident.opened_at,
                needs_success: incident.seen.needs_success,
            };
            self.condition(incident.sync, incident.kind).open = Some(open);
        }
    }

    /// An incident was opened.
    pub(super) fn opened(
        &mut self,
        sync: SyncId,
        kind: Kind,
        id: IncidentId,
        at: Timestamp,
        needs_success: bool,
    ) {
        let condition = self.condition(sync, kind);
        condition.open = Some(Open {
            id,
            at,
            needs_success,
        });
        condition.well_since = None;
    }

    /// An incident was closed.
    pub(super) fn closed(&mut self, sync: SyncId, kind: Kind) {
        *self.condition(sync, kind) = Condition::default();
    }

    fn condition(&mut self, sync: SyncId, kind: Kind) -> &mut Condition {
        &mut self.lanes.entry(sync).or_default().conditions[kind as usize]
    }

    /// A look at all lanes begins.
    pub(super) fn look(&mut self) {
        self.looks += 1;
        if self.looks.is_multiple_of(FORGOTTEN_AFTER) {
            // Lanes that are gone.
            let oldest = self.looks - FORGOTTEN_AFTER;
            self.attempts.retain(|_, (_, look)| *look >= oldest);
            let attempts = &self.attempts;
            self.lanes
                .retain(|sync, lane| lane.is_open() || attempts.contains_key(sync));
        }
    }

    /// Notes what is seen of a lane, and what it lost that nobody was told of. Whether its rules have to be
    /// looked at: it is in trouble, or was.
    pub(super) fn note(
        &mut self,
        now: Timestamp,
        glance: &Glance,
        untold: Option<&Untold>,
    ) -> bool {
        // What has lost something is remembered as well, also when it attempts nothing.
        let before = match (glance.attempts, untold) {
            (0, None) => None,
            (attempts, _) => self.attempts.insert(glance.sync, (attempts, self.looks)),
        };
        let late = glance.oldest_undelivered;
        let late = late.is_some_and(|oldest| now.since(oldest) >= LEAST_AGE);
        let ill = !matches!(glance.health, Health::Healthy | Health::Paused);
        let failed = glance.failed > 0 || glance.expired > 0 || untold.is_some();
        if !failed && !late && !ill && !self.lanes.contains_key(&glance.sync) {
            return false;
        }
        let lane = self.lanes.entry(glance.sync).or_default();
        let before = before.map_or(0, |(attempts, _)| attempts);
        lane.count(now, glance, untold, before);
        late || ill || untold.is_some() || lane.is_troubled(now)
    }

    /// How much of what a lane lost is over with, now that its rules were looked at: it was told, or is too
    /// little, or nobody wants to know. To be remembered durably, so that a crash makes no news of it, and
    /// takes none away.
    pub(super) fn told(&self, now: Timestamp, untold: &Untold, rules: &Rules) -> Option<u64> {
        let lane = self.lanes.get(&untold.sync)?;
        let is_open = lane.conditions[Kind::Loss as usize].open.is_some();
        let is_old = now.since(untold.at) >= REMEMBERED;
        let told = match is_open || is_old || !rules.tells(Kind::Loss) {
            true => untold.lost,
            // What was lost within an hour may become enough still.
            false => lane.told_before? + lane.lost_an_hour_ago(now)?,
        };
        (told > untold.told).then_some(told)
    }

    /// Of how many lanes something is kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.lanes.len() + self.attempts.len()
    }

    /// What the rules say of a lane that was noted.
    pub(super) fn judge(&mut self, now: Timestamp, glance: &Glance, rules: &Rules) -> Vec<Step> {
        let lane = self.lanes.entry(glance.sync).or_default();
        let kinds = Kind::ALL.into_iter();
        kinds
            .filter_map(|kind| lane.step(now, glance, rules, kind))
            .collect()
    }
}

impl Lane {
    /// Notes the counts. At the last look there were `before` attempts, as far as is known.
    fn count(&mut self, now: Timestamp, glance: &Glance, untold: Option<&Untold>, before: u64) {
        // Where nothing is untold, no more was lost.
        let lost = untold.map_or(self.lost, |untold| {
            let told = *self.told_before.get_or_insert(untold.told);
            untold.lost.saturating_sub(told).max(self.lost)
        });
        let (attempts, failed) = (glance.attempts, glance.failed);
        let began_anew = self
            .marks
            .back()
            .is_some_and(|last| attempts < last.attempts || failed < last.failed);
        if began_anew {
            self.marks.clear();
            self.expired = 0;
        }
        if self.marks.is_empty() {
            // Until the last look nothing had failed.
            let attempts = before.min(attempts - failed);
            self.marks.push_back(Mark {
                at: now,
                attempts,
                failed: 0,
                lost: self.lost,
            });
        }
        let due = self
            .marks
            .back()
            .is_none_or(|last| now.since(last.at) >= NOTED_EVERY);
        if due {
            self.marks.push_back(Mark {
                at: now,
                attempts,
                failed,
                lost,
            });
        }
        while self.marks.len() > 2
            && self
                .marks
                .get(1)
                .is_some_and(|second| now.since(second.at) >= REMEMBERED)
        {
            self.marks.pop_front();
        }
        self.news = Begun {
            expired: glance.expired.saturating_sub(self.expired),
            lost: lost - self.lost,
        };
        if self.news.expired > 0 {
            self.expired_at = Some(now);
        }
        if self.news.lost > 0 {
            self.lost_at = Some(now);
        }
        (self.failed, self.expired, self.lost) = (failed, glance.expired, lost);
    }

    fn is_open(&self) -> bool {
        self.conditions
            .iter()
            .any(|condition| condition.open.is_some())
    }

    fn is_troubled(&self, now: Timestamp) -> bool {
        let began =
            |condition: &Condition| condition.open.is_some() || condition.bad_since.is_some();
        let first = self.marks.front();
        let failing = first.is_some_and(|first| self.failed > first.failed);
        let recent = |at: Option<Timestamp>| at.is_some_and(|at| now.since(at) < REMEMBERED);
        let lost = recent(self.expired_at) || recent(self.lost_at);
        failing || lost || self.conditions.iter().any(began)
    }

    fn step(&mut self, now: Timestamp, glance: &Glance, rules: &Rules, kind: Kind) -> Option<Step> {
        let open = self.conditions[kind as usize].open;
        // What stands still loses nothing but by that.
        let still = glance.health == Health::Paused && kind != Kind::Loss;
        let over = match (open, still) {
            (Some(open), true) => Some((open, Over::SwitchedOff)),
            (Some(open), _) if !rules.tells(kind) => Some((open, Over::RuleOff)),
            _ => None,
        };
        if let Some((open, why)) = over {
            return Some(Step::Close(kind, open.id, why));
        }
        if still || !rules.tells(kind) {
            self.conditions[kind as usize] = Condition::default();
            return None;
        }
        let reason = self.trouble(now, glance, rules, kind, open.is_some());
        let news = self.news_of(now, kind);
        let condition = &mut self.conditions[kind as usize];
        match (reason, open) {
            (Some(reason), None) => {
                let since = *condition.bad_since.get_or_insert(now);
                let patience = match kind {
                    Kind::State => Duration::from_secs(rules.state.after_seconds.into()),
                    _ => Duration::ZERO,
                };
                let seen = || Step::Open(kind, Box::new(seen(glance, kind, reason)), news);
                (now.since(since) >= patience).then(seen)
            }
            (None, None) => {
                *condition = Condition::default();
                None
            }
            (Some(_), Some(_)) => {
                condition.well_since = None;
                None
            }
            (None, Some(open)) => {
                // Nothing going on is no proof that it would go well.
                let delivered = glance.last_success.is_some_and(|at| at > open.at);
                if open.needs_success && !delivered {
                    condition.well_since = None;
                    return None;
                }
                let since = *condition.well_since.get_or_insert(now);
                let calm = Duration::from_secs(60 * u64::from(rules.calm_minutes));
                let close = || Step::Close(kind, open.id, Over::Recovered);
                (now.since(since) >= calm).then(close)
            }
        }
    }

    /// Why a rule holds, in words. It holds longer than it takes to begin.
    fn trouble(
        &self,
        now: Timestamp,
        glance: &Glance,
        rules: &Rules,
        kind: Kind,
        open: bool,
    ) -> Option<String> {
        let eased = |limit: u64| {
            if open {
                limit * CALM_PERCENT / 100
            } else {
                limit
            }
        };
        match kind {
            Kind::State => {
                let ill = matches!(
                    glance.health,
                    Health::Failing | Health::Misconfigured | Health::Stalled
                );
                ill.then(|| {
                    let health = glance.health.name();
                    match &glance.reason {
                        Some(reason) => format!("the sync is {health}: {reason}"),
                        None => format!("the sync is {health}"),
                    }
                })
            }
            Kind::ErrorRate => {
                let rule = rules.error_rate;
                let window = Duration::from_secs(60 * u64::from(rule.window_minutes));
                let (attempts, failed) = self.within(now, window, glance);
                let percent = failed * 100 / attempts.max(1);
                let enough = attempts >= u64::from(rule.minimum);
                let many = failed * 100 > eased(rule.percent.into()) * attempts;
                (enough && many).then(|| {
                    let minutes = rule.window_minutes;
                    format!("{failed} of {attempts} attempts ({percent} %) failed within {minutes} minutes")
                })
            }
            Kind::BacklogAge => {
                let age = now.since(glance.oldest_undelivered?).as_secs();
                let limit = eased(60 * u64::from(rules.backlog_age.minutes));
                let behind = glance.backlog;
                (age >= limit).then(|| {
                    format!(
                        "the oldest event has waited for {} minutes, and {behind} more wait",
                        age / 60
                    )
                })
            }
            Kind::Expiry => {
                let at = self.expired_at?;
                let fresh = now.since(at) < NOTED_EVERY;
                let expired = glance.expired;
                fresh.then(|| format!("deliveries expire: {expired} since the server looks"))
            }
            Kind::Loss => {
                let fresh = self.lost_at.is_some_and(|at| now.since(at) < LOSING);
                let lost = self.lost_within_an_hour(now);
                let many = lost >= u64::from(rules.loss.minimum);
                (fresh && many).then(|| {
                    format!("{lost} events and deliveries were lost within an hour: the sync stands still beyond the bounds of what it may hold")
                })
            }
            Kind::Credentials => {
                let failure = glance.failure.as_ref()?;
                let last = glance.last_success < glance.last_failure;
                let refused = failure.category == Category::Unauthorized && last;
                refused.then(|| {
                    format!(
                        "the destination refuses the credentials: {}",
                        failure.message
                    )
                })
            }
        }
    }

    /// What of an incident of this kind had happened when it was seen.
    fn news_of(&self, now: Timestamp, kind: Kind) -> Begun {
        match kind {
            Kind::Expiry => Begun {
                expired: self.news.expired,
                lost: 0,
            },
            // It may have taken some to be enough.
            Kind::Loss => Begun {
                expired: 0,
                lost: self.lost_within_an_hour(now),
            },
            _ => Begun::default(),
        }
    }

    fn lost_within_an_hour(&self, now: Timestamp) -> u64 {
        let before = self.lost_an_hour_ago(now);
        before.map_or(0, |before| self.lost.saturating_sub(before))
    }

    /// How much had been lost an hour ago; of a shorter time, at its beginning.
    fn lost_an_hour_ago(&self, now: Timestamp) -> Option<u64> {
        let old = |mark: &&Mark| now.since(mark.at) >= REMEMBERED;
        let before = self.marks.iter().rev().find(old).or(self.marks.front());
        before.map(|mark| mark.lost)
    }

    /// How many attempts were made in the last so long, and how many of them failed.
    fn within(&self, now: Timestamp, window: Duration, glance: &Glance) -> (u64, u64) {
        // The newest mark that is that old; of a shorter time, the oldest.
        let old = |mark: &&Mark| now.since(mark.at) >= window;
        let before = self.marks.iter().rev().find(old).or(self.marks.front());
        before.map_or((0, 0), |mark| {
            (glance.attempts - mark.attempts, glance.failed - mark.failed)
        })
    }
}

fn seen(glance: &Glance, kind: Kind, reason: String) -> Seen {
    let Glance {
        pending, backlog, ..
    } = *glance;
    // A failure that was before the last success is none of this, unless it is about some of the attempts.
    let failed = kind == Kind::ErrorRate || glance.last_success < glance.last_failure;
    let failure: Option<&Failure> = glance.failure.as_ref().filter(|_| failed);
    let needs_success = match kind {
        Kind::Credentials => true,
        Kind::State => glance.health == Health::Failing,
        Kind::ErrorRate | Kind::BacklogAge | Kind::Expiry | Kind::Loss => false,
    };
    Seen {
        reason,
        health: glance.health.name().to_owned(),
        category: failure.map(|failure| failure.category),
        status: failure.and_then(|failure| failure.status),
        message: failure.map(|failure| failure.message.clone()),
        pending,
        backlog,
        expired: 0,
        discarded: 0,
        lost: 0,
        needs_success,
    }
}
