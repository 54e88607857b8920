use millstream_store::{
    CatalogFilter, Comment, Decision, DefinitionRecord, Error, Listed, Listing, Store, VersionState,
};
use model::definition::{About, Category, Definition, Payload};
use model::{DefinitionId, OrganisationId};

use super::{caller, once, organisation};
use crate::backend::Backend;

/// A definition of this name that sends events somewhere.
fn content(name: &str) -> Definition {
    Definition {
        id: DefinitionId::from_bytes([0; 16]),
        version: 7,
        display_name: name.into(),
        about: About {
            category: Category::Messaging,
            summary: format!("{name} sends 100% of it"),
            ..About::default()
        },
        events: Some(Payload {
            url: "https://example.com/".into(),
            ..Definition::webhook().events.unwrap()
        }),
        users: None,
        ..Definition::webhook()
    }
}

async fn draft(store: &Store, organisation: OrganisationId, name: &str) -> DefinitionRecord {
    let made = store.create_definition(organisation, content(name), caller());
    made.await.unwrap()
}

/// Releases what the draft is now.
async fn release(store: &Store, organisation: OrganisationId, id: DefinitionId) -> u32 {
    let record = store.definition_record(organisation, id).await.unwrap();
    let made = store.release_definition(organisation, id, record.revision, caller());
    made.await.unwrap().definition.version
}

async fn approve(store: &Store, organisation: OrganisationId, id: DefinitionId, version: u32) {
    let submitted = store.submit_definition(organisation, id, version, caller());
    submitted.await.unwrap();
    let approved = store.decide_definition(id, version, Decision::Approve, "", &[], caller());
    assert_eq!(approved.await.unwrap().state, VersionState::Approved);
}

/// The catalog of an organisation: names and versions.
async fn catalog(store: &Store, of: OrganisationId, filter: &CatalogFilter) -> Vec<(String, u32)> {
    let (tiles, _) = store.catalog(of, filter, None, 100).await.unwrap();
    let shown = tiles.into_iter().map(|tile| {
        let definition = &tile.definition;
        (definition.outline.display_name.clone(), definition.version)
    });
    shown.collect()
}

fn shown(all: &[(&str, u32)]) -> Vec<(String, u32)> {
    let webhook = [("Webhook", 1)];
    let all = webhook.iter().chain(all);
    all.map(|(name, version)| ((*name).to_owned(), *version))
        .collect()
}

pub(crate) async fn a_draft_is_changed_at_its_revision_only(backend: Backend) {
    let store = backend.open().await;
    let own = organisation(&store).await;
    let made = draft(&store, own, "Tool").await;
    assert_eq!((made.draft.version, made.newest, made.revision), (1, 0, 1));
    let id = made.draft.id;
    assert_eq!(store.definition_record(own, id).await.unwrap(), made);

    let mut better = content("Better tool");
    better.typed_properties = true;
    let changed = store.change_definition(own, id, Some(1), better.clone(), caller());
    let changed = changed.await.unwrap();
    assert_eq!((changed.draft.id, changed.draft.version), (id, 1));
    assert!(changed.draft.typed_properties);
    assert_eq!(changed.revision, 2);
    assert_eq!(store.definition_record(own, id).await.unwrap(), changed);
    let late = store
        .change_definition(own, id, Some(1), better, caller())
        .await;
    assert!(
        matches!(late, Err(Error::Conflict { current: 2 })),
        "{late:?}"
    );

    store
        .delete_definition(own, id, None, caller())
        .await
        .unwrap();
    let gone = store.definition_record(own, id).await;
    assert!(matches!(gone, Err(Error::NoDefinition(_))), "{gone:?}");
    // Its name is free again.
    draft(&store, own, "better tool").await;
}

pub(crate) async fn a_definition_is_made_once_for_a_key(backend: Backend) {
    let store = backend.open().await;
    let own = organisation(&store).await;
    let by = once("key", "a body");
    let first = store.create_definition(own, content("Tool"), &by).await;
    let again = store.create_definition(own, content("Tool"), &by).await;
    assert_eq!(first.unwrap(), again.unwrap());
    let all = store.definitions(own, None, 10).await.unwrap();
    assert_eq!(all.items.len(), 1);
}

pub(crate) async fn names_are_taken_once_in_the_installation(backend: Backend) {
    let store = backend.open().await;
    let (own, other) = (organisation(&store).await, organisation(&store).await);
    let tool = draft(&store, own, "Mail  Tool").await;
    let taken = async |organisation, name| {
        let made = store.create_definition(organisation, content(name), caller());
        match made.await {
            Err(Error::NameTaken { .. }) => true,
            Ok(made) => {
                let id = made.draft.id;
                let deleted = store.delete_definition(organisation, id, None, caller());
                deleted.await.unwrap();
                false
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert!(taken(other, "mail tool").await);
    assert!(taken(own, " MAIL TOOL ").await);
    assert!(taken(own, "webhook").await);
    assert!(!taken(other, "Mail Tools").await);

    // Renamed before anything was released, the former name is free; afterwards both are held.
    let rename = async |name| {
        let renamed = store.change_definition(own, tool.draft.id, None, content(name), caller());
        renamed.await.map(drop)
    };
    rename("Post tool").await.unwrap();
    assert!(!taken(other, "mail tool").await);
    release(&store, own, tool.draft.id).await;
    rename("Letter tool").await.unwrap();
    assert!(taken(other, "Post tool").await);
    assert!(taken(other, "Letter tool").await);
    rename("Post tool").await.unwrap();
    assert!(!taken(other, "Letter tool").await);
    draft(&store, other, "Theirs").await;
    let refused = rename("theirs").await;
    assert!(
        matches!(refused, Err(Error::NameTaken { .. })),
        "{refused:?}"
    );
}

pub(crate) async fn names_that_read_alike_are_one(backend: Backend) {
    let store = backend.open().await;
    let own = organisation(&store).await;
    for (name, alike) in [
        (
            "Rac\u{e9}",
            vec!["Race\u{301}", "RACE\u{301}", "rac\u{e9} "],
        ),
        (
            "Stra\u{df}e",
            vec!["STRASSE", "strasse", "STRA\u{1e9e}E", "\u{17f}tra\u{df}e"],
        ),
        (
            "\u{39f}\u{3b4}\u{3cc}\u{3c2}",
            vec!["\u{39f}\u{394}\u{38c}\u{3a3}"],
        ),
        (
            "o\u{fb03}ce  2",
            vec!["Office \u{b2}", "office\u{a0}\u{ff12}", "of\u{200b}fice 2"],
        ),
    ] {
        let id = draft(&store, own, name).await.draft.id;
        for alike in alike {
            let refused = store.create_definition(own, content(alike), caller()).await;
            assert!(
                matches!(refused, Err(Error::NameTaken { .. })),
                "{name} {alike}: {refused:?}"
            );
            // Its own it may write otherwise, and back.
            for spelt in [alike, name] {
                let spelt = store.change_definition(own, id, None, content(spelt), caller());
                spelt.await.unwrap();
            }
        }
    }
    let webhook = "\u{ff37}\u{ff45}\u{ff42}hook";
    let refused = store
        .create_definition(own, content(webhook), caller())
        .await;
    assert!(
        matches!(refused, Err(Error::NameTaken { .. })),
        "{refused:?}"
    );
    // Accents are letters of their own.
    draft(&store, own, "Race").await;
}

pub(crate) async fn names_from_before_that_read_alike_stay(backend: Backend) {
    let store = backend.open().await;
    let (own, other) = (organisation(&store).await, organisation(&store).await);
    let first = draft(&store, own, "Stra\u{df}e").await.draft.id;
    let second = draft(&store, other, "Other").await.draft.id;
    release(&store, other, second).await;
    store.close().await;
    // As they were kept until then: in lower case.
    for change in [
        "DROP INDEX definition_names_alike",
        "ALTER TABLE definition_names DROP COLUMN alike",
        "DELETE FROM _sqlx_migrations WHERE version = 20",
        "UPDATE definition_names SET name = 'stra\u{df}e' WHERE name = 'strasse'",
        "UPDATE definition_names SET name = 'strasse' WHERE name = 'other'",
        "UPDATE definition_versions SET name = 'strasse' WHERE name = 'other'",
    ] {
        backend.execute(change).await;
    }
    for _ in 0..2 {
        let store = backend.open().await;
        // Both may go on with the name that they have.
        for (organisation, id, name) in [(own, first, "Stra\u{df}e"), (other, second, "STRASSE")] {
            let kept = store.change_definition(organisation, id, None, content(name), caller());
            kept.await.unwrap();
        }
        for name in ["Stra\u{df}e", "strasse"] {
            let refused = store.create_definition(own, content(name), caller()).await;
            assert!(matches!(refused, Err(Error::NameTaken { .. })), "{name}");
        }
        store.close().await;
    }
    // It is free when nobody has it any more: a version keeps it.
    let store = backend.open().await;
    let deleted = store.delete_definition(own, first, None, caller());
    deleted.await.unwrap();
    let renamed = store.change_definition(other, second, None, content("Another"), caller());
    renamed.await.unwrap();
    let refused = store
        .create_definition(own, content("Stra\u{df}e"), caller())
        .await;
    assert!(
        matches!(refused, Err(Error::NameTaken { .. })),
        "{refused:?}"
    );
    store.close().await;
}

pub(crate) async fn a_version_never_changes_and_goes_its_way(backend: Backend) {
    let store = backend.open().await;
    let (own, other) = (organisation(&store).await, organisation(&store).await);
    let id = draft(&store, own, "Tool").await.draft.id;
    assert_eq!(store.definition(id, 1).await.unwrap(), None);
    assert_eq!(release(&store, own, id).await, 1);
    let record = store.definition_record(own, id).await.unwrap();
    assert_eq!((record.newest, record.draft.version), (1, 2));

    let first = store.definition(id, 1).await.unwrap().unwrap();
    let changed = store.change_definition(own, id, None, content("Tool 2"), caller());
    changed.await.unwrap();
    assert_eq!(store.definition(id, 1).await.unwrap().unwrap(), first);
    assert_eq!(first.display_name, "Tool");

    let stale = store.delete_definition(own, id, Some(1), caller()).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    let refused = store.delete_definition(own, id, None, caller()).await;
    assert!(
        matches!(refused, Err(Error::DefinitionReleased)),
        "{refused:?}"
    );
    let state = async |of: u32| {
        let read = store.definition_version(own, id, of).await.unwrap();
        read.state
    };
    let wrong = |result: Result<_, Error>, expected| {
        let _: millstream_store::VersionRecord = match result {
            Err(Error::VersionState { state }) => {
                assert_eq!(state, expected);
                return;
            }
            other => panic!("{other:?}"),
        };
    };
    assert_eq!(state(1).await, VersionState::Internal);
    let unseen = store.reviewed_version(id, 1).await;
    assert!(matches!(unseen, Err(Error::NoDefinition(_))), "{unseen:?}");
    let unasked = store.decide_definition(id, 1, Decision::Approve, "", &[], caller());
    let unasked = unasked.await;
    assert!(
        matches!(unasked, Err(Error::NoDefinition(_))),
        "{unasked:?}"
    );
    let withdrawn = store.withdraw_definition(own, id, 1, caller()).await;
    wrong(withdrawn, VersionState::Internal);

    let theirs = store.submit_definition(other, id, 1, caller()).await;
    assert!(matches!(theirs, Err(Error::NoDefinition(_))), "{theirs:?}");
    store.submit_definition(own, id, 1, caller()).await.unwrap();
    wrong(
        store.submit_definition(own, id, 1, caller()).await,
        VersionState::Submitted,
    );
    assert_eq!(store.reviews(None, 10).await.unwrap().items.len(), 1);
    store
        .withdraw_definition(own, id, 1, caller())
        .await
        .unwrap();
    assert_eq!(store.reviews(None, 10).await.unwrap().items, []);
    store.submit_definition(own, id, 1, caller()).await.unwrap();
    let comments = [Comment {
        pointer: "/events/url".into(),
        comment: "use the EU address".into(),
    }];
    let returned = store.decide_definition(id, 1, Decision::Return, "nearly", &comments, caller());
    let returned = returned.await.unwrap();
    assert_eq!(returned.state, VersionState::Returned);
    assert_eq!(
        (&*returned.note, &returned.comments[..]),
        ("nearly", &comments[..])
    );
    let (by, at) = returned.decided.clone().unwrap();
    assert_eq!(by, caller().actor.who());
    assert!(at >= returned.submitted.clone().unwrap().1);
    let read = store.definition_version(own, id, 1).await.unwrap();
    assert_eq!(read, returned);
    wrong(
        store.submit_definition(own, id, 1, caller()).await,
        VersionState::Returned,
    );

    assert_eq!(release(&store, own, id).await, 2);
    approve(&store, own, id, 2).await;
    let record = store.definition_record(own, id).await.unwrap();
    assert_eq!((record.newest, record.approved), (2, 2));
    let versions = store.definition_versions(own, id, None, 1).await.unwrap();
    assert_eq!(versions[0].definition.version, 2);
    let older = store
        .definition_versions(own, id, Some(2), 10)
        .await
        .unwrap();
    // Lists show the outline of what was released, and all that was said of it.
    assert_eq!(older.len(), 1);
    assert_eq!(older[0].definition, Listed::from(&*returned.definition));
    assert!(
        older[0]
            .definition
            .outline
            .about
            .summary
            .contains("sends 100%")
    );
    assert_eq!(
        (older[0].state, &older[0].comments),
        (returned.state, &returned.comments)
    );
    assert!(!returned.comments.is_empty());
    let listed = store.definitions(own, None, 10).await.unwrap().items;
    assert_eq!(listed[0].draft, Listed::from(&record.draft));
    let approved = store.approved_version(id).await.unwrap().unwrap();
    assert_eq!(approved.display_name, "Tool 2");
}

pub(crate) async fn the_catalog_shows_each_organisation_what_it_may_connect(backend: Backend) {
    let store = backend.open().await;
    let (own, other) = (organisation(&store).await, organisation(&store).await);
    let all = CatalogFilter::default();
    let id = draft(&store, own, "Beta").await.draft.id;
    assert_eq!(catalog(&store, own, &all).await, shown(&[]));
    release(&store, own, id).await;
    assert_eq!(catalog(&store, own, &all).await, shown(&[("Beta", 1)]));
    assert_eq!(catalog(&store, other, &all).await, shown(&[]));
    let usable = async |organisation, version| {
        let found = store.usable_definition(organisation, id, version).await;
        match found {
            Ok(_) => true,
            Err(Error::NoVersion { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(usable(own, 1).await && !usable(other, 1).await && !usable(own, 2).await);
    assert!(store.tile(other, id).await.is_err());

    approve(&store, own, id, 1).await;
    release(&store, own, id).await;
    assert_eq!(catalog(&store, own, &all).await, shown(&[("Beta", 2)]));
    assert_eq!(catalog(&store, other, &all).await, shown(&[("Beta", 1)]));
    assert!(usable(other, 1).await && !usable(other, 2).await && usable(own, 2).await);
    assert!(store.tile(other, id).await.unwrap().approved);
    assert!(!store.tile(own, id).await.unwrap().approved);

    let alpha = draft(&store, other, "alpha").await.draft.id;
    release(&store, other, alpha).await;
    let both = shown(&[("alpha", 1), ("Beta", 1)]);
    assert_eq!(catalog(&store, other, &all).await, both);

    let filter = |text: &str, category| CatalogFilter {
        text: Some(text.into()),
        category,
    };
    let found = async |filter| catalog(&store, other, &filter).await.len();
    assert_eq!(found(filter("BETA sends", None)).await, 1);
    assert_eq!(found(filter("100%", None)).await, 2);
    assert_eq!(found(filter("100_", None)).await, 0);
    assert_eq!(found(filter("http", None)).await, 1);
    assert_eq!(found(filter("", Some(Category::Messaging))).await, 2);
    assert_eq!(found(filter("", Some(Category::Sales))).await, 0);

    for (listing, tiles) in [(Listing::Deprecated, 3), (Listing::Archived, 2)] {
        let listed = store.list_definition(own, id, None, listing, caller());
        assert_eq!(listed.await.unwrap().listing, listing);
        assert_eq!(catalog(&store, other, &all).await.len(), tiles);
        assert_eq!(store.tile(other, id).await.unwrap().listing, listing);
    }
    // A sync that connects it goes on.
    assert!(usable(other, 1).await);
}

pub(crate) async fn pages_hold_every_tile_once(backend: Backend) {
    let store = backend.open().await;
    let own = organisation(&store).await;
    let mut expected = vec!["Webhook".to_owned()];
    for name in ["a", "b 1", "c", "d", "ä", "é_"] {
        let id = draft(&store, own, name).await.draft.id;
        release(&store, own, id).await;
        expected.push(name.into());
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let all = CatalogFilter::default();
        let (tiles, next) = store.catalog(own, &all, after.as_ref(), 2).await.unwrap();
        found.extend(
            tiles
                .into_iter()
                .map(|tile| tile.definition.outline.display_name),
        );
        let Some(next) = next else { break };
        after = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

pub(crate) async fn what_everyone_may_connect_outlives_its_organisation(backend: Backend) {
    let store = backend.open().await;
    let (own, other) = (organisation(&store).await, organisation(&store).await);
    let public = draft(&store, own, "Public").await.draft.id;
    release(&store, own, public).await;
    approve(&store, own, public, 1).await;
    draft(&store, own, "Private").await;
    store
        .delete_organisation(own, None, caller())
        .await
        .unwrap();
    let all = CatalogFilter::default();
    assert_eq!(catalog(&store, other, &all).await, shown(&[("Public", 1)]));
    draft(&store, other, "Private").await;
    let orphan = store.definition_record(other, public).await;
    assert!(matches!(orphan, Err(Error::NoDefinition(_))), "{orphan:?}");
}
