use millstream_store::Error;

use crate::backend::Backend;

pub(crate) async fn a_token_is_recognised_until_it_is_revoked(backend: Backend) {
    let store = backend.open().await;
    let made = store.create_token("ci").await.unwrap();
    let other = store.create_token("laptop").await.unwrap();
    let text = made.text.expose();
    assert_eq!(
        store.verify_token(text).await.unwrap().as_ref(),
        Some(&made.token)
    );
    assert_eq!(
        store.tokens().await.unwrap(),
        [made.token.clone(), other.token.clone()]
    );

    // One token's id with another's secret, cut, extended, in capitals, with strange characters.
    let crossed = format!("{}{}", &text[..21], &other.text.expose()[21..]);
    let wrong = [
        crossed,
        text[..text.len() - 1].to_owned(),
        format!("{text}0"),
        text.to_uppercase(),
        text.replace("mst_", ""),
        format!("mst_{}_", made.token.id),
        "mst_' OR 1=1 --_".to_owned(),
        String::new(),
    ];
    for text in wrong {
        assert_eq!(store.verify_token(&text).await.unwrap(), None, "{text}");
    }

    store.delete_token(&made.token.id).await.unwrap();
    assert_eq!(store.verify_token(text).await.unwrap(), None);
    assert!(
        store
            .verify_token(other.text.expose())
            .await
            .unwrap()
            .is_some()
    );
    let again = store.delete_token(&made.token.id).await;
    assert!(matches!(again, Err(Error::NoToken(_))), "{again:?}");
}

pub(crate) async fn neither_text_nor_debug_nor_files_show_a_token(backend: Backend) {
    let store = backend.open().await;
    let made = store.create_token("findable-token-name").await.unwrap();
    let secret_half = made.text.expose().rsplit('_').next().unwrap().to_owned();
    assert!(!format!("{made:?}").contains(&secret_half));
    store.close().await;
    assert!(backend.files_hold("findable-token-name"));
    assert!(!backend.files_hold(&secret_half));
}
