//! Storage that fails: full, read-only, damaged. The errors are clear, and nothing is acknowledged
//! that isn't kept.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use millstream_e2e::{Control, Destination, Setup, eventually, settings, track};
use serde_json::json;

/// The disks here are smaller than the room that the server leaves free by default.
const SMALL_RESERVE: &str = "[journal]\ndisk_reserve_bytes = 4194304";
const LIMIT: Duration = Duration::from_secs(20);

/// A small file system of its own, in memory.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("-l")
            .arg(self.folder.path())
            .status();
    }
}

impl SmallDisk {
    /// `None`, with the reason printed, where this user may not mount.
    fn mount(mebibytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(folder.path())
            .output()
            .expect("mount can be run");
        if !output.status.success() {
            println!("skipped: {}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        Some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn make_read_only(&self) {
        let status = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(self.path())
            .status();
        assert!(status.expect("mount can be run").success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_events_and_takes_them_again_when_there_is_room() {
    let Some(disk) = SmallDisk::mount(64) else {
        return;
    };
    let setup = Setup::with_config(SMALL_RESERVE).in_folder(&disk.path().join("data"));
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("full").await;
    let ingest = control.ingest(&project);
    let destination = Destination::start().await;
    control
        .create_sync(&project, "all", settings(&destination.url()))
        .await;
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; 40 << 20]).expect("there is room for the ballast");

    let upload = |first: u64| -> Vec<_> {
        let event = |number: u64| {
            let user = format!("user-{}", number % 500);
            track(
                &user,
                "Heavy",
                json!({ "number": number, "weight": "x".repeat(1_000) }),
            )
        };
        (first..first + 100).map(event).collect()
    };
    let mut acknowledged = BTreeSet::new();
    let mut refused = BTreeSet::new();
    let mut first = 0;
    while refused.len() < 500 {
        let answer = ingest.try_batch(&upload(first)).await.expect("an answer");
        match answer.status.as_u16() {
            200 => acknowledged.extend(first..first + 100),
            503 => {
                assert!(
                    answer.headers.contains_key("retry-after"),
                    "{:?}",
                    answer.headers
                );
                refused.extend(first..first + 100);
            }
            status => panic!("{status} {}", answer.text()),
        }
        first += 100;
        assert!(first < 200_000, "the disk never got full");
    }
    assert!(
        !acknowledged.is_empty(),
        "nothing was taken before the disk was full"
    );

    fs::remove_file(&ballast).expect("the ballast can be thrown off");
    let taken_again = async || {
        let answer = ingest.try_batch(&upload(first)).await.expect("an answer");
        if answer.status == 200 {
            acknowledged.extend(first..first + 100);
        } else {
            refused.extend(first..first + 100);
        }
        first += 100;
        answer.status == 200
    };
    eventually("events are taken again", LIMIT, taken_again).await;
    destination
        .wait_for(acknowledged.len(), Duration::from_secs(60))
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let arrived: BTreeSet<u64> = {
        let received = destination.received();
        let number = |body: serde_json::Value| body["event_properties"]["number"].as_u64();
        received
            .iter()
            .filter_map(|request| number(request.json()))
            .collect()
    };
    assert_eq!(
        arrived.difference(&acknowledged).next(),
        None,
        "a refused event was delivered"
    );
    assert_eq!(
        acknowledged.difference(&arrived).next(),
        None,
        "an acknowledged event is lost"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_folder_is_named_at_the_start() {
    let Some(disk) = SmallDisk::mount(16) else {
        return;
    };
    disk.make_read_only();
    let data = disk.path().join("data");
    let setup = Setup::new().in_folder(&data);
    let mut server = setup.launch();
    let status = server.wait(LIMIT).await;
    assert!(!status.success(), "{status}");
    let log = server.log_tail();
    assert!(
        log.contains(&data.display().to_string()),
        "the folder isn't named:\n{log}"
    );
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_became_read_only_is_named_at_the_start() {
    let Some(disk) = SmallDisk::mount(64) else {
        return;
    };
    let data = disk.path().join("data");
    let setup = Setup::with_config(SMALL_RESERVE).in_folder(&data);
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("frozen").await;
    control
        .ingest(&project)
        .send(&[track("user-1", "Before", json!({}))])
        .await;
    server.terminate(LIMIT).await;
    disk.make_read_only();
    let mut server = setup.launch();
    let status = server.wait(LIMIT).await;
    assert!(!status.success(), "{status}");
    let log = server.log_tail();
    assert!(
        log.contains(&data.display().to_string()),
        "the folder isn't named:\n{log}"
    );
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_journal_is_refused_and_named() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("damaged").await;
    let ingest = control.ingest(&project);
    let events: Vec<_> = (0..500)
        .map(|number| {
            track(
                &format!("user-{number}"),
                "Kept",
                json!({ "filling": "x".repeat(900) }),
            )
        })
        .collect();
    ingest.send(&events).await;
    let status = server.terminate(LIMIT).await;
    assert!(status.success(), "{status}");

    let file = largest_file(&setup.data().join("journal"));
    let mut bytes = fs::read(&file).expect("the journal can be read");
    // Whole pages in the middle, their headers included.
    let middle = (bytes.len() / 2) & !0xffff;
    bytes[middle..middle + 0x10000].fill(0xa5);
    fs::write(&file, bytes).expect("the journal can be written");

    let mut server = setup.launch();
    let status = server.wait(LIMIT).await;
    assert!(!status.success(), "{status}");
    let log = server.log_tail();
    let folder = setup.data().join("journal");
    assert!(
        log.contains(&folder.display().to_string()),
        "the journal isn't named:\n{log}"
    );
    assert!(log.contains("damaged"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

fn largest_file(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder).expect("the journal's folder");
    let files = entries.map(|entry| entry.expect("an entry").path());
    files
        .max_by_key(|file| fs::metadata(file).map_or(0, |metadata| metadata.len()))
        .expect("a file")
}
