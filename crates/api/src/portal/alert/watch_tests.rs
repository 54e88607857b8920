//! Rules on simulated time.

use std::time::Duration;

use journal::hold::Untold;
use model::alert::{Kind, Rules};
use model::outcome::{Category, Failure};
use model::random::Seeded;
use model::{IncidentId, ProjectId, SyncId, Timestamp};
use store::alert::{Incident, Seen};

use super::watch::{Begun, Over, Step, Watch};
use crate::portal::lanes::{Glance, Health};

const START: Timestamp = Timestamp(1_767_225_600_000_000);
const LOOK: Duration = Duration::from_secs(10);

/// A lane that is looked at every ten seconds.
struct World {
    watch: Watch,
    now: Timestamp,
    lane: Glance,
    /// What the journal knows to be lost.
    untold: Option<Untold>,
    rules: Rules,
    random: Seeded,
    /// Incidents that began (rule, reason) and ended (rule, why), in order.
    told: Vec<(Kind, String)>,
    /// What had happened by the time that each began.
    begun: Vec<Begun>,
    /// The failures they were told with.
    messages: Vec<String>,
    /// Incidents that are open.
    open: Vec<(Kind, IncidentId, Timestamp)>,
}

impl World {
    fn new() -> Self {
        Self {
            watch: Watch::default(),
            now: START,
            lane: glance(SyncId::generate(&Seeded::new(7))),
            untold: None,
            rules: Rules::default(),
            random: Seeded::new(1),
            told: Vec::new(),
            begun: Vec::new(),
            messages: Vec::new(),
            open: Vec::new(),
        }
    }

    /// With only one rule.
    fn with(kind: Kind) -> Self {
        let mut world = Self::new();
        let rules = &mut world.rules;
        rules.state.enabled = kind == Kind::State;
        rules.error_rate.enabled = kind == Kind::ErrorRate;
        rules.backlog_age.enabled = kind == Kind::BacklogAge;
        rules.expiry.enabled = kind == Kind::Expiry;
        rules.credentials.enabled = kind == Kind::Credentials;
        rules.loss.enabled = kind == Kind::Loss;
        world
    }

    /// Looks for so long, each time after something happened to the lane.
    fn run(&mut self, time: Duration, mut each: impl FnMut(&mut Glance, Timestamp)) {
        let end = self.now + time;
        while self.now < end {
            self.now = self.now + LOOK;
            each(&mut self.lane, self.now);
            self.look();
        }
    }

    fn look(&mut self) {
        self.watch.look();
        let untold = self.untold.filter(|untold| untold.lost > untold.told);
        if !self.watch.note(self.now, &self.lane, untold.as_ref()) {
            return;
        }
        let sync = self.lane.sync;
        for step in self.watch.judge(self.now, &self.lane, &self.rules) {
            match step {
                Step::Open(kind, seen, begun) => {
                    self.begun.push(begun);
                    let id = IncidentId::generate(&self.random);
                    self.watch
                        .opened(sync, kind, id, self.now, seen.needs_success);
                    self.open.push((kind, id, self.now));
                    self.told.push((kind, seen.reason));
                    self.messages.extend(seen.message);
                }
                Step::Close(kind, _, why) => {
                    self.watch.closed(sync, kind);
                    self.open.retain(|(open, ..)| *open != kind);
                    self.told.push((kind, why.name().to_owned()));
                }
            }
        }
        if let Some(lost) = &mut self.untold
            && let Some(told) = self.watch.told(self.now, lost, &self.rules)
        {
            assert!(told <= lost.lost);
            lost.told = told;
        }
    }

    /// Retention takes so much.
    fn loses(&mut self, count: u64) {
        let lost = self.untold.get_or_insert(Untold {
            sync: self.lane.sync,
            lost: 0,
            told: 0,
            at: self.now,
        });
        lost.lost += count;
        lost.at = self.now;
    }

    /// Everything that isn't durable is gone.
    fn crashes(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.watch = Watch::default();
        for (kind, id, at) in &open {
            self.watch.opened(self.lane.sync, *kind, *id, *at, false);
        }
        self.open = open;
    }

    fn told(&mut self) -> Vec<String> {
        let told = std::mem::take(&mut self.told).into_iter();
        told.map(|(_, said)| said).collect()
    }
}

fn glance(sync: SyncId) -> Glance {
    Glance {
        sync,
        health: Health::Healthy,
        reason: None,
        failure: None,
        oldest_undelivered: None,
        last_success: None,
        last_failure: None,
        attempts: 0,
        failed: 0,
        expired: 0,
        pending: 0,
        backlog: 0,
    }
}

fn fails(lane: &mut Glance, now: Timestamp, category: Category) {
    lane.health = Health::Failing;
    lane.reason = Some("6 attempts in a row failed, the last one: it is down".into());
    lane.failure = Some(Failure {
        category,
        status: Some(503),
        message: "it is down".into(),
        response: "secret".into(),
    });
    lane.last_failure = Some(now);
    lane.attempts += 5;
    lane.failed += 5;
}

fn delivers(lane: &mut Glance, now: Timestamp) {
    lane.health = Health::Healthy;
    lane.reason = None;
    lane.failure = None;
    lane.last_success = Some(now);
    lane.attempts += 5;
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_failing_sync_is_told_after_a_minute_and_again_when_all_was_well_for_five() {
    let mut world = World::with(Kind::State);
    let down = |lane: &mut Glance, now| fails(lane, now, Category::ServerError);
    world.run(MINUTE, down);
    assert!(world.told().is_empty(), "a minute is not over yet");
    world.run(60 * MINUTE, down);
    let told = world.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("the sync is failing: 6 attempts"),
        "{told:?}"
    );
    world.run(5 * MINUTE, delivers);
    assert!(world.told().is_empty());
    world.run(MINUTE, delivers);
    assert_eq!(world.told(), ["recovered"]);
}

#[test]
fn a_sync_that_comes_and_goes_is_told_once() {
    let mut world = World::with(Kind::State);
    world.run(2 * MINUTE, |lane, now| {
        fails(lane, now, Category::ServerError)
    });
    // For three hours it recovers for minutes, and fails again.
    world.run(180 * MINUTE, |lane, now| match now.0 / 240_000_000 % 2 {
        0 => delivers(lane, now),
        _ => fails(lane, now, Category::ServerError),
    });
    assert_eq!(world.told().len(), 1);
    // And what lasts for less than a minute isn't told at all.
    let mut world = World::with(Kind::State);
    world.run(60 * MINUTE, |lane, now| match now.0 / 50_000_000 % 2 {
        0 => delivers(lane, now),
        _ => fails(lane, now, Category::ServerError),
    });
    assert!(world.told().is_empty());
}

#[test]
fn after_a_restart_it_is_not_over_until_something_was_delivered() {
    let mut world = World::with(Kind::State);
    let incident = Incident {
        id: IncidentId::generate(&Seeded::new(2)),
        project: ProjectId::generate(&Seeded::new(3)),
        sync: world.lane.sync,
        kind: Kind::State,
        opened_at: START,
        seen: Seen {
            needs_success: true,
            ..Seen::default()
        },
        closed: None,
        tell_at: None,
        told: true,
        acknowledged: None,
        muted_until: None,
    };
    world.watch.know(std::slice::from_ref(&incident));
    // The lane has just been opened, and nothing has been tried yet.
    world.run(60 * MINUTE, |_, _| {});
    assert!(world.told().is_empty());
    world.run(60 * MINUTE, |lane, now| {
        fails(lane, now, Category::ServerError)
    });
    assert!(world.told().is_empty(), "it is the same incident");
    world.run(6 * MINUTE, delivers);
    assert_eq!(world.told(), ["recovered"]);
}

#[test]
fn the_error_rate_counts_what_was_delivered_before_and_needs_enough_attempts() {
    let mut world = World::with(Kind::ErrorRate);
    let busy = |lane: &mut Glance, failed: u64| {
        lane.attempts += 1000;
        lane.failed += failed;
    };
    world.run(60 * MINUTE, |lane, _| busy(lane, 0));
    // One of a hundred at once, after nothing for an hour.
    world.run(20 * MINUTE, |lane, _| busy(lane, 10));
    assert!(world.told().is_empty());
    world.run(20 * MINUTE, |lane, _| busy(lane, 200));
    let told = world.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("%) failed within 10 minutes"), "{told:?}");
    // A little less than the threshold is no end of it.
    world.run(30 * MINUTE, |lane, _| busy(lane, 90));
    assert!(world.told().is_empty());
    world.run(30 * MINUTE, |lane, _| busy(lane, 10));
    assert_eq!(world.told(), ["recovered"]);
    // All of too few say nothing.
    let mut world = World::with(Kind::ErrorRate);
    world.run(60 * MINUTE, |lane, now| {
        let one = u64::from(now.0 / 10_000_000 % 6 == 0);
        lane.attempts += one;
        lane.failed += one;
    });
    assert!(world.told().is_empty(), "ten in ten minutes");
    world.rules.error_rate.minimum = 9;
    world.run(MINUTE, |_, _| {});
    assert_eq!(world.told().len(), 1);
}

#[test]
fn an_error_rate_is_told_at_once_and_with_a_failure() {
    let mut world = World::with(Kind::ErrorRate);
    world.rules.error_rate.window_minutes = 1;
    world.rules.error_rate.percent = 10;
    world.rules.error_rate.minimum = 10;
    // A quarter fails; after each failure something is delivered.
    let some_fail = |lane: &mut Glance, now: Timestamp| {
        fails(lane, now, Category::ClientError);
        let failure = lane.failure.clone();
        delivers(lane, now);
        (lane.failure, lane.last_failure) = (failure, Some(now));
        lane.attempts += 10;
    };
    world.run(MINUTE / 3, some_fail);
    let told = std::mem::take(&mut world.told);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(world.messages, ["it is down"]);
}

#[test]
fn a_backlog_is_told_by_its_age() {
    let mut world = World::with(Kind::BacklogAge);
    world.lane.oldest_undelivered = Some(START);
    world.lane.backlog = 12;
    world.run(14 * MINUTE, |_, _| {});
    assert!(world.told().is_empty());
    world.run(3 * MINUTE, |_, _| {});
    assert_eq!(
        world.told(),
        ["the oldest event has waited for 15 minutes, and 12 more wait"]
    );
    // It shrinks to a little below, and is still one.
    world.run(30 * MINUTE, |lane, now| {
        lane.oldest_undelivered = Some(now - 13 * MINUTE)
    });
    assert!(world.told().is_empty());
    world.run(6 * MINUTE, |lane, _| lane.oldest_undelivered = None);
    assert_eq!(world.told(), ["recovered"]);
}

#[test]
fn expiry_is_told_when_it_begins_and_when_none_expired_for_a_while() {
    let mut world = World::with(Kind::Expiry);
    world.run(30 * MINUTE, |lane, _| lane.expired += 2);
    let told = world.told();
    assert_eq!(told, ["deliveries expire: 2 since the server looks"]);
    // Those that began it are its own.
    assert_eq!((world.begun[0].expired, world.begun[0].lost), (2, 0));
    world.run(10 * MINUTE, |_, _| {});
    assert_eq!(world.told(), ["recovered"]);
}

#[test]
fn losses_of_a_sync_that_stands_still_are_told_from_a_threshold_on() {
    let mut world = World::with(Kind::Loss);
    world.rules.loss.minimum = 10;
    world.lane.health = Health::Paused;
    world.loses(4);
    world.run(20 * MINUTE, |_, _| {});
    assert!(world.told().is_empty());
    world.loses(6);
    world.run(LOOK, |_, _| {});
    let told = world.told();
    assert!(
        told[0].starts_with("10 events and deliveries were lost within an hour"),
        "{told:?}"
    );
    assert_eq!((world.begun[0].expired, world.begun[0].lost), (0, 10));
    // As long as more is lost now and then, it is the same.
    for _ in 0..5 {
        world.run(8 * MINUTE, |_, _| {});
        world.loses(10);
        world.run(LOOK, |_, _| {});
    }
    assert!(world.told().is_empty());
    world.run(16 * MINUTE, |_, _| {});
    assert_eq!(world.told(), ["recovered"]);
    // What was lost more than an hour ago counts no more.
    world.run(60 * MINUTE, |_, _| {});
    world.loses(9);
    world.run(LOOK, |_, _| {});
    assert!(world.told().is_empty());
}

#[test]
fn a_loss_right_before_a_crash_is_told_once_after_it() {
    for away in [Duration::ZERO, 3 * 60 * MINUTE] {
        let mut world = World::with(Kind::Loss);
        world.rules.loss.minimum = 10;
        world.lane.health = Health::Paused;
        world.run(MINUTE, |_, _| {});
        // Nobody looks before the end.
        world.loses(12);
        world.crashes();
        world.now = world.now + away;
        world.run(LOOK, |_, _| {});
        assert!(world.told()[0].starts_with("12 events and deliveries were lost"));
        // It is open, and known to be.
        world.crashes();
        world.run(20 * MINUTE, |_, _| {});
        assert_eq!(world.told(), ["recovered"], "{away:?}");
        for _ in 0..3 {
            world.crashes();
            world.run(20 * MINUTE, |_, _| {});
            assert!(world.told().is_empty(), "{away:?}");
        }
        // What is lost later is another one.
        world.loses(11);
        world.crashes();
        world.run(LOOK, |_, _| {});
        assert!(world.told()[0].starts_with("11 events"), "{away:?}");
    }
}

#[test]
fn too_little_before_a_crash_and_after_it_is_enough_within_an_hour_only() {
    let mut world = World::with(Kind::Loss);
    world.rules.loss.minimum = 10;
    world.lane.health = Health::Paused;
    world.loses(6);
    world.run(LOOK, |_, _| {});
    world.crashes();
    world.loses(6);
    world.run(LOOK, |_, _| {});
    assert!(world.told()[0].starts_with("12 events"));
    let mut world = World::with(Kind::Loss);
    world.rules.loss.minimum = 10;
    world.lane.health = Health::Paused;
    world.loses(6);
    world.run(LOOK, |_, _| {});
    world.crashes();
    world.run(70 * MINUTE, |_, _| {});
    world.crashes();
    world.loses(6);
    world.run(LOOK, |_, _| {});
    assert!(world.told().is_empty());
}

#[test]
fn refused_credentials_are_told_at_once_and_until_something_is_delivered() {
    let mut world = World::with(Kind::Credentials);
    world.run(LOOK, |lane, now| fails(lane, now, Category::Unauthorized));
    let told = world.told();
    assert_eq!(
        told,
        ["the destination refuses the credentials: it is down"]
    );
    // Another failure is no sign that they are taken.
    world.run(30 * MINUTE, |lane, now| fails(lane, now, Category::Timeout));
    assert!(world.told().is_empty());
    world.run(6 * MINUTE, delivers);
    assert_eq!(world.told(), ["recovered"]);
    let mut world = World::with(Kind::Credentials);
    world.run(LOOK, |lane, now| fails(lane, now, Category::ClientError));
    assert!(world.told().is_empty());
}

#[test]
fn a_sync_that_is_switched_off_and_a_rule_that_is_end_it() {
    let mut world = World::with(Kind::Credentials);
    world.run(LOOK, |lane, now| fails(lane, now, Category::Unauthorized));
    world.told();
    world.run(LOOK, |lane, _| {
        *lane = Glance {
            health: Health::Paused,
            ..glance(lane.sync)
        };
    });
    assert_eq!(world.told(), [Over::SwitchedOff.name()]);
    world.run(LOOK, |lane, now| fails(lane, now, Category::Unauthorized));
    world.told();
    world.rules.enabled = false;
    world.run(LOOK, |lane, now| fails(lane, now, Category::Unauthorized));
    assert_eq!(world.told(), [Over::RuleOff.name()]);
    world.run(60 * MINUTE, |lane, now| {
        fails(lane, now, Category::Unauthorized)
    });
    assert!(world.told().is_empty());
}

#[test]
fn nothing_secret_is_seen() {
    let mut world = World::with(Kind::Credentials);
    fails(&mut world.lane, START, Category::Unauthorized);
    world.watch.note(START, &world.lane, None);
    let steps = world.watch.judge(START, &world.lane, &world.rules);
    assert_eq!(steps.len(), 1);
    // What the destination answered may be anything.
    assert!(!format!("{steps:?}").contains("secret"), "{steps:?}");
}

#[test]
fn of_lanes_that_do_well_nothing_is_kept_and_of_those_that_are_gone_neither() {
    let mut watch = Watch::default();
    let random = Seeded::new(9);
    let idle: Vec<_> = (0..10_000)
        .map(|_| glance(SyncId::generate(&random)))
        .collect();
    watch.look();
    assert!(!idle.iter().any(|lane| watch.note(START, lane, None)));
    assert_eq!(watch.kept(), 0);
    let mut busy = idle;
    for lane in &mut busy {
        fails(lane, START, Category::ServerError);
    }
    assert!(busy.iter().all(|lane| watch.note(START, lane, None)));
    assert!(watch.kept() > 0);
    for _ in 0..1000 {
        watch.look();
    }
    assert_eq!(watch.kept(), 0);
}
