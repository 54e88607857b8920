//! Archives that are imported, with a real server and the real command.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use millstream_e2e::{Control, Destination, Reply, Server, Setup};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::replays::{show, until_done};

const LIMIT: Duration = Duration::from_secs(60);

/// A line as the Export API has it.
pub(crate) fn line(number: u64) -> String {
    let line = json!({
        "$insert_id": format!("insert-{number}"), "uuid": format!("uuid-{number}"),
        "amplitude_id": 1000 + number, "app": 1, "city": null, "device_id": format!("device-{}", number % 5),
        "event_id": number, "event_properties": {"number": number},
        "event_time": format!("2025-06-01 10:00:{:02}.{:06}", number % 60, number),
        "event_type": if number.is_multiple_of(2) { "Even" } else { "Odd" }, "groups": {}, "group_properties": {},
        "user_id": format!("user-{}", number % 7), "user_properties": {"plan": "pro"},
    });
    line.to_string()
}

/// A zip of gzipped files of 500 lines, as the Export API gives them.
pub(crate) fn archive(folder: &Path, lines: &[String]) -> PathBuf {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (hour, lines) in lines.chunks(500).enumerate() {
        let name = format!("1/1_2025-06-01_{hour}#0.json.gz");
        writer
            .start_file(name, SimpleFileOptions::default())
            .expect("a file");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder
            .write_all((lines.join("\n") + "\n").as_bytes())
            .expect("memory");
        let gzipped = encoder.finish().expect("memory");
        writer.write_all(&gzipped).expect("memory");
    }
    let path = folder.join("export.zip");
    let bytes = writer.finish().expect("an archive").into_inner();
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// Runs `millstream import`: its exit code and what it printed.
pub(crate) async fn import(
    setup: &Setup,
    server: &Server,
    archive: &Path,
    more: &[&str],
) -> (i32, Value) {
    let output = run_import(setup, server, archive, more).await;
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    let shown = serde_json::Deserializer::from_str(&text).into_iter().next();
    let shown = shown.and_then(Result::ok);
    let shown = shown.unwrap_or_else(|| panic!("{text} {error}"));
    (output.status.code().expect("a code"), shown)
}

async fn run_import(setup: &Setup, server: &Server, archive: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(setup.binary());
    command.arg("import").arg(archive);
    command.args(["--project", "history", "--sync", "late", "--json"]);
    command.args(["--server", server.base()]).args(more);
    command.env("MILLSTREAM_TOKEN", server.admin_token());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    output.expect("it runs").expect("it runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_sent_to_one_sync_once_however_often_it_is_imported() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("history").await;
    let (late, other) = (Destination::start().await, Destination::start().await);
    let types = json!([{"event_type": "Even"}]);
    let settings = json!({"url": late.url(), "events": {"select": {"types": types}}});
    let sync = control.create_sync(&project, "late", settings).await;
    control
        .create_sync(&project, "other", json!({"url": other.url()}))
        .await;
    let mut lines: Vec<_> = (0..1200).map(line).collect();
    lines.push("{\"event_type\": \"Broken\"".into());
    // The same event twice.
    lines.push(line(6));
    lines.push("{\"event_type\": \"\0\"}".into());
    let folder = tempfile::tempdir().expect("a folder");
    let archive = archive(folder.path(), &lines);

    let (code, read) = import(&setup, &server, &archive, &["--dry-run"]).await;
    assert_eq!(
        (code, &read["read"], &read["taken"], &read["refused"]),
        (1, &json!(1203), &json!(1201), &json!(2))
    );
    assert_eq!(
        (&read["matching"], &read["deliveries"]),
        (&json!(601), &json!(601)),
        "{read}"
    );
    let example = &read["examples"][0]["now"]["request"];
    assert!(
        example["body"]
            .as_str()
            .expect("a body")
            .contains("insert-0"),
        "{read}"
    );
    assert_eq!(read["refused_lines"].as_array().expect("a list").len(), 2);
    assert_eq!(late.count(), 0);
    for (name, bytes) in [
        ("empty.zip", Vec::new()),
        ("none.zip", b"PK\x05\x06".to_vec()),
    ] {
        let empty = folder.path().join(name);
        std::fs::write(&empty, bytes).expect("a file");
        for more in [&["--dry-run"][..], &[]] {
            let output = run_import(&setup, &server, &empty, more).await;
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains(name), "{told}");
        }
    }
    // One that can't be read to its end leaves nothing behind.
    let broken = folder.path().join("broken.zip");
    let mut bytes = std::fs::read(&archive).expect("a file");
    let at = bytes.len() / 2;
    bytes[at..at + 50].fill(0);
    std::fs::write(&broken, bytes).expect("a file");
    let output = run_import(&setup, &server, &broken, &[]).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("broken.zip"), "{told}");
    let replays = format!("{sync}/replays");
    let none = control
        .granted(http::Method::GET, &replays, None)
        .await
        .json();
    assert_eq!(none["items"], json!([]));
    let (code, report) = import(&setup, &server, &archive, &["--rate", "60000"]).await;
    let counts = ["read", "taken", "duplicates", "refused"];
    let counts = counts.map(|name| report[name].as_u64().expect("a number"));
    assert_eq!((code, counts), (1, [1203, 1200, 1, 2]), "{report}");
    let refused = &report["refused_lines"];
    let place = |which: usize| refused[which]["line"].clone();
    assert_eq!((place(0), place(1)), (json!(203), json!(201)));
    let refused = &refused[1];
    let file = refused["file"].as_str().expect("a name");
    assert!(
        file.ends_with("export.zip/1/1_2025-06-01_2#0.json.gz"),
        "{file}"
    );

    let replay = format!(
        "{sync}/replays/{}",
        report["replay"].as_str().expect("an id")
    );
    let done = until_done(&control, &replay).await;
    assert_eq!(
        (
            &done["progress"]["delivered"],
            &done["progress"]["looked_at"]
        ),
        (&json!(600), &json!(1200))
    );
    let received = late.received().clone();
    assert_eq!(received.len(), 600);
    let mark = report["replay"].as_str();
    assert!(
        received
            .iter()
            .all(|one| one.header("millstream-backfill") == mark)
    );
    let bodies: BTreeMap<u64, Value> = received
        .iter()
        .map(|one| one.json())
        .map(|body| (body["event_id"].as_u64().expect("a number"), body))
        .collect();
    let body = &bodies[&4];
    let mut expected: Value = serde_json::from_str(&line(4)).expect("JSON");
    let members = expected.as_object_mut().expect("an object");
    members.remove("city");
    for name in ["event_time", "created_at"] {
        members.insert(name.into(), json!("2025-06-01 10:00:04.000"));
    }
    members.insert("event_name".into(), json!("Even"));
    assert_eq!(body, &expected, "it is streamed as it was exported");
    assert_eq!(other.count(), 0, "nobody else sees it");

    let (code, again) = import(&setup, &server, &archive, &["--wait"]).await;
    assert_eq!(
        (&again["replay"], &again["imported_before"]),
        (&report["replay"], &json!(true))
    );
    let counts = ["read", "taken", "duplicates", "refused"];
    let counts = counts.map(|name| again[name].as_u64().expect("a number"));
    // Which lines were refused before is said again, and by the exit code.
    assert_eq!((code, counts), (1, [1203, 0, 1201, 2]), "{again}");
    assert_eq!(
        (&again["refused_lines"], &report["imported_before"]),
        (&report["refused_lines"], &json!(false))
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(late.count(), 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_breaks_off_goes_on_and_loses_nothing() {
    const EVENTS: u64 = 6000;
    let setup = Setup::with_config("[lanes]\nwindow = 64");
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("history").await;
    let late = Destination::scripted(|_| Reply::Status(200)).await;
    let sync = control
        .create_sync(&project, "late", json!({"url": late.url()}))
        .await;
    let lines: Vec<_> = (0..EVENTS).map(line).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let archive = archive(folder.path(), &lines);
    // What a command that was killed leaves: some lines, and no end.
    let body = json!({"import": {"name": "export.zip", "digest": digest(&archive)}});
    let replays = format!("{sync}/replays");
    let post = http::Method::POST;
    let made = control
        .granted(post.clone(), &replays, Some(&body))
        .await
        .json();
    let replay = format!("{replays}/{}", made["id"].as_str().expect("an id"));
    let first = json!({"lines": &lines[..2500]});
    control
        .granted(post.clone(), &format!("{replay}/lines"), Some(&first))
        .await;
    late.wait_for(500, LIMIT).await;
    server.kill();
    server = setup.start().await;
    let control = Control::of(&server);
    assert_eq!(
        show(&control, &replay).await["waits_for"],
        "the rest of the archive"
    );

    let (code, report) = import(&setup, &server, &archive, &[]).await;
    assert_eq!(code, 0, "{report}");
    assert_eq!(
        (&report["replay"], &report["taken"], &report["duplicates"]),
        (&made["id"], &json!(EVENTS - 2500), &json!(2500))
    );
    late.wait_for(4000, LIMIT).await;
    server.kill();
    server = setup.start().await;
    let control = Control::of(&server);
    let done = until_done(&control, &replay).await;
    assert_eq!(done["progress"]["delivered"], json!(EVENTS), "{done}");
    let received = late.received();
    let ids: BTreeSet<_> = received
        .iter()
        .map(|one| one.delivery_id().to_owned())
        .collect();
    assert_eq!(ids.len() as u64, EVENTS);
    let most = EVENTS as usize + 2 * 64;
    assert!(received.len() <= most, "{} of {most}", received.len());
}

/// As the command makes it of one archive.
fn digest(archive: &Path) -> String {
    use sha2::{Digest, Sha256};
    let bytes = std::fs::read(archive).expect("a file");
    let whole = Sha256::digest(Sha256::digest(bytes));
    whole.iter().map(|byte| format!("{byte:02x}")).collect()
}
