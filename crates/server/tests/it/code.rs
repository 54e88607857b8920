//! `millstream export`, `plan` and `apply`, against a server.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::process::{Server, eventually, millstream, picture, request, text};

/// A server, and a folder of files for it.
pub(crate) struct World {
    pub(crate) server: Server,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            server: Server::start(""),
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// A world with a project, a definition and a sync that connects it.
    pub(crate) fn with_shop() -> Self {
        let world = Self::new();
        world.write("definitions/acme/definition.yaml", DEFINITION);
        world.write(
            "definitions/acme/event.ftl",
            "{\"name\": \"${input.event_type?json_string}\"}\n",
        );
        world.write("projects/shop/project.yaml", "name: Shop\n");
        world.write(
            "projects/shop/syncs/to-acme.yaml",
            &SYNC.replace("SERVER", &world.server.url()),
        );
        world
    }

    pub(crate) fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, content: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(path, content).expect("it can be written");
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    pub(crate) fn replace(&self, file: &str, from: &str, to: &str) {
        let before = self.read(file);
        assert!(before.contains(from), "{before}");
        self.write(file, &before.replace(from, to));
    }

    /// A command within the folder, with the secret in the environment.
    fn run(&self, arguments: &[&str]) -> Output {
        millstream()
            .args(arguments)
            .arg("--config")
            .arg(self.server.folder.path().join("millstream.toml"))
            .env("ACME_KEY", "s3cret-key")
            .current_dir(&self.folder)
            .output()
            .expect("the binary runs")
    }

    /// What a command printed; it has to end with this code.
    pub(crate) fn ends(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {printed}");
        printed
    }

    pub(crate) fn plan(&self, code: i32) -> String {
        self.ends(code, &["plan", "-f", "."])
    }

    pub(crate) fn apply(&self) -> String {
        self.ends(0, &["apply", "-f", ".", "--release"])
    }

    /// What the server has, and the lock.
    pub(crate) fn everything(&self) -> Vec<String> {
        let lock = fs::read_to_string(self.path("millstream.lock")).unwrap_or_default();
        let lists = ["definition", "project", "sync"].map(|kind| {
            let listed = self.server.json(&[kind, "list"]);
            listed.to_string()
        });
        lists.into_iter().chain([lock]).collect()
    }

    pub(crate) fn sync(&self) -> Value {
        self.server.json(&["sync", "show", "To Acme"])
    }
}

const DEFINITION: &str = "\
display_name: Acme
about: {summary: Sends events to Acme.}
parameters:
  - {name: endpoint, display_name: Endpoint, kind: url, required: true}
  - {name: key, display_name: Key, kind: secret, required: true}
events:
  url: ${parameters.endpoint}/receiver/in/acme
  headers:
    - {name: authorization, value: 'Bearer ${parameters.key}'}
";

const SYNC: &str = "\
name: To Acme
definition: {name: Acme}
enabled: true
parameters:
  endpoint: SERVER
  key: {env: ACME_KEY}
events:
  select: {types: [{event_type: Order Completed}]}
";

#[test]
fn apply_makes_what_the_files_say_once_and_what_they_say_is_sent() {
    let world = World::with_shop();
    // What an apply would be refused, a plan doesn't promise.
    let planned = world.plan(1);
    assert!(
        planned.contains("to-acme.yaml:2:20: Acme was never released: --release does that"),
        "{planned}"
    );
    let planned = world.ends(2, &["plan", "-f", ".", "--release"]);
    assert!(planned.contains("3 to create"), "{planned}");
    assert!(!world.path("millstream.lock").exists());
    let applied = world.apply();
    assert!(
        applied.contains("its secret key, not shown again"),
        "{applied}"
    );
    assert!(
        applied.contains("definitions/acme: version 1 is released"),
        "{applied}"
    );

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
    let inbox = || {
        let answer = request(world.server.address, "GET", "/receiver/api/acme", "");
        answer.expect("an answer").1
    };
    eventually("the event arrives", || inbox().contains("Order Completed"));

    assert!(world.plan(0).contains("nothing to do"));
    let version = world.sync()["version"].clone();
    assert!(world.apply().contains("nothing to do"));
    assert_eq!(world.sync()["version"], version);
}

#[test]
fn a_plan_shows_what_changes_and_an_apply_changes_only_that() {
    let world = World::with_shop();
    world.apply();
    world.replace("definitions/acme/event.ftl", "\"name\"", "\"event\"");
    world.replace(
        "projects/shop/syncs/to-acme.yaml",
        "Order Completed",
        "Sign Up",
    );
    let planned = world.plan(2);
    for part in [
        "~ definitions/acme (Acme)",
        "/events/body",
        "~ projects/shop/syncs/to-acme (To Acme)",
        "- \"Order Completed\"\n      + \"Sign Up\"",
        "0 to create, 2 to change, 0 to delete",
    ] {
        assert!(planned.contains(part), "{part}: {planned}");
    }
    assert!(!planned.contains("s3cret-key"), "{planned}");
    let machine = world.ends(2, &["plan", "-f", ".", "--json"]);
    let machine: Value = serde_json::from_str(&machine).expect("JSON");
    assert_eq!(machine["steps"].as_array().map(Vec::len), Some(2));
    assert_eq!(machine["steps"][1]["changes"][0]["after"], "Sign Up");
    world.apply();
    let types = &world.sync()["events"]["select"]["types"];
    assert_eq!(types[0]["event_type"], "Sign Up");
    let definition = world.server.json(&["definition", "show", "Acme"]);
    assert_eq!(definition["newest"], 2);
    assert!(world.plan(0).contains("nothing to do"));
}

#[test]
fn a_picture_goes_with_its_definition() {
    let world = World::with_shop();
    let logo = "definitions/acme/logo.png";
    let put = |shade| fs::write(world.path(logo), picture(64, shade)).expect("it can be written");
    put(1);
    world.apply();
    let shown = || world.server.json(&["definition", "show", "Acme"]);
    let (draft, newest) = (
        shown()["draft"]["about"]["logo"].clone(),
        &shown()["newest"],
    );
    assert_eq!(
        (draft.as_str().map(str::len), newest),
        (Some(64), &json!(1))
    );
    assert!(world.plan(0).contains("nothing to do"));

    // Another one is a change of the definition, which an apply makes with all others at once.
    put(2);
    world.replace("definitions/acme/event.ftl", "\"name\"", "\"event\"");
    let planned = world.plan(2);
    for part in ["1 to change", "/logo/sha256", "/events/body"] {
        assert!(planned.contains(part), "{part}: {planned}");
    }
    let machine = world.ends(2, &["plan", "-f", ".", "--json"]);
    let machine: Value = serde_json::from_str(&machine).expect("JSON");
    let changes = machine["steps"][0]["changes"].as_array().expect("changes");
    let hash = changes
        .iter()
        .find(|each| each["pointer"] == "/logo/sha256");
    assert_eq!(hash.expect("the picture's")["before"], draft);
    let revision = shown()["revision"].as_u64();
    world.ends(0, &["apply", "-f", "."]);
    assert_eq!(
        shown()["revision"].as_u64(),
        revision.map(|before| before + 1)
    );
    assert_ne!(shown()["draft"]["about"]["logo"], draft);

    // It is exported, and the same in other bytes is no change.
    world.ends(0, &["export", "-o", "out"]);
    assert!(world.plan(0).contains("nothing to do"));
    assert_ne!(
        fs::read(world.path("out/definitions/acme/logo.png")).expect("it is there"),
        fs::read(world.path(logo)).expect("it is there")
    );
    assert!(
        world
            .ends(0, &["plan", "-f", "out"])
            .contains("nothing to do")
    );

    // One that can't be a picture is refused before anything is changed; none is none.
    fs::write(world.path(logo), "GIF89a").expect("it can be written");
    let told = world.plan(1);
    assert!(
        told.contains("definitions/acme/logo.png: this is no PNG"),
        "{told}"
    );
    fs::remove_file(world.path(logo)).expect("it is there");
    let planned = world.plan(2);
    assert!(planned.contains("\n    /logo\n"), "{planned}");
    world.ends(0, &["apply", "-f", "."]);
    assert_eq!(shown()["draft"]["about"]["logo"], Value::Null);
    world.ends(0, &["export", "-o", "out", "--force"]);
    assert!(!world.path("out/definitions/acme/logo.png").exists());
}

#[test]
fn what_drifted_is_refused_until_it_is_forced() {
    let world = World::with_shop();
    world.apply();
    let renamed = world
        .server
        .command(&["project", "rename", "Shop", "Store"]);
    assert!(renamed.status.success());
    let planned = world.plan(2);
    assert!(
        planned.contains("! it was changed on the server"),
        "{planned}"
    );
    let refused = world.ends(1, &["apply", "-f", "."]);
    assert!(refused.contains("nothing was changed"), "{refused}");
    assert!(
        refused.contains("projects/shop: it was changed"),
        "{refused}"
    );
    world.ends(0, &["apply", "-f", ".", "--force"]);
    assert_eq!(
        world.server.json(&["project", "show", "Shop"])["name"],
        "Shop"
    );

    // Without a lock nobody knows what is whose: the same is taken over, another is refused.
    fs::remove_file(world.path("millstream.lock")).expect("it is there");
    world.ends(0, &["apply", "-f", "."]);
    fs::remove_file(world.path("millstream.lock")).expect("it is there");
    world.write(
        "projects/shop/project.yaml",
        "name: Shop\nthrottle: {http: 7, batch: 9}\n",
    );
    let refused = world.ends(1, &["apply", "-f", "."]);
    assert!(refused.contains("the lock doesn't know"), "{refused}");
}

#[test]
fn sensitive_properties_are_part_of_a_project_and_of_its_file() {
    let world = World::with_shop();
    let file = "projects/shop/project.yaml";
    world.write(
        file,
        "name: Shop\nsensitive: {user: [email], event: ['card_*']}\n",
    );
    world.apply();
    let marked = || world.server.json(&["project", "sensitive", "Shop"]);
    assert_eq!(
        marked(),
        json!({"event": ["card_*"], "user": ["email"], "group": []})
    );
    assert!(world.plan(0).contains("nothing to do"));

    let mark = [
        "project",
        "sensitive",
        "Shop",
        "--mark",
        "user:phone",
        "--unmark",
        "event:card_*",
    ];
    let changed = world.server.json(&mark);
    assert_eq!(changed["user"], json!(["email", "phone"]));
    assert_eq!(changed["event"], json!([]));
    for (wrong, said) in [
        (["--mark", "email"], "expected event:NAME"),
        (["--unmark", "user:fax"], "user:fax is not marked"),
        (["--mark", "user:a*b"], "can only stand at the end"),
    ] {
        let arguments = [&["project", "sensitive", "Shop"][..], &wrong].concat();
        let refused = world.server.command(&arguments);
        assert!(!refused.status.success());
        assert!(
            text(&refused.stderr).contains(said),
            "{}",
            text(&refused.stderr)
        );
    }
    world.ends(1, &["apply", "-f", "."]);
    world.ends(0, &["apply", "-f", ".", "--force"]);
    assert_eq!(marked()["user"], json!(["email"]));
    // What a file doesn't say is the default.
    world.write(file, "name: Shop\n");
    world.apply();
    assert_eq!(marked()["user"], json!([]));
}

#[test]
fn what_is_gone_from_the_folder_is_deleted_only_when_asked() {
    let world = World::with_shop();
    world.apply();
    fs::remove_dir_all(world.path("definitions/acme")).expect("it is there");
    fs::remove_dir_all(world.path("projects/shop")).expect("it is there");
    let planned = world.plan(0);
    assert!(
        planned.contains("projects/shop: no longer in the folder"),
        "{planned}"
    );
    world.ends(0, &["apply", "-f", "."]);
    assert_eq!(world.sync()["name"], "To Acme");
    let planned = world.ends(2, &["plan", "-f", ".", "--prune"]);
    assert!(planned.contains("3 to delete"), "{planned}");
    world.ends(0, &["apply", "-f", ".", "--prune"]);
    assert_eq!(world.server.json(&["sync", "list"]), json!([]));
    // One that was released can't be deleted.
    let listing = || world.server.json(&["definition", "show", "Acme"])["listing"].clone();
    assert_eq!(listing(), "archived");

    // When its folder is there again, so is the destination, for new syncs too.
    let again = World::with_shop();
    for file in [
        "definitions/acme/definition.yaml",
        "definitions/acme/event.ftl",
        "projects/shop/project.yaml",
    ] {
        world.write(file, &again.read(file));
    }
    world.write(
        "projects/shop/syncs/to-acme.yaml",
        &SYNC.replace("SERVER", &world.server.url()),
    );
    let planned = world.plan(2);
    assert!(planned.contains("~ definitions/acme (Acme)"), "{planned}");
    assert!(planned.contains("/listing"), "{planned}");
    world.ends(0, &["apply", "-f", "."]);
    assert_eq!(listing(), "listed");
    assert_eq!(world.sync()["definition"]["version"], 1);
    assert!(world.plan(0).contains("nothing to do"));
}

#[test]
fn names_of_files_change_and_their_objects_stay() {
    let world = World::with_shop();
    world.apply();
    let before = world.sync()["id"].clone();
    let shop = world.path("projects/shop");
    fs::rename(
        shop.join("syncs/to-acme.yaml"),
        shop.join("syncs/renamed.yaml"),
    )
    .expect("a file");
    fs::rename(&shop, world.path("projects/store")).expect("a folder");
    fs::rename(
        world.path("definitions/acme"),
        world.path("definitions/acme-ltd"),
    )
    .expect("a folder");
    let planned = world.ends(0, &["plan", "-f", ".", "--release", "--prune"]);
    assert!(planned.contains("nothing to do"), "{planned}");
    world.replace(
        "projects/store/syncs/renamed.yaml",
        "enabled: true",
        "enabled: false",
    );
    let planned = world.plan(2);
    assert!(
        planned.contains("~ projects/store/syncs/renamed (To Acme)")
            && planned.contains("it was projects/shop/syncs/to-acme"),
        "{planned}"
    );
    world.ends(0, &["apply", "-f", ".", "--prune"]);
    let lock = world.read("millstream.lock");
    assert!(
        lock.contains("syncs/renamed") && !lock.contains("to-acme"),
        "{lock}"
    );
    assert_eq!(
        (&world.sync()["id"], &world.sync()["enabled"]),
        (&before, &json!(false))
    );
}

#[test]
fn one_definition_is_released_and_an_unsound_one_is_found_beforehand() {
    let world = World::with_shop();
    world.write(
        "definitions/later/definition.yaml",
        "display_name: Later\nevents: {url: 'https://later.example'}\n",
    );
    world.write(
        "definitions/later/event.ftl",
        "{\"a\": ${input.event_type\n",
    );
    let told = world.ends(1, &["apply", "-f", ".", "--release"]);
    assert!(told.contains("definitions/later/event.ftl:"), "{told}");
    assert!(!world.path("millstream.lock").exists());
    let told = world.ends(2, &["apply", "-f", ".", "--release=none"]);
    assert!(
        told.contains("the folder has no definitions/none"),
        "{told}"
    );
    world.ends(0, &["apply", "-f", ".", "--release=acme"]);
    assert_eq!(world.sync()["enabled"], true);
    let later = world.server.json(&["definition", "show", "Later"]);
    assert_eq!(later["newest"], Value::Null);
}

#[test]
fn an_export_has_no_secrets_and_leaves_nothing_to_do() {
    let world = World::with_shop();
    world.apply();
    world.ends(0, &["export", "-o", "out"]);
    let sync = world.read("out/projects/shop/syncs/to-acme.yaml");
    assert!(sync.contains("key:\n    env: SHOP_TO_ACME_KEY\n"), "{sync}");
    assert!(
        sync.starts_with("# yaml-language-server: $schema=../../../schemas/sync.schema.json\n")
    );
    assert!(world.path("out/schemas/sync.schema.json").exists());
    let exported = format!("{sync}{}", world.read("out/millstream.lock"));
    assert!(!exported.contains("s3cret-key"), "{exported}");
    assert_eq!(
        world.read("out/definitions/acme/event.ftl"),
        world.read("definitions/acme/event.ftl")
    );
    assert!(
        world
            .ends(0, &["plan", "-f", "out"])
            .contains("nothing to do")
    );

    // Another export keeps where secrets are found.
    world.replace(
        "out/projects/shop/syncs/to-acme.yaml",
        "SHOP_TO_ACME_KEY",
        "ACME_KEY",
    );
    assert!(world.ends(1, &["export", "-o", "out"]).contains("--force"));
    world.ends(0, &["export", "-o", "out", "--force"]);
    let again = world.read("out/projects/shop/syncs/to-acme.yaml");
    assert!(again.contains("env: ACME_KEY"), "{again}");
}

#[test]
fn faults_are_told_with_file_line_and_column_before_anything_is_changed() {
    let world = World::with_shop();
    let sync = "projects/shop/syncs/to-acme.yaml";
    world.replace(sync, "enabled: true", "enabld: true");
    let told = world.plan(1);
    assert!(
        told.contains(
            "projects/shop/syncs/to-acme.yaml:3:9: /enabld: there is no enabld: there is name, "
        ),
        "{told}"
    );
    world.replace(sync, "enabld: true", "enabled: true");

    // A secret that stands in the file, one that isn't there, and what only the server can say.
    world.replace(sync, "key: {env: ACME_KEY}", "key: plain");
    let told = world.ends(1, &["apply", "-f", ".", "--release"]);
    assert!(
        told.contains("to-acme.yaml:6:8: give a secret by reference"),
        "{told}"
    );
    world.replace(sync, "key: plain", "key: {env: NO_SUCH_VARIABLE}");
    let told = world.ends(1, &["apply", "-f", ".", "--release"]);
    assert!(
        told.contains("to-acme.yaml:6:3: the variable NO_SUCH_VARIABLE is not set"),
        "{told}"
    );
    // Of that file all is told that is wrong, but of what isn't there.
    world.replace(sync, "parameters:\n", "parameters:\n  kee: x\n");
    let told = world.ends(1, &["plan", "-f", ".", "--release"]);
    assert!(
        told.contains("the variable NO_SUCH_VARIABLE is not set"),
        "{told}"
    );
    assert!(told.contains("unknown parameter \"kee\""), "{told}");
    assert_eq!(told.matches("to-acme.yaml").count(), 2, "{told}");
    world.replace(sync, "  kee: x\n", "");
    world.replace(sync, "  key: {env: NO_SUCH_VARIABLE}\n", "");
    world.replace(sync, "{name: Acme}", "{name: Acme, version: 2}");
    let told = world.ends(1, &["plan", "-f", ".", "--release"]);
    assert!(told.contains("the newest version is 1"), "{told}");
    assert!(told.contains("Key is required: fill it in"), "{told}");
    assert!(!world.path("millstream.lock").exists());
    world.replace(sync, "{name: Acme, version: 2}", "{name: Acme}");
    world.replace(
        sync,
        "parameters:\n",
        "parameters:\n  key: {env: ACME_KEY}\n  kee: x\n",
    );
    let told = world.ends(1, &["apply", "-f", ".", "--release"]);
    assert!(told.contains("to-acme.yaml:6:8: "), "{told}");
    assert!(!world.path("millstream.lock").exists());
    world.replace(sync, "  kee: x\n", "");
    world.ends(0, &["apply", "-f", ".", "--release"]);
    assert_eq!(world.sync()["enabled"], true);
}

#[test]
fn a_definition_goes_from_draft_to_everyones_catalog() {
    let world = World::with_shop();
    world.ends(0, &["apply", "-f", ".", "--release"]);
    let shown = |arguments: &[&str]| world.ends(0, arguments);
    assert!(shown(&["definition", "list"]).contains("Acme"));
    assert!(shown(&["definition", "check", "Acme"]).contains("can be released"));
    assert!(shown(&["definition", "release", "Acme"]).contains("version 2 of Acme is released"));
    assert!(shown(&["definition", "submit", "Acme"]).contains("version 2 of Acme is submitted"));
    assert!(shown(&["definition", "withdraw", "Acme"]).contains("is withdrawn"));
    shown(&["definition", "submit", "Acme"]);
    assert!(shown(&["review", "list"]).contains("Acme"));
    let review = shown(&["review", "show", "Acme"]);
    for part in [
        "Sends events to Acme.",
        "key: secret, required",
        "POST ${parameters.endpoint}",
        "${parameters.key}",
        "${input.",
    ] {
        assert!(review.contains(part), "{part}: {review}");
    }
    assert!(!review.contains("Otherwise than"), "{review}");
    let back = [
        "review",
        "return",
        "Acme",
        "--comment",
        "/events/body=say more",
    ];
    assert!(shown(&back).contains("version 2 of Acme is sent back"));
    let told = shown(&["definition", "show", "Acme"]);
    assert!(told.contains("returned"), "{told}");
    assert!(told.contains("/events/body: say more"), "{told}");
    let again = world.ends(1, &["definition", "submit", "Acme"]);
    assert!(again.contains("mend the draft"), "{again}");
    shown(&["definition", "submit", "Acme", "--of-version", "1"]);
    assert!(shown(&["review", "approve", "Acme"]).contains("version 1 of Acme is approved"));
    assert!(
        world
            .ends(1, &["review", "approve", "Acme"])
            .contains("no version of Acme waits")
    );
    assert!(shown(&["catalog", "acme"]).contains("Acme"));
    let secret = ["--secret", "key=ACME_KEY", "--parameter"];
    let endpoint = format!("endpoint={}", world.server.url());
    let create = [
        "sync",
        "create",
        "destination",
        "Acme",
        "--project",
        "Shop",
        "--name",
        "Second",
    ];
    let made = shown(&[&create[..], &secret[..], &[&endpoint]].concat());
    assert!(made.contains("Second"), "{made}");
    assert!(!made.contains("s3cret-key"), "{made}");
}

#[test]
fn the_lock_of_another_organisation_is_refused() {
    let world = World::with_shop();
    world.apply();
    let lock = world.read("millstream.lock");
    let mut lock: Value = serde_json::from_str(&lock).expect("JSON");
    lock["organisation"] = json!("org_another");
    world.write("millstream.lock", &lock.to_string());
    assert!(world.plan(1).contains("is of the organisation org_another"));
    let other = ["plan", "-f", ".", "--lock", "other.lock"];
    assert!(world.ends(0, &other).contains("nothing to do"));
    assert!(!Path::new(&world.path("other.lock")).exists());
}
