use bytes::Bytes;
use serde_json::json;

use super::*;

fn rules(rules: Value) -> Vec<ResponseRule> {
    serde_json::from_value(rules).unwrap()
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        body: Bytes::copy_from_slice(body.as_bytes()),
        complete: true,
    }
}

fn means(rules: &[ResponseRule], status: u16, body: &str) -> Option<Meaning> {
    deciding(rules, &answer(status, body)).map(|rule| rule.means)
}

#[test]
fn statuses_are_written_in_three_ways() {
    for (text, in_it, not_in_it) in [
        ("409", &[409][..], &[408, 410][..]),
        ("4xx", &[400, 499], &[399, 500]),
        ("500-503", &[500, 503], &[499, 504]),
    ] {
        let statuses = Statuses::parse(text).unwrap();
        assert_eq!(statuses.to_string(), text);
        assert!(in_it.iter().all(|&status| statuses.contains(status)));
        assert!(!not_in_it.iter().any(|&status| statuses.contains(status)));
    }
    for text in [
        "", "40", "4000", "xx", "9xx", "600", "503-500", "4x", "+40", "-", "200-",
    ] {
        assert_eq!(Statuses::parse(text), None, "{text}");
    }
    let number: Statuses = serde_json::from_value(json!(409)).unwrap();
    assert_eq!(serde_json::to_value(number).unwrap(), json!("409"));
    let error = serde_json::from_value::<Statuses>(json!(99)).unwrap_err();
    assert!(error.to_string().contains("a class such as 4xx"), "{error}");
}

#[test]
fn the_first_rule_that_holds_decides() {
    let rules = rules(json!([
        {"status": [200], "body": [{"pointer": "/ok", "operator": "is", "values": [false]}],
         "means": "refused"},
        {"status": ["2xx"], "body": [{"pointer": "/wait", "operator": "is_set"}], "means": "retry"},
        {"status": [404, "409-410"], "means": "delivered"},
        {"body": [
            {"pointer": "/error/code", "operator": "is", "values": ["gone", 17]},
            {"pointer": "/error/text", "operator": "contains", "values": ["for good"]},
        ], "means": "refused"},
    ]));
    for (status, body, expected) in [
        (200, r#"{"ok": true}"#, None),
        (200, r#"{"ok": "false"}"#, None),
        (200, r#"{"ok": false, "wait": 1}"#, Some(Meaning::Refused)),
        (201, r#"{"ok": false, "wait": 1}"#, Some(Meaning::Retry)),
        (201, r#"{"wait": null}"#, None),
        (404, "no JSON", Some(Meaning::Delivered)),
        (410, "", Some(Meaning::Delivered)),
        (
            500,
            r#"{"error": {"code": 17.0, "text": "for good"}}"#,
            Some(Meaning::Refused),
        ),
        (
            500,
            r#"{"error": {"code": "gone", "text": "for now"}}"#,
            None,
        ),
        (500, "{", None),
    ] {
        assert_eq!(means(&rules, status, body), expected, "{status} {body}");
    }
}

#[test]
fn what_was_sent_is_the_first_item_of_its_batch() {
    let rules = rules(json!([{
        "status": [207], "means": "refused",
        "failed_item": {"list": "/errors", "index": "/batch_index"},
        "body": [{"pointer": "/reason", "operator": "is_not", "values": ["busy"]}],
    }]));
    for (body, expected) in [
        (r#"{"errors": []}"#, None),
        (
            r#"{"errors": [{"batch_index": 1, "reason": "invalid"}]}"#,
            None,
        ),
        (
            r#"{"errors": [{"batch_index": 0, "reason": "busy"}]}"#,
            None,
        ),
        (
            r#"{"errors": [{"batch_index": 1}, {"batch_index": 0}]}"#,
            Some(Meaning::Refused),
        ),
        (r#"{"errors": {"0": {"batch_index": 0}}}"#, None),
        // Some write numbers as texts.
        (
            r#"{"errors": [{"batch_index": "1"}, {"batch_index": "0"}]}"#,
            Some(Meaning::Refused),
        ),
        (
            r#"{"errors": [{"batch_index": "1"}, {"batch_index": "00"}, {"batch_index": ""}, {"batch_index": false}]}"#,
            None,
        ),
    ] {
        assert_eq!(means(&rules, 207, body), expected, "{body}");
    }
}

#[test]
fn of_a_body_that_was_cut_off_nothing_is_known() {
    let rules = rules(json!([
        {"status": ["2xx"], "body": [{"pointer": "/x", "operator": "is_not_set"}], "means": "retry"},
    ]));
    let mut cut = answer(200, "{}");
    assert!(deciding(&rules, &cut).is_some());
    cut.complete = false;
    assert_eq!(deciding(&rules, &cut), None);
}
