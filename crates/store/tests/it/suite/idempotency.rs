use std::time::Duration;

use millstream_store::{Caller, Error, NewToken, Store, Throttle, TokenDraft};
use model::OrganisationId;

use super::{at_once, caller, clock, draft, once, organisation, project, project_with_keys};
use crate::backend::Backend;

async fn token(
    store: &Store,
    organisation: OrganisationId,
    by: &Caller,
) -> Result<NewToken, Error> {
    let draft = TokenDraft {
        organisation,
        person: None,
        name: "ci".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    store.create_token(draft, by).await
}

pub(crate) async fn a_repeated_creation_makes_one_and_answers_alike(backend: Backend) {
    let store = backend.open().await;
    let of = organisation(&store).await;
    let throttle = Throttle::default();

    let by = once("a project", "{}");
    let first = store
        .create_project(of, "shop", throttle, &by)
        .await
        .unwrap();
    let again = store
        .create_project(of, "shop", throttle, &by)
        .await
        .unwrap();
    assert_eq!(again.project, first.project);
    assert_eq!(again.secret_key, first.secret_key);
    let projects = store.projects(of, None, 10).await.unwrap().items;
    assert_eq!(projects, std::slice::from_ref(&first.project));

    let by = once("a token", "{}");
    let made = token(&store, of, &by).await.unwrap();
    let again = token(&store, of, &by).await.unwrap();
    assert_eq!((&again.token, &again.text), (&made.token, &made.text));
    assert!(
        store
            .verify_token(again.text.expose())
            .await
            .unwrap()
            .is_some()
    );
    let tokens = store.tokens(of, None, None, 10).await.unwrap().items;
    assert_eq!(tokens.len(), 1);

    let (by, webhook) = (once("a sync", "{}"), store.webhook());
    let (id, definition) = (first.project.id, (webhook.id, webhook.version));
    let hook = store.create_sync(id, definition, draft("hook"), &by).await;
    let again = store.create_sync(id, definition, draft("hook"), &by).await;
    assert_eq!(again.unwrap(), hook.unwrap());
    assert_eq!(store.count_syncs(id).await.unwrap(), 1);

    let by = once("an organisation", "{}");
    let other = store.create_organisation("other", &by).await.unwrap();
    let again = store.create_organisation("other", &by).await.unwrap();
    assert_eq!(again, other);
    let organisations = store.organisations(None, 10).await.unwrap().items;
    assert_eq!(organisations.len(), 2);

    // What answers the repetition is sealed.
    store.close().await;
    assert!(!backend.files_hold(first.secret_key.expose()));
    assert!(!backend.files_hold(&super::secret_half(&made.text)));
}

pub(crate) async fn a_repeated_rotation_rotates_once(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let made = project_with_keys(&store).await;
    let id = made.project.id;
    let by = once("the API key", "{}");
    let first = store.rotate_api_key(id, Duration::ZERO, &by).await.unwrap();
    let again = store.rotate_api_key(id, Duration::ZERO, &by).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(store.project(id).await.unwrap(), first);

    let by = once("the secret key", "{}");
    let first = store.rotate_secret_key(id, Duration::ZERO, &by).await;
    let again = store.rotate_secret_key(id, Duration::ZERO, &by).await;
    let (first, again) = (first.unwrap(), again.unwrap());
    assert_eq!(again.secret_key, first.secret_key);
    assert_eq!(again.project, first.project);
    let key = first.project.api_key;
    let genuine = store.verify_secret_key(key, &again.secret_key).await;
    assert!(genuine.unwrap().is_some());
}

pub(crate) async fn another_request_under_the_same_key_is_refused(backend: Backend) {
    let store = backend.open().await;
    let of = organisation(&store).await;
    let create = async |name: &str, by: Caller| {
        let made = store.create_project(of, name, Throttle::default(), &by);
        made.await
    };
    create("shop", once("key", "shop")).await.unwrap();
    let other = create("other", once("key", "other")).await;
    assert!(
        matches!(other, Err(Error::OtherRequestOfSameKey)),
        "{other:?}"
    );
    create("other", once("another key", "other")).await.unwrap();
    let projects = store.projects(of, None, 10).await.unwrap().items;
    assert_eq!(projects.len(), 2);
}

pub(crate) async fn of_the_same_creations_at_once_one_is_made(backend: Backend) {
    let store = backend.open().await;
    let of = organisation(&store).await;
    let outcomes = at_once(10, |_| {
        let store = store.clone();
        async move {
            let by = once("key", "shop");
            let made = store.create_project(of, "shop", Throttle::default(), &by);
            made.await
        }
    });
    let mut made = Vec::new();
    for outcome in outcomes.await {
        match outcome {
            Ok(one) => made.push((one.project, one.secret_key)),
            // To be asked for again.
            Err(error) => assert!(matches!(error, Error::SameRequestUnderWay), "{error}"),
        }
    }
    made.dedup();
    assert_eq!(made.len(), 1);
    let projects = store.projects(of, None, 10).await.unwrap().items;
    assert_eq!(projects.len(), 1);
}

pub(crate) async fn different_callers_keys_do_not_meet(backend: Backend) {
    let store = backend.open().await;
    let of = organisation(&store).await;
    let mut ids = Vec::new();
    // The last two would meet if the parts were only put one behind the other.
    for (scope, key) in [
        ("ann", "key"),
        ("bob", "key"),
        ("annk", "ey"),
        ("", "annkey"),
    ] {
        let by = Caller {
            once: Some(millstream_store::Once::new(scope, key, b"{}")),
            ..caller().clone()
        };
        ids.push(token(&store, of, &by).await.unwrap().token.id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

pub(crate) async fn a_failed_creation_is_not_remembered(backend: Backend) {
    let store = backend.open().await;
    let made = project(&store).await;
    let create = async || {
        let by = once("key", "{}");
        let of = made.organisation;
        let made = store.create_project(of, "shop", Throttle::default(), &by);
        made.await
    };
    let taken = create().await;
    assert!(matches!(taken, Err(Error::NameTaken { .. })), "{taken:?}");
    let deleted = store.delete_project(made.id, None, false, caller()).await;
    deleted.unwrap();
    create().await.unwrap();
}

pub(crate) async fn what_was_made_and_is_gone_is_not_answered_with(backend: Backend) {
    let store = backend.open().await;
    let of = organisation(&store).await;
    let throttle = Throttle::default();
    let hour = Duration::from_secs(3600);
    let gone = |refused: Result<(), Error>| {
        assert!(matches!(refused, Err(Error::MadeIsGone)), "{refused:?}");
    };
    let creation = once("a project", "{}");
    let create = async || store.create_project(of, "shop", throttle, &creation).await;
    let id = create().await.unwrap().project.id;
    let (api, secret) = (once("an api key", "{}"), once("a secret key", "{}"));
    let rotate_api = async || store.rotate_api_key(id, hour, &api).await;
    let rotate_secret = async || store.rotate_secret_key(id, hour, &secret).await;
    let made = rotate_secret().await.unwrap();
    assert_eq!(rotate_secret().await.unwrap().secret_key, made.secret_key);
    // The secret key that the creation showed is a former one by now.
    gone(create().await.map(drop));
    let made = rotate_api().await.unwrap();
    assert_eq!(rotate_api().await.unwrap().api_key, made.api_key);

    store.rotate_secret_key(id, hour, caller()).await.unwrap();
    store.rotate_api_key(id, hour, caller()).await.unwrap();
    gone(rotate_secret().await.map(drop));
    gone(rotate_api().await.map(drop));

    let by = once("a token", "{}");
    let made = token(&store, of, &by).await.unwrap();
    store.delete_token(&made.token.id, caller()).await.unwrap();
    gone(token(&store, of, &by).await.map(drop));
    store
        .delete_project(id, None, false, caller())
        .await
        .unwrap();
    gone(create().await.map(drop));
}
