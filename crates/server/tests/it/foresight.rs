//! What a server would refuse is said by a plan: files that are read well, and can't be applied.

use serde_json::{Value, json};

use crate::code::World;
use crate::process::{eventually, request};

const SYNC: &str = "projects/shop/syncs/to-acme.yaml";
const HOOK: &str = "projects/shop/syncs/hook.yaml";

const WEBHOOK: &str = "\
name: Hook
enabled: true
url: https://hook.example/in
events:
  select: {types: [{event_type: Order Completed}]}
";

/// Edits of the sync that connects a definition, by which it can't be made or changed: what is there, what takes its
/// place, where the fault is (line and column), and what is said of it.
const FAULTY_SYNCS: &[(&str, &str, &str, &str)] = &[
    (
        "  endpoint:",
        "  kee: x\n  endpoint:",
        ":5:8: ",
        "did you mean",
    ),
    (
        "events:",
        "mappings: {Id: {scope: field, name: user_id}}\nevents:",
        ":7:12: ",
        "",
    ),
    ("  endpoint: SERVER", "  endpoint: nonsense", ":5:13: ", ""),
    ("  endpoint: SERVER\n", "", ":4:1: ", "Endpoint"),
    (
        "events:",
        "wait_for_properties_seconds: 5\nevents:",
        ":7:30: ",
        "from 60 to 86400",
    ),
    (
        "events:",
        "requests_per_minute: 0\nevents:",
        ":7:22: ",
        "from 1 to",
    ),
    (
        "events:",
        "concurrency: 1001\nevents:",
        ":7:14: ",
        "from 1 to 1000",
    ),
    (
        "events:",
        "url: https://own.example\nevents:",
        ":7:6: ",
        "its own URL",
    ),
    ("events:", "events:\n  template: '{}'", ":8:13: ", ""),
    ("events:", "events:\n  send: false", "", ""),
    (
        "events:",
        "headers: [{name: X-Own, value: x}]\nevents:",
        "",
        "",
    ),
    ("name: To Acme", "name: ''", ":1:7: ", ""),
    ("{name: Acme}", "{name: Acme, version: 0}", ":2:", "version"),
    ("{name: Acme}", "{name: Acme, version: 7}", ":2:", "version"),
    ("{env: ACME_KEY}", "{file: empty}", ":6:", "is empty"),
    (
        "{env: ACME_KEY}",
        "{file: lines}",
        ":6:3: ",
        "a header can't carry",
    ),
    (
        "{env: ACME_KEY}",
        "{env: NO_SUCH_VARIABLE}",
        ":6:",
        "is not set",
    ),
];

/// The same of a webhook.
const FAULTY_HOOKS: &[(&str, &str, &str, &str)] = &[
    ("url: https://hook.example/in\n", "", "", "URL"),
    (
        "https://hook.example/in",
        "ftp://hook.example",
        ":3:6: ",
        "https://",
    ),
    ("events:", "parameters: {foreign: x}\nevents:", "", ""),
    (
        "events:",
        "headers: [{name: connection, value: x}]\nevents:",
        ":4:",
        "",
    ),
    (
        "events:",
        "headers:\n  - {name: A, value: x}\n  - {name: B, value: x}\n  - {name: C, value: x}\n  \
         - {name: D, value: x}\n  - {name: E, value: x}\n  - {name: F, value: x}\n  \
         - {name: G, value: x}\nevents:",
        ":4:",
        "at most",
    ),
    (
        "events:",
        "events:\n  template: '{\"a\": ${input.'",
        ":5:",
        "",
    ),
    (
        "event_type: Order Completed",
        "event_type: ''",
        ":5:",
        "give an event type",
    ),
];

/// A plan and an apply both end with code 1, for the same faults, and nothing is changed.
fn both_refuse(world: &World, file: &str, sound: &str, edits: &[(&str, &str, &str, &str)]) {
    let before = world.everything();
    for (from, to, place, said) in edits {
        let from = from.replace("SERVER", &world.server.url());
        assert!(sound.contains(&from), "{from}: {sound}");
        world.write(file, &sound.replacen(&from, to, 1));
        let planned = world.ends(1, &["plan", "-f", ".", "--release"]);
        for part in [&format!("{file}{place}"), *said] {
            assert!(planned.contains(part), "{to}: {part}: {planned}");
        }
        let applied = world.ends(1, &["apply", "-f", ".", "--release"]);
        assert_eq!(applied, planned, "{to}");
        assert_eq!(world.everything(), before, "{to}");
    }
    world.write(file, sound);
}

#[test]
fn a_plan_refuses_what_an_apply_would_refuse_of_new_syncs() {
    let world = World::with_shop();
    let sync = world.read(SYNC);
    world.write("projects/shop/syncs/empty", "");
    world.write("projects/shop/syncs/lines", "a\nb\n");
    both_refuse(&world, SYNC, &sync, FAULTY_SYNCS);
    world.write(HOOK, WEBHOOK);
    both_refuse(&world, HOOK, WEBHOOK, FAULTY_HOOKS);
    let long = "n".repeat(201);
    let edit = ("name: Hook", &*format!("name: {long}"), ":1:7: ", "200");
    both_refuse(&world, HOOK, WEBHOOK, &[edit]);
    world.apply();
    assert!(world.plan(0).contains("nothing to do"));
}

#[test]
fn a_plan_refuses_what_an_apply_would_refuse_of_changes() {
    let world = World::with_shop();
    let sync = world.read(SYNC);
    world.write(HOOK, WEBHOOK);
    world.apply();
    world.write("projects/shop/syncs/empty", "");
    // What changes nothing but a secret is no change; and what a file doesn't say of a webhook's URL stays.
    let changes: Vec<_> = FAULTY_SYNCS
        .iter()
        .filter(|edit| !edit.0.contains("ACME_KEY") && !edit.1.contains("version: 0"))
        .copied()
        .collect();
    both_refuse(&world, SYNC, &sync, &changes);
    both_refuse(&world, HOOK, WEBHOOK, &FAULTY_HOOKS[1..]);
    // Several faults are told at once, in all files.
    world.write(
        SYNC,
        &sync.replace(
            "enabled: true",
            "enabled: true\nurl: https://own.example\nconcurrency: 0",
        ),
    );
    world.write(HOOK, &WEBHOOK.replace("https://hook", "ftp://hook"));
    let planned = world.plan(1);
    for part in [
        "to-acme.yaml:4:6: ",
        "to-acme.yaml:5:14: ",
        "hook.yaml:3:6: ",
    ] {
        assert!(planned.contains(part), "{part}: {planned}");
    }
}

#[test]
fn a_plan_is_made_where_the_secrets_are_not() {
    let world = World::with_shop();
    world.replace(SYNC, "ACME_KEY", "NO_SUCH_VARIABLE");
    let told = world.ends(1, &["plan", "-f", ".", "--release"]);
    assert!(told.contains("NO_SUCH_VARIABLE is not set"), "{told}");
    let without = |code| world.ends(code, &["plan", "-f", ".", "--release", "--without-secrets"]);
    assert!(without(2).contains("3 to create"));
    // What else is wrong is still found.
    world.replace(SYNC, "name: To Acme", "name: ''");
    assert!(without(1).contains("to-acme.yaml:1:7: "));
}

#[test]
fn a_plan_refuses_projects_and_definitions_that_could_not_be_stored() {
    let world = World::with_shop();
    let before = world.everything();
    let project = "projects/shop/project.yaml";
    let definition = "definitions/acme/definition.yaml";
    let long = "n".repeat(201);
    for (file, content, said) in [
        (project, format!("name: {long}\n"), "project.yaml:1:7: "),
        (
            project,
            "name: Shop\nretention: {events_hours: 0}\n".into(),
            "project.yaml:2:",
        ),
        (
            project,
            "name: Shop\nsensitive: {user: ['a*b']}\n".into(),
            "project.yaml:2:",
        ),
        (
            definition,
            world
                .read(definition)
                .replace("display_name: Acme", &format!("display_name: {long}")),
            "definition.yaml:1:15: ",
        ),
    ] {
        let sound = world.read(file);
        world.write(file, &content);
        let planned = world.plan(1);
        assert!(planned.contains(said), "{said}: {planned}");
        let applied = world.ends(1, &["apply", "-f", "."]);
        assert_eq!(applied, planned);
        assert_eq!(world.everything(), before);
        world.write(file, &sound);
    }
}

#[test]
fn a_plan_refuses_names_that_others_have() {
    let world = World::with_shop();
    let before = world.everything();
    let definition = "definitions/acme/definition.yaml";
    let sound = world.read(definition);
    // Two that read alike, and one that is built in.
    world.write(
        "definitions/other/definition.yaml",
        &sound.replace("display_name: Acme", "display_name: ' ACME'"),
    );
    world.write(
        "definitions/third/definition.yaml",
        &sound.replace("display_name: Acme", "display_name: webhook"),
    );
    for other in ["other", "third"] {
        let body = world.read("definitions/acme/event.ftl");
        world.write(&format!("definitions/{other}/event.ftl"), &body);
    }
    let planned = world.ends(1, &["plan", "-f", ".", "--release"]);
    for at in [
        "other/definition.yaml:1:15: ",
        "third/definition.yaml:1:15: ",
    ] {
        assert!(planned.contains(at), "{planned}");
    }
    assert!(
        planned.contains("another definition has this name"),
        "{planned}"
    );
    assert!(!planned.contains("acme/definition.yaml"), "{planned}");
    let applied = world.ends(1, &["apply", "-f", ".", "--release"]);
    assert_eq!(applied, planned);
    assert_eq!(world.everything(), before);
    std::fs::remove_dir_all(world.path("definitions/third")).expect("it is there");
    std::fs::remove_dir_all(world.path("definitions/other")).expect("it is there");
    world.apply();
    world.replace(definition, "display_name: Acme", "display_name: Beta");
    world.apply();
    // Its version keeps the name that it had.
    world.write("definitions/other/definition.yaml", &sound);
    let body = world.read("definitions/acme/event.ftl");
    world.write("definitions/other/event.ftl", &body);
    assert!(world.plan(1).contains("other/definition.yaml:1:15: "));
}

#[test]
fn a_plan_tells_what_the_token_does_not_allow() {
    let world = World::with_shop();
    let scopes = ["definitions:read", "projects:read", "syncs:read"];
    let token = |more: &[&str]| {
        let mut made = vec!["token", "create", "CI"];
        for scope in scopes.iter().chain(more) {
            made.extend(["--scope", scope]);
        }
        let made = world.server.json(&made);
        made["text"].as_str().expect("a token").to_owned()
    };
    let url = world.server.url();
    let run = |code: i32, token: &str, command: &str| {
        let of_server = ["--server", &url, "--token", token];
        let arguments = [&[command, "-f", ".", "--release"][..], &of_server].concat();
        world.ends(code, &arguments)
    };
    let before = world.everything();
    let reads = token(&[]);
    let planned = run(2, &reads, "plan");
    for lacking in ["definitions:write", "projects:write", "syncs:write"] {
        let line = format!("! the token doesn't allow {lacking}");
        assert!(planned.contains(&line), "{planned}");
    }
    let defines = token(&["definitions:write", "projects:write"]);
    let planned = run(2, &defines, "plan");
    assert!(
        planned.contains("! the token doesn't allow syncs:write"),
        "{planned}"
    );
    assert!(!planned.contains("allow projects:write"), "{planned}");
    let refused = run(1, &defines, "apply");
    assert!(refused.contains("nothing was changed"), "{refused}");
    assert!(refused.contains("syncs:write"), "{refused}");
    assert_eq!(world.everything(), before);
    let all = token(&["definitions:write", "projects:write", "syncs:write"]);
    assert!(!run(2, &all, "plan").contains('!'));
    run(0, &all, "apply");
    // An upgrade is shown to who only reads.
    world.replace("definitions/acme/event.ftl", "\"name\"", "\"called\"");
    run(0, &all, "apply");
    world.replace(SYNC, "{name: Acme}", "{name: Acme, version: 2}");
    let planned = run(2, &reads, "plan");
    assert!(planned.contains("version"), "{planned}");
}

#[test]
fn a_plan_tells_what_would_not_be_deleted() {
    let world = World::with_shop();
    let (endpoint, nobody) = (world.server.url(), "http://127.0.0.1:1");
    world.replace(
        SYNC,
        &format!("endpoint: {endpoint}"),
        &format!("endpoint: {nobody}"),
    );
    world.apply();
    let key = world.server.json(&["project", "show", "Shop"])["api_key"].clone();
    let event =
        json!({"api_key": key, "events": [{"event_type": "Order Completed", "user_id": "ann12"}]});
    let sent = request(
        world.server.address,
        "POST",
        "/2/httpapi",
        &event.to_string(),
    );
    assert_eq!(sent.expect("an answer").0, 200);
    let prune = ["plan", "-f", ".", "--prune"];
    let sync = world.read(SYNC);
    std::fs::remove_file(world.path(SYNC)).expect("it is there");
    eventually("it is booked", || {
        let status = world.server.json(&["sync", "show", "To Acme"]);
        let planned = world.ends(2, &prune);
        status != Value::Null
            && planned.contains("! projects/shop/syncs/to-acme: it owes deliveries (1 at")
    });
    let before = world.everything();
    let refused = world.ends(1, &["apply", "-f", ".", "--prune"]);
    assert!(refused.contains("nothing was changed"), "{refused}");
    assert!(refused.contains("it owes deliveries"), "{refused}");
    assert_eq!(world.everything(), before);

    // A project with a sync that the folder never had.
    world.write(SYNC, &sync);
    let made = [
        "sync",
        "create",
        "webhook",
        "--project",
        "Shop",
        "--url",
        nobody,
    ];
    world.server.json(&made);
    std::fs::remove_dir_all(world.path("projects/shop")).expect("it is there");
    let planned = world.ends(2, &prune);
    assert!(
        planned.contains("! projects/shop: it has syncs that the lock doesn't know (1)"),
        "{planned}"
    );
}
