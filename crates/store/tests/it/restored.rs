//! Copies of the embedded database that take the place of the original.

use std::sync::Arc;

use millstream_store::{Caller, Config, Store, TokenDraft, backup};
use model::Clock;
use model::access::Role;
use model::random::System;

use crate::suite::{self, FAR};

#[tokio::test]
async fn sessions_and_links_end_in_a_restored_copy_and_live_tokens_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (config, clock) = (Config::in_folder(folder.path()), suite::clock());
    let store = Store::open(&config, clock.clone(), Arc::new(System));
    let store = store.await.unwrap();
    let by = &Caller::system();
    let root = suite::administrator(&store).await.id;
    let of = store.ensure_organisation("first").await.unwrap().id;
    let cookie = suite::session(&store, root).await;
    let reset = suite::password_reset(&store, root, FAR, by).await.unwrap();
    let invitation = suite::invite(&store, of, "ann@example.com", Role::Owner, FAR, by);
    let invitation = invitation.await.unwrap().text;
    let mut texts = Vec::new();
    for expires_at in [None, Some(FAR), Some(suite::START)] {
        let draft = TokenDraft {
            organisation: of,
            person: Some(root),
            name: "ci".into(),
            scopes: None,
            parent: None,
            expires_at,
        };
        texts.push(store.create_token(draft, by).await.unwrap().text);
    }
    store.close().await;

    let file = config.database.strip_prefix("sqlite:").unwrap();
    let access = backup::end_access(file.as_ref(), clock.now()).unwrap();
    let expected = backup::Access {
        sessions_ended: 1,
        links_ended: 2,
        tokens_live: 2,
    };
    assert_eq!(access, expected);
    let store = Store::open(&config, clock, Arc::new(System)).await.unwrap();
    assert!(!suite::signed_in(&store, &cookie).await);
    let reset = store.password_reset_of(reset.expose()).await.unwrap();
    assert_eq!(reset, None);
    let invited = store.invitation_of(invitation.expose()).await.unwrap();
    assert_eq!(invited, None);
    assert_eq!(store.mails(None, None, 10).await.unwrap().items, []);
    let verified = store.verify_token(texts[0].expose()).await.unwrap();
    assert!(verified.is_some());
}
