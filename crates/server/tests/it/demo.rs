//! `millstream demo`.

use std::net::TcpListener;

use crate::process::{free_address, millstream, text};

#[test]
fn a_number_of_events_is_sent_delivered_counted_and_a_second_start_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    for start in ["a new data folder", "goes on from before: 200 events"] {
        let listen = free_address().to_string();
        let output = millstream()
            .args([
                "demo",
                "--events",
                "200",
                "--listen",
                &listen,
                "--data",
                data.to_str().unwrap(),
            ])
            .output()
            .unwrap();
        let printed = text(&output.stdout);
        assert!(
            output.status.success(),
            "{printed}\n{}",
            text(&output.stderr)
        );
        assert!(
            printed.contains("200 events sent, 200 arrived at the receiver: all delivered"),
            "{printed}"
        );
        assert!(printed.contains(start), "{printed}");
        // The link to the first account: without it nobody gets into the page.
        let log = text(&output.stderr);
        let link = printed.contains("/invitation#") || log.contains("/invitation#");
        assert!(
            link || start != "a new data folder",
            "no link in\n{printed}{log}"
        );
        assert!(
            printed.contains("curl ") && printed.contains("/receiver/?inbox=shop"),
            "{printed}"
        );
    }
}

#[test]
fn a_taken_address_is_said_so_with_another_one() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let output = millstream()
        .args([
            "demo",
            "--listen",
            &listen,
            "--data",
            data.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.contains("is taken by another program") && error.contains("--listen"),
        "{error}"
    );
}
