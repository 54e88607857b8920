use std::collections::BTreeSet;

use millstream_store::{Error, ProjectChange, Secret, Throttle};
use model::ProjectId;
use model::random::Seeded;

use super::draft;
use crate::backend::Backend;

pub(crate) async fn a_project_gets_keys_and_shows_its_secret_key_once(backend: Backend) {
    let store = backend.open().await;
    let made = store
        .create_project("shop", Throttle::default())
        .await
        .unwrap();
    let other = store
        .create_project("other", Throttle::default())
        .await
        .unwrap();
    assert_eq!(made.secret_key.expose().len(), 32);
    assert_ne!(made.secret_key, other.secret_key);
    assert_ne!(made.project.api_key, other.project.api_key);
    assert!(!format!("{made:?}").contains(made.secret_key.expose()));

    let key = made.project.api_key;
    let genuine = store
        .verify_secret_key(key, &made.secret_key)
        .await
        .unwrap();
    assert_eq!(genuine, Some(made.project));
    let of_another = store.verify_secret_key(key, &other.secret_key).await;
    assert_eq!(of_another.unwrap(), None);
    let empty = store
        .verify_secret_key(key, &Secret::new(String::new()))
        .await;
    assert_eq!(empty.unwrap(), None);
    store.close().await;
    assert!(!backend.files_hold(made.secret_key.expose()));
}

pub(crate) async fn a_change_reaches_the_list_and_the_index(backend: Backend) {
    let store = backend.open().await;
    let made = store
        .create_project("shop", Throttle::default())
        .await
        .unwrap();
    let (id, key) = (made.project.id, made.project.api_key);
    let change = ProjectChange {
        name: Some("store".into()),
        throttle: None,
    };
    let changed = store.change_project(id, change).await.unwrap();
    assert_eq!(
        (&*changed.name, changed.throttle),
        ("store", Throttle::default())
    );

    let throttle = Throttle { http: 0, batch: 7 };
    let change = ProjectChange {
        name: None,
        throttle: Some(throttle),
    };
    store.change_project(id, change).await.unwrap();
    let read = store.project(id).await.unwrap();
    assert_eq!((&*read.name, read.throttle), ("store", throttle));
    assert_eq!(store.project_index().get(key).as_deref(), Some(&read));
    assert_eq!(store.projects(None, 10).await.unwrap().items, [read]);
}

pub(crate) async fn a_project_with_syncs_is_deleted_only_on_demand(backend: Backend) {
    let store = backend.open().await;
    let project = store.create_project("shop", Throttle::default()).await;
    let project = project.unwrap().project;
    let webhook = store.webhook();
    let sync = store.create_sync(project.id, (webhook.id, webhook.version), draft("hook"));
    let sync = sync.await.unwrap().sync.id;
    assert_eq!(store.count_syncs(project.id).await.unwrap(), 1);

    let refused = store.delete_project(project.id, false).await;
    assert!(
        matches!(refused, Err(Error::ProjectInUse { syncs: 1 })),
        "{refused:?}"
    );
    assert!(store.project_index().get(project.api_key).is_some());
    assert!(store.sync(project.id, sync).await.is_ok());

    store.delete_project(project.id, true).await.unwrap();
    assert!(matches!(
        store.project(project.id).await,
        Err(Error::NoProject(_))
    ));
    assert!(matches!(
        store.sync(project.id, sync).await,
        Err(Error::NoSync(_))
    ));
    assert_eq!(store.project_index().get(project.api_key), None);
    let waiting = store.deleted_syncs(10).await.unwrap();
    assert_eq!(
        waiting.iter().map(|deleted| deleted.id).collect::<Vec<_>>(),
        [sync]
    );
    store.forget_sync(waiting[0]).await.unwrap();
    assert!(store.deleted_syncs(10).await.unwrap().is_empty());
}

pub(crate) async fn pages_hold_every_project_once_while_others_are_added(backend: Backend) {
    let store = backend.open().await;
    let mut expected = BTreeSet::new();
    for number in 0..7 {
        let made = store
            .create_project(&number.to_string(), Throttle::default())
            .await;
        expected.insert(made.unwrap().project.id);
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.projects(after.as_ref(), 3).await.unwrap();
        assert!(page.items.len() <= 3);
        seen.extend(page.items.iter().map(|project| project.id));
        pages += 1;
        if pages == 1 {
            // Added while we read: it comes last, and moves nothing.
            let made = store
                .create_project("late", Throttle::default())
                .await
                .unwrap();
            expected.insert(made.project.id);
        }
        // The text form is what clients hand back.
        after = page.next.map(|cursor| cursor.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, 3);
    assert_eq!(seen.len(), expected.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
}

pub(crate) async fn an_unknown_project_is_said_to_be_unknown(backend: Backend) {
    let store = backend.open().await;
    let id = ProjectId::generate(&Seeded::new(1));
    let unknown = |error: Error| matches!(error, Error::NoProject(asked) if asked == id);
    assert!(unknown(store.project(id).await.unwrap_err()));
    assert!(unknown(store.delete_project(id, true).await.unwrap_err()));
    let change = store.change_project(id, ProjectChange::default()).await;
    assert!(unknown(change.unwrap_err()));
}
