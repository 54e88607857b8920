//! Keeps the direction of imports: downhill only, and each library where it belongs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What each part may use of the others. Whoever isn't listed may use everything.
const MAY_USE: &[(&str, &[&str])] = &[
    ("ftl", &["millstream-model"]),
    ("millstream-model", &[]),
    ("millstream-journal", &["millstream-model"]),
    ("millstream-pipeline", &["ftl", "millstream-model"]),
    ("millstream-delivery", &["millstream-model"]),
    ("millstream-store", &["millstream-model"]),
    (
        "millstream-stream",
        &[
            "millstream-delivery",
            "millstream-journal",
            "millstream-model",
            "millstream-pipeline",
        ],
    ),
    (
        "millstream-api",
        &[
            "millstream-journal",
            "millstream-model",
            "millstream-pipeline",
            "millstream-store",
            "millstream-stream",
        ],
    ),
];

/// Libraries that only some parts may use.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("axum", &["millstream", "millstream-api"]),
    ("clap", &["ftl-bench", "millstream", "millstream-bench"]),
    ("lettre", &["millstream"]),
    ("openidconnect", &["millstream-api"]),
    ("rusqlite", &["millstream-journal", "millstream-store"]),
    ("rustls", &["millstream-delivery"]),
    ("saphyr-parser", &["millstream"]),
    ("sqlx", &["millstream-store"]),
    ("tar", &["millstream"]),
    ("zip", &["millstream"]),
];

/// The packages of the workspace, each with what it uses outside of its tests.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--locked",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("metadata");
    let uses = |package: &serde_json::Value| {
        let dependencies = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter();
        let normal = dependencies.filter(|dependency| dependency["kind"].is_null());
        normal
            .map(|dependency| dependency["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .map(|package| {
            (
                package["name"].as_str().expect("a name").to_owned(),
                uses(package),
            )
        })
        .collect()
}

#[test]
fn parts_use_only_what_lies_below_them() {
    let packages = packages();
    let own: BTreeSet<&String> = packages.keys().collect();
    for (part, allowed) in MAY_USE {
        let used = packages
            .get(*part)
            .unwrap_or_else(|| panic!("there is no package {part}"));
        let uphill: Vec<_> = used
            .iter()
            .filter(|name| own.contains(name) && !allowed.contains(&name.as_str()))
            .collect();
        assert!(uphill.is_empty(), "{part} must not use {uphill:?}");
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    for (part, used) in packages() {
        // The end-to-end harness looks at everything from outside.
        if part == "millstream-e2e" {
            continue;
        }
        for (library, allowed) in ONLY_IN {
            assert!(
                !used.contains(*library) || allowed.contains(&part.as_str()),
                "{part} must not use {library}"
            );
        }
    }
}
