//! What a template reads of its data, without running it.

use ftl::{Engine, Step};

/// What is read, as `root.key[0][?][*]`, with a `?` behind it if that is guarded.
fn reads(source: &str) -> Vec<String> {
    let template = Engine::new().compile("t", source).expect("well-formed");
    let mut reads = Vec::new();
    for reference in template.references() {
        let mut path = reference.root;
        for step in reference.steps {
            match step {
                Step::Key(key) => path.push_str(&format!(".{key}")),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Dynamic => path.push_str("[?]"),
                Step::Each => path.push_str("[*]"),
            }
        }
        if reference.guarded {
            path.push('?');
        }
        reads.push(path);
    }
    reads
}

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(reads(source), expected, "{source}");
}

#[test]
fn aliases_are_followed() {
    check(
        "<#assign u = input.user>${u.name}",
        &["input.user", "input.user.name"],
    );
    check(
        "<#global u = input.user><#assign n = u.name>${n.first}",
        &["input.user", "input.user.name", "input.user.name.first"],
    );
    check("${(input.user).name}", &["input.user.name", "input.user"]);
    check(
        "<#assign h = {'u': input.user}>${h.u.name}",
        &["input.user", "input.user.name"],
    );
    check(
        "${.data_model.input.id}${.vars['x'].y}",
        &["input.id", "x.y"],
    );
}

#[test]
fn globals_that_are_set_are_not_the_datas() {
    let name = "input.name";
    check("<#global g = 1>${.globals.g}${.globals['g']}", &[]);
    check("<#global g = input>${.globals.g.name}", &["input", name]);
    check(
        "<#global g = input>${.globals['g'].name!}",
        &["input", "input.name?"],
    );
    check("${.globals.g}", &["g"]);
    // Before it is set, and where it may not be set, it is.
    check("${.globals.g}<#global g = 1>", &["g"]);
    check("<#if c><#global g = 1></#if>${.globals.g}", &["c", "g"]);
    check("<#assign g = 1>${.globals.g}", &["g"]);
}

#[test]
fn loops_read_each_item() {
    check(
        "<#list input.items as i>${i.id}</#list>",
        &["input.items", "input.items[*].id"],
    );
    check("<#list h as k, v>${k}${v.x}</#list>", &["h", "h[*].x"]);
    check(
        "<#list xs>a<#items as x>${x}</#items></#list>",
        &["xs", "xs[*]"],
    );
    check(
        "<#list xs?chunk(2) as row><#list row as x>${x.id}</#list></#list>",
        &["xs", "xs", "xs[*].id"],
    );
    check(
        "<#list xs as x>${x_index}${x?index}</#list>",
        &["xs", "xs[*]"],
    );
    check(
        "<#list a as x><#list x.b as y>${y}</#list></#list>",
        &["a", "a[*].b", "a[*].b[*]"],
    );
}

#[test]
fn built_ins_hand_values_on() {
    check(
        "${input.items?map(i -> i.price)?join(',')}",
        &["input.items", "input.items[*].price"],
    );
    check(
        "${xs?filter(x -> x.ok)?first.id}",
        &["xs", "xs[*].id", "xs[*].ok"],
    );
    check(
        "${xs?last.a}${xs[1..2][0].b}",
        &["xs", "xs[*].a", "xs[0].b"],
    );
    check("<#list h?values as v>${v.n}</#list>", &["h", "h[*].n"]);
    check(
        "<#list xs?sort_by('a')?reverse as x>${x.b}</#list>",
        &["xs", "xs[*].b"],
    );
    check("${(c.d)?then(a, b).e}", &["a.e", "b.e", "c.d", "a", "b"]);
    check(
        "${m[k].v}${m['k'].v}${m[0]}",
        &["m[?].v", "k", "m.k.v", "m[0]"],
    );
}

#[test]
fn macros_and_functions_are_called() {
    check(
        "<#macro m u>${u.name}</#macro><@m input.user/><@m u=other/>",
        &["input.user.name", "other.name", "input.user", "other"],
    );
    check(
        "<#function f x><#return x.y></#function>${f(input).z}",
        &["input.y", "input.y.z", "input"],
    );
    check(
        "<#macro each xs><#list xs as x><#nested x></#list></#macro><@each items; i>${i.id}</@each>",
        &["items", "items[*]", "items", "items[*].id"],
    );
    check(
        "<#macro never a=d.e>${a.f}${g}</#macro>",
        &["d.e", "d.e.f", "g"],
    );
    // A macro that calls itself ends.
    check(
        "<#macro tree n>${n.v}<#list n.c as k><@tree k/></#list></#macro><@tree root/>",
        &[
            "root.c[*].v",
            "root.v",
            "root.c",
            "root.c[*].c",
            "root.c[*]",
            "root.c[*].c[*]",
            "root",
        ],
    );
}

#[test]
fn a_name_that_may_be_unassigned_is_the_datas() {
    check("<#if c><#assign x = 1></#if>${x}", &["c", "x"]);
    check(
        "<#if c><#assign x = 1><#else><#assign x = d></#if>${x}",
        &["c", "d", "d"],
    );
    check("${x}<#assign x = 1>${x}", &["x"]);
    check(
        "<#list xs as i>${y}<#assign y = i></#list>",
        &["xs", "xs[*]", "y", "xs[*]"],
    );
}

#[test]
fn guards_are_seen_from_afar() {
    check(
        "${a!}${a.b!c.d}${(a.b)!}${a??}",
        &["a?", "a.b?", "c.d", "a.b?", "a?"],
    );
    check(
        "<#if a.b??>${a.b}${a}${a.b.c}</#if>${a.b}",
        &["a.b?", "a.b?", "a?", "a.b.c", "a.b"],
    );
    check("<#if !a??>${a}<#else>${a}</#if>", &["a?", "a", "a?"]);
    check(
        "<#if a?? && a.b><#elseif b?has_content>${b}</#if>",
        &["a?", "a.b", "b?", "b?"],
    );
    check(
        "<#if a?? && a == 1></#if><#if !a?? || a == 1></#if>",
        &["a?", "a?", "a?", "a?"],
    );
    check(
        "<#assign u = i.u><#if u.n??>${i.u.n}</#if>",
        &["i.u", "i.u.n?", "i.u.n?"],
    );
    check("${a???then(a, 'none')}", &["a?", "a?"]);
    // What is read twice, once unguarded, isn't guarded.
    check(
        "<#macro m>${a}</#macro><#if a??><@m/></#if><@m/>",
        &["a", "a?"],
    );
}

#[test]
fn hostile_templates_are_inspected_in_bounded_time() {
    let calls: String = (0..20).map(|at| format!("<@m{at}/>")).collect();
    let macros: String = (0..20)
        .map(|at| format!("<#macro m{at}>{calls}${{x{at}}}</#macro>"))
        .collect();
    assert_eq!(reads(&(macros + &calls)).len(), 20);
    let loops = "<#list a as x><#assign v = v!x>".repeat(60) + &"</#list>".repeat(60);
    assert!(!reads(&loops).is_empty());
    let assigns: String = (0..5_000)
        .map(|at| format!("<#if c{at}??><#assign v{at} = d{at}></#if>\n"))
        .collect();
    assert!(reads(&assigns).len() >= 10_000);
}

#[test]
fn interpolations_are_found_with_their_places() {
    let source =
        "a${b}\n<#if c>\t${'x${d}'}#{e; m1}</#if><#noparse>${f}</#noparse><#macro m>${g}</#macro>";
    let template = Engine::new().compile("t", source).expect("well-formed");
    let found = template.interpolations();
    let texts: Vec<_> = found.iter().map(|range| &source[range.clone()]).collect();
    assert_eq!(texts, ["${b}", "${'x${d}'}", "#{e; m1}", "${g}"]);
    for range in found {
        assert_eq!(template.range(&template.span(&range)), range);
    }
    let span = template.span(&(14..24));
    assert_eq!((span.line, span.column), (2, 9));
}

#[test]
fn calls_tell_how_many_arguments_they_have() {
    let calls = |source: &str| {
        let template = Engine::new().compile("t", source).expect("well-formed");
        let references = template.references().into_iter();
        let calls = references.filter_map(|one| Some((one.root, one.arguments?)));
        calls.collect::<Vec<_>>()
    };
    let called = |source: &str, expected: &[(&str, usize)]| {
        let expected = expected
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count));
        assert_eq!(calls(source), expected.collect::<Vec<_>>(), "{source}");
    };
    called("${f()}${g.h(a, b(1))}", &[("f", 0), ("g", 2), ("b", 1)]);
    called("${f}${g.h}", &[]);
    called("${(f)(1)}<#assign h = g>${h(1, 2)}", &[("f", 1), ("g", 2)]);
    called("${xs?map(f)?join('')}", &[("f", 1)]);
    // One that the template defines is none of the data's.
    called(
        "<#function f a><#return g(a)></#function>${f(1)}${f(2)}",
        &[("g", 1)],
    );
}
