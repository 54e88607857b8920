//! What only PostgreSQL does: other nodes at the same time, an order of its own, a network in between.

use std::error::Error as _;
use std::time::{Duration, Instant};

use millstream_store::{Error, ProjectChange, Throttle};
use test_postgres::{Database, Tls};

use crate::backend::Backend;
use crate::suite;

/// An error with its causes, as the log has it, and with what `Debug` says.
fn all_of(error: &Error) -> String {
    let mut shown = format!("{error:?}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown += &format!(": {error}");
        cause = error.source();
    }
    shown
}

#[tokio::test]
async fn nodes_that_start_at_once_make_one_schema() {
    let backend = Backend::postgres();
    let (one, two, three, four) = tokio::join!(
        backend.try_open(),
        backend.try_open(),
        backend.try_open(),
        backend.try_open()
    );
    let one = one.unwrap();
    let id = suite::project(&one).await.id;
    for store in [two, three, four] {
        assert_eq!(store.unwrap().project(id).await.unwrap().id, id);
    }
}

#[tokio::test]
async fn ids_and_names_are_ordered_by_their_bytes_whatever_the_servers_language_is() {
    let backend = Backend::postgres();
    backend.open().await.close().await;
    let by_language = backend.ask("SELECT CAST('a' < 'B' AS TEXT)").await;
    assert_eq!(
        by_language, "true",
        "the server of the tests has a language's order"
    );
    let others = "SELECT COALESCE(STRING_AGG(table_name || '.' || column_name, ' '), '')
         FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'
           AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'";
    assert_eq!(backend.ask(others).await, "");
}

#[tokio::test]
async fn changes_from_two_nodes_at_once_are_all_kept() {
    let backend = Backend::postgres();
    let (here, there) = (backend.open().await, backend.open().await);
    let id = suite::project(&here).await.id;
    for round in 0..20 {
        let (name, throttle) = (
            format!("shop {round}"),
            Throttle {
                http: round,
                batch: 0,
            },
        );
        let rename = ProjectChange {
            name: Some(name.clone()),
            throttle: None,
            ..ProjectChange::default()
        };
        let slow_down = ProjectChange {
            name: None,
            throttle: Some(throttle),
            ..ProjectChange::default()
        };
        let (renamed, slowed) = tokio::join!(
            here.change_project(id, None, rename, suite::caller()),
            there.change_project(id, None, slow_down, suite::caller())
        );
        renamed.unwrap();
        slowed.unwrap();
        let project = here.project(id).await.unwrap();
        assert_eq!((project.name, project.throttle), (name, throttle));
    }
}

#[tokio::test]
async fn connections_say_whose_they_are_and_give_up_unless_the_address_says_otherwise() {
    const SETTINGS: &str = "SELECT STRING_AGG(DISTINCT application_name, ' ')
         FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut backend = Backend::postgres();
    let store = backend.open().await;
    assert_eq!(backend.ask(SETTINGS).await, "millstream");
    store.close().await;
    backend.config.database.push_str("&application_name=node-7");
    let _store = backend.open().await;
    assert_eq!(backend.ask(SETTINGS).await, "node-7");
}

#[tokio::test]
async fn a_server_that_was_away_is_used_again() {
    let mut backend = Backend::on(Database::alone());
    backend.config.acquire_timeout = Duration::from_secs(2);
    let store = backend.open().await;
    let made = suite::project(&store).await;
    let (id, organisation) = (made.id, made.organisation);

    backend.server().stop();
    let begun = Instant::now();
    let error = store.project(id).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error:?}");
    assert!(store.ping().await.is_err());
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    let at_start = backend.try_open().await.unwrap_err();
    assert!(matches!(at_start, Error::Database(_)), "{at_start:?}");
    for error in [error, at_start] {
        let shown = all_of(&error);
        assert!(!shown.contains("swordfish"), "{shown}");
    }

    backend.server().restart();
    assert_eq!(store.project(id).await.unwrap().name, "shop");
    let (throttle, by) = (Throttle::default(), suite::caller());
    let again = store.create_project(organisation, "again", throttle, by);
    assert!(again.await.is_ok());
}

#[tokio::test]
async fn a_refused_sign_in_names_the_user_and_not_the_password() {
    let mut backend = Backend::postgres();
    backend.config.database = backend.config.database.replace("swordfish", "hunter2");
    let error = backend.try_open().await.unwrap_err();
    let shown = all_of(&error);
    assert!(
        shown.contains("password authentication failed for user"),
        "{shown}"
    );
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(!format!("{:?}", backend.config).contains("hunter2"));
}

#[tokio::test]
async fn tls_is_used_and_the_servers_certificate_checked_on_demand() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let database = Database::alone_with_tls(Tls {
        certificate: &certificate,
        key: &key,
    });
    let address = database.address_by_tcp();
    let mut backend = Backend::on(database);
    let file = |name: &str, text: &str| {
        let path = backend.config.key_file.with_file_name(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (known, unknown) = (
        file("known.pem", &certificate),
        file("unknown.pem", &other.cert.pem()),
    );

    const ENCRYPTED: &str =
        "SELECT CAST(ssl AS TEXT) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let checked = format!("?sslmode=verify-full&sslrootcert={known}");
    for (parameters, encrypted) in [
        ("", "true"),
        (&checked, "true"),
        ("?sslmode=disable", "false"),
    ] {
        backend.config.database = format!("{address}{parameters}");
        backend.open().await.close().await;
        assert_eq!(backend.ask(ENCRYPTED).await, encrypted, "{parameters}");
    }
    backend.config.database = format!("{address}?sslmode=verify-full&sslrootcert={unknown}");
    let error = backend.try_open().await.unwrap_err();
    assert!(all_of(&error).contains("certificate"), "{error:?}");
}
