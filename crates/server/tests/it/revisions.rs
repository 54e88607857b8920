//! Versions of syncs on the command line: looked at, restored, copied, upgraded.

use serde_json::{Value, json};

use crate::code::World;

const SYNC: &str = "projects/shop/syncs/to-acme.yaml";
const NAME: &str = "To Acme";

/// What a command about the sync prints as JSON.
fn shown(world: &World, arguments: &[&str]) -> Value {
    let printed = world.ends(0, &[&["sync"], arguments, &["--json"]].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

#[test]
fn a_sync_is_seen_as_it_was_and_goes_back_when_somebody_says_so() {
    let world = World::with_shop();
    world.apply();
    world.replace(SYNC, "Order Completed", "Sign Up");
    world.apply();
    let history = world.ends(0, &["sync", "history", NAME]);
    assert!(history.contains("/events/select"), "{history}");
    let history = shown(&world, &["history", NAME, "--limit", "1"]);
    assert_eq!(history.as_array().map(Vec::len), Some(1));
    assert_eq!(history[0]["version"], 2);

    let then = world.ends(0, &["sync", "show-version", NAME, "1"]);
    for part in [
        "Events   Order Completed",
        "Now it is otherwise:",
        "+ \"Sign Up\"",
    ] {
        assert!(then.contains(part), "{part}: {then}");
    }
    assert!(!then.contains("s3cret-key"), "{then}");
    let then = shown(&world, &["show-version", NAME, "1"]);
    assert_eq!(
        then["events"]["select"]["types"][0]["event_type"],
        "Order Completed"
    );
    assert!(
        world
            .ends(1, &["sync", "show-version", NAME, "9"])
            .contains("no version 9")
    );

    // It is shown first, and nothing happens unless somebody says yes.
    let restore =
        |code, more: &[&str]| world.ends(code, &[&["sync", "restore", NAME, "1"], more].concat());
    let looked = restore(0, &["--dry-run"]);
    for part in [
        "What changes:",
        "+ \"Order Completed\"",
        "Of the newest 0 events:",
    ] {
        assert!(looked.contains(part), "{part}: {looked}");
    }
    let looked = shown(&world, &["restore", NAME, "1", "--dry-run"]);
    assert_eq!(
        (&looked["from"], &looked["missing"]),
        (&json!(1), &json!([]))
    );
    assert!(restore(2, &[]).contains("say --yes"));
    assert_eq!(world.sync()["version"], 2);
    assert!(restore(0, &["--yes"]).contains("that is version 3"));
    let types = &world.sync()["events"]["select"]["types"];
    assert_eq!(types[0]["event_type"], "Order Completed");

    let copy = shown(&world, &["duplicate", NAME, "--name", "Second"]);
    assert_eq!(
        (&copy["name"], &copy["enabled"]),
        (&json!("Second"), &json!(false))
    );
    assert_eq!(copy["events"], world.sync()["events"]);
}

#[test]
fn a_sync_is_upgraded_on_the_command_line_with_what_that_needs() {
    let world = World::with_shop();
    world.apply();
    world.replace("definitions/acme/event.ftl", "\"name\"", "\"event\"");
    world.replace(
        "definitions/acme/definition.yaml",
        "events:\n",
        "  - {name: region, display_name: Region, required: true}\nevents:\n",
    );
    world.apply();
    assert_eq!(world.sync()["definition"]["version"], 1);
    let looked = world.ends(0, &["sync", "upgrade", NAME, "--dry-run"]);
    for part in [
        "From version 1 to 2:",
        "parameters/region: new",
        "+ {\"event\": ",
        "/parameters/region",
    ] {
        assert!(looked.contains(part), "{part}: {looked}");
    }
    let refused = world.ends(1, &["sync", "upgrade", NAME, "--yes"]);
    assert!(refused.contains("/changes/parameters/region"), "{refused}");
    assert!(
        world
            .ends(2, &["sync", "upgrade", NAME])
            .contains("say --yes")
    );
    let filled = ["--parameter", "region=eu", "--to", "2", "--yes"];
    let upgraded = world.ends(0, &[&["sync", "upgrade", NAME], &filled[..]].concat());
    assert!(upgraded.contains("it connects version 2 now"), "{upgraded}");
    let sync = world.sync();
    assert_eq!(sync["definition"]["version"], 2);
    assert_eq!(sync["parameters"]["region"]["value"], "eu");
    assert_eq!(sync["parameters"]["endpoint"]["value"], world.server.url());
    assert_eq!(
        (&sync["parameters"]["key"]["secret"], &sync["enabled"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn a_file_that_names_a_later_version_upgrades_its_sync() {
    let world = World::with_shop();
    world.apply();
    world.replace("definitions/acme/event.ftl", "\"name\"", "\"event\"");
    world.apply();
    world.replace(SYNC, "{name: Acme}", "{name: Acme, version: 2}");
    let planned = world.plan(2);
    for part in [
        "/definition/version",
        "- 1",
        "+ 2",
        "+ {\"event\": ",
        "Of the newest 0 events:",
    ] {
        assert!(planned.contains(part), "{part}: {planned}");
    }
    let machine = world.ends(2, &["plan", "-f", ".", "--json"]);
    let machine: Value = serde_json::from_str(&machine).expect("JSON");
    let upgrade = &machine["steps"][0]["upgrade"];
    assert_eq!((&upgrade["from"], &upgrade["to"]), (&json!(1), &json!(2)));
    assert_eq!(upgrade["shown"]["secrets_needed"], json!([]));
    let before = world.sync()["version"].as_u64();
    // The rest of the file goes with it, in the same step.
    world.replace(SYNC, "Order Completed", "Sign Up");
    world.apply();
    let sync = world.sync();
    assert_eq!(sync["definition"]["version"], 2);
    assert_eq!(
        sync["events"]["select"]["types"][0]["event_type"],
        "Sign Up"
    );
    assert_eq!(sync["version"].as_u64(), before.map(|before| before + 1));
    assert!(world.plan(0).contains("nothing to do"));
    world.replace(SYNC, "version: 2", "version: 1");
    let told = world.plan(1);
    assert!(
        told.contains("to-acme.yaml:2:35: the sync connects version 2"),
        "{told}"
    );
}

#[test]
fn an_upgrade_sends_secrets_to_no_other_place_unseen() {
    let world = World::with_shop();
    world.apply();
    world.replace(
        "definitions/acme/definition.yaml",
        "${parameters.endpoint}/receiver/in/acme",
        "https://elsewhere.example/acme",
    );
    world.replace(SYNC, "{name: Acme}", "{name: Acme, version: 2}");
    // The version is only released by the apply itself: even so it is shown, and refused before anything is changed.
    let planned = world.ends(2, &["plan", "-f", ".", "--release"]);
    for part in [
        "! ./projects/shop/syncs/to-acme.yaml:6:3: version 2 may send this secret",
        "+ https://elsewhere.example/acme",
        "version 2 is still to be released",
    ] {
        assert!(planned.contains(part), "{part}: {planned}");
    }
    let before = world.everything();
    let told = world.ends(1, &["apply", "-f", ".", "--release"]);
    assert!(told.contains("to-acme.yaml:6:3: version 2 may"), "{told}");
    assert_eq!(world.everything(), before);
    world.ends(0, &["apply", "-f", ".", "--release=acme", "--send-secrets"]);
    assert_eq!(world.sync()["definition"]["version"], 2);
}

#[test]
fn an_upgrade_to_a_version_that_is_there_sends_secrets_to_no_other_place_unseen() {
    let world = World::with_shop();
    world.apply();
    world.replace(
        "definitions/acme/definition.yaml",
        "${parameters.endpoint}/receiver/in/acme",
        "https://elsewhere.example/acme",
    );
    world.apply();
    world.replace(SYNC, "{name: Acme}", "{name: Acme, version: 2}");
    let planned = world.plan(2);
    for part in [
        "! ./projects/shop/syncs/to-acme.yaml:6:3",
        "+ https://elsewhere.example/acme",
    ] {
        assert!(planned.contains(part), "{part}: {planned}");
    }
    assert!(!planned.contains("s3cret-key"), "{planned}");
    let told = world.ends(1, &["apply", "-f", "."]);
    assert!(
        told.contains("nothing was changed: upgrades may move secrets"),
        "{told}"
    );
    world.ends(0, &["apply", "-f", ".", "--send-secrets"]);
    assert_eq!(world.sync()["definition"]["version"], 2);
    assert!(world.plan(0).contains("nothing to do"));
}

#[test]
fn an_upgrade_to_a_version_that_the_apply_releases_is_refused_before_that() {
    let world = World::with_shop();
    world.apply();
    world.replace(
        "definitions/acme/definition.yaml",
        "events:\n",
        "  - {name: zone, display_name: Zone, required: true}\nevents:\n",
    );
    world.replace(SYNC, "{name: Acme}", "{name: Acme, version: 2}");
    let before = world.everything();
    for command in ["plan", "apply"] {
        let told = world.ends(1, &[command, "-f", ".", "--release"]);
        assert!(told.contains("to-acme.yaml:4:1: "), "{told}");
        assert!(told.contains("Zone"), "{told}");
    }
    // Without a release there is no such version.
    let told = world.plan(1);
    assert!(told.contains("to-acme.yaml:2:"), "{told}");
    assert!(told.contains("no such version"), "{told}");
    assert_eq!(world.everything(), before);
    world.replace(SYNC, "parameters:\n", "parameters:\n  zone: north\n");
    let planned = world.ends(2, &["plan", "-f", ".", "--release"]);
    assert!(planned.contains("parameters/zone: new"), "{planned}");
    world.apply();
    let sync = world.sync();
    assert_eq!(sync["definition"]["version"], 2);
    assert_eq!(sync["parameters"]["zone"]["value"], "north");
    assert!(world.plan(0).contains("nothing to do"));
}
