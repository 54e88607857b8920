use std::time::Duration;

use millstream_store::{Error, NewSession, Secret, Session, Store};
use model::access::{InstallationRights, Role};

use super::{
    DAY, START, administrator, caller, clock, member, organisation, public_half, secret_half,
    session, signed_in,
};
use crate::backend::Backend;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

async fn only_session(store: &Store, person: model::PersonId) -> Session {
    let mut sessions = store.sessions(person, DAY, None, 10).await.unwrap().items;
    assert_eq!(sessions.len(), 1);
    sessions.remove(0)
}

pub(crate) async fn a_cookie_is_recognised_until_its_session_is_ended(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let person = administrator(&store).await;
    let (cookie, other) = (
        session(&store, person.id).await,
        session(&store, person.id).await,
    );
    let verified = store.verify_session(cookie.expose(), DAY).await.unwrap();
    let verified = verified.unwrap();
    assert_eq!(verified.person, person);
    let expected = Session {
        id: public_half(&cookie),
        address: "192.0.2.9".into(),
        user_agent: "browser".into(),
        created_at: START,
        seen_at: START,
        expires_at: START + DAY,
    };
    assert_eq!(verified.session, expected);
    let crossed = format!("mss_{}_{}", public_half(&cookie), secret_half(&other));
    for wrong in [&*crossed, "", "mss_", &cookie.expose()[4..]] {
        let verified = store.verify_session(wrong, DAY).await.unwrap();
        assert!(verified.is_none(), "{wrong}");
    }

    // Nobody but its owner ends it.
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Owner).await.id;
    let by = caller();
    let refused = store.end_session(ann, &expected.id, by).await;
    assert!(
        matches!(&refused, Err(Error::NoSession(id)) if *id == expected.id),
        "{refused:?}"
    );
    assert!(signed_in(&store, &cookie).await);
    let ended = store.end_session(person.id, &expected.id, by).await;
    ended.unwrap();
    assert!(!signed_in(&store, &cookie).await);
    assert!(signed_in(&store, &other).await);
    let again = store.end_session(person.id, &expected.id, by).await;
    assert!(matches!(again, Err(Error::NoSession(_))), "{again:?}");
    let left = only_session(&store, person.id).await;
    assert_eq!(left.id, public_half(&other));

    store.close().await;
    for cookie in [cookie, other] {
        assert!(!backend.files_hold(&secret_half(&cookie)));
    }
}

pub(crate) async fn a_session_that_is_not_used_ends(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let person = administrator(&store).await.id;
    let cookie = session(&store, person).await;
    let idle = 10 * MINUTE;
    let taken = async || {
        let verified = store.verify_session(cookie.expose(), idle).await;
        verified.unwrap().is_some()
    };
    for _ in 0..3 {
        clock.advance(idle - SECOND);
        assert!(taken().await);
    }
    let listed = async || {
        let page = store.sessions(person, idle, None, 10).await.unwrap();
        page.items.len()
    };
    clock.advance(idle - SECOND);
    assert_eq!(listed().await, 1);
    clock.advance(SECOND);
    assert_eq!(listed().await, 0);
    assert!(!taken().await);
}

pub(crate) async fn a_session_ends_at_the_latest_however_much_it_is_used(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let person = administrator(&store).await.id;
    let cookie = session(&store, person).await;
    for _ in 0..23 {
        clock.advance(DAY / 24);
        assert!(signed_in(&store, &cookie).await);
    }
    clock.advance(DAY / 24 - SECOND);
    assert!(signed_in(&store, &cookie).await);
    clock.advance(SECOND);
    assert!(!signed_in(&store, &cookie).await);
    assert_eq!(
        store.sessions(person, DAY, None, 10).await.unwrap().items,
        []
    );
}

pub(crate) async fn the_last_use_of_a_session_is_known_to_the_minute(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let person = administrator(&store).await.id;
    let cookie = session(&store, person).await;
    clock.advance(MINUTE - SECOND);
    assert!(signed_in(&store, &cookie).await);
    assert_eq!(only_session(&store, person).await.seen_at, START);
    clock.advance(SECOND);
    let verified = store.verify_session(cookie.expose(), DAY).await.unwrap();
    assert_eq!(verified.unwrap().session.seen_at, START + MINUTE);
    assert_eq!(only_session(&store, person).await.seen_at, START + MINUTE);
}

pub(crate) async fn a_session_that_ends_soon_is_known_more_exactly(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let person = administrator(&store).await.id;
    let cookie = session(&store, person).await;
    let idle = 20 * SECOND;
    let taken = async || {
        let verified = store.verify_session(cookie.expose(), idle).await;
        verified.unwrap().is_some()
    };
    for _ in 0..5 {
        clock.advance(11 * SECOND);
        assert!(taken().await);
        clock.advance(2 * SECOND);
        assert!(taken().await);
    }
    clock.advance(idle);
    assert!(!taken().await);
}

pub(crate) async fn a_change_of_rights_ends_the_sessions(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let (root, by) = (administrator(&store).await.id, caller());
    let organisation = organisation(&store).await;
    member(&store, organisation, "owner", Role::Owner).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await.id;
    let of_root = session(&store, root).await;
    let rights = InstallationRights {
        operator: false,
        reviewer: true,
    };
    for change in 0..3 {
        let cookies = [session(&store, ann).await, session(&store, ann).await];
        match change {
            0 => drop(
                super::set_role(&store, organisation, ann, Role::Admin, by)
                    .await
                    .unwrap(),
            ),
            1 => drop(store.set_rights(ann, rights, by).await.unwrap()),
            _ => super::remove_member(&store, organisation, ann, by)
                .await
                .unwrap(),
        }
        for cookie in &cookies {
            assert!(!signed_in(&store, cookie).await, "{change}");
        }
        let left = store.sessions(ann, DAY, None, 10).await.unwrap().items;
        assert_eq!(left, []);
    }
    // Others' go on, and what changes nothing ends none.
    assert!(signed_in(&store, &of_root).await);
    let cookie = session(&store, ann).await;
    store.set_rights(ann, rights, by).await.unwrap();
    assert!(signed_in(&store, &cookie).await);
}

pub(crate) async fn who_changes_what_their_sessions_rest_on_keeps_one_with_another_secret(
    backend: Backend,
) {
    let store = backend.open_at(&clock()).await;
    let ann = administrator(&store).await.id;
    let organisation = organisation(&store).await;
    member(&store, organisation, "owner", Role::Owner).await;
    let bob = member(&store, organisation, "bob", Role::Viewer).await.id;
    let of_bob = session(&store, bob).await;
    let secret = Secret::new("JBSWY3DPEHPK3PXP".into());
    let mut cookie = session(&store, ann).await;
    for change in 0..5 {
        let other = session(&store, ann).await;
        let by = &super::with_session(&store, &cookie).await;
        match change {
            0 => store.set_password(ann, "$argon2id$new", by).await.unwrap(),
            1 => {
                let set = store.set_second_factor(ann, &secret, 1, &[], by);
                set.await.unwrap();
            }
            2 => store.remove_second_factor(ann, by).await.unwrap(),
            3 => {
                let rights = InstallationRights {
                    operator: true,
                    reviewer: false,
                };
                drop(store.set_rights(ann, rights, by).await.unwrap());
            }
            // Somebody else's are all that person's: none of them is the caller's.
            _ => {
                let set = super::set_role(&store, organisation, bob, Role::Admin, by);
                set.await.unwrap();
                assert!(super::renewed(by).is_none());
                assert!(signed_in(&store, &cookie).await);
                assert!(!signed_in(&store, &of_bob).await);
                continue;
            }
        }
        let renewed = super::renewed(by).expect("a new cookie");
        assert!(super::renewed(by).is_none(), "it is handed out once");
        assert_eq!(public_half(&renewed), public_half(&cookie));
        assert_ne!(secret_half(&renewed), secret_half(&cookie));
        // A copy is of no use from this moment on, and gets nothing in exchange.
        assert!(!signed_in(&store, &cookie).await, "{change}");
        assert!(!signed_in(&store, &other).await, "{change}");
        assert!(signed_in(&store, &renewed).await, "{change}");
        assert_eq!(only_session(&store, ann).await.id, public_half(&renewed));
        cookie = renewed;
    }
}

pub(crate) async fn a_session_is_of_somebody_with_an_account(backend: Backend) {
    let store = backend.open().await;
    let person = model::PersonId::generate(&model::random::Seeded::new(1));
    let new = NewSession {
        person,
        address: String::new(),
        user_agent: String::new(),
        way: "password".into(),
        lifetime: DAY,
    };
    let refused = store.create_session(new, caller()).await;
    assert!(
        matches!(refused, Err(Error::NoPerson(id)) if id == person),
        "{refused:?}"
    );
}

pub(crate) async fn of_more_than_a_hundred_sessions_the_one_used_longest_ago_ends(
    backend: Backend,
) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let ann = administrator(&store).await.id;
    let of = super::organisation(&store).await;
    let bob = super::member(&store, of, "bob", model::access::Role::Viewer).await;
    let others = session(&store, bob.id).await;
    let mut cookies = Vec::new();
    for _ in 0..100 {
        clock.advance(Duration::from_secs(60));
        cookies.push(session(&store, ann).await);
    }
    // The first one is used: the second one has rested longest by now.
    clock.advance(Duration::from_secs(60));
    assert!(signed_in(&store, &cookies[0]).await);
    clock.advance(Duration::from_secs(60));
    let newest = session(&store, ann).await;
    for (number, cookie) in cookies.iter().enumerate() {
        let there = signed_in(&store, cookie).await;
        assert_eq!(there, number != 1, "{number}");
    }
    assert!(signed_in(&store, &newest).await);
    assert!(signed_in(&store, &others).await);
}

pub(crate) async fn pages_hold_every_session_once(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let person = administrator(&store).await.id;
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.push(public_half(&session(&store, person).await));
    }
    expected.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .sessions(person, DAY, after.as_ref(), 2)
            .await
            .unwrap();
        seen.extend(page.items.into_iter().map(|session| session.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

pub(crate) async fn what_was_proved_before_a_change_of_the_account_changes_nothing_after_it(
    backend: Backend,
) {
    let store = backend.open().await;
    let ann = administrator(&store).await;
    // Rights are no part of it: nobody keeps others from signing in by changing theirs.
    let proof = caller().having_proved(&ann);
    let rights = InstallationRights {
        operator: true,
        reviewer: false,
    };
    store.set_rights(ann.id, rights, caller()).await.unwrap();
    let new = NewSession {
        person: ann.id,
        address: String::new(),
        user_agent: String::new(),
        way: "password".into(),
        lifetime: DAY,
    };
    store.create_session(new, &proof).await.unwrap();
    let secret = millstream_store::Secret::new("JBSWY3DPEHPK3PXP".into());
    for change in 0..3 {
        let proved = store.person(ann.id).await.unwrap();
        let stale = caller().having_proved(&proved);
        let changed = match change {
            0 => store.set_password(ann.id, "$argon2id$new", caller()).await,
            1 => {
                store
                    .set_second_factor(ann.id, &secret, 1, &[], caller())
                    .await
            }
            _ => store.remove_second_factor(ann.id, caller()).await,
        };
        changed.unwrap();
        let new = NewSession {
            person: ann.id,
            address: String::new(),
            user_agent: String::new(),
            way: "password".into(),
            lifetime: DAY,
        };
        let refusals = [
            store.create_session(new, &stale).await.map(drop),
            store.set_password(ann.id, "$argon2id$thief", &stale).await,
            store
                .set_second_factor(ann.id, &secret, 1, &[], &stale)
                .await,
            store.remove_second_factor(ann.id, &stale).await,
            store.delete_own_account(ann.id, &stale).await.map(drop),
        ];
        for refused in refusals {
            assert!(matches!(refused, Err(Error::ProofOutdated)), "{refused:?}");
        }
    }
    let present = store.person(ann.id).await.unwrap();
    let stored = store.credentials_of(present.clone()).await.unwrap();
    assert_eq!(stored.password_hash.as_deref(), Some("$argon2id$new"));
    let by = caller().having_proved(&present);
    store.remove_second_factor(ann.id, &by).await.unwrap();
}

pub(crate) async fn of_a_database_that_was_loaded_from_a_copy_nobody_is_let_in(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let root = administrator(&store).await.id;
    let of = organisation(&store).await;
    let cookie = session(&store, root).await;
    let invited = super::invite(
        &store,
        of,
        "new@example.com",
        Role::Viewer,
        super::FAR,
        caller(),
    );
    invited.await.unwrap();
    let link = super::password_reset(&store, root, super::FAR, caller()).await;
    let link = link.unwrap();
    store
        .ask_password_reset("root@example.com", caller())
        .await
        .unwrap();
    let draft = millstream_store::TokenDraft {
        organisation: of,
        person: None,
        name: "ci".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    let token = store.create_token(draft, caller()).await.unwrap();

    let ended = store.end_access().await.unwrap();
    // The first administrator's link has ended with the first account.
    assert_eq!(
        (ended.sessions_ended, ended.links_ended, ended.tokens_live),
        (1, 2, 1)
    );
    assert!(!signed_in(&store, &cookie).await);
    assert_eq!(store.password_reset_of(link.expose()).await.unwrap(), None);
    assert_eq!(store.asked_resets(super::FAR).await.unwrap(), []);
    assert!(
        store
            .verify_token(token.text.expose())
            .await
            .unwrap()
            .is_some()
    );
    // Letters go with the links that they bring.
    assert_eq!(store.mails(None, None, 10).await.unwrap().items, []);
    let filter = millstream_store::AuditFilter {
        action: Some("installation.end_access".into()),
        ..Default::default()
    };
    let told = store
        .audit_log(None, &filter, None, 10)
        .await
        .unwrap()
        .items;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].after.as_ref().unwrap()["sessions_ended"], 1);
}

pub(crate) async fn the_log_tells_which_session_began_how_and_which_one_ended(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let root = administrator(&store).await;
    let cookie = session(&store, root.id).await;
    clock.advance(SECOND);
    let id = public_half(&cookie);
    store.end_session(root.id, &id, caller()).await.unwrap();
    let filter = millstream_store::AuditFilter {
        action: Some("session".into()),
        ..Default::default()
    };
    let told = store
        .audit_log(None, &filter, None, 10)
        .await
        .unwrap()
        .items;
    assert_eq!(told[0].before, Some(serde_json::json!({"session": id})));
    let began = serde_json::json!({"session": id, "by": "password"});
    assert_eq!(told[1].after, Some(began));

    // Entries of a person are found by their address too.
    let by = super::with_session(&store, &session(&store, root.id).await).await;
    let by = millstream_store::Caller {
        actor: millstream_store::Actor::of_person(&root),
        ..by
    };
    store.rename_person(root.id, "Ruth", &by).await.unwrap();
    for actor in [root.id.to_string(), root.email.clone()] {
        let filter = millstream_store::AuditFilter {
            actor: Some(actor),
            ..Default::default()
        };
        let told = store
            .audit_log(None, &filter, None, 10)
            .await
            .unwrap()
            .items;
        assert_eq!(told[0].action, "person.rename");
    }
}
