//! A destination that fails for some events and takes the others at once: the others don't notice.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use delivery::config::Retry;
use journal::Journal as _;
use millstream_stream::{Config, Health};
use model::sync::{Order, Sync};
use model::{Clock as _, Timestamp};

use crate::order::number_in;
use crate::support::{Answer, Arrived, NO_ANSWER, World};

const SECOND: Duration = Duration::from_secs(1);

/// When events were sent, by their numbers.
#[derive(Default)]
struct Sent(HashMap<u64, Timestamp>);

impl Sent {
    /// Sends events of the users that `user` says.
    async fn send(
        &mut self,
        world: &World,
        numbers: std::ops::Range<u64>,
        user: impl Fn(u64) -> u64,
    ) {
        let now = world.clock.now();
        self.0.extend(numbers.clone().map(|n| (n, now)));
        world.send_of("tick", numbers, user).await;
    }

    /// How long those took that are meant, in seconds, the quickest first; those that have not arrived
    /// count as an hour.
    fn latencies(
        &self,
        world: &World,
        path: &str,
        is_meant: impl Fn(u64, Timestamp) -> bool,
    ) -> Vec<f64> {
        let mut first: HashMap<u64, Timestamp> = HashMap::new();
        for one in world.destination.arrived(path) {
            first.entry(number_in(&one.body)).or_insert(one.at);
        }
        let meant = self.0.iter().filter(|(n, at)| is_meant(**n, **at));
        let took = |(n, sent): (&u64, &Timestamp)| match first.get(n) {
            Some(at) => at.since(*sent).as_secs_f64(),
            None => 3600.0,
        };
        let mut all: Vec<_> = meant.map(took).collect();
        all.sort_by(f64::total_cmp);
        all
    }
}

/// The one that took longest.
fn longest(latencies: &[f64]) -> f64 {
    latencies.last().copied().unwrap_or_default()
}

fn is_shut(world: &World, sync: &Sync) -> bool {
    world.streams.view(sync.id).unwrap().shut_since.is_some()
}

fn ordered(world: &World, path: &str) -> Sync {
    let mut sync = world.sync(1, path);
    sync.settings.order = Order::PerUser;
    sync
}

/// Twenty events a second for a minute and a half, of which those whose number `every` divides fail.
async fn a_share_fails(status: u16, every: u64, order: Order) {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/some");
    sync.settings.order = order;
    world.destination.refuses("/some", move |body| {
        number_in(body).is_multiple_of(every).then_some(status)
    });
    world.apply(&sync).await;
    let mut sent = Sent::default();
    for second in 0..90 {
        let numbers = second * 20..(second + 1) * 20;
        sent.send(&world, numbers, |n| n % 20).await;
        world.pass(SECOND).await;
        assert!(!is_shut(&world, &sync), "after {second} s");
    }
    world.pass(5 * SECOND).await;
    let latencies = sent.latencies(&world, "/some", |n, _| !n.is_multiple_of(every));
    let of_20 = latencies[latencies.len() * 19 / 20];
    assert!(of_20 < 1.0, "19 of 20 within {of_20} s");
    let longest = longest(&latencies);
    assert!(longest < 3.0, "all within {longest} s");
    // Those that fail are tried again meanwhile; in order, of each user one.
    let arrived = world.destination.arrived("/some");
    let again = arrived.iter().filter(|one| one.attempt == "2").count();
    let users = 20 / every as usize;
    assert!(
        again >= if order == Order::PerUser { users } else { 50 },
        "{again}"
    );
}

#[tokio::test]
async fn a_tenth_that_fails_with_503_holds_up_no_others() {
    a_share_fails(503, 10, Order::default()).await;
}

#[tokio::test]
async fn a_quarter_that_fails_with_503_holds_up_no_others() {
    a_share_fails(503, 4, Order::default()).await;
}

#[tokio::test]
async fn a_quarter_that_fails_with_500_holds_up_no_others() {
    a_share_fails(500, 4, Order::default()).await;
}

#[tokio::test]
async fn users_for_whom_all_fails_hold_up_no_others_where_the_order_is_kept() {
    a_share_fails(503, 10, Order::PerUser).await;
}

#[tokio::test]
async fn under_a_limit_new_events_get_half_of_it_at_least() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/some");
    sync.settings.requests_per_minute = Some(120);
    world.destination.refuses("/some", |body| {
        number_in(body).is_multiple_of(4).then_some(503)
    });
    world.apply(&sync).await;
    let mut sent = Sent::default();
    sent.send(&world, 0..400, |n| n % 20).await;
    let delivered = |world: &World| world.streams.view(sync.id).unwrap().counts.delivered_first;
    let mut before = 0;
    for minute in 1.. {
        world.pass(60 * SECOND).await;
        let now = delivered(&world);
        if now == 300 {
            break;
        }
        // Of 60 requests every fourth delivery takes three: 30 are for those that are delivered.
        assert!(now >= before + 24, "{} in minute {minute}", now - before);
        before = now;
    }
    let arrived = world.destination.arrived("/some");
    let retried = |one: &&Arrived| one.attempt != "1";
    let again = arrived.iter().filter(retried).count();
    assert!(again * 3 > arrived.len(), "{again} of {}", arrived.len());
    let mut times: Vec<i64> = arrived.iter().map(|one| one.at.0).collect();
    times.sort_unstable();
    let most = times.iter().enumerate();
    let most =
        most.map(|(first, from)| times.partition_point(|at| *at < from + 60_000_000) - first);
    assert!(most.max().unwrap() <= 121);
}

#[tokio::test]
async fn one_user_whose_turns_all_fail_is_no_sign_of_a_destination_that_is_gone() {
    let quick = Retry {
        attempts: 4,
        first_delay: SECOND,
        ..Retry::default()
    };
    let world = World::with_retry(Config::default(), quick).await;
    let sync = ordered(&world, "/strict");
    world
        .destination
        .refuses("/strict", |body| (number_in(body) < 300).then_some(500));
    world.apply(&sync).await;
    let mut sent = Sent::default();
    sent.send(&world, 0..300, |_| 3).await;
    // In between there is nobody else's for a minute.
    for round in 0..6 {
        world.pass(60 * SECOND).await;
        assert!(!is_shut(&world, &sync), "after {round} rounds");
        sent.send(&world, 300 + round..301 + round, |n| n).await;
    }
    world.pass(5 * SECOND).await;
    let took = longest(&sent.latencies(&world, "/strict", |n, _| n >= 300));
    assert!(took < 2.0, "{took} s");
}

#[tokio::test]
async fn a_probe_is_another_users_than_those_that_wait_in_turn() {
    let quick = Retry {
        attempts: 4,
        first_delay: SECOND,
        ..Retry::default()
    };
    let world = World::with_retry(Config::default(), quick).await;
    let sync = ordered(&world, "/strict");
    world.destination.answers("/strict", [Answer::Status(500)]);
    world.apply(&sync).await;
    let mut sent = Sent::default();
    // All fails, of one user hundreds.
    sent.send(&world, 0..40, |n| n).await;
    sent.send(&world, 40..340, |_| 3).await;
    world.pass(30 * SECOND).await;
    sent.send(&world, 340..400, |n| n).await;
    world.pass(5 * SECOND).await;
    assert!(is_shut(&world, &sync));
    world.pass(600 * SECOND).await;
    assert!(is_shut(&world, &sync), "it fails for all");
    world.destination.answers("/strict", [Answer::Status(200)]);
    world.destination.refuses("/strict", |body| {
        (40..340).contains(&number_in(body)).then_some(500)
    });
    sent.send(&world, 400..401, |n| n).await;
    world.pass(70 * SECOND).await;
    let took = longest(&sent.latencies(&world, "/strict", |n, _| n == 400));
    assert!(took < 66.0, "{took} s");
    world.pass(20 * SECOND).await;
    sent.send(&world, 401..402, |n| n).await;
    world.pass(5 * SECOND).await;
    let took = longest(&sent.latencies(&world, "/strict", |n, _| n == 401));
    assert!(took < 2.0, "{took} s");
}

/// When the events arrive after a night in which only others came, all of which failed.
async fn after_a_night(order: Order, bad: u64, user_of_bad: fn(u64) -> u64, status: u16) {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/night");
    sync.settings.order = order;
    world.destination.refuses("/night", move |body| {
        (number_in(body) < bad).then_some(status)
    });
    world.apply(&sync).await;
    let mut sent = Sent::default();
    for n in 0..bad {
        sent.send(&world, n..n + 1, user_of_bad).await;
        world.pass(SECOND * 2 / 3).await;
    }
    let morning = world.clock.now();
    for second in 0..150 {
        let first = bad + second * 5;
        sent.send(&world, first..first + 5, |n| 1_000 + n).await;
        world.pass(SECOND).await;
    }
    world.pass(5 * SECOND).await;
    let latencies = sent.latencies(&world, "/night", |n, _| n >= bad);
    let took = longest(&latencies);
    assert!(took < 66.0, "{took} s");
    // From the first probe on nothing waits any more.
    let later = morning + 70 * SECOND;
    let later = sent.latencies(&world, "/night", |n, at| n >= bad && at > later);
    let took = longest(&later);
    assert!(later.len() > 350 && took < 5.0, "{took} s");
}

#[tokio::test]
async fn one_bad_user_of_the_night_does_not_stand_for_the_destination() {
    after_a_night(Order::default(), 140, |_| 1, 500).await;
}

#[tokio::test]
async fn many_users_in_trouble_do_not_stand_for_the_destination() {
    after_a_night(Order::PerUser, 150, |n| n, 500).await;
}

#[tokio::test]
async fn users_who_get_no_answer_do_not_stand_for_the_destination() {
    for order in [Order::default(), Order::PerUser] {
        after_a_night(order, 120, |n| n % 41, NO_ANSWER).await;
    }
}

#[tokio::test]
async fn more_of_one_user_than_is_looked_ahead_does_not_stand_for_the_destination() {
    let narrow = Config {
        window: 256,
        ..Config::default()
    };
    let mut world = World::new(narrow).await;
    let sync = world.sync(1, "/bulk");
    let is_bulk = |n: u64| (20..920).contains(&n);
    world
        .destination
        .refuses("/bulk", move |body| is_bulk(number_in(body)).then_some(500));
    world.apply(&sync).await;
    let mut sent = Sent::default();
    // As many as it takes for a destination that counts as gone, then all the others at once.
    for n in 20..60 {
        sent.send(&world, n..n + 1, |_| 1).await;
        world.pass(SECOND).await;
    }
    assert!(is_shut(&world, &sync));
    for first in (60..920).step_by(172) {
        sent.send(&world, first..first + 172, |_| 1).await;
    }
    // It is looked ahead of some of it, which a crash takes along.
    world.pass(60 * SECOND).await;
    assert!(is_shut(&world, &sync));
    world.restart(std::slice::from_ref(&sync)).await;
    for second in 0..90 {
        let first = 10_000 + second * 5;
        sent.send(&world, first..first + 5, |n| n).await;
        world.pass(SECOND).await;
    }
    let took = sent.latencies(&world, "/bulk", |n, _| n >= 10_000);
    assert!(longest(&took) < 70.0, "{} s", longest(&took));
    let median = took[took.len() / 2];
    assert!(median < 5.0, "{median} s");
    // Nothing of the bulk is lost, and it is sent but once.
    world.destination.refuses("/bulk", |_| None);
    while world.streams.view(sync.id).unwrap().pending > 0 {
        world.pass(60 * SECOND).await;
    }
    assert_eq!(world.streams.view(sync.id).unwrap().cursor.0, 1_350);
    let taken = world.destination.taken("/bulk");
    let different: HashSet<_> = taken.iter().collect();
    assert_eq!((taken.len(), different.len()), (1_350, 1_350));
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((stats.pending, stats.ended), (0, 0));
}

#[tokio::test]
async fn probes_are_made_one_at_a_time_and_a_minute_apart_whatever_the_retries_do() {
    for answer in [Answer::Status(503), Answer::Unreachable] {
        let world = World::new(Config::default()).await;
        let sync = world.sync(1, "/away");
        world.destination.answers("/away", [answer]);
        world.apply(&sync).await;
        for second in 0..30 {
            world.send("tick", second * 20..(second + 1) * 20).await;
            world.pass(SECOND).await;
        }
        assert!(is_shut(&world, &sync));
        assert!(world.streams.view(sync.id).unwrap().allowed <= 8);
        let from = world.clock.now();
        world.pass(1800 * SECOND).await;
        assert!(is_shut(&world, &sync));
        let mut probes: Vec<Timestamp> = Vec::new();
        let (mut seen, mut retries) = (HashSet::new(), 0);
        for one in world.destination.arrived("/away") {
            match (one.attempt == "1", one.at > from) {
                (true, true) if seen.insert(one.delivery) => probes.push(one.at),
                (false, true) => retries += 1,
                _ => {}
            }
        }
        assert!(retries > 200, "{retries}");
        assert!((30..=45).contains(&probes.len()), "{}", probes.len());
        let before = probes.iter().zip(&probes[1..]);
        let waits: Vec<_> = before.map(|(one, next)| next.since(*one)).collect();
        let (shortest, longest) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*longest <= 61 * SECOND, "{longest:?}");
        assert!(*shortest > 4 * SECOND, "one at a time: {shortest:?}");
        world.destination.answers("/away", [Answer::Status(200)]);
        world.pass(61 * SECOND).await;
        assert!(!is_shut(&world, &sync));
        world
            .until("all", |world| {
                let view = world.streams.view(sync.id).unwrap();
                (view.cursor.0, view.pending) == (600, 0)
            })
            .await;
        let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
        assert_eq!((stats.pending, stats.ended), (0, 0));
    }
}

#[tokio::test]
async fn where_nothing_waits_the_next_event_is_the_next_try() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/away");
    world.destination.answers("/away", [Answer::Status(500)]);
    world.apply(&sync).await;
    let mut n = 0;
    while !is_shut(&world, &sync) {
        world.send("tick", n..n + 1).await;
        world.pass(SECOND).await;
        n += 1;
        assert!(n < 60);
    }
    // What came last is the last that is probed with.
    world.pass(300 * SECOND).await;
    let view = world.streams.view(sync.id).unwrap();
    assert_eq!((view.health, view.next_probe), (Health::Failing, None));
    let reason = view.reason.unwrap();
    assert!(
        reason.ends_with("the next try is made with the next event"),
        "{reason}"
    );
    let before = world.destination.arrived("/away").len();
    world
        .destination
        .refuses("/away", move |body| (number_in(body) < n).then_some(500));
    world.destination.answers("/away", [Answer::Status(200)]);
    world.send("tick", n..n + 1).await;
    let came = world.clock.now();
    world
        .until_before_retry("the try", |world| !is_shut(world, &sync))
        .await;
    assert!(world.clock.now().since(came) < 5 * SECOND);
    assert!(world.destination.arrived("/away").len() > before);
}
