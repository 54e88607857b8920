//! The breaker on its own.

use model::random::Seeded;

use super::*;

const START: Timestamp = Timestamp(1_646_078_821_000_000);

fn at(seconds: u64) -> Timestamp {
    START + Duration::from_secs(seconds)
}

fn attempt(began: Timestamp, at: Timestamp) -> Attempt {
    Attempt {
        began,
        at,
        is_first: true,
        is_ahead: false,
        user: None,
    }
}

/// First attempts of a second each that fail, one after the other.
fn fail(breaker: &mut Breaker, category: Category, seconds: std::ops::Range<u64>) {
    for second in seconds {
        let attempt = attempt(at(second), at(second + 1));
        breaker.failed(category, &attempt, &Seeded::new(second));
    }
}

#[test]
fn it_opens_after_enough_failures_over_enough_time() {
    let mut breaker = Breaker::new(Config::default());
    // Many at once are an incident of a moment.
    for _ in 0..100 {
        fail(&mut breaker, Category::Connect, 0..1);
    }
    assert!(!breaker.is_open());
    fail(&mut breaker, Category::ServerError, 5..10);
    assert!(!breaker.is_open());
    fail(&mut breaker, Category::ServerError, 10..11);
    assert!(breaker.is_open());
    assert_eq!(breaker.show().unwrap().since, at(11));

    let mut breaker = Breaker::new(Config::default());
    fail(&mut breaker, Category::Timeout, 0..19);
    assert!(!breaker.is_open(), "a long time with few failures");
    breaker.succeeded(&attempt(at(19), at(19)));
    fail(&mut breaker, Category::Timeout, 19..30);
    assert!(!breaker.is_open(), "a success ends the row");
}

#[test]
fn only_what_tells_of_a_destination_that_is_gone_counts() {
    use Category::*;
    for (category, credentials, opens) in [
        (Dns, true, true),
        (RateLimited, true, true),
        (Unauthorized, true, true),
        (Unauthorized, false, false),
        (ClientError, true, false),
        (Redirect, true, false),
        (Internal, true, false),
    ] {
        let mut breaker = Breaker::new(Config {
            on_refused_credentials: credentials,
            ..Config::default()
        });
        fail(&mut breaker, category, 0..100);
        assert_eq!(breaker.is_open(), opens, "{category:?}");
    }
    let mut breaker = Breaker::new(Config {
        failures: 0,
        ..Config::default()
    });
    fail(&mut breaker, Dns, 0..100);
    assert!(!breaker.is_open(), "switched off");
}

#[test]
fn probes_come_at_doubling_waits_up_to_the_longest() {
    let mut breaker = Breaker::new(Config::default());
    fail(&mut breaker, Category::Connect, 0..20);
    let random = Seeded::new(7);
    let (mut now, mut waits) = (at(20), Vec::new());
    for _ in 0..7 {
        let probe = breaker.next_probe().unwrap();
        waits.push(probe.since(now).as_secs_f64());
        breaker.probe_made(probe);
        assert_eq!(breaker.next_probe(), None, "one at a time");
        // One that began before it opened says nothing.
        breaker.failed(Category::Connect, &attempt(at(19), probe), &random);
        assert_eq!(breaker.next_probe(), None);
        now = probe + Duration::from_secs(1);
        breaker.failed(Category::Connect, &attempt(probe, now), &random);
    }
    for (wait, expected) in waits.iter().zip([5.0, 5.0, 10.0, 20.0, 40.0, 60.0, 60.0]) {
        let ratio = wait / expected;
        assert!((0.89..1.11).contains(&ratio), "{waits:?}");
    }
    breaker.succeeded(&attempt(at(19), at(19)));
    assert!(!breaker.is_open() && breaker.next_probe().is_none());
}

#[test]
fn a_probe_of_which_nothing_was_sent_gives_way_to_the_next() {
    let mut breaker = Breaker::new(Config::default());
    fail(&mut breaker, Category::Connect, 0..20);
    let probe = breaker.next_probe().unwrap();
    breaker.probe_made(probe);
    breaker.not_sent(&attempt(at(3), probe));
    assert_eq!(breaker.next_probe(), None);
    breaker.not_sent(&attempt(probe, probe));
    assert_eq!(breaker.next_probe(), Some(probe), "at once");
}

#[test]
fn retries_that_fail_neither_open_it_nor_put_off_a_probe() {
    let again = |began, at| Attempt {
        is_first: false,
        ..attempt(began, at)
    };
    let random = Seeded::new(7);
    let mut breaker = Breaker::new(Config::default());
    for second in 0..1000 {
        let attempt = again(at(second), at(second + 1));
        breaker.failed(Category::ServerError, &attempt, &random);
    }
    assert!(!breaker.is_open());
    fail(&mut breaker, Category::ServerError, 1000..1020);
    let probe = breaker.next_probe().unwrap();
    for second in 1020..1100 {
        let attempt = again(at(second), at(second + 1));
        breaker.failed(Category::ServerError, &attempt, &random);
    }
    assert_eq!(breaker.next_probe(), Some(probe));
    breaker.probe_made(probe);
    breaker.failed(Category::ServerError, &again(probe, probe), &random);
    assert!(breaker.is_probing(), "that was not the probe's answer");
    // It is alive for all.
    breaker.failed(Category::ClientError, &again(probe, probe), &random);
    assert!(!breaker.is_open());
}

#[test]
fn a_row_of_one_user_whose_deliveries_wait_for_one_another_is_one_failure() {
    let of = |user, second| Attempt {
        user: Some(user),
        ..attempt(at(second), at(second + 1))
    };
    let random = Seeded::new(7);
    let mut breaker = Breaker::new(Config::default());
    (0..1000).for_each(|second| {
        breaker.failed(Category::ServerError, &of(3, second), &random);
    });
    assert!(!breaker.is_open());
    (1000..1019).for_each(|second| {
        breaker.failed(Category::ServerError, &of(second, second), &random);
    });
    assert!(
        breaker.is_open(),
        "with that of the one it is the twentieth"
    );
}

#[test]
fn however_long_answers_take_probes_are_no_further_apart_than_the_longest_wait() {
    let mut breaker = Breaker::new(Config::default());
    fail(&mut breaker, Category::Timeout, 0..20);
    let random = Seeded::new(7);
    let mut before = None;
    for _ in 0..12 {
        let probe = breaker.next_probe().unwrap();
        if let Some(before) = before.replace(probe) {
            assert!(probe.since(before) <= Duration::from_secs(60));
        }
        breaker.probe_made(probe);
        let answered = probe + Duration::from_secs(34);
        breaker.failed(Category::Timeout, &attempt(probe, answered), &random);
    }
}

#[test]
fn where_each_user_waits_for_a_retry_those_of_different_users_count() {
    let retry = |user, second| Attempt {
        is_first: false,
        user: Some(user),
        ..attempt(at(second), at(second + 1))
    };
    let first = |user, second| Attempt {
        is_first: true,
        ..retry(user, second)
    };
    let random = Seeded::new(7);
    let fails = |breaker: &mut Breaker, attempt: Attempt| {
        breaker.failed(Category::ServerError, &attempt, &random);
    };
    // Five users' first attempts, then their retries.
    let mut breaker = Breaker::new(Config::default());
    (0..5).for_each(|user| fails(&mut breaker, first(user, user)));
    for round in 1..=3 {
        assert!(!breaker.is_open(), "before round {round}");
        (0..5).for_each(|user| fails(&mut breaker, retry(user, 30 * round + user)));
    }
    assert!(breaker.is_open());
    // The same after a restart, when there is nothing but retries; of one user they say nothing.
    let mut breaker = Breaker::new(Config::default());
    (0..100).for_each(|second| fails(&mut breaker, retry(3, second)));
    assert!(!breaker.is_open());
    (100..119).for_each(|second| fails(&mut breaker, retry(second, second)));
    assert!(breaker.is_open());
    // While others' first attempts are taken, they fail for their own sake.
    let mut breaker = Breaker::new(Config::default());
    for round in 0..10 {
        breaker.succeeded(&first(9, 60 * round));
        let all = (0..50).map(|user| retry(user, 60 * round + user));
        all.for_each(|one| fails(&mut breaker, one));
    }
    assert!(!breaker.is_open());
}

#[test]
fn a_retry_ahead_of_its_time_is_a_probe() {
    let mut breaker = Breaker::new(Config::default());
    fail(&mut breaker, Category::Connect, 0..20);
    let random = Seeded::new(7);
    let probe = breaker.next_probe().unwrap();
    let retry = Attempt {
        is_first: false,
        user: Some(3),
        ..attempt(probe, probe)
    };
    breaker.probe_made(probe);
    breaker.failed(Category::Connect, &retry, &random);
    assert!(breaker.is_probing(), "one that was due is none");
    let ahead = Attempt {
        is_ahead: true,
        ..retry
    };
    breaker.failed(Category::Connect, &ahead, &random);
    assert!(breaker.next_probe().unwrap() > probe);
}
