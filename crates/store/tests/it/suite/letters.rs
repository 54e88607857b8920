//! Letters in the queue, and what they belong to.

use std::num::NonZeroU32;
use std::time::Duration;

use millstream_store::mail::{Bodies, Counted, Draft, Kind, Outcome, Status};
use millstream_store::{Error, Store};
use model::access::Role;

use super::{FAR, administrator, caller, clock, invite, member, newcomer, organisation};
use crate::backend::Backend;

/// To whom letters wait, in the order of their addresses.
async fn waiting(store: &Store) -> Vec<String> {
    let page = store.mails(Some(Status::Queued), None, 200).await;
    let mails = page.unwrap().items.into_iter();
    let mut recipients: Vec<_> = mails.map(|mail| mail.recipient).collect();
    recipients.sort();
    recipients
}

pub(crate) async fn an_invitations_letter_goes_with_its_link(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (of, by) = (organisation(&store).await, caller());
    let invited = async |name: &str| {
        let email = format!("{name}@example.com");
        let invited = invite(&store, of, &email, Role::Viewer, FAR, by).await;
        invited.unwrap()
    };
    let withdrawn = invited("withdrawn").await;
    let accepted = invited("accepted").await;
    invited("kept").await;
    invited("replaced").await;
    assert_eq!(waiting(&store).await.len(), 4);

    let id = &withdrawn.invitation.id;
    store.withdraw_invitation(of, id, by).await.unwrap();
    let link = accepted.text.expose();
    let accepted = store.accept_invitation(link, newcomer("accepted"), by);
    accepted.await.unwrap();
    let newest = invited("replaced").await;
    let open = ["kept@example.com", "replaced@example.com"];
    assert_eq!(waiting(&store).await, open);

    // What went out stays listed.
    let claims = store.claim_mail(Duration::from_secs(60), 10).await.unwrap();
    for claim in &claims {
        store.settle_mail(claim, &Outcome::Sent).await.unwrap();
    }
    let id = &newest.invitation.id;
    store.withdraw_invitation(of, id, by).await.unwrap();
    let sent = store.mails(Some(Status::Sent), None, 10).await.unwrap();
    assert_eq!(sent.items.len(), 2);

    invited("last").await;
    store.delete_organisation(of, None, by).await.unwrap();
    assert_eq!(waiting(&store).await, [""; 0]);
}

pub(crate) async fn a_resets_letter_goes_with_its_link(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (root, by) = (administrator(&store).await.id, caller());
    let of = organisation(&store).await;
    let ann = member(&store, of, "ann", Role::Viewer).await.id;
    let ask = async |person| {
        super::password_reset(&store, person, FAR, by)
            .await
            .unwrap()
    };
    ask(ann).await;
    let mut links = Vec::new();
    for _ in 0..4 {
        clock.advance(Duration::from_secs(1));
        links.push(ask(root).await);
    }
    // Three of them, the oldest has ended, and the other person's.
    assert_eq!(waiting(&store).await.len(), 4);
    let reset = store.reset_password(links[3].expose(), "$argon2id$new", by);
    assert!(reset.await.unwrap().is_some());
    assert_eq!(waiting(&store).await.len(), 1);
}

pub(crate) async fn one_organisation_does_not_fill_the_queue(mut backend: Backend) {
    backend.config.mail.queue = NonZeroU32::new(150).unwrap();
    let store = backend.open_at(&clock()).await;
    let (greedy, other) = (organisation(&store).await, organisation(&store).await);
    let invited = async |of, number: u32| {
        let email = format!("person-{number}@example.com");
        invite(&store, of, &email, Role::Viewer, FAR, caller()).await
    };
    for number in 0..100 {
        invited(greedy, number).await.unwrap();
    }
    let refused = invited(greedy, 100).await;
    let used_up = matches!(refused, Err(Error::MailShareUsedUp { limit: 100 }));
    assert!(used_up, "{refused:?}");
    // Nothing of it happened.
    let open = store.invitations(greedy, None, 200).await.unwrap();
    assert_eq!(open.items.len(), 100);
    for number in 0..50 {
        invited(other, number).await.unwrap();
    }
    let refused = invited(other, 50).await;
    let full = matches!(refused, Err(Error::MailQueueFull { limit: 150 }));
    assert!(full, "{refused:?}");
    let withdrawn = &open.items[0].id;
    let withdrawn = store.withdraw_invitation(greedy, withdrawn, caller());
    withdrawn.await.unwrap();
    invited(greedy, 101).await.unwrap();
}

fn notice(number: u32) -> Draft {
    Draft {
        kind: Kind::SignIn,
        recipient: format!("person-{number}@example.com"),
        subject: "a sign-in".into(),
        bodies: Bodies {
            text: "from elsewhere".into(),
            html: "from elsewhere".into(),
            unsubscribe: None,
        },
        expires_at: None,
    }
}

pub(crate) async fn notices_take_no_room_from_links_and_the_oldest_goes(mut backend: Backend) {
    backend.config.mail.queue = NonZeroU32::new(3).unwrap();
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let of = organisation(&store).await;
    for number in 0..5 {
        clock.advance(Duration::from_secs(1));
        store.enqueue_mail(notice(number)).await.unwrap();
    }
    let newest = [2, 3, 4].map(|number| notice(number).recipient);
    assert_eq!(waiting(&store).await, newest);
    for number in 0..3 {
        let email = format!("invited-{number}@example.com");
        let invited = invite(&store, of, &email, Role::Viewer, FAR, caller());
        invited.await.unwrap();
    }
    assert_eq!(waiting(&store).await.len(), 6);
}

/// A letter about a review, the same for everyone.
fn review(recipient: &str) -> Draft {
    Draft {
        kind: Kind::Review,
        recipient: recipient.into(),
        ..notice(0)
    }
}

pub(crate) async fn what_one_organisation_causes_takes_no_letter_from_another(
    mut backend: Backend,
) {
    backend.config.mail.hourly = NonZeroU32::new(2).unwrap();
    backend.config.mail.queue = NonZeroU32::new(150).unwrap();
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let root = administrator(&store).await.id;
    let (noisy, other) = (organisation(&store).await, organisation(&store).await);
    let tell = async |recipient: &str, counted| {
        clock.advance(Duration::from_millis(1));
        let by = caller().telling_counted(vec![review(recipient)], counted);
        store.set_password(root, "$argon2id$1", &by).await.unwrap();
    };
    for _ in 0..5 {
        tell("rita@example.com", Counted::Of(noisy)).await;
    }
    assert_eq!(waiting(&store).await.len(), 2);
    tell("rita@example.com", Counted::Of(other)).await;
    assert_eq!(waiting(&store).await.len(), 3);
    tell("rita@example.com", Counted::OfRecipient).await;
    assert_eq!(waiting(&store).await.len(), 3, "of everyone's too many");
    tell("rita@example.com", Counted::WithNone).await;
    assert_eq!(waiting(&store).await.len(), 4);

    // Nor does it fill what may wait: its own oldest go.
    for number in 0..120 {
        tell(&format!("r{number}@example.com"), Counted::Of(noisy)).await;
    }
    let waiting = waiting(&store).await;
    assert_eq!(waiting.len(), 100 + 2);
    let rita = waiting.iter().filter(|each| *each == "rita@example.com");
    assert_eq!(
        rita.count(),
        2,
        "the other organisation's and the awaited one"
    );
}

pub(crate) async fn a_notice_is_queued_with_its_change_and_never_in_its_way(mut backend: Backend) {
    backend.config.mail.hourly = NonZeroU32::new(1).unwrap();
    let store = backend.open_at(&clock()).await;
    let root = administrator(&store).await.id;
    let by = caller().telling(vec![notice(1)]);
    // What doesn't happen is not told.
    let refused = store.reset_password("msr_", "$argon2id$x", &by).await;
    assert_eq!(refused.unwrap(), None);
    assert_eq!(waiting(&store).await, [""; 0]);
    let set = store.set_password(root, "$argon2id$1", &by).await;
    set.unwrap();
    assert_eq!(waiting(&store).await, ["person-1@example.com"]);
    // Too many for the address: the password counts all the same.
    let set = store.set_password(root, "$argon2id$2", &by).await;
    set.unwrap();
    assert_eq!(waiting(&store).await.len(), 1);
    let credentials = store.credentials("root@example.com").await.unwrap();
    let hash = credentials.unwrap().password_hash;
    assert_eq!(hash.as_deref(), Some("$argon2id$2"));
}

pub(crate) async fn where_a_notice_cannot_be_written_down_nothing_changes(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let root = administrator(&store).await.id;
    backend.execute("ALTER TABLE mails RENAME TO lost").await;
    let by = caller().telling(vec![notice(1)]);
    let set = store.set_password(root, "$argon2id$1", &by).await;
    assert!(matches!(set, Err(Error::Database(_))), "{set:?}");
    let credentials = store.credentials("root@example.com").await.unwrap();
    let hash = credentials.unwrap().password_hash;
    assert_eq!(hash.as_deref(), Some("$argon2id$of-root"));
}

pub(crate) async fn one_organisation_does_not_keep_others_from_inviting_somebody(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (noisy, other, by) = (
        organisation(&store).await,
        organisation(&store).await,
        caller(),
    );
    let invite = async |of| {
        clock.advance(Duration::from_secs(1));
        super::invite(&store, of, "ann@example.com", Role::Viewer, FAR, by)
            .await
            .map(drop)
    };
    for _ in 0..5 {
        invite(noisy).await.unwrap();
    }
    let refused = invite(noisy).await;
    let Err(Error::TooManyMails { limit, retry_after }) = refused else {
        panic!("{refused:?}");
    };
    // The first one was five seconds ago.
    assert_eq!((limit, retry_after.as_secs()), (5, 3600 - 5));
    invite(other).await.unwrap();
    clock.advance(retry_after);
    invite(noisy).await.unwrap();
}
