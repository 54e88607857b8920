//! The interpolations of a template.

use crate::syntax::Src;
use crate::syntax::ast::{Node, NodeKind};

/// Where the interpolations among `nodes` and within their bodies stand, in the order of the source.
/// Those within string literals print nothing by themselves, and are left out.
pub(crate) fn interpolations(nodes: &[Node]) -> Vec<Src> {
    let mut found = Vec::new();
    collect(nodes, &mut found);
    found.sort_by_key(|src| src.start);
    found
}

fn collect(nodes: &[Node], found: &mut Vec<Src>) {
    for node in nodes {
        match &node.kind {
            NodeKind::Output(_) | NodeKind::FormattedOutput(_) | NodeKind::NumericOutput(_) => {
                found.push(node.src);
            }
            _ => node.for_each_body(&mut |body| collect(body, found)),
        }
    }
}
