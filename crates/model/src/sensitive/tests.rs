use super::*;
use crate::{EventKind, Offset, ProjectId, Timestamp};

fn event(text: &str) -> Arc<Event> {
    let project = ProjectId::from_bytes([0; 16]);
    let text = Bytes::from(text.to_owned());
    let event = Event::new(project, Offset(3), EventKind::Track, Timestamp(5), text);
    Arc::new(event.with_changed_properties(Bytes::from_static(b"[\"email\"]")))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn of_event(list: &[&str]) -> SensitiveProperties {
    SensitiveProperties {
        event: names(list),
        ..SensitiveProperties::default()
    }
}

fn masked(properties: &str, list: &[&str]) -> String {
    let whole = event(&format!(r#"{{"event_properties":{properties}}}"#));
    let masked = mask(&whole, &of_event(list)).event;
    let text = std::str::from_utf8(masked.text()).expect("JSON is text");
    let text = text.strip_prefix(r#"{"event_properties":"#);
    text.and_then(|text| text.strip_suffix('}'))
        .expect("its form stays")
        .to_owned()
}

#[test]
fn values_go_and_their_form_stays() {
    let list = ["all"];
    assert_eq!(
        masked(
            r#"{"a":1.10,"all":{"s":"x","n":12.50,"t":true,"f":false,"z":null,"l":[1,"y",[{}]]}}"#,
            &list
        ),
        r#"{"a":1.10,"all":{"s":"[sensitive]","n":0,"t":false,"f":false,"z":null,"l":[0,"[sensitive]",[{}]]}}"#
    );
}

#[test]
fn a_name_stands_for_a_property_a_member_or_all_with_a_beginning() {
    let whole = r#"{"a":{"b":"1","c":"2"},"a.b":"3","ab":"4","A":"5"}"#;
    for (list, expected) in [
        (
            vec!["a.b"],
            r#"{"a":{"b":"[sensitive]","c":"2"},"a.b":"[sensitive]","ab":"4","A":"5"}"#,
        ),
        (
            vec!["a.*"],
            r#"{"a":{"b":"[sensitive]","c":"[sensitive]"},"a.b":"[sensitive]","ab":"4","A":"5"}"#,
        ),
        (
            vec!["a"],
            r#"{"a":{"b":"[sensitive]","c":"[sensitive]"},"a.b":"3","ab":"4","A":"5"}"#,
        ),
        (
            vec!["a*"],
            r#"{"a":{"b":"[sensitive]","c":"[sensitive]"},"a.b":"[sensitive]","ab":"[sensitive]","A":"5"}"#,
        ),
        (
            vec!["*"],
            r#"{"a":{"b":"[sensitive]","c":"[sensitive]"},"a.b":"[sensitive]","ab":"[sensitive]","A":"[sensitive]"}"#,
        ),
        (vec!["b", "x.b", "a.b.c", "a.b.*"], whole),
    ] {
        assert_eq!(masked(whole, &list), expected, "{list:?}");
    }
    assert_eq!(
        masked(
            r#"{"items":[{"sku":"s","price":9},{"price":8}]}"#,
            &["items.price"]
        ),
        r#"{"items":[{"sku":"s","price":0},{"price":0}]}"#
    );
    // A beginning that ends within a member's name.
    assert_eq!(
        masked(r#"{"a":{"card_no":"1","name":"2"}}"#, &["a.card*"]),
        r#"{"a":{"card_no":"[sensitive]","name":"2"}}"#
    );
}

#[test]
fn events_users_and_groups_have_lists_of_their_own() {
    let whole = event(
        r#"{"event_properties":{"x":"e"},"user_properties":{"x":"u"},"group_properties":{"org":{"acme":{"x":"g"}},"bad":1}}"#,
    );
    let list = |event: &[&str], user: &[&str], group: &[&str]| SensitiveProperties {
        event: names(event),
        user: names(user),
        group: names(group),
    };
    for (sensitive, gone, stays) in [
        (list(&["x"], &[], &[]), "\"e\"", ["\"u\"", "\"g\""]),
        (list(&[], &["x"], &[]), "\"u\"", ["\"e\"", "\"g\""]),
        (list(&[], &[], &["x"]), "\"g\"", ["\"e\"", "\"u\""]),
    ] {
        let masked = mask(&whole, &sensitive);
        let text = std::str::from_utf8(masked.event.text()).expect("JSON is text");
        assert!(!text.contains(gone), "{text}");
        assert!(stays.iter().all(|stays| text.contains(stays)), "{text}");
        assert!(masked.is_changed());
        assert_eq!(masked.event.offset, Offset(3));
        assert_eq!(masked.event.changed_properties(), ["email"]);
    }
}

#[test]
fn what_has_nothing_sensitive_stays_to_the_byte() {
    let whole = event(r#"{ "event_properties" : {"a":1} }"#);
    for list in [vec![], vec!["b"]] {
        let masked = mask(&whole, &of_event(&list));
        assert_eq!(masked.event.text(), whole.text());
        assert!(!masked.is_changed());
        assert_eq!(masked.redaction.apply("a 1"), "a 1");
    }
}

#[test]
fn nothing_is_shown_of_what_cannot_be_read() {
    let masked = mask(
        &event(r#"{"event_properties":{"x":"secret"#),
        &of_event(&["x"]),
    );
    assert_eq!(masked.event.text().as_ref(), b"{}");
    assert_eq!(masked.redaction.apply("found secret"), MASK);
    assert_eq!(masked.redaction.apply(""), "");
}

#[test]
fn texts_lose_the_values_in_every_usual_form() {
    let values = r#"{"x":["ann@example.com","Häuser \"A\"",4711,"no","4111111111111111"]}"#;
    let whole = event(&format!(r#"{{"event_properties":{values}}}"#));
    let redaction = mask(&whole, &of_event(&["x"])).redaction;
    for (text, expected) in [
        ("no user ann@example.com", "[sensitive] user [sensitive]"),
        ("?to=ANN%40example.com&x", "?to=[sensitive]&x"),
        (r#"{"a":"Häuser \"A\""}"#, r#"{"a":"[sensitive]"}"#),
        ("a=H%C3%A4user+%22A%22", "a=[sensitive]"),
        ("number 4711.", "number [sensitive]."),
        ("nothing notable", "nothing notable"),
        ("card 41111111…", "card [sensitive]…"),
        ("cut: ann@exa", "cut: [sensitive]"),
        ("cut: ann@e", "cut: [sensitive]"),
        ("Ann, an anniversary", "Ann, an anniversary"),
    ] {
        assert_eq!(redaction.apply(text), expected, "{text}");
    }
    assert!(!format!("{redaction:?}").contains("ann"));
}

#[test]
fn names_are_checked_and_put_in_order() {
    let long = "x".repeat(201);
    let bad = of_event(&["", "a*b", "**", long.as_str(), "a\0", "fine", "fine.*", "*"]);
    let problems = bad.problems();
    let pointers: Vec<_> = problems.iter().map(|each| each.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/event/0", "/event/1", "/event/2", "/event/3", "/event/4"]
    );
    let many: Vec<String> = (0..201).map(|number| format!("n{number}")).collect();
    let many = SensitiveProperties {
        user: many,
        ..SensitiveProperties::default()
    };
    assert_eq!(many.problems().len(), 1);
    assert_eq!(
        of_event(&["b", " a ", "b"]).in_order(),
        of_event(&["a", "b"])
    );
}

#[test]
fn an_event_with_very_many_values_shows_no_text_that_was_made_of_it() {
    let items: Vec<_> = (0..2000)
        .map(|number| format!("\"value {number}\""))
        .collect();
    let whole = event(&format!(
        r#"{{"event_properties":{{"x":[{}]}}}}"#,
        items.join(",")
    ));
    let redaction = mask(&whole, &of_event(&["x"])).redaction;
    assert_eq!(redaction.apply("about value 1999"), MASK);
}
