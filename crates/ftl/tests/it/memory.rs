//! What a render takes of the machine's memory, beside what its budget says: looked at from outside, in a process of its own.

use std::process::Command;

use ftl::{Budgets, Engine, ErrorKind};
use serde_json::json;

/// What the child renders, by its environment.
const TEMPLATE: &str = "FTL_TEST_TEMPLATE";
const BUDGET_BYTES: usize = 256 << 20;
/// The test's own, the output, and what isn't worth counting.
const BESIDE_BYTES: usize = 96 << 20;

/// The most memory that this process has had, in bytes; none where the system doesn't tell.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: usize = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// What the other test runs in a process of its own.
#[test]
#[ignore = "is run by the one below"]
fn renders_what_it_is_told() {
    let source = std::env::var(TEMPLATE).expect("a template");
    let budgets = Budgets {
        memory_bytes: BUDGET_BYTES,
        ..Budgets::default()
    };
    let template = Engine::new().budgets(budgets).compile("hungry", &source);
    let rendered = template.and_then(|template| template.render(&json!({}), &mut Vec::new()));
    let error = rendered.expect_err("it wants too much");
    assert!(error.description().len() < 4 << 20);
    let kind = error.kind();
    assert!(
        matches!(kind, ErrorKind::Memory | ErrorKind::Depth),
        "{error}"
    );
    if let Some(peak) = peak() {
        assert!(peak < BUDGET_BYTES + BESIDE_BYTES, "{} MiB", peak >> 20);
    }
}

#[test]
fn what_is_alive_at_a_time_stays_within_the_budget() {
    for source in [
        "<#assign x='a'><#list 1..40 as i><#assign x=x+x></#list>",
        "<#assign x='<'><#list 1..40 as i><#assign x=x+x y=x?html></#list>",
        "<#assign x='%'?left_pad(1000, '%')><#list 1..40 as i><#assign x=x+x y=x?url('UTF-16')></#list>",
        "<#assign h={'a': 1}><#list 1..40 as i><#assign g={}><#list h as k, v><#assign g=g+{k+i: v}></#list><#assign h=h+g></#list>",
        "<#assign h={}><#list 1..9 as a><#assign h=h+{'k'+a: a}></#list><#list 1..30 as i><#assign g=(h?keys?map(k -> '\"' + k + i + '\": 1')?join(','))><#assign h=h+('{' + g + '}')?eval></#list>",
        "<#assign e='x'?left_pad(1000)><#list 1..999 as i><#attempt>${(e+e)?number}<#recover><#assign e=.error></#attempt></#list>",
        "<#assign x='<@x?interpret/>'><@x?interpret/>",
        "<#assign s=''?left_pad(9000000, 'ab ')>${s?split('')?size}",
        "<#assign s=''?left_pad(9000000, 'a ')>${s?word_list?size}",
        "<#assign s=''?left_pad(9000000, 'a')>${s?replace('a', 'bcdefghijklmnopqrstuvwxyz0123456789')?length}",
    ] {
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "memory::renders_what_it_is_told", "--ignored"])
            .env(TEMPLATE, source)
            .output()
            .expect("a process");
        let told = String::from_utf8_lossy(&child.stdout);
        assert!(told.contains("1 passed"), "{source}\n{told}");
    }
}
