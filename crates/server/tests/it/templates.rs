//! `millstream template …`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::process::{millstream, text};

/// Files that the commands read.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, content) in files {
            let file = folder.path().join(name);
            let parent = file.parent().expect("a folder");
            fs::create_dir_all(parent).expect("the folder can be written");
            fs::write(file, content).expect("the folder can be written");
        }
        Self(folder)
    }

    /// `millstream template` with these arguments, within the folder.
    fn template(&self, arguments: &[&str]) -> Output {
        self.template_with_input(arguments, "")
    }

    fn template_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = millstream()
            .arg("template")
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that ends at once doesn't read what it is given.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("the binary ends")
    }
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)))
}

#[test]
fn render_prints_the_output_byte_for_byte_with_settings_and_data() {
    let folder = Folder::with(&[
        ("t.ftl", "${name} ${n} ${2?string('0.0')}\n\n"),
        ("d.json", r#"{"name": "Zoë", "n": 1234.5}"#),
    ]);
    let render = ["render", "--template", "t.ftl", "--data", "d.json"];
    let output = folder.template(&[&render[..], &["--setting", "locale=de_DE"]].concat());
    assert_eq!(
        text(&output.stdout),
        "Zoë 1.234,5 2,0\n\n",
        "{}",
        text(&output.stderr)
    );
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new())
    );

    let output = folder.template(&[&render[..], &["--json"]].concat());
    assert_eq!(
        json_of(&output),
        json!({"ok": true, "output": "Zoë 1,234.5 2.0\n\n"})
    );
}

#[test]
fn template_or_data_can_come_from_standard_input_but_not_both() {
    let folder = Folder::with(&[("t.ftl", "${a}"), ("d.json", r#"{"a": "x"}"#)]);
    let from_stdin = [
        folder.template_with_input(&["render", "--template", "-", "--data", "d.json"], "${a}"),
        folder.template_with_input(
            &["render", "--template", "t.ftl", "--data", "-"],
            r#"{"a": "x"}"#,
        ),
    ];
    for output in from_stdin {
        assert_eq!(text(&output.stdout), "x", "{}", text(&output.stderr));
    }
    let both = folder.template(&["render", "--template", "-", "--data", "-"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn a_template_that_fails_ends_with_1_and_shows_the_place() {
    let folder = Folder::with(&[
        ("t.ftl", "Hello\n  ${user.nmae}!\n"),
        ("d.json", r#"{"user": {}}"#),
    ]);
    let arguments = ["render", "--template", "t.ftl", "--data", "d.json"];
    let output = folder.template(&arguments);
    let error = text(&output.stderr);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(1), String::new())
    );
    assert!(
        error.starts_with("error: The following has evaluated to null or missing"),
        "{error}"
    );
    for part in [
        "--> t.ftl:2:5",
        "2 |   ${user.nmae}!",
        "  |     ^^^^^^^^^",
        "tip: ",
    ] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }

    let output = folder.template(&[&arguments[..], &["--json"]].concat());
    let answer = json_of(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        (&answer["ok"], &answer["line"], &answer["column"]),
        (&json!(false), &json!(2), &json!(5))
    );
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("==> user.nmae  [in template \"t.ftl\" at line 2, column 5]")
    );
}

#[test]
fn check_compiles_and_renders_only_with_data() {
    let folder = Folder::with(&[("t.ftl", "${a}"), ("bad.ftl", "<#if x>"), ("d.json", "{}")]);
    let check =
        |arguments: &[&str]| folder.template(&[&["check", "--template"], arguments].concat());
    let output = check(&["t.ftl"]);
    assert_eq!(
        (output.status.code(), text(&output.stdout).trim()),
        (Some(0), "the template is well-formed")
    );
    assert_eq!(check(&["t.ftl", "--data", "d.json"]).status.code(), Some(1));
    let output = check(&["bad.ftl", "--json"]);
    assert_eq!(
        (output.status.code(), json_of(&output)["line"].clone()),
        (Some(1), json!(1))
    );
    assert_eq!(
        json_of(&check(&["t.ftl", "--json"])),
        json!({"ok": true, "rendered": false})
    );
}

#[test]
fn inspect_lists_what_a_template_reads_where_and_whether_it_is_guarded() {
    let source = "<#assign own = 1>${own}${a.b[\"c d\"][0]}\n${x!} ${a[k].z}";
    let folder = Folder::with(&[("t.ftl", source)]);
    let output = folder.template(&["inspect", "--template", "t.ftl"]);
    let table = "VARIABLE       LINE  COLUMN  GUARDED\n\
                 a.b[\"c d\"][0]  1     26      no\n\
                 x              2     3       yes\n\
                 a[…].z         2     9       no\n\
                 k              2     11      no\n";
    assert_eq!(text(&output.stdout), table);
    let variables =
        &json_of(&folder.template(&["inspect", "--template", "t.ftl", "--json"]))["variables"];
    let x = json!({"path": "x", "line": 2, "column": 3, "end_line": 2, "end_column": 3, "guarded": true});
    assert_eq!(variables[1], x);
}

#[test]
fn what_is_wrong_besides_the_template_ends_with_2() {
    let folder = Folder::with(&[
        ("t.ftl", "x"),
        ("list.json", "[1]"),
        ("broken.json", "{\n 1"),
    ]);
    for (arguments, why) in [
        (&["--template", "none.ftl"][..], "none.ftl can't be read"),
        (
            &["--template", "t.ftl", "--data", "none.json"],
            "none.json can't be read",
        ),
        (
            &["--template", "t.ftl", "--data", "list.json"],
            "must be an object, not an array",
        ),
        (
            &["--template", "t.ftl", "--data", "broken.json"],
            "line 2 column 2",
        ),
        (
            &["--template", "t.ftl", "--setting", "locale"],
            "NAME=VALUE",
        ),
        (
            &["--template", "t.ftl", "--setting", "colour=red"],
            "colour",
        ),
        (
            &["--template", "t.ftl", "--setting", "object_wrapper=x"],
            "object_wrapper is refused",
        ),
        (
            &["--template", "t.ftl", "--include-dir", "none"],
            "--include-dir",
        ),
    ] {
        let output = folder.template(&[&["render"], arguments].concat());
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(why), "{arguments:?}: {error}");
    }
}

#[test]
fn a_template_includes_others_of_its_folder_and_none_outside() {
    let folder = Folder::with(&[
        ("secret.ftl", "secret"),
        ("in/main.ftl", "<#include 'sub/a.ftl'>"),
        ("in/sub/a.ftl", "A<#include '/b.ftl'>"),
        ("in/b.ftl", "B"),
        ("in/out.ftl", "<#include '../secret.ftl'>"),
    ]);
    let render =
        |template| folder.template(&["render", "--template", template, "--include-dir", "in"]);
    assert_eq!(text(&render("in/main.ftl").stdout), "AB");
    let outside = render("in/out.ftl");
    assert_eq!(outside.status.code(), Some(1));
    assert!(outside.stdout.is_empty());
    let error = text(&outside.stderr);
    assert!(error.contains("root directory is not allowed"), "{error}");
}

#[test]
fn batch_answers_every_line_before_the_next_one_is_sent() {
    let mut child = millstream()
        .args(["template", "batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut ask = |line: &str| -> Value {
        stdin.write_all(line.as_bytes()).expect("the binary reads");
        stdin.write_all(b"\n").expect("the binary reads");
        let answer = answers.next().expect("an answer").expect("text");
        serde_json::from_str(&answer).expect("JSON")
    };
    assert_eq!(
        ask(r#"{"id":"a","template":"${n} ${d?datetime?string.short}","data":{"n":1.5,"d":"2026-01-02 03:04:05"},
            "settings":{"locale":"de_DE","datetime_format":"yyyy-MM-dd HH:mm:ss"}}"#.replace('\n', "").as_str()),
        json!({"id": "a", "ok": true, "output": "1,5 02.01.26, 03:04"})
    );
    let failed = ask(r#"{"id":{"n":1},"template":"a\n ${b}"}"#);
    assert_eq!(
        (
            &failed["id"],
            &failed["ok"],
            &failed["line"],
            &failed["column"]
        ),
        (&json!({"n": 1}), &json!(false), &json!(2), &json!(4))
    );
    assert!(
        failed["error"]
            .as_str()
            .unwrap()
            .contains("\n==> b  [in template"),
        "{failed}"
    );
    let keys: Vec<_> = failed.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "ok", "error", "line", "column"]);
    assert_eq!(ask("nonsense")["ok"], false);
    let named = r#"{"id":null,"templates":{"x.ftlh":"${'<'}","y":"b"},"name":"x.ftlh"}"#;
    assert_eq!(
        ask(named),
        json!({"id": null, "ok": true, "output": "&lt;"})
    );
    let loading = r#"{"id":1,"templates":{"d/x":"<#import '/lib' as l>${l.v}<#include 'y'>","d/y":"Y${l.v}","lib":"<#assign v=7>"},"name":"d/x"}"#;
    assert_eq!(ask(loading), json!({"id": 1, "ok": true, "output": "7Y7"}));
    let imported = r#"{"id":2,"templates":{"x":"${l.v}","lib":"<#assign v=7>"},"name":"x","settings":{"auto_import":"lib as l"}}"#;
    assert_eq!(ask(imported), json!({"id": 2, "ok": true, "output": "7"}));
    assert_eq!(
        ask(r#"{"template":"${.now?is_datetime?c} ${.version}"}"#)["ok"],
        true
    );
    drop(stdin);
    assert!(child.wait().expect("the binary ends").success());
}

#[test]
fn every_command_explains_itself_with_its_exit_codes() {
    let folder = Folder::with(&[]);
    for command in ["render", "check", "inspect"] {
        let help = text(&folder.template(&[command, "--help"]).stdout);
        for part in [
            "Examples:",
            "Exit codes:",
            "--include-dir",
            "--setting",
            "--json",
        ] {
            assert!(
                help.contains(part),
                "{command}: {part} is missing in {help}"
            );
        }
    }
    let help = text(&folder.template(&["batch", "--help"]).stdout);
    assert!(
        help.contains("\"ok\": false") && help.contains("settings"),
        "{help}"
    );
}
