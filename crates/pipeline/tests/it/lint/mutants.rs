//! The linter against faults that are seeded into sound templates: what keeps each of them sound is taken away, one
//! part at a time. Hostile events decide without the linter which of the mutants are broken.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Instant;

use millstream_pipeline::lint::{Code, Finding};
use millstream_pipeline::{Outcome, Plan};
use model::definition::{Definition, ParameterKind};
use model::outcome::Discarded;
use model::{Event, OutboundRequest, Part};
use regex::Regex;
use serde_json::{Value, json};

use super::corpus::Sample;
use super::sound::{is_meant, mended, said};
use super::{GOOD, assert_none, linted, samples};
use crate::support;

/// What one template is changed to: a bound on the time that all take.
const MOST_MUTANTS: usize = 30;

/// Templates of which some mutants have no mend: what is to be mended stands in a macro or in what is put together,
/// and what it breaks elsewhere.
const UNMENDED: [&str; 3] = [
    "a macro",
    "a function",
    "optional members gathered in a list",
];

/// What is taken away: in words, where it stands, and what of it stays.
static SEEDS: LazyLock<Vec<(&str, Regex, &str)>> = LazyLock::new(|| {
    let seeds = [
        ("an escape", r"\?(?:json_string|url)\b", ""),
        (
            "a default",
            r#"!(?:"[^"]*"|'[^']*'|\[\]|\{\}|\d+|false)"#,
            "",
        ),
        ("quotes", r#""(\$\{[^{}]*\})""#, "$1"),
        ("a separator's condition", r"<#sep>(, *)(?:</#sep>)?", "$1"),
        ("a separator", r"<#sep>, *(?:</#sep>)?", ""),
        (
            "a comma's condition",
            r"<#if [^<>]*(?:has_next|index gt 0)>(,)</#if>",
            "$1",
        ),
        (
            "a condition",
            r"<#if [^<>]*(?:\?\?|\?has_content)>([^<]*)</#if>",
            "$1",
        ),
        ("a comma within its condition", r"(<#if [^<>]*>), *", ",$1"),
        ("a comma", r#"([}\]"]), *\n"#, "$1\n"),
        ("a form of a number", r"\?c\b", ""),
    ];
    let compiled = seeds.map(|(what, pattern, left)| (what, Regex::new(pattern).unwrap(), left));
    compiled.into()
});

/// A sound template without something.
struct Mutant {
    without: &'static str,
    /// Where it stood.
    place: Range<usize>,
    template: String,
}

impl Mutant {
    /// Whether the linter has an interpolation to blame that was changed: not where a macro or a variable stands
    /// between, and not for what parts members.
    fn is_of_interpolation(&self, sound: &str) -> bool {
        let within = sound[..self.place.start]
            .rfind("${")
            .map(|open| &sound[open..self.place.start]);
        matches!(self.without, "an escape" | "a default" | "quotes")
            && within.is_some_and(|within| !within.contains('}'))
            && !sound.contains("<#function")
    }

    /// Whether only its form was taken away, and no value. What is put together first may have it in either place.
    fn keeps_values(&self, sound: &str) -> bool {
        !sound.contains("</#assign>")
            && matches!(
                self.without,
                "an escape" | "quotes" | "a separator" | "a separator's condition" | "a comma"
            )
    }
}

/// What a request says in its address and body: servers take both forms of a character in an address for the same.
fn saying(request: &OutboundRequest, retyped: bool) -> String {
    let (address, _, body) = said(request, retyped);
    let mut decoded = String::new();
    let mut rest = address.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        let code = after
            .get(..2)
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        decoded.push_str(before);
        decoded.extend(code.map(char::from));
        rest = after.get(2..).unwrap_or_default();
    }
    format!("{decoded}{rest} {body}")
}

fn mutants(template: &str) -> Vec<Mutant> {
    let mut found: Vec<Mutant> = Vec::new();
    for (without, pattern, left) in SEEDS.iter() {
        for captures in pattern.captures_iter(template) {
            let whole = captures.get(0).unwrap();
            let mut kept = String::new();
            captures.expand(left, &mut kept);
            let (before, after) = (&template[..whole.start()], &template[whole.end()..]);
            let place = whole.range();
            let template = [before, &kept, after].concat();
            if found.iter().all(|each| each.template != template) {
                found.push(Mutant {
                    without,
                    place,
                    template,
                });
            }
        }
    }
    found
}

/// Names of properties and texts that a template reads or compares with.
fn mentioned(template: &str, pattern: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let all = pattern.captures_iter(template);
    let mut all: Vec<String> = all.map(|found| found[1].to_owned()).collect();
    all.sort();
    all.dedup();
    all
}

/// Names of properties that a template may compute of its own texts.
fn computed(template: &str) -> Vec<String> {
    let by_name = Regex::new(r"\w\)?\[[a-z]\w*\]").unwrap();
    match by_name.is_match(template) {
        true => mentioned(template, r#"["'](\w{1,30})["']"#),
        false => Vec::new(),
    }
}

/// Events that break what nothing keeps from breaking: texts with quotes, backslashes and line breaks everywhere,
/// values of all types, and much that is missing.
fn hostile(template: &str) -> Vec<Event> {
    let mut names = mentioned(
        template,
        r"(?:event_properties|user_properties|mappedProperties)\.(\w+)",
    );
    names.extend(["first", "second"].map(str::to_owned));
    names.extend(computed(template));
    let with = |text: &str, value: &Value, count: usize| {
        let of = |name: &String| (name.clone(), value.clone());
        let properties: serde_json::Map<_, _> = names.iter().rev().take(count).map(of).collect();
        json!({
            "event_type": text, "event_name": text, "user_id": text, "device_id": text,
            "event_time": "2022-02-28 20:07:01.795", "created_at": "2022-02-28 20:07:01.795",
            "server_received_time": "2022-02-28 20:07:01.795",
            "amplitude_id": 42, "app": 7, "session_id": 1646078821795_i64, "paying": true,
            "city": text, "country": text, "region": text, "platform": text, "language": text,
            "os_name": text, "device_model": text, "version_name": text, "device_carrier": text,
            "location_lat": 52.52, "location_lng": 13.4, "groups": {"org": [text, "b"]},
            "event_properties": properties, "user_properties": properties,
        })
    };
    let everything = names.len();
    let texts = ["plain", "\"", "\\", "a\nb", "\u{1}", "a b/c?d&e"];
    let mut all: Vec<Value> = texts
        .iter()
        .map(|text| {
            let mut event = with(text, &json!(text), everything);
            event["event_properties"][*text] = json!(text);
            event
        })
        .collect();
    for value in [
        json!(1234567),
        json!(1.5),
        json!(true),
        json!(""),
        json!(["a", "\""]),
        json!({"a": "\""}),
        json!(null),
    ] {
        all.push(with("plain", &value, everything));
    }
    // Only one of several has a value that a condition may take.
    for position in 0..everything {
        let mut event = with("plain", &json!("plain"), everything);
        event["event_properties"][&names[position]] = json!("");
        all.push(event);
    }
    for text in mentioned(template, r#"["']([\w ]{1,30})["']"#) {
        let mut event = with("\"", &json!("\""), everything);
        event["event_type"] = json!(text);
        all.push(event);
        all.push(with(&text, &json!(text), everything));
    }
    let whole = with("plain", &json!("plain"), everything);
    all.extend((0..2).map(|count| with("plain", &json!("plain"), count)));
    let optional: Vec<&str> = [
        "user_id",
        "device_id",
        "city",
        "country",
        "region",
        "platform",
        "language",
        "os_name",
        "session_id",
        "paying",
        "groups",
        "location_lat",
        "location_lng",
        "device_model",
        "version_name",
        "device_carrier",
    ]
    .into();
    let without = |names: &[&str]| {
        let mut event = whole.clone();
        let members = event.as_object_mut().unwrap();
        names.iter().for_each(|name| {
            members.remove(*name);
        });
        event
    };
    all.extend(optional.iter().map(|name| without(&[name])));
    all.push(without(&optional[1..]));
    all.iter().map(support::event).collect()
}

/// The definition with what somebody may fill in: quotes where nothing keeps them out, and only what is required.
fn plans(definition: &Definition, names: &[String]) -> Option<Vec<Plan>> {
    let of = |text: &str, all: bool| {
        let parameters = definition.parameters.iter();
        let parameters = parameters.filter(|each| all || each.required);
        let parameters = parameters.map(|parameter| {
            let value = match parameter.kind {
                ParameterKind::Select => parameter.options[0].value.clone(),
                ParameterKind::Checkbox => "true".to_owned(),
                ParameterKind::Url => support::URL.to_owned(),
                _ if parameter.name == "limit" => "12".to_owned(),
                _ if parameter.pattern.is_some() => "abc".to_owned(),
                _ => text.to_owned(),
            };
            (parameter.name.clone(), Value::from(value))
        });
        let parameters: serde_json::Map<_, _> = parameters.collect();
        let (mut mappings, mut kinds) = (json!({}), json!({}));
        for mapping in definition
            .mappings
            .iter()
            .filter(|each| all || each.required)
        {
            mappings[&mapping.name] = json!({"scope": "field", "name": "user_id"});
            if let Some(kind) = mapping.kinds.first() {
                kinds[&mapping.name] = json!(kind);
            }
        }
        let properties = names
            .iter()
            .map(|name| json!({"scope": "event", "name": name}));
        let settings = support::settings(json!({
            "parameters": parameters, "mappings": mappings, "mapping_kinds": kinds,
            "properties": properties.collect::<Vec<_>>(),
            "users": {"send": definition.users.is_some()},
        }));
        support::compile(definition, settings).ok()
    };
    let all = [of("a\"b\\", true), of("plain", true), of("plain", false)];
    let all: Vec<Plan> = all.into_iter().flatten().collect();
    (!all.is_empty()).then_some(all)
}

/// What becomes of each event: a request, nothing since it isn't meant to be sent, or what is wrong.
fn outcomes(plans: &[Plan], events: &[Event]) -> Outcomes {
    let mut all = Vec::new();
    for plan in plans {
        for event in events {
            for part in [Part::Event, Part::User] {
                all.push(match plan.apply(event, part) {
                    Outcome::Request(request) => Ok(Some(request)),
                    Outcome::Discarded(why)
                        if !is_meant(&why) && !matches!(why, Discarded::MissingMapping { .. }) =>
                    {
                        Err(why)
                    }
                    _ => Ok(None),
                });
            }
        }
    }
    all
}

/// What becomes of each event.
type Outcomes = Vec<Result<Option<OutboundRequest>, Discarded>>;

/// What is wrong with the linter's view of a broken mutant, of which `before` becomes and of the sound template
/// `sound`.
fn wrong_with(
    sample: &Sample,
    mutant: &Mutant,
    sound: &Outcomes,
    before: &Outcomes,
    after: impl Fn(&Definition) -> Option<Outcomes>,
) -> Option<String> {
    let definition = sample.with_template(&mutant.template);
    let findings = linted(&definition, &sample.events);
    let about = |what: String| {
        let (name, without) = (&sample.name, mutant.without);
        let template = &mutant.template;
        Some(format!("{name} without {without}: {what}\n    {template}"))
    };
    let broken = before.iter().find_map(|each| each.as_ref().err());
    if findings.is_empty() {
        return about(format!("not found: {broken:?}"));
    }
    let before_it = &mutant.template[..mutant.place.start];
    let line = before_it.matches('\n').count() as u32 + 1;
    let is_there = |each: &Finding| (each.line..=each.end_line).contains(&line);
    if mutant.is_of_interpolation(&sample.template) && !findings.iter().any(is_there) {
        return about(format!("found elsewhere: {:?}", super::places(&findings)));
    }
    let is_shown = |each: &Finding| each.proof.output.is_some() || each.proof.error.is_some();
    if !findings.iter().all(is_shown) {
        return about("not shown".to_owned());
    }
    let is_unmended = findings.iter().all(|each| each.mend.is_none());
    if is_unmended && UNMENDED.contains(&sample.name.as_str()) {
        return None;
    }
    if is_unmended {
        return about(format!("no mend for {}", findings[0].message));
    }
    let retyped = findings.iter().any(|each| each.code == Code::Unquoted);
    for finding in findings.iter().filter(|each| each.mend.is_some()) {
        let template = mended(&mutant.template, finding, &findings);
        let Some(after) = after(&sample.with_template(&template)) else {
            return about(format!("{template} can't be used"));
        };
        for ((before, after), sound) in before.iter().zip(&after).zip(sound) {
            // Where the seed says what was meant, the mend sends that.
            let meant = match (before, sound) {
                (Err(_), Ok(Some(sound))) if mutant.keeps_values(&sample.template) => Some(sound),
                (Ok(Some(before)), _) => Some(before),
                _ => None,
            };
            let say = |request| saying(request, retyped);
            let wrong = match (meant, after) {
                (_, Err(why)) => format!("still broken: {why}"),
                (Some(meant), Ok(Some(after))) if say(meant) != say(after) => {
                    format!("{} becomes {}", say(meant), say(after))
                }
                (Some(_), Ok(None)) if before.is_ok() => "not sent any more".to_owned(),
                _ => continue,
            };
            return about(format!("{wrong}\n    mended: {template}"));
        }
    }
    None
}

#[test]
fn seeded_faults_are_found_and_their_mends_mend_them() {
    let began = Instant::now();
    let (mut made, mut broken, mut wrong) = (0, 0, Vec::new());
    for sample in samples(&GOOD) {
        assert!(
            mutants(&sample.template).len() <= MOST_MUTANTS,
            "{}",
            sample.name
        );
        let events = hostile(&sample.template);
        let names = mentioned(&sample.template, r"mappedProperties\.(\w+)");
        let names: BTreeSet<String> = names
            .into_iter()
            .chain(["first".into(), "second".into()])
            .chain(computed(&sample.template))
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        let outcomes_of = |definition: &Definition| {
            let plans = plans(definition, &names)?;
            Some((plans.len(), outcomes(&plans, &events)))
        };
        let Some((_, sound)) = outcomes_of(&sample.definition) else {
            continue;
        };
        for mutant in mutants(&sample.template) {
            made += 1;
            let definition = sample.with_template(&mutant.template);
            let Some((count, before)) = outcomes_of(&definition) else {
                continue;
            };
            if count * events.len() * 2 != sound.len() {
                continue;
            }
            let mut pairs = sound.iter().zip(&before);
            if !pairs.any(|(sound, mutant)| sound.is_ok() && mutant.is_err()) {
                continue;
            }
            broken += 1;
            let after = |definition: &Definition| outcomes_of(definition).map(|(_, after)| after);
            wrong.extend(wrong_with(&sample, &mutant, &sound, &before, after));
        }
    }
    let took = began.elapsed();
    println!("{made} mutants, {broken} of them broken, in {took:?}");
    assert_none(&wrong);
    assert!(broken > 200, "{broken}");
}
