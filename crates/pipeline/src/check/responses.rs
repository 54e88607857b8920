//! What must hold of the rules for answers, and of the request that follows.

use model::definition::{BodyCondition, FollowUp, Meaning, Payload, ResponseRule};
use serde_json::Value;

use crate::follow_up::{ELSEWHERE, is_same_place};
use crate::problem::{Problems, pointer};
use crate::template::{Compiler, Place};
use crate::url::written_origin;

use super::usage::Uses;

const RULES: usize = 20;
const STATUSES: usize = 20;
const CONDITIONS: usize = 10;
const VALUES: usize = 50;
const POINTER_CHARACTERS: usize = 200;
const MESSAGE_CHARACTERS: usize = 200;

/// Checks what a payload that stands at `at` says of answers.
pub(super) fn check(
    payload: &Payload,
    at: &str,
    compiler: &Compiler<'_>,
    uses: &mut Uses,
    problems: &mut Problems,
) {
    let follow_up_at = pointer(at, "follow_up");
    check_rules(&payload.responses, &pointer(at, "responses"), problems);
    let asks = |rule: &ResponseRule| rule.means == Meaning::FollowUp;
    let asking = payload.responses.iter().position(asks);
    match (&payload.follow_up, asking) {
        (None, None) => {}
        (None, Some(position)) => {
            let at = pointer(&pointer(at, "responses"), position);
            let message = "there is no request to follow: say which in `follow_up`";
            problems.add(pointer(&at, "means"), message);
        }
        (Some(follow_up), asking) => {
            if asking.is_none() {
                let message = "it is never sent: no rule of `responses` means `follow_up`";
                problems.add(&*follow_up_at, message);
            }
            check_follow_up(follow_up, &follow_up_at, compiler, uses, problems);
            let origins = (written_origin(&payload.url), written_origin(&follow_up.url));
            if let (Some(before), Some(next)) = origins
                && !is_same_place(&before, &next)
            {
                problems.add(pointer(&follow_up_at, "url"), ELSEWHERE);
            }
        }
    }
}

fn check_follow_up(
    follow_up: &FollowUp,
    at: &str,
    compiler: &Compiler<'_>,
    uses: &mut Uses,
    problems: &mut Problems,
) {
    let url_at = pointer(at, "url");
    if follow_up.url.trim().is_empty() {
        problems.add(&*url_at, "give the address that the request goes to");
    }
    let url = (&follow_up.url, Place::FollowUpUrl, url_at);
    let body = follow_up.body.as_ref();
    let body = body.map(|body| (body, Place::FollowUpBody, pointer(at, "body")));
    for (source, place, at) in [url].into_iter().chain(body) {
        if let Some(template) = compiler.template(source, place, &at, problems) {
            uses.note(&template, &at);
        }
    }
    let rules_at = pointer(at, "responses");
    check_rules(&follow_up.responses, &rules_at, problems);
    for (position, rule) in follow_up.responses.iter().enumerate().take(RULES) {
        if rule.means == Meaning::FollowUp {
            let at = pointer(&pointer(&rules_at, position), "means");
            problems.add(at, "only one request can follow");
        }
    }
}

fn check_rules(rules: &[ResponseRule], at: &str, problems: &mut Problems) {
    count(at, rules.len(), RULES, problems);
    for (position, rule) in rules.iter().enumerate().take(RULES) {
        let at = pointer(at, position);
        let names_nothing = rule.status.is_empty() && rule.body.is_empty();
        if names_nothing && rule.failed_item.is_none() {
            let message = "say which answers are meant: a `status` or what holds of the `body`";
            problems.add(&*at, message);
        }
        count(
            &pointer(&at, "status"),
            rule.status.len(),
            STATUSES,
            problems,
        );
        let length = rule.message.chars().count();
        if length > MESSAGE_CHARACTERS || rule.message.chars().any(char::is_control) {
            let message = format!("at most {MESSAGE_CHARACTERS} characters, on one line");
            problems.add(pointer(&at, "message"), message);
        }
        if let Some(failed) = &rule.failed_item {
            let at = pointer(&at, "failed_item");
            check_pointer(&failed.list, &pointer(&at, "list"), problems);
            if let Some(index) = &failed.index {
                check_pointer(index, &pointer(&at, "index"), problems);
            }
        }
        let at = pointer(&at, "body");
        count(&at, rule.body.len(), CONDITIONS, problems);
        for (position, condition) in rule.body.iter().enumerate().take(CONDITIONS) {
            check_condition(condition, &pointer(&at, position), problems);
        }
    }
}

fn check_condition(condition: &BodyCondition, at: &str, problems: &mut Problems) {
    check_pointer(&condition.pointer, &pointer(at, "pointer"), problems);
    let at = pointer(at, "values");
    match (condition.operator.takes_values(), condition.values.len()) {
        (true, 0) => problems.add(&*at, "say with what it is compared"),
        (false, 1..) => problems.add(&*at, "it is compared with nothing"),
        (_, values) => count(&at, values, VALUES, problems),
    }
    let is_scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    for (position, value) in condition.values.iter().enumerate().take(VALUES) {
        if !is_scalar(value) {
            problems.add(pointer(&at, position), "a text, a number, true or false");
        }
    }
}

/// Refuses what no JSON pointer (RFC 6901) looks like.
fn check_pointer(text: &str, at: &str, problems: &mut Problems) {
    let escaped = text.split('~').skip(1);
    let escapes = escaped.into_iter().all(|rest| rest.starts_with(['0', '1']));
    if !(text.is_empty() || text.starts_with('/')) || !escapes {
        let message =
            "a JSON pointer begins with `/`, such as /errors/0/code (~ is written ~0, / ~1)";
        problems.add(at, message);
    } else if text.chars().count() > POINTER_CHARACTERS {
        problems.add(at, format!("at most {POINTER_CHARACTERS} characters"));
    }
}

fn count(at: &str, count: usize, most: usize, problems: &mut Problems) {
    if count > most {
        problems.add(at, format!("at most {most}, not {count}"));
    }
}
