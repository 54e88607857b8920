use millstream_store::{Error, Secret};

use super::{administrator, caller, project, sync};
use crate::backend::Backend;

pub(crate) async fn a_second_open_finds_what_the_first_left(backend: Backend) {
    let store = backend.open().await;
    let project = project(&store).await;
    let webhook = store.webhook();
    let sync = sync(&store, project.id, "hook").await;
    store.close().await;

    let store = backend.open().await;
    assert_eq!(store.project(project.id).await.unwrap(), project);
    let by_key = store.project_by_api_key(project.api_key).await.unwrap();
    assert_eq!(by_key.as_deref(), Some(&project));
    assert_eq!(store.sync(project.id, sync.sync.id).await.unwrap(), sync);
    let definition = store.definition(sync.sync.definition, sync.sync.definition_version);
    assert_eq!(definition.await.unwrap(), Some(webhook));
}

pub(crate) async fn a_newer_schema_is_refused_with_both_versions(backend: Backend) {
    backend.open().await.close().await;
    backend
        .execute(
            "INSERT INTO _sqlx_migrations
                 (version, description, success, checksum, execution_time)
             VALUES (9000, 'from the future', TRUE, '', 0)",
        )
        .await;
    let error = backend.try_open().await.unwrap_err();
    assert!(
        matches!(error, Error::NewerSchema { found: 9000, known } if known > 0),
        "{error}"
    );
    assert!(error.to_string().contains("9000"), "{error}");
}

pub(crate) async fn a_lost_key_file_is_refused_once_secrets_are_sealed(backend: Backend) {
    let store = backend.open().await;
    store.close().await;
    // Nothing is sealed yet: a new key does no harm.
    std::fs::remove_file(&backend.config.key_file).unwrap();
    let store = backend.open().await;
    let project = project(&store).await;
    sync(&store, project.id, "hook").await;
    store.close().await;

    std::fs::remove_file(&backend.config.key_file).unwrap();
    let error = backend.try_open().await.unwrap_err();
    assert!(matches!(error, Error::KeyFileMissing { .. }), "{error}");
    assert!(!backend.config.key_file.exists());
}

pub(crate) async fn a_lost_key_file_is_refused_once_a_second_factor_is_sealed(backend: Backend) {
    let store = backend.open().await;
    let person = administrator(&store).await.id;
    let secret = Secret::new("JBSWY3DPEHPK3PXP".into());
    let set = store.set_second_factor(person, &secret, 1, &[], caller());
    set.await.unwrap();
    store.close().await;

    std::fs::remove_file(&backend.config.key_file).unwrap();
    let error = backend.try_open().await.unwrap_err();
    assert!(matches!(error, Error::KeyFileMissing { .. }), "{error}");
}

pub(crate) async fn an_unknown_database_is_refused(mut backend: Backend) {
    backend.config.database = "mysql://root:hunter2@localhost/millstream".into();
    let error = backend.try_open().await.unwrap_err();
    assert!(matches!(error, Error::UnknownDialect), "{error}");
    let shown = format!("{error} {error:?} {:?}", backend.config);
    assert!(!shown.contains("hunter2"), "{shown}");
}
