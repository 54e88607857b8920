//! Templates made to hang, to overflow the stack or to use up memory. Each ends soon, with the error of what it wanted
//! too much of; on a stack smaller than hosts have.

use std::time::{Duration, Instant};

use ftl::{Budgets, Data, Engine, ErrorKind, Seq, View};
use serde_json::json;

/// A quarter of a usual thread's.
const STACK_BYTES: usize = 512 * 1024;

/// Many times what any of these takes, also unoptimised and beside other tests; a quadratic one takes minutes.
const LIMIT: Duration = Duration::from_secs(30);

const BUDGETS: Budgets = Budgets {
    steps: 1_000_000,
    output_bytes: 4 << 20,
    depth: 1_000,
    memory_bytes: 64 << 20,
    regex_backtracking: 100_000,
    number_digits: 2_000,
};

/// Compiles and renders on a small stack, and drops everything there; says how it ended.
fn outcome(source: String) -> Result<usize, ErrorKind> {
    let shown: String = source.chars().take(100).collect();
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let ended = thread.spawn(move || {
        let mut out = Vec::new();
        let result = Engine::new()
            .budgets(BUDGETS)
            .compile("hostile", &source)
            .and_then(|template| template.render(&json!({}), &mut out));
        result.map(|()| out.len()).map_err(|error| {
            // To tell of it must not take long either.
            let told = error.render().len() + error.description().len() + error.stack_trace().len();
            assert!(told > 0);
            error.kind()
        })
    });
    let outcome = ended.expect("a thread").join().expect("no panic");
    let taken = start.elapsed();
    assert!(taken < LIMIT, "{taken:?}: {shown}");
    outcome
}

/// `open` so many times, `middle`, and `close` as many times.
fn nested(open: &str, middle: &str, close: &str) -> String {
    let times = 100_000;
    format!("{}{middle}{}", open.repeat(times), close.repeat(times))
}

/// `head`, so many times what `part` makes of a number, and `tail`.
fn series(times: usize, part: impl Fn(usize) -> String) -> String {
    (0..times).map(part).collect()
}

#[test]
fn nesting_too_deep_for_the_stack_is_refused() {
    for source in [
        format!("${{{}}}", nested("(", "1", ")")),
        format!("${{{}}}", nested("[", "1", "]")),
        format!("${{{}}}", nested("{'a':", "1", "}")),
        format!("${{{}}}", nested("a[", "1", "]")),
        format!("${{{}}}", nested("f(", "1", ")")),
        format!("${{{}}}", nested("a?then(1, ", "1", ")")),
        format!("${{{}}}", nested("a?map(x -> ", "1", ")")),
        format!("${{{}}}", nested("a!", "1", "")),
        format!("${{{}}}", nested("!", "true", "")),
        format!("${{a{}}}", ".a".repeat(100_000)),
        format!("${{a{}}}", "??".repeat(100_000)),
        format!("${{a{}}}", "[0]".repeat(100_000)),
        format!("${{a{}}}", "()".repeat(100_000)),
        format!("${{a{}}}", "?trim".repeat(100_000)),
        format!("${{1{}}}", "+1".repeat(100_000)),
        format!("${{true{}}}", "||true".repeat(100_000)),
        nested("<#if true>", "x", "</#if>"),
        nested("<#list [1] as a>", "x", "</#list>"),
        nested("<@a>", "x", "</@a>"),
        nested("<#attempt>", "x", "<#recover></#attempt>"),
        nested("<#switch 1><#case 1>", "x", "</#switch>"),
    ] {
        let shown: String = source.chars().take(40).collect();
        assert_eq!(outcome(source), Err(ErrorKind::Depth), "{shown}");
    }
}

#[test]
fn rows_of_operators_inside_each_other_count_together() {
    let mut tall = "a".to_owned();
    for _ in 0..150 {
        let [dots, times, plus, and] =
            [".a", "*1", "+1", "&&a"].map(|operator| operator.repeat(400));
        tall = format!("({tall}{dots}{times}{plus}{and})");
    }
    assert_eq!(outcome(format!("${{{tall}}}")), Err(ErrorKind::Depth));
    assert_eq!(outcome(format!("${{{tall}")), Err(ErrorKind::Depth));
    // What is just allowed fits on the stack.
    let row = |operator: &str| format!("${{1{}}}", operator.repeat(990));
    assert_eq!(outcome(row("+1")), Ok(3));
    assert_eq!(outcome(row("?abs")), Ok(1));
    let literal = series(990, |_| "+'${1 + 1}'".to_owned());
    assert_eq!(outcome(format!("${{''{literal}}}")), Ok(990));
    let mut deep = "1".to_owned();
    for _ in 0..180 {
        deep = format!("({deep}+1)");
    }
    assert_eq!(outcome(format!("${{{deep}}}")), Ok(3));
}

#[test]
fn compiling_takes_time_in_proportion_to_the_length() {
    for source in [
        "<#t>".repeat(400_000),
        "x<#t>\n".repeat(200_000),
        "<#if a??>\n</#if>\n".repeat(100_000),
        "<#-- x -->".repeat(200_000),
        "${'a'}".repeat(200_000),
        "<".repeat(2_000_000),
        "$".repeat(2_000_000),
        "${'".repeat(300_000),
        "${a<#--".repeat(300_000),
        "<@a <#-- ".repeat(300_000),
        // Each may be read in two ways.
        format!("${{{}", "a!(b.".repeat(60)),
        format!("${{{}", "a![b[.1 ".repeat(60)),
        format!("<#if false>{}</#if>", "<#elseif false>x".repeat(100_000)),
        format!("<#switch 1>{}</#switch>", "<#case 2>x".repeat(50_000)),
        format!("<#switch 1>{}</#switch>", "<#on 2>x".repeat(50_000)),
        "<#list [1]><#items\tas\ty></#items></#list>".repeat(50_000),
        series(100_000, |i| format!("<#assign a{i}=1>")),
        series(50_000, |i| format!("<#macro a{i} x y=1></#macro>")),
        format!(
            "<#assign h={{{}}}>",
            series(100_000, |i| format!("'a{i}':1,"))
        ),
        format!(
            "<#macro m {}></#macro><@m {}/>",
            series(50_000, |i| format!("a{i} ")),
            series(50_000, |i| format!("a{i}=1 "))
        ),
        format!("${{''{}}}", format!("+'{}'", "x".repeat(2_000)).repeat(900)),
    ] {
        let shown: String = source.chars().take(40).collect();
        let ended = outcome(source);
        assert!(
            !matches!(ended, Err(ErrorKind::Depth)),
            "{shown}: {ended:?}"
        );
    }
}

#[test]
fn lines_of_nothing_but_tags_are_stripped_up_to_a_bound() {
    assert_eq!(outcome("x<#t>".repeat(500)), Ok(500));
    assert_eq!(outcome("<#assign a=1> ".repeat(1_000)), Ok(0));
    assert_eq!(outcome("x<#t>".repeat(200_000)), Err(ErrorKind::Steps));
}

#[test]
fn escapes_cannot_multiply() {
    let doubling = "<#escape x as x + x>";
    assert_eq!(
        outcome(nested(doubling, "${1}", "</#escape>")),
        Err(ErrorKind::Depth)
    );
    let few = format!("{}${{1}}{}", doubling.repeat(3), "</#escape>".repeat(3));
    assert_eq!(outcome(few), Ok(1));
    let long = "x + ".repeat(200);
    let source = format!(
        "<#escape x as {long} x>{}</#escape>",
        "${a.b.c.d.e.f.g.h}".repeat(10_000)
    );
    assert_eq!(outcome(source), Err(ErrorKind::Memory));
}

#[test]
fn endless_loops_and_exploding_calls_run_out_of_steps() {
    for source in [
        "<#list 1.. as i></#list>",
        "<#list 1..><#items as i></#items></#list>",
        "<#list (1..)?map(x -> x) as x></#list>",
        "<#assign z={}><#list 1.. as i><#assign z = z + .vars></#list>",
        "<#list (1..)?filter(x -> false) as x></#list>",
        "${(1..)?map(x -> x)?join(',')}",
        "${(1..100000000)?reverse?size}",
        "${(1..100000000)?min}",
        "${(1..100000000)?seq_index_of(-1)}",
        "${(1..100000000)?chunk(1)?size}",
        "<#macro m n><#if n gt 0><@m n-1/><@m n-1/></#if></#macro><@m 900/>",
        "<#macro m><#nested><#nested></#macro><#macro n k><#if k gt 0><@m><@n k-1/></@m></#if></#macro><@n 60/>",
        "<#function f n><#if n lt 2><#return n></#if><#return f(n-1)+f(n-2)></#function>${f(300)}",
        "<#list 1..10000000 as i><#setting locale='de_' + i></#list>",
        "<#list 1..10000000 as i><#setting time_zone='Europe/Berlin'><#assign x = 0?number_to_datetime?string('z')></#list>",
        "<#assign d=(''?left_pad(900,'7'))?number><#list 1..10000000 as i><#assign x=d*d></#list>",
        "<#assign d=(''?left_pad(900,'7'))?number><#list 1..10000000 as i><#assign x=d/3></#list>",
    ] {
        let ended = outcome(source.to_owned());
        assert!(
            matches!(ended, Err(ErrorKind::Steps | ErrorKind::Memory)),
            "{source}: {ended:?}"
        );
    }
}

#[test]
fn what_is_cheap_to_write_but_long_to_do_costs_steps() {
    let round = |body: &str| {
        format!(
            "<#assign a=1 s=''?left_pad(3000000, 'ab') t=s+'' h={{s: 1}} l=(1..100)?map(x -> s)>\
             <#list 1..10000000 as i>{body}</#list>"
        )
    };
    let comparisons = vec!["a==2"; 900].join("||");
    let conditions = vec![format!("({comparisons})"); 50].join("||");
    for source in [
        round("<#if s?contains('c')></#if>"),
        round("<#if s?length == 1></#if>"),
        round("<#if s?trim == '1'></#if>"),
        round("<#if s == t></#if>"),
        round("<#switch s><#case t></#switch>"),
        round("<#if s?switch(t, 1) == 1></#if>"),
        round("<#if h[s] == 1></#if>"),
        round("<#if .vars[s]??></#if>"),
        round("<#if s[2999999] == 'a'></#if>"),
        round("<#if s?starts_with(t)></#if>"),
        round("<#if 'a'?contains(t)></#if>"),
        round("<#if s?last_index_of('x') == 1></#if>"),
        round("<#if s?matches('c')></#if>"),
        round("<#if l?seq_contains(t)></#if>"),
        round("<#attempt>${s?number}<#recover></#attempt>"),
        round("<#attempt>${s?date('yyyy')}<#recover></#attempt>"),
        round("<#attempt>${s?boolean?c}<#recover></#attempt>"),
        round("<#attempt><#stop s><#recover></#attempt>"),
        round("<#attempt>${nothing}<#recover></#attempt>"),
        round(&format!("<#if {conditions}></#if>")),
        round(&format!(
            "<#if a==2>{}</#if>",
            "<#elseif a==2>".repeat(20_000)
        )),
        round(&format!(
            "<#switch a>{}</#switch>",
            "<#case 2>".repeat(20_000)
        )),
        round(&format!("<#compress>{}</#compress>", " ".repeat(100_000))),
        round(&format!("<#assign x=l?filter(x -> {conditions})?size>")),
        format!(
            "{}<#list 1..1000000 as i><#attempt>${{x}}<#recover></#attempt></#list>",
            "y".repeat(1_000_000)
        ),
    ] {
        let shown: String = source.chars().skip(110).take(60).collect();
        let ended = outcome(source);
        assert!(
            matches!(ended, Err(ErrorKind::Steps | ErrorKind::Memory)),
            "{shown}: {ended:?}"
        );
    }
}

#[test]
fn what_grows_runs_out_of_memory() {
    for source in [
        "${''?left_pad(2147483647)}",
        "${''?right_pad(2147483647, '😀')}",
        "${[1]?chunk(2147483647, 0)?first?size}",
        "<#assign s='aa'><#list 1..100 as i><#assign s=s?replace('a','aa')></#list>",
        "<#assign s=[1]><#list 1..10000000 as i><#assign s=s+[i]></#list>",
        "<#assign s={}><#list 1..10000000 as i><#assign s=s+{'a'+i:i}></#list>",
        "<#assign s=''><#list 1..10000000 as i><#assign s+='ab'></#list>",
        "<#assign s=[1]><#list 1..100 as i><#assign s=s+s></#list>",
        "<#assign s=''?left_pad(3000000)>${s?split('')?size}",
        "<#assign s=''?left_pad(3000000, '<')>${s?html?html?html?length}",
        "<#setting url_escaping_charset='UTF-8'><#assign s=''?left_pad(3000000, '<')>${s?url?url?url?length}",
        "${(1..1000000)?join(''?left_pad(1000))}",
        "${(1..1000000)?sort?size}",
        "${(1..100000)?map(x -> ''?left_pad(100, 'a'))?sort?size}",
        "<#assign s='a'><#list 1..40 as i><#assign s=s+s></#list>",
        "<#assign s='a'><#list 1..40 as i><#assign s='${s}${s}'></#list>",
        "<#assign s=''?left_pad(4000000, 'a')>${(s + '${s}${s}${s}${s}${s}${s}${s}${s}${s}${s}${s}${s}')?length}",
        "<#assign s=''?left_pad(1000000, 'a')>${s?replace('a+', '$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0', 'r')?length}",
        "<#assign s=''?left_pad(1000000, 'a') l=[]><#list 1..100 as i><#assign l=l + [s?matches('(((((((a*)))))))')]></#list>${l?size}",
        "<#assign s=''?left_pad(1000000, 'a ')>${s?word_list?size}${s?split(' ')?size}${s?split('')?size}",
        "<#assign h={}><#list 1..20 as i><#assign h=h + {'a' + i: h} + h></#list><#list 1..1000000 as i><#assign h=h + {'b' + i: i}></#list>",
    ] {
        let ended = outcome(source.to_owned());
        assert!(
            matches!(ended, Err(ErrorKind::Steps | ErrorKind::Memory)),
            "{source}: {ended:?}"
        );
    }
}

#[test]
fn failures_within_each_other_are_told_up_to_a_bound() {
    // The depth is used up at the innermost level, which is all that is told.
    for source in [
        "<#assign x='<@x?interpret/>'><@x?interpret/>",
        "<#assign x='<#attempt><@x?interpret/><#recover>$\\{.error}</#attempt>'><@x?interpret/>",
        "<#assign x='x?eval'>${x?eval}",
        "<#macro m><@'<@m/>'?interpret/></#macro><@m/>",
    ] {
        assert_eq!(
            outcome(source.to_owned()),
            Err(ErrorKind::Depth),
            "{source}"
        );
        let error = failure(source);
        assert!(!error.description().contains("begin-message"), "{source}");
    }
    // Another failure is told with all that is around it, as far as there is room.
    let failing = |levels: usize| {
        format!(
            "<#assign n=0 x='<#assign n++><#if n == {levels}>$\\{{missing}}</#if><@x?interpret/>'><@x?interpret/>"
        )
    };
    let told = failure(&failing(100)).description();
    assert_eq!(told.matches("---begin-message---").count(), 100);
    assert!(told.contains("\n==> missing  [in template"));
    let told = failure(&failing(400)).description();
    assert!(told.ends_with(" [...]"));
    assert!(told.len() < 3 << 20, "{}", told.len());
    assert_eq!(outcome(failing(400)), Err(ErrorKind::Missing));
    // A name is part of each line of the stack below it.
    let named = "<#assign n=0 x='<#assign n++><#if n == 40>$\\{missing}</#if><@[x,n+\"y\"?left_pad(9999)]?interpret/>'><@x?interpret/>";
    assert_eq!(outcome(named.to_owned()), Err(ErrorKind::Missing));
}

/// The failure of a template without data.
fn failure(source: &str) -> ftl::Error {
    let template = Engine::new().budgets(BUDGETS).compile("hostile", source);
    let rendered = template.and_then(|template| template.render(&json!({}), &mut Vec::new()));
    rendered.expect_err("it fails")
}

#[test]
fn failures_that_are_kept_count_as_memory() {
    let doubling = "<#assign e='x'?left_pad(1000, 'x')><#list 1..1000 as i>\
        <#attempt>${(e + e)?number}<#recover><#assign e=.error></#attempt></#list>";
    assert_eq!(outcome(doubling.to_owned()), Err(ErrorKind::Memory));
}

#[test]
fn patterns_that_are_too_large_use_up_a_budget_of_their_own() {
    for pattern in [
        r"\\p{L}{1,255}|.{0,5000}|[^,]{0,20000}|(.{1,200}\\s){1,20}|((a{1,1000}){1,1000}){9}",
        r"(?:\\p{L}{1,200}){0,200}x{70000}",
        r"\\Qaaaaaaaaaa\\E{200000}",
    ] {
        let source = format!("${{'x'?matches('{pattern}')?c}}");
        assert!(outcome(source).is_ok(), "{pattern}");
    }
    let properties = r"(?=\\pL)".repeat(1_200);
    let long = "a".repeat(10_001);
    for pattern in [properties, long] {
        let source = format!("${{'x'?matches('{pattern}')?c}}");
        let shown: String = pattern.chars().take(40).collect();
        assert_eq!(outcome(source), Err(ErrorKind::Regex), "{shown}");
    }
    // To compile them takes steps.
    let often = r"<#list 1..1000000 as i><#if 'x'?matches('\\p{L}{10}y')></#if></#list>";
    assert_eq!(outcome(often.to_owned()), Err(ErrorKind::Steps));
}

#[test]
fn numbers_dates_and_patterns_of_a_megabyte_are_refused_or_cut_short() {
    for source in [
        "<#assign x=10><#list 1..100 as i><#assign x=x*x></#list>${x}",
        "${'1e-2000000'?number}",
        "${'1e2000000'?number}",
        "${'1e-2147483647'?number * 1}",
        "${(''?left_pad(1000000,'7'))?number}",
        "${1?string(''?left_pad(1000000,'0'))}",
        "${1?string(''?left_pad(1000000,'#,'))}",
        "${0?number_to_date?string(''?left_pad(1000000,'y'))}",
        "${0?number_to_date?string(''?left_pad(1000000,'yMdHms'))}",
        "${0?number_to_date?string(''?left_pad(1000000,'zzzz '))}",
        "${(''?left_pad(1000000,'1'))?date('yyyy')}",
        "${(''?left_pad(1000000,'1'))?datetime('iso')}",
        "${(''?left_pad(1000000,'2020 '))?date(''?left_pad(1000000,'yyyy '))}",
        "${(''?left_pad(1000000,'['))?eval_json?size}",
        r"${('a'?left_pad(40,'a')+'b')?matches('(a|aa)+(?=c)$')?c}",
        r"${('a'?left_pad(5000,'a'))?replace('(.*)*\\1x', 'b', 'r')}",
        r"${'x'?matches('((((((((a{0,200}){0,200}){0,200}))))))')?c}",
        r"${'x'?matches(''?left_pad(1000000, '(a'))?c}",
    ] {
        let ended = outcome(source.to_owned());
        assert!(
            ended.is_err() || ended.is_ok_and(|length| length < 100),
            "{source}: {ended:?}"
        );
    }
    let digits = "'1e-1900'?number * '1e-1900'?number".to_owned();
    assert!(outcome(format!("${{{digits}}}")).is_ok_and(|length| length < 10));
}

#[test]
fn values_nested_beyond_the_stack_are_dropped_all_the_same() {
    for source in [
        "<#assign s=[1]><#list 1..100000 as i><#assign s=[s]></#list>ok",
        "<#assign s={}><#list 1..100000 as i><#assign s={'a': s}></#list>ok",
        "<#assign s=[1]><#list 1..100000 as i><#assign s=s?chunk(1)></#list>ok",
        "<#assign s={}><#list 1..50000 as i><#assign s=[{'a': s}] + [s]></#list>ok",
        "<#assign s={}><#list 1..50000 as i><#assign s={'a': s} + .globals></#list>ok",
        "<#assign s=[1]><#list 1..100000 as i><#assign s=[s?join]></#list>ok",
        "<#macro m></#macro><#assign f=m><#list 1..100000 as i><#assign f=f?with_args></#list>ok",
    ] {
        assert_eq!(outcome(source.to_owned()), Ok(2), "{source}");
    }
}

/// A list in a list in a list …, as deep as one looks.
struct Abyss;

impl Seq for Abyss {
    fn len(&self) -> usize {
        1
    }

    fn get(&self, _: usize) -> Option<View<'_>> {
        Some(View::Seq(self))
    }
}

#[test]
fn data_may_be_as_deep_as_it_likes() {
    let data = [("abyss", View::Seq(&Abyss))];
    let render = |source: &str| {
        let mut out = Vec::new();
        Engine::new()
            .budgets(BUDGETS)
            .compile("deep", source)
            .and_then(|template| template.render(&data, &mut out))
            .map_err(|error| error.kind())
            .map(|()| String::from_utf8_lossy(&out).into_owned())
    };
    assert!(matches!(data.view(), View::Hash(_)));
    let dive = "<#assign x = abyss><#list 1..100000 as i><#assign x = x[0]></#list>${x?size}";
    assert_eq!(render(dive), Ok("1".to_owned()));
    let recursion = "<#macro dive x><@dive x[0]/></#macro><@dive abyss/>";
    assert_eq!(render(recursion), Err(ErrorKind::Depth));
    assert_eq!(render("${abyss}"), Err(ErrorKind::Type));
    assert_eq!(render("${abyss?join('')}"), Err(ErrorKind::Type));
}
