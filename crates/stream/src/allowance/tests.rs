//! What is learnt of destinations that bear so much, or fail so.

use super::*;

const START: Timestamp = Timestamp(1_646_078_821_000_000);

/// A destination that answers `bears` requests at once in 50 ms, and queues or refuses more.
/// Returns how many were allowed at the end of each round.
fn rounds(
    allowance: &mut Allowance,
    from: Timestamp,
    count: usize,
    answer: impl Fn(usize, usize) -> Met,
) -> (Vec<usize>, Timestamp) {
    let (mut now, mut allowed) = (from, Vec::new());
    for _ in 0..count {
        let (began, at_once) = (now, allowance.get());
        now = now + Duration::from_millis(50);
        for index in 0..at_once {
            let request = Request {
                met: answer(index, at_once),
                began,
                at: now,
                is_first: true,
                at_once,
            };
            allowance.learn(request, true);
        }
        allowed.push(allowance.get());
    }
    (allowed, now)
}

fn mean(allowed: &[usize]) -> f64 {
    allowed.iter().sum::<usize>() as f64 / allowed.len() as f64
}

const QUICK: Met = Met::Answer(Duration::from_millis(50));

#[test]
fn it_settles_around_what_the_destination_does_not_refuse() {
    let mut allowance = Allowance::new(64);
    let refuses = |index, _| if index < 20 { QUICK } else { Met::Refusal };
    let (allowed, _) = rounds(&mut allowance, START, 300, refuses);
    let late = &allowed[100..];
    assert!(late.iter().all(|&n| (10..=22).contains(&n)), "{late:?}");
    assert!(mean(late) > 14.0, "{}", mean(late));
}

#[test]
fn it_falls_when_answers_queue_and_grows_back_when_they_no_longer_do() {
    let mut allowance = Allowance::new(64);
    let (_, now) = rounds(&mut allowance, START, 20, |_, _| QUICK);
    assert_eq!(allowance.get(), 64);
    // One answer every 10 ms: many at once only wait for each other.
    let queues = |index: usize, _| Met::Answer(Duration::from_millis(50 + 10 * index as u64));
    let (allowed, now) = rounds(&mut allowance, now, 12, queues);
    assert!(allowed[11] < 40, "{allowed:?}");
    let (allowed, _) = rounds(&mut allowance, now, 200, |_, _| QUICK);
    assert_eq!(allowed[199], 64, "{allowed:?}");
}

#[test]
fn a_destination_that_is_always_slow_is_not_strained() {
    let mut allowance = Allowance::new(64);
    let slow = |_, _| Met::Answer(Duration::from_secs(3));
    rounds(&mut allowance, START, 50, slow);
    assert_eq!(allowance.get(), 64);
    // Nor is one that becomes slow and stays so, after a while.
    let slower = |_, _| Met::Answer(Duration::from_secs(9));
    let (allowed, _) = rounds(&mut allowance, START, 400, slower);
    assert_eq!(allowed[399], 64, "{allowed:?}");
    assert!(allowed.iter().all(|&n| n > 8), "{allowed:?}");
}

#[test]
fn one_round_falls_once_and_one_request_stays_allowed() {
    let mut allowance = Allowance::new(50);
    let (allowed, _) = rounds(&mut allowance, START, 30, |_, _| Met::Refusal);
    assert_eq!((allowed[0], allowed[1]), (30, 18));
    assert_eq!(allowed[29], 1);
}

#[test]
fn it_does_not_grow_while_places_are_free() {
    let mut allowance = Allowance::new(50);
    allowance.begin_small(START);
    for _ in 0..100 {
        let request = Request {
            met: QUICK,
            began: START,
            at: START,
            is_first: true,
            at_once: 1,
        };
        allowance.learn(request, false);
    }
    assert_eq!(allowance.get(), 6);
    allowance.set_most(4);
    assert_eq!(allowance.get(), 4);
    allowance.set_most(9);
    assert_eq!(allowance.get(), 9, "it had all that there was");
}

#[test]
fn what_is_refused_anyway_does_not_keep_the_others_from_going_together() {
    for share in [10, 4] {
        let count = std::cell::Cell::new(0);
        let is_bad = || {
            count.set(count.get() + 1);
            count.get() % share == 0
        };
        let mut allowance = Allowance::new(64);
        let some = |_, _| if is_bad() { Met::Refusal } else { QUICK };
        let (allowed, now) = rounds(&mut allowance, START, 600, some);
        assert!(mean(&allowed[300..]) > 32.0, "{allowed:?}");
        // What is too much is still found out.
        let bears = |index, _| match index < 20 && !is_bad() {
            true => QUICK,
            false => Met::Refusal,
        };
        let (allowed, _) = rounds(&mut allowance, now, 300, bears);
        assert!(mean(&allowed[100..]) < 40.0, "{allowed:?}");
    }
}

#[test]
fn where_few_are_too_many_few_are_refused() {
    for bears in 1..=3 {
        let (mut allowance, taken) = (Allowance::new(64), std::cell::Cell::new(0));
        let answer = |index, _| match index < bears {
            true => {
                taken.set(taken.get() + 1);
                QUICK
            }
            false => Met::TooMuch,
        };
        let (allowed, _) = rounds(&mut allowance, START, 3000, answer);
        let late = &allowed[100..];
        assert!(mean(late) < bears as f64 + 1.0, "{bears}: {}", mean(late));
        assert!(taken.get() >= 2000 * bears, "{bears}: {}", taken.get());
    }
}

#[test]
fn too_much_is_too_much_of_whomever_it_is_said() {
    let mut allowance = Allowance::new(64);
    let share = |index: usize, _| match index.is_multiple_of(4) {
        true => Met::TooMuch,
        false => QUICK,
    };
    let (allowed, now) = rounds(&mut allowance, START, 300, share);
    assert!(mean(&allowed[100..]) < 4.0, "{allowed:?}");
    let (_, now) = rounds(&mut allowance, now, 600, |_, _| QUICK);
    assert_eq!(allowance.get(), 64);
    let retry = Request {
        met: Met::TooMuch,
        began: now,
        at: now,
        is_first: false,
        at_once: 9,
    };
    allowance.learn(retry, true);
    assert_eq!(allowance.get(), 38);
}

#[test]
fn what_gets_no_answer_while_others_get_theirs_is_no_sign() {
    let hangs = |began: Timestamp| Request {
        met: Met::Silence,
        began,
        at: began + Duration::from_secs(30),
        is_first: true,
        at_once: 20,
    };
    let mut allowance = Allowance::new(64);
    let mut now = START;
    for _ in 0..50 {
        let began = now;
        (_, now) = rounds(&mut allowance, now, 600, |index, _| match index < 20 {
            true => QUICK,
            false => Met::Other,
        });
        allowance.learn(hangs(began), true);
    }
    assert_eq!(allowance.get(), 64);
    // Nobody else got an answer meanwhile.
    let quiet = now + Duration::from_secs(1);
    (0..3).for_each(|more| allowance.learn(hangs(quiet + Duration::from_secs(40) * more), true));
    assert!(allowance.get() < 16, "{}", allowance.get());
    // Or answers take far longer than they did.
    let mut allowance = Allowance::new(64);
    let (_, now) = rounds(&mut allowance, START, 100, |_, _| QUICK);
    let slow = |_, _| Met::Answer(Duration::from_secs(5));
    let (_, after) = rounds(&mut allowance, now, 1, slow);
    let before = allowance.get();
    let hung = Request {
        at: after + Duration::from_secs(1),
        began: after,
        ..hangs(now)
    };
    allowance.learn(hung, true);
    assert!(allowance.get() < before);
}

#[test]
fn retries_that_are_refused_count_only_where_no_first_attempts_are_taken() {
    let retry = |met, at| Request {
        met,
        began: at,
        at,
        is_first: false,
        at_once: 9,
    };
    let second = Duration::from_secs(1);
    let mut allowance = Allowance::new(64);
    let first = Request {
        is_first: true,
        ..retry(QUICK, START)
    };
    allowance.learn(first, true);
    for number in 1..50 {
        allowance.learn(retry(Met::Refusal, START + second * number), true);
    }
    assert_eq!(allowance.get(), 64);
    for number in 60..90 {
        allowance.learn(retry(Met::Refusal, START + second * number), true);
    }
    assert_eq!(allowance.get(), 1);
}

#[test]
fn an_outage_is_not_taken_for_what_is_refused_anyway() {
    let mut allowance = Allowance::new(64);
    let (_, now) = rounds(&mut allowance, START, 200, |_, _| Met::Refusal);
    assert_eq!(allowance.get(), 1);
    let (_, now) = rounds(&mut allowance, now, 300, |_, _| QUICK);
    let refuses = |index, _| if index < 20 { QUICK } else { Met::Refusal };
    let (allowed, _) = rounds(&mut allowance, now, 300, refuses);
    assert!(allowed[100..].iter().all(|&n| n <= 32), "{allowed:?}");
}
