use std::time::Duration;

use millstream_store::{Error, KeyRotation, ProjectChange, Store, Throttle};
use model::ApiKey;
use model::random::Seeded;

use super::{at_once, caller, clock, project, project_with_keys};
use crate::backend::Backend;

const HOUR: Duration = Duration::from_secs(3600);
const INSTANT: Duration = Duration::from_micros(1);

async fn known(store: &Store, key: ApiKey) -> bool {
    store.project_by_api_key(key).await.unwrap().is_some()
}

pub(crate) async fn a_replaced_api_key_is_taken_until_the_overlap_ends(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (made, by) = (project_with_keys(&store).await, caller());
    let (id, first) = (made.project.id, made.project.api_key);
    assert!(known(&store, first).await);
    let rotated = store.rotate_api_key(id, HOUR, by).await.unwrap();
    let second = rotated.api_key;
    assert_ne!(second, first);
    assert_eq!(store.project(id).await.unwrap(), rotated);
    // Whoever sends the former key is told the project with its present one.
    for key in [first, second] {
        let found = store.project_by_api_key(key).await.unwrap();
        assert_eq!(found.as_deref(), Some(&rotated));
        let genuine = store.verify_secret_key(key, &made.secret_key).await;
        assert!(genuine.unwrap().is_some());
    }
    clock.advance(HOUR - Duration::from_secs(10));
    assert!(known(&store, first).await);
    clock.advance(Duration::from_secs(10));
    assert!(!known(&store, first).await);
    assert!(known(&store, second).await);
    let genuine = store.verify_secret_key(first, &made.secret_key).await;
    assert_eq!(genuine.unwrap(), None);
}

pub(crate) async fn without_an_overlap_a_replaced_api_key_is_refused_at_once(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let (first, by) = (project(&store).await, caller());
    assert!(known(&store, first.api_key).await);
    let second = store.rotate_api_key(first.id, HOUR, by).await.unwrap();
    assert!(known(&store, first.api_key).await);
    // The one that was replaced earlier goes on, as was said then, until it is ended too.
    let third = store.rotate_api_key(first.id, Duration::ZERO, by).await;
    let third = third.unwrap();
    assert!(known(&store, first.api_key).await);
    assert!(!known(&store, second.api_key).await);
    assert!(known(&store, third.api_key).await);
    let rotation = KeyRotation {
        end_former: true,
        ..Duration::ZERO.into()
    };
    let fourth = store.rotate_api_key(first.id, rotation, by).await.unwrap();
    for ended in [first, second, third] {
        assert!(!known(&store, ended.api_key).await);
    }
    assert!(known(&store, fourth.api_key).await);
}

pub(crate) async fn a_rotation_does_not_cut_the_overlap_of_the_one_before(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (made, by) = (project_with_keys(&store).await, caller());
    let first = &made.project;
    let second = store.rotate_api_key(first.id, 3 * HOUR, by).await.unwrap();
    store.rotate_api_key(first.id, HOUR, by).await.unwrap();
    let secret = store.rotate_secret_key(first.id, 2 * HOUR, by);
    assert_eq!(secret.await.unwrap().project.version, 4);
    let former = store.former_keys(first.id).await.unwrap();
    let shown = former.iter().map(|key| (key.api_key, key.until));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            (Some(second.api_key), super::START + HOUR),
            (None, super::START + 2 * HOUR),
            (Some(first.api_key), super::START + 3 * HOUR),
        ]
    );
    clock.advance(3 * HOUR - Duration::from_secs(10));
    assert!(known(&store, first.api_key).await);
    assert!(!known(&store, second.api_key).await);
    clock.advance(Duration::from_secs(10));
    assert!(!known(&store, first.api_key).await);
    assert_eq!(store.former_keys(first.id).await.unwrap(), []);
}

pub(crate) async fn former_keys_are_no_more_than_ten(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let (id, by) = (project(&store).await.id, caller());
    for _ in 0..10 {
        store.rotate_api_key(id, HOUR, by).await.unwrap();
    }
    let refused = store.rotate_api_key(id, HOUR, by).await;
    assert!(
        matches!(refused, Err(Error::TooManyFormerKeys { limit: 10 })),
        "{refused:?}"
    );
    // Each kind for itself; and a key that ends at once is no former one.
    store.rotate_secret_key(id, HOUR, by).await.unwrap();
    store.rotate_api_key(id, Duration::ZERO, by).await.unwrap();
    let rotation = KeyRotation {
        end_former: true,
        ..HOUR.into()
    };
    store.rotate_api_key(id, rotation, by).await.unwrap();
    assert_eq!(store.former_keys(id).await.unwrap().len(), 2);
}

pub(crate) async fn a_longer_overlap_does_not_prolong_an_earlier_one(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (first, by) = (project(&store).await, caller());
    let second = store.rotate_api_key(first.id, HOUR, by).await.unwrap();
    store.rotate_api_key(first.id, 3 * HOUR, by).await.unwrap();
    clock.advance(HOUR);
    assert!(!known(&store, first.api_key).await);
    assert!(known(&store, second.api_key).await);
}

pub(crate) async fn a_replaced_secret_key_is_taken_until_the_overlap_ends(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (first, by) = (project_with_keys(&store).await, caller());
    let (id, key) = (first.project.id, first.project.api_key);
    let taken = async |secret| {
        let project = store.verify_secret_key(key, secret).await.unwrap();
        project.is_some()
    };
    let second = store.rotate_secret_key(id, HOUR, by).await.unwrap();
    assert_eq!(second.project.version, first.project.version + 1);
    assert_ne!(second.secret_key, first.secret_key);
    clock.advance(HOUR - INSTANT);
    assert!(taken(&first.secret_key).await);
    assert!(taken(&second.secret_key).await);
    clock.advance(INSTANT);
    assert!(!taken(&first.secret_key).await);
    assert!(taken(&second.secret_key).await);

    let third = store.rotate_secret_key(id, Duration::ZERO, by).await;
    let third = third.unwrap();
    assert!(!taken(&second.secret_key).await);
    assert!(taken(&third.secret_key).await);
    store.close().await;
    for made in [first, second, third] {
        assert!(!backend.files_hold(made.secret_key.expose()));
    }
}

pub(crate) async fn of_many_rotations_at_once_one_key_is_present(backend: Backend) {
    let store = backend.open().await;
    let made = project(&store).await;
    let outcomes = at_once(8, |_| {
        let (store, id) = (store.clone(), made.id);
        async move {
            let rotated = store.rotate_api_key(id, Duration::ZERO, caller()).await;
            rotated.unwrap().api_key
        }
    });
    let mut taken = Vec::new();
    for key in outcomes.await {
        if known(&store, key).await {
            taken.push(key);
        }
    }
    assert_eq!(taken, [store.project(made.id).await.unwrap().api_key]);
}

pub(crate) async fn a_change_of_a_project_counts_at_once(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let (made, by) = (project(&store).await, caller());
    let former = made.api_key;
    let present = store.rotate_api_key(made.id, HOUR, by).await.unwrap();
    let keys = [former, present.api_key];
    // What is remembered of both keys must not outlive a change.
    let read = async || {
        let mut projects = Vec::new();
        for key in keys {
            projects.push(store.project_by_api_key(key).await.unwrap());
        }
        assert_eq!(projects[0], projects[1]);
        projects.remove(0)
    };
    assert_eq!(read().await.as_deref(), Some(&present));
    for change in [
        ProjectChange {
            name: Some("renamed".into()),
            throttle: None,
            ..ProjectChange::default()
        },
        ProjectChange {
            name: None,
            throttle: Some(Throttle { http: 1, batch: 2 }),
            ..ProjectChange::default()
        },
    ] {
        let changed = store.change_project(made.id, None, change, by).await;
        assert_eq!(read().await.as_deref(), Some(&changed.unwrap()));
    }
    store
        .delete_project(made.id, None, false, by)
        .await
        .unwrap();
    assert_eq!(read().await, None);
}

pub(crate) async fn another_nodes_change_counts_within_seconds(backend: Backend) {
    let clock = clock();
    let (here, there) = (backend.open_at(&clock).await, backend.open_at(&clock).await);
    let made = project(&here).await;
    assert!(known(&here, made.api_key).await);
    assert!(known(&there, made.api_key).await);
    let change = ProjectChange {
        name: Some("renamed".into()),
        throttle: None,
        ..ProjectChange::default()
    };
    let changed = here.change_project(made.id, None, change, caller());
    let changed = changed.await.unwrap();
    clock.advance(Duration::from_secs(5));
    let found = there.project_by_api_key(made.api_key).await.unwrap();
    assert_eq!(found.as_deref(), Some(&changed));
    let rotated = here.rotate_api_key(made.id, Duration::ZERO, caller()).await;
    clock.advance(Duration::from_secs(5));
    assert!(!known(&there, made.api_key).await);
    assert!(known(&there, rotated.unwrap().api_key).await);
}

pub(crate) async fn an_unknown_key_is_looked_up_again_within_seconds(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let made = project(&store).await;
    let key = ApiKey::generate(&Seeded::new(1));
    assert!(!known(&store, key).await);
    // As another node would: this store isn't told.
    let sql = format!(
        "INSERT INTO project_keys (kind, value, project_id, created_at, expires_at)
         VALUES ('api', '{key}', '{}', 0, {})",
        made.id,
        i64::MAX
    );
    backend.run(sql).await;
    clock.advance(Duration::from_secs(5) - INSTANT);
    assert!(!known(&store, key).await);
    clock.advance(INSTANT);
    assert!(known(&store, key).await);
}

pub(crate) async fn what_is_known_counts_while_the_database_fails(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let made = project(&store).await;
    assert!(known(&store, made.api_key).await);
    store.close().await;
    clock.advance(HOUR);
    let found = store.project_by_api_key(made.api_key).await.unwrap();
    assert_eq!(found.as_deref(), Some(&made));
    let unknown = ApiKey::generate(&Seeded::new(1));
    let refused = store.project_by_api_key(unknown).await;
    assert!(
        matches!(refused, Err(millstream_store::Error::Database(_))),
        "{refused:?}"
    );
}
