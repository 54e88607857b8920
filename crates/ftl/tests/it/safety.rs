//! Nothing a template or its data does may panic, hang or use up the machine.

use ftl::{Budgets, Engine, ErrorKind};
use proptest::prelude::*;
use serde_json::json;

fn failure(source: &str) -> ErrorKind {
    let budgets = Budgets {
        steps: 100_000,
        output_bytes: 100_000,
        depth: 200,
        memory_bytes: 10_000_000,
        regex_backtracking: 10_000,
        number_digits: 1_000,
    };
    let mut out = Vec::new();
    let engine = Engine::new().budgets(budgets);
    let result = engine
        .compile("hostile", source)
        .and_then(|template| template.render(&json!({}), &mut out));
    result.expect_err(source).kind()
}

#[test]
fn every_budget_has_its_own_error() {
    for (source, kind) in [
        ("<#list 1.. as i></#list>", ErrorKind::Steps),
        ("<#list 1..100000000 as i>x</#list>", ErrorKind::Steps),
        ("${(1..100000000)?reverse?size}", ErrorKind::Steps),
        (
            "<#assign x = 'abcdefghij'><#list 1..90000 as i>${x}</#list>",
            ErrorKind::Output,
        ),
        ("<#macro m><@m/></#macro><@m/>", ErrorKind::Depth),
        (
            "<#function f x><#return f(x)></#function>${f(1)}",
            ErrorKind::Depth,
        ),
        (
            "<#macro m><#nested><#nested></#macro><#macro n><@m><@n/></@m></#macro><@n/>",
            ErrorKind::Depth,
        ),
        ("${''?left_pad(2147483647)}", ErrorKind::Memory),
        (
            "<#assign x = 'ab'><#list 1..100 as i><#assign x = x + x></#list>",
            ErrorKind::Memory,
        ),
        (
            "<#assign x = 10><#list 1..100 as i><#assign x = x * x></#list>",
            ErrorKind::NumberSize,
        ),
        ("${'1e999999'?number}", ErrorKind::NumberSize),
        (
            r"${('a'?left_pad(40, 'a') + 'b')?matches('(a|aa)+(?=c)$')?c}",
            ErrorKind::Regex,
        ),
    ] {
        assert_eq!(failure(source), kind, "{source}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let parens = format!("${{{}1{}}}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(failure(&parens), ErrorKind::Depth);
    let blocks = "<#if true>".repeat(100_000);
    assert_eq!(failure(&blocks), ErrorKind::Depth);
    let chain = format!("${{1{}}}", "+1".repeat(100_000));
    assert_eq!(failure(&chain), ErrorKind::Depth);
    let nots = format!("${{{}true}}", "!".repeat(100_000));
    assert_eq!(failure(&nots), ErrorKind::Depth);
}

#[test]
fn attempts_do_not_catch_a_used_up_budget() {
    assert_eq!(
        failure("<#attempt><#list 1.. as i></#list><#recover>caught</#attempt>"),
        ErrorKind::Steps
    );
}

fn try_out(source: &str) {
    let budgets = Budgets {
        steps: 10_000,
        output_bytes: 1 << 20,
        memory_bytes: 4 << 20,
        ..Budgets::default()
    };
    if let Ok(template) = Engine::new().budgets(budgets).compile("random", source) {
        let data = json!({"a": {"b": [1, 2.5, "x", null, {"c": true}]}, "s": "héllo 😀", "n": -3});
        let _ = template.render(&data, &mut Vec::new());
        let _ = template.references();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(source in any::<String>()) {
        try_out(&source);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        try_out(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn arbitrary_pieces_of_templates_never_panic(pieces in prop::collection::vec(piece(), 0..24)) {
        try_out(&pieces.concat());
    }

    #[test]
    fn arbitrary_expressions_never_panic(pieces in prop::collection::vec(token(), 0..10)) {
        try_out(&format!("${{{}}}", pieces.concat()));
    }

    #[test]
    fn arbitrary_formats_never_panic(format in "[#0.,;%'EyMdHhmsSazXZ \\-¤]{0,12}") {
        try_out(&format!("<#setting number_format=\"{format}\">${{n}} ${{a.b[1]}} ${{1/3}} ${{12345678}}"));
        try_out(&format!("${{1234567890123?number_to_datetime?string(\"{format}\")}}${{s?datetime(\"{format}\")}}"));
    }
}

/// A piece of a template: every directive in turn, as a tag of each kind.
fn piece() -> impl Strategy<Value = String> {
    let directives: Vec<_> = ftl::directive_names().collect();
    let tag = (
        prop::sample::select(directives),
        prop::sample::select(PARAMETERS),
    )
        .prop_map(|(name, parameters)| match parameters {
            "/" => format!("</#{name}>"),
            "" => format!("<#{name}>"),
            parameters => format!("<#{name} {parameters}>"),
        });
    prop_oneof![
        2 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => tag,
        1 => token().prop_map(|token| format!("${{s{token}}}${{a.b{token}}}")),
    ]
}

/// A token of an expression: every built-in in turn, with and without arguments.
fn token() -> impl Strategy<Value = String> {
    let builtins: Vec<_> = ftl::builtin_names().collect();
    let builtin = (
        prop::sample::select(builtins),
        prop::sample::select(ARGUMENTS),
    )
        .prop_map(|(name, arguments)| format!("?{name}{arguments}"));
    prop_oneof![
        2 => prop::sample::select(TOKENS).prop_map(str::to_owned),
        1 => builtin,
    ]
}

const PARAMETERS: &[&str] = &[
    "",
    "/",
    "x",
    "a",
    "a.b as x",
    "a as k, v",
    "x in a.b",
    "x as x?html",
    "x = 1",
    "x p=1 q...",
    "m",
    "'HTML'",
    "1, 2",
    "number_format='0.0'",
    "output_format='XML'",
    "x ; y",
];

const ARGUMENTS: &[&str] = &[
    "",
    "()",
    "(1)",
    "(-1, 2)",
    "('l')",
    "('.', 'r')",
    "('l', 'é', 'f')",
    "(s, n)",
    "(a)",
    "(x -> x)",
    "(x -> x??)",
    ".short",
    "[0]",
    "[\"yyyy-MM-dd\"]",
];

const PIECES: &[&str] = &[
    "text ",
    "\n",
    "  ",
    "${a.b[0]}",
    "${s}",
    "#{n}",
    "#{n; m1M2}",
    "<#if a??>",
    "<#elseif true>",
    "<#else>",
    "</#if>",
    "<#list a.b as x>",
    "${x!}",
    "<#sep>, </#sep>",
    "<#items as y>",
    "</#items>",
    "</#list>",
    "<#list a as k, v>",
    "<#break>",
    "<#continue>",
    "<#assign q = 1>",
    "<#assign q>",
    "</#assign>",
    "<#macro m p=1>",
    "<#nested 1>",
    "</#macro>",
    "<@m>",
    "<@m p=2 ; z>",
    "</@m>",
    "</@>",
    "<@m/>",
    "<#function f x>",
    "<#return x>",
    "</#function>",
    "${f(1)}",
    "<#switch n>",
    "<#case -3>",
    "<#default>",
    "</#switch>",
    "<#attempt>",
    "<#recover>",
    "</#attempt>",
    "<#compress>",
    "</#compress>",
    "<#noparse>",
    "</#noparse>",
    "<#t>",
    "<#rt>",
    "<#lt>",
    "<#nt>",
    "<#-- c -->",
    "<#escape x as x?html>",
    "</#escape>",
    "<#ftl>",
    "<#local l = 1>",
    "<#global g = 2>",
    "<#stop 'x'>",
    "<#setting locale='en'>",
    "</#foo>",
    "<#",
    "${",
    "}",
    ">",
    "😀",
];

const TOKENS: &[&str] = &[
    "a",
    ".b",
    "[0]",
    "[1..]",
    "[3..1]",
    "[0..*9]",
    "s",
    "n",
    "+",
    "-",
    "*",
    "/",
    "%",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "'x'",
    "\"${s}\"",
    "r'\\d'",
    "!",
    "??",
    "?",
    "?size",
    "?string",
    "?c",
    "?upper_case",
    "?substring(1)",
    "?substring(2, 3)",
    "?sort",
    "?join(',')",
    "?map(x -> x)",
    "?filter(x -> x??)",
    "?keys",
    "?first",
    "?last",
    "?reverse",
    "?chunk(2)",
    "?replace('l', 'L')",
    "?split('')",
    "?matches('(.)')",
    "?groups",
    "?left_pad(9, '😀')",
    "?index_of('😀')",
    "?number",
    "?date",
    "?iso_utc",
    "?long",
    "?then(1, 2)",
    "?eval_json",
    "?json_string",
    "?capitalize",
    "?length",
    "..",
    "1",
    "2.50",
    " && ",
    " || ",
    "==",
    " gt ",
    "true",
    ".now",
    ".vars",
    "?round",
    "?abs",
    "?url",
    "?last_index_of('l', 3)",
    "?keep_before('l')",
    "?seq_index_of(1)",
];
