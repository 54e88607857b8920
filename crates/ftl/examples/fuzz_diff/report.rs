//! What a run has found, grouped by kind.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;

use crate::verdict::Verdict;

/// How many cases of one signature are made smaller.
pub(crate) const SHRUNK_PER_SIGNATURE: usize = 2;

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) compared: usize,
    pub(crate) agreeing: usize,
    /// How many of those that agree print something, rather than failing alike.
    pub(crate) printing: usize,
    explained: BTreeMap<&'static str, usize>,
    groups: BTreeMap<String, Group>,
}

struct Group {
    count: usize,
    case: Value,
    ours: String,
    java: Value,
}

impl Report {
    pub(crate) fn explain(&mut self, why: &'static str) {
        *self.explained.entry(why).or_default() += 1;
    }

    /// Notes a difference; `case` is as small as it gets.
    pub(crate) fn differing(&mut self, case: Value, verdict: &Verdict) {
        let key = group(&case, verdict);
        let group = self.groups.entry(key).or_insert_with(|| Group {
            count: 0,
            case: case.clone(),
            ours: verdict.ours_as_text(),
            java: verdict.java.clone(),
        });
        group.count += 1;
        if case.to_string().len() < group.case.to_string().len() {
            group.case = case;
            group.ours = verdict.ours_as_text();
            group.java = verdict.java.clone();
        }
    }

    pub(crate) fn unexplained(&self) -> usize {
        self.groups.values().map(|group| group.count).sum()
    }

    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| group.count);
        for (key, group) in groups {
            writeln!(out, "\n{} × {key}", group.count)?;
            writeln!(out, "  case {}", group.case)?;
            writeln!(out, "  ours {}", group.ours)?;
            writeln!(out, "  java {}", group.java)?;
        }
        writeln!(
            out,
            "\n{} compared, {} agreeing ({} of them print, the rest fail alike), {} differing in {} ways",
            self.compared,
            self.agreeing,
            self.printing,
            self.unexplained(),
            self.groups.len()
        )?;
        for (why, count) in &self.explained {
            writeln!(out, "{count} explained: {why}")?;
        }
        Ok(())
    }

    /// The smallest case of each group, as lines of JSON.
    pub(crate) fn cases(&self) -> String {
        self.groups
            .values()
            .map(|group| format!("{}\n", group.case))
            .collect()
    }
}

/// The signature, or for outputs what is left in the template.
fn group(case: &Value, verdict: &Verdict) -> String {
    let signature = verdict.signature().unwrap_or_default();
    if !signature.starts_with("output") {
        return signature;
    }
    let others = case["templates"].as_object().into_iter().flatten();
    let template = std::iter::once(&case["template"])
        .chain(others.map(|(_, text)| text))
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    let mut names: Vec<&str> = template
        .match_indices(['?', '#', '@', '.'])
        .map(|(at, _)| {
            let rest = &template[at + 1..];
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            &template[at..at + 1 + end]
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    let settings: Vec<_> = case["settings"]
        .as_object()
        .into_iter()
        .flat_map(|map| map.keys().map(String::as_str))
        .collect();
    format!("output: {} {}", names.join(" "), settings.join(" "))
}
