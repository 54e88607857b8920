//! Changing the key that seals secrets, while everything goes on.

use std::fs;
use std::sync::Arc;

use millstream_store::mail::{Bodies, Draft, Kind};
use millstream_store::secret::KeyUse;
use millstream_store::{AuditFilter, Error, Secret, SecretFields, Store};
use model::{MailId, PersonId, ProjectId, SyncId};
use tokio::task::JoinSet;

use super::{
    SECRET_HEADER, administrator, at_once, caller, draft, once, organisation, project, sync,
};
use crate::backend::Backend;

/// The second factor of the fixture, in base 32.
const FACTOR: &str = "JBSWY3DPEHPK3PXP";
/// What the fixture's letter says.
const WORDS: &str = "a letter that waits";

/// Something in each place where values are sealed.
struct Fixture {
    project: ProjectId,
    sync: SyncId,
    /// One that was changed since, and is open now.
    former: SyncId,
    person: PersonId,
    mail: MailId,
    /// What a creation made that may be asked for again.
    made: String,
}

/// The places that [`Fixture`] has a value in, one each.
const PLACES: u64 = 5;

async fn remembered(store: &Store) -> String {
    let made = store.create_organisation("once", &once("key", "{}")).await;
    made.unwrap().id.to_string()
}

async fn letter(store: &Store, number: usize) -> MailId {
    let words = Bodies {
        text: WORDS.into(),
        html: WORDS.into(),
        unsubscribe: None,
    };
    let letter = Draft {
        kind: Kind::Invitation,
        recipient: format!("someone-{number}@example.com"),
        subject: "a link".into(),
        bodies: words,
        expires_at: None,
    };
    store.enqueue_mail(letter).await.unwrap()
}

impl Fixture {
    async fn make(store: &Store) -> Self {
        let project = project(store).await.id;
        let sync = sync(store, project, "hook").await.sync.id;
        let former = super::sync(store, project, "former").await.sync.id;
        let mut open = draft("former");
        open.settings.headers.clear();
        open.settings.parameters.clear();
        open.secret = SecretFields::default();
        let changed = store.change_sync(project, former, 1, open, caller());
        changed.await.unwrap();
        let person = administrator(store).await.id;
        let factor = Secret::new(FACTOR.into());
        let set = store.set_second_factor(person, &factor, 1, &[], caller());
        set.await.unwrap();
        Self {
            project,
            sync,
            former,
            person,
            mail: letter(store, 0).await,
            made: remembered(store).await,
        }
    }

    /// Asserts that a store opens everything.
    async fn opens(&self, store: &Store) {
        let read = store.sync(self.project, self.sync).await.unwrap();
        assert_eq!(read.sync.settings.headers[1].value, SECRET_HEADER);
        let former = store.sync_version(self.project, self.former, 1).await;
        let former = former.unwrap();
        assert_eq!(former.sync.settings.headers[1].value, SECRET_HEADER);
        let person = store.person(self.person).await.unwrap();
        let credentials = store.credentials_of(person).await.unwrap();
        let factor = credentials.second_factor.expect("a second factor");
        assert_eq!(factor.secret.expose(), FACTOR);
        let (_, words) = store.mail(self.mail).await.unwrap();
        assert_eq!(words.expect("it waits").text, WORDS);
        assert_eq!(remembered(store).await, self.made);
    }
}

/// How many values each key sealed; the first one seals.
async fn uses(store: &Store) -> Vec<u64> {
    let uses = store.key_uses().await.unwrap();
    let seals: Vec<_> = uses.iter().map(|key| key.seals).collect();
    assert!(seals[0] && !seals[1..].contains(&true), "{uses:?}");
    uses.iter().map(|key| key.values).collect()
}

pub(crate) async fn all_that_is_sealed_is_sealed_again_and_the_former_key_can_go(backend: Backend) {
    let store = backend.open().await;
    let fixture = Fixture::make(&store).await;
    assert_eq!(uses(&store).await, [PLACES]);
    let former = fs::read_to_string(&backend.config.key_file).unwrap();

    let id = store.add_key(caller()).await.unwrap();
    assert_eq!(uses(&store).await, [0, PLACES]);
    fixture.opens(&store).await;
    let seen = std::sync::Mutex::new(Vec::new());
    let resealed = store.reseal(|count| seen.lock().unwrap().push(count)).await;
    assert_eq!(resealed.unwrap(), PLACES);
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&PLACES), "{seen:?}");
    assert_eq!(uses(&store).await, [PLACES, 0]);
    assert_eq!(store.reseal(|_| ()).await.unwrap(), 0);

    let removed = store.remove_unused_keys(caller()).await.unwrap();
    assert!(former.starts_with(&removed.join(" ")), "{removed:?}");
    let left = fs::read_to_string(&backend.config.key_file).unwrap();
    assert!(left.starts_with(&id) && left.lines().count() == 1);
    fixture.opens(&store).await;
    fixture.opens(&backend.open().await).await;
}

pub(crate) async fn only_keys_that_seal_nothing_are_removed(backend: Backend) {
    let store = backend.open().await;
    let fixture = Fixture::make(&store).await;
    let none = Vec::<String>::new();
    assert_eq!(store.remove_unused_keys(caller()).await.unwrap(), none);
    store.add_key(caller()).await.unwrap();
    assert_eq!(store.remove_unused_keys(caller()).await.unwrap(), none);
    // One between that never sealed anything.
    let unused = store.add_key(caller()).await.unwrap();
    store.add_key(caller()).await.unwrap();
    let removed = store.remove_unused_keys(caller()).await.unwrap();
    assert!(
        removed.len() == 2 && removed.contains(&unused),
        "{removed:?}"
    );
    assert_eq!(uses(&store).await, [0, PLACES]);
    fixture.opens(&backend.open().await).await;
}

pub(crate) async fn what_is_written_during_the_change_of_keys_is_sealed_with_the_new_one(
    backend: Backend,
) {
    const WRITERS: usize = 6;
    const TIMES: usize = 30;
    let store = backend.open().await;
    let fixture = Fixture::make(&store).await;
    let project = fixture.project;
    let mut written = Vec::new();
    for number in 0..WRITERS {
        let made = sync(&store, project, &format!("hook {number}")).await;
        written.push(made.sync.id);
    }
    let written = Arc::new(written);
    let writers = at_once(WRITERS + 1, |number| {
        let (store, written) = (store.clone(), Arc::clone(&written));
        async move {
            let Some(&id) = written.get(number) else {
                store.add_key(caller()).await.unwrap();
                store.reseal(|_| ()).await.unwrap();
                return;
            };
            for version in 1..=TIMES {
                let draft = draft(&format!("hook {number} {version}"));
                let version = version as u64;
                let changed = store.change_sync(project, id, version, draft, caller());
                changed.await.unwrap();
            }
        }
    });
    writers.await;
    // Each version has its own.
    let total = PLACES + (WRITERS * (TIMES + 1)) as u64;
    assert_eq!(uses(&store).await, [total, 0]);
    store.remove_unused_keys(caller()).await.unwrap();
    let store = backend.open().await;
    fixture.opens(&store).await;
    for &id in written.iter() {
        let read = store.sync(project, id).await.unwrap();
        assert_eq!(read.sync.settings.headers[1].value, SECRET_HEADER);
        assert!(read.sync.name.ends_with(&format!(" {TIMES}")));
    }
}

pub(crate) async fn what_a_crash_broke_off_goes_on_after_the_next_start(backend: Backend) {
    /// More than are sealed again at once.
    const LETTERS: usize = 120;
    let store = backend.open().await;
    let fixture = Fixture::make(&store).await;
    for number in 1..=LETTERS {
        letter(&store, number).await;
    }
    let total = PLACES + LETTERS as u64;
    store.add_key(caller()).await.unwrap();
    // It ends as soon as it has told of a first part of them.
    let (mut task, dying) = (JoinSet::new(), store.clone());
    task.spawn(async move {
        let die = |seen| assert!(seen < 100, "the process dies here");
        dying.reseal(die).await
    });
    let died = task.join_next().await.unwrap();
    assert!(died.is_err_and(|error| error.is_panic()));
    let left = uses(&store).await;
    assert!(left[0] >= 100 && left[1] > 0, "{left:?}");
    store.close().await;

    let store = backend.open().await;
    fixture.opens(&store).await;
    assert_eq!(store.reseal(|_| ()).await.unwrap(), left[1]);
    assert_eq!(uses(&store).await, [total, 0]);
    fixture.opens(&store).await;
}

pub(crate) async fn a_key_in_the_file_of_which_the_database_was_not_told_yet_is_one(
    backend: Backend,
) {
    let store = backend.open().await;
    let fixture = Fixture::make(&store).await;
    store.close().await;
    // Dying after the file was written and before the change was committed leaves this.
    let former = fs::read_to_string(&backend.config.key_file).unwrap();
    let new = format!("new:{}\n{former}", "5a".repeat(32));
    fs::write(&backend.config.key_file, new).unwrap();
    let store = backend.open().await;
    fixture.opens(&store).await;
    assert_eq!(uses(&store).await, [0, PLACES]);
    store.reseal(|_| ()).await.unwrap();
    assert_eq!(uses(&store).await, [PLACES, 0]);
}

pub(crate) async fn another_node_that_knows_the_former_keys_only_reads_what_the_new_one_sealed(
    backend: Backend,
) {
    let (here, there) = (backend.open().await, backend.open().await);
    let fixture = Fixture::make(&here).await;
    fixture.opens(&there).await;
    here.add_key(caller()).await.unwrap();
    here.reseal(|_| ()).await.unwrap();
    // It still seals with the key that it knows: that one isn't taken out then.
    let late = letter(&there, 1).await;
    assert_eq!(here.mail(late).await.unwrap().1.unwrap().text, WORDS);
    assert_eq!(
        here.remove_unused_keys(caller()).await.unwrap(),
        Vec::<String>::new()
    );
    // What it can't open makes it look into the file, and it seals with the new key from then on.
    fixture.opens(&there).await;
    letter(&there, 2).await;
    assert_eq!(uses(&here).await, [PLACES + 1, 1]);
}

pub(crate) async fn a_value_that_cannot_be_opened_does_not_hold_up_the_others(backend: Backend) {
    let store = backend.open().await;
    let fixture = Fixture::make(&store).await;
    let (broken, whole) = (letter(&store, 1).await, letter(&store, 2).await);
    let id = store.add_key(caller()).await.unwrap();
    let sql = format!("UPDATE mails SET bodies = bodies || '00' WHERE id = '{broken}'");
    backend.run(sql).await;
    let resealed = store.reseal(|_| ()).await;
    let refused = resealed.unwrap_err();
    assert!(
        matches!(&refused, Error::Unsealable { id } if *id == broken.to_string()),
        "{refused:?}"
    );
    assert_eq!(uses(&store).await, [PLACES + 1, 1]);
    assert_eq!(store.mail(whole).await.unwrap().1.unwrap().text, WORDS);
    fixture.opens(&store).await;
    // Its key stays for whoever mends it.
    store.remove_unused_keys(caller()).await.unwrap();
    let kept = store.key_uses().await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(
        kept[0],
        KeyUse {
            id,
            seals: true,
            values: PLACES + 1
        }
    );
}

pub(crate) async fn keys_that_the_configuration_gives_are_changed_there(mut backend: Backend) {
    let (one, two) = (
        format!("one:{}", "11".repeat(32)),
        format!("two:{}", "22".repeat(32)),
    );
    backend.config.key = Some(Secret::new(one.clone()));
    let store = backend.open().await;
    let fixture = Fixture::make(&store).await;
    for refused in [
        store.add_key(caller()).await.map(drop),
        store.remove_unused_keys(caller()).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::KeysGiven)), "{refused:?}");
    }
    store.close().await;
    backend.config.key = Some(Secret::new(format!("{two},{one}")));
    let store = backend.open().await;
    assert_eq!(store.reseal(|_| ()).await.unwrap(), PLACES);
    store.close().await;
    backend.config.key = Some(Secret::new(two));
    fixture.opens(&backend.open().await).await;
    assert!(!backend.config.key_file.exists());
}

pub(crate) async fn the_log_tells_of_keys_by_their_ids_only(backend: Backend) {
    let store = backend.open().await;
    organisation(&store).await;
    let former = fs::read_to_string(&backend.config.key_file).unwrap();
    let added = store.add_key(caller()).await.unwrap();
    let removed = store.remove_unused_keys(caller()).await.unwrap();
    let filter = AuditFilter {
        action: Some("secrets".into()),
        ..AuditFilter::default()
    };
    let told = store.audit_log(None, &filter, None, 10).await.unwrap();
    let told: Vec<_> = told
        .items
        .iter()
        .map(|entry| (entry.action.as_str(), entry.target_id.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("secrets.remove_keys", removed[0].as_str()),
            ("secrets.add_key", added.as_str())
        ]
    );
    let present = fs::read_to_string(&backend.config.key_file).unwrap();
    for line in former.lines().chain(present.lines()) {
        let (_, key) = line.split_once(':').unwrap();
        assert!(!backend.files_hold(key));
    }
}
