use millstream_store::{Error, SecretFields, SyncRecord};
use model::random::Seeded;
use model::{ProjectId, SyncId};

use super::{SECRET_HEADER, SECRET_PARAMETER, caller, draft, project, sync};
use crate::backend::Backend;

pub(crate) async fn a_sync_is_read_as_it_was_written(backend: Backend) {
    let store = backend.open().await;
    let project = project(&store).await;
    let written = sync(&store, project.id, "hook").await;
    let read = store.sync(project.id, written.sync.id).await.unwrap();
    assert_eq!(read, written);
    assert_eq!(read.sync.settings, draft("hook").settings);
    assert_eq!(read.secret, draft("hook").secret);
    assert_eq!((read.version, read.sync.enabled), (1, false));

    let mut open = draft("renamed");
    open.enabled = true;
    open.secret = SecretFields::default();
    open.settings.headers.clear();
    open.settings.parameters.remove("key");
    let changed = store.change_sync(project.id, read.sync.id, 1, open.clone(), caller());
    let changed = changed.await.unwrap();
    assert_eq!((changed.version, changed.sync.enabled), (2, true));
    assert_eq!(changed.sync.name, "renamed");
    assert_eq!(changed.sync.settings, open.settings);
    assert_eq!(changed.secret, open.secret);
    assert_eq!(changed.created_at, written.created_at);
    assert!(changed.updated_at >= written.updated_at);
}

pub(crate) async fn secrets_are_not_in_the_files_in_the_clear(backend: Backend) {
    let store = backend.open().await;
    let project = project(&store).await;
    let written = sync(&store, project.id, "findable-name").await;
    let shown = format!("{written:?} {store:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    store.close().await;
    assert!(backend.files_hold("findable-name"));
    assert!(!backend.files_hold(SECRET_HEADER));
    assert!(!backend.files_hold(SECRET_PARAMETER));
}

pub(crate) async fn a_lost_update_is_refused(backend: Backend) {
    let store = backend.open().await;
    let project = project(&store).await;
    let id = sync(&store, project.id, "hook").await.sync.id;
    store
        .change_sync(project.id, id, 1, draft("mine"), caller())
        .await
        .unwrap();
    let late = store
        .change_sync(project.id, id, 1, draft("yours"), caller())
        .await;
    assert!(
        matches!(late, Err(Error::Conflict { current: 2 })),
        "{late:?}"
    );
    assert_eq!(store.sync(project.id, id).await.unwrap().sync.name, "mine");
    let ahead = store
        .change_sync(project.id, id, u64::MAX, draft("yours"), caller())
        .await;
    assert!(
        matches!(ahead, Err(Error::Conflict { current: 2 })),
        "{ahead:?}"
    );
}

pub(crate) async fn of_many_changes_at_once_one_wins(backend: Backend) {
    let store = backend.open().await;
    let project = project(&store).await;
    let id = sync(&store, project.id, "hook").await.sync.id;
    let mut changes = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (store, project) = (store.clone(), project.id);
        let draft = draft(&number.to_string());
        changes.spawn(async move { store.change_sync(project, id, 1, draft, caller()).await });
    }
    let outcomes = changes.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter_map(Result::err) {
        assert!(
            matches!(outcome, Error::Conflict { current: 2 }),
            "{outcome}"
        );
    }
}

pub(crate) async fn another_projects_sync_is_not_found(backend: Backend) {
    let store = backend.open().await;
    let (own, other) = (project(&store).await, project(&store).await);
    let id = sync(&store, own.id, "hook").await.sync.id;
    let not_found = |error: Error| matches!(error, Error::NoSync(asked) if asked == id);
    assert!(not_found(store.sync(other.id, id).await.unwrap_err()));
    let change = store
        .change_sync(other.id, id, 1, draft("stolen"), caller())
        .await;
    assert!(not_found(change.unwrap_err()));
    assert!(not_found(
        store
            .delete_sync(other.id, id, None, caller())
            .await
            .unwrap_err()
    ));
    assert_eq!(store.sync(own.id, id).await.unwrap().sync.name, "hook");
    assert!(
        store
            .syncs(other.id, None, 10)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

pub(crate) async fn a_deleted_sync_waits_for_its_lane_and_keeps_no_secret(backend: Backend) {
    let store = backend.open().await;
    let project = project(&store).await;
    let id = sync(&store, project.id, "hook").await.sync.id;
    store
        .delete_sync(project.id, id, None, caller())
        .await
        .unwrap();

    assert!(matches!(
        store.sync(project.id, id).await,
        Err(Error::NoSync(_))
    ));
    assert!(matches!(
        store.delete_sync(project.id, id, None, caller()).await,
        Err(Error::NoSync(_))
    ));
    assert_eq!(store.sync_by_id(id).await.unwrap(), None);
    assert!(
        store
            .syncs(project.id, None, 10)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(store.all_syncs(None, 10).await.unwrap().items.is_empty());
    assert_eq!(store.count_syncs(project.id).await.unwrap(), 0);

    // Nothing is sealed any more: a lost key file is no loss.
    store.close().await;
    std::fs::remove_file(&backend.config.key_file).unwrap();
    let store = backend.open().await;
    let waiting = store.deleted_syncs(10).await.unwrap();
    assert_eq!(
        waiting.iter().map(|deleted| deleted.id).collect::<Vec<_>>(),
        [id]
    );
}

pub(crate) async fn a_sync_needs_a_project(backend: Backend) {
    let store = backend.open().await;
    let nowhere = ProjectId::generate(&Seeded::new(1));
    let (webhook, by) = (store.webhook(), caller());
    let refused = store.create_sync(nowhere, (webhook.id, webhook.version), draft("hook"), by);
    let refused = refused.await;
    assert!(
        matches!(refused, Err(Error::NoProject(id)) if id == nowhere),
        "{refused:?}"
    );
}

pub(crate) async fn pages_hold_every_sync_once(backend: Backend) {
    let store = backend.open().await;
    let (own, other) = (project(&store).await, project(&store).await);
    let (mut expected, mut all) = (Vec::new(), Vec::new());
    for number in 0..5 {
        expected.push(sync(&store, own.id, &number.to_string()).await.sync.id);
        all.push(*expected.last().unwrap());
        all.push(sync(&store, other.id, "other").await.sync.id);
    }
    let ids = |records: &[SyncRecord]| -> Vec<SyncId> {
        records.iter().map(|record| record.sync.id).collect()
    };
    let first = store.syncs(own.id, None, 3).await.unwrap();
    let second = store.syncs(own.id, first.next.as_ref(), 3).await.unwrap();
    assert_eq!(second.next, None);
    let mut seen = [ids(&first.items), ids(&second.items)].concat();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);

    let first_names = store.sync_names(own.id, None, 3).await.unwrap();
    let after = first_names.next.as_ref();
    let names = store.sync_names(own.id, after, 3).await.unwrap();
    assert_eq!((first_names.items.len(), &names.next), (3, &None));
    let mut named = [first_names.items, names.items].concat();
    named.sort_by(|(_, one), (_, other)| one.cmp(other));
    let of_number = |number: u64| named[number as usize].clone();
    for number in 0..5 {
        let (id, name) = of_number(number);
        assert_eq!((expected.contains(&id), name), (true, number.to_string()));
    }

    let mut everyones = ids(&store.all_syncs(None, 100).await.unwrap().items);
    everyones.sort();
    all.sort();
    assert_eq!(everyones, all);
}
