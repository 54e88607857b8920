//! What a release left that knew only the first schema: it was SQLite only.

use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use millstream_store::Secret;
use model::access::Permissions;
use model::{ApiKey, ProjectId, SyncId, Timestamp};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, SqlSafeStr};

use super::{SECRET_HEADER, SECRET_PARAMETER, caller, draft};
use crate::backend::Backend;

const SCHEMA: &str = include_str!("../../../migrations/0001_control_plane.sql");
const ROWS: &str = include_str!("../fixtures/schema-1.sql");
/// The key that the fixture's secrets are sealed with.
const KEY: &str =
    "0123456789abcdef:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

/// The database and key file of such a release.
async fn first_schema() -> Backend {
    use std::io::Write;
    let backend = Backend::sqlite();
    sqlx::any::install_default_drivers();
    let address = format!("{}?mode=rwc", backend.config.database);
    let mut connection = sqlx::AnyConnection::connect(&address).await.unwrap();
    let (sql, kind) = (SCHEMA.into_sql_str(), MigrationType::Simple);
    let step = Migration::new(1, "control plane".into(), kind, sql, false);
    let migrator = Migrator::with_migrations(vec![step]);
    migrator.run(&mut connection).await.unwrap();
    sqlx::raw_sql(ROWS).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600);
    let mut file = file.open(&backend.config.key_file).unwrap();
    file.write_all(KEY.as_bytes()).unwrap();
    backend
}

fn project_id(number: u32) -> ProjectId {
    format!("prj_{number:026}").parse().unwrap()
}

fn sync_id(number: u32) -> SyncId {
    format!("sync_{number:026}").parse().unwrap()
}

#[tokio::test]
async fn projects_and_their_keys_go_to_one_organisation() {
    let backend = first_schema().await;
    let store = backend.open().await;
    let organisations = store.organisations(None, 10).await.unwrap().items;
    assert_eq!(organisations.len(), 1);
    let organisation = &organisations[0];
    assert_eq!(
        (&*organisation.name, organisation.version),
        ("Default", 1),
        "{organisation:?}"
    );
    assert_eq!(organisation.created_at, Timestamp(1_700_000_000_000_000));
    let projects = store.projects(organisation.id, None, 10).await.unwrap();
    let found: Vec<_> = projects
        .items
        .iter()
        .map(|project| (project.id, project.name.as_str()))
        .collect();
    // Names are unique from now on: all but the first of a name have their id in it.
    assert_eq!(
        found,
        [
            (project_id(1), "shop"),
            (project_id(2), "shop (prj_00000000000000000000000002)"),
            (project_id(3), "shop (prj_00000000000000000000000003)"),
            (project_id(4), "warehouse"),
        ]
    );
    for (number, project) in (1..).zip(projects.items) {
        let key: ApiKey = format!("{:032x}", 0xa0 + number).parse().unwrap();
        assert_eq!(project.api_key, key);
        let throttle = (project.throttle.http, project.throttle.batch);
        assert_eq!(throttle, (29 + number, 999 + number));
        assert_eq!(project.version, 1);
        assert_eq!(
            project.created_at,
            Timestamp(1_699_999_999_999_999 + i64::from(number))
        );
        let secret = Secret::new(format!("{:032x}", 0xb0 + number));
        let genuine = store.verify_secret_key(key, &secret).await.unwrap();
        assert_eq!(genuine, Some(Arc::new(project)));
        let wrong = Secret::new(format!("{:032x}", 0xb1 + number));
        assert_eq!(store.verify_secret_key(key, &wrong).await.unwrap(), None);
    }
}

#[tokio::test]
async fn syncs_and_their_secrets_stay() {
    let backend = first_schema().await;
    let store = backend.open().await;
    let sealed = store.sync(project_id(1), sync_id(1)).await.unwrap();
    assert_eq!(sealed.sync.settings, draft("sealed").settings);
    assert_eq!(sealed.secret, draft("sealed").secret);
    assert_eq!(
        (&*sealed.sync.name, sealed.sync.enabled, sealed.version),
        ("sealed", true, 7)
    );
    let webhook = store.webhook();
    assert_eq!(
        (sealed.sync.definition, sealed.sync.definition_version),
        (webhook.id, webhook.version)
    );
    let open = store.sync(project_id(2), sync_id(2)).await.unwrap();
    let url = &open.sync.settings.parameters["url"];
    assert_eq!(
        (&**url, open.sync.enabled),
        ("https://example.com/other", false)
    );
    let all = store.all_syncs(None, 10).await.unwrap().items;
    assert_eq!(all, [sealed, open]);

    // The longest deleted first; one of them has outlived its project.
    let deleted = store.deleted_syncs(10).await.unwrap();
    let ids: Vec<_> = deleted.iter().map(|deleted| deleted.id).collect();
    assert_eq!(ids, [sync_id(4), sync_id(3)]);

    // What refers to projects still does.
    let refused = store.delete_project(project_id(2), None, false, caller());
    assert!(refused.await.is_err());
    let delete = store.delete_project(project_id(1), None, true, caller());
    delete.await.unwrap();
    let deleted = store.deleted_syncs(10).await.unwrap();
    assert_eq!(deleted.len(), 3);
    store.close().await;
    for secret in [SECRET_HEADER, SECRET_PARAMETER] {
        assert!(!backend.files_hold(secret));
    }
}

#[tokio::test]
async fn a_token_is_the_installations_own() {
    let backend = first_schema().await;
    let store = backend.open().await;
    let text = format!("mst_00000000000000aa_{}", "c".repeat(64));
    let verified = store.verify_token(&text).await.unwrap().unwrap();
    let token = verified.token;
    assert_eq!(verified.permissions, Permissions::all());
    assert_eq!(
        (&*token.name, token.person, &token.scopes, token.expires_at),
        ("ci", None, &None, None)
    );
    let organisations = store.organisations(None, 10).await.unwrap().items;
    assert_eq!(token.organisation, organisations[0].id);
    let tokens = store.installation_tokens().await.unwrap();
    assert_eq!(tokens.len(), 1);
    store.delete_token(&token.id, caller()).await.unwrap();
    assert_eq!(store.verify_token(&text).await.unwrap(), None);
}

#[tokio::test]
async fn an_organisation_that_was_migrated_takes_new_things() {
    let backend = first_schema().await;
    let store = backend.open().await;
    let organisation = store.organisations(None, 10).await.unwrap().items[0].id;
    // The first administrator comes to it; there is no second one.
    let link = store.invite_first_administrator("acme", super::FAR).await;
    let invitation = link.unwrap().unwrap().invitation;
    assert_eq!(invitation.organisation, organisation);
    let rotated = store.rotate_api_key(project_id(4), super::DAY, caller());
    let rotated = rotated.await.unwrap();
    let former: ApiKey = format!("{:032x}", 0xa4).parse().unwrap();
    let found = store.project_by_api_key(former).await.unwrap();
    assert_eq!(found.as_deref(), Some(&rotated));
    super::sync(&store, project_id(4), "new").await;
    store.close().await;

    // Another start finds nothing to do.
    let store = backend.open().await;
    assert_eq!(store.count_syncs(project_id(4)).await.unwrap(), 1);
    assert_eq!(store.project(project_id(4)).await.unwrap(), rotated);
}
