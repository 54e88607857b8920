//! The linter against a corpus of templates, sound and faulty.

mod corpus;
mod mutants;
mod sound;

use std::collections::BTreeSet;
use std::sync::Arc;

use millstream_pipeline::lint::{Code, Finding, Linted, Seen, Severity, Type, lint, lint_received};
use model::definition::Definition;
use model::sensitive::Owner;
use model::time::ManualClock;
use model::{Clock, Event, Timestamp};

use corpus::Sample;

const GOOD: [&str; 7] = [
    include_str!("corpus/good_bodies.txt"),
    include_str!("corpus/good_others.txt"),
    include_str!("corpus/good_follow_ups.txt"),
    include_str!("corpus/good_kept.txt"),
    include_str!("corpus/good_nested.txt"),
    include_str!("corpus/good_keys.txt"),
    include_str!("corpus/good_names.txt"),
];

const BAD: [&str; 10] = [
    include_str!("corpus/bad_bodies.txt"),
    include_str!("corpus/bad_others.txt"),
    include_str!("corpus/bad_ways.txt"),
    include_str!("corpus/bad_mends.txt"),
    include_str!("corpus/bad_structure.txt"),
    include_str!("corpus/bad_follow_ups.txt"),
    include_str!("corpus/bad_kept.txt"),
    include_str!("corpus/bad_nested.txt"),
    include_str!("corpus/bad_keys.txt"),
    include_str!("corpus/bad_names.txt"),
];

fn linted(definition: &Definition, samples: &[Event]) -> Vec<Finding> {
    linted_whole(definition, samples).findings
}

fn linted_whole(definition: &Definition, samples: &[Event]) -> Linted {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp(1_780_036_800_000_000)));
    lint(definition, samples, &clock)
}

fn samples(files: &[&str]) -> Vec<Sample> {
    files.iter().flat_map(|file| corpus::read(file)).collect()
}

/// Code, line and column of each finding, sorted.
fn places(findings: &[Finding]) -> Vec<(String, u32, u32)> {
    let name = |finding: &Finding| serde_json::to_value(finding.code).unwrap();
    let mut all: Vec<_> = findings
        .iter()
        .map(|each| {
            (
                name(each).as_str().unwrap().to_owned(),
                each.line,
                each.column,
            )
        })
        .collect();
    all.sort();
    all
}

/// Fails with everything that was found wrong, not just the first.
fn assert_none(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_corpus_is_large() {
    assert!(samples(&GOOD).len() + samples(&BAD).len() >= 100);
}

#[test]
fn the_linter_is_silent_about_what_cannot_break() {
    let mut wrong = Vec::new();
    for sample in samples(&GOOD) {
        for found in linted(&sample.definition, &sample.events) {
            wrong.push(format!("{}: {found:#?}", sample.name));
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_fault_is_found_where_it_is() {
    let mut wrong = Vec::new();
    for sample in samples(&BAD) {
        let found = linted(&sample.definition, &sample.events);
        if places(&found) != sample.expected {
            let expected = &sample.expected;
            wrong.push(format!(
                "{}: expected {expected:?}, found {:?}",
                sample.name,
                places(&found)
            ));
            wrong.extend(
                found
                    .iter()
                    .map(|each| format!("    {}: {:?}", each.message, each.proof)),
            );
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_mend_takes_its_fault_away_and_brings_none() {
    let mut wrong = Vec::new();
    let (mut mended, mut unmended) = (0, BTreeSet::new());
    for sample in samples(&BAD) {
        let before = linted(&sample.definition, &sample.events);
        for finding in &before {
            let Some(mend) = &finding.mend else {
                unmended.insert(sample.name.clone());
                continue;
            };
            mended += 1;
            let template = mend.apply(&sample.template).unwrap();
            let after = linted(&sample.with_template(&template), &sample.events);
            let (codes_before, codes_after) = (codes(&before), codes(&after));
            let is_gone = codes_after.len() < codes_before.len();
            let brings_none = codes_after.iter().all(|code| codes_before.contains(code));
            if !is_gone || !brings_none {
                wrong.push(format!(
                    "{}: {} -> {template}\n    before {:?}\n    after {:?}",
                    sample.name,
                    finding.message,
                    places(&before),
                    places(&after)
                ));
            }
        }
    }
    println!("{mended} mends, without: {unmended:?}");
    assert_none(&wrong);
    assert!(mended > 100);
    // What is missing there, or wrong among numbers, only its author knows.
    let unknown = [
        "a text that a table has for the last of many keys",
        "no address for some events",
    ];
    assert_eq!(unmended, BTreeSet::from(unknown.map(str::to_owned)));
}

fn codes(findings: &[Finding]) -> Vec<millstream_pipeline::lint::Code> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_proof_shows_the_event_and_what_it_breaks() {
    let sample = &samples(&["=== x\n---\n{\"name\": \"${input.event_type}\"}\n"])[0];
    let found = linted(&sample.definition, &[]);
    let [finding] = found.as_slice() else {
        panic!("one finding, not {found:#?}")
    };
    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(finding.pointer, "/events/body");
    assert_eq!(
        (finding.line, finding.column, finding.end_column),
        (1, 11, 29)
    );
    let event: serde_json::Value = serde_json::from_str(&finding.proof.event).unwrap();
    assert_eq!(event["event_type"], "\"");
    assert_eq!(finding.proof.output.as_deref(), Some("{\"name\": \"\"\"}"));
    assert!(finding.proof.error.is_some() && finding.proof.parameters.is_none());
    let mend = finding.mend.as_ref().unwrap();
    assert_eq!(mend.replacement, "${input.event_type?json_string}");
    assert_eq!(
        (mend.line, mend.column, mend.end_line, mend.end_column),
        (1, 11, 1, 30)
    );
}

#[test]
fn a_proof_of_what_follows_shows_the_answer() {
    let text = "=== x\nwhere: /events/follow_up/body\n---\n{\"id\": \"${answer.body.id}\"}\n";
    let found = linted(&samples(&[text])[0].definition, &[]);
    let [finding] = found.as_slice() else {
        panic!("one finding, not {found:#?}")
    };
    assert_eq!(finding.pointer, "/events/follow_up/body");
    let answer = finding.proof.answer.as_deref().unwrap();
    assert_eq!(answer, r#"{"status":409,"body":{"id":"\""}}"#);
    assert_eq!(finding.proof.output.as_deref(), Some(r#"{"id": """}"#));
    // What is sent first knows no answer.
    let sample = &samples(&["=== x\n---\n{\"name\": \"${input.event_type}\"}\n"])[0];
    assert!(linted(&sample.definition, &[])[0].proof.answer.is_none());
}

/// Ninety members of a body, 5 KB: a third escapes nothing, another may be missing.
#[test]
fn a_long_template_is_linted_whole() {
    let members: String = (0..30)
        .map(|n| {
            format!(
                "  \"type{n}\": \"${{input.event_type}}\",\n  \"city{n}\": \"${{input.city?json_string}}\",\n  \"plan{n}\": \"${{(mappedProperties.plan{n}!\"free\")?json_string}}\",\n"
            )
        })
        .collect();
    let text = format!("=== x\n---\n{{\n{members}  \"end\": true\n}}\n");
    let sample = &samples(&[&text])[0];
    let began = std::time::Instant::now();
    let found = linted(&sample.definition, &[]);
    println!("{} bytes in {:?}", sample.template.len(), began.elapsed());
    assert_eq!(found.len(), 60);
    assert!(found.iter().all(|finding| finding.mend.is_some()));
}

#[test]
fn hostile_definitions_are_linted_within_bounds() {
    let many: String = (0..400)
        .map(|n| format!("\"k{n}\": \"${{input.event_properties.p{n}}}\",\n"))
        .collect();
    let endless = "<#list 1..1000000 as i><#list 1..1000000 as j>x</#list></#list>".to_owned();
    let wide = "${''?left_pad(900000, 'x')}".repeat(50);
    for template in [format!("{{{many} \"z\": 1}}"), endless, wide] {
        let sample = &samples(&[&format!("=== x\n---\n{template}\n")])[0];
        let began = std::time::Instant::now();
        assert!(linted(&sample.definition, &[]).len() <= 100);
        println!("{} bytes in {:?}", sample.template.len(), began.elapsed());
    }
}

/// A body with many members.
fn of_many(members: usize, member: impl Fn(usize) -> String, last: &str) -> Definition {
    let members: String = (0..members).map(member).collect();
    let sample = samples(&[&format!("=== x\n---\n{{{members} {last}}}\n")]);
    sample[0].definition.clone()
}

#[test]
fn a_fault_behind_many_sound_members_is_found() {
    let sound = |n| format!("\"k{n}\": ${{(input.event_properties.p{n})???c}},\n");
    let definition = of_many(160, sound, r#""z": "${input.country!""}""#);
    let found = linted_whole(&definition, &[]);
    assert_eq!(codes(&found.findings), [Code::Unescaped], "{found:#?}");
    assert!(found.looked_at_all(), "{:?}", found.left);
}

#[test]
fn what_is_cut_off_is_said() {
    let faulty = |n| format!("\"k{n}\": \"${{input.event_type}}{n}\",\n");
    let found = linted_whole(&of_many(130, faulty, r#""z": 1"#), &[]);
    assert_eq!(found.findings.len(), 100);
    assert!(!found.looked_at_all());
    let message = "there are more faults than are shown: mend these first";
    assert!(found.left.iter().any(|left| left.message == message));
    let sound = |n| format!("\"k{n}\": ${{(input.event_properties.p{n})???c}},\n");
    let found = linted_whole(&of_many(1_000, sound, r#""z": 1"#), &[]);
    assert!(!found.looked_at_all());
    assert!(found.left.iter().all(|each| each.pointer == "/events/body"));
}

/// Of the names that a template computes, those that are too many to be tried are counted.
#[test]
fn names_beyond_the_bound_are_said() {
    let left = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("\"p{n}\"")).collect();
        let (names, value) = (
            names.join(","),
            r#"${(mappedProperties[f]!"")?json_string}"#,
        );
        let text = format!(
            "=== x\n---\n{{<#list [{names}] as f>\"${{f}}\":\"{value}\"<#sep>,</#list>}}\n"
        );
        let found = linted_whole(&samples(&[&text])[0].definition, &[]);
        assert!(found.findings.is_empty(), "{:?}", found.findings);
        found.left
    };
    assert!(left(20).is_empty());
    let told = "16 of the names that the template computes were not varied";
    assert!(left(80).iter().any(|left| left.message == told));
}

/// Booleans in all samples: a text there is as much of a surprise as a number.
#[test]
fn surprises_of_type_are_advice_whatever_fails() {
    let text = concat!(
        "=== x\nsample: {\"event_type\": \"buy\", \"user_id\": \"ann-1\", ",
        "\"event_properties\": {\"vip\": true}, \"user_properties\": {}}\n---\n",
        "{\"a\": ${((input.event_properties.vip)!false)?string(\"true\", \"false\")}}\n"
    );
    let sample = &samples(&[text])[0];
    let found = linted(&sample.definition, &sample.events);
    assert!(!found.is_empty());
    for finding in found {
        assert_eq!(finding.severity, Severity::Advice, "{finding:#?}");
    }
    let text = "=== x\n---\n{\"a\": ${(input.event_properties.price!\"0\")?number}}\n";
    let found = linted(&samples(&[text])[0].definition, &[]);
    let fails = found.iter().find(|each| each.code == Code::RenderError);
    assert_eq!(fails.unwrap().severity, Severity::Error);
}

/// What was received besides the samples says of which types values are.
#[test]
fn what_was_received_decides_what_is_always_and_what_is_a_surprise() {
    let text = concat!(
        "=== x\nsample: {\"event_type\": \"buy\", \"user_id\": \"ann-1\", ",
        "\"event_properties\": {\"total\": 3}, \"user_properties\": {}}\n---\n",
        "{\"a\": \"${(input.event_properties.total!\"\")?json_string}\"}\n"
    );
    let sample = &samples(&[text])[0];
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp(1_780_036_800_000_000)));
    let found = |seen: &Seen| {
        let found = lint_received(&sample.definition, &sample.events, seen, &clock).findings;
        let told = found.iter().map(|each| (each.code, each.severity));
        told.collect::<Vec<_>>()
    };
    let surprise = (Code::WrongType, Severity::Advice);
    let number = (Code::QuotedNumber, Severity::Advice);
    let mut seen = Seen::default();
    assert_eq!(found(&seen), [surprise, number]);
    seen.note(Owner::User, "total", Type::Array);
    seen.note(Owner::Event, "other", Type::Array);
    assert_eq!(found(&seen), [surprise, number]);
    let mut partial = seen.clone();
    partial.note_partial(Owner::Event);
    assert_eq!(found(&partial), [surprise]);
    seen.note(Owner::Event, "total", Type::String);
    assert_eq!(found(&seen), [surprise]);
    seen.note(Owner::Event, "total", Type::Array);
    assert_eq!(found(&seen), [(Code::WrongType, Severity::Error)]);
}

/// What stands behind several conditions is come to, and what is not is named.
#[test]
fn what_no_event_was_found_for_is_said() {
    let nested = [include_str!("corpus/good_nested.txt")];
    for sample in samples(&nested) {
        let found = linted_whole(&sample.definition, &sample.events);
        assert!(found.looked_at_all(), "{}: {:?}", sample.name, found.left);
    }
    for sample in samples(&[include_str!("corpus/good_names.txt")]) {
        let found = linted_whole(&sample.definition, &sample.events);
        assert!(found.looked_at_all(), "{}: {:?}", sample.name, found.left);
    }
    for body in ["\"${input.event_type}\"", "1,"] {
        let text = format!(
            "=== x\n---\n{{\n<#if (input.event_type + \"x\")?upper_case == \"ABCDX\">\n\"a\": {body}\n</#if>}}\n"
        );
        let found = linted_whole(&samples(&[&text])[0].definition, &[]);
        assert!(!found.looked_at_all(), "{body}: {found:?}");
        let named = |left: &str| left.contains("in line 3");
        assert!(found.left.iter().any(|left| named(&left.message)));
    }
}

/// What an author has sent where there is no value is sent also where more is missing than the author thought of.
#[test]
fn mends_keep_the_defaults_of_authors() {
    for expression in [
        r#"(input.event_properties.b.c!"x")"#,
        r#"input.event_properties.b.c!"x""#,
        r#"(input.event_properties.b.c!"x")?upper_case?json_string"#,
        r#"((input.event_properties.b.c)!"x")?json_string"#,
    ] {
        let text = format!("=== x\n---\n{{\"a\":\"${{{expression}}}\"}}\n");
        let sample = &samples(&[&text])[0];
        let found = linted(&sample.definition, &[]);
        assert!(!found.is_empty(), "{expression}");
        for mend in found.iter().filter_map(|finding| finding.mend.as_ref()) {
            let template = mend.apply(&sample.template).unwrap();
            for fallback in [r#"!"")"#, "<#recover></#attempt>"] {
                assert!(!template.contains(fallback), "{template}");
            }
        }
    }
}

/// A text that holds an object is sent as one by what prints it bare: no mend makes a text of it.
#[test]
fn objects_within_texts_of_samples_stay_objects() {
    for (total, is_mended) in [(r#""12""#, true), (r#""{\"x\":1}""#, false)] {
        let text = format!(
            "=== x\nsample: {{\"event_type\": \"buy\", \"user_id\": \"ann-1\", \
             \"event_properties\": {{\"total\": {total}}}, \"user_properties\": {{}}}}\n---\n\
             {{\"a\":${{(input.event_properties.total)!0}}}}\n"
        );
        let sample = &samples(&[&text])[0];
        let found = linted(&sample.definition, &sample.events);
        let unquoted = found.iter().find(|each| each.code == Code::Unquoted);
        assert_eq!(unquoted.unwrap().mend.is_some(), is_mended, "{found:#?}");
    }
}
