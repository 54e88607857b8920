use std::sync::Mutex;
use std::time::Duration;

use millstream_store::mail::Kind;
use millstream_store::{Error, Invitee, Secret};
use model::Clock;
use model::access::{InstallationRights, Role};

use super::{
    FAR, START, administrator, at_once, caller, clock, letter, member, newcomer, once,
    organisation, public_half, secret_half, session,
};
use crate::backend::Backend;

pub(crate) async fn an_invitation_makes_an_account_and_a_member(backend: Backend) {
    let store = backend.open().await;
    let (organisation, by) = (organisation(&store).await, caller());
    let invited = super::invite(
        &store,
        organisation,
        " Ann@Example.com",
        Role::Partner,
        FAR,
        by,
    );
    let invited = invited.await.unwrap();
    let invitation = &invited.invitation;
    assert_eq!(invitation.email.as_deref(), Some("ann@example.com"));
    assert_eq!(public_half(&invited.text), invitation.id);
    assert!(!format!("{invited:?}").contains(&secret_half(&invited.text)));
    let listed = store.invitations(organisation, None, 10).await.unwrap();
    assert_eq!(listed.items, std::slice::from_ref(invitation));
    let (shown, of) = store
        .invitation_of(invited.text.expose())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((&shown, of.id), (invitation, organisation));

    // Whatever address the newcomer gives: the invited one counts.
    let accepted = store.accept_invitation(invited.text.expose(), newcomer("mallory"), by);
    let (person, joined) = accepted.await.unwrap();
    assert_eq!(
        (&*person.email, &*person.name, joined),
        ("ann@example.com", "mallory", organisation)
    );
    assert_eq!(person.rights, InstallationRights::default());
    assert_eq!(store.person(person.id).await.unwrap(), person);
    let member = store.member(organisation, person.id).await.unwrap();
    assert_eq!((member.person, member.role), (person, Role::Partner));
    let listed = store.invitations(organisation, None, 10).await.unwrap();
    assert_eq!(listed.items, []);

    store.close().await;
    assert!(!backend.files_hold(&secret_half(&invited.text)));
}

pub(crate) async fn of_many_who_accept_at_once_one_wins(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let invited = super::invite(
        &store,
        organisation,
        "ann@example.com",
        Role::Viewer,
        FAR,
        caller(),
    );
    let link = invited.await.unwrap().text;
    let outcomes = at_once(20, |number| {
        let (store, link) = (store.clone(), link.clone());
        let invitee = newcomer(&format!("number-{number}"));
        async move {
            let accepted = store.accept_invitation(link.expose(), invitee, caller());
            accepted.await
        }
    });
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for outcome in lost {
        assert!(matches!(outcome, Err(Error::NoInvitation)), "{outcome:?}");
    }
    let members = store.members(organisation, None, 100).await.unwrap();
    assert_eq!(members.items.len(), 1);
    assert_eq!(store.people(None, None, 100).await.unwrap().items.len(), 1);
}

pub(crate) async fn an_invitation_ends_with_its_time_or_when_it_is_withdrawn(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (organisation, by) = (organisation(&store).await, caller());
    let hour = Duration::from_secs(3600);
    let mut links = Vec::new();
    for (name, expires_at) in [("ann", START + hour), ("bob", FAR)] {
        let email = format!("{name}@example.com");
        let invited = super::invite(&store, organisation, &email, Role::Viewer, expires_at, by);
        links.push(invited.await.unwrap());
    }
    clock.advance(hour - Duration::from_micros(1));
    let listed = store.invitations(organisation, None, 10).await.unwrap();
    assert_eq!(listed.items.len(), 2);
    clock.advance(Duration::from_micros(1));
    let listed = store.invitations(organisation, None, 10).await.unwrap();
    assert_eq!(listed.items, [links[1].invitation.clone()]);

    let id = &links[1].invitation.id;
    let withdrawn = store.withdraw_invitation(organisation, id, by).await;
    withdrawn.unwrap();
    let again = store.withdraw_invitation(organisation, id, by).await;
    assert!(matches!(again, Err(Error::NoInvitation)), "{again:?}");
    for link in &links {
        let text = link.text.expose();
        assert_eq!(store.invitation_of(text).await.unwrap(), None);
        let accepted = store.accept_invitation(text, newcomer("ann"), by).await;
        assert!(matches!(accepted, Err(Error::NoInvitation)), "{accepted:?}");
    }
    assert!(!store.has_people().await.unwrap());
}

pub(crate) async fn an_invitation_to_an_account_is_its_owners(backend: Backend) {
    let store = backend.open().await;
    let (first, second, by) = (
        organisation(&store).await,
        organisation(&store).await,
        caller(),
    );
    let ann = member(&store, first, "ann", Role::Owner).await;
    let bob = member(&store, first, "bob", Role::Viewer).await;
    let invited = super::invite(&store, second, "ANN@example.com", Role::Admin, FAR, by);
    let link = invited.await.unwrap().text;
    let text = link.expose();

    let of_bob = store.accept_invitation(text, Invitee::Present(bob.id), by);
    let of_bob = of_bob.await;
    assert!(matches!(of_bob, Err(Error::OtherInvitee)), "{of_bob:?}");
    // Who has the link, but is not signed in, gets neither the account nor another one.
    let of_nobody = store.accept_invitation(text, newcomer("ann"), by).await;
    assert!(matches!(of_nobody, Err(Error::EmailTaken)), "{of_nobody:?}");

    // Neither has used it up.
    let of_ann = store.accept_invitation(text, Invitee::Present(ann.id), by);
    let (accepted, joined) = of_ann.await.unwrap();
    assert_eq!(joined, second);
    assert_eq!(accepted, super::as_changed_as(&accepted, &ann));
    assert_eq!(accepted, store.person(ann.id).await.unwrap());
    let member = store.member(second, ann.id).await.unwrap();
    assert_eq!(member.role, Role::Admin);
    let of_bob = store.member(second, bob.id).await;
    assert!(matches!(of_bob, Err(Error::NoMember(_))), "{of_bob:?}");
    let hash = store.credentials(&ann.email).await.unwrap().unwrap();
    assert_eq!(hash.password_hash.as_deref(), Some("$argon2id$of-ann"));
}

pub(crate) async fn a_later_invitation_of_an_address_ends_the_earlier_one(backend: Backend) {
    let store = backend.open().await;
    let (own, other, by) = (
        organisation(&store).await,
        organisation(&store).await,
        caller(),
    );
    let invite = async |organisation, email, role| {
        let invited = super::invite(&store, organisation, email, role, FAR, by).await;
        invited.unwrap().text
    };
    let elsewhere = invite(other, "ann@example.com", Role::Viewer).await;
    let earlier = invite(own, "ann@example.com", Role::Admin).await;
    let later = invite(own, "Ann@example.com", Role::Viewer).await;
    let open = async |text: &str| store.invitation_of(text).await.unwrap().is_some();
    assert!(!open(earlier.expose()).await);
    assert!(open(later.expose()).await);
    assert!(open(elsewhere.expose()).await);
}

pub(crate) async fn a_member_is_not_invited_again(backend: Backend) {
    let store = backend.open().await;
    let (organisation, by) = (organisation(&store).await, caller());
    member(&store, organisation, "ann", Role::Viewer).await;
    let invited = super::invite(
        &store,
        organisation,
        "Ann@example.com",
        Role::Owner,
        FAR,
        by,
    );
    let invited = invited.await;
    assert!(matches!(invited, Err(Error::AlreadyMember)), "{invited:?}");
}

pub(crate) async fn another_kind_of_text_is_no_invitation(backend: Backend) {
    let store = backend.open().await;
    let (person, by) = (administrator(&store).await.id, caller());
    let organisation = organisation(&store).await;
    let invited = super::invite(
        &store,
        organisation,
        "ann@example.com",
        Role::Viewer,
        FAR,
        by,
    );
    let link = invited.await.unwrap().text;
    let other = super::invite(
        &store,
        organisation,
        "bob@example.com",
        Role::Viewer,
        FAR,
        by,
    );
    let other = other.await.unwrap().text;
    let cookie = session(&store, person).await;
    let reset = super::password_reset(&store, person, FAR, by)
        .await
        .unwrap();
    let wrong = [
        // One link's id with another's secret.
        format!("msi_{}_{}", public_half(&link), secret_half(&other)),
        cookie.expose().to_owned(),
        reset.expose().to_owned(),
        link.expose().replace("msi_", "mst_"),
        link.expose().to_uppercase(),
        String::new(),
    ];
    for text in wrong {
        assert_eq!(store.invitation_of(&text).await.unwrap(), None);
        let accepted = store.accept_invitation(&text, newcomer("ann"), by).await;
        assert!(matches!(accepted, Err(Error::NoInvitation)), "{accepted:?}");
    }
    // Nor is it anything else.
    let text = link.expose();
    assert_eq!(store.verify_token(text).await.unwrap(), None);
    assert!(!super::signed_in(&store, &link).await);
    let reset = store.reset_password(text, "$argon2id$stolen", by).await;
    assert_eq!(reset.unwrap(), None);
}

pub(crate) async fn the_first_administrators_link_makes_an_operator_once(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let end = START + Duration::from_secs(60);
    let earlier = store.invite_first_administrator("acme", FAR).await;
    let earlier = earlier.unwrap().unwrap().text;
    let later = store.invite_first_administrator("other name", end).await;
    let later = later.unwrap().unwrap();
    assert_eq!(later.invitation.email, None);
    // The earlier link has ended with the later one, and there is one organisation still.
    let shown = store.invitation_of(earlier.expose()).await.unwrap();
    assert_eq!(shown, None);
    let organisations = store.organisations(None, 10).await.unwrap().items;
    assert_eq!(organisations.len(), 1);
    assert_eq!(organisations[0].name, "acme");

    let outcomes = at_once(20, |number| {
        let (store, text) = (store.clone(), later.text.clone());
        let invitee = newcomer(&format!("number-{number}"));
        async move {
            let accepted = store.accept_invitation(text.expose(), invitee, caller());
            accepted.await
        }
    });
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.await.into_iter().partition(Result::is_ok);
    for outcome in lost {
        assert!(matches!(outcome, Err(Error::NoInvitation)), "{outcome:?}");
    }
    assert_eq!(won.len(), 1);
    let (person, organisation) = won.into_iter().next().unwrap().unwrap();
    assert!(person.email.starts_with("number-"), "{person:?}");
    assert!(person.rights.operator && person.rights.reviewer);
    assert_eq!(organisation, organisations[0].id);
    let member = store.member(organisation, person.id).await.unwrap();
    assert_eq!(member.role, Role::Owner);

    let another = store.invite_first_administrator("acme", FAR).await;
    assert!(another.unwrap().is_none());
}

pub(crate) async fn the_first_administrators_link_ends_with_the_first_account(backend: Backend) {
    let store = backend.open().await;
    let link = store.invite_first_administrator("acme", FAR).await;
    let link = link.unwrap().unwrap().text;
    administrator(&store).await;
    assert_eq!(store.invitation_of(link.expose()).await.unwrap(), None);
    let accepted = store.accept_invitation(link.expose(), newcomer("ann"), caller());
    let accepted = accepted.await;
    assert!(matches!(accepted, Err(Error::NoInvitation)), "{accepted:?}");
}

pub(crate) async fn the_first_administrators_link_is_for_newcomers_of_an_empty_installation(
    backend: Backend,
) {
    let store = backend.open().await;
    let link = store.invite_first_administrator("acme", FAR).await;
    let link = link.unwrap().unwrap().text;
    // An account that came in another way, by an invitation of a program's.
    let organisation = store.ensure_organisation("acme").await.unwrap().id;
    let ann = member(&store, organisation, "ann", Role::Viewer).await;
    for invitee in [newcomer("bob"), Invitee::Present(ann.id)] {
        let accepted = store.accept_invitation(link.expose(), invitee, caller());
        let accepted = accepted.await;
        assert!(matches!(accepted, Err(Error::NoInvitation)), "{accepted:?}");
    }
    assert_eq!(store.people(None, None, 10).await.unwrap().items, [ann]);
}

pub(crate) async fn of_many_first_administrators_at_once_one_is_made(backend: Backend) {
    let store = backend.open().await;
    let outcomes = at_once(8, |number| {
        let store = store.clone();
        let person = millstream_store::NewPerson {
            email: format!("root-{number}@example.com"),
            name: "Root".into(),
            password_hash: None,
            rights: InstallationRights {
                operator: true,
                reviewer: true,
            },
        };
        async move { store.create_first_administrator("acme", person).await }
    });
    let made = outcomes.await.into_iter().map(Result::unwrap);
    assert_eq!(made.flatten().count(), 1);
    let organisations = store.organisations(None, 10).await.unwrap().items;
    assert_eq!(organisations.len(), 1);
    assert_eq!(store.people(None, None, 10).await.unwrap().items.len(), 1);
}

pub(crate) async fn an_invitation_as_owner_is_not_replaced_by_one_as_less(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let organisation = organisation(&store).await;
    let invite = async |role, hours: u64| {
        let until = clock.now() + Duration::from_secs(hours * 3600);
        super::invite(
            &store,
            organisation,
            "ann@example.com",
            role,
            until,
            caller(),
        )
        .await
    };
    invite(Role::Viewer, 1).await.unwrap();
    let replaced = invite(Role::Owner, 1).await.unwrap();
    let owner = invite(Role::Owner, 1).await.unwrap();
    assert_ne!(owner.invitation.id, replaced.invitation.id);
    let refused = invite(Role::Admin, 1).await;
    assert!(matches!(refused, Err(Error::InvitedAsOwner)), "{refused:?}");
    let link = owner.text.expose();
    assert!(store.invitation_of(link).await.unwrap().is_some());
    let other = store.create_organisation("other", caller()).await.unwrap();
    let elsewhere = super::invite(
        &store,
        other.id,
        "ann@example.com",
        Role::Viewer,
        FAR,
        caller(),
    );
    elsewhere.await.unwrap();
    // One that has ended holds nobody up.
    clock.advance(Duration::from_secs(3600));
    invite(Role::Admin, 1).await.unwrap();
}

pub(crate) async fn a_repeated_invitation_is_one_with_one_letter(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let by = once("key", "ann");
    let invite = || {
        let write = |link: &Secret| Ok(letter("ann@example.com", link, Kind::Invitation));
        store.invite(
            organisation,
            "ann@example.com",
            Role::Viewer,
            FAR,
            write,
            &by,
        )
    };
    let made = invite().await.unwrap();
    assert_eq!(invite().await.unwrap(), made);
    let letters = async || store.mails(None, None, 10).await.unwrap().items.len();
    assert_eq!(letters().await, 1);
    let withdrawn = store.withdraw_invitation(organisation, &made.id, caller());
    withdrawn.await.unwrap();
    // The letter went with the invitation, and there is no other.
    assert_eq!(invite().await.unwrap(), made);
    assert_eq!(letters().await, 0);
    let found = store.invitation(organisation, &made.id).await;
    assert!(matches!(found, Err(Error::NoInvitation)), "{found:?}");
}

pub(crate) async fn an_organisation_is_made_for_its_owner(backend: Backend) {
    let store = backend.open().await;
    let by = once("key", "acme");
    let links = Mutex::new(Vec::new());
    let make = || {
        let write = |link: &Secret| {
            links.lock().unwrap().push(link.clone());
            Ok(letter("ann@example.com", link, Kind::Invitation))
        };
        store.create_organisation_for("acme", " Ann@Example.com", FAR, write, &by)
    };
    let made = make().await.unwrap();
    assert_eq!(make().await.unwrap(), made);
    let links = links.into_inner().unwrap();
    assert_eq!(links.len(), 1);
    let accepted = store.accept_invitation(links[0].expose(), newcomer("ann"), caller());
    let (person, joined) = accepted.await.unwrap();
    assert_eq!(joined, made.id);
    let member = store.member(made.id, person.id).await.unwrap();
    assert_eq!(member.role, Role::Owner);

    // Without a letter there is no organisation either.
    let before = store.organisations(None, 10).await.unwrap().items;
    let unwritten = |_: &Secret| Err("no template".into());
    let by = caller();
    let refused = store.create_organisation_for("other", "bob@example.com", FAR, unwritten, by);
    let refused = refused.await;
    assert!(matches!(refused, Err(Error::Letter(_))), "{refused:?}");
    let after = store.organisations(None, 10).await.unwrap().items;
    assert_eq!(after, before);
}
