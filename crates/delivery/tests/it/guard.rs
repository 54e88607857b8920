//! The egress guard, with names whose addresses the test decides.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use millstream_delivery::config::{Client as ClientConfig, Egress};
use millstream_delivery::egress::{Guard, LookupError, Reason, Resolve};
use millstream_delivery::{Client, TransportError};
use model::outcome::Category;

use crate::peer::{Server, post};

/// Gives the n-th lookup the n-th answer, and the last one to all further ones.
struct Changing {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolve for Changing {
    async fn resolve(&self, _name: &str) -> Result<Vec<IpAddr>, LookupError> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answers[asked.min(self.answers.len() - 1)].clone())
    }
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn resolver(answers: &[&[&str]]) -> Arc<Changing> {
    Arc::new(Changing {
        answers: answers.iter().map(|texts| addresses(texts)).collect(),
        asked: AtomicUsize::new(0),
    })
}

fn guard(allow: &[&str], answers: &[&[&str]]) -> Guard {
    let config = Egress {
        allow: allow.iter().map(|text| text.parse().unwrap()).collect(),
        ..Egress::default()
    };
    Guard::with_resolver(&config, resolver(answers))
}

async fn reason(guard: &Guard, host: &str) -> Option<Reason> {
    match guard.addresses(host).await {
        Ok(_) => None,
        Err(TransportError::Blocked(blocked)) => Some(blocked.reason),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn literal_addresses_are_checked_in_every_spelling() {
    let guard = guard(&[], &[&["93.184.216.34"]]);
    for (host, expected) in [
        ("1.1.1.1", None),
        ("[2606:4700::1111]", None),
        ("127.0.0.1", Some(Reason::Loopback)),
        ("10.1.2.3", Some(Reason::Private)),
        ("169.254.169.254", Some(Reason::Metadata)),
        ("[::1]", Some(Reason::Loopback)),
        ("[::ffff:127.0.0.1]", Some(Reason::Loopback)),
        ("[::ffff:a9fe:a9fe]", Some(Reason::Metadata)),
        ("[fd00:ec2::254]", Some(Reason::Metadata)),
        ("2130706433", Some(Reason::UnusualSpelling)),
        ("0x7f.1", Some(Reason::UnusualSpelling)),
        ("0177.0.0.1", Some(Reason::UnusualSpelling)),
        ("127.0.0.1.", Some(Reason::UnusualSpelling)),
        ("example.com", None),
    ] {
        assert_eq!(reason(&guard, host).await, expected, "{host}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_its_addresses() {
    let inside = guard(&[], &[&["10.0.0.7"]]);
    assert_eq!(reason(&inside, "intranet").await, Some(Reason::Private));
    let mixed = guard(&[], &[&["127.0.0.1", "93.184.216.34", "::1"]]);
    assert_eq!(
        mixed.addresses("mixed.example").await.unwrap(),
        addresses(&["93.184.216.34"])
    );
    let none = guard(&[], &[&[]]);
    let error = none.addresses("none.example").await.unwrap_err();
    assert_eq!(error.category(), Category::Dns);
}

#[tokio::test]
async fn the_allow_list_opens_what_it_names_and_no_more() {
    let guard = guard(
        &["10.1.0.0/16", "fd12::/16"],
        &[&["10.1.0.1", "10.2.0.1", "fd12::1", "fd13::1"]],
    );
    assert_eq!(
        guard.addresses("intranet").await.unwrap(),
        addresses(&["10.1.0.1", "fd12::1"])
    );
    assert_eq!(reason(&guard, "10.1.255.255").await, None);
    assert_eq!(reason(&guard, "[::ffff:10.1.0.1]").await, None);
    assert_eq!(reason(&guard, "10.2.0.0").await, Some(Reason::Private));
    assert_eq!(reason(&guard, "127.0.0.1").await, Some(Reason::Loopback));
    // A tunnel to the same address is another way out.
    assert_eq!(
        reason(&guard, "[2002:a01:1::1]").await,
        Some(Reason::Private)
    );
}

#[tokio::test]
async fn the_message_does_not_tell_where_a_name_leads_inside() {
    let guard = guard(&[], &[&["10.0.0.7"]]);
    let error = guard.addresses("intranet").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "intranet is not allowed as a destination: it leads to a private network (the operator can allow it by the setting egress.allow)"
    );
}

#[tokio::test]
async fn a_name_that_is_rebound_is_blocked_on_the_next_connection() {
    let server = Server::start(|mut peer, _| async move {
        peer.request().await;
        peer.send(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            .await;
    })
    .await;
    // The first answer is allowed here, standing in for a public address; the second is not.
    let resolver = resolver(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let config = Egress {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        ..Egress::default()
    };
    let guard = Guard::with_resolver(&config, resolver.clone());
    let client = Client::new(&ClientConfig::default(), guard).unwrap();
    let url = server.url.replace("127.0.0.1", "rebound.example");
    assert_eq!(post(&client, &url).await.unwrap().status, 204);
    // The connection went to the address that was checked: it was asked for only once.
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
    let error = post(&client, &url).await.unwrap_err();
    assert_eq!(error.category(), Category::Blocked);
    assert!(!error.is_transient());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn the_next_address_is_tried_where_one_is_closed() {
    let server = Server::start(|mut peer, _| async move {
        peer.request().await;
        peer.send(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    })
    .await;
    let guard = Guard::with_resolver(
        &Egress::allow_all(),
        resolver(&[&["127.0.0.9", "127.0.0.8", "127.0.0.1"]]),
    );
    let client = Client::new(&ClientConfig::default(), guard).unwrap();
    let url = server.url.replace("127.0.0.1", "several.example");
    assert_eq!(post(&client, &url).await.unwrap().status, 204);
}

#[tokio::test]
async fn the_systems_resolver_knows_this_machine_and_the_guard_refuses_it() {
    let guard = Guard::new(&Egress::default()).unwrap();
    assert_eq!(reason(&guard, "localhost").await, Some(Reason::Loopback));
    let guard = Guard::new(&Egress::default().with_loopback()).unwrap();
    assert_eq!(reason(&guard, "localhost").await, None);
}

#[test]
fn a_literal_address_is_judged_without_a_lookup() {
    let guard = guard(&["10.0.0.0/8"], &[]);
    for passing in [
        "1.1.1.1",
        "10.1.2.3",
        "[::ffff:10.1.2.3]",
        "example.com",
        "localhost",
    ] {
        assert!(guard.check_literal(passing).is_ok(), "{passing}");
    }
    for (host, reason, can_be_allowed) in [
        ("127.0.0.1", Reason::Loopback, true),
        ("[::1]", Reason::Loopback, true),
        ("169.254.169.254", Reason::Metadata, true),
        ("2130706433", Reason::UnusualSpelling, false),
    ] {
        let blocked = guard.check_literal(host).unwrap_err();
        assert_eq!(
            (blocked.reason, reason.can_be_allowed()),
            (reason, can_be_allowed)
        );
    }
}
