//! Findings in words.

use super::case::Case;
use super::domain::Kind;
use super::explore::{Explored, Explorer, Shown, Trial};
use super::finding::{Code, Edit, Finding, Proof, Severity};
use super::patch::Change;
use super::seen::Type;
use super::target::{Fault, Mode, Target};
use crate::views::Root;

/// What is shown of an output, in bytes.
const MOST_OUTPUT: usize = 8 << 10;

/// The finding that a fault makes.
pub(super) fn finding(explorer: &Explorer<'_, '_>, explored: &Explored, shown: &Shown) -> Finding {
    let fault = &shown.fault;
    let trial = shown.trials.first();
    let severity = match is_unlikely(explorer, explored, shown) || is_dots(explorer, shown) {
        true => Severity::Advice,
        false => Severity::Error,
    };
    let when = trial.map_or("", |trial| trial.change.as_str());
    let message = message(explorer.target, fault, when);
    let proof = trial.map_or_else(
        || {
            proof(
                explorer.target,
                &Case::new(explorer.target.part, model::EventKind::Track),
                fault,
            )
        },
        |trial| proof(explorer.target, &trial.case, fault),
    );
    at(explorer.target, fault, severity, message, proof)
}

/// A finding at the place of `fault`.
pub(super) fn at(
    target: &Target<'_>,
    fault: &Fault,
    severity: Severity,
    message: String,
    proof: Proof,
) -> Finding {
    let span = target.template.span(&fault.place);
    Finding {
        code: fault.code,
        severity,
        pointer: target.pointer.clone(),
        line: span.line,
        column: span.column,
        end_line: span.end_line,
        end_column: span.end_column,
        message,
        proof,
        mend: None,
    }
}

/// Whether only values break it that are of a type which was not seen there: any property can be a list,
/// but most never are.
///
/// A render that fails for another reason counts too if no value of that type works there: a number that
/// is printed as a boolean.
fn is_unlikely(explorer: &Explorer<'_, '_>, explored: &Explored, shown: &Shown) -> bool {
    let of_any = |index: &usize| matches!(explorer.varied[*index].domain.kind, Kind::Any);
    let never_works = |trial: &Trial, index: &usize| {
        let value = trial.case.value(&explorer.varied[*index].path);
        value.is_some_and(|value| !explored.worked.contains(&(*index, value.kind())))
    };
    // What is missing has no type, and what was seen is no surprise.
    let surprises = |trial: &Trial, index: &usize| {
        let value = trial.case.value(&explorer.varied[*index].path);
        let of = value.and_then(Type::of);
        of.is_some_and(|of| !explorer.known[*index].types.contains(&of))
    };
    let by_type = |trial: &Trial| {
        let mut changed = trial.changed.iter().filter(|index| of_any(index));
        match shown.fault.code {
            Code::WrongType => changed.any(|index| surprises(trial, index)),
            _ => changed.any(|index| surprises(trial, index) && never_works(trial, index)),
        }
    };
    matches!(shown.fault.code, Code::WrongType | Code::RenderError)
        && shown.trials.iter().all(by_type)
}

/// Whether it is only that a value is no segment of a path: no escape makes it one, and what is sent is
/// never wrong.
fn is_dots(explorer: &Explorer<'_, '_>, shown: &Shown) -> bool {
    let mut places = explorer.target.interpolations.iter();
    shown.fault.code == Code::InvalidUrl && places.any(|place| *place == shown.fault.place)
}

fn message(target: &Target<'_>, fault: &Fault, when: &str) -> String {
    let what = match (fault.code, target.mode) {
        (Code::Unescaped, Mode::Url) => "what is printed here is not encoded for a URL: use ?url",
        (Code::Unescaped, _) => "what is printed into this string is not escaped: use ?json_string",
        (Code::Unquoted, _) => "what is printed here is not always JSON",
        (Code::MayBeMissing, _) => "the value may be missing and has no default",
        (Code::EmptyValue, _) => "nothing is printed here, where JSON needs a value",
        (Code::WrongType, _) => "the value may be of a type that can't be used here",
        (Code::FormattedNumber, _) => {
            "the number is printed in a form that JSON doesn't know: use ?c"
        }
        (Code::QuotedNumber, _) => "the value is a number, but is sent as a string",
        (Code::QuotedBoolean, _) => "the value is a boolean, but is sent as a string",
        (Code::InvalidJson, _) => "the body is not JSON: look at commas, brackets and quotes",
        (Code::InvalidUrl, _) => "the URL can't be used",
        (Code::InvalidHeader, _) => "line breaks and control characters can't be sent in a header",
        (Code::RenderError, _) => "the template fails",
    };
    match (when, &fault.error) {
        ("", _) => format!("{what}; it shows with any event"),
        ("of the samples", _) => format!("{what}; one of the samples shows it"),
        (when, _) => format!("{what}; it shows when {when}"),
    }
}

/// What shows a fault.
pub(super) fn proof(target: &Target<'_>, case: &Case, fault: &Fault) -> Proof {
    let reads = |root| crate::template::may_read(&target.template, root);
    Proof {
        event: case.event.to_json(),
        mapped_fields: reads(Root::MappedFields).then(|| case.fields.to_json()),
        mapped_properties: reads(Root::MappedProperties).then(|| case.properties.to_json()),
        parameters: reads(Root::Parameters).then(|| case.parameters_json()),
        answer: case.answer.as_ref().map(model::json::Value::to_json),
        output: fault.output.as_deref().map(bounded),
        error: fault.error.as_deref().map(bounded),
    }
}

fn bounded(text: &str) -> String {
    if text.len() <= MOST_OUTPUT {
        return text.to_owned();
    }
    let end = (0..=MOST_OUTPUT)
        .rev()
        .find(|end| text.is_char_boundary(*end));
    format!("{}…", &text[..end.unwrap_or(0)])
}

/// A change as an edit.
pub(super) fn edit(target: &Target<'_>, change: &Change) -> Edit {
    let span = target.template.span(&change.range);
    let end = target.template.span(&(change.range.end..change.range.end));
    Edit {
        line: span.line,
        column: span.column,
        end_line: end.line,
        end_column: end.column,
        bytes: change.range.clone(),
        replacement: change.replacement.clone(),
    }
}
