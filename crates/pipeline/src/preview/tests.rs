use std::sync::Arc;

use bytes::Bytes;
use model::definition::{Definition, Header, Parameter, ParameterKind, Payload};
use model::sync::{Settings, Sync};
use model::time::SystemClock;
use model::{EventKind, Offset, ProjectId, SyncId, Timestamp};

use super::*;

const KEY: &str = "sk-\"1\"/2";

fn definition(url: &str, header: &str, body: &str) -> Definition {
    let payload = Payload {
        url: url.into(),
        headers: vec![Header {
            name: "Authorization".into(),
            value: header.into(),
        }],
        body: Some(body.into()),
        ..Definition::webhook().events.unwrap()
    };
    let parameter = |name: &str, kind| Parameter {
        name: name.into(),
        display_name: name.to_uppercase(),
        kind,
        ..Parameter::default()
    };
    Definition {
        parameters: vec![
            Parameter {
                pattern: Some("sk-.*".into()),
                ..parameter("key", ParameterKind::Secret)
            },
            parameter("app", ParameterKind::Text),
        ],
        events: Some(payload),
        users: None,
        own_templates: false,
        ..Definition::webhook()
    }
}

fn sync(definition: &Definition, key: &str) -> Sync {
    let mut settings = Settings::default();
    settings.parameters.insert("key".into(), key.into());
    settings.parameters.insert("app".into(), "shop".into());
    Sync {
        id: SyncId::from_bytes([1; 16]),
        project: ProjectId::from_bytes([2; 16]),
        definition: definition.id,
        definition_version: 1,
        name: "A sync".into(),
        enabled: true,
        settings,
    }
}

fn event(text: &str) -> Event {
    let text = Bytes::copy_from_slice(text.as_bytes());
    let project = ProjectId::from_bytes([2; 16]);
    Event::new(project, Offset(0), EventKind::Track, Timestamp(0), text)
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn shown(definition: &Definition, key: &str, unknown_to_viewer: bool) -> Request {
    let secrets = Secrets {
        parameters: ["key".to_owned()].into(),
        headers: BTreeSet::new(),
        unknown_to_viewer,
    };
    let event = event(r#"{"event_type":"it's"}"#);
    let sync = sync(definition, key);
    let preview = Preview::compile(definition, &sync, &secrets, &event, &clock());
    match preview.expect("it compiles").apply(&event, Part::Event) {
        Shown::Request(request) => request,
        other => panic!("{other:?}"),
    }
}

fn names(request: &Request) -> Vec<&str> {
    request
        .variables
        .iter()
        .map(|variable| variable.name.as_str())
        .collect()
}

fn header(request: &Request, wanted: &str) -> String {
    let mut headers = request.headers.iter();
    let (_, value) = headers
        .find(|(name, _)| name.masked() == wanted)
        .expect("it is there");
    value.masked()
}

#[test]
fn a_secret_is_a_variable_wherever_it_stands_as_it_is_or_escaped() {
    let definition = definition(
        "https://example.com/${parameters.app}?key=${parameters.key?url}",
        "Bearer ${parameters.key}",
        r#"{"type": "${input.event_type}", "key": "${parameters.key?json_string}"}"#,
    );
    for unknown in [false, true] {
        let request = shown(&definition, KEY, unknown);
        assert_eq!(
            request.url.masked(),
            "https://example.com/shop?key=[secret]"
        );
        assert_eq!(header(&request, "authorization"), "Bearer [secret]");
        assert_eq!(
            request.body.masked(),
            r#"{"type": "it's", "key": "[secret]"}"#
        );
        assert_eq!(
            names(&request),
            [
                "MILLSTREAM_KEY_ENCODED",
                "MILLSTREAM_KEY",
                "MILLSTREAM_KEY_JSON"
            ]
        );
        let command = request.curl();
        for part in [
            "--url \"https://example.com/shop?key=$MILLSTREAM_KEY_ENCODED\"",
            "--header \"authorization: Bearer $MILLSTREAM_KEY\"",
            r#"--data-raw '{"type": "it'\''s", "key": "'"$MILLSTREAM_KEY_JSON"'"}'"#,
        ] {
            assert!(command.contains(part), "{command}");
        }
        assert!(
            request.variables[2]
                .meaning
                .starts_with("KEY (the parameter key), escaped")
        );
    }
}

#[test]
fn what_is_made_of_a_secret_is_one_variable() {
    for value in [
        "Basic ${parameters.key?upper_case}",
        "${parameters.key?length}",
        "<#if parameters.key?starts_with(\"sk\")>live<#else>test</#if>",
        "${parameters.key?substring(0, 3)}",
        "${parameters.key?replace(\"-\", \"+\")}",
    ] {
        let definition = definition("https://example.com/", value, "{}");
        let request = shown(&definition, KEY, false);
        assert_eq!(header(&request, "authorization"), "[secret]", "{value}");
        assert_eq!(names(&request), ["MILLSTREAM_AUTHORIZATION"], "{value}");
        let meaning = &request.variables[0].meaning;
        assert!(
            meaning.contains("header authorization") && meaning.contains("key"),
            "{meaning}"
        );
        assert_eq!(request.body.masked(), "{}");
    }
}

#[test]
fn what_a_viewer_may_not_know_is_never_rendered_with() {
    // Each would tell a letter of it, if it were.
    for probe in ["a", "s", "P", "q"] {
        let body =
            format!("{{\"x\": <#if parameters.key?starts_with(\"{probe}\")>1<#else>2</#if>}}");
        let definition = definition("https://example.com/", "x", &body);
        let shown = |key| {
            let request = shown(&definition, key, true);
            (request.body.masked(), request.curl())
        };
        assert_eq!(shown("a-key"), shown("s-key"), "{probe}");
    }
    // Nor does the message of a failure tell it.
    let definition = definition("https://example.com/", "x", "${parameters.key?number}");
    let secrets = Secrets {
        parameters: ["key".to_owned()].into(),
        unknown_to_viewer: true,
        ..Secrets::default()
    };
    let event = event("{}");
    let sync = sync(&definition, "sk-17");
    let preview = Preview::compile(&definition, &sync, &secrets, &event, &clock()).unwrap();
    let Shown::Discarded(why) = preview.apply(&event, Part::Event) else {
        panic!("it can't be rendered");
    };
    assert!(!why.to_string().contains("sk-17"), "{why}");
}

#[test]
fn a_secret_header_of_the_syncs_own_is_one_variable() {
    let definition = Definition::webhook();
    let mut sync = sync(&definition, "");
    sync.settings.parameters = [("url".to_owned(), "https://example.com/".to_owned())].into();
    let own = |name: &str, value: &str| Header {
        name: name.into(),
        value: value.into(),
    };
    sync.settings.headers = vec![own("X-Key", "abc ${input.user_id!}"), own("X-Plain", "")];
    let secrets = Secrets {
        headers: ["x-key".to_owned()].into(),
        unknown_to_viewer: true,
        ..Secrets::default()
    };
    let event = event("{}");
    let preview = Preview::compile(&definition, &sync, &secrets, &event, &clock()).unwrap();
    let Shown::Request(request) = preview.apply(&event, Part::Event) else {
        panic!("it is sent");
    };
    assert_eq!(header(&request, "x-key"), "[secret]");
    let command = request.curl();
    assert!(
        command.contains("--header \"x-key: $MILLSTREAM_X_KEY\""),
        "{command}"
    );
    assert!(command.contains("--header 'x-plain;'"), "{command}");
    assert_eq!(
        request.variables[0].meaning,
        "the value of the header x-key"
    );
}

#[test]
fn without_secrets_all_is_shown() {
    let definition = definition(
        "https://example.com/",
        "${.now}",
        "[\"${parameters.key?json_string}\"]",
    );
    let event = event("{}");
    let sync = sync(&definition, KEY);
    let preview = Preview::compile(&definition, &sync, &Secrets::default(), &event, &clock());
    let Shown::Request(request) = preview.unwrap().apply(&event, Part::Event) else {
        panic!("it is sent");
    };
    assert_eq!(request.body.masked(), r#"["sk-\"1\"/2"]"#);
    assert!(request.variables.is_empty());
}

#[test]
fn all_that_is_wrong_is_said() {
    let definition = definition("https://example.com/", "x", "{}");
    let sync = sync(&definition, "no key");
    let event = event("{}");
    let problems = |unknown_to_viewer| {
        let secrets = Secrets {
            parameters: ["key".to_owned()].into(),
            unknown_to_viewer,
            ..Secrets::default()
        };
        let preview = Preview::compile(&definition, &sync, &secrets, &event, &clock());
        preview.err().map(|problems| problems[0].pointer.clone())
    };
    assert_eq!(problems(false).as_deref(), Some("/parameters/key"));
    assert_eq!(problems(true), None);
}
