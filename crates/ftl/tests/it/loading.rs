//! Templates that load others, and run text as code: what a host provides, and that nothing gets out of hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ftl::{Budgets, Engine, ErrorKind, Loader};
use serde_json::json;

fn engine(templates: &[(&str, &str)]) -> Engine {
    let templates: HashMap<_, _> = templates
        .iter()
        .map(|(name, source)| ((*name).to_owned(), (*source).to_owned()))
        .collect();
    Engine::new().loader(templates).budgets(Budgets {
        steps: 200_000,
        memory_bytes: 16 << 20,
        output_bytes: 1 << 20,
        depth: 300,
        ..Budgets::default()
    })
}

fn render(engine: &Engine, name: &str) -> Result<String, ftl::Error> {
    let mut out = Vec::new();
    engine.template(name)?.render(&json!({"x": 1}), &mut out)?;
    Ok(String::from_utf8(out).expect("UTF-8"))
}

#[test]
fn loading_and_running_text_keep_to_the_budgets() {
    for (main, kind) in [
        ("<#include 'main'>", ErrorKind::Depth),
        ("<#include 'twice'>", ErrorKind::Steps),
        (
            "<#macro m><@r'<@m/>'?interpret/></#macro><@m/>",
            ErrorKind::Depth,
        ),
        (
            "<#function f><#return 'f()'?eval></#function>${f()}",
            ErrorKind::Depth,
        ),
        (
            "<#list 1.. as i>${'${i?c} + 1'?eval}</#list>",
            ErrorKind::Steps,
        ),
        (
            "<#list 1.. as i><@'${i}'?interpret/></#list>",
            ErrorKind::Steps,
        ),
        (
            "<#assign s = ''?left_pad(300000, '(')>${s?eval}",
            ErrorKind::Memory,
        ),
        (
            "<#assign s = ''?left_pad(100000, '(')>${s?eval}",
            ErrorKind::Depth,
        ),
        (
            "<#list 1.. as i><#include 'text' parse=false></#list>",
            ErrorKind::Steps,
        ),
        (
            "<#list 1.. as i><#include 'none${i}' ignore_missing=true></#list>",
            ErrorKind::Steps,
        ),
    ] {
        let engine = engine(&[
            ("main", main),
            ("twice", "<#list 1..1000 as i><#include 'b'></#list>"),
            ("b", "<#list 1..1000 as i><#include 'text'></#list>"),
            ("text", "t"),
        ]);
        let error = render(&engine, "main").expect_err(main);
        assert_eq!(error.kind(), kind, "{main}: {error}");
        assert!(error.render().len() < 20_000, "{main}");
    }
}

#[test]
fn templates_that_import_each_other_end() {
    let engine = engine(&[
        ("a", "<#import 'b' as b><#assign x = 1>${b.y!0}"),
        ("b", "<#import 'a' as a><#assign y = 2 + (a.x!0)>"),
    ]);
    // The other imports the main template, too, which finds that other still empty.
    assert_eq!(render(&engine, "a").expect("renders"), "3");
}

#[test]
fn budgets_are_not_caught_by_an_attempt_around_an_include() {
    let engine = engine(&[
        (
            "main",
            "<#attempt><#include 'loop'><#recover>caught</#attempt>",
        ),
        ("loop", "<#list 1.. as i></#list>"),
    ]);
    let error = render(&engine, "main").expect_err("endless");
    assert_eq!(error.kind(), ErrorKind::Steps);
}

struct Counting(Arc<AtomicUsize>);

impl Loader for Counting {
    fn load(&self, name: &str) -> Result<Option<String>, String> {
        self.0.fetch_add(1, Ordering::Relaxed);
        match name {
            "main" => Ok(Some("<#include 'part'><#include '/part'>".to_owned())),
            "part" => Ok(Some("p".to_owned())),
            "broken" => Err("the disk is gone".to_owned()),
            _ => Ok(None),
        }
    }
}

#[test]
fn a_template_is_loaded_once_and_anew_for_other_settings() {
    let loads = Arc::new(AtomicUsize::new(0));
    let engine = Engine::new()
        .setting("localized_lookup", "false")
        .expect("a setting")
        .loader(Counting(Arc::clone(&loads)));
    for _ in 0..3 {
        assert_eq!(render(&engine, "main").expect("renders"), "pp");
    }
    assert_eq!(loads.load(Ordering::Relaxed), 2);
    let square = engine
        .setting("tag_syntax", "square_bracket")
        .expect("a setting");
    assert_eq!(
        render(&square, "main").expect("renders"),
        "<#include 'part'><#include '/part'>"
    );
}

#[test]
fn templates_of_the_locale_come_first_unless_that_is_turned_off() {
    let templates = HashMap::from([
        ("main.ftl".to_owned(), "plain".to_owned()),
        ("main_en.ftl".to_owned(), "english".to_owned()),
        ("main_de_CH.ftl".to_owned(), "swiss".to_owned()),
    ]);
    let engine = Engine::new().loader(templates);
    let rendered = |name: &str, value: &str| {
        let engine = engine.clone().setting(name, value).expect("a setting");
        render(&engine, "main.ftl").expect("renders")
    };
    assert_eq!(rendered("locale", "en_US"), "english");
    assert_eq!(rendered("locale", "de_CH"), "swiss");
    assert_eq!(rendered("locale", "de"), "plain");
    assert_eq!(rendered("localized_lookup", "false"), "plain");
}

#[test]
fn a_loaders_failure_is_told() {
    let loads = Arc::new(AtomicUsize::new(0));
    let engine = Engine::new().loader(Counting(loads));
    let error = engine.template("broken").expect_err("unreadable");
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Host, "the disk is gone")
    );
    let error = engine.template("nope").expect_err("not there");
    assert!(error.message().contains("\"nope\""), "{error}");
    let template = engine
        .compile("t", "a\n<#include 'broken'>")
        .expect("well-formed");
    let error = template
        .render(&json!({}), &mut Vec::new())
        .expect_err("unreadable");
    assert!(error.message().contains("the disk is gone"), "{error}");
    assert_eq!(error.span().map(|span| span.line), Some(2));
}

#[test]
fn a_name_from_the_data_can_not_leave_the_root() {
    let engine = engine(&[("main", "<#include '/../secret' + x>")]);
    let error = render(&engine, "main").expect_err("outside");
    assert!(error.message().contains("root directory"), "{error}");
}

#[test]
fn a_template_has_one_namespace_however_its_name_is_spelled() {
    let engine = engine(&[
        (
            "main",
            "<#import 'lib' as a><#import '/x/../lib' as b><#assign n = 5 in a>${b.n}",
        ),
        ("lib", "<#assign n = 1>"),
    ]);
    assert_eq!(render(&engine, "main").expect("renders"), "5");
}

#[test]
fn a_lazy_import_that_has_failed_stays_failed() {
    let engine = engine(&[(
        "main",
        "<#import 'none' as l><#list 1..2 as i><#attempt>${l.x!'empty'}<#recover>failed </#attempt></#list>",
    )]);
    let lazy = engine.setting("lazy_imports", "true").expect("a setting");
    assert_eq!(render(&lazy, "main").expect("renders"), "failed failed ");
}

#[test]
fn an_error_is_no_longer_there_after_its_recovery_has_failed() {
    let engine = engine(&[(
        "main",
        "<#attempt><#attempt>${a}<#recover>${b}</#attempt><#recover>in</#attempt>${.error}",
    )]);
    let error = render(&engine, "main").expect_err("no error to show");
    assert!(error.message().starts_with(".error"), "{error}");
}

#[test]
fn loops_hide_the_variables_of_a_macro_from_what_is_included() {
    let engine = engine(&[
        (
            "main",
            "<#macro m><#local x = 'local'><#list ['loop'] as x><#include 'a'></#list></#macro><@m/>",
        ),
        ("a", "<#list [1] as y><#include 'b'></#list>"),
        ("b", "${x} ${y}"),
    ]);
    assert_eq!(render(&engine, "main").expect("renders"), "loop 1");
}

#[test]
fn callables_with_arguments_do_not_nest_without_end() {
    for source in [
        "<#macro m a></#macro><#assign x=1><#list 1..9000 as i><#assign x=m?with_args([x])></#list>done",
        "<#macro m a></#macro><#assign x=1><#list 1..9000 as i><#assign x=m?with_args([[x]])></#list>done",
    ] {
        let engine = engine(&[("main", source)]);
        let small = std::thread::Builder::new().stack_size(256 * 1024);
        let rendered = small.spawn(move || render(&engine, "main").expect("renders"));
        let rendered = rendered.expect("a thread").join().expect("no overflow");
        assert_eq!(rendered, "done");
    }
    let chain =
        "<#assign x=.get_optional_template><#list 1..9000 as i><#assign x=x?with_args([])></#list>";
    let error = render(&engine(&[("main", chain)]), "main").expect_err("too deep");
    assert_eq!(error.kind(), ErrorKind::Depth);
}
