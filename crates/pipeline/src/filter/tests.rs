//! The table in the module's documentation, and what is refused.

use model::filter::{self, Operator, Property};
use model::json::{Limits, parse};
use serde_json::json;

use super::*;
use crate::problem::{Problem, Problems};

fn compile(selection: serde_json::Value) -> Result<Selection, Vec<Problem>> {
    let selection: filter::Selection = serde_json::from_value(selection).unwrap();
    let mut problems = Problems::default();
    let compiled = Selection::compile(&selection, "/events/select", &mut problems);
    if problems.is_empty() {
        Ok(compiled)
    } else {
        Err(problems.into_list())
    }
}

fn with_condition(condition: serde_json::Value) -> serde_json::Value {
    json!({"all": {"condition": condition}})
}

fn test(operator: &str, values: serde_json::Value) -> serde_json::Value {
    let property = json!({"scope": "event", "name": "p"});
    json!({"test": {"property": property, "operator": operator, "values": values}})
}

fn event(property: &str) -> String {
    format!(r#"{{"event_type":"buy","event_properties":{{"p":{property}}}}}"#)
}

fn judge(selection: &Selection, event: &str) -> bool {
    let event = parse(event.as_bytes(), &Limits::FOREIGN).unwrap();
    let event = event.as_object().unwrap();
    let judgement = selection.judge(event);
    if let Judgement::Refused(condition) = judgement {
        let reason = condition.explain(event, event);
        assert!(reason.is_some(), "a refusal has a reason");
    }
    matches!(judgement, Judgement::Selected)
}

/// Every cell: operator, values, then properties (`-` for a missing one) for which it holds and for
/// which it doesn't.
#[test]
fn each_operator_judges_each_kind_of_property_as_documented() {
    type Row = (
        &'static str,
        serde_json::Value,
        &'static [&'static str],
        &'static [&'static str],
    );
    let table: &[Row] = &[
        (
            "is",
            json!(["a", "b"]),
            &[r#""a""#, r#""b""#, r#"["x","b"]"#],
            &[r#""A""#, r#""ab""#, "-", "null", "1", "{}", "[]"],
        ),
        (
            "is",
            json!([10]),
            &["10", "10.0", "1e1", r#""10""#, r#""10.0""#, "[9,10]"],
            &["9", r#""010""#, "true", "-", r#""""#],
        ),
        (
            "is",
            json!(["10"]),
            &["10", "10.0", r#""10""#],
            &[r#""10.0""#, "11"],
        ),
        ("is", json!(["1.1"]), &["1.1", "1.10"], &[r#""1.10""#]),
        (
            "is",
            json!([9007199254740993_i64]),
            &["9007199254740993", r#""9007199254740993""#],
            &["9007199254740992", "9007199254740992.0"],
        ),
        ("is", json!([0.5]), &["0.5", "5e-1", r#""0.50""#], &["0.51"]),
        (
            "is",
            json!([true]),
            &["true", r#""true""#, "[false,true]"],
            &["false", "1", r#""True""#, "-"],
        ),
        ("is", json!(["true"]), &["true", r#""true""#], &["false"]),
        ("is", json!([""]), &[r#""""#], &["-", "null", "0", "[]"]),
        (
            "is_not",
            json!(["a", "b"]),
            &[r#""c""#, "1", "-", "null", "[]", r#"["c"]"#, "{}"],
            &[r#""a""#, r#""b""#, r#"["c","a"]"#],
        ),
        (
            "contains",
            json!(["ell", "zz"]),
            &[r#""hello""#, r#""fizz buzz""#, r#"["x","bell"]"#],
            &[r#""HELLO""#, "-", "null", r#"{"ell":1}"#],
        ),
        ("contains", json!([12]), &["3124", r#""a12""#], &["21"]),
        (
            "does_not_contain",
            json!(["ell"]),
            &[r#""hallo""#, "-", "null", "{}", "[]"],
            &[r#""hello""#, r#"["bell"]"#],
        ),
        (
            "starts_with",
            json!(["ab", "é"]),
            &[r#""abc""#, r#""\u00e9t\u00e9""#, r#"["x","ab"]"#],
            &[r#""cab""#, "-"],
        ),
        (
            "ends_with",
            json!(["@x.com"]),
            &[r#""a@x.com""#],
            &[r#""@x.com.evil""#, "-", "null"],
        ),
        (
            "less",
            json!([10]),
            &["9", "-1e300", r#""9""#, "[99,3]"],
            &[
                "10", "10.0", r#""10""#, "11", "-", "null", "true", "{}", "[]",
            ],
        ),
        (
            "less_or_equal",
            json!([10]),
            &["10", r#""10.0""#, "9.99"],
            &["10.000000000000000000001"],
        ),
        (
            "greater",
            json!([9]),
            &["10", r#""10""#],
            &["9", "8", r#""8""#, "-"],
        ),
        ("greater", json!(["9"]), &["10", r#""10""#], &["8"]),
        (
            "greater_or_equal",
            json!([9007199254740993_i64]),
            &["9007199254740993", "1e16"],
            &["9007199254740992"],
        ),
        (
            "greater",
            json!(["2022-02-28 20:07:01.795"]),
            &[r#""2022-03-01 00:00:00.000""#],
            &[
                r#""2022-02-28 20:07:01.795""#,
                r#""2021-12-31 23:59:59.999""#,
            ],
        ),
        (
            "less",
            json!(["2022-03"]),
            &[r#""2022-02-28 20:07:01.795""#],
            &[r#""2022-03-01""#],
        ),
        (
            "is_set",
            json!([]),
            &["0", "false", r#""""#, "[]", "{}"],
            &["-", "null"],
        ),
        (
            "is_not_set",
            json!([]),
            &["-", "null"],
            &["0", "false", r#""""#, "[]"],
        ),
        (
            "matches",
            json!(["^a+$", "\\d{3}"]),
            &[r#""aaa""#, r#""x123y""#, "1234", r#"["b","a"]"#],
            &[r#""ab""#, "12", "-", "null", "{}"],
        ),
        (
            "set_contains",
            json!(["a", 3]),
            &[r#"["b","a"]"#, "[1,2,3]", r#"["3.0"]"#],
            &[r#""a""#, "3", "[]", "-", "null", r#"[["a"]]"#, r#"{"a":1}"#],
        ),
    ];
    let mut seen = std::collections::HashSet::new();
    for (operator, values, holding, failing) in table {
        seen.insert(*operator);
        let selection = compile(with_condition(test(operator, values.clone()))).unwrap();
        let cases = holding
            .iter()
            .map(|p| (p, true))
            .chain(failing.iter().map(|p| (p, false)));
        for (property, expected) in cases {
            let event = match *property {
                "-" => r#"{"event_type":"buy"}"#.to_owned(),
                property => event(property),
            };
            assert_eq!(
                judge(&selection, &event),
                expected,
                "{property} {operator} {values}"
            );
        }
    }
    assert_eq!(seen.len(), 14, "an operator without a row");
}

#[test]
fn groups_join_conditions_and_nest() {
    let a = test("is", json!(["a"]));
    let has_user =
        json!({"test": {"property": {"scope": "field", "name": "user_id"}, "operator": "is_set"}});
    let selection = compile(with_condition(
        json!({"all": [has_user, {"any": [a, test("greater", json!([5]))]}]}),
    ))
    .unwrap();
    let event =
        |p: &str| format!(r#"{{"event_type":"x","user_id":"u","event_properties":{{"p":{p}}}}}"#);
    assert!(judge(&selection, &event(r#""a""#)));
    assert!(judge(&selection, &event("6")));
    assert!(!judge(&selection, &event("5")));
    assert!(!judge(
        &selection,
        r#"{"event_type":"x","event_properties":{"p":"a"}}"#
    ));
    assert!(judge(
        &compile(with_condition(json!({"all": []}))).unwrap(),
        "{}"
    ));
}

#[test]
fn each_type_is_judged_by_its_own_condition() {
    let selection = compile(json!({"types": [
        {"event_type": "view"},
        {"event_type": "buy", "condition": test("greater", json!([100]))},
    ]}))
    .unwrap();
    assert!(judge(&selection, r#"{"event_type":"view"}"#));
    assert!(judge(&selection, &event("101")));
    assert!(!judge(&selection, &event("99")));
    assert!(!judge(&selection, r#"{"event_type":"other"}"#));
    assert!(!judge(&selection, "{}"));
}

#[test]
fn reserved_types_are_never_selected() {
    let all = compile(json!({"all": {}})).unwrap();
    assert!(judge(&all, r#"{"event_type":"[Amplitude] Page Viewed"}"#));
    assert!(!judge(&all, r#"{"event_type":"_all"}"#));
    assert!(!judge(&all, r#"{"event_type":"_identify"}"#));
}

#[test]
fn the_explanation_names_the_condition_and_what_it_saw() {
    let explained = |condition: serde_json::Value, event: &str| {
        let selection = compile(with_condition(condition)).unwrap();
        let event = parse(event.as_bytes(), &Limits::FOREIGN).unwrap();
        let event = event.as_object().unwrap();
        match selection.judge(event) {
            Judgement::Refused(condition) => condition.explain(event, event).unwrap(),
            judgement => panic!("{judgement:?}"),
        }
    };
    assert_eq!(
        explained(test("is", json!(["a", 2])), &event(r#""b""#)),
        r#"event property "p" must be "a" or 2, but it is "b""#
    );
    assert_eq!(
        explained(test("does_not_contain", json!(["b"])), &event(r#""abc""#)),
        r#"event property "p" must not contain "b", but it is "abc""#
    );
    assert_eq!(
        explained(
            json!({"any": [test("is_set", json!([])), test("matches", json!(["^x"]))]}),
            "{}"
        ),
        r#"none of these holds: event property "p" must be set, but it is missing; event property "p" must match ^x, but it is missing"#
    );
    let long = explained(
        test("less", json!([1])),
        &event(&format!("\"{}\"", "é".repeat(5000))),
    );
    assert!(long.chars().count() < 200, "{long}");
}

#[test]
fn an_explanation_judges_the_event_and_shows_what_may_be_seen_of_it() {
    let selection = compile(with_condition(json!({"all": [
        test("starts_with", json!(["ann"])), test("contains", json!(["@"])), test("is_not", json!(["ann@b"])),
    ]})))
    .unwrap();
    let (real, masked) = (event(r#""ann@b""#), event(r#""[sensitive]""#));
    let real = parse(real.as_bytes(), &Limits::FOREIGN).unwrap();
    let masked = parse(masked.as_bytes(), &Limits::FOREIGN).unwrap();
    let Judgement::Refused(condition) = selection.judge(real.as_object().unwrap()) else {
        panic!("it is refused");
    };
    let (real, masked) = (real.as_object().unwrap(), masked.as_object().unwrap());
    // The masked event alone would be refused by the first.
    assert_eq!(
        condition.explain(real, masked).unwrap(),
        r#"event property "p" must not be "ann@b", but it is "[sensitive]""#
    );
}

#[test]
fn every_fault_of_a_selection_is_reported_where_it_stands() {
    let problems = compile(json!({"types": [
        {"event_type": "_all"},
        {"event_type": "$identify"},
        {"event_type": "buy", "condition": {"all": [
            test("matches", json!(["(?=x)", "", 5])),
            test("less", json!([true])),
            test("is", json!([])),
            test("contains", json!([""])),
            test("is_set", json!([1])),
            test("is", json!([null])),
            {"any": []},
            {"test": {"property": {"scope": "user", "name": ""}, "operator": "is_set"}},
        ]}},
        {"event_type": "buy"},
        {"event_type": ""},
    ]}))
    .unwrap_err();
    let found: Vec<_> = problems
        .iter()
        .map(|p| (p.pointer.as_str(), p.message.as_str()))
        .collect();
    let all = "/events/select/types/2/condition/all";
    let expected = [
        (
            "/events/select/types/0/event_type".to_owned(),
            "_all is reserved and can't be streamed",
        ),
        (
            "/events/select/types/1/event_type".to_owned(),
            "$identify is not sent as an event: switch on users to send it",
        ),
        (
            format!("{all}/0/test/values/0"),
            "the regular expression can't be used: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            format!("{all}/0/test/values/1"),
            "the regular expression is empty",
        ),
        (
            format!("{all}/0/test/values/2"),
            "a regular expression is text",
        ),
        (
            format!("{all}/1/test/values/0"),
            "booleans have no order: compare with a number or a date, or use is",
        ),
        (
            format!("{all}/2/test/values"),
            "a value to compare with is missing",
        ),
        (
            format!("{all}/3/test/values/0"),
            "the value to compare with is empty",
        ),
        (
            format!("{all}/4/test/values"),
            "whether a property is set needs no value to compare with",
        ),
        (
            format!("{all}/5/test/values/0"),
            "a property is compared with text, a number or a boolean",
        ),
        (
            format!("{all}/6/any"),
            "a group of no alternatives never holds: add one",
        ),
        (
            format!("{all}/7/test/property"),
            "choose a property to compare",
        ),
        (
            "/events/select/types/3/event_type".to_owned(),
            "\"buy\" is selected twice: join the conditions with any",
        ),
        (
            "/events/select/types/4/event_type".to_owned(),
            "an event type can't be empty",
        ),
    ];
    let expected: Vec<_> = expected.iter().map(|(p, m)| (p.as_str(), *m)).collect();
    assert_eq!(found, expected);
}

fn plain_test() -> filter::Condition {
    filter::Condition::Test {
        property: Property::User { name: "p".into() },
        operator: Operator::IsSet,
        values: Vec::new(),
    }
}

fn compile_condition(condition: filter::Condition) -> Result<(), Vec<Problem>> {
    let mut problems = Problems::default();
    let condition = Some(condition);
    Selection::compile(&filter::Selection::All { condition }, "", &mut problems);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.into_list())
    }
}

#[test]
fn conditions_are_bounded_in_depth_number_and_size() {
    let nested = |depth: usize| {
        (1..depth).fold(plain_test(), |inner, _| filter::Condition::All(vec![inner]))
    };
    assert!(compile_condition(nested(filter::Condition::MAX_DEPTH)).is_ok());
    let problems = compile_condition(nested(5000)).unwrap_err();
    assert_eq!(problems[0].message, "conditions nest deeper than 10 groups");

    let many = |count: usize| filter::Condition::All(vec![plain_test(); count]);
    assert!(compile_condition(many(filter::Condition::MAX_TESTS)).is_ok());
    assert_eq!(compile_condition(many(1000)).unwrap_err().len(), 1);

    let patterns =
        |patterns: Vec<String>| compile(with_condition(test("matches", json!(patterns))));
    assert!(patterns(vec!["a".into(); 50]).is_ok());
    assert!(patterns(vec!["a".into(); 51]).is_err());
    assert!(patterns(vec!["a".repeat(1001)]).is_err());
    let huge = patterns(vec!["(\\w{100}){100}".into()]).unwrap_err();
    assert!(huge[0].message.contains("size limit"), "{huge:?}");

    let values = |count: usize| compile(with_condition(test("is", json!(vec![1; count]))));
    assert!(values(1000).is_ok());
    assert!(values(1001).is_err());
    assert!(compile(json!({"types": []})).is_err());
}
