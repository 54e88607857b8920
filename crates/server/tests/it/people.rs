//! The commands about people and access, each against the real server.

use serde_json::json;

use crate::home::{ANN, Home, PASSWORD};
use crate::process::{Server, text};

const BOB: &str = "bob@example.com";

/// The link that the first start wrote to the log.
fn first_link(server: &Server) -> String {
    let log = server.log();
    let link = log
        .split_whitespace()
        .find(|word| word.contains("/invitation#"));
    link.unwrap_or_else(|| panic!("no link in\n{log}"))
        .to_owned()
}

/// Invites Bob; the link that waits in the outbox.
fn invite_bob(home: &Home) -> String {
    let invited = home.json(&["invitation", "create", BOB, "--role", "viewer"]);
    assert_eq!(
        (&invited["email"], &invited["role"]),
        (&json!(BOB), &json!("viewer"))
    );
    let mails = home.json(&["outbox", "list", "--state", "queued"]);
    let mail = mails.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&mail["recipient"], &mail["kind"]),
        (&json!(BOB), &json!("invitation"))
    );
    link_in_mail(home, mail["id"].as_str().unwrap())
}

/// The link in a mail that waits, as Ann sees it who operates the server; a token doesn't show it.
fn link_in_mail(home: &Home, mail: &str) -> String {
    let masked = home.run(&["outbox", "show", mail], "");
    assert!(text(&masked.stdout).contains("/invitation#msi_…"));
    assert!(text(&masked.stderr).contains("--sign-in"));
    let show = ["outbox", "show", mail, "--sign-in", "--email", ANN];
    let shown = home.run(&show, &format!("{PASSWORD}\n"));
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let shown = text(&shown.stdout);
    let link = shown
        .split_whitespace()
        .find(|word| word.contains("/invitation#"));
    link.unwrap_or_else(|| panic!("no link in\n{shown}"))
        .to_owned()
}

/// Makes Bob's account with a link.
fn accept_as_bob(link: &str) {
    let accept = ["invitation", "accept", link, "--name", "Bob"];
    let output = Home::new().run(&accept, &format!("{PASSWORD}\n"));
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn the_first_administrator_comes_in_by_the_link_in_the_log() {
    let server = Server::start("");
    let home = Home::new();
    let accept = ["invitation", "accept", &first_link(&server)];
    let output = home.run(&accept, &format!("{ANN}\nAnn\nshort\n"));
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("/password"), "{error}");

    let output = home.run(&accept, &format!("{ANN}\nAnn\n{PASSWORD}\n"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("millstream login"));
    home.login(&server, ANN, &[]);
    let me = home.json(&["whoami"]);
    assert!(
        me["permissions"]
            .as_array()
            .unwrap()
            .contains(&json!("owners:write"))
    );
    let again = home.run(&accept, &format!("{ANN}\nAnn\n{PASSWORD}\n"));
    assert_eq!(again.status.code(), Some(1));
    assert!(
        text(&again.stderr).contains("ask for a new one"),
        "{}",
        text(&again.stderr)
    );
}

#[test]
fn an_administrator_can_be_made_at_the_first_start_and_no_link_is_written() {
    let (home, server) = Home::with_ann();
    assert!(!server.log().contains("/invitation#") && !server.log().contains(PASSWORD));
    // The file with the password may go then.
    let (folder, ended_well) = server.terminate();
    assert!(ended_well);
    let gone = [
        "--admin-email",
        ANN,
        "--admin-password-file",
        "/nowhere/password",
    ];
    let server = Server::start_with(folder, &gone);
    home.login(&server, ANN, &[]);
    let people = home.json(&["person", "list"]);
    assert_eq!(people[0]["email"], ANN);
    assert_eq!(
        people[0]["installation"],
        json!({"operator": true, "reviewer": true})
    );
}

#[test]
fn someone_is_invited_joins_gets_a_role_and_leaves() {
    let (home, server) = Home::with_ann();
    invite_bob(&home);
    assert_eq!(home.json(&["invitation", "list"])[0]["email"], BOB);
    home.shown(&["invitation", "withdraw", BOB]);
    assert_eq!(home.json(&["invitation", "list"]), json!([]));
    accept_as_bob(&invite_bob(&home));
    let bob = Home::new();
    bob.login(&server, BOB, &[]);
    assert_eq!(bob.refused(&["project", "create", "Shop"]).0, 1);

    assert_eq!(
        home.json(&["member", "role", BOB, "admin"])["role"],
        "admin"
    );
    bob.json(&["project", "create", "Shop"]);
    let members = home.shown(&["member", "list"]);
    assert!(
        members.contains(ANN) && members.contains("admin"),
        "{members}"
    );
    assert_eq!(home.refused(&["member", "role", BOB, "king"]).0, 2);
    assert_eq!(home.refused(&["member", "role", "nobody", "admin"]).0, 1);
    home.shown(&["member", "remove", BOB]);
    assert_eq!(bob.refused(&["project", "list"]).0, 1);
}

#[test]
fn organisations_are_listed_shown_renamed_and_made() {
    let (home, _server) = Home::with_ann();
    let own = home.json(&["organisation", "list"]);
    let renamed = home.json(&["organisation", "rename", "My organisation", "Acme"]);
    assert_eq!(
        (&renamed["id"], &renamed["name"]),
        (&own[0]["id"], &json!("Acme"))
    );
    let made = home.json(&["organisation", "create", "Other"]);
    let all = home.json(&["organisation", "list", "--all"]);
    assert_eq!(
        (&all[0]["name"], &all[1]["id"]),
        (&json!("Acme"), &made["id"])
    );
    assert_eq!(home.json(&["organisation", "show"])["name"], "Acme");
    assert_eq!(
        home.json(&["organisation", "show", "Acme"])["id"],
        own[0]["id"]
    );
    assert_eq!(home.refused(&["organisation", "show", "Nowhere"]).0, 1);
}

#[test]
fn the_owner_of_a_new_organisation_is_invited() {
    let (home, server) = Home::with_ann();
    let made = server.json(&["organisation", "create", "Acme", "--owner", BOB]);
    let mails = server.json(&["outbox", "list", "--state", "queued"]);
    let mail = mails.as_array().unwrap().last().unwrap();
    assert_eq!(mail["recipient"], BOB);
    accept_as_bob(&link_in_mail(&home, mail["id"].as_str().unwrap()));
    let bob = Home::new();
    bob.login(&server, BOB, &[]);
    let own = bob.json(&["organisation", "list"]);
    assert_eq!(
        (&own[0]["id"], &own[0]["name"]),
        (&made["id"], &json!("Acme"))
    );
    let invited = bob.json(&["invitation", "create", ANN, "--role", "owner"]);
    assert_eq!(invited["role"], "owner");
    let refused = server.command(&["organisation", "create", "Other", "--owner", "nowhere"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("/owner"));
}

#[test]
fn tokens_are_made_with_scopes_listed_and_revoked() {
    let (home, server) = Home::with_ann();
    let made = home.json(&["token", "create", "CI", "--scope", "projects:read"]);
    let secret = made["text"].as_str().unwrap();
    assert_eq!(made["token"]["scopes"], json!(["projects:read"]));
    assert!(made["token"]["expires_at"].is_string());
    let url = server.url();
    let list = ["project", "list", "--server", &url, "--token", secret];
    assert!(Home::new().run(&list, "").status.success());
    assert!(home.shown(&["token", "list"]).contains("projects:read"));
    assert_eq!(
        home.refused(&["token", "create", "X", "--scope", "everything"])
            .0,
        2
    );
    assert_eq!(
        home.refused(&["token", "create", "X", "--expires", "soon"])
            .0,
        2
    );
    home.shown(&["token", "revoke", "CI"]);
    assert_eq!(Home::new().run(&list, "").status.code(), Some(1));
}

#[test]
fn a_token_ends_with_the_one_that_it_was_made_with() {
    let (home, server) = Home::with_ann();
    home.login(&server, ANN, &["--expires", "1d"]);
    let own = home.json(&["whoami"])["token"]["expires_at"].clone();
    let made = home.json(&["token", "create", "CI"]);
    assert_eq!(
        (made["token"]["expires_at"].as_str(), own.is_string()),
        (own.as_str(), true)
    );
    let refused = home.refused(&["token", "create", "CI", "--expires", "2d"]);
    assert!(refused.1.contains("/expires_at"), "{refused:?}");
    let sooner = home.json(&["token", "create", "Sooner", "--expires", "1h"]);
    assert_ne!(sooner["token"]["expires_at"], own);
}

#[test]
fn the_audit_log_is_listed_by_filters_and_exported() {
    let (home, server) = Home::with_ann();
    let project = home.json(&["project", "create", "Shop"]);
    let id = project["project"]["id"].as_str().unwrap();
    for number in 0..8 {
        server.json(&["project", "rename", id, &format!("Shop {number}")]);
    }
    let renames = home.json(&["audit", "list", "--action", "project", "--target", id]);
    let renames = renames.as_array().unwrap();
    assert_eq!(renames.len(), 9, "{renames:?}");
    assert_eq!(renames[0]["target"]["name"], "Shop 7");
    let oldest = renames[8].clone();
    assert_eq!(
        (&oldest["action"], &oldest["actor"]["kind"]),
        (&json!("project.create"), &json!("token"))
    );
    assert_eq!(
        home.json(&["audit", "list", "--limit", "2"])
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let until = oldest["at"].as_str().unwrap();
    let before = home.json(&["audit", "list", "--target", id, "--until", until]);
    assert_eq!(before, json!([]));

    let exported = home.shown(&["audit", "export", "--target", id]);
    let lines: Vec<serde_json::Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(&lines, renames);
    assert_eq!(home.refused(&["audit", "list", "--from", "yesterday"]).0, 2);
    home.json(&["audit", "list", "--installation"]);
}

#[test]
fn a_project_is_renamed_and_its_keys_are_rotated() {
    let (home, _server) = Home::with_ann();
    let made = home.json(&["project", "create", "Shop"]);
    let renamed = home.json(&["project", "rename", "Shop", "Store"]);
    assert_eq!(
        (&renamed["id"], &renamed["name"]),
        (&made["project"]["id"], &json!("Store"))
    );
    let rotated = home.json(&["project", "rotate-api-key", "Store", "--overlap", "7d"]);
    assert_ne!(rotated["api_key"], made["project"]["api_key"]);
    let rotated = home.json(&["project", "rotate-secret-key", "Store"]);
    assert_ne!(rotated["secret_key"], made["secret_key"]);
    assert_eq!(
        home.refused(&["project", "rotate-api-key", "Store", "--overlap", "soon"])
            .0,
        2
    );
    assert_eq!(
        home.refused(&["project", "rotate-api-key", "Store", "--overlap", "91d"])
            .0,
        1
    );
}

#[test]
fn rights_in_the_installation_are_given_and_taken() {
    let (home, server) = Home::with_ann();
    accept_as_bob(&invite_bob(&home));
    let bob = Home::new();
    bob.login(&server, BOB, &[]);
    assert_eq!(bob.refused(&["person", "list"]).0, 1);
    let rights = home.json(&["person", "rights", BOB, "--operator", "yes"]);
    assert_eq!(
        rights["installation"],
        json!({"operator": true, "reviewer": false})
    );
    assert_eq!(bob.json(&["person", "list"]).as_array().unwrap().len(), 2);
    let rights = home.json(&[
        "person",
        "rights",
        BOB,
        "--reviewer",
        "yes",
        "--operator",
        "no",
    ]);
    assert_eq!(
        rights["installation"],
        json!({"operator": false, "reviewer": true})
    );
    assert_eq!(home.refused(&["person", "rights", BOB]).0, 2);
}

#[test]
fn an_operator_looks_after_accounts() {
    let (home, server) = Home::with_ann();
    accept_as_bob(&invite_bob(&home));
    let bob = Home::new();
    bob.login(&server, BOB, &[]);
    let found = home.json(&["person", "list", "--email", "BOB@"]);
    assert_eq!(found[0]["email"], BOB);
    assert_eq!(found.as_array().unwrap().len(), 1);

    let locked = home.json(&["person", "lock", BOB]);
    assert!(locked["locked_at"].is_string(), "{locked}");
    assert!(home.shown(&["person", "list"]).contains("LOCKED"));
    assert_eq!(bob.refused(&["project", "list"]).0, 1);
    let unlocked = home.shown(&["person", "unlock", BOB]);
    assert!(
        unlocked.contains("bob@example.com is not locked any more"),
        "{unlocked}"
    );
    bob.json(&["project", "list"]);
    home.shown(&["person", "end-sessions", BOB]);
    home.shown(&["person", "remove-second-factor", BOB]);
    let error = home.refused(&["person", "lock", ANN]).1;
    assert!(error.contains("needs an operator"), "{error}");

    let made = server.json(&["organisation", "create", "Acme"]);
    let invited = home.json(&["organisation", "invite-owner", "Acme", BOB]);
    assert_eq!(invited["role"], "owner", "{made}");
    let id = home.json(&["person", "delete", BOB])["deleted"].clone();
    assert_eq!(id, found[0]["id"]);
    assert_eq!(bob.refused(&["project", "list"]).0, 1);
    assert_eq!(home.refused(&["person", "delete", BOB]).0, 1);
}

#[test]
fn a_forgotten_password_is_replaced_by_a_link() {
    let (home, server) = Home::with_ann();
    home.shown(&["password", "forgot", ANN, "--server", &server.url()]);
    let mail = reset_letter(&home);
    let show = ["outbox", "show", &mail, "--sign-in", "--email", ANN];
    let shown = text(&home.run(&show, &format!("{PASSWORD}\n")).stdout);
    let mut words = shown.split_whitespace();
    let link = words.find(|word| word.contains("/password-reset#"));
    let reset = ["password", "reset", link.expect("a link")];
    let other = "quite another horse";
    let somebody = Home::new();
    let output = somebody.run(&reset, &format!("{other}\n"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let login = ["login", "--server", &server.url(), "--email", ANN];
    let former = somebody.run(&login, &format!("{PASSWORD}\n"));
    assert_eq!(former.status.code(), Some(1));
    let present = somebody.run(&login, &format!("{other}\n"));
    assert!(present.status.success(), "{}", text(&present.stderr));
    let again = somebody.run(&reset, &format!("{other}\n"));
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("ask for a new one"));
}

/// The id of the letter that brings Ann a link. It is written after the answer.
fn reset_letter(home: &Home) -> String {
    for _ in 0..100 {
        let mails = home.json(&["outbox", "list", "--state", "queued"]);
        let mut mails = mails.as_array().unwrap().iter();
        if let Some(mail) = mails.find(|mail| mail["kind"] == "password_reset") {
            return mail["id"].as_str().unwrap().to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("no letter was written")
}

#[test]
fn every_command_says_what_it_does() {
    for command in [
        &["login"][..],
        &["logout"],
        &["whoami"],
        &["profile", "list"],
        &["organisation", "create"],
        &["member", "role"],
        &["invitation", "accept"],
        &["password", "reset"],
        &["token", "create"],
        &["audit", "export"],
        &["person", "rights"],
        &["person", "end-sessions"],
        &["organisation", "invite-owner"],
        &["outbox", "show"],
        &["secrets", "rotate"],
        &["project", "rotate-api-key"],
    ] {
        let help = Home::new().shown(&[command, &["--help"]].concat());
        assert!(help.contains("Usage: millstream"), "{help}");
        let local = command[0] == "profile";
        assert_eq!(help.contains("--profile <NAME>"), !local, "{help}");
        assert_eq!(help.contains("MILLSTREAM_PROFILE"), !local, "{help}");
    }
}
