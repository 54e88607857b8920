use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use millstream_store::mail::{Bodies, Claim, Draft, Kind, Mail, Outcome, State, Status};
use millstream_store::{Error, Store};
use model::random::Seeded;
use model::time::ManualClock;
use model::{Clock, MailId, Timestamp};

use super::caller;
use crate::backend::Backend;

const LEASE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const LINK: &str = "https://example.com/invitation#findable-secret-of-a-link";

fn draft(recipient: &str) -> Draft {
    Draft {
        kind: Kind::Invitation,
        recipient: recipient.into(),
        subject: "Join us".into(),
        bodies: Bodies {
            text: format!("Open {LINK}"),
            html: format!("<a href=\"{LINK}\">Open</a>"),
            unsubscribe: None,
        },
        expires_at: None,
    }
}

/// A store whose time stands still, and its clock.
async fn opened(backend: &Backend) -> (Store, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000)));
    let store = backend.open_at(&clock).await;
    (store, clock)
}

async fn claim_one(store: &Store) -> Claim {
    let mut claims = store.claim_mail(LEASE, 10).await.unwrap();
    assert_eq!(claims.len(), 1, "{claims:?}");
    claims.remove(0)
}

async fn one(store: &Store, id: MailId) -> Mail {
    store.mail(id).await.unwrap().0
}

fn later(clock: &ManualClock) -> Outcome {
    Outcome::Retry {
        at: clock.now() + HOUR,
        error: "451 later".into(),
    }
}

pub(crate) async fn a_mail_is_claimed_as_it_was_written_and_settled(backend: Backend) {
    let (store, clock) = opened(&backend).await;
    assert_eq!(store.next_mail_due().await.unwrap(), None);
    let id = store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    assert_eq!(store.next_mail_due().await.unwrap(), Some(clock.now()));

    let claim = claim_one(&store).await;
    assert_eq!((claim.mail.id, claim.mail.attempts), (id, 1));
    assert_eq!(claim.bodies, draft("ann@example.com").bodies);
    assert!(store.settle_mail(&claim, &Outcome::Sent).await.unwrap());
    let (mail, bodies) = store.mail(id).await.unwrap();
    assert_eq!(mail.state, State::Sent { at: clock.now() });
    assert_eq!(bodies, None, "a sent mail's links are not kept");
    assert_eq!(store.next_mail_due().await.unwrap(), None);
    // What is settled stays so.
    let again = Outcome::Failed { error: "x".into() };
    assert!(!store.settle_mail(&claim, &again).await.unwrap());
    assert_eq!(one(&store, id).await, mail);
}

pub(crate) async fn a_failed_attempt_is_repeated_when_it_is_due(backend: Backend) {
    let (store, clock) = opened(&backend).await;
    let id = store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    let claim = claim_one(&store).await;
    store.settle_mail(&claim, &later(&clock)).await.unwrap();
    let mail = one(&store, id).await;
    let due_at = clock.now() + HOUR;
    assert_eq!(mail.state, State::Queued { due_at });
    assert_eq!(mail.error.as_deref(), Some("451 later"));
    assert!(store.claim_mail(LEASE, 10).await.unwrap().is_empty());

    clock.advance(HOUR);
    let claim = claim_one(&store).await;
    assert_eq!(claim.mail.attempts, 2);
    let gone = Outcome::Failed {
        error: "550 nobody here".into(),
    };
    store.settle_mail(&claim, &gone).await.unwrap();
    let (mail, bodies) = store.mail(id).await.unwrap();
    assert_eq!(mail.state, State::Failed { at: clock.now() });
    assert_eq!(mail.error.as_deref(), Some("550 nobody here"));
    assert!(bodies.is_some(), "the operator can still hand the link on");
}

pub(crate) async fn what_was_given_up_is_sent_again_when_asked_for(backend: Backend) {
    let (store, clock) = opened(&backend).await;
    let by = caller();
    let mut draft = draft("ann@example.com");
    draft.expires_at = Some(clock.now() + HOUR);
    let id = store.enqueue_mail(draft).await.unwrap();
    let early = store.send_mail_again(id, by).await;
    assert!(matches!(early, Err(Error::MailNotFailed(asked)) if asked == id));
    let claim = claim_one(&store).await;
    let failed = || Outcome::Failed {
        error: "554 no".into(),
    };
    store.settle_mail(&claim, &failed()).await.unwrap();
    clock.advance(HOUR / 2);
    let queued = store.send_mail_again(id, by).await.unwrap();
    assert_eq!(queued, one(&store, id).await);
    assert_eq!(queued.error.as_deref(), Some("554 no"));
    store.mail_enqueued().await;
    let claim = claim_one(&store).await;
    assert_eq!((claim.mail.id, claim.mail.attempts), (id, 1));
    store.settle_mail(&claim, &failed()).await.unwrap();
    // Its link has ended: sending it would help nobody.
    clock.advance(HOUR / 2);
    let late = store.send_mail_again(id, by).await;
    assert!(matches!(late, Err(Error::MailTextGone(asked)) if asked == id));
    assert!(store.claim_mail(LEASE, 1).await.unwrap().is_empty());
    let unknown = MailId::generate(&Seeded::new(1));
    let unknown = store.send_mail_again(unknown, by).await;
    assert!(matches!(unknown, Err(Error::NoMail(_))));
}

pub(crate) async fn a_claim_lasts_as_long_as_its_lease(backend: Backend) {
    let (store, clock) = opened(&backend).await;
    store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    let first = claim_one(&store).await;
    assert!(store.claim_mail(LEASE, 10).await.unwrap().is_empty());
    clock.advance(LEASE);
    let second = claim_one(&store).await;
    // The first one comes late: the mail is the second one's now.
    assert!(!store.settle_mail(&first, &later(&clock)).await.unwrap());
    assert!(store.settle_mail(&second, &Outcome::Sent).await.unwrap());
}

pub(crate) async fn what_was_claimed_and_released_counts_as_never_tried(backend: Backend) {
    let (store, _clock) = opened(&backend).await;
    store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    let claim = claim_one(&store).await;
    store.settle_mail(&claim, &Outcome::Released).await.unwrap();
    assert_eq!(claim_one(&store).await.mail.attempts, 1);
}

pub(crate) async fn nodes_that_claim_at_once_never_get_the_same_mail(backend: Backend) {
    let (store, _clock) = opened(&backend).await;
    let mut expected = BTreeSet::new();
    for number in 0..20 {
        let recipient = format!("person-{number}@example.com");
        expected.insert(store.enqueue_mail(draft(&recipient)).await.unwrap());
    }
    let mut claimed = Vec::new();
    while claimed.len() < expected.len() {
        let claim = || store.claim_mail(LEASE, 3);
        let (a, b, c) = tokio::join!(claim(), claim(), claim());
        let before = claimed.len();
        for claims in [a, b, c] {
            claimed.extend(claims.unwrap().into_iter().map(|claim| claim.mail.id));
        }
        assert!(claimed.len() > before, "somebody gets something");
    }
    assert_eq!(claimed.len(), expected.len());
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), expected);
}

pub(crate) async fn the_mailer_is_woken_by_a_mail_and_by_nothing_else(backend: Backend) {
    let (store, _clock) = opened(&backend).await;
    let woken = || tokio::time::timeout(Duration::from_millis(50), store.mail_enqueued());
    assert!(woken().await.is_err());
    store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    assert!(woken().await.is_ok(), "even when nobody waited at the time");
    assert!(woken().await.is_err());
}

pub(crate) async fn one_address_gets_only_so_many_of_a_kind_within_an_hour(mut backend: Backend) {
    backend.config.mail.hourly = NonZeroU32::new(2).unwrap();
    let (store, clock) = opened(&backend).await;
    for _ in 0..2 {
        store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    }
    let refused = store.enqueue_mail(draft("ann@example.com")).await;
    assert!(
        matches!(refused, Err(Error::TooManyMails { limit: 2, retry_after }) if retry_after == HOUR),
        "{refused:?}"
    );
    // Others, and mails that tell of something else, are not in the way.
    store.enqueue_mail(draft("bob@example.com")).await.unwrap();
    let mut other = draft("ann@example.com");
    other.kind = Kind::PasswordChanged;
    store.enqueue_mail(other).await.unwrap();
    clock.advance(HOUR);
    store.enqueue_mail(draft("ann@example.com")).await.unwrap();
}

pub(crate) async fn a_full_queue_and_a_long_mail_are_refused(mut backend: Backend) {
    backend.config.mail.queue = NonZeroU32::new(1).unwrap();
    let (store, _clock) = opened(&backend).await;
    let mut long = draft("ann@example.com");
    long.bodies.text = "x".repeat(300_000);
    let refused = store.enqueue_mail(long).await;
    assert!(
        matches!(refused, Err(Error::MailTooLong { .. })),
        "{refused:?}"
    );
    store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    let refused = store.enqueue_mail(draft("bob@example.com")).await;
    assert!(
        matches!(refused, Err(Error::MailQueueFull { limit: 1 })),
        "{refused:?}"
    );
    let claim = claim_one(&store).await;
    store.settle_mail(&claim, &Outcome::Sent).await.unwrap();
    store.enqueue_mail(draft("bob@example.com")).await.unwrap();
}

pub(crate) async fn an_expired_mail_is_not_sent_and_keeps_no_text(backend: Backend) {
    let (store, clock) = opened(&backend).await;
    let mut ids = Vec::new();
    for recipient in ["waits@example.com", "failed@example.com"] {
        let mut draft = draft(recipient);
        draft.expires_at = Some(clock.now() + HOUR);
        ids.push(store.enqueue_mail(draft).await.unwrap());
    }
    let unlimited = store.enqueue_mail(draft("ever@example.com")).await.unwrap();
    let claims = store.claim_mail(LEASE, 10).await.unwrap();
    for claim in &claims {
        let refused = Outcome::Failed {
            error: "550".into(),
        };
        let outcome = if claim.mail.recipient == "failed@example.com" {
            refused
        } else {
            Outcome::Released
        };
        store.settle_mail(claim, &outcome).await.unwrap();
    }
    clock.advance(HOUR);
    assert_eq!(claim_one(&store).await.mail.id, unlimited);
    for (id, why) in ids
        .into_iter()
        .zip(["it expired before it was sent", "550"])
    {
        let (mail, bodies) = store.mail(id).await.unwrap();
        assert!(matches!(mail.state, State::Failed { .. }), "{mail:?}");
        assert_eq!((mail.error.as_deref(), bodies), (Some(why), None));
    }
}

pub(crate) async fn old_mail_is_deleted_sent_or_not(mut backend: Backend) {
    backend.config.mail.retention = HOUR;
    let (store, clock) = opened(&backend).await;
    let sent = store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    let claim = claim_one(&store).await;
    clock.advance(HOUR / 2);
    store.settle_mail(&claim, &Outcome::Sent).await.unwrap();
    let waiting = store.enqueue_mail(draft("bob@example.com")).await.unwrap();
    clock.advance(HOUR / 2);
    assert_eq!(store.retire_mail().await.unwrap(), 0);
    clock.advance(HOUR / 2);
    assert_eq!(store.retire_mail().await.unwrap(), 2);
    for id in [sent, waiting] {
        let gone = store.mail(id).await;
        assert!(matches!(gone, Err(Error::NoMail(asked)) if asked == id));
    }
}

pub(crate) async fn the_outbox_shows_every_mail_once_by_status(backend: Backend) {
    let (store, clock) = opened(&backend).await;
    let mut expected = Vec::new();
    for number in 0..7 {
        let recipient = format!("person-{number}@example.com");
        expected.push(store.enqueue_mail(draft(&recipient)).await.unwrap());
        clock.advance(Duration::from_secs(1));
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.mails(None, after.as_ref(), 3).await.unwrap();
        assert!(page.items.len() <= 3);
        seen.extend(page.items.iter().map(|mail| mail.id));
        after = page.next.map(|cursor| cursor.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);

    let claims = store.claim_mail(LEASE, 1).await.unwrap();
    store.settle_mail(&claims[0], &Outcome::Sent).await.unwrap();
    for (status, count) in [(Status::Queued, 6), (Status::Sent, 1), (Status::Failed, 0)] {
        let page = store.mails(Some(status), None, 10).await.unwrap();
        assert_eq!(page.items.len(), count, "{status:?}");
    }
    let unknown = MailId::generate(&Seeded::new(1));
    assert!(matches!(store.mail(unknown).await, Err(Error::NoMail(_))));
}

pub(crate) async fn the_text_of_a_mail_is_not_in_the_files_in_the_clear(backend: Backend) {
    let store = backend.open().await;
    let id = store.enqueue_mail(draft("findable@example.com")).await;
    let id = id.unwrap();
    let (mail, bodies) = store.mail(id).await.unwrap();
    assert_eq!(bodies, Some(draft("findable@example.com").bodies));
    let shown = format!("{mail:?} {bodies:?} {:?}", draft("x@example.com"));
    assert!(!shown.contains("findable-secret"), "{shown}");
    store.close().await;
    assert!(backend.files_hold("findable@example.com"));
    assert!(!backend.files_hold("findable-secret"));
}

pub(crate) async fn a_lost_key_file_is_refused_while_mail_is_sealed_with_it(backend: Backend) {
    let store = backend.open().await;
    store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    store.close().await;
    std::fs::remove_file(&backend.config.key_file).unwrap();
    let refused = backend.try_open().await;
    assert!(
        matches!(refused, Err(Error::KeyFileMissing { .. })),
        "{refused:?}"
    );
}

pub(crate) async fn a_mail_that_cannot_be_opened_does_not_hold_up_the_others(backend: Backend) {
    let (store, _clock) = opened(&backend).await;
    let spoiled = store.enqueue_mail(draft("ann@example.com")).await.unwrap();
    backend
        .execute("UPDATE mails SET bodies = '1:gone:00' WHERE recipient = 'ann@example.com'")
        .await;
    let good = store.enqueue_mail(draft("bob@example.com")).await.unwrap();
    assert_eq!(claim_one(&store).await.mail.id, good);
    let page = store.mails(Some(Status::Failed), None, 10).await.unwrap();
    assert_eq!(page.items[0].id, spoiled);
    assert!(page.items[0].error.as_deref().unwrap().contains("key gone"));
}
