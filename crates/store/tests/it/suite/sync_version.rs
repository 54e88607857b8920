//! What a sync was before.

use millstream_store::{Error, Revision, SecretFields, Store, SyncVersion};
use model::{ProjectId, SyncId};

use super::{SECRET_HEADER, SECRET_PARAMETER, caller, clock, draft, organisation, project, sync};
use crate::backend::Backend;

async fn all(store: &Store, project: ProjectId, id: SyncId) -> Vec<SyncVersion> {
    store.sync_versions(project, id, None, 300).await.unwrap()
}

pub(crate) async fn every_change_leaves_a_version_with_its_author(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let project = project(&store).await.id;
    let first = sync(&store, project, "hook").await;
    let id = first.sync.id;
    assert_eq!(all(&store, project, id).await.len(), 1);

    clock.advance(std::time::Duration::from_secs(60));
    let mut open = draft("renamed");
    open.enabled = true;
    open.secret = SecretFields::default();
    open.settings.headers.clear();
    open.settings.parameters.remove("key");
    let by = millstream_store::Caller::system();
    let second = store.change_sync(project, id, 1, open.clone(), &by).await;
    let second = second.unwrap();
    assert_eq!(second, store.sync(project, id).await.unwrap());
    assert_eq!((second.version, &*second.notes), (2, "about renamed"));

    let versions = all(&store, project, id).await;
    let told: Vec<_> = versions
        .iter()
        .map(|version| (version.version, version.by.as_deref(), version.at))
        .collect();
    let (then, now) = (first.created_at, second.updated_at);
    let expected = [
        (2, Some("Millstream"), now),
        (1, Some("token \"the suite\""), then),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        versions[0].changed,
        ["/name", "/notes", "/enabled", "/parameters/key", "/headers"]
    );
    assert!(versions[1].changed.is_empty());

    assert_eq!(store.sync_version(project, id, 1).await.unwrap(), first);
    assert_eq!(store.sync_version(project, id, 2).await.unwrap(), second);
    for version in [0, 3, u64::MAX] {
        let none = store.sync_version(project, id, version).await;
        assert!(matches!(none, Err(Error::NoSyncVersion { .. })), "{none:?}");
    }
    let older = store.sync_versions(project, id, Some(2), 10).await.unwrap();
    assert_eq!(older, versions[1..]);
    let newest = store.sync_versions(project, id, None, 1).await.unwrap();
    assert_eq!(newest, versions[..1]);
}

pub(crate) async fn a_sync_becomes_what_it_was_with_its_definition_and_secrets(backend: Backend) {
    let store = backend.open().await;
    let project = project(&store).await.id;
    let first = sync(&store, project, "hook").await;
    let id = first.sync.id;
    let mut open = draft("open");
    open.settings.headers.clear();
    open.settings.parameters.clear();
    open.secret = SecretFields::default();
    let upgrade = Revision::Upgrade { to: 7 };
    let upgraded = store.revise_sync(project, id, 1, open, upgrade, caller());
    let upgraded = upgraded.await.unwrap();
    assert_eq!(upgraded.sync.definition_version, 7);
    assert!(upgraded.changed.contains(&"/definition/version".to_owned()));

    let back = Revision::Restore {
        version: 1,
        definition: first.sync.definition_version,
    };
    let was = store.sync_version(project, id, 1).await.unwrap();
    let late = store.revise_sync(project, id, 1, was.draft(), back, caller());
    assert!(matches!(late.await, Err(Error::Conflict { current: 2 })));
    let restored = store.revise_sync(project, id, 2, was.draft(), back, caller());
    let restored = restored.await.unwrap();
    assert_eq!((restored.version, &restored.sync), (3, &first.sync));
    assert_eq!(restored.secret, first.secret);
    assert_eq!(store.sync(project, id).await.unwrap(), restored);
    let versions = all(&store, project, id).await;
    let of: Vec<_> = versions
        .iter()
        .map(|each| each.definition_version)
        .collect();
    assert_eq!(of, [1, 7, 1]);
}

pub(crate) async fn only_the_newest_versions_are_kept(backend: Backend) {
    let store = backend.open().await;
    let project = project(&store).await.id;
    let id = sync(&store, project, "0").await.sync.id;
    for version in 1..=202 {
        let draft = draft(&version.to_string());
        let changed = store.change_sync(project, id, version, draft, caller());
        changed.await.unwrap();
    }
    let versions = all(&store, project, id).await;
    let (newest, oldest) = (versions[0].version, versions[199].version);
    assert_eq!((versions.len(), newest, oldest), (200, 203, 4));
    let gone = store.sync_version(project, id, 3).await;
    assert!(matches!(gone, Err(Error::NoSyncVersion { version: 3, .. })));
}

pub(crate) async fn versions_are_sealed_and_go_with_their_sync(backend: Backend) {
    let store = backend.open().await;
    let made = project(&store).await;
    let (one, other) = (
        sync(&store, made.id, "one").await.sync.id,
        sync(&store, made.id, "other").await.sync.id,
    );
    for id in [one, other] {
        let mut open = draft("open");
        open.settings.headers.clear();
        open.settings.parameters.clear();
        open.secret = SecretFields::default();
        let changed = store.change_sync(made.id, id, 1, open, caller());
        changed.await.unwrap();
    }
    assert!(!backend.files_hold(SECRET_HEADER));
    assert!(!backend.files_hold(SECRET_PARAMETER));
    let values = async || store.key_uses().await.unwrap()[0].values;
    assert_eq!(values().await, 2);
    store
        .delete_sync(made.id, one, None, caller())
        .await
        .unwrap();
    assert_eq!(values().await, 1);
    let gone = store.sync_versions(made.id, one, None, 10).await;
    assert!(matches!(gone, Err(Error::NoSync(_))), "{gone:?}");
    let deleted = store.delete_project(made.id, None, true, caller());
    deleted.await.unwrap();
    assert_eq!(values().await, 0);
}

pub(crate) async fn another_projects_versions_are_not_found(backend: Backend) {
    let store = backend.open().await;
    let own = project(&store).await.id;
    let other = organisation(&store).await;
    let other = store.create_project(other, "other", Default::default(), caller());
    let other = other.await.unwrap().project.id;
    let id = sync(&store, own, "hook").await.sync.id;
    let listed = store.sync_versions(other, id, None, 10).await;
    assert!(matches!(listed, Err(Error::NoSync(_))), "{listed:?}");
    let shown = store.sync_version(other, id, 1).await;
    assert!(matches!(shown, Err(Error::NoSync(_))), "{shown:?}");
}
