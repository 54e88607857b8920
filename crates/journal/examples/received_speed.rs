//! How many events a second one thread gathers for what a project received lately, beside what it costs to
//! read them.
//!
//! `cargo run --release -p millstream-journal --example received_speed [events]`
//!
//! Events of about 1 KB, of 40 types in turn, as a project sends them: a dozen properties of the event, twenty of
//! its user, a group. First of few shapes, then with a property in ten that is of another kind or absent, then
//! each with a property of its own, as when names are made of ids.

use std::time::Instant;

use millstream_journal::received::Tally;
use model::{Event, EventKind, Offset, ProjectId, Timestamp};

const TYPES: usize = 40;
/// About as many as are gathered before they are written, at 5,000 a second.
const ROUND: usize = 50_000;

#[derive(Clone, Copy)]
enum Like {
    Usual,
    Varied,
    Unique,
}

fn text(number: usize, like: Like) -> String {
    let event_type = number % TYPES;
    let own = (0..12).map(|n| match (like, n) {
        (Like::Varied, 0..3) if (number / TYPES).wrapping_mul(2_654_435_761) >> n & 7 == 0 => {
            format!(r#""property_{event_type}_{n}":{number}"#)
        }
        (Like::Unique, 0) => format!(r#""item_{number}":true"#),
        _ => format!(
            r#""property_{event_type}_{n}":"value {}""#,
            number % (7 + n)
        ),
    });
    let of_user = (0..20).map(|n| format!(r#""trait_{n}":"value {}""#, number % (5 + n)));
    format!(
        r#"{{"event_type":"type {event_type}","user_id":"user-{}","event_properties":{{{}}},
            "user_properties":{{{}}},"groups":{{"org":["acme"]}},
            "group_properties":{{"org":{{"acme":{{"plan":"pro","seats":{}}}}}}}}}"#,
        number % 10_000,
        own.collect::<Vec<_>>().join(","),
        of_user.collect::<Vec<_>>().join(","),
        number % 100,
    )
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args()
        .nth(1)
        .map_or(Ok(200_000), |text| text.parse())?;
    for (name, like) in [
        ("usual", Like::Usual),
        ("varied", Like::Varied),
        ("unique", Like::Unique),
    ] {
        let (mut bytes, mut reading, mut gathering, mut ending) = (0, 0.0, 0.0, 0.0);
        let mut tally = Tally::new(1);
        for first in (0..count).step_by(ROUND) {
            let events: Vec<_> = (first..count.min(first + ROUND))
                .map(|number| {
                    let text = text(number, like);
                    bytes += text.len();
                    let at = Timestamp(1_780_000_000_000_000);
                    let project = ProjectId::from_bytes([1; 16]);
                    let offset = Offset(number as u64);
                    Event::new(project, offset, EventKind::Track, at, text.into())
                })
                .collect();
            // Lanes read an event too, and whoever reads it first pays.
            let started = Instant::now();
            let read = events.iter().filter(|event| event.root().is_ok()).count();
            reading += started.elapsed().as_secs_f64();
            assert_eq!(read, events.len());
            let started = Instant::now();
            events.iter().for_each(|event| tally.add(event));
            gathering += started.elapsed().as_secs_f64();
            let started = Instant::now();
            let gathered = std::mem::replace(&mut tally, Tally::new(1));
            let day = std::time::Duration::from_secs(24 * 60 * 60);
            let received = gathered.view(Timestamp(1_780_000_000_000_000), day);
            ending += started.elapsed().as_secs_f64();
            assert_eq!(received.events as usize, events.len());
        }
        let each = |seconds: f64| seconds * 1e6 / count as f64;
        println!(
            "{name}: {} bytes an event; {:.2} µs to read it, {:.2} µs to gather, {:.2} µs to sum up: {:.0} events/s",
            bytes / count,
            each(reading),
            each(gathering),
            each(ending),
            count as f64 / (reading + gathering + ending)
        );
    }
    Ok(())
}
