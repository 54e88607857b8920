//! What is asked of a person at a terminal: passwords are not shown while they are typed.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::home::{ANN, Home, PASSWORD};
use crate::process::{Server, text};

/// What a person answers.
fn typed(prompt: &str, answer: &str) -> Value {
    json!({"prompt": prompt, "answer": answer, "hidden": false})
}

/// The same for what nobody shall see.
fn hidden(prompt: &str, answer: &str) -> Value {
    json!({"prompt": prompt, "answer": answer, "hidden": true})
}

/// Runs a command at a terminal; all that was to be seen there, and its exit code.
fn at_terminal(home: &Home, arguments: &[&str], steps: &[Value]) -> (String, i64) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/terminal.py");
    let mut command = Command::new("python3");
    home.settle(&mut command);
    let output = command
        .arg(script)
        .arg(json!(steps).to_string())
        .arg(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .output()
        .expect("Python 3 is installed");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["shows_typing"], true, "the terminal stays blind");
    let shown = seen["shown"].as_str().unwrap().to_owned();
    (shown, seen["code"].as_i64().unwrap())
}

#[test]
fn a_password_is_not_shown_while_it_is_typed() {
    let server = Server::with_administrator(ANN, PASSWORD);
    let home = Home::new();
    let steps = [
        typed("E-mail address: ", ANN),
        hidden("Password: ", PASSWORD),
    ];
    let (shown, code) = at_terminal(&home, &["login", "--server", &server.url()], &steps);
    assert_eq!(code, 0, "{shown}");
    // What is not secret is shown: the terminal would have shown the password too.
    assert!(shown.contains(ANN), "{shown}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert!(home.shown(&["whoami"]).contains(ANN));
}

#[test]
fn a_wrong_password_is_refused_and_not_shown_either() {
    let server = Server::with_administrator(ANN, PASSWORD);
    let home = Home::new();
    let login = ["login", "--server", &server.url(), "--email", ANN];
    let (shown, code) = at_terminal(&home, &login, &[hidden("Password: ", "hunter2-wrong")]);
    assert_eq!(code, 1, "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(!home.profiles().exists());
}

#[test]
fn a_password_that_replaces_a_forgotten_one_is_asked_for_twice_and_not_shown() {
    let server = Server::with_administrator(ANN, PASSWORD);
    let home = Home::new();
    let reset = ["password", "reset"];
    let none = format!("msr_{}_{}", "0".repeat(16), "0".repeat(64));
    let link = format!("{}/password-reset#{none}", server.url());
    let steps = |again: &str| {
        [
            typed("Link: ", &link),
            hidden("The new password: ", "hunter2-and-more"),
            hidden("The same again: ", again),
        ]
    };
    let (shown, code) = at_terminal(&home, &reset, &steps("something else entirely"));
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("differ"), "{shown}");
    // Sent, and refused: there is no such link.
    let (shown, code) = at_terminal(&home, &reset, &steps("hunter2-and-more"));
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("ask for a new one"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_new_password_is_asked_for_twice() {
    let server = Server::start("");
    let home = Home::new();
    let log = server.log();
    let mut words = log.split_whitespace();
    let link = words.find(|word| word.contains("/invitation#"));
    let accept = ["invitation", "accept", link.expect("a link in the log")];
    let steps = |again: &str| {
        [
            typed("Your e-mail address: ", ANN),
            typed("Your name: ", "Ann"),
            hidden("A password to sign in with: ", PASSWORD),
            hidden("The same again: ", again),
        ]
    };
    let (shown, code) = at_terminal(&home, &accept, &steps("something else entirely"));
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("differ"), "{shown}");
    let (shown, code) = at_terminal(&home, &accept, &steps(PASSWORD));
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    home.login(&server, ANN, &[]);
}
