//! `millstream template inspect`.

use ftl::{Reference, Step};
use serde_json::{Value, json};

use super::{Source, answer, render};
use crate::cli::{Failure, output};

pub(super) fn run(source: &Source) -> Result<(), Failure> {
    let references = match render::compile(source)? {
        Ok(template) => template.references(),
        Err(error) => return render::fail(source, &error),
    };
    if source.json {
        let variables: Vec<_> = references.iter().map(variable).collect();
        output::print_json(&answer::done("variables", variables.into()))?;
        return Ok(());
    }
    let row = |reference: &Reference| {
        let guarded = if reference.guarded { "yes" } else { "no" };
        vec![
            path(reference),
            reference.span.line.to_string(),
            reference.span.column.to_string(),
            guarded.to_owned(),
        ]
    };
    output::print_table(
        &["VARIABLE", "LINE", "COLUMN", "GUARDED"],
        &references.iter().map(row).collect::<Vec<_>>(),
    );
    Ok(())
}

fn variable(reference: &Reference) -> Value {
    json!({
        "path": path(reference),
        "line": reference.span.line,
        "column": reference.span.column,
        "end_line": reference.span.end_line,
        "end_column": reference.span.end_column,
        "guarded": reference.guarded,
    })
}

/// The variable as a template would spell it; a key that only the template's run can tell is `[…]`, and each item `[*]`.
fn path(reference: &Reference) -> String {
    let mut path = reference.root.clone();
    for step in &reference.steps {
        match step {
            Step::Key(key) if is_name(key) => {
                path.push('.');
                path.push_str(key);
            }
            Step::Key(key) => path.push_str(&format!("[{}]", json!(key))),
            Step::Index(index) => path.push_str(&format!("[{index}]")),
            Step::Dynamic => path.push_str("[…]"),
            Step::Each => path.push_str("[*]"),
        }
    }
    path
}

/// Whether `key` can stand after a dot.
fn is_name(key: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '@');
    key.starts_with(|c: char| allowed(c) && !c.is_numeric()) && key.chars().all(allowed)
}
