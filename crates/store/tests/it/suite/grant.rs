use millstream_store::{Caller, Error, Store, TokenDraft};
use model::access::{InstallationRights, Permission, Permissions, Role};
use model::{OrganisationId, PersonId};

use super::{
    DAY, START, administrator, caller, clock, member, organisation, public_half, remove_member,
    session, set_role, with_session,
};
use crate::backend::Backend;

/// What an extractor found: the caller may do this in the organisation.
fn allowed(by: Caller, of: OrganisationId, permissions: Permissions) -> Caller {
    let grant = by.grant.map(|grant| grant.allowing_in(of, permissions));
    Caller { grant, ..by }
}

async fn with_token(
    store: &Store,
    of: OrganisationId,
    person: Option<PersonId>,
) -> (Caller, String) {
    let draft = TokenDraft {
        organisation: of,
        person,
        name: "ci".into(),
        scopes: None,
        parent: None,
        expires_at: Some(START + DAY / 2),
    };
    let made = store.create_token(draft, caller()).await.unwrap();
    let verified = store.verify_token(made.text.expose()).await.unwrap();
    let verified = verified.unwrap();
    let by = Caller {
        grant: Some(verified.grant()),
        ..caller().clone()
    };
    (allowed(by, of, verified.permissions), verified.token.id)
}

/// A change as somebody makes it who was let in before; nothing of it may be there when it is refused.
async fn change(store: &Store, of: OrganisationId, by: &Caller) -> Result<(), Error> {
    let made = store.create_project(of, "made late", Default::default(), by);
    match made.await {
        Ok(made) => {
            let project = made.project.id;
            store
                .delete_project(project, None, false, caller())
                .await
                .unwrap();
            Ok(())
        }
        Err(error) => {
            let projects = store.projects(of, None, 10).await.unwrap().items;
            assert!(projects.is_empty(), "{projects:?}");
            Err(error)
        }
    }
}

/// What comes between being let in and the change.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Between {
    Nothing,
    Demoted,
    Promoted,
    Removed,
    Locked,
    SignedOut,
    PasswordReset,
    Revoked,
    Expired,
}

pub(crate) async fn what_a_caller_was_let_in_with_still_holds_when_the_change_begins(
    backend: Backend,
) {
    use Between as B;
    let clock = clock();
    let store = backend.open_at(&clock).await;
    administrator(&store).await;
    let of = organisation(&store).await;
    member(&store, of, "owner", Role::Owner).await;
    for (number, (between, by_session, by_token)) in [
        (B::Nothing, None, None),
        (B::Demoted, Some("ended"), Some("rights")),
        // A token that may do more by now still may do this.
        (B::Promoted, Some("ended"), None),
        (B::Removed, Some("ended"), Some("ended")),
        (B::Locked, Some("ended"), Some("ended")),
        (B::SignedOut, Some("ended"), None),
        (B::PasswordReset, Some("ended"), None),
        (B::Revoked, None, Some("ended")),
        (B::Expired, Some("ended"), Some("ended")),
    ]
    .into_iter()
    .enumerate()
    {
        let ann = member(&store, of, &format!("ann{number}"), Role::Admin)
            .await
            .id;
        let cookie = session(&store, ann).await;
        let signed_in = with_session(&store, &cookie).await;
        let signed_in = allowed(signed_in, of, Role::Admin.permissions());
        let (program, token) = with_token(&store, of, Some(ann)).await;
        let by = caller();
        match between {
            B::Nothing => {}
            B::Demoted => drop(set_role(&store, of, ann, Role::Viewer, by).await.unwrap()),
            B::Promoted => drop(set_role(&store, of, ann, Role::Owner, by).await.unwrap()),
            B::Removed => remove_member(&store, of, ann, by).await.unwrap(),
            B::Locked => drop(store.lock_person(ann, by).await.unwrap()),
            B::SignedOut => {
                let ended = store.end_session(ann, &public_half(&cookie), by).await;
                ended.unwrap();
            }
            B::PasswordReset => store.set_password(ann, "$argon2id$new", by).await.unwrap(),
            B::Revoked => drop(store.delete_token(&token, by).await.unwrap()),
            B::Expired => clock.advance(DAY),
        }
        for (who, expected) in [(&signed_in, by_session), (&program, by_token)] {
            let outcome = match change(&store, of, who).await {
                Ok(()) => None,
                Err(Error::AccessEnded) => Some("ended"),
                Err(Error::RightsChanged) => Some("rights"),
                Err(error) => panic!("{between:?}: {error}"),
            };
            assert_eq!(outcome, expected, "{between:?} {:?}", who.grant);
        }
    }
}

pub(crate) async fn rights_in_the_installation_still_hold_when_the_change_begins(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let root = administrator(&store).await;
    let of = organisation(&store).await;
    let ann = member(&store, of, "ann", Role::Viewer).await.id;
    let both = InstallationRights {
        operator: true,
        reviewer: true,
    };
    store.set_rights(ann, both, caller()).await.unwrap();
    let token = with_token(&store, of, Some(ann)).await.0;
    let operator: Permissions = [Permission::InstallationWrite].into_iter().collect();
    let by = Caller {
        grant: token.grant.map(|grant| grant.allowing(operator)),
        ..token
    };
    store.create_organisation("one", &by).await.unwrap();
    store
        .set_rights(ann, InstallationRights::default(), caller())
        .await
        .unwrap();
    let refused = store.create_organisation("another", &by).await;
    assert!(matches!(refused, Err(Error::RightsChanged)), "{refused:?}");

    // The installation's own token has no person who could lose anything.
    let own = with_token(&store, of, None).await.0;
    store.create_organisation("a third", &own).await.unwrap();
    // Nor has what holds nobody's session to be anybody's.
    assert!(store.rename_person(root.id, "Root", caller()).await.is_ok());
    let shown = format!(
        "{:?}",
        with_session(&store, &session(&store, root.id).await).await
    );
    assert!(
        shown.contains("Session(") && !shown.contains("hash"),
        "{shown}"
    );
}
