use millstream_store::{AuditFilter, Error, NewSession, Store, TokenDraft};
use model::access::{InstallationRights, Role};
use model::{OrganisationId, PersonId};
use serde_json::json;

use super::{
    DAY, FAR, START, administrator, at_once, caller, clock, letter_with_link, member, organisation,
    session, signed_in,
};
use crate::backend::Backend;

const OPERATOR: InstallationRights = InstallationRights {
    operator: true,
    reviewer: false,
};

/// The text of a new token of a person's.
async fn token(store: &Store, organisation: OrganisationId, person: PersonId) -> String {
    let draft = TokenDraft {
        organisation,
        person: Some(person),
        name: "ci".into(),
        parent: None,
        scopes: None,
        expires_at: None,
    };
    let made = store.create_token(draft, caller()).await.unwrap();
    made.text.expose().to_owned()
}

/// The actions of a log, newest first.
async fn told(store: &Store, organisation: Option<OrganisationId>) -> Vec<String> {
    let filter = AuditFilter::default();
    let page = store.audit_log(organisation, &filter, None, 50).await;
    let items = page.unwrap().items.into_iter();
    items.map(|entry| entry.action).collect()
}

pub(crate) async fn nobody_comes_in_by_a_locked_account(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let of = organisation(&store).await;
    let ann = member(&store, of, "ann", Role::Owner).await.id;
    let bob = member(&store, of, "bob", Role::Viewer).await.id;
    let (cookie, others) = (session(&store, ann).await, session(&store, bob).await);
    let text = token(&store, of, ann).await;
    let link = super::password_reset(&store, ann, FAR, caller());
    let link = link.await.unwrap();
    assert!(store.verify_token(&text).await.unwrap().is_some());

    clock.advance(DAY / 2);
    let locked = store.lock_person(ann, caller()).await.unwrap().unwrap();
    assert_eq!(locked.locked_at, Some(START + DAY / 2));
    assert_eq!(store.person(ann).await.unwrap(), locked);
    assert_eq!(told(&store, None).await[0], "person.lock");
    assert!(!signed_in(&store, &cookie).await);
    assert!(signed_in(&store, &others).await);
    assert!(store.verify_token(&text).await.unwrap().is_none());
    let new = NewSession {
        person: ann,
        address: String::new(),
        user_agent: String::new(),
        way: "password".into(),
        lifetime: DAY,
    };
    let refused = store.create_session(new, caller()).await;
    assert!(matches!(refused, Err(Error::Locked)), "{refused:?}");
    let reset = store.reset_password(link.expose(), "$argon2id$stolen", caller());
    assert_eq!(reset.await.unwrap(), None);
    // It was locked already.
    assert_eq!(store.lock_person(ann, caller()).await.unwrap(), None);

    clock.advance(DAY / 4);
    let unlocked = store.unlock_person(ann, caller()).await.unwrap().unwrap();
    assert_eq!(unlocked.locked_at, None);
    assert_eq!(store.person(ann).await.unwrap(), unlocked);
    assert_eq!(told(&store, None).await[0], "person.unlock");
    assert_eq!(store.unlock_person(ann, caller()).await.unwrap(), None);
    // What was hers works again; the sessions have ended.
    assert!(store.verify_token(&text).await.unwrap().is_some());
    assert!(!signed_in(&store, &cookie).await);
    assert!(signed_in(&store, &session(&store, ann).await).await);
}

pub(crate) async fn somebody_is_signed_out_everywhere(backend: Backend) {
    let store = backend.open().await;
    let of = organisation(&store).await;
    let ann = member(&store, of, "ann", Role::Owner).await.id;
    let bob = member(&store, of, "bob", Role::Viewer).await.id;
    let sessions = [session(&store, ann).await, session(&store, ann).await];
    let others = session(&store, bob).await;
    store.end_all_sessions(ann, caller()).await.unwrap();
    for session in &sessions {
        assert!(!signed_in(&store, session).await);
    }
    assert!(signed_in(&store, &others).await);
    assert!(told(&store, None).await.contains(&"session.end_all".into()));
}

pub(crate) async fn a_deleted_account_leaves_nothing_but_the_log(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let of = organisation(&store).await;
    let ann = member(&store, of, "ann", Role::Owner).await;
    let text = token(&store, of, ann.id).await;
    let cookie = session(&store, ann.id).await;
    clock.advance(DAY / 2);
    let deleted = store.delete_person(ann.id, caller()).await.unwrap();
    assert_eq!(deleted, ann);
    let gone = store.person(ann.id).await;
    assert!(matches!(gone, Err(Error::NoPerson(id)) if id == ann.id));
    assert!(!signed_in(&store, &cookie).await);
    assert!(store.verify_token(&text).await.unwrap().is_none());
    assert!(store.members(of, None, 10).await.unwrap().items.is_empty());
    assert_eq!(told(&store, None).await[0], "person.delete");
    let mut newest = told(&store, Some(of)).await;
    newest.truncate(2);
    newest.sort();
    assert_eq!(newest, ["member.remove", "token.revoke"]);
    // The address is anybody's who is invited.
    let again = member(&store, of, "ann", Role::Viewer).await;
    assert_ne!(again.id, ann.id);
}

pub(crate) async fn the_only_owner_of_an_organisation_can_not_delete_themselves(backend: Backend) {
    let store = backend.open().await;
    let of = organisation(&store).await;
    let ann = member(&store, of, "ann", Role::Owner).await.id;
    let bob = member(&store, of, "bob", Role::Viewer).await.id;
    let refused = store.delete_own_account(ann, caller()).await;
    let Err(Error::OnlyOwner { organisation }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(organisation, "acme");
    assert!(store.person(ann).await.is_ok());
    let raised = super::set_role(&store, of, bob, Role::Owner, caller());
    raised.await.unwrap();
    // Of two owners who leave at once, one stays.
    let outcomes = at_once(2, |number| {
        let (store, id) = (store.clone(), [ann, bob][number]);
        async move { store.delete_own_account(id, caller()).await }
    });
    let outcomes = outcomes.await;
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(Error::OnlyOwner { .. })));
    assert_eq!(refused.count(), 1, "{outcomes:?}");
}

pub(crate) async fn an_owner_whose_account_is_locked_is_none_to_rely_on(backend: Backend) {
    let store = backend.open().await;
    let (of, by) = (organisation(&store).await, caller());
    let ann = member(&store, of, "ann", Role::Owner).await.id;
    let bob = member(&store, of, "bob", Role::Owner).await.id;
    store.lock_person(bob, by).await.unwrap();

    let own = store.delete_own_account(ann, by).await;
    assert!(matches!(own, Err(Error::OnlyOwner { .. })), "{own:?}");
    let lowered = super::set_role(&store, of, ann, Role::Viewer, by).await;
    assert!(matches!(lowered, Err(Error::LastOwner)), "{lowered:?}");
    let removed = super::remove_member(&store, of, ann, by).await;
    assert!(matches!(removed, Err(Error::LastOwner)), "{removed:?}");

    // With the other one locked too, operators help.
    let invite = async || {
        let mut link = None;
        let write = super::letter_with_link("carl@example.com", &mut link);
        let invited = store.invite_owner(of, "carl@example.com", super::FAR, write, by);
        invited.await.map(drop)
    };
    assert!(matches!(invite().await, Err(Error::HasOwner)));
    store.lock_person(ann, by).await.unwrap();
    invite().await.unwrap();
    store.unlock_person(bob, by).await.unwrap();
    let lowered = super::set_role(&store, of, ann, Role::Viewer, by).await;
    lowered.unwrap();
}

pub(crate) async fn the_last_operator_who_could_sign_in_stays(backend: Backend) {
    let store = backend.open().await;
    let root = administrator(&store).await.id;
    let of = organisation(&store).await;
    let ann = member(&store, of, "ann", Role::Viewer).await.id;
    let last = |error: Error| matches!(error, Error::LastOperator);
    assert!(last(store.lock_person(root, caller()).await.unwrap_err()));
    assert!(last(store.delete_person(root, caller()).await.unwrap_err()));
    let own = store.delete_own_account(ann, caller());
    own.await.unwrap();

    let bob = member(&store, of, "bob", Role::Viewer).await.id;
    store.set_rights(bob, OPERATOR, caller()).await.unwrap();
    for _ in 0..4 {
        // Of two who lock each other at once, one stays unlocked.
        let outcomes = at_once(2, |number| {
            let (store, id) = (store.clone(), [root, bob][number]);
            async move { store.lock_person(id, caller()).await }
        });
        let outcomes = outcomes.await;
        let refused = outcomes.iter().filter(|outcome| outcome.is_err());
        assert_eq!(refused.count(), 1, "{outcomes:?}");
        for id in [root, bob] {
            store.unlock_person(id, caller()).await.unwrap();
        }
    }
    store.lock_person(bob, caller()).await.unwrap();
    // One who is locked runs nothing.
    let nothing = InstallationRights::default();
    let refused = store.set_rights(root, nothing, caller()).await;
    assert!(last(refused.unwrap_err()));
}

pub(crate) async fn people_are_found_by_how_their_address_begins(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let of = organisation(&store).await;
    let mut annas = Vec::new();
    for name in ["ann", "anna", "annb", "bob", "an"] {
        let made = member(&store, of, name, Role::Viewer).await;
        if made.email.starts_with("ann") {
            annas.push(made);
        }
    }
    annas.sort_by_key(|person| person.id);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.people(Some(" ANN"), after.as_ref(), 2).await;
        let page = page.unwrap();
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, annas);
    let whole = store.people(Some("bob@example.com"), None, 10).await;
    assert_eq!(whole.unwrap().items.len(), 1);
    for nobody in ["nn", "%", "_", "ann@example.com.", "\u{10FFFF}"] {
        let found = store.people(Some(nobody), None, 10).await.unwrap();
        assert!(found.items.is_empty(), "{nobody}: {found:?}");
    }
}

pub(crate) async fn an_owner_is_invited_where_there_is_none_and_only_there(backend: Backend) {
    let store = backend.open().await;
    let of = organisation(&store).await;
    let email = "new@example.com";
    let invite = async || {
        let mut link = None;
        let write = letter_with_link(email, &mut link);
        let invited = store.invite_owner(of, email, FAR, write, caller()).await;
        invited.map(|invitation| (invitation, link.expect("a letter was written")))
    };
    let (invitation, link) = invite().await.unwrap();
    assert_eq!(
        (invitation.role, invitation.email.as_deref()),
        (Role::Owner, Some(email))
    );
    assert_eq!(told(&store, Some(of)).await[0], "invitation.create");
    let accepted = store.accept_invitation(link.expose(), super::newcomer("new"), caller());
    accepted.await.unwrap();
    let refused = invite().await;
    assert!(matches!(refused, Err(Error::HasOwner)), "{refused:?}");
    let entry = json!({"role": "owner"});
    let filter = AuditFilter::default();
    let page = store.audit_log(Some(of), &filter, None, 1).await.unwrap();
    assert_eq!(page.items[0].after, Some(entry));
}
