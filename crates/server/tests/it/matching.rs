//! Which object a file is, when files change places and the server was changed by hand.

use std::fs;

use serde_json::{Value, json};

use crate::code::World;

const SYNCS: &str = "projects/shop/syncs";

fn hook(name: &str) -> String {
    format!(
        "name: {name}\nurl: https://{}.example/in\n",
        name.to_lowercase()
    )
}

/// A project with two webhooks, A and B, in files of their names.
fn world() -> World {
    let world = World::new();
    world.write("projects/shop/project.yaml", "name: Shop\n");
    for name in ["a", "b"] {
        world.write(&format!("{SYNCS}/{name}.yaml"), &hook(&name.to_uppercase()));
    }
    world.apply();
    world
}

/// Ids and URLs of all syncs by their names.
fn syncs(world: &World) -> Vec<(String, Value, Value)> {
    let listed = world.server.json(&["sync", "list"]);
    let listed = listed.as_array().expect("a list").iter();
    let syncs = listed.map(|sync| {
        let name = sync["name"].as_str().expect("a name").to_owned();
        let shown = world.server.json(&["sync", "show", &name]);
        (name, shown["id"].clone(), shown["url"].clone())
    });
    let mut syncs: Vec<_> = syncs.collect();
    syncs.sort_by(|one, other| one.0.cmp(&other.0));
    syncs
}

fn rename(world: &World, from: &str, to: &str) {
    let path = |name: &str| world.path(&format!("{SYNCS}/{name}.yaml"));
    fs::rename(path(from), path(to)).expect("a file");
}

#[test]
fn files_that_change_places_change_no_sync() {
    let world = world();
    let before = syncs(&world);
    rename(&world, "a", "x");
    rename(&world, "b", "a");
    rename(&world, "x", "b");
    assert!(world.plan(0).contains("nothing to do"));
    world.apply();
    assert_eq!(syncs(&world), before);
    // From then on the lock knows them so: a file of another name renames its sync.
    world.write(&format!("{SYNCS}/b.yaml"), &hook("C"));
    let planned = world.plan(2);
    assert!(planned.contains("~ projects/shop/syncs/b (C)"), "{planned}");
    world.apply();
    let after = syncs(&world);
    assert_eq!((&after[1].0, &after[1].1), (&"C".to_owned(), &before[0].1));
}

#[test]
fn a_file_in_the_place_of_one_that_moved_is_another_sync() {
    let world = world();
    let before = syncs(&world);
    rename(&world, "a", "z");
    world.write(&format!("{SYNCS}/a.yaml"), &hook("C"));
    let planned = world.plan(2);
    assert!(planned.contains("+ projects/shop/syncs/a (C)"), "{planned}");
    assert!(planned.contains("1 to create, 0 to change"), "{planned}");
    world.apply();
    let after = syncs(&world);
    assert_eq!(after[..2], before[..]);
    assert_eq!(after[2].0, "C");
    assert!(world.plan(0).contains("nothing to do"));
}

#[test]
fn a_sync_whose_place_another_took_is_still_known() {
    let world = world();
    let before = syncs(&world);
    fs::remove_file(world.path(&format!("{SYNCS}/b.yaml"))).expect("it is there");
    rename(&world, "a", "b");
    let planned = world.plan(0);
    assert!(planned.contains("kept (B)"), "{planned}");
    world.apply();
    assert_eq!(syncs(&world), before);
    let planned = world.ends(2, &["plan", "-f", ".", "--prune"]);
    assert!(
        planned.contains("(B)") && planned.contains("1 to delete"),
        "{planned}"
    );
    world.ends(0, &["apply", "-f", ".", "--prune"]);
    assert_eq!(syncs(&world), before[..1]);
    assert!(
        world
            .ends(0, &["plan", "-f", ".", "--prune"])
            .contains("nothing to do")
    );
}

#[test]
fn a_sync_that_was_deleted_is_missed_under_another_file_too() {
    let world = world();
    let deleted = world.server.command(&["sync", "delete", "A"]);
    assert!(deleted.status.success(), "{deleted:?}");
    for name in ["a", "renamed"] {
        if name != "a" {
            rename(&world, "a", name);
        }
        let planned = world.plan(2);
        let line = format!("+ {SYNCS}/{name} (A)");
        assert!(planned.contains(&line), "{planned}");
        assert!(
            planned.contains("! it was deleted on the server"),
            "{planned}"
        );
        let refused = world.ends(1, &["apply", "-f", "."]);
        assert!(refused.contains("nothing was changed"), "{refused}");
    }
    world.ends(0, &["apply", "-f", ".", "--force"]);
    assert_eq!(syncs(&world).len(), 2);
    assert!(world.plan(0).contains("nothing to do"));
}

#[test]
fn a_definition_that_was_archived_by_hand_is_not_offered_again_unasked() {
    let world = World::with_shop();
    world.apply();
    let listing = || world.server.json(&["definition", "show", "Acme"])["listing"].clone();
    // Somebody else archives it, with files of their own.
    for file in [
        "millstream.lock",
        "projects/shop/project.yaml",
        "projects/shop/syncs/to-acme.yaml",
    ] {
        world.write(&format!("other/{file}"), &world.read(file));
    }
    world.ends(0, &["apply", "-f", "other", "--prune"]);
    assert_eq!(listing(), "archived");
    let planned = world.plan(2);
    assert!(
        planned.contains("! it was archived on the server"),
        "{planned}"
    );
    let refused = world.ends(1, &["apply", "-f", "."]);
    assert!(
        refused.contains("definitions/acme: it was archived"),
        "{refused}"
    );
    assert_eq!(listing(), "archived");
    // Taken over, it has no folder.
    fs::remove_dir_all(world.path("definitions/acme")).expect("it is there");
    for more in [&[][..], &["--prune"]] {
        let planned = world.ends(0, &[&["plan", "-f", "."], more].concat());
        assert!(planned.contains("nothing to do"), "{planned}");
    }
    world.ends(0, &["export", "-o", ".", "--force"]);
    assert!(!world.path("definitions/acme").exists());
    assert_eq!(listing(), "archived");
}

#[test]
fn a_definition_that_was_pruned_comes_back_with_changes() {
    let world = World::with_shop();
    world.apply();
    let files = ["definition.yaml", "event.ftl"].map(|file| {
        let file = format!("definitions/acme/{file}");
        let content = world.read(&file);
        (file, content)
    });
    fs::remove_dir_all(world.path("definitions/acme")).expect("it is there");
    world.ends(0, &["apply", "-f", ".", "--prune"]);
    assert!(
        world
            .ends(0, &["plan", "-f", ".", "--prune"])
            .contains("nothing to do")
    );
    for (file, content) in files {
        world.write(&file, &content.replace("\"name\"", "\"event\""));
    }
    let planned = world.plan(2);
    assert!(
        planned.contains("/listing") && !planned.contains('!'),
        "{planned}"
    );
    world.apply();
    let shown = world.server.json(&["definition", "show", "Acme"]);
    assert_eq!(
        (&shown["listing"], &shown["newest"]),
        (&json!("listed"), &json!(2))
    );
}
