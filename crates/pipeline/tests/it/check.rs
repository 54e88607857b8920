//! What the author of a definition is told.

use std::sync::Arc;

use millstream_pipeline::{Check, Problem, Used, check};
use model::Clock;
use model::definition::Definition;
use model::time::SystemClock;
use serde_json::{Value, json};

use crate::support::definition;

/// The check of a definition that is sound but for `changes`.
fn checked(changes: Value) -> Check {
    let mut sound = json!({
        "about": {"summary": "A tool that sends mail."},
        "own_templates": false,
        "users": null,
    });
    let members = changes.as_object().unwrap().clone();
    sound.as_object_mut().unwrap().extend(members);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    check(&definition(sound), &clock)
}

fn places(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

fn at(pointer: &str, line: u32, column: u32) -> Used {
    Used {
        pointer: pointer.into(),
        line: Some(line),
        column: Some(column),
    }
}

#[test]
fn the_built_in_definition_is_sound() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let found = check(&Definition::webhook(), &clock);
    assert_eq!(places(&found.problems), [""; 0]);
    assert_eq!(places(&found.warnings), [""; 0]);
}

#[test]
fn the_table_says_where_each_parameter_is_used() {
    let found = checked(json!({
        "parameters": [
            {"name": "endpoint", "display_name": "Endpoint"},
            {"name": "key", "display_name": "Key", "kind": "secret"},
            {"name": "idle", "display_name": "Idle"},
        ],
        "events": {
            "url": "https://${parameters.endpoint}/x",
            "headers": [{"name": "Authorization", "value": "Bearer ${parameters.key}"}],
            "body": "{\n  \"a\": \"${parameters.endpoint?json_string}\",\n  \"b\": \"${parameters.kye}\"}",
        },
    }));
    let used: Vec<_> = found
        .parameters
        .iter()
        .map(|usage| (usage.name.as_str(), usage.declared, usage.used.clone()))
        .collect();
    let endpoint = vec![at("/events/url", 1, 11), at("/events/body", 2, 11)];
    assert_eq!(
        used,
        [
            ("endpoint", true, endpoint),
            ("key", true, vec![at("/events/headers/0/value", 1, 10)]),
            ("idle", true, vec![]),
            ("kye", false, vec![at("/events/body", 3, 11)]),
        ]
    );
    assert_eq!(
        places(&found.problems),
        [r#"/events/body: line 3 column 11: unknown parameter "kye": did you mean key?"#]
    );
    assert_eq!(
        places(&found.warnings),
        ["/parameters/2: idle is declared, but no template uses it"]
    );
}

#[test]
fn a_template_that_goes_through_all_fields_uses_each() {
    let found = checked(json!({
        "mappings": [{"name": "who", "kinds": ["id", "email"]}, {"name": "plan"}],
        "events": {
            "url": "https://example.com/",
            "body": "{<#list mappedFields?keys as k>\"${k}\": 1<#sep>,</#list>}",
        },
    }));
    assert_eq!(places(&found.warnings), [""; 0]);
    let names: Vec<_> = found.fields.iter().map(|usage| &*usage.name).collect();
    assert_eq!(names, ["id", "email", "plan"]);
    assert!(found.fields.iter().all(|usage| usage.used.len() == 1));
}

#[test]
fn a_name_that_looks_like_another_is_refused() {
    let named = |name: &str| {
        let found = checked(json!({ "display_name": name }));
        let found = places(&found.problems);
        found
            .into_iter()
            .filter(|at| at.starts_with("/display_name"))
            .collect::<Vec<_>>()
    };
    for name in ["L\u{430}ntern", "Mail W\u{435}bhook", "\u{39f}rder"] {
        let refused = named(name);
        assert!(
            refused[0].contains("several scripts"),
            "{name}: {refused:?}"
        );
    }
    for name in [
        "Müller & Söhne",
        "Яндекс Mail",
        "КБ-Mail",
        "Mail.ru",
        "東京メール",
        "Tokyoメール便",
        "서울 메일",
        "हिन्दी",
        "Mail 4٤",
        "Zürich2",
        "Ελλάδα",
        "naïve—Ünïcode",
        "🦀 Crab",
    ] {
        assert_eq!(named(name), [""; 0], "{name}");
    }
}

#[test]
fn two_parameters_of_one_title_are_refused() {
    let parameter = |name: &str, title: &str| json!({"name": name, "display_name": title});
    let found = checked(json!({"display_name": "Mail", "parameters": [
        parameter("a", "Key"), parameter("b", "Key "), parameter("c", "Other key"),
    ]}));
    let found = places(&found.problems);
    let of_titles = found.iter().filter(|at| at.contains("display_name"));
    assert_eq!(
        of_titles.collect::<Vec<_>>(),
        ["/parameters/1/display_name: a parameter is already shown under this name"]
    );
}

#[test]
fn what_would_mislead_whoever_reads_it_is_refused() {
    let found = checked(json!({
        "display_name": "Mail\u{202e}liam",
        "about": {
            "summary": "Sends \u{2066}mail",
            "description": "See [us](https://bank.example:x@evil.example/).\n\nOr \u{202d}not.",
            "links": [
                {"title": "Do\u{200b}cs", "url": "https://a.example/"},
                {"title": "Docs", "url": "https://ann:secret@a.example/"},
            ],
        },
        "parameters": [{"name": "p", "display_name": "P\u{200f}", "help": "\u{2067}x", "kind": "select",
            "options": [{"value": "us", "label": "U\u{feff}S"}]}],
        "mappings": [{"name": "x", "help": "a\u{202b}b", "kinds": ["i\u{200d}d"]}],
    }));
    let unseen = |at: &str, which: &str| {
        format!("{at}: no format or other invisible characters: U+{which} is one")
    };
    let order = |at: &str, place: &str, which: &str| {
        format!(
            "{at}: {place}: no characters that change the order in which others are read: U+{which} is one"
        )
    };
    assert_eq!(
        places(&found.problems),
        [
            unseen("/display_name", "202E"),
            order("/about/summary", "line 1 column 7", "2066"),
            order("/about/description", "line 3 column 4", "202D"),
            "/about/description: line 1 column 10: a link with a user name or password in its address: what \
             stands before the @ is easily taken for where it leads"
                .to_owned(),
            unseen("/about/links/0/title", "200B"),
            "/about/links/1/url: not a usable URL: it holds a user name or password: send them in an \
             Authorization header"
                .to_owned(),
            unseen("/parameters/0/display_name", "200F"),
            order("/parameters/0/help", "line 1 column 1", "2067"),
            unseen("/parameters/0/options/0/label", "FEFF"),
            order("/mappings/0/help", "line 1 column 2", "202B"),
            unseen("/mappings/0/kinds/0", "200D"),
        ]
    );
    // What scripts need to be written stays, where it isn't a name.
    let sound = checked(json!({
        "about": {
            "summary": "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645} \u{2764}\u{fe0f}",
            "description": "Write to ann@a.example or <mailto:ann@a.example>, see https://a.example/@ann.",
        },
    }));
    assert_eq!(places(&sound.problems), [""; 0]);
}

#[test]
fn everything_that_is_wrong_with_the_fields_is_said_at_once() {
    let found = checked(json!({
        "display_name": " ",
        "about": {"summary": "two\nlines", "links": [{"title": "Docs", "url": "javascript:alert(1)"}]},
        "parameters": [
            {"name": "1st", "display_name": "A"},
            {"name": "region", "display_name": "Region", "kind": "select", "default": "mars",
             "options": [{"value": "us", "label": "US"}, {"value": "us", "label": "Us"}]},
            {"name": "region", "display_name": "B", "options": [{"value": "x", "label": "X"}]},
            {"name": "key", "display_name": "Key", "kind": "secret", "default": "abc"},
            {"name": "id", "display_name": "Id", "pattern": "[0-9"},
            {"name": "on", "display_name": "On", "kind": "checkbox", "default": "yes"},
        ],
        "mappings": [{"name": "id"}, {"name": "who", "kinds": ["id", "email"]}],
        "limits": {"concurrency": 0, "requests_per_minute": 0},
        "events": null,
    }));
    assert_eq!(
        places(&found.problems),
        [
            "/display_name: this field is required",
            "/about/summary: no line breaks and no other control characters",
            "/about/links/0/url: not a usable URL: it must start with https:// or http://",
            "/events: nothing can be sent: add what is sent for an event",
            "/parameters/0/name: a name for templates: letters, digits and _, no digit first",
            "/parameters/1/options/1/value: this value is already there",
            "/parameters/1/default: not one of the options: us, us",
            "/parameters/2/name: a parameter of this name is already there",
            "/parameters/2/options: only a parameter of kind select has options",
            "/parameters/3/default: a secret of everybody is none: leave it to the user",
            "/parameters/4/pattern: not a regular expression: error: unclosed character class",
            "/parameters/5/default: expected true or false",
            "/mappings/1/name: templates would find two values under id",
            "/limits/concurrency: nothing would get through: leave it out for no limit",
            "/limits/requests_per_minute: nothing would get through: leave it out for no limit",
        ]
    );
}

#[test]
fn urls_and_headers_that_could_never_be_sent_are_refused() {
    let found = checked(json!({
        "parameters": [{"name": "p", "display_name": "P"}],
        "events": {
            "url": "ftp://example.com/",
            "headers": [
                {"name": "Host", "value": "x"},
                {"name": "X-${input.user_id}", "value": "${parameters.p}"},
                {"name": "X-A", "value": "a\r\nb"},
                {"name": "x-a", "value": "a"},
                {"name": "a b", "value": "${"},
            ],
        },
    }));
    let found = places(&found.problems);
    assert_eq!(found.len(), 7, "{found:?}");
    for (found, expected) in found.iter().zip([
        "/events/url: the URL can't be used: only http and https addresses can be reached",
        "/events/headers/0/name: host is set by the sender and can't be changed",
        "/events/headers/1/name: only parameters can go into the name of a header",
        "/events/headers/2/value: the value has characters that a header can't carry, or is too long",
        "/events/headers/4/name: \"a b\" can't be the name of a header",
        "/events/headers/4/value: line 1 column",
        "/events/headers/3/name: x-a is given twice",
    ]) {
        assert!(found.starts_with(expected), "{found}");
    }
}

/// The problems of a definition with one header of this name and value `1`.
fn of_header(name: &str, parameters: &Value) -> Vec<String> {
    let headers = json!([{"name": name, "value": "1"}]);
    let found = checked(json!({
        "parameters": parameters,
        "events": {"url": "https://example.com/", "headers": headers},
    }));
    places(&found.problems)
}

#[test]
fn names_of_headers_must_come_out_as_ones_for_all_that_can_be_filled_in() {
    let at = "/events/headers/0/name: ";
    let txt = |more: Value| {
        let mut parameter = json!({"name": "txt", "display_name": "T"});
        let members = more.as_object().unwrap().clone();
        parameter.as_object_mut().unwrap().extend(members);
        json!([parameter])
    };
    let none = json!([]);
    for (name, parameters, message) in [
        (
            "Conn${\"ection\"}",
            none.clone(),
            "connection is set by the sender",
        ),
        (
            "${\"X\\r\\nY\"}",
            none.clone(),
            "can't be the name of a header",
        ),
        (
            "${input.event_type}",
            none.clone(),
            "only parameters can go into the name",
        ),
        ("<#if true>X</#if>", none.clone(), "can have no tags"),
        (
            "${parameters.txt}",
            txt(json!({"default": "Connection"})),
            "connection is set by the sender",
        ),
        (
            "X-${parameters.txt}",
            txt(json!({})),
            "txt may be left empty: make it required",
        ),
        (
            "${parameters.txt!\"\"}",
            txt(json!({})),
            "txt may be left empty: make it required",
        ),
        (
            "${parameters.txt}",
            txt(json!({"kind": "select", "required": true, "options": [
                {"value": "X-A", "label": "A"}, {"value": "Host", "label": "B"},
            ]})),
            "txt may be \"Host\" (host is set by the sender",
        ),
        (
            "X-${parameters.txt}",
            txt(json!({"kind": "url", "required": true})),
            "can't be the name",
        ),
    ] {
        let found = of_header(name, &parameters);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(
            found[0].starts_with(at) && found[0].contains(message),
            "{name}: {found:?}"
        );
    }
    for (name, parameters) in [
        ("X-${parameters.txt}", txt(json!({"required": true}))),
        ("${parameters.txt}", txt(json!({"default": "X-A"}))),
        ("X-${parameters.txt!\"a\"}", txt(json!({}))),
        ("X-${parameters.txt}", txt(json!({"kind": "checkbox"}))),
        (
            "X-${parameters.txt}",
            txt(json!({"required": true, "pattern": "[qxz]{9}"})),
        ),
    ] {
        assert_eq!(of_header(name, &parameters), [""; 0], "{name}");
    }
}

#[test]
fn what_nothing_goes_into_is_judged_by_what_it_makes() {
    let found = checked(json!({
        "events": {
            "url": "https://x.example/${\"a b\"}",
            "headers": [
                {"name": "X-One", "value": "${\"a\\nb\"}"},
                {"name": "Content-Type", "value": "${\"application/\\njson\"}"},
                {"name": "X-Two", "value": "${\"sound\"}"},
                {"name": "X-Three", "value": "${\"x\"?number}"},
            ],
            "body": "{}",
        },
    }));
    let found = places(&found.problems);
    let beginnings = [
        "/events/url: the URL can't be used",
        "/events/headers/0/value: the value has characters that a header can't carry",
        "/events/headers/1/value: the value has characters that a header can't carry",
        "/events/headers/3/value: line 1 column 1: ",
    ];
    assert_eq!(found.len(), beginnings.len(), "{found:#?}");
    for (found, beginning) in found.iter().zip(beginnings) {
        assert!(found.starts_with(beginning), "{found}");
    }
    let scheme = checked(json!({
        "events": {"url": "${\"ftp\"}://x.example/", "body": "{}"},
    }));
    let [problem] = places(&scheme.problems).try_into().unwrap();
    assert!(
        problem.starts_with("/events/url: the URL can't be used"),
        "{problem}"
    );
}

#[test]
fn methods_that_there_are_not_are_named_with_the_nearest() {
    const CLASS: &str = "com.amplitude.integrations.connector.utils.FtlUtils";
    let of = |value: String| {
        let found = checked(json!({
            "parameters": [{"name": "key", "display_name": "Key", "kind": "secret"}],
            "events": {
                "url": "https://example.com/x",
                "headers": [{"name": "Authorization", "value": value}],
                "body": "{}",
            },
        }));
        places(&found.problems)
    };
    let at = "/events/headers/0/value: line 1 column";
    for (called, column, said) in [
        (
            format!("Basic ${{statics[\"{CLASS}\"].base64Encode(parameters.key)}}"),
            9,
            "unknown method \"base64Encode\": did you mean statics[\"millstream.Utils\"].base64?",
        ),
        (
            format!("${{statics['{CLASS}'].toJsn(parameters.key)}}"),
            3,
            "unknown method \"toJsn\": did you mean toJson?",
        ),
        (
            format!("<#assign U = statics['{CLASS}']>${{U['sha256'](parameters.key)}}"),
            0,
            "unknown method \"sha256\": the class has toJson, toJsonString",
        ),
        (
            "${statics['millstream.Util'].base64(parameters.key)}".to_owned(),
            3,
            "unknown class \"millstream.Util\": did you mean millstream.Utils?",
        ),
        (
            "${statics['java.lang.Runtime'].getRuntime()!parameters.key}".to_owned(),
            3,
            "unknown class \"java.lang.Runtime\": templates can call \
             com.amplitude.integrations.connector.utils.FtlUtils, millstream.Utils",
        ),
        (
            "Basic ${statics['millstream.Utils'].base64()}".to_owned(),
            9,
            "base64 takes one argument, not 0",
        ),
        (
            "Basic ${(statics['millstream.Utils'].base64)(parameters.key, 2, 3)!'x'}".to_owned(),
            10,
            "base64 takes one argument, not 3",
        ),
        (
            format!("<#assign f = statics['{CLASS}'].toJson>${{f(parameters.key, 1)}}"),
            0,
            "toJson takes one argument, not 2",
        ),
        (
            format!("<#function f U>${{U.toJsonString()}}</#function>${{f(statics['{CLASS}'])}}"),
            0,
            "toJsonString takes one argument, not 0",
        ),
    ] {
        let found = of(called.clone());
        let [found] = found.as_slice() else {
            panic!("{called}: {found:?}");
        };
        assert!(found.ends_with(said), "{called}: {found}");
        let place = format!("{at} {column}: ");
        assert!(
            column == 0 || found.starts_with(&place),
            "{called}: {found}"
        );
    }
    for sound in [
        format!("${{statics['{CLASS}'].toJsonString(parameters.key)}}"),
        "Basic ${statics['millstream.Utils'].base64('site:' + parameters.key)}".to_owned(),
        "<#assign statics = {'own': {'a': parameters.key}}>${statics['own'].a}".to_owned(),
        "<#assign name = 'base64'>${statics['millstream.Utils'][name](parameters.key)}".to_owned(),
        "${[parameters.key]?map(statics['millstream.Utils'].base64)?join(',')}".to_owned(),
        "<#function base64 a b>${a}${b}</#function>${base64(parameters.key, 1)}".to_owned(),
    ] {
        assert_eq!(of(sound.clone()), [""; 0], "{sound}");
    }
}
