use std::time::Duration;

use millstream_store::{NewSession, Store, TokenDraft};
use model::access::Role;

use super::{
    DAY, FAR, START, administrator, caller, clock, once, organisation, project, session, signed_in,
};
use crate::backend::Backend;

const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

async fn clear(store: &Store) -> u64 {
    store.clear_expired(YEAR).await.unwrap()
}

pub(crate) async fn what_has_ended_is_cleared_and_nothing_else(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (root, by) = (administrator(&store).await.id, caller());
    let of = organisation(&store).await;
    // Of each kind one that ends in an hour, and one that ends later.
    let soon = START + HOUR;
    let brief = NewSession {
        person: root,
        address: String::new(),
        user_agent: String::new(),
        way: "password".into(),
        lifetime: HOUR,
    };
    let brief = store.create_session(brief, by).await.unwrap();
    let lasting = session(&store, root).await;
    for (email, expires_at) in [("ann@example.com", soon), ("bob@example.com", FAR)] {
        let invited = super::invite(&store, of, email, Role::Viewer, expires_at, by);
        invited.await.unwrap();
    }
    let ended = super::password_reset(&store, root, soon, by).await.unwrap();
    let open = super::password_reset(&store, root, FAR, by).await.unwrap();
    let made = project(&store).await;
    let rotated = store.rotate_api_key(made.id, HOUR, by).await.unwrap();
    let rotated_too = store.rotate_secret_key(made.id, HOUR, by).await;
    let rotated = millstream_store::Project {
        version: rotated_too.unwrap().project.version,
        ..rotated
    };
    let mut tokens = Vec::new();
    for expires_at in [Some(soon), None] {
        let draft = TokenDraft {
            organisation: of,
            person: None,
            name: "ci".into(),
            scopes: None,
            parent: None,
            expires_at,
        };
        tokens.push(store.create_token(draft, by).await.unwrap().token);
    }
    let remembered = async || {
        let made = store.create_organisation("once", &once("key", "{}")).await;
        made.unwrap().id
    };
    let first = remembered().await;
    let entries = "SELECT CAST(COUNT(*) AS TEXT) FROM audit_log";
    let told = backend.ask(entries).await;

    clock.advance(HOUR - Duration::from_micros(1));
    assert_eq!(clear(&store).await, 0);
    clock.advance(Duration::from_micros(1));
    // A session, an invitation, a link, and one key of each kind.
    assert_eq!(clear(&store).await, 5);
    assert_eq!(clear(&store).await, 0);
    assert!(!signed_in(&store, &brief).await);
    assert!(signed_in(&store, &lasting).await);
    let invitations = store.invitations(of, None, 10).await.unwrap().items;
    assert_eq!(invitations.len(), 1);
    let found = store.project_by_api_key(rotated.api_key).await.unwrap();
    assert_eq!(found.as_deref(), Some(&rotated));
    assert_eq!(store.project(made.id).await.unwrap(), rotated);
    // People see for a while why a program was refused.
    let listed = store.tokens(of, None, None, 10).await.unwrap().items;
    assert_eq!(listed.len(), tokens.len());
    assert_eq!(remembered().await, first);
    assert_eq!(backend.ask(entries).await, told);
    for (link, good) in [(ended, false), (open, true)] {
        let reset = store.reset_password(link.expose(), "$argon2id$new", by);
        assert_eq!(reset.await.unwrap().is_some(), good);
    }

    // A day after it was made a creation is forgotten. (The reset above ended the session.)
    clock.advance(DAY - HOUR);
    assert_eq!(clear(&store).await, 1);
    assert_ne!(remembered().await, first);
    clock.advance(29 * DAY + HOUR);
    // The ended token, and the second creation.
    assert_eq!(clear(&store).await, 2);
    let left = store.tokens(of, None, None, 10).await.unwrap().items;
    assert_eq!(left, tokens[1..]);
}

pub(crate) async fn the_log_is_cleared_by_its_age(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let of = organisation(&store).await;
    clock.advance(HOUR);
    let renamed = store.rename_organisation(of, None, "emca", caller());
    renamed.await.unwrap();
    let filter = millstream_store::AuditFilter::default();
    let actions = async || -> Vec<String> {
        let page = store.audit_log(Some(of), &filter, None, 10).await.unwrap();
        page.items.into_iter().map(|entry| entry.action).collect()
    };
    clock.advance(YEAR - HOUR - Duration::from_micros(1));
    assert_eq!(clear(&store).await, 0);
    clock.advance(Duration::from_micros(1));
    assert_eq!(clear(&store).await, 1);
    assert_eq!(actions().await, ["organisation.rename"]);
    clock.advance(HOUR);
    assert_eq!(clear(&store).await, 1);
    assert!(actions().await.is_empty());
    assert!(store.organisation(of).await.is_ok());
}

pub(crate) async fn more_than_is_deleted_at_once_is_cleared(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let root = administrator(&store).await.id;
    let made = project(&store).await;
    let (past, future) = (START.0 - 1, FAR.0);
    // 1201 that have ended, and 7 that have not.
    for (first, last, end) in [(1, 1201, past), (1202, 1208, future)] {
        let sql = format!(
            "INSERT INTO sessions (id, secret_hash, person_id, epoch, address, user_agent,
                                   created_at, seen_at, expires_at)
             WITH RECURSIVE numbers (n) AS
                 (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
             SELECT 'session-' || n, 'hash', '{root}', 0, '', '', 0, 0, {end} FROM numbers;
             INSERT INTO project_keys (kind, value, project_id, created_at, expires_at)
             WITH RECURSIVE numbers (n) AS
                 (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
             SELECT 'secret', 'key-' || n, '{}', 0, {end} FROM numbers",
            made.id
        );
        backend.run(sql).await;
    }
    assert_eq!(clear(&store).await, 2 * 1201);
    for (table, left) in [("sessions", "7"), ("project_keys", "9")] {
        let sql = match table {
            "sessions" => "SELECT CAST(COUNT(*) AS TEXT) FROM sessions",
            _ => "SELECT CAST(COUNT(*) AS TEXT) FROM project_keys",
        };
        assert_eq!(backend.ask(sql).await, left, "{table}");
    }
    assert_eq!(clear(&store).await, 0);
}
