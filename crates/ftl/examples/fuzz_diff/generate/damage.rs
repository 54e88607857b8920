//! Templates that are no longer well-formed, or still by chance.

use crate::rng::Rng;

const SPLINTERS: &[&str] = &[
    "<",
    ">",
    "#",
    "}",
    "{",
    "${",
    "</#if>",
    "<#else>",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "'",
    "?",
    "!",
    "..",
    ",",
    ";",
    " as ",
    "=",
    "==",
    "<#if>",
    "<#list>",
    "<@",
    "/>",
    "</",
    "-",
    "+",
    " in ",
    "@",
    "$",
    "<#",
    "</@>",
    "?c",
    "->",
    "&&",
    "|",
    " gt ",
    "\n",
    "<#--",
    "-->",
    "1",
    "x",
    ".",
    "<#sep>",
    "<#break>",
    "<#nested>",
    "<#items as z>",
    "[=",
    "#{",
    "\\",
    "<#macro q>",
    "</#macro>",
];

/// Cuts something out, doubles it, or puts something in.
pub(super) fn damage(rng: &mut Rng, template: &str) -> String {
    let mut chars: Vec<char> = template.chars().collect();
    for _ in 0..1 + rng.below(2) {
        let at = rng.below(chars.len() + 1);
        let end = (at + 1 + rng.below(4)).min(chars.len());
        match rng.below(3) {
            0 => {
                chars.drain(at..end);
            }
            1 => {
                let doubled: Vec<char> = chars[at..end].to_vec();
                chars.splice(at..at, doubled);
            }
            _ => {
                chars.splice(at..at, rng.pick(SPLINTERS).chars());
            }
        }
    }
    chars.into_iter().collect()
}
