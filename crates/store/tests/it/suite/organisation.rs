use millstream_store::{AuditFilter, Error, Throttle, TokenDraft};
use model::OrganisationId;
use model::access::{Permissions, Role};
use model::random::Seeded;

use super::{FAR, administrator, caller, clock, member, organisation};
use crate::backend::Backend;

pub(crate) async fn an_organisation_is_renamed_at_its_version_only(backend: Backend) {
    let store = backend.open().await;
    let (id, by) = (organisation(&store).await, caller());
    let renamed = store.rename_organisation(id, Some(1), "emca", by).await;
    let renamed = renamed.unwrap();
    assert_eq!((&*renamed.name, renamed.version), ("emca", 2));
    assert_eq!(store.organisation(id).await.unwrap(), renamed);

    let late = store.rename_organisation(id, Some(1), "late", by).await;
    assert!(
        matches!(late, Err(Error::Conflict { current: 2 })),
        "{late:?}"
    );
    assert_eq!(store.organisation(id).await.unwrap(), renamed);
    let any = store.rename_organisation(id, None, "any", by).await;
    assert_eq!(any.unwrap().version, 3);
}

pub(crate) async fn an_unknown_organisation_is_said_to_be_unknown(backend: Backend) {
    let store = backend.open().await;
    let id = OrganisationId::generate(&Seeded::new(1));
    let unknown = |error: Error| matches!(error, Error::NoOrganisation(asked) if asked == id);
    let by = caller();
    assert!(unknown(store.organisation(id).await.unwrap_err()));
    let renamed = store.rename_organisation(id, None, "x", by).await;
    assert!(unknown(renamed.unwrap_err()));
    let deleted = store.delete_organisation(id, None, by).await;
    assert!(unknown(deleted.unwrap_err()));
    let project = store.create_project(id, "x", Throttle::default(), by);
    assert!(unknown(project.await.unwrap_err()));
    let invitation = super::invite(&store, id, "x@example.com", Role::Viewer, FAR, by);
    assert!(unknown(invitation.await.unwrap_err()));
    let draft = TokenDraft {
        organisation: id,
        person: None,
        name: "x".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    let token = store.create_token(draft, by).await;
    assert!(unknown(token.unwrap_err()));
}

pub(crate) async fn an_organisation_goes_with_all_it_has_but_not_with_projects(backend: Backend) {
    let store = backend.open().await;
    let (own, other, by) = (
        organisation(&store).await,
        organisation(&store).await,
        caller(),
    );
    let ann = member(&store, own, "ann", Role::Owner).await;
    let link = super::invite(&store, own, "bob@example.com", Role::Viewer, FAR, by);
    let link = link.await.unwrap().text;
    let token = |organisation, person| TokenDraft {
        organisation,
        person,
        name: "ci".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    let gone = store.create_token(token(own, Some(ann.id)), by);
    let gone = gone.await.unwrap();
    let kept = store.create_token(token(other, None), by).await.unwrap();
    let project = store.create_project(own, "shop", Throttle::default(), by);
    let project = project.await.unwrap().project;

    let refused = store.delete_organisation(own, None, by).await;
    assert!(
        matches!(refused, Err(Error::OrganisationInUse { projects: 1 })),
        "{refused:?}"
    );
    assert!(store.organisation(own).await.is_ok());

    store
        .delete_project(project.id, None, false, by)
        .await
        .unwrap();
    store.delete_organisation(own, None, by).await.unwrap();
    let read = store.organisation(own).await;
    assert!(matches!(read, Err(Error::NoOrganisation(_))), "{read:?}");
    let of_ann = store.organisations_of(ann.id, None, 10).await.unwrap();
    assert_eq!(of_ann.items, []);
    assert_eq!(store.person(ann.id).await.unwrap(), ann);
    let invitation = store.invitation_of(link.expose()).await.unwrap();
    assert_eq!(invitation, None);
    let verify = async |text: &str| store.verify_token(text).await.unwrap().is_some();
    assert!(!verify(gone.text.expose()).await);
    assert!(verify(kept.text.expose()).await);
}

pub(crate) async fn pages_hold_every_organisation_once(backend: Backend) {
    // The clock stands: what is made at the same moment is told apart by its id.
    let store = backend.open_at(&clock()).await;
    let person = administrator(&store).await;
    let first = store.organisations(None, 1).await.unwrap().items[0].clone();
    let mut made = vec![first.id];
    for _ in 0..4 {
        let id = organisation(&store).await;
        let link = super::invite(&store, id, &person.email, Role::Partner, FAR, caller());
        let link = link.await.unwrap().text;
        let invitee = millstream_store::Invitee::Present(person.id);
        let accepted = store.accept_invitation(link.expose(), invitee, caller());
        assert_eq!(accepted.await.unwrap().1, id);
        made.push(id);
    }
    made.sort();

    let (mut all, mut own, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.organisations(after.as_ref(), 2).await.unwrap();
        all.extend(page.items.into_iter().map(|organisation| organisation.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    loop {
        let page = store.organisations_of(person.id, after.as_ref(), 2);
        let page = page.await.unwrap();
        for (organisation, role) in page.items {
            let expected = if organisation.id == first.id {
                Role::Owner
            } else {
                Role::Partner
            };
            assert_eq!(role, expected);
            own.push(organisation.id);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all, made);
    assert_eq!(own, made);
}

pub(crate) async fn the_first_organisation_is_made_once(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let made = store.ensure_organisation("first").await.unwrap();
    assert_eq!(made.name, "first");
    let again = store.ensure_organisation("second").await.unwrap();
    assert_eq!(again, made);
    assert_eq!(
        store.organisations(None, 10).await.unwrap().items,
        std::slice::from_ref(&made)
    );
    let filter = AuditFilter::default();
    let log = store.audit_log(Some(made.id), &filter, None, 10);
    assert_eq!(log.await.unwrap().items.len(), 1);
    // The first administrator comes to the organisation that is there.
    let person = administrator(&store).await;
    let own = store.member(made.id, person.id).await.unwrap();
    assert_eq!(own.role, Role::Owner);
}

pub(crate) async fn what_is_one_organisations_is_not_found_from_another(backend: Backend) {
    let store = backend.open().await;
    let (own, other, by) = (
        organisation(&store).await,
        organisation(&store).await,
        caller(),
    );
    let ann = member(&store, own, "ann", Role::Owner).await;
    let invitation = super::invite(&store, own, "bob@example.com", Role::Viewer, FAR, by);
    let invitation = invitation.await.unwrap();
    let draft = TokenDraft {
        organisation: own,
        person: Some(ann.id),
        name: "ci".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    store.create_token(draft.clone(), by).await.unwrap();
    let project = store.create_project(own, "shop", Throttle::default(), by);
    project.await.unwrap();

    let no_member = |error: Error| matches!(error, Error::NoMember(asked) if asked == ann.id);
    assert!(no_member(store.member(other, ann.id).await.unwrap_err()));
    let set = super::set_role(&store, other, ann.id, Role::Viewer, by).await;
    assert!(no_member(set.unwrap_err()));
    let removed = super::remove_member(&store, other, ann.id, by).await;
    assert!(no_member(removed.unwrap_err()));
    let elsewhere = TokenDraft {
        organisation: other,
        ..draft
    };
    let token = store.create_token(elsewhere, by).await;
    assert!(no_member(token.unwrap_err()));
    let permissions = store.permissions(other, ann.id).await.unwrap();
    assert_eq!(permissions, Permissions::default());
    let id = &invitation.invitation.id;
    let withdrawn = store.withdraw_invitation(other, id, by).await;
    assert!(
        matches!(withdrawn, Err(Error::NoInvitation)),
        "{withdrawn:?}"
    );

    let members = store.members(other, None, 10).await.unwrap();
    assert_eq!(members.items, []);
    let invitations = store.invitations(other, None, 10).await.unwrap();
    assert_eq!(invitations.items, []);
    for person in [None, Some(ann.id)] {
        let tokens = store.tokens(other, person, None, 10).await.unwrap();
        assert_eq!(tokens.items, []);
    }
    assert_eq!(store.projects(other, None, 10).await.unwrap().items, []);
    let filter = AuditFilter::default();
    let log = store.audit_log(Some(other), &filter, None, 10);
    let log = log.await.unwrap().items;
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(log[0].action, "organisation.create");

    // And it is all still there.
    let member = store.member(own, ann.id).await.unwrap();
    assert_eq!((member.person, member.role), (ann, Role::Owner));
    let invitations = store.invitations(own, None, 10).await.unwrap();
    assert_eq!(invitations.items, [invitation.invitation]);
    let tokens = store.tokens(own, None, None, 10).await.unwrap();
    assert_eq!(tokens.items.len(), 1);
    assert_eq!(store.projects(own, None, 10).await.unwrap().items.len(), 1);
}

pub(crate) async fn the_installations_own_token_keeps_its_organisation(backend: Backend) {
    let store = backend.open().await;
    let (of, by) = (
        store.ensure_organisation("first").await.unwrap().id,
        caller(),
    );
    let tenant = organisation(&store).await;
    let draft = TokenDraft {
        organisation: of,
        person: None,
        name: "admin".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    let admin = store.create_token(draft, by).await.unwrap();
    let refused = store.delete_organisation(of, None, by).await;
    assert!(
        matches!(refused, Err(Error::HoldsInstallationToken)),
        "{refused:?}"
    );
    let verified = store.verify_token(admin.text.expose()).await.unwrap();
    assert_eq!(verified.unwrap().behind, None);
    assert!(!store.lost_first_organisation().await.unwrap());

    store.delete_token(&admin.token.id, by).await.unwrap();
    store.delete_organisation(of, None, by).await.unwrap();
    assert!(store.lost_first_organisation().await.unwrap());
    // Whatever is older, another token is not put where somebody else's organisation is.
    let next = store.ensure_organisation("next").await.unwrap();
    assert_ne!(next.id, tenant);
    assert_eq!(next.name, "next");
    assert_eq!(store.ensure_organisation("other").await.unwrap(), next);
    assert!(!store.lost_first_organisation().await.unwrap());
}
