use millstream_store::{Error, Secret, Store};
use model::PersonId;
use model::access::{InstallationRights, Role};
use model::random::Seeded;

use super::{administrator, at_once, caller, clock, member, organisation, session, signed_in};
use crate::backend::Backend;

const OPERATOR: InstallationRights = InstallationRights {
    operator: true,
    reviewer: false,
};
const NOTHING: InstallationRights = InstallationRights {
    operator: false,
    reviewer: false,
};

/// Gives a second factor with these recovery codes, proven with a code of step 100.
async fn set_second_factor(store: &Store, person: PersonId, codes: &[&str]) -> Secret {
    let secret = Secret::new("JBSWY3DPEHPK3PXP".into());
    let codes: Vec<_> = codes
        .iter()
        .map(|&code| Secret::new(code.to_owned()))
        .collect();
    let by = caller();
    let set = store.set_second_factor(person, &secret, 100, &codes, by);
    set.await.unwrap();
    secret
}

pub(crate) async fn an_address_is_one_account_in_any_case(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    assert!(!store.has_people().await.unwrap());
    let ann = member(&store, organisation, "Ann", Role::Viewer).await;
    assert!(store.has_people().await.unwrap());
    assert_eq!(ann.email, "ann@example.com");
    assert!(ann.has_password && !ann.second_factor);
    for text in ["ann@example.com", " ANN@Example.COM\n"] {
        let found = store.person_by_email(text).await.unwrap();
        assert_eq!(found.as_ref(), Some(&ann), "{text:?}");
        let credentials = store.credentials(text).await.unwrap().unwrap();
        assert_eq!(
            credentials.password_hash.as_deref(),
            Some("$argon2id$of-Ann")
        );
        assert!(credentials.second_factor.is_none());
    }
    let nobody = store.credentials("bob@example.com").await.unwrap();
    assert!(nobody.is_none());
}

pub(crate) async fn an_unknown_person_is_said_to_be_unknown(backend: Backend) {
    let store = backend.open().await;
    let id = PersonId::generate(&Seeded::new(1));
    let by = caller();
    let unknown = |error: Error| matches!(error, Error::NoPerson(asked) if asked == id);
    assert!(unknown(store.person(id).await.unwrap_err()));
    let renamed = store.rename_person(id, "x", by).await;
    assert!(unknown(renamed.unwrap_err()));
    let set = store.set_password(id, "x", by).await;
    assert!(unknown(set.unwrap_err()));
    let set = store.set_rights(id, OPERATOR, by).await;
    assert!(unknown(set.unwrap_err()));
    let removed = store.remove_second_factor(id, by).await;
    assert!(unknown(removed.unwrap_err()));
    let code = Secret::new("x".into());
    let used = store.use_recovery_code(id, &code, by).await;
    assert!(unknown(used.unwrap_err()));
    assert!(!store.use_totp_step(id, 1).await.unwrap());
    let link = super::password_reset(&store, id, super::FAR, by).await;
    assert!(unknown(link.unwrap_err()));
}

pub(crate) async fn pages_hold_every_person_once(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let organisation = organisation(&store).await;
    let mut expected = Vec::new();
    for number in 0..5 {
        let name = format!("person-{number}");
        expected.push(member(&store, organisation, &name, Role::Viewer).await.id);
    }
    expected.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.people(None, after.as_ref(), 2).await.unwrap();
        seen.extend(page.items.into_iter().map(|person| person.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

pub(crate) async fn a_new_name_is_read_back(backend: Backend) {
    let store = backend.open().await;
    let ann = administrator(&store).await;
    let renamed = store.rename_person(ann.id, "Anna", caller()).await.unwrap();
    assert_eq!(renamed.name, "Anna");
    assert_eq!(store.person(ann.id).await.unwrap(), renamed);
}

pub(crate) async fn a_new_password_ends_all_sessions_but_the_one_that_it_comes_with(
    backend: Backend,
) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Owner).await.id;
    let bob = member(&store, organisation, "bob", Role::Viewer).await.id;
    let (kept, ended) = (session(&store, ann).await, session(&store, ann).await);
    let of_another = session(&store, bob).await;
    let link = super::password_reset(&store, ann, super::FAR, caller());
    let link = link.await.unwrap();

    let by = super::with_session(&store, &kept).await;
    let set = store.set_password(ann, "$argon2id$new", &by);
    set.await.unwrap();
    // It has another secret from now on: a copy of the former one is of no use.
    assert!(!signed_in(&store, &kept).await);
    let kept = super::renewed(&by).expect("a new cookie");
    assert!(signed_in(&store, &kept).await);
    assert!(!signed_in(&store, &ended).await);
    assert!(signed_in(&store, &of_another).await);
    let person = store.person(ann).await.unwrap();
    let credentials = store.credentials_of(person).await.unwrap();
    assert_eq!(credentials.password_hash.as_deref(), Some("$argon2id$new"));
    // A link that was sent for the former password is of no use.
    let reset = store.reset_password(link.expose(), "$argon2id$stolen", caller());
    assert_eq!(reset.await.unwrap(), None);

    let set = store.set_password(ann, "$argon2id$newer", caller());
    set.await.unwrap();
    assert!(!signed_in(&store, &kept).await);
}

pub(crate) async fn a_rehash_counts_for_the_same_password_only(backend: Backend) {
    let store = backend.open().await;
    let id = administrator(&store).await.id;
    let hash = async || {
        let credentials = store.credentials("root@example.com").await.unwrap();
        credentials.unwrap().password_hash.unwrap()
    };
    let cookie = session(&store, id).await;
    let stronger = store.rehash_password(id, "$argon2id$of-root", "$argon2id$stronger");
    stronger.await.unwrap();
    assert_eq!(hash().await, "$argon2id$stronger");
    assert!(signed_in(&store, &cookie).await);
    let late = store.rehash_password(id, "$argon2id$of-root", "$argon2id$late");
    late.await.unwrap();
    assert_eq!(hash().await, "$argon2id$stronger");
}

pub(crate) async fn a_second_factor_is_sealed_and_can_be_taken_away(backend: Backend) {
    let store = backend.open().await;
    let ann = administrator(&store).await;
    let cookie = session(&store, ann.id).await;
    let secret = set_second_factor(&store, ann.id, &["code-one", "code-two"]).await;
    assert!(!signed_in(&store, &cookie).await);

    let credentials = store.credentials(&ann.email).await.unwrap().unwrap();
    assert!(credentials.person.second_factor);
    // Of two that are set at once the second one is refused: its codes would be shown for nothing.
    let other = Secret::new("KRSXG5CTMVRXEZLU".into());
    let refused = store.set_second_factor(ann.id, &other, 100, &[], caller());
    let refused = refused.await;
    assert!(
        matches!(refused, Err(Error::SecondFactorTaken)),
        "{refused:?}"
    );
    let factor = credentials.second_factor.unwrap();
    assert_eq!(factor.secret, secret);
    assert_eq!((factor.last_step, factor.recovery_hashes.len()), (100, 2));
    assert!(!factor.recovery_hashes.contains(&"code-one".to_owned()));

    store.close().await;
    for text in [secret.expose(), "code-one", "code-two"] {
        assert!(!backend.files_hold(text), "{text}");
    }
    let store = backend.open().await;
    store.remove_second_factor(ann.id, caller()).await.unwrap();
    let credentials = store.credentials(&ann.email).await.unwrap().unwrap();
    assert!(!credentials.person.second_factor);
    assert!(credentials.second_factor.is_none());
    let code = Secret::new("code-one".into());
    let used = store.use_recovery_code(ann.id, &code, caller()).await;
    assert!(!used.unwrap());
}

pub(crate) async fn a_code_is_taken_once(backend: Backend) {
    let store = backend.open().await;
    let id = administrator(&store).await.id;
    set_second_factor(&store, id, &[]).await;
    // 100 proved the second factor: it, and all before it, are used.
    for (step, taken) in [(99, false), (100, false), (101, true), (101, false)] {
        let used = store.use_totp_step(id, step).await.unwrap();
        assert_eq!(used, taken, "{step}");
    }
    let outcomes = at_once(20, |_| {
        let store = store.clone();
        async move { store.use_totp_step(id, 102).await.unwrap() }
    });
    let taken = outcomes.await.into_iter().filter(|&taken| taken).count();
    assert_eq!(taken, 1);
    assert!(!store.use_totp_step(id, 101).await.unwrap());
}

pub(crate) async fn a_recovery_code_is_taken_once(backend: Backend) {
    let store = backend.open().await;
    let id = administrator(&store).await.id;
    set_second_factor(&store, id, &["code-one", "code-two"]).await;
    let outcomes = at_once(20, |_| {
        let (store, code) = (store.clone(), Secret::new("code-one".into()));
        async move {
            let used = store.use_recovery_code(id, &code, caller()).await;
            used.unwrap()
        }
    });
    let taken = outcomes.await.into_iter().filter(|&taken| taken).count();
    assert_eq!(taken, 1);
    for (code, taken) in [("code-three", false), ("code-two", true), ("", false)] {
        let code = Secret::new(code.into());
        let used = store.use_recovery_code(id, &code, caller()).await;
        assert_eq!(used.unwrap(), taken);
    }
    let credentials = store.credentials("root@example.com").await.unwrap();
    let factor = credentials.unwrap().second_factor.unwrap();
    assert!(factor.recovery_hashes.is_empty());
}

pub(crate) async fn the_last_operator_stays(backend: Backend) {
    let store = backend.open().await;
    let (root, by) = (administrator(&store).await, caller());
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await.id;
    let refused = store.set_rights(root.id, NOTHING, by).await;
    assert!(matches!(refused, Err(Error::LastOperator)), "{refused:?}");
    assert_eq!(store.person(root.id).await.unwrap(), root);
    // The other right is not kept from anyone.
    let less = store.set_rights(root.id, OPERATOR, by).await.unwrap();
    assert_eq!(less.rights, OPERATOR);

    let made = store.set_rights(ann, OPERATOR, by).await.unwrap();
    assert_eq!(store.person(ann).await.unwrap(), made);
    store.set_rights(root.id, NOTHING, by).await.unwrap();
    let refused = store.set_rights(ann, NOTHING, by).await;
    assert!(matches!(refused, Err(Error::LastOperator)), "{refused:?}");
}

pub(crate) async fn of_two_operators_who_step_down_at_once_one_stays(backend: Backend) {
    let store = backend.open().await;
    let root = administrator(&store).await.id;
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await.id;
    for _ in 0..4 {
        for id in [root, ann] {
            store.set_rights(id, OPERATOR, caller()).await.unwrap();
        }
        let outcomes = at_once(2, |number| {
            let (store, id) = (store.clone(), [root, ann][number]);
            async move { store.set_rights(id, NOTHING, caller()).await }
        });
        let outcomes = outcomes.await;
        let refused = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(Error::LastOperator)))
            .count();
        assert_eq!(refused, 1, "{outcomes:?}");
        let people = store.people(None, None, 10).await.unwrap().items;
        let operators = people.iter().filter(|person| person.rights.operator);
        assert_eq!(operators.count(), 1, "{people:?}");
    }
}

pub(crate) async fn rights_are_changed_one_by_one(backend: Backend) {
    let store = backend.open().await;
    let root = administrator(&store).await.id;
    let of = super::organisation(&store).await;
    let ann = member(&store, of, "ann", Role::Viewer).await.id;
    let change = |operator, reviewer| millstream_store::RightsChange { operator, reviewer };
    // Each says one thing, and neither takes back what the other says.
    let outcomes = super::at_once(2, |number| {
        let store = store.clone();
        let change = [change(Some(true), None), change(None, Some(true))][number];
        async move { store.set_rights(ann, change, caller()).await }
    });
    for outcome in outcomes.await {
        outcome.unwrap();
    }
    let rights = store.person(ann).await.unwrap().rights;
    assert!(rights.operator && rights.reviewer, "{rights:?}");
    let lowered = store.set_rights(root, change(Some(false), None), caller());
    assert!(lowered.await.unwrap().rights.reviewer);
}

pub(crate) async fn of_many_changes_of_a_person_at_once_one_wins(backend: Backend) {
    let store = backend.open().await;
    administrator(&store).await;
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await;
    let outcomes = at_once(7, |number| {
        let (store, ann) = (store.clone(), ann.clone());
        async move {
            let (id, by) = (ann.id, &caller().having_seen(&ann));
            match number {
                0 => store.rename_person(id, "Bob", by).await.map(drop),
                1 => store.set_rights(id, OPERATOR, by).await.map(drop),
                2 => store.lock_person(id, by).await.map(drop),
                3 => store.set_password(id, "$argon2id$new", by).await,
                4 => store.remove_second_factor(id, by).await,
                5 => store.delete_person(id, by).await.map(drop),
                _ => {
                    let secret = Secret::new("JBSWY3DPEHPK3PXP".into());
                    let set = store.set_second_factor(id, &secret, 100, &[], by);
                    set.await
                }
            }
        }
    });
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "{lost:?}");
    for outcome in lost {
        let told = matches!(&outcome, Err(Error::Conflict { current }) if *current > ann.version);
        assert!(
            told || matches!(outcome, Err(Error::NoPerson(_))),
            "{outcome:?}"
        );
    }
}

pub(crate) async fn every_change_of_a_person_makes_a_version(backend: Backend) {
    let store = backend.open().await;
    administrator(&store).await;
    let (organisation, by) = (organisation(&store).await, caller());
    let ann = member(&store, organisation, "ann", Role::Viewer).await;
    assert_eq!(store.person(ann.id).await.unwrap(), ann);
    let mut last = ann.version;
    let mut rises = async |change: &str| {
        let version = store.person(ann.id).await.unwrap().version;
        assert!(version > last, "{change}: {version} after {last}");
        last = version;
        version
    };
    let renamed = store.rename_person(ann.id, "Ann", by).await.unwrap();
    assert_eq!(renamed.version, rises("the name").await);
    let changed = store.set_rights(ann.id, OPERATOR, by).await.unwrap();
    assert_eq!(changed.version, rises("rights").await);
    let locked = store.lock_person(ann.id, by).await.unwrap().unwrap();
    assert_eq!(locked.version, rises("the lock").await);
    let unlocked = store.unlock_person(ann.id, by).await.unwrap().unwrap();
    assert_eq!(unlocked.version, rises("its end").await);
    let set = store.set_password(ann.id, "$argon2id$new", by).await;
    set.unwrap();
    rises("the password").await;
    set_second_factor(&store, ann.id, &[]).await;
    rises("a second factor").await;
    let removed = store.remove_second_factor(ann.id, by).await;
    removed.unwrap();
    rises("its removal").await;
}
