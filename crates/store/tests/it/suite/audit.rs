//! What the audit log tells.

use std::time::Duration;

use millstream_store::{
    AuditEntry, AuditFilter, Error, Invitee, ProjectChange, Secret, Store, SyncDraft, Throttle,
    TokenDraft,
};
use model::OrganisationId;
use model::access::{InstallationRights, Role};
use model::time::ManualClock;
use serde_json::json;

use super::{
    FAR, SECRET_HEADER, SECRET_PARAMETER, START, administrator, caller, clock, draft, member,
    newcomer, organisation, project, public_half, secret_half, session, sync,
};
use crate::backend::Backend;

/// The whole log of an organisation or the installation, oldest first.
async fn log(store: &Store, organisation: Option<OrganisationId>) -> Vec<AuditEntry> {
    let filter = AuditFilter::default();
    let page = store.audit_log(organisation, &filter, None, 1000);
    let mut entries = page.await.unwrap().items;
    entries.reverse();
    entries
}

pub(crate) fn actions(log: &[AuditEntry]) -> Vec<&str> {
    log.iter().map(|entry| entry.action.as_str()).collect()
}

pub(crate) async fn every_change_in_an_organisation_is_told_once(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let by = caller();
    let tick = || clock.advance(Duration::from_secs(1));
    let id = organisation(&store).await;
    tick();
    member_later(&store, &clock, id, "owner").await;
    tick();
    let renamed = store.rename_organisation(id, None, "emca", by).await;
    renamed.unwrap();
    tick();
    let link = super::invite(&store, id, "ann@example.com", Role::Viewer, FAR, by);
    let invited = link.await.unwrap().invitation;
    tick();
    let withdrawn = store.withdraw_invitation(id, &invited.id, by).await;
    withdrawn.unwrap();
    tick();
    let ann = member_later(&store, &clock, id, "ann").await;
    tick();
    super::set_role(&store, id, ann, Role::Admin, by)
        .await
        .unwrap();
    tick();
    super::remove_member(&store, id, ann, by).await.unwrap();
    tick();
    let token = TokenDraft {
        organisation: id,
        person: None,
        name: "ci".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    let token = store.create_token(token, by).await.unwrap();
    tick();
    store.delete_token(&token.token.id, by).await.unwrap();
    tick();
    let made = store.create_project(id, "shop", Throttle::default(), by);
    let project = made.await.unwrap().project.id;
    tick();
    let change = ProjectChange {
        name: Some("store".into()),
        throttle: None,
        ..ProjectChange::default()
    };
    let changed = store.change_project(project, None, change, by).await;
    changed.unwrap();
    tick();
    let rotated = store.rotate_api_key(project, Duration::ZERO, by).await;
    rotated.unwrap();
    tick();
    let rotated = store.rotate_secret_key(project, Duration::ZERO, by).await;
    rotated.unwrap();
    tick();
    let hook = sync(&store, project, "hook").await.sync.id;
    tick();
    let changed = store.change_sync(project, hook, 1, draft("changed"), by);
    changed.await.unwrap();
    tick();
    store.delete_sync(project, hook, None, by).await.unwrap();
    tick();
    store
        .delete_project(project, None, false, by)
        .await
        .unwrap();
    tick();

    let own = log(&store, Some(id)).await;
    assert_eq!(
        actions(&own),
        [
            "organisation.create",
            "invitation.create",
            "invitation.accept",
            "organisation.rename",
            "invitation.create",
            "invitation.withdraw",
            "invitation.create",
            "invitation.accept",
            "member.set_role",
            "member.remove",
            "token.create",
            "token.revoke",
            "project.create",
            "project.change",
            "project.rotate_api_key",
            "project.rotate_secret_key",
            "sync.create",
            "sync.change",
            "sync.delete",
            "project.delete",
        ]
    );
    assert_eq!(log(&store, None).await, []);

    // An organisation's end is told to the installation: its own log can't be reached any more.
    store.delete_organisation(id, None, by).await.unwrap();
    assert_eq!(log(&store, Some(id)).await, own);
    let installations = log(&store, None).await;
    assert_eq!(actions(&installations), ["organisation.delete"]);
    assert_eq!(installations[0].target_id, id.to_string());
    assert_eq!(installations[0].target_name, "emca");
    assert_eq!(installations[0].before, Some(json!({"name": "emca"})));
}

/// A new member, invited and accepted at moments that the log tells apart.
async fn member_later(
    store: &Store,
    clock: &ManualClock,
    organisation: OrganisationId,
    name: &str,
) -> model::PersonId {
    let email = format!("{name}@example.com");
    let invited = super::invite(store, organisation, &email, Role::Viewer, FAR, caller());
    let link = invited.await.unwrap().text;
    clock.advance(Duration::from_secs(1));
    let accepted = store.accept_invitation(link.expose(), newcomer(name), caller());
    accepted.await.unwrap().0.id
}

pub(crate) async fn every_change_of_a_person_is_told_to_the_installation(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let (root, by) = (administrator(&store).await, caller());
    let tick = || clock.advance(Duration::from_secs(1));
    tick();
    let cookie = session(&store, root.id).await;
    tick();
    let id = public_half(&cookie);
    store.end_session(root.id, &id, by).await.unwrap();
    tick();
    store.rename_person(root.id, "Ruth", by).await.unwrap();
    tick();
    let set = store.set_password(root.id, "$argon2id$1", by).await;
    set.unwrap();
    tick();
    let code = Secret::new("code-one".into());
    let secret = Secret::new("JBSWY3DPEHPK3PXP".into());
    let codes = std::slice::from_ref(&code);
    let set = store.set_second_factor(root.id, &secret, 1, codes, by);
    set.await.unwrap();
    tick();
    let used = store.use_recovery_code(root.id, &code, by).await;
    assert!(used.unwrap());
    tick();
    store.remove_second_factor(root.id, by).await.unwrap();
    tick();
    let rights = InstallationRights {
        operator: true,
        reviewer: false,
    };
    store.set_rights(root.id, rights, by).await.unwrap();
    tick();
    let link = super::password_reset(&store, root.id, FAR, by).await;
    let link = link.unwrap();
    tick();
    let reset = store.reset_password(link.expose(), "$argon2id$2", by);
    assert!(reset.await.unwrap().is_some());

    let told = log(&store, None).await;
    assert_eq!(
        actions(&told),
        [
            "person.set_rights",
            "session.create",
            "session.end",
            "person.rename",
            "person.set_password",
            "person.set_second_factor",
            "person.use_recovery_code",
            "person.remove_second_factor",
            "person.set_rights",
            "person.ask_password_reset",
            "person.reset_password",
        ]
    );
    assert!(
        told.iter()
            .all(|entry| entry.target_id == root.id.to_string())
    );
    assert_eq!(told[3].before, Some(json!({"name": "Root"})));
    assert_eq!(told[3].after, Some(json!({"name": "Ruth"})));
    assert_eq!(told[6].after, Some(json!({"recovery_codes_left": 0})));
    let rights = |reviewer| Some(json!({"operator": true, "reviewer": reviewer}));
    assert_eq!(
        (&told[8].before, &told[8].after),
        (&rights(true), &rights(false))
    );
}

pub(crate) async fn what_the_server_does_by_itself_is_told_too(backend: Backend) {
    let store = backend.open_at(&clock()).await;
    let link = store.invite_first_administrator("acme", FAR).await;
    let link = link.unwrap().unwrap().invitation;
    let of = Some(link.organisation);
    let mut told = actions(&log(&store, of).await).join(" ");
    assert!(told.contains("organisation.create"), "{told}");
    assert!(told.contains("invitation.create"), "{told}");
    let root = administrator(&store).await;
    let entries = log(&store, of).await;
    told = actions(&entries).join(" ");
    assert_eq!(entries.len(), 3, "{told}");
    assert!(told.contains("person.create"), "{told}");
    for entry in entries {
        assert_eq!(
            (&*entry.actor_kind, &*entry.actor_name, &*entry.address),
            ("system", "Millstream", "")
        );
        if entry.action == "person.create" {
            assert_eq!(entry.target_name, root.email);
        }
    }
}

pub(crate) async fn an_entry_tells_who_did_what_from_where(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let made = project(&store).await;
    clock.advance(Duration::from_secs(1));
    let change = ProjectChange {
        name: Some("store".into()),
        throttle: None,
        ..ProjectChange::default()
    };
    let by = caller().clone();
    let changed = store.change_project(made.id, None, change, &by).await;
    changed.unwrap();
    let entry = log(&store, Some(made.organisation)).await.pop().unwrap();
    let throttle = json!({"http": 30, "batch": 1000});
    let expected = AuditEntry {
        id: entry.id,
        at: START + Duration::from_secs(1),
        actor_kind: "token".into(),
        actor_id: by.actor.id,
        actor_name: by.actor.name,
        actor_person: None,
        address: by.address,
        request_id: by.request_id,
        action: "project.change".into(),
        target_id: made.id.to_string(),
        target_name: "store".into(),
        before: Some(json!({"name": "shop", "throttle": throttle})),
        after: Some(json!({"name": "store", "throttle": throttle})),
    };
    assert_eq!(entry, expected);
}

pub(crate) async fn a_syncs_entry_shows_what_differs_and_no_secret(backend: Backend) {
    let clock = clock();
    let store = backend.open_at(&clock).await;
    let made = project(&store).await;
    let (id, by) = (sync(&store, made.id, "hook").await.sync.id, caller());
    let change = async |version, draft: SyncDraft| {
        clock.advance(Duration::from_secs(1));
        let changed = store.change_sync(made.id, id, version, draft, by).await;
        changed.unwrap();
        let entry = log(&store, Some(made.organisation)).await.pop().unwrap();
        assert_eq!(entry.action, "sync.change");
        (entry.before.unwrap(), entry.after.unwrap())
    };
    let mut enabled = draft("hook");
    enabled.enabled = true;
    let (before, after) = change(1, enabled.clone()).await;
    assert_eq!(before, json!({"enabled": false}));
    assert_eq!(after, json!({"enabled": true}));

    // Only a secret: that it was changed, not from what to what.
    enabled.settings.headers[1].value = "Bearer hunter2-again".into();
    let (before, after) = change(2, enabled).await;
    assert_eq!(before, json!({}));
    assert_eq!(after, json!({"secrets": "changed"}));

    let entries = log(&store, Some(made.organisation)).await;
    let created = entries.iter().find(|entry| entry.action == "sync.create");
    let after = created.unwrap().after.as_ref().unwrap();
    assert_eq!(after["parameters"]["url"], "https://example.com/hook");
    assert_eq!(after["parameters"]["key"], "");
    assert_eq!(after["headers"][0]["value"], "north");
    assert_eq!(after["headers"][1]["value"], "");
}

pub(crate) async fn no_secret_is_in_the_log(backend: Backend) {
    let store = backend.open().await;
    let (root, by) = (administrator(&store).await.id, caller());
    let made = super::project_with_keys(&store).await;
    let project = made.project.id;
    let hook = sync(&store, project, "findable-sync").await.sync.id;
    let mut changed = draft("hook");
    changed.settings.headers[1].value = "Bearer hunter2-again".into();
    let change = store.change_sync(project, hook, 1, changed, by).await;
    change.unwrap();
    let second = store.rotate_secret_key(project, Duration::ZERO, by).await;
    let token = TokenDraft {
        organisation: made.project.organisation,
        person: None,
        name: "ci".into(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    let token = store.create_token(token, by).await.unwrap();
    let of = made.project.organisation;
    let invited = super::invite(&store, of, "ann@example.com", Role::Viewer, FAR, by);
    let link = invited.await.unwrap().text;
    let accepted = store.accept_invitation(link.expose(), newcomer("ann"), by);
    accepted.await.unwrap();
    let cookie = session(&store, root).await;
    let (secret, code) = (
        Secret::new("JBSWY3DPEHPK3PXP".into()),
        Secret::new("code-one".into()),
    );
    let codes = std::slice::from_ref(&code);
    let by_root = super::with_session(&store, &cookie).await;
    let set = store.set_second_factor(root, &secret, 1, codes, &by_root);
    set.await.unwrap();
    let renewed = super::renewed(&by_root).unwrap();
    let by_root = super::with_session(&store, &renewed).await;
    let reset = super::password_reset(&store, root, FAR, by).await.unwrap();
    let set = store.set_password(root, "$argon2id$in-the-row", &by_root);
    set.await.unwrap();
    let entries = format!(
        "{:?} {:?}",
        log(&store, None).await,
        log(&store, Some(of)).await
    );
    store.close().await;

    assert!(backend.files_hold("findable-sync"));
    let mut nowhere = vec![
        SECRET_HEADER.to_owned(),
        SECRET_PARAMETER.to_owned(),
        "hunter2-again".to_owned(),
        made.secret_key.expose().to_owned(),
        second.unwrap().secret_key.expose().to_owned(),
        secret.expose().to_owned(),
        code.expose().to_owned(),
    ];
    nowhere.extend([token.text, link, cookie, renewed, reset].map(|text| secret_half(&text)));
    for secret in nowhere {
        assert!(!backend.files_hold(&secret), "{secret}");
        assert!(!entries.contains(&secret), "{secret}");
    }
    // A password's hash is in its row, and nowhere else.
    assert!(!entries.contains("argon2id"), "{entries}");
}

pub(crate) async fn a_failed_change_leaves_no_entry(backend: Backend) {
    let store = backend.open().await;
    // Before there is another organisation: the first administrator would own that one.
    let root = administrator(&store).await;
    let (made, by) = (project(&store).await, caller());
    let (id, of) = (made.id, made.organisation);
    let owner = member(&store, of, "owner", Role::Owner).await.id;
    let hook = sync(&store, id, "hook").await.sync.id;
    let logs = async || (log(&store, Some(of)).await, log(&store, None).await);
    let invited = super::invite(&store, of, &root.email, Role::Viewer, FAR, by);
    let link = invited.await.unwrap().text;
    let before = logs().await;

    let taken = store.create_project(of, "shop", Throttle::default(), by);
    assert!(matches!(taken.await, Err(Error::NameTaken { .. })));
    let late = store.change_project(id, Some(9), ProjectChange::default(), by);
    assert!(matches!(late.await, Err(Error::Conflict { .. })));
    let late = store.change_sync(id, hook, 9, draft("late"), by).await;
    assert!(matches!(late, Err(Error::Conflict { .. })));
    let used = store.delete_project(id, None, false, by).await;
    assert!(matches!(used, Err(Error::ProjectInUse { .. })));
    let used = store.delete_organisation(of, None, by).await;
    assert!(matches!(used, Err(Error::OrganisationInUse { .. })));
    let late = store.rename_organisation(of, Some(9), "late", by).await;
    assert!(matches!(late, Err(Error::Conflict { .. })));
    let left = super::remove_member(&store, of, owner, by).await;
    assert!(matches!(left, Err(Error::LastOwner)));
    let rights = InstallationRights::default();
    let left = store.set_rights(root.id, rights, by).await;
    assert!(matches!(left, Err(Error::LastOperator)));
    let member = super::invite(&store, of, "owner@example.com", Role::Viewer, FAR, by);
    assert!(matches!(member.await, Err(Error::AlreadyMember)));
    let other = store.accept_invitation(link.expose(), Invitee::Present(owner), by);
    assert!(matches!(other.await, Err(Error::OtherInvitee)));
    let reset = store.reset_password("msr_", "$argon2id$x", by).await;
    assert_eq!(reset.unwrap(), None);
    let code = Secret::new("none".into());
    let used = store.use_recovery_code(root.id, &code, by).await;
    assert!(!used.unwrap());
    let gone = store.end_session(root.id, "none", by).await;
    assert!(matches!(gone, Err(Error::NoSession(_))));
    let gone = store.delete_token("none", by).await;
    assert!(matches!(gone, Err(Error::NoToken(_))));

    assert_eq!(logs().await, before);
}
