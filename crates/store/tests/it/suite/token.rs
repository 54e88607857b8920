use std::sync::Mutex;
use std::time::Duration;

use millstream_store::mail::{Bodies, Draft, Kind};
use millstream_store::{Error, ExpiringToken, NewToken, Store, TokenDraft};
use model::access::{InstallationRights, Permission, Permissions, Role};
use model::{OrganisationId, PersonId, Timestamp};

use super::{DAY, START, at_once, caller, clock, member, organisation, secret_half};
use crate::backend::Backend;

fn draft(organisation: OrganisationId, name: &str) -> TokenDraft {
    TokenDraft {
        organisation,
        person: None,
        name: name.into(),
        scopes: None,
        parent: None,
        expires_at: None,
    }
}

async fn create(store: &Store, draft: TokenDraft) -> NewToken {
    store.create_token(draft, caller()).await.unwrap()
}

/// What a token may do; `None` when it is not taken.
async fn permissions(store: &Store, token: &NewToken) -> Option<Permissions> {
    let verified = store.verify_token(token.text.expose()).await.unwrap();
    verified.map(|verified| verified.permissions)
}

pub(crate) async fn a_token_is_recognised_until_it_is_revoked(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let made = create(&store, draft(organisation, "ci")).await;
    let other = create(&store, draft(organisation, "laptop")).await;
    let text = made.text.expose();
    let verified = store.verify_token(text).await.unwrap().unwrap();
    assert_eq!(verified.token, made.token);
    assert_eq!(verified.permissions, Permissions::all());
    let listed = store.tokens(organisation, None, None, 10).await.unwrap();
    let ids: Vec<_> = listed.items.iter().map(|token| &token.id).collect();
    assert_eq!(ids, [&made.token.id, &other.token.id]);

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

    let (id, by) = (&made.token.id, caller());
    store.delete_token(id, by).await.unwrap();
    assert_eq!(store.verify_token(text).await.unwrap(), None);
    assert!(permissions(&store, &other).await.is_some());
    let again = store.delete_token(id, by).await;
    assert!(matches!(again, Err(Error::NoToken(_))), "{again:?}");
    let read = store.token(id).await;
    assert!(matches!(read, Err(Error::NoToken(_))), "{read:?}");
}

pub(crate) async fn neither_text_nor_debug_nor_files_show_a_token(backend: Backend) {
    let store = backend.open().await;
    let organisation = organisation(&store).await;
    let made = create(&store, draft(organisation, "findable-token-name")).await;
    let secret_half = secret_half(&made.text);
    assert!(!format!("{made:?}").contains(&secret_half));
    store.close().await;
    assert!(backend.files_hold("findable-token-name"));
    assert!(!backend.files_hold(&secret_half));
}

pub(crate) async fn a_token_may_do_what_its_person_and_its_scopes_allow(backend: Backend) {
    use Permission::{AuditRead, InstallationWrite, ProjectsRead, ReviewsWrite, SyncsWrite};
    let store = backend.open().await;
    let (organisation, by) = (organisation(&store).await, caller());
    member(&store, organisation, "owner", Role::Owner).await;
    let ann = member(&store, organisation, "ann", Role::Member).await.id;
    let of_ann = |scopes: Option<&[Permission]>| TokenDraft {
        person: Some(ann),
        scopes: scopes.map(<[_]>::to_vec),
        ..draft(organisation, "ann's")
    };
    let all = create(&store, of_ann(None)).await;
    let scopes = [ProjectsRead, SyncsWrite, AuditRead, InstallationWrite];
    let some = create(&store, of_ann(Some(&scopes))).await;
    let none = create(&store, of_ann(Some(&[]))).await;
    let read = store.token(&some.token.id).await.unwrap();
    assert_eq!(read.scopes.as_deref(), Some(&scopes[..]));

    let set = |permissions: &[Permission]| permissions.iter().copied().collect::<Permissions>();
    assert_eq!(
        permissions(&store, &all).await,
        Some(Role::Member.permissions())
    );
    assert_eq!(
        permissions(&store, &some).await,
        Some(set(&[ProjectsRead, SyncsWrite]))
    );
    assert_eq!(permissions(&store, &none).await, Some(set(&[])));

    // A change of the person's rights is one of the token's, at once.
    let changed = super::set_role(&store, organisation, ann, Role::Viewer, by).await;
    changed.unwrap();
    assert_eq!(permissions(&store, &some).await, Some(set(&[ProjectsRead])));
    let changed = super::set_role(&store, organisation, ann, Role::Admin, by).await;
    changed.unwrap();
    let rights = InstallationRights {
        operator: true,
        reviewer: true,
    };
    store.set_rights(ann, rights, by).await.unwrap();
    assert_eq!(permissions(&store, &some).await, Some(set(&scopes)));
    let expected = Role::Admin.permissions();
    let expected = expected.or(set(&[InstallationWrite, ReviewsWrite]));
    assert_eq!(permissions(&store, &all).await, Some(expected));
    // The scopes bound a token of the installation's own too.
    let bounded = TokenDraft {
        scopes: Some(vec![SyncsWrite]),
        ..draft(organisation, "ci")
    };
    let bounded = create(&store, bounded).await;
    assert_eq!(
        permissions(&store, &bounded).await,
        Some(set(&[SyncsWrite]))
    );
}

pub(crate) async fn a_token_is_a_members_or_the_installations(backend: Backend) {
    let store = backend.open().await;
    let (own, other) = (organisation(&store).await, organisation(&store).await);
    let ann = member(&store, own, "ann", Role::Owner).await.id;
    let nobody = PersonId::generate(&model::random::Seeded::new(1));
    for (organisation, person) in [(other, ann), (own, nobody)] {
        let draft = TokenDraft {
            person: Some(person),
            ..draft(organisation, "stolen")
        };
        let refused = store.create_token(draft, caller()).await;
        assert!(
            matches!(refused, Err(Error::NoMember(id)) if id == person),
            "{refused:?}"
        );
    }
    let of_ann = TokenDraft {
        person: Some(ann),
        ..draft(own, "ann's")
    };
    let of_ann = create(&store, of_ann).await;
    let installations = create(&store, draft(own, "ci")).await;
    let tokens = store.installation_tokens().await.unwrap();
    assert_eq!(tokens, [installations.token]);
    let tokens = store.tokens(own, Some(ann), None, 10).await.unwrap();
    assert_eq!(tokens.items, [of_ann.token]);
}

pub(crate) async fn a_token_ends_with_its_time(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let organisation = organisation(&store).await;
    let hour = Duration::from_secs(3600);
    let short = TokenDraft {
        expires_at: Some(START + hour),
        ..draft(organisation, "short")
    };
    let short = create(&store, short).await;
    let endless = create(&store, draft(organisation, "endless")).await;
    clock.advance(hour - Duration::from_micros(1));
    assert!(permissions(&store, &short).await.is_some());
    clock.advance(Duration::from_micros(1));
    assert!(permissions(&store, &short).await.is_none());
    assert!(permissions(&store, &endless).await.is_some());
    // People still see which it was.
    let read = store.token(&short.token.id).await.unwrap();
    assert_eq!(read.expires_at, Some(START + hour));
}

pub(crate) async fn the_last_use_of_a_token_is_known_to_the_minute(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let organisation = organisation(&store).await;
    let made = create(&store, draft(organisation, "ci")).await;
    let used_at = async || -> Option<Timestamp> {
        let token = store.token(&made.token.id).await;
        token.unwrap().used_at
    };
    assert_eq!(used_at().await, None);
    let minute = Duration::from_secs(60);
    let first = START + minute;
    // Each second after the first use, and whether it is written down.
    for (wait, expected) in [(60, first), (59, first), (1, first + minute)] {
        clock.advance(Duration::from_secs(wait));
        assert!(permissions(&store, &made).await.is_some());
        assert_eq!(used_at().await, Some(expected), "{wait}");
    }
    // A text that is not taken is no use of it.
    clock.advance(minute);
    let wrong = format!("mst_{}_{:064}", made.token.id, 0);
    assert_eq!(store.verify_token(&wrong).await.unwrap(), None);
    assert_eq!(used_at().await, Some(first + minute));
}

pub(crate) async fn a_person_and_an_organisation_have_only_so_many_tokens(backend: Backend) {
    let store = backend.open().await;
    let (of, elsewhere) = (organisation(&store).await, organisation(&store).await);
    let ann = member(&store, of, "ann", Role::Viewer).await.id;
    let bob = member(&store, of, "bob", Role::Viewer).await.id;
    let make = async |organisation, person| {
        let draft = TokenDraft {
            organisation,
            person,
            name: "ci".into(),
            parent: None,
            scopes: None,
            expires_at: None,
        };
        store.create_token(draft, caller()).await
    };
    let refused = |made: Result<_, Error>, most| match made {
        Err(Error::TooManyTokens { limit, .. }) => assert_eq!(limit, most),
        other => panic!("{other:?}"),
    };
    let first = make(of, Some(ann)).await.unwrap().token;
    fill(&backend, of, Some(ann), 99).await;
    refused(make(of, Some(ann)).await, 100);
    make(of, Some(bob)).await.unwrap();
    store.delete_token(&first.id, caller()).await.unwrap();
    make(of, Some(ann)).await.unwrap();

    fill(&backend, of, None, 1000 - 101).await;
    refused(make(of, Some(bob)).await, 1000);
    refused(make(of, None).await, 1000);
    make(elsewhere, None).await.unwrap();
    // The server's own never fails to be made.
    let draft = TokenDraft {
        organisation: of,
        person: None,
        name: "admin".into(),
        parent: None,
        scopes: None,
        expires_at: None,
    };
    let by = millstream_store::Caller::system();
    store.create_token(draft, &by).await.unwrap();
}

/// Gives an organisation, or one of its people, more tokens.
async fn fill(
    backend: &Backend,
    organisation: OrganisationId,
    person: Option<PersonId>,
    count: u32,
) {
    let whose = person.map_or("NULL".into(), |person| format!("'{person}'"));
    let kind = u32::from(person.is_some());
    let sql = format!(
        "INSERT INTO api_tokens (id, organisation_id, person_id, name, secret_hash, created_at)
         WITH RECURSIVE numbers (n) AS
             (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
         SELECT 'token-{kind}-' || n, '{organisation}', {whose}, 'ci', 'hash', 0 FROM numbers"
    );
    backend.run(sql).await;
}

pub(crate) async fn pages_hold_every_token_once(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Owner).await.id;
    let (mut all, mut anns) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let own = TokenDraft {
            person: Some(ann),
            ..draft(organisation, "ann's")
        };
        anns.push(create(&store, own).await.token.id);
        all.push(create(&store, draft(organisation, "ci")).await.token.id);
    }
    all.extend_from_slice(&anns);
    for (person, mut expected) in [(None, all), (Some(ann), anns)] {
        expected.sort();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store.tokens(organisation, person, after.as_ref(), 2).await;
            let page = page.unwrap();
            seen.extend(page.items.into_iter().map(|token| token.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected);
    }
}

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn warning(expiring: &ExpiringToken) -> Draft {
    let words = || expiring.token.name.clone();
    Draft {
        kind: Kind::TokenExpiring,
        recipient: expiring.email.clone(),
        subject: words(),
        bodies: Bodies {
            text: words(),
            html: words(),
            unsubscribe: None,
        },
        expires_at: expiring.token.expires_at,
    }
}

pub(crate) async fn the_maker_of_a_token_is_warned_once_before_it_ends(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await;
    let make = async |name: &str, person, days: Option<u32>| {
        let draft = TokenDraft {
            person,
            expires_at: days.map(|days| START + days * DAY),
            ..draft(organisation, name)
        };
        create(&store, draft).await.token
    };
    let soon = make("soon", Some(ann.id), Some(10)).await;
    make("brief from the first", Some(ann.id), Some(6)).await;
    make("later", Some(ann.id), Some(30)).await;
    make("endless", Some(ann.id), None).await;
    make("the installation's", None, Some(10)).await;
    let told = Mutex::new(Vec::new());
    let warn = async || {
        let write = |expiring: &ExpiringToken| {
            told.lock().unwrap().push(expiring.clone());
            Ok(warning(expiring))
        };
        store.warn_of_expiring_tokens(WEEK, write).await.unwrap()
    };
    clock.advance(3 * DAY - Duration::from_micros(1));
    assert_eq!(warn().await, 0);
    clock.advance(Duration::from_micros(1));
    assert_eq!(warn().await, 1);
    assert_eq!(warn().await, 0);
    let expected = ExpiringToken {
        expires_at: START + 10 * DAY,
        token: soon,
        email: "ann@example.com".into(),
        organisation: "acme".into(),
    };
    assert_eq!(*told.lock().unwrap(), [expected]);
    let mails = store.mails(None, None, 10).await.unwrap().items;
    let warnings = mails.iter().filter(|mail| mail.kind == Kind::TokenExpiring);
    assert_eq!(warnings.count(), 1);
    // A token that has ended is no news to anyone.
    clock.advance(30 * DAY);
    assert_eq!(warn().await, 0);
}

pub(crate) async fn of_many_nodes_at_once_one_warns_of_a_token(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let organisation = organisation(&store).await;
    let ann = member(&store, organisation, "ann", Role::Viewer).await;
    let draft = TokenDraft {
        person: Some(ann.id),
        expires_at: Some(START + 10 * DAY),
        ..draft(organisation, "soon")
    };
    create(&store, draft).await;
    clock.advance(5 * DAY);
    let warned = at_once(4, |_| {
        let store = store.clone();
        async move {
            let write = |expiring: &ExpiringToken| Ok(warning(expiring));
            store.warn_of_expiring_tokens(WEEK, write).await.unwrap()
        }
    });
    assert_eq!(warned.await.iter().sum::<u64>(), 1);
}

pub(crate) async fn a_warning_that_cannot_be_written_is_tried_again_and_holds_nothing_up(
    backend: Backend,
) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let organisation = organisation(&store).await;
    for (name, days) in [("ann", 9), ("bob", 10)] {
        let person = Some(member(&store, organisation, name, Role::Viewer).await.id);
        let draft = TokenDraft {
            person,
            expires_at: Some(START + days * DAY),
            ..draft(organisation, name)
        };
        create(&store, draft).await;
    }
    clock.advance(5 * DAY);
    let unwritable = |expiring: &ExpiringToken| match expiring.token.name.as_str() {
        "ann" => Err("no template".into()),
        _ => Ok(warning(expiring)),
    };
    let warn = async || {
        let warned = store.warn_of_expiring_tokens(WEEK, unwritable).await;
        warned.unwrap()
    };
    assert_eq!((warn().await, warn().await), (1, 0));
    let write = |expiring: &ExpiringToken| Ok(warning(expiring));
    let later = store.warn_of_expiring_tokens(WEEK, write).await;
    assert_eq!(later.unwrap(), 1);
}

pub(crate) async fn a_token_goes_with_the_one_that_it_was_made_with(backend: Backend) {
    let store = backend.open().await;
    let of = organisation(&store).await;
    let child_of = async |parent: &NewToken, name: &str| {
        let draft = TokenDraft {
            parent: Some(parent.token.id.clone()),
            ..draft(of, name)
        };
        create(&store, draft).await
    };
    let parent = create(&store, draft(of, "parent")).await;
    let other = create(&store, draft(of, "other")).await;
    let child = child_of(&parent, "child").await;
    let grandchild = child_of(&child, "grandchild").await;
    let of_other = child_of(&other, "of other").await;
    assert_eq!(grandchild.token.parent.as_ref(), Some(&child.token.id));

    let revoked = store.delete_token(&parent.token.id, caller()).await;
    let revoked = revoked.unwrap();
    assert_eq!(revoked.token.id, parent.token.id);
    let mut ended: Vec<_> = revoked
        .made_with_it
        .iter()
        .map(|token| &*token.name)
        .collect();
    ended.sort_unstable();
    assert_eq!(ended, ["child", "grandchild"]);
    for gone in [&parent, &child, &grandchild] {
        assert_eq!(permissions(&store, gone).await, None);
    }
    for kept in [&other, &of_other] {
        assert!(permissions(&store, kept).await.is_some());
    }
    // Nothing is made any more with one that is gone.
    let late = TokenDraft {
        parent: Some(parent.token.id.clone()),
        ..draft(of, "late")
    };
    let late = store.create_token(late, caller()).await;
    assert!(matches!(late, Err(Error::NoToken(id)) if id == parent.token.id));
}

pub(crate) async fn tokens_that_end_with_something_else_are_told(backend: Backend) {
    let store = backend.open().await;
    let by = caller();
    let (of, other) = (organisation(&store).await, organisation(&store).await);
    let ann = member(&store, of, "ann", Role::Member).await.id;
    let bob = member(&store, of, "bob", Role::Member).await.id;
    let carl = member(&store, other, "carl", Role::Owner).await.id;
    for (organisation, person, name) in [
        (of, ann, "of ann"),
        (of, bob, "of bob"),
        (other, carl, "of carl"),
    ] {
        let draft = TokenDraft {
            organisation,
            person: Some(person),
            name: name.into(),
            scopes: None,
            parent: None,
            expires_at: None,
        };
        store.create_token(draft, by).await.unwrap();
    }
    let revoked = async |organisation| {
        let filter = millstream_store::AuditFilter {
            action: Some("token.revoke".into()),
            ..Default::default()
        };
        let page = store.audit_log(Some(organisation), &filter, None, 10);
        let mut told: Vec<_> = page.await.unwrap().items;
        told.sort_by(|one, other| one.target_name.cmp(&other.target_name));
        let told = told.into_iter();
        told.map(|entry| (entry.target_name, entry.after.unwrap()["with"].to_string()))
            .collect::<Vec<_>>()
    };
    let with = |id: String| format!("{id:?}");
    super::remove_member(&store, of, ann, by).await.unwrap();
    let of_ann = ("of ann".to_owned(), with(ann.to_string()));
    assert_eq!(revoked(of).await, std::slice::from_ref(&of_ann));
    store.delete_person(bob, by).await.unwrap();
    let of_bob = ("of bob".to_owned(), with(bob.to_string()));
    assert_eq!(revoked(of).await, [of_ann, of_bob]);
    store.delete_organisation(other, None, by).await.unwrap();
    let of_carl = ("of carl".to_owned(), with(other.to_string()));
    assert_eq!(revoked(other).await, [of_carl]);
}
