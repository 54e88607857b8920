//! What a host sees and provides.

use std::io;

use ftl::{Data, Engine, Entries, ErrorKind, Hash, Owned, Step, View};
use serde_json::json;

fn render(engine: &Engine, source: &str, data: &impl Data) -> Result<String, ftl::Error> {
    let mut out = Vec::new();
    engine.compile("host", source)?.render(data, &mut out)?;
    Ok(String::from_utf8(out).expect("UTF-8"))
}

#[test]
fn static_methods_of_the_host_are_called_and_other_classes_refused() {
    let engine = Engine::new().static_method("com.example.Utils", "describe", |args| match args {
        [View::Str(text)] => Ok(Owned::from(format!("<{text}>"))),
        [View::Seq(items)] => Ok(Owned::Int(items.len() as i64)),
        _ => Err("describe takes one string or sequence".to_owned()),
    });
    let source =
        r#"<#assign U=statics["com.example.Utils"]>${U.describe("a")} ${U.describe([1, 2] + [3])}"#;
    assert_eq!(
        render(&engine, source, &json!({})).expect("renders"),
        "<a> 3"
    );
    let error = render(
        &engine,
        r#"${statics["java.lang.System"].exit(1)}"#,
        &json!({}),
    )
    .expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Refused);
    let error = render(
        &engine,
        r#"${statics["com.example.Utils"].describe(1)}"#,
        &json!({}),
    )
    .expect_err("fails");
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Host, "describe takes one string or sequence")
    );
}

#[test]
fn what_reaches_out_of_the_template_is_refused_by_name() {
    for (source, name) in [
        (r#"${"freemarker.template.utility.Execute"?new()}"#, "?new"),
        ("${x?api.class}", "?api"),
        (r#"${"1+1"?eval}"#, "?eval"),
        (r#"<@"x"?interpret/>"#, "?interpret"),
        (r#"<#include "/etc/passwd">"#, "#include"),
        (r#"<#import "lib.ftl" as lib>"#, "#import"),
    ] {
        let engine = Engine::new().run_data_as_code(false);
        let error = engine.compile("refused", source).expect_err(source);
        assert_eq!(error.kind(), ErrorKind::Refused, "{source}");
        assert!(error.message().contains(name), "{source}: {error}");
    }
}

#[test]
fn the_clock_is_the_hosts() {
    let engine = Engine::new().clock(|| 1_646_078_821_795);
    assert_eq!(
        render(&engine, "${.now?iso_utc}", &json!({})).expect("renders"),
        "2022-02-28T20:07:01Z"
    );
    let error = render(&Engine::new(), "${.now}", &json!({})).expect_err("no clock");
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn references_tell_what_is_read_where_and_how() {
    let source = "<#assign x = 1>${input.user_id}\n<#if parameters[\"api_key\"]??>${x}</#if><#list input.tags![] as t>${t}${key[t]}</#list>";
    let template = Engine::new()
        .compile("references", source)
        .expect("well-formed");
    let references = template.references();
    let summary: Vec<_> = references
        .iter()
        .map(|reference| {
            (
                reference.root.as_str(),
                reference.steps.clone(),
                reference.guarded,
                reference.span.line,
                reference.span.column,
            )
        })
        .collect();
    let key = |name: &str| Step::Key(name.to_owned());
    assert_eq!(
        summary,
        [
            ("input", vec![key("user_id")], false, 1, 18),
            ("parameters", vec![key("api_key")], true, 2, 6),
            ("input", vec![key("tags")], true, 2, 47),
            ("input", vec![key("tags"), Step::Each], false, 2, 68),
            ("key", vec![Step::Dynamic], false, 2, 72),
            ("input", vec![key("tags"), Step::Each], false, 2, 76),
        ]
    );
}

#[test]
fn errors_are_structured_and_drawn() {
    let error = render(
        &Engine::new(),
        "one\n  ${input.nope} two",
        &json!({"input": {}}),
    )
    .expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::Missing);
    assert_eq!(error.blamed_expression(), Some("input.nope"));
    let span = error.span().expect("a place");
    assert_eq!(
        (span.line, span.column, span.end_line, span.end_column),
        (2, 5, 2, 14)
    );
    assert!(!error.to_string().contains('\n'), "one line: {error}");
    let drawn = error.render();
    assert!(
        drawn.contains("2 |   ${input.nope} two\n  |     ^^^^^^^^^^\n"),
        "{drawn}"
    );
    assert!(error.tips().count() >= 1);
}

#[test]
fn a_failed_render_writes_nothing() {
    let template = Engine::new()
        .compile("partial", "abc${nope}")
        .expect("well-formed");
    let mut out = b"before".to_vec();
    assert!(template.render_into(&json!({}), &mut out).is_err());
    assert_eq!(out, b"before");
}

struct Full;

impl io::Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("full"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_failing_writer_is_reported() {
    let template = Engine::new().compile("write", "abc").expect("well-formed");
    assert_eq!(
        template
            .render(&json!({}), &mut Full)
            .expect_err("full")
            .kind(),
        ErrorKind::Write
    );
}

/// A host's own tree: numbers are texts.
struct Event;

impl Hash for Event {
    fn get(&self, key: &str) -> Option<View<'_>> {
        (key == "id").then_some(View::Number("12345678901234567890.50"))
    }

    fn len(&self) -> usize {
        1
    }

    fn entries(&self) -> Entries<'_> {
        Box::new(std::iter::once((
            "id",
            View::Number("12345678901234567890.50"),
        )))
    }
}

impl Data for Event {
    fn view(&self) -> View<'_> {
        View::Hash(self)
    }
}

#[test]
fn numbers_of_any_precision_stay_exact() {
    let engine = Engine::new();
    assert_eq!(
        render(&engine, "${id?c} ${(id * 2)?c} ${id}", &Event).expect("renders"),
        "12345678901234567890.5 24691357802469135781 12,345,678,901,234,567,890.5"
    );
}

#[test]
fn templates_are_shared_between_threads() {
    let template = Engine::new()
        .compile("shared", "<#list 1..3 as i>${i}${x}</#list>")
        .expect("well-formed");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut out = Vec::new();
                template.render(&[("x", "y")], &mut out).expect("renders");
                assert_eq!(out, b"1y2y3y");
            });
        }
    });
}
