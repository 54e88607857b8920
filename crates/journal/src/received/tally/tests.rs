use std::time::Duration;

use model::{EventKind, ProjectId};

use super::super::{Received, ReceivedProperty, start_of};
use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Noon of some day.
const NOON: Timestamp = Timestamp(20_600 * 86_400_000_000 + 43_200_000_000);

fn event(offset: u64, at: Timestamp, text: &str) -> Event {
    let project = ProjectId::from_bytes([0; 16]);
    let text = text.to_owned().into();
    Event::new(project, Offset(offset), EventKind::Track, at, text)
}

fn tally<T: AsRef<str>>(events: &[T]) -> Tally {
    let mut tally = Tally::new(7);
    for (offset, text) in (0..).zip(events) {
        tally.add(&event(offset, NOON, text.as_ref()));
    }
    tally
}

fn received<T: AsRef<str>>(events: &[T]) -> Received {
    tally(events).view(NOON, 7 * DAY)
}

fn property<'r>(properties: &'r [ReceivedProperty], name: &str) -> &'r ReceivedProperty {
    properties.iter().find(|each| each.name == name).unwrap()
}

fn values(property: &ReceivedProperty) -> Vec<&str> {
    let mut values: Vec<_> = property
        .examples
        .iter()
        .map(|each| each.value.as_str())
        .collect();
    values.sort_unstable();
    values
}

#[test]
fn types_and_properties_are_counted_with_what_their_values_are() {
    let received = received(&[
        r#"{"event_type":"Bought","event_properties":{"price":9,"card_number":"4111"},"user_properties":{"plan":"pro"}}"#,
        r#"{"event_type":"Seen","event_properties":{"page":"/"},"user_properties":{"plan":"pro"}}"#,
        r#"{"event_type":"Bought","event_properties":{"price":"9","none":null},"user_properties":{"plan":"free"},
           "group_properties":{"org":{"acme":{"size":3,"town":"Bath"},"b":{"size":4}}}}"#,
        "[]",
        "",
    ]);
    assert_eq!((received.events, received.is_cut()), (4, false));
    let (bought, seen) = (&received.types[0], &received.types[1]);
    assert_eq!((bought.name.as_str(), bought.seen.events), ("Bought", 2));
    assert_eq!((seen.name.as_str(), seen.seen.events), ("Seen", 1));
    let price = property(&bought.properties, "price");
    assert_eq!(price.seen.events, 2);
    assert!(price.kinds.contains(&("number", 1)) && price.kinds.contains(&("string", 1)));
    assert_eq!(values(price), ["\"9\"", "9"]);
    let card = property(&bought.properties, "card_number");
    assert_eq!((card.seen.events, card.examples.len()), (1, 0));
    assert!(bought.properties.iter().all(|each| each.name != "none"));
    let plan = property(&received.users.properties, "plan");
    assert_eq!((plan.seen.events, received.users.seen.events), (3, 4));
    assert_eq!(values(plan), ["\"free\"", "\"pro\""]);
    // An event with two groups has the property once.
    let org = &received.groups[0];
    let size = property(&org.properties, "size");
    assert_eq!((org.seen.events, size.seen.events), (1, 1));
    assert_eq!(size.kinds, [("number", 1)]);
    assert_eq!(values(size), ["3", "4"]);
    assert_eq!(values(property(&org.properties, "town")), ["\"Bath\""]);
}

#[test]
fn properties_of_other_shapes_add_up() {
    let events: Vec<_> = (0..1000)
        .map(|n| match n % 3 {
            0 => format!(r#"{{"event_type":"a","event_properties":{{"x":{n},"y":"t"}}}}"#),
            1 => format!(r#"{{"event_type":"a","event_properties":{{"y":"t","x":{n}}}}}"#),
            _ => format!(r#"{{"event_type":"b","event_properties":{{"x":"{n}"}}}}"#),
        })
        .collect();
    let received = received(&events);
    let a = &received.types[0];
    assert_eq!(a.seen.events, 667);
    let x = property(&a.properties, "x");
    assert_eq!(
        (x.seen.events, x.kinds.clone()),
        (667, vec![("number", 667)])
    );
    assert_eq!(x.examples.len(), EXAMPLES);
    assert_eq!(property(&a.properties, "y").seen.events, 667);
    // A value's example is of its newest event that was looked at.
    let b = property(&received.types[1].properties, "x");
    assert!(
        b.examples
            .iter()
            .all(|each| each.value == format!("\"{}\"", each.offset.0))
    );
}

#[test]
fn what_is_old_is_not_shown() {
    let mut tally = Tally::new(7);
    let text =
        |name: &str| format!(r#"{{"event_type":"{name}","event_properties":{{"{name}":1}}}}"#);
    tally.add(&event(0, NOON - 3 * DAY - DAY / 4, &text("old")));
    tally.add(&event(1, NOON - 3 * DAY + DAY / 4, &text("kept")));
    tally.add(&event(2, NOON - 3 * DAY - DAY / 4, &text("both")));
    tally.add(&event(3, NOON, &text("both")));
    let received = tally.view(NOON, 3 * DAY);
    let names: Vec<_> = received
        .types
        .iter()
        .map(|each| each.name.as_str())
        .collect();
    assert_eq!(names, ["both", "kept"]);
    // Days are counted whole, times of the first are remembered.
    let both = &received.types[0];
    assert_eq!((both.seen.events, received.since), (2, start_of(20_597)));
    assert_eq!(both.seen.first, NOON - 3 * DAY - DAY / 4);
    assert_eq!(both.seen.last, NOON);
    // Of the older one no value is left.
    assert_eq!(both.properties[0].examples.len(), 1);
}

#[test]
fn what_is_kept_is_bounded_and_says_so() {
    let many = |of: usize| (0..of).map(|n| format!("\"p{n}\":1")).collect::<Vec<_>>();
    let wide = format!(
        r#"{{"event_type":"x","event_properties":{{{}}}}}"#,
        many(1600).join(",")
    );
    let wide = received(&[wide]);
    assert_eq!(wide.types[0].properties.len(), Room::MEMORY.properties);
    assert_eq!(wide.types[0].uncounted_properties, 1);
    let mut types: Vec<_> = (0..3000)
        .map(|n| format!(r#"{{"event_type":"t{n}"}}"#))
        .collect();
    types.extend((0..50).map(|_| r#"{"event_type":"often"}"#.to_owned()));
    let types = received(&types);
    assert_eq!(types.types.len(), Room::MEMORY.types);
    assert_eq!(
        (types.types[0].name.as_str(), types.types[0].seen.events),
        ("often", 50)
    );
    assert_eq!((types.uncounted_types, types.is_cut()), (1, true));
    let long = format!(
        r#"{{"event_type":"{}","user_properties":{{"x":1,"{}":2}}}}"#,
        "t".repeat(600),
        "n".repeat(600)
    );
    let long = received(&[long]);
    assert_eq!((long.types.len(), long.uncounted_types), (0, 1));
    assert_eq!(
        (long.users.properties.len(), long.users.uncounted_properties),
        (1, 1)
    );
    // What has a place lacks nothing, and one of a fitting name neither.
    assert_eq!(long.users.properties[0].seen.uncounted, 0);
}

#[test]
fn memory_is_bounded_whatever_arrives() {
    let mut tally = Tally::new(7);
    for number in 0..3000 {
        let own: Vec<_> = (0..40).map(|n| format!("\"p{number}-{n}\":1")).collect();
        let text = format!(
            r#"{{"event_type":"t{}","event_properties":{{"often":1,{}}},
                "user_properties":{{"often":1,"u{number}":1}}}}"#,
            number % 900,
            own.join(",")
        );
        tally.add(&event(number, NOON, &text));
    }
    let most = Room::MEMORY.all_properties + 901 + PLACES + 100;
    assert!(tally.size() <= most, "{}", tally.size());
    assert_eq!(tally.clone().finish().scopes.len(), 901);
    // What is frequent keeps its place, and of what lost its own it is known how much that was at most.
    let received = tally.view(NOON, DAY);
    let often = property(&received.users.properties, "often");
    assert_eq!(often.seen.events, 3000);
    assert_eq!(received.users.seen.events, 3000);
    for each in &received.types {
        let mut properties = each.properties.iter();
        let often = properties.find(|each| each.name == "often");
        let most = often.map_or(each.uncounted_properties, |often| {
            often.seen.events + often.seen.uncounted
        });
        assert!(most >= each.seen.events, "{}", each.name);
    }
}

#[test]
fn groups_are_those_that_an_event_has_and_those_that_it_describes() {
    let received = received(&[
        r#"{"groups":{"org":["acme"],"team":["red","blue"],"none":[]}}"#,
        r#"{"groups":{"org":["acme"]},"group_properties":{"org":{"acme":{"size":3}}}}"#,
        r#"{"group_properties":{"org":{"acme":{"size":4}},"place":{"bath":{}}}}"#,
    ]);
    let groups: Vec<_> = received
        .groups
        .iter()
        .map(|each| (each.name.as_str(), each.seen.events, each.properties.len()))
        .collect();
    assert_eq!(groups, [("org", 3, 1), ("place", 1, 0), ("team", 1, 0)]);
    assert_eq!(received.groups[0].properties[0].seen.events, 2);
}

#[test]
fn erased_events_take_what_they_brought_along() {
    let (ann, bob) = (
        r#"{"event_type":"a","event_properties":{"x":"ann","hers":1},"user_properties":{"mail":"ann@example.com"}}"#,
        r#"{"event_type":"a","event_properties":{"x":2},"user_properties":{"mail":"bob@example.com"}}"#,
    );
    let own = r#"{"event_type":"only hers"}"#;
    let mut all = tally(&[ann, bob, ann, bob, own]).finish();
    let mut erased = Tally::new(9);
    for (offset, text) in [(0, ann), (2, ann), (4, own)] {
        erased.add(&event(offset, NOON, text));
    }
    for (key, erased) in erased.finish().scopes {
        let scope = all.scopes.get_mut(&key).unwrap();
        scope.take(&erased, &|offset| [0, 2, 4].contains(&offset.0));
    }
    let left = all.view(super::super::view::kept_at(NOON, DAY));
    let never = {
        let mut never = Tally::new(3);
        [1, 3]
            .iter()
            .for_each(|&offset| never.add(&event(offset, NOON, bob)));
        never.view(NOON, DAY)
    };
    assert_eq!(left, never);
}
