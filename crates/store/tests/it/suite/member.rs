use millstream_store::{Error, TokenDraft};
use model::access::{Permission, Permissions, Role};

use super::{at_once, caller, clock, member, organisation};
use crate::backend::Backend;

pub(crate) async fn a_member_may_do_what_the_role_allows(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    member(&store, organisation, "owner", Role::Owner).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await;
    for role in Role::ALL {
        let set = super::set_role(&store, organisation, ann.id, *role, caller()).await;
        assert_eq!(set.unwrap().role, *role);
        let read = store.member(organisation, ann.id).await.unwrap();
        let ann = super::as_changed_as(&read.person, &ann);
        assert_eq!((&read.person, read.role), (&ann, *role));
        let permissions = store.permissions(organisation, ann.id).await.unwrap();
        assert_eq!(permissions, role.permissions());
    }
}

pub(crate) async fn the_last_owner_stays(backend: Backend) {
    let store = backend.open().await;
    let (organisation, by) = (organisation(&store).await, caller());
    let ann = member(&store, organisation, "ann", Role::Owner).await.id;
    let bob = member(&store, organisation, "bob", Role::Admin).await.id;

    let demoted = super::set_role(&store, organisation, ann, Role::Admin, by).await;
    assert!(matches!(demoted, Err(Error::LastOwner)), "{demoted:?}");
    let removed = super::remove_member(&store, organisation, ann, by).await;
    assert!(matches!(removed, Err(Error::LastOwner)), "{removed:?}");
    let read = store.member(organisation, ann).await.unwrap();
    assert_eq!(read.role, Role::Owner);
    // To stay one is no change of it.
    let same = super::set_role(&store, organisation, ann, Role::Owner, by).await;
    assert_eq!(same.unwrap().role, Role::Owner);

    let promoted = super::set_role(&store, organisation, bob, Role::Owner, by).await;
    promoted.unwrap();
    let demoted = super::set_role(&store, organisation, ann, Role::Viewer, by).await;
    demoted.unwrap();
    super::remove_member(&store, organisation, ann, by)
        .await
        .unwrap();
    let removed = super::remove_member(&store, organisation, bob, by).await;
    assert!(matches!(removed, Err(Error::LastOwner)), "{removed:?}");
}

pub(crate) async fn of_two_owners_who_leave_at_once_one_stays(backend: Backend) {
    let store = backend.open().await;
    for round in 0..4 {
        let organisation = organisation(&store).await;
        let mut owners = Vec::new();
        for number in 0..2 {
            let name = format!("owner-{round}-{number}");
            owners.push(member(&store, organisation, &name, Role::Owner).await.id);
        }
        let outcomes = at_once(2, |number| {
            let (store, owner) = (store.clone(), owners[number]);
            async move {
                let by = caller();
                // One leaves, the other steps down.
                if (round + number) % 2 == 0 {
                    super::remove_member(&store, organisation, owner, by).await
                } else {
                    let set = super::set_role(&store, organisation, owner, Role::Viewer, by);
                    set.await.map(drop)
                }
            }
        });
        let outcomes = outcomes.await;
        let stayed = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(Error::LastOwner)))
            .count();
        assert_eq!(stayed, 1, "{outcomes:?}");
        let left = store.members(organisation, None, 10).await.unwrap().items;
        let owners = left.iter().filter(|member| member.role == Role::Owner);
        assert_eq!(owners.count(), 1, "{left:?}");
    }
}

pub(crate) async fn a_removed_member_leaves_nothing_in_the_organisation(backend: Backend) {
    let store = backend.open().await;
    let (own, other, by) = (
        organisation(&store).await,
        organisation(&store).await,
        caller(),
    );
    member(&store, own, "owner", Role::Owner).await;
    let ann = member(&store, own, "ann", Role::Admin).await;
    let link = super::invite(&store, other, &ann.email, Role::Viewer, super::FAR, by);
    let link = link.await.unwrap().text;
    let present = millstream_store::Invitee::Present(ann.id);
    let accepted = store.accept_invitation(link.expose(), present, by).await;
    accepted.unwrap();
    let draft = |organisation| TokenDraft {
        organisation,
        person: Some(ann.id),
        name: "ci".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    let gone = store.create_token(draft(own), by).await.unwrap();
    let kept = store.create_token(draft(other), by).await.unwrap();

    super::remove_member(&store, own, ann.id, by).await.unwrap();
    let permissions = store.permissions(own, ann.id).await.unwrap();
    assert_eq!(permissions, Permissions::default());
    let verified = store.verify_token(gone.text.expose()).await.unwrap();
    assert_eq!(verified, None);
    let token = store.token(&gone.token.id).await;
    assert!(matches!(token, Err(Error::NoToken(_))), "{token:?}");
    let again = super::remove_member(&store, own, ann.id, by).await;
    assert!(matches!(again, Err(Error::NoMember(id)) if id == ann.id));

    // What they have elsewhere is theirs.
    let verified = store.verify_token(kept.text.expose()).await.unwrap();
    assert_eq!(
        verified.unwrap().permissions,
        Role::Viewer.permissions(),
        "{kept:?}"
    );
    let permissions = store.permissions(other, ann.id).await.unwrap();
    assert!(permissions.contains(Permission::ProjectsRead));
    let read = store.person(ann.id).await.unwrap();
    assert_eq!(read, super::as_changed_as(&read, &ann));
}

pub(crate) async fn pages_hold_every_member_once(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (own, other) = (organisation(&store).await, organisation(&store).await);
    let mut expected = Vec::new();
    for number in 0..5 {
        // Two at the same moment, then a later one.
        clock.advance(std::time::Duration::from_secs(number % 2));
        let person = member(&store, own, &format!("own-{number}"), Role::Viewer).await;
        expected.push((clock_now(&clock), person.id));
        member(&store, other, &format!("other-{number}"), Role::Viewer).await;
    }
    expected.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.members(own, after.as_ref(), 2).await.unwrap();
        let members = page.items.into_iter();
        seen.extend(members.map(|member| (member.joined_at, member.person.id)));
        after = page.next.map(|cursor| cursor.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

pub(crate) async fn of_many_changes_of_a_member_at_once_one_wins(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    member(&store, organisation, "owner", Role::Owner).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await.id;
    let seen = store.member(organisation, ann).await.unwrap().version;
    let outcomes = at_once(8, |number| {
        let store = store.clone();
        async move {
            let (version, former) = (Some(seen), Role::Viewer);
            if number % 2 == 0 {
                let removed = store.remove_member(organisation, ann, version, former, caller());
                return removed.await;
            }
            let set = store.set_role(organisation, ann, version, former, Role::Member, caller());
            set.await.map(drop)
        }
    });
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "{lost:?}");
    for outcome in lost {
        let told = matches!(&outcome, Err(Error::Conflict { current }) if *current > seen);
        assert!(
            told || matches!(outcome, Err(Error::NoMember(_))),
            "{outcome:?}"
        );
    }
}

pub(crate) async fn who_comes_back_is_at_a_version_of_their_own(backend: Backend) {
    let store = backend.open().await;
    let (own, by) = (organisation(&store).await, caller());
    member(&store, own, "owner", Role::Owner).await;
    let ann = member(&store, own, "ann", Role::Viewer).await;
    let read = async || store.member(own, ann.id).await.unwrap();
    let mut versions = vec![read().await.version];
    for _ in 0..2 {
        let changed = super::set_role(&store, own, ann.id, Role::Member, by).await;
        let changed = changed.unwrap();
        assert_eq!(changed, read().await);
        versions.push(changed.version);
        super::remove_member(&store, own, ann.id, by).await.unwrap();
        let link = super::invite(&store, own, &ann.email, Role::Admin, super::FAR, by);
        let link = link.await.unwrap().text;
        let present = millstream_store::Invitee::Present(ann.id);
        let accepted = store.accept_invitation(link.expose(), present, by).await;
        accepted.unwrap();
        versions.push(read().await.version);
    }
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    // What was decided on what they were before doesn't happen to what they are now.
    let former = versions[0];
    let removed = store.remove_member(own, ann.id, Some(former), Role::Admin, by);
    let removed = removed.await;
    assert!(
        matches!(removed, Err(Error::Conflict { .. })),
        "{removed:?}"
    );
    assert_eq!(read().await.role, Role::Admin);
}

fn clock_now(clock: &model::time::ManualClock) -> model::Timestamp {
    model::Clock::now(clock)
}
