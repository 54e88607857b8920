//! The linter ends when it is told to, and says what it has not looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use millstream_pipeline::lint::{Edit, Linted, Seen, Until, lint_until};
use model::definition::Definition;
use model::time::{ManualClock, Sleep};
use model::{Clock, Timestamp};
use serde_json::json;

use crate::support::definition;

/// A clock that moves on by a millisecond whenever it is read.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1_000, Ordering::Relaxed))
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        ManualClock::default().sleep_until(at)
    }
}

/// One in whose body each of many values, all of them unescaped, stands in a line of its own.
fn long() -> Definition {
    let member = |n: usize| format!("\"p{n}\": \"${{input.event_properties.p{n}!}}\"");
    let members: Vec<String> = (0..100).map(member).collect();
    definition(json!({
        "events": {
            "method": "POST",
            "url": "https://example.com/${(input.user_id!)?url}",
            "body": format!("{{\n{}\n}}", members.join(",\n")),
        },
        "users": null,
    }))
}

fn linted(until: Until) -> (Linted, Duration) {
    let clock = Arc::new(Ticking(AtomicI64::new(0)));
    let read: Arc<dyn Clock> = clock.clone();
    let linted = lint_until(&long(), (&[], &Seen::default()), &read, until);
    let took = Duration::from_micros(clock.0.load(Ordering::Relaxed).unsigned_abs());
    (linted, took)
}

#[test]
fn at_its_deadline_it_tells_what_it_has_found_and_what_it_has_not_looked_at() {
    let until = Until {
        deadline: Some(Timestamp(2_000_000)),
        abandoned: None,
    };
    let (linted, took) = linted(until);
    // Each of the last looks at the clock is one more tick; few come after the deadline.
    assert!(took < Duration::from_millis(2_200), "{took:?}");
    assert!(!linted.findings.is_empty());
    assert!(!linted.looked_at_all());
    let said = linted
        .left
        .iter()
        .map(|left| (&*left.pointer, &*left.message));
    let said: Vec<_> = said.collect();
    let late = |(pointer, message): &(&str, &str)| {
        *pointer == "/events/body" && message.starts_with("time ran out before all that can occur")
    };
    assert!(said.iter().any(late), "{said:?}");
    // Some of what it has found by then it has mends for, and has tried them.
    let of_body = linted
        .findings
        .iter()
        .filter(|finding| finding.pointer == "/events/body");
    let mends: Vec<_> = of_body.filter_map(|each| each.mend.as_ref()).collect();
    assert!(mends.len() >= 3, "{mends:?}");
    let escapes = |edit: &&&Edit| edit.replacement.contains("?json_string");
    assert_eq!(mends.iter().filter(escapes).count(), mends.len());
}

#[test]
fn a_template_that_time_is_not_left_for_is_named() {
    let until = Until {
        deadline: Some(Timestamp(0)),
        abandoned: None,
    };
    let (linted, _) = linted(until);
    assert_eq!(linted.findings, []);
    let said = linted
        .left
        .iter()
        .map(|left| (&*left.pointer, &*left.message));
    let why = "not looked at: time ran out before";
    assert!(said.eq([("/events/url", why), ("/events/body", why)]));
}

#[test]
fn it_ends_when_nobody_waits_any_more() {
    let abandoned = Arc::new(AtomicBool::new(true));
    let until = Until {
        deadline: None,
        abandoned: Some(Arc::clone(&abandoned)),
    };
    let (linted, took) = linted(until);
    assert_eq!(linted.findings, []);
    assert!(took < Duration::from_millis(100), "{took:?}");
}
