//! `millstream template batch`: a line of JSON in, a line of JSON out.

use std::collections::HashMap;
use std::io::{self, BufRead, BufWriter, Read, Write};

use anyhow::Context;
use clap::Args;
use ftl::{Engine, Error};
use model::json::{self, Object, Value};

use super::{answer, data, settings};
use crate::cli::Failure;

/// Options of `millstream template batch`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long a line may be; a longer one is answered as a failure.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    max_line_bytes: u64,
}

/// What a template is called when the line doesn't say.
const NAME: &str = "test";

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let answered = answer_lines(
        io::stdin().lock(),
        BufWriter::new(io::stdout().lock()),
        options.max_line_bytes,
    );
    match answered {
        // Whoever asked has gone away.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other
            .context("standard input or output has failed")
            .map_err(Failure::Failed),
    }
}

/// Answers each line before the next is read.
fn answer_lines(mut input: impl BufRead, mut out: impl Write, max: u64) -> io::Result<()> {
    let mut line = Vec::new();
    while let Some(fits) = next_line(&mut input, &mut line, max)? {
        let answer = if fits {
            answer(&line)
        } else {
            let why = format!("the line is longer than {max} bytes");
            with_id(None, answer::refused(&why, None))
        };
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

/// Reads a line without its end; `Some(false)` if it is too long, in which case it is skipped, `None` at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>, max: u64) -> io::Result<Option<bool>> {
    line.clear();
    // A byte more than the longest line, for its end.
    if input
        .by_ref()
        .take(max.saturating_add(1))
        .read_until(b'\n', line)?
        == 0
    {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Some(true));
    }
    if line.len() as u64 <= max {
        return Ok(Some(true));
    }
    line.clear();
    line.shrink_to(0);
    input.skip_until(b'\n')?;
    Ok(Some(false))
}

type Answer = serde_json::Map<String, serde_json::Value>;

fn answer(line: &[u8]) -> Answer {
    let parsed = json::parse(line, &data::LIMITS);
    let asked = match &parsed {
        Ok(Value::Object(members)) => members,
        Ok(other) => {
            let why = format!("the line must be a JSON object, not {}", other.kind());
            return with_id(None, answer::refused(&why, None));
        }
        Err(error) => {
            let why = format!("the line isn't JSON: {}", error.problem);
            return with_id(None, answer::refused(&why, None));
        }
    };
    let answer = match render(asked) {
        Ok(output) => answer::done("output", output.into()),
        Err(Fault::Template(error)) => answer::failed(&error),
        Err(Fault::Line(why)) => answer::refused(&why, None),
    };
    with_id(asked.get("id"), answer)
}

fn with_id(id: Option<&Value<'_>>, mut answer: Answer) -> Answer {
    // Written by us a moment ago, so it is JSON.
    let id = id.and_then(|id| serde_json::from_str(&id.to_json()).ok());
    answer.shift_insert(0, "id".to_owned(), id.unwrap_or_default());
    answer
}

/// Why a line has no output.
enum Fault {
    Template(Error),
    Line(String),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Template(error)
    }
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::Line(why)
    }
}

fn render(asked: &Object<'_>) -> Result<String, Fault> {
    let engine = engine(asked)?;
    let given = match member(asked, "data") {
        None => data::none(),
        Some(value) => data::root(value)?,
    };
    let (name, templates) = templates(asked)?;
    let template = engine.loader(templates).template(&name)?;
    let mut out = Vec::new();
    template.render_into(&given, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A member that is there and isn't null.
fn member<'v, 'a>(asked: &'v Object<'a>, name: &str) -> Option<&'v Value<'a>> {
    asked.get(name).filter(|value| !value.is_null())
}

fn text<'v>(value: &'v Value<'_>, what: &str) -> Result<&'v str, String> {
    let wrong = || format!("{what} must be a string, not {}", value.kind());
    value.as_str().ok_or_else(wrong)
}

/// The texts of an object by their names.
fn texts<'v>(value: &'v Value<'_>, what: &str) -> Result<Vec<(&'v str, &'v str)>, String> {
    let wrong = || format!("{what} must be an object of strings, not {}", value.kind());
    let members = value.as_object().ok_or_else(wrong)?.iter();
    members
        .map(|(name, value)| Ok((name, text(value, &format!("{name:?} in {what}"))?)))
        .collect()
}

fn engine(asked: &Object<'_>) -> Result<Engine, String> {
    let settings = match member(asked, "settings") {
        None => Vec::new(),
        Some(settings) => texts(settings, "settings")?,
    };
    settings::engine(settings.into_iter()).map_err(|error| error.description())
}

/// The name of the template to render, and all templates.
fn templates(asked: &Object<'_>) -> Result<(String, HashMap<String, String>), String> {
    let name = member(asked, "name")
        .map(|name| text(name, "name"))
        .transpose()?;
    let (name, templates) = match (member(asked, "template"), member(asked, "templates")) {
        (Some(template), None) => {
            let name = name.unwrap_or(NAME);
            (name, vec![(name, text(template, "template")?)])
        }
        (None, Some(templates)) => {
            let name = name.ok_or("name must say which of the templates to render")?;
            (name, texts(templates, "templates")?)
        }
        (None, None) => {
            return Err("the line needs a template, or templates and a name".to_owned());
        }
        (Some(_), Some(_)) => return Err("the line has both a template and templates".to_owned()),
    };
    let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
    Ok((name.to_owned(), templates.into_iter().map(owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(lines: &str, max: u64) -> Vec<serde_json::Value> {
        let mut out = Vec::new();
        answer_lines(lines.as_bytes(), &mut out, max).unwrap();
        let lines = out
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    fn one(line: &str) -> serde_json::Value {
        answers(line, 1 << 20).remove(0)
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_is_answered() {
        let lines = format!("{}\n{}\n", "x".repeat(200), r#"{"id":7,"template":"a"}"#);
        let answers = answers(&lines, 60);
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[0]["error"], "the line is longer than 60 bytes");
        assert_eq!(
            answers[1],
            serde_json::json!({"id": 7, "ok": true, "output": "a"})
        );
    }

    #[test]
    fn a_line_may_be_as_long_as_the_bound_and_the_last_needs_no_end() {
        let line = r#"{"template":"a"}"#;
        let max = line.len() as u64;
        assert_eq!(answers(line, max)[0]["ok"], true);
        assert_eq!(answers(&format!("{line}\n"), max)[0]["ok"], true);
        assert_eq!(answers(line, max - 1)[0]["ok"], false);
    }

    #[test]
    fn every_bad_line_says_what_is_wrong_with_it() {
        for (line, why) in [
            ("", "the line isn't JSON: "),
            ("[]", "the line must be a JSON object, not an array"),
            ("{}", "the line needs a template"),
            (
                r#"{"template":1}"#,
                "template must be a string, not a number",
            ),
            (
                r#"{"template":"","data":[]}"#,
                "the data must be an object, not an array",
            ),
            (
                r#"{"template":"","settings":{"locale":1}}"#,
                "\"locale\" in settings must be a string",
            ),
            (
                r#"{"template":"","settings":{"object_wrapper":"x"}}"#,
                "the setting object_wrapper",
            ),
            (r#"{"templates":{"a":""}}"#, "name must say"),
            (
                r#"{"templates":{"a":""},"name":"b"}"#,
                "Template not found for name \"b\"",
            ),
            (
                r#"{"templates":{"a":""},"template":"b"}"#,
                "the line has both",
            ),
        ] {
            let answer = one(&format!("{line}\n"));
            let error = answer["error"].as_str().unwrap();
            assert!(
                answer["ok"] == false && error.starts_with(why),
                "{line}: {answer}"
            );
            assert_eq!(answer["line"], serde_json::Value::Null);
        }
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let answer =
            one(r#"{"template":"${n + 1} ${d}","data":{"n":12345678901234567890123,"d":0.1000}}"#);
        assert_eq!(answer["output"], "12,345,678,901,234,567,890,124 0.1");
    }
}
