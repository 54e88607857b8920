//! Alerts: rules, channels, incidents, and what waits to be told.

use std::time::Duration;

use millstream_store::alert::{
    ChannelChange, ChannelKind, ChannelSecrets, Ended, IncidentFilter, NewChannel, NewIncident,
    Seen, Telling, Undelivered,
};
use millstream_store::mail::{Bodies, Draft, Kind as MailKind};
use millstream_store::{Error, Secret, Store};
use model::alert::{Kind, Rules};
use model::random::System;
use model::{IncidentId, MessageId, ProjectId, SyncId};

use super::{caller, clock, project, sync};
use crate::backend::Backend;

fn webhook(name: &str) -> NewChannel {
    NewChannel {
        kind: ChannelKind::Webhook,
        name: name.into(),
        target: "https://pager.example".into(),
        secrets: Some(ChannelSecrets {
            url: Secret::new("https://pager.example/hook?key=s3cret".into()),
            signing: Some(Secret::new("whsec_AAAA".into())),
        }),
    }
}

fn incident(project: ProjectId, sync: SyncId, kind: Kind) -> NewIncident {
    NewIncident {
        id: IncidentId::generate(&System),
        project,
        sync,
        kind,
        seen: Seen {
            reason: "it is down".into(),
            expired: 3,
            needs_success: true,
            ..Seen::default()
        },
        tell_at: None,
    }
}

fn mail(to: &str) -> Draft {
    Draft {
        kind: MailKind::Alert,
        recipient: to.into(),
        subject: "trouble".into(),
        bodies: Bodies {
            text: "trouble".into(),
            html: "trouble".into(),
            unsubscribe: None,
        },
        expires_at: None,
    }
}

fn recovered() -> Ended {
    Ended {
        why: "recovered".into(),
        expired: 1,
        discarded: 0,
        lost: 4,
        health: Some("healthy".into()),
        pending: 2,
        backlog: 3,
    }
}

async fn mails(store: &Store) -> usize {
    store.mails(None, None, 100).await.unwrap().items.len()
}

pub(crate) async fn a_sync_goes_by_its_own_rules_or_by_its_projects(backend: Backend) {
    let store = backend.open().await;
    let project = project(&store).await.id;
    let id = sync(&store, project, "hook").await.sync.id;
    let by = caller();
    let calm = |minutes| Rules {
        calm_minutes: minutes,
        ..Rules::default()
    };
    let of_project = store.project_rules(project).await.unwrap();
    assert_eq!(
        (of_project.rules, of_project.own, of_project.version),
        (Rules::default(), false, 1)
    );
    let set = store.set_project_rules(project, Some(1), calm(7), by).await;
    assert_eq!(set.unwrap().version, 2);
    let stale = store.set_project_rules(project, Some(1), calm(8), by).await;
    assert!(
        matches!(stale, Err(Error::Conflict { current: 2 })),
        "{stale:?}"
    );
    let inherited = store.sync_rules(project, id).await.unwrap();
    assert_eq!(
        (
            inherited.rules.calm_minutes,
            inherited.own,
            inherited.version
        ),
        (7, false, 1)
    );
    store
        .set_sync_rules(project, id, Some(1), Some(calm(9)), by)
        .await
        .unwrap();
    let subject = store.alert_subject(id).await.unwrap().expect("it is there");
    assert_eq!((subject.rules.calm_minutes, subject.project), (9, project));
    let reset = store
        .set_sync_rules(project, id, Some(2), None, by)
        .await
        .unwrap();
    assert_eq!(
        (reset.rules.calm_minutes, reset.own, reset.version),
        (7, false, 3)
    );
    let subject = store.alert_subject(id).await.unwrap().expect("it is there");
    assert_eq!(subject.rules.calm_minutes, 7);
    let nowhere = store
        .alert_subject(SyncId::generate(&System))
        .await
        .unwrap();
    assert_eq!(nowhere, None);
}

pub(crate) async fn channels_keep_their_secrets_sealed(backend: Backend) {
    let store = backend.open().await;
    let (project, other) = (project(&store).await.id, project(&store).await.id);
    let by = caller();
    let made = store
        .create_channel(project, webhook("pager"), false, by)
        .await
        .unwrap();
    let read = store.channel(project, made.id).await.unwrap();
    assert_eq!(read, made);
    assert_eq!(read.secrets, webhook("pager").secrets);
    assert!(!format!("{read:?}").contains("s3cret"));
    let elsewhere = store.channel(other, made.id).await;
    assert!(
        matches!(elsewhere, Err(Error::NoChannel(_))),
        "{elsewhere:?}"
    );
    let change = ChannelChange {
        enabled: Some(false),
        ..ChannelChange::default()
    };
    let changed = store
        .change_channel(project, made.id, Some(1), change.clone(), by)
        .await
        .unwrap();
    assert_eq!((changed.enabled, changed.version), (false, 2));
    assert!(store.channels_to_tell(project).await.unwrap().is_empty());
    let stale = store
        .change_channel(project, made.id, Some(1), change, by)
        .await;
    assert!(
        matches!(stale, Err(Error::Conflict { current: 2 })),
        "{stale:?}"
    );
    for number in 1..50 {
        let name = format!("pager {number}");
        store
            .create_channel(project, webhook(&name), false, by)
            .await
            .unwrap();
    }
    let one_more = store
        .create_channel(project, webhook("one more"), false, by)
        .await;
    assert!(
        matches!(one_more, Err(Error::TooManyChannels { .. })),
        "{one_more:?}"
    );
    store
        .delete_channel(project, made.id, None, by)
        .await
        .unwrap();
    let gone = store.channel(project, made.id).await;
    assert!(matches!(gone, Err(Error::NoChannel(_))), "{gone:?}");
}

pub(crate) async fn an_incident_is_opened_and_closed_once_with_what_tells_of_it(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let project = project(&store).await.id;
    let id = sync(&store, project, "hook").await.sync.id;
    let channel = store
        .create_channel(project, webhook("pager"), false, caller())
        .await
        .unwrap();
    let telling = || Telling {
        mails: vec![mail("ann@example.com")],
        messages: vec![(channel.id, MessageId::generate(&System), "{}".into())],
    };
    let first = incident(project, id, Kind::State);
    store
        .open_incident(first.clone(), telling())
        .await
        .unwrap()
        .unwrap();
    let second = store
        .open_incident(incident(project, id, Kind::State), telling())
        .await
        .unwrap();
    assert_eq!(second.unwrap_err().id, first.id);
    assert_eq!(mails(&store).await, 1);
    let lease = Duration::from_secs(60);
    assert_eq!(store.claim_messages(lease, 10).await.unwrap().len(), 1);
    store
        .open_incident(incident(project, id, Kind::Expiry), Telling::default())
        .await
        .unwrap()
        .unwrap();
    let open = store.open_incidents().await.unwrap();
    assert_eq!(open.len(), 2);
    let found = store.incident(project, first.id).await.unwrap();
    assert_eq!(
        (found.seen, found.told, found.closed),
        (first.seen, true, None)
    );

    for _ in 0..2 {
        clock.advance(Duration::from_secs(1));
        store
            .close_incident(first.id, &recovered(), telling())
            .await
            .unwrap();
    }
    assert_eq!(mails(&store).await, 2);
    let (at, ended) = store
        .incident(project, first.id)
        .await
        .unwrap()
        .closed
        .expect("an end");
    assert_eq!(
        (at, ended),
        (super::START + Duration::from_secs(1), recovered())
    );
    // The next one is another.
    let next = incident(project, id, Kind::State);
    store
        .open_incident(next.clone(), Telling::default())
        .await
        .unwrap()
        .unwrap();
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let filter = IncidentFilter::default();
        let page = store
            .incidents(project, filter, after.as_ref(), 1)
            .await
            .unwrap();
        listed.extend(
            page.items
                .into_iter()
                .map(|one| (one.closed.is_none(), one.id)),
        );
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(
        (listed.len(), listed[0], listed[2]),
        (3, (true, next.id), (false, first.id))
    );
    let closed = IncidentFilter {
        open: Some(false),
        sync: Some(id),
    };
    assert_eq!(
        store
            .incidents(project, closed, None, 10)
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    clock.advance(Duration::from_secs(91 * 24 * 3600));
    store
        .clear_expired(Duration::from_secs(400 * 24 * 3600))
        .await
        .unwrap();
    let gone = store.incident(project, first.id).await;
    assert!(matches!(gone, Err(Error::NoIncident(_))), "{gone:?}");
    assert!(store.incident(project, next.id).await.is_ok());
}

pub(crate) async fn a_message_is_one_nodes_until_its_lease_ends(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let project = project(&store).await.id;
    let channel = store
        .create_channel(project, webhook("pager"), false, caller())
        .await
        .unwrap();
    let id = MessageId::generate(&System);
    let message = Some((id, "{}".to_owned()));
    store
        .log_channel_test(&channel, message, caller())
        .await
        .unwrap();
    let lease = Duration::from_secs(60);
    let claim = async || store.claim_messages(lease, 10).await.unwrap();
    let first = claim().await;
    assert_eq!((first[0].id, first[0].attempt), (id, 1));
    assert!(claim().await.is_empty(), "it is another's");
    clock.advance(lease);
    let second = claim().await;
    assert_eq!((second[0].id, second[0].attempt), (id, 2));
    let again = Undelivered {
        error: "it is away".into(),
        again_at: Some(super::START + 2 * lease),
    };
    store.settle_message(&second[0], Err(again)).await.unwrap();
    assert!(claim().await.is_empty());
    clock.advance(lease);
    let third = claim().await;
    let error = store.channel(project, channel.id).await.unwrap().error;
    assert_eq!(error.as_deref(), Some("it is away"));
    store.settle_message(&third[0], Ok(())).await.unwrap();
    clock.advance(10 * lease);
    assert!(claim().await.is_empty());
    let told = store.channel(project, channel.id).await.unwrap();
    assert_eq!((told.error, told.told_at.is_some()), (None, true));
    // What waits goes with its channel.
    let message = Some((MessageId::generate(&System), "{}".to_owned()));
    store
        .log_channel_test(&channel, message, caller())
        .await
        .unwrap();
    store
        .delete_channel(project, channel.id, None, caller())
        .await
        .unwrap();
    assert!(claim().await.is_empty());
}

pub(crate) async fn who_unsubscribes_gets_no_more_of_that_project(backend: Backend) {
    let store = backend.open().await;
    let (project, other) = (project(&store).await.id, project(&store).await.id);
    let here = sync(&store, project, "here").await.sync.id;
    let there = sync(&store, other, "there").await.sync.id;
    let recipients = async |sync: SyncId| {
        let about = store
            .alert_subject(sync)
            .await
            .unwrap()
            .expect("it is there");
        let named = ["ann@example.com".to_owned()];
        store.alert_recipients(&about, named).await.unwrap()
    };
    let links = recipients(here).await;
    let (_, link) = links
        .iter()
        .find(|(email, _)| email == "ann@example.com")
        .expect("she");
    let asked = store
        .subscriber(link.expose())
        .await
        .unwrap()
        .expect("a link");
    assert_eq!(asked.0, "ann@example.com");
    for _ in 0..2 {
        assert!(
            store
                .unsubscribe(link.expose(), caller())
                .await
                .unwrap()
                .is_some()
        );
    }
    let is_ann = |(email, _): &(String, Secret)| email == "ann@example.com";
    assert!(!recipients(here).await.iter().any(is_ann));
    assert!(recipients(there).await.iter().any(is_ann));
    let mut forged = link.expose().to_owned();
    let last = if forged.ends_with('0') { '1' } else { '0' };
    forged.pop();
    forged.push(last);
    for wrong in ["", "msu_", "msu_00_00", &forged] {
        assert_eq!(
            store.unsubscribe(wrong, caller()).await.unwrap(),
            None,
            "{wrong}"
        );
    }
    let mail = |own| {
        let new = NewChannel {
            kind: ChannelKind::Mail,
            name: "ann".into(),
            target: "ann@example.com".into(),
            secrets: None,
        };
        store.create_channel(project, new, own, caller())
    };
    let refused = mail(false).await;
    assert!(matches!(refused, Err(Error::Unsubscribed)), "{refused:?}");
    mail(true).await.unwrap();
    assert!(recipients(here).await.iter().any(is_ann));
}
