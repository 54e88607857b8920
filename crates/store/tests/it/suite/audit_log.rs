//! Reading the audit log.

use std::time::Duration;

use millstream_store::{AuditFilter, Throttle};
use model::{AuditId, Timestamp};

use super::audit::actions;
use super::{START, caller, clock, organisation, project, sync};
use crate::backend::Backend;

pub(crate) async fn filters_narrow_the_log(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let first = project(&store).await;
    let of = first.organisation;
    let mut other = caller().clone();
    other.actor.id = "other".into();
    clock.advance(Duration::from_secs(1));
    let second = store.create_project(of, "other", Throttle::default(), &other);
    let second = second.await.unwrap().project.id;
    clock.advance(Duration::from_secs(1));
    store
        .delete_project(second, None, false, caller())
        .await
        .unwrap();
    clock.advance(Duration::from_secs(1));
    sync(&store, first.id, "hook").await;

    let at = |second| Some(START + Duration::from_secs(second));
    let any = AuditFilter::default();
    let cases: [(AuditFilter, &[&str]); 12] = [
        (
            any.clone(),
            &[
                "organisation.create",
                "project.create",
                "project.create",
                "project.delete",
                "sync.create",
            ],
        ),
        (
            AuditFilter {
                actor: Some("other".into()),
                ..any.clone()
            },
            &["project.create"],
        ),
        (
            AuditFilter {
                actor: Some("nobody".into()),
                ..any.clone()
            },
            &[],
        ),
        (
            AuditFilter {
                target: Some(second.to_string()),
                ..any.clone()
            },
            &["project.create", "project.delete"],
        ),
        (
            AuditFilter {
                action: Some("project".into()),
                ..any.clone()
            },
            &["project.create", "project.create", "project.delete"],
        ),
        (
            AuditFilter {
                action: Some("project.delete".into()),
                ..any.clone()
            },
            &["project.delete"],
        ),
        (
            AuditFilter {
                action: Some("project.del".into()),
                ..any.clone()
            },
            &[],
        ),
        (
            AuditFilter {
                action: Some("pro%".into()),
                ..any.clone()
            },
            &[],
        ),
        (
            AuditFilter {
                from: at(2),
                ..any.clone()
            },
            &["project.delete", "sync.create"],
        ),
        (
            AuditFilter {
                until: at(2),
                ..any.clone()
            },
            &["organisation.create", "project.create", "project.create"],
        ),
        (
            AuditFilter {
                from: at(1),
                until: at(2),
                ..any.clone()
            },
            &["project.create"],
        ),
        (
            AuditFilter {
                actor: Some(caller().actor.id.clone()),
                target: Some(second.to_string()),
                action: Some("project".into()),
                from: at(0),
                until: at(9),
            },
            &["project.delete"],
        ),
    ];
    for (filter, expected) in cases {
        let page = store.audit_log(Some(of), &filter, None, 100).await;
        let mut entries = page.unwrap().items;
        entries.reverse();
        let mut found = actions(&entries);
        // The first two happened at one moment.
        if found.len() > 1 && filter.from.is_none() {
            found[..2].sort_unstable();
        }
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub(crate) async fn pages_hold_every_entry_once_newest_first(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let of = organisation(&store).await;
    for number in 0..6_u64 {
        // Two at each moment.
        clock.advance(Duration::from_secs(number % 2));
        let name = number.to_string();
        let renamed = store.rename_organisation(of, None, &name, caller());
        renamed.await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let filter = AuditFilter::default();
        let page = store.audit_log(Some(of), &filter, after.as_ref(), 3).await;
        let page = page.unwrap();
        assert!(page.items.len() <= 3);
        seen.extend(page.items.into_iter().map(|entry| (entry.at, entry.id)));
        // The text form is what clients hand back.
        after = page.next.map(|cursor| cursor.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
        // What happens meanwhile is newer: it moves nothing.
        clock.advance(Duration::from_secs(1));
        let renamed = store.rename_organisation(of, None, "meanwhile", caller());
        renamed.await.unwrap();
    }
    assert_eq!(seen.len(), 7);
    let newest_first: Vec<(Timestamp, AuditId)> = {
        let mut sorted = seen.clone();
        sorted.sort_by(|one, other| other.cmp(one));
        sorted.dedup();
        sorted
    };
    assert_eq!(seen, newest_first);
}

pub(crate) async fn what_was_done_is_found_by_an_index(backend: Backend) {
    let store = backend.open().await;
    let numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                   SELECT i FROM n";
    let fill = format!(
        "INSERT INTO audit_log (id, organisation_id, at, actor_kind, actor_id, actor_name, address,
                                request_id, action, target_id, target_name)
         SELECT 'aud_' || i, 'org', i, 'person', 'someone', '', '', '',
                CASE WHEN i % 5000 = 1 THEN 'sync.delete' ELSE 'project.change' END, '', ''
         FROM ({numbers}) AS numbers"
    );
    backend.run(fill).await;
    backend.execute("ANALYZE audit_log").await;
    // As the log is asked for the action `sync.delete`, and for `sync`.
    let area = "rtrim(action, 'abcdefghijklmnopqrstuvwxyz_') = 'sync.'";
    let cases = [
        ("action = 'sync.delete'", "audit_log_by_action"),
        (area, "audit_log_by_area"),
    ];
    for (condition, index) in cases {
        let query = format!(
            "SELECT id, at, actor_name, action FROM audit_log
             WHERE organisation_id = 'org' AND {condition}
               AND at >= 0 AND at < 1000000 AND (at, id) < (1000000, '')
             ORDER BY at DESC, id DESC LIMIT 51"
        );
        let plan = backend.plan(&query).await;
        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("B-TREE"), "{plan}");
    }
    store.close().await;
}

pub(crate) async fn whose_token_it_was_is_told_whatever_it_is_called(backend: Backend) {
    let store = backend.open().await;
    let of = super::organisation(&store).await;
    let eve = super::member(&store, of, "eve", model::access::Role::Owner).await;
    let draft = |person| millstream_store::TokenDraft {
        organisation: of,
        person,
        name: "ann@example.com".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    for (number, (person, who)) in [
        (Some(eve.id), r#"eve@example.com (token "ann@example.com")"#),
        (None, r#"token "ann@example.com""#),
    ]
    .into_iter()
    .enumerate()
    {
        let made = store.create_token(draft(person), caller()).await.unwrap();
        let verified = store.verify_token(made.text.expose()).await.unwrap();
        let verified = verified.unwrap();
        let by = millstream_store::Caller {
            actor: millstream_store::Actor {
                kind: millstream_store::ActorKind::Token,
                id: verified.token.id.clone(),
                name: verified.token.name.clone(),
                person: verified.behind.clone(),
            },
            ..caller().clone()
        };
        let project = format!("shop {number}");
        let made = store.create_project(of, &project, Default::default(), &by);
        made.await.unwrap();
        let filter = AuditFilter {
            actor: Some(verified.token.id.clone()),
            ..AuditFilter::default()
        };
        let told = store.audit_log(Some(of), &filter, None, 10).await.unwrap();
        assert_eq!(told.items.len(), 1);
        assert_eq!(told.items[0].who(), who);
        let behind = told.items[0].actor_person.as_ref();
        assert_eq!(behind.map(|behind| behind.id), person);
    }
}
