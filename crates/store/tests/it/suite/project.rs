use std::collections::BTreeSet;
use std::time::Duration;

use millstream_store::{Error, ProjectChange, Retention, Secret, Throttle};
use model::ProjectId;
use model::random::Seeded;
use model::sensitive::SensitiveProperties;

use super::{caller, organisation, project_with_keys, sync};
use crate::backend::Backend;

pub(crate) async fn a_project_gets_keys_and_shows_its_secret_key_once(backend: Backend) {
    let store = backend.open().await;
    let made = project_with_keys(&store).await;
    let other = project_with_keys(&store).await;
    assert_eq!(made.secret_key.expose().len(), 32);
    assert_ne!(made.secret_key, other.secret_key);
    assert_ne!(made.project.api_key, other.project.api_key);
    assert!(!format!("{made:?}").contains(made.secret_key.expose()));

    let key = made.project.api_key;
    let genuine = store
        .verify_secret_key(key, &made.secret_key)
        .await
        .unwrap();
    assert_eq!(genuine.as_deref(), Some(&made.project));
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
    let made = project_with_keys(&store).await;
    let (id, key) = (made.project.id, made.project.api_key);
    let change = ProjectChange {
        name: Some("store".into()),
        throttle: None,
        ..ProjectChange::default()
    };
    let changed = store.change_project(id, Some(1), change, caller()).await;
    let changed = changed.unwrap();
    assert_eq!(changed.version, 2);
    assert_eq!(
        (&*changed.name, changed.throttle),
        ("store", Throttle::default())
    );

    let throttle = Throttle { http: 0, batch: 7 };
    let change = ProjectChange {
        name: None,
        throttle: Some(throttle),
        ..ProjectChange::default()
    };
    let changed = store.change_project(id, None, change, caller()).await;
    assert_eq!(changed.unwrap().version, 3);
    let read = store.project(id).await.unwrap();
    assert_eq!((&*read.name, read.throttle), ("store", throttle));
    let by_key = store.project_by_api_key(key).await.unwrap();
    assert_eq!(by_key.as_deref(), Some(&read));
    let listed = store.projects(read.organisation, None, 10).await.unwrap();
    assert_eq!(listed.items, [read]);
}

pub(crate) async fn what_is_sensitive_and_how_long_it_is_kept_is_changed_as_a_whole(
    backend: Backend,
) {
    let store = backend.open().await;
    let made = super::project(&store).await;
    assert!(made.sensitive.is_empty());
    assert_eq!(made.retention, Retention::default());
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let sensitive = |event: &[&str]| SensitiveProperties {
        event: names(event),
        user: names(&["email"]),
        group: Vec::new(),
    };
    let change = ProjectChange {
        sensitive: Some(sensitive(&["b", "a*", "b"])),
        ..ProjectChange::default()
    };
    let changed = store.change_project(made.id, Some(1), change.clone(), caller());
    let changed = changed.await.unwrap();
    assert_eq!(
        (changed.version, &changed.sensitive),
        (2, &sensitive(&["a*", "b"]))
    );
    // The same names once more are no change.
    let same = store.change_project(made.id, Some(2), change, caller());
    assert_eq!(same.await.unwrap().version, 2);

    let retention = Retention {
        events_hours: Some(72),
        outcomes_hours: None,
    };
    let change = ProjectChange {
        retention: Some(retention),
        ..ProjectChange::default()
    };
    let changed = store.change_project(made.id, None, change, caller());
    let changed = changed.await.unwrap();
    assert_eq!(store.project(made.id).await.unwrap(), changed);
    super::project(&store).await;
    assert_eq!(store.kept_for_less().await.unwrap(), [(made.id, retention)]);
    assert_eq!(
        (changed.retention, changed.sensitive),
        (retention, sensitive(&["a*", "b"]))
    );
}

pub(crate) async fn a_project_with_syncs_is_deleted_only_on_demand(backend: Backend) {
    let store = backend.open().await;
    let project = super::project(&store).await;
    let sync = sync(&store, project.id, "hook").await.sync.id;
    assert_eq!(store.count_syncs(project.id).await.unwrap(), 1);

    let refused = store
        .delete_project(project.id, None, false, caller())
        .await;
    assert!(
        matches!(refused, Err(Error::ProjectInUse { syncs: 1 })),
        "{refused:?}"
    );
    let by_key = store.project_by_api_key(project.api_key).await;
    assert!(by_key.unwrap().is_some());
    assert!(store.sync(project.id, sync).await.is_ok());

    let deleted = store.delete_project(project.id, None, true, caller()).await;
    deleted.unwrap();
    assert!(matches!(
        store.project(project.id).await,
        Err(Error::NoProject(_))
    ));
    assert!(matches!(
        store.sync(project.id, sync).await,
        Err(Error::NoSync(_))
    ));
    let by_key = store.project_by_api_key(project.api_key).await;
    assert_eq!(by_key.unwrap(), None);
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
    let organisation = organisation(&store).await;
    let by = caller();
    let mut expected = BTreeSet::new();
    for number in 0..7 {
        let made = store
            .create_project(organisation, &number.to_string(), Throttle::default(), by)
            .await;
        expected.insert(made.unwrap().project.id);
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store
            .projects(organisation, after.as_ref(), 3)
            .await
            .unwrap();
        assert!(page.items.len() <= 3);
        seen.extend(page.items.iter().map(|project| project.id));
        pages += 1;
        if pages == 1 {
            // Added while we read: it comes last, and moves nothing.
            let made = store
                .create_project(organisation, "late", Throttle::default(), by)
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
    let by = caller();
    let deleted = store.delete_project(id, None, true, by).await;
    assert!(unknown(deleted.unwrap_err()));
    let change = store.change_project(id, None, ProjectChange::default(), by);
    assert!(unknown(change.await.unwrap_err()));
    let rotated = store.rotate_api_key(id, Duration::ZERO, by).await;
    assert!(unknown(rotated.unwrap_err()));
    let rotated = store.rotate_secret_key(id, Duration::ZERO, by).await;
    assert!(unknown(rotated.unwrap_err()));
    assert_eq!(store.organisation_of(id).await.unwrap(), None);
}

pub(crate) async fn a_name_is_unique_in_its_organisation_only(backend: Backend) {
    let store = backend.open().await;
    let (own, other) = (organisation(&store).await, organisation(&store).await);
    let (throttle, by) = (Throttle::default(), caller());
    for organisation in [own, other] {
        let made = store.create_project(organisation, "shop", throttle, by);
        assert_eq!(made.await.unwrap().project.organisation, organisation);
    }
    let taken = store.create_project(own, "shop", throttle, by).await;
    assert!(
        matches!(&taken, Err(Error::NameTaken { name }) if name == "shop"),
        "{taken:?}"
    );
    let made = store.create_project(own, "warehouse", throttle, by).await;
    let second = made.unwrap().project;
    let change = ProjectChange {
        name: Some("shop".into()),
        throttle: Some(Throttle { http: 1, batch: 1 }),
        ..ProjectChange::default()
    };
    let taken = store.change_project(second.id, None, change, by).await;
    assert!(matches!(taken, Err(Error::NameTaken { .. })), "{taken:?}");
    assert_eq!(store.project(second.id).await.unwrap(), second);
}

pub(crate) async fn of_many_project_changes_at_once_one_wins(backend: Backend) {
    let store = backend.open().await;
    let id = super::project(&store).await.id;
    let outcomes = super::at_once(8, |number| {
        let store = store.clone();
        let change = ProjectChange {
            name: Some(number.to_string()),
            throttle: None,
            ..ProjectChange::default()
        };
        async move { store.change_project(id, Some(1), change, caller()).await }
    });
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for outcome in lost {
        assert!(
            matches!(outcome, Err(Error::Conflict { current: 2 })),
            "{outcome:?}"
        );
    }
}

pub(crate) async fn what_changes_nothing_leaves_the_version_as_it_is(backend: Backend) {
    let store = backend.open().await;
    let of = super::organisation(&store).await;
    let made = store.create_project(of, "shop", Default::default(), super::caller());
    let made = made.await.unwrap().project;
    for patch in [
        millstream_store::ProjectChange::default(),
        millstream_store::ProjectChange {
            name: Some("shop".into()),
            throttle: Some(made.throttle),
            ..ProjectChange::default()
        },
    ] {
        let same = store.change_project(made.id, Some(made.version), patch, super::caller());
        assert_eq!(same.await.unwrap(), made);
    }
    let before = store.organisation(of).await.unwrap();
    let (name, version) = (before.name.clone(), Some(before.version));
    let same = store.rename_organisation(of, version, &name, super::caller());
    assert_eq!(same.await.unwrap(), before);
}
