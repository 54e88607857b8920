//! Trouble told by mail, through a real mail server: once per incident, once when it is over, with a
//! sample, a link, and one to leave by.

use std::time::Duration;

use http::Method;
use millstream_e2e::{Control, Destination, Reply, Setup, settings, track};
use serde_json::{Value, json};

use crate::post::Post;

const ADDRESS: &str = "ann@example.com";

/// A look at the lanes is made every ten seconds.
const LIMIT: Duration = Duration::from_secs(60);

fn header<'m>(mail: &'m Value, name: &str) -> Option<&'m str> {
    let mut headers = mail["headers"].as_array()?.iter();
    headers.find(|header| header[0] == name)?[1].as_str()
}

fn words(mail: &Value) -> String {
    let text = mail["text"].as_str().expect("a text");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_one_mail_and_its_end_another_until_one_leaves() {
    let post = Post::start();
    let setup = Setup::with_config(&post.settings());
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("Shop").await;
    let refusing = Destination::scripted(|_| {
        Reply::Full(401, "x-why: key", "the key was withdrawn".to_owned())
    })
    .await;
    let sync = control
        .create_sync(&project, "To Acme", settings(&refusing.url()))
        .await;
    let base = format!("/projects/{}", project.id);
    let only = json!({"state": {"enabled": false}, "error_rate": {"enabled": false}});
    let rules = format!("{base}/alerts");
    control.granted(Method::PATCH, &rules, Some(&only)).await;
    let channels = format!("{base}/alert-channels");
    let mail = json!({"kind": "mail", "name": "Ann", "email": ADDRESS});
    control.granted(Method::POST, &channels, Some(&mail)).await;
    let ingest = control.ingest(&project);
    let send = async |from: u32| {
        for number in from..from + 6 {
            let user = format!("user-{number}");
            ingest.send(&[track(&user, "Order", json!({}))]).await;
        }
    };
    send(0).await;

    let opened = post.next_mail_to(ADDRESS, LIMIT).await;
    let (subject, text) = (
        header(&opened, "Subject").expect("a subject"),
        words(&opened),
    );
    assert!(subject.contains("To Acme"), "{subject}");
    let sync_id = sync.rsplit('/').next().expect("an id");
    for part in ["401", "There is one more mail when it is over", sync_id] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    let link = header(&opened, "List-Unsubscribe").expect("a way to leave");
    let link = link
        .trim_start_matches('<')
        .trim_end_matches('>')
        .to_owned();
    assert!(text.contains(&link), "{link} is missing in {text}");
    assert_eq!(
        header(&opened, "List-Unsubscribe-Post"),
        Some("List-Unsubscribe=One-Click")
    );
    // It goes on, and is the same incident.
    send(10).await;
    tokio::time::sleep(Duration::from_secs(22)).await;
    assert_eq!(post.waiting_for(ADDRESS), 0);
    control.disable(&sync).await;
    let closed = post.next_mail_to(ADDRESS, LIMIT).await;
    let subject = header(&closed, "Subject").expect("a subject");
    assert!(subject.starts_with("Over: To Acme"), "{subject}");
    assert!(header(&closed, "List-Unsubscribe").is_some());

    // What a mail program's own button sends.
    let path = link
        .strip_prefix("https://millstream.example.com")
        .expect("the public address");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let url = format!("{}{path}", server.base());
    let body = "List-Unsubscribe=One-Click";
    let left = server.client().send(Method::POST, &url, &form, body).await;
    assert_eq!(left.expect("an answer").status, 200);
    control.enable(&sync).await;
    send(20).await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    let incidents = control
        .granted(Method::GET, &format!("{base}/incidents"), None)
        .await
        .json();
    let count = incidents["items"].as_array().expect("a list").len();
    assert_eq!(count, 2, "{incidents}");
    assert_eq!(post.waiting_for(ADDRESS), 0);
}
