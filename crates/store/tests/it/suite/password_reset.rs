use std::time::Duration;

use super::{
    FAR, START, administrator, at_once, caller, clock, member, organisation, public_half,
    secret_half, session, signed_in,
};
use crate::backend::Backend;
use model::access::Role;

pub(crate) async fn a_link_sets_a_password_and_ends_everything_else(backend: Backend) {
    let store = backend.open().await;
    let (root, by) = (administrator(&store).await, caller());
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await;
    let link = super::password_reset(&store, root.id, FAR, by)
        .await
        .unwrap();
    let other = super::password_reset(&store, root.id, FAR, by)
        .await
        .unwrap();
    let of_ann = super::password_reset(&store, ann.id, FAR, by)
        .await
        .unwrap();
    let (cookie, cookie_of_ann) = (
        session(&store, root.id).await,
        session(&store, ann.id).await,
    );

    // One link's id with another's secret.
    let crossed = format!("msr_{}_{}", public_half(&link), secret_half(&of_ann));
    for wrong in [
        &*crossed,
        "",
        cookie.expose(),
        &link.expose().to_uppercase(),
    ] {
        let reset = store.reset_password(wrong, "$argon2id$stolen", by).await;
        assert_eq!(reset.unwrap(), None, "{wrong}");
    }
    let reset = store.reset_password(link.expose(), "$argon2id$new", by);
    assert_eq!(reset.await.unwrap(), Some(root.clone()));
    for used in [&link, &other] {
        let reset = store.reset_password(used.expose(), "$argon2id$stolen", by);
        assert_eq!(reset.await.unwrap(), None);
    }
    assert!(!signed_in(&store, &cookie).await);
    let hash = async |email| {
        let credentials = store.credentials(email).await.unwrap();
        credentials.unwrap().password_hash.unwrap()
    };
    assert_eq!(hash(&root.email).await, "$argon2id$new");

    // Nobody else is touched.
    assert_eq!(hash(&ann.email).await, "$argon2id$of-ann");
    assert!(signed_in(&store, &cookie_of_ann).await);
    let reset = store.reset_password(of_ann.expose(), "$argon2id$anns", by);
    assert_eq!(reset.await.unwrap(), Some(ann));

    store.close().await;
    assert!(!backend.files_hold(&secret_half(&link)));
}

pub(crate) async fn of_many_who_use_a_link_at_once_one_wins(backend: Backend) {
    let store = backend.open().await;
    let root = administrator(&store).await.id;
    let link = super::password_reset(&store, root, FAR, caller()).await;
    let link = link.unwrap();
    let outcomes = at_once(20, |number| {
        let (store, link) = (store.clone(), link.clone());
        async move {
            let hash = format!("$argon2id${number}");
            let reset = store.reset_password(link.expose(), &hash, caller()).await;
            reset.unwrap().map(|_| hash)
        }
    });
    let won: Vec<_> = outcomes.await.into_iter().flatten().collect();
    let credentials = store.credentials("root@example.com").await.unwrap();
    let stored = credentials.unwrap().password_hash.unwrap();
    assert_eq!(won, [stored]);
}

pub(crate) async fn a_link_ends_with_its_time(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (root, by) = (administrator(&store).await.id, caller());
    let hour = Duration::from_secs(3600);
    let link = super::password_reset(&store, root, START + hour, by).await;
    let link = link.unwrap();
    clock.advance(hour);
    let reset = store.reset_password(link.expose(), "$argon2id$late", by);
    assert_eq!(reset.await.unwrap(), None);
    let link = super::password_reset(&store, root, START + 2 * hour, by).await;
    let link = link.unwrap();
    clock.advance(hour - Duration::from_micros(1));
    let reset = store.reset_password(link.expose(), "$argon2id$timely", by);
    assert!(reset.await.unwrap().is_some());
}

pub(crate) async fn a_person_has_at_most_three_links(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (root, by) = (administrator(&store).await.id, caller());
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await.id;
    let of_ann = super::password_reset(&store, ann, FAR, by).await.unwrap();
    let mut links = Vec::new();
    for _ in 0..5 {
        clock.advance(Duration::from_secs(1));
        links.push(super::password_reset(&store, root, FAR, by).await.unwrap());
    }
    let count = "SELECT CAST(COUNT(*) AS TEXT) FROM password_resets";
    assert_eq!(backend.ask(count).await, "4");
    for ended in &links[..2] {
        let reset = store.reset_password(ended.expose(), "$argon2id$old", by);
        assert_eq!(reset.await.unwrap(), None);
    }
    let reset = store.reset_password(links[2].expose(), "$argon2id$new", by);
    assert!(reset.await.unwrap().is_some());
    let reset = store.reset_password(of_ann.expose(), "$argon2id$new", by);
    assert!(reset.await.unwrap().is_some());
}

pub(crate) async fn who_asked_waits_until_they_are_answered_once(backend: Backend) {
    let clock = super::clock();
    let store = backend.open_at(&clock).await;
    let ann = super::administrator(&store).await;
    let second = std::time::Duration::from_secs(1);
    // Whether there is an account makes no difference here.
    let asked = store.ask_password_reset("Root@Example.com", caller()).await;
    let asked = asked.unwrap();
    assert_eq!(asked.email, "root@example.com");
    clock.advance(second);
    let nobody = store
        .ask_password_reset("nobody@example.com", caller())
        .await;
    let nobody = nobody.unwrap();
    let waiting = async |before| store.asked_resets(before).await.unwrap();
    assert_eq!(waiting(super::START).await, std::slice::from_ref(&asked));
    let now = super::START + second;
    assert_eq!(waiting(now).await, [asked.clone(), nobody.clone()]);
    store.forget_asked_reset(&nobody).await.unwrap();

    // Two nodes that answer make one link, and one letter.
    for _ in 0..2 {
        let write = |link: &millstream_store::Secret| {
            Ok(super::letter(
                "root@example.com",
                link,
                millstream_store::mail::Kind::PasswordReset,
            ))
        };
        let answered = store.answer_asked_reset(&asked, ann.id, super::FAR, write, caller());
        answered.await.unwrap();
    }
    assert_eq!(waiting(now).await, []);
    let mails = store.mails(None, None, 10).await.unwrap().items;
    assert_eq!(mails.len(), 1);
}
