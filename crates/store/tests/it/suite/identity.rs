use millstream_store::{Admission, Error, Person, Store, Vouched};
use model::access::Role;
use model::{IdentityId, OrganisationId};
use serde_json::json;

use super::{
    DAY, FAR, START, administrator, at_once, caller, clock, invite, member, organisation, session,
};
use crate::backend::Backend;

const ISSUER: &str = "https://id.example.com";

/// `NAME@example.com`, whom the provider calls `NAME-at-id`.
fn vouched(name: &str) -> Vouched {
    Vouched {
        issuer: ISSUER.into(),
        subject: format!("{name}-at-id"),
        verified_email: Some(format!("{name}@example.com")),
        name: name.to_uppercase(),
    }
}

async fn admit(store: &Store, vouched: &Vouched) -> Result<Person, Error> {
    let admitted = store.admit(vouched, None, caller()).await;
    admitted.map(|admitted| admitted.person)
}

async fn subjects(store: &Store, person: &Person) -> Vec<String> {
    let identities = store.identities(person.id, None, 50).await.unwrap().items;
    identities.into_iter().map(|one| one.subject).collect()
}

async fn roles(store: &Store, person: &Person) -> Vec<(OrganisationId, Role)> {
    let page = store.organisations_of(person.id, None, 50).await.unwrap();
    let of = page.items.into_iter();
    of.map(|(organisation, role)| (organisation.id, role))
        .collect()
}

/// The action of the newest entry about an identity, and what it says.
async fn told(store: &Store) -> (String, serde_json::Value) {
    let filter = millstream_store::AuditFilter::default();
    let page = store.audit_log(None, &filter, None, 50).await.unwrap();
    let mut of_identities = page.items.into_iter();
    let entry = of_identities.find(|entry| entry.action.starts_with("identity."));
    let entry = entry.expect("an entry");
    let said = entry.after.or(entry.before);
    (entry.action, said.unwrap_or_default())
}

pub(crate) async fn an_identity_is_linked_to_the_account_of_its_verified_address(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Member).await;
    let cookie = session(&store, ann.id).await;
    let found = Vouched {
        verified_email: Some(" ANN@Example.com".into()),
        ..vouched("ann")
    };
    let admitted = admit(&store, &found).await.unwrap();
    assert_eq!(admitted, super::as_changed_as(&admitted, &ann));
    assert_eq!(admitted, store.person(ann.id).await.unwrap());
    let identities = store.identities(ann.id, None, 50).await.unwrap().items;
    assert_eq!(identities.len(), 1);
    let identity = &identities[0];
    assert_eq!(
        (
            &*identity.issuer,
            &*identity.subject,
            &*identity.email,
            identity.created_at
        ),
        (ISSUER, "ann-at-id", "ann@example.com", START)
    );
    let (action, said) = told(&store).await;
    assert_eq!(action, "identity.link");
    assert_eq!(
        said,
        json!({"issuer": ISSUER, "subject": "ann-at-id", "email": "ann@example.com"})
    );
    // She has one more way in from now on; what rested on the others goes on.
    assert!(super::signed_in(&store, &cookie).await);

    // From now on the provider's name for her counts, whatever her address is there.
    for email in [None, Some("bob@example.com".to_owned())] {
        let later = Vouched {
            verified_email: email,
            ..vouched("ann")
        };
        assert_eq!(admit(&store, &later).await.unwrap().id, ann.id);
    }
    assert_eq!(subjects(&store, &ann).await.len(), 1);
    assert_eq!(told(&store).await.0, "identity.link");

    // Somebody else, who was given her former address.
    let successor = Vouched {
        subject: "another-at-id".into(),
        ..vouched("ann")
    };
    let refused = admit(&store, &successor).await;
    assert!(matches!(refused, Err(Error::NoAccount)), "{refused:?}");
    assert_eq!(subjects(&store, &ann).await, ["ann-at-id"]);
}

pub(crate) async fn without_a_verified_address_nothing_is_linked(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let mike = member(&store, organisation, "mike", Role::Owner).await;
    // The Kelvin sign is a k in lower case, and no k in anybody's mailbox.
    for email in [None, Some("mi\u{212A}e@example.com".to_owned())] {
        let stranger = Vouched {
            verified_email: email,
            ..vouched("mike")
        };
        let admission = Some(Admission {
            organisation,
            role: Role::Viewer,
        });
        let refused = store.admit(&stranger, admission, caller()).await;
        assert!(matches!(refused, Err(Error::NoAccount)), "{refused:?}");
    }
    assert!(subjects(&store, &mike).await.is_empty());
}

pub(crate) async fn a_stranger_gets_no_account(backend: Backend) {
    let store = backend.open().await;
    administrator(&store).await;
    let refused = admit(&store, &vouched("stranger")).await;
    assert!(matches!(refused, Err(Error::NoAccount)), "{refused:?}");
    let found = store.person_by_email("stranger@example.com").await;
    assert_eq!(found.unwrap(), None);
}

pub(crate) async fn who_is_invited_gets_an_account_wherever_they_are_invited(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (first, second) = (organisation(&store).await, organisation(&store).await);
    let ended = organisation(&store).await;
    let email = "new@example.com";
    for (organisation, role, end) in [
        (ended, Role::Owner, START + DAY),
        (first, Role::Admin, FAR),
        (second, Role::Viewer, FAR),
    ] {
        let invited = invite(&store, organisation, email, role, end, caller());
        invited.await.unwrap();
    }
    clock.advance(DAY);
    // Their invitation counts, not what everyone else would be.
    let admission = Some(Admission {
        organisation: first,
        role: Role::Viewer,
    });
    let admitted = store.admit(&vouched("new"), admission, caller()).await;
    let person = admitted.unwrap().person;
    assert_eq!((&*person.email, &*person.name), (email, "NEW"));
    assert!(!person.has_password);
    let mut expected = vec![(first, Role::Admin), (second, Role::Viewer)];
    expected.sort_by_key(|(id, _)| id.to_string());
    let mut found = roles(&store, &person).await;
    found.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(found, expected);
    for organisation in [first, second] {
        let open = store.invitations(organisation, None, 10).await.unwrap();
        assert!(open.items.is_empty());
    }
    assert_eq!(told(&store).await.0, "identity.link");
}

pub(crate) async fn who_is_admitted_joins_once(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let admission = Some(Admission {
        organisation,
        role: Role::Viewer,
    });
    // The first account is the administrator's.
    let early = store.admit(&vouched("new"), admission, caller()).await;
    assert!(matches!(early, Err(Error::NoAccount)), "{early:?}");
    member(&store, organisation, "owner", Role::Owner).await;

    let person = store.admit(&vouched("new"), admission, caller()).await;
    let person = person.unwrap().person;
    assert_eq!(roles(&store, &person).await, [(organisation, Role::Viewer)]);
    assert_eq!(person.rights, Default::default());
    super::remove_member(&store, organisation, person.id, caller())
        .await
        .unwrap();
    // Whoever was removed stays out, and is known all the same.
    let again = store.admit(&vouched("new"), admission, caller()).await;
    assert_eq!(again.unwrap().person.id, person.id);
    assert!(roles(&store, &person).await.is_empty());
}

pub(crate) async fn of_many_first_sign_ins_at_once_one_links(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    member(&store, organisation, "owner", Role::Owner).await;
    let admission = Some(Admission {
        organisation,
        role: Role::Viewer,
    });
    let admitted = at_once(8, |_| {
        let store = store.clone();
        async move { store.admit(&vouched("new"), admission, caller()).await }
    });
    let admitted: Vec<_> = admitted.await.into_iter().map(Result::unwrap).collect();
    let linked = admitted.iter().filter(|admitted| admitted.linked);
    assert_eq!(linked.count(), 1);
    let people: Vec<_> = admitted.into_iter().map(|one| one.person).collect();
    assert!(people.iter().all(|person| person.id == people[0].id));
    assert_eq!(subjects(&store, &people[0]).await, ["new-at-id"]);
}

pub(crate) async fn the_last_way_in_stays(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let owner = member(&store, organisation, "owner", Role::Owner).await;
    let admission = Some(Admission {
        organisation,
        role: Role::Viewer,
    });
    let person = store.admit(&vouched("new"), admission, caller()).await;
    let person = person.unwrap().person;
    let elsewhere = Vouched {
        issuer: "https://elsewhere.example.com".into(),
        ..vouched("new")
    };
    assert_eq!(admit(&store, &elsewhere).await.unwrap().id, person.id);
    let ids: Vec<IdentityId> = store.identities(person.id, None, 50).await.unwrap().items[..]
        .iter()
        .map(|one| one.id)
        .collect();
    // Somebody else's is none of theirs.
    let refused = store.remove_identity(owner.id, ids[0], caller()).await;
    assert!(matches!(refused, Err(Error::NoIdentity(id)) if id == ids[0]));
    store
        .remove_identity(person.id, ids[0], caller())
        .await
        .unwrap();
    assert_eq!(told(&store).await.0, "identity.remove");
    let refused = store.remove_identity(person.id, ids[1], caller()).await;
    assert!(matches!(refused, Err(Error::LastWayIn)), "{refused:?}");
    store
        .set_password(person.id, "$argon2id$new", caller())
        .await
        .unwrap();
    store
        .remove_identity(person.id, ids[1], caller())
        .await
        .unwrap();
    assert!(subjects(&store, &person).await.is_empty());
}

pub(crate) async fn an_identity_that_was_removed_is_linked_again_when_its_person_allows_it(
    backend: Backend,
) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Member).await;
    admit(&store, &vouched("ann")).await.unwrap();
    let remove = async || {
        let listed = store.identities(ann.id, None, 10).await.unwrap();
        let id = listed.items[0].id;
        store.remove_identity(ann.id, id, caller()).await.unwrap();
    };
    remove().await;
    for _ in 0..2 {
        let refused = admit(&store, &vouched("ann")).await;
        assert!(
            matches!(refused, Err(Error::IdentityRemoved)),
            "{refused:?}"
        );
    }
    // That one only: neither another of hers, nor one of the same name elsewhere.
    let other = Vouched {
        issuer: "https://elsewhere.example.com".into(),
        ..vouched("ann")
    };
    assert_eq!(admit(&store, &other).await.unwrap().id, ann.id);
    let allow = async || store.allow_removed_identities(ann.id, caller()).await;
    allow().await.unwrap();
    assert_eq!(told(&store).await.0, "identity.allow");
    allow().await.unwrap();
    assert_eq!(admit(&store, &vouched("ann")).await.unwrap().id, ann.id);
    // It can be removed again.
    remove().await;
}

pub(crate) async fn pages_hold_every_identity_once(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Member).await;
    for number in 0..5 {
        let found = Vouched {
            issuer: format!("https://{number}.example.com"),
            ..vouched("ann")
        };
        admit(&store, &found).await.unwrap();
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.identities(ann.id, after.as_ref(), 2).await.unwrap();
        found.extend(page.items.into_iter().map(|one| one.issuer));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 5);
}

pub(crate) async fn what_a_browser_carries_opens_for_its_purpose_only(backend: Backend) {
    let store = backend.open().await;
    let sealed = store.seal_to_carry("one", b"value").unwrap();
    let sealed = sealed.expose();
    let open = |purpose, text: &str| store.open_carried(purpose, text).unwrap();
    assert_eq!(open("one", sealed).as_deref(), Some(&b"value"[..]));
    assert_eq!(open("other", sealed), None);
    for changed in [
        "",
        "1:x:y",
        &sealed[..sealed.len() - 2],
        &sealed.replacen(':', "0:", 2),
        &format!("{sealed}00"),
    ] {
        assert_eq!(open("one", changed), None, "{changed}");
    }
}
