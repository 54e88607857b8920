//! The stripped texts put into the tree.

use super::ast::{Node, NodeKind};
use super::source::Src;

/// Puts the stripped texts into the tree.
pub(crate) fn apply(nodes: &mut Vec<Node>, texts: &[String]) {
    for node in nodes.iter_mut() {
        if let NodeKind::TextRef(id) = node.kind {
            node.kind = NodeKind::Text(texts[id].as_str().into());
            continue;
        }
        node.for_each_body_mut(&mut |body| apply(body, texts));
    }
    merge_texts(nodes);
}

/// Drops empty texts and joins neighbours.
fn merge_texts(nodes: &mut Vec<Node>) {
    let mut merged: Vec<Node> = Vec::with_capacity(nodes.len());
    let mut joined: Option<(Src, String)> = None;
    for node in nodes.drain(..) {
        match node.kind {
            NodeKind::Text(text) if text.is_empty() => {}
            NodeKind::Text(text) => match &mut joined {
                Some((_, before)) => before.push_str(&text),
                None => joined = Some((node.src, text.into())),
            },
            _ => {
                merged.extend(joined.take().map(text_node));
                merged.push(node);
            }
        }
    }
    merged.extend(joined.map(text_node));
    *nodes = merged;
}

fn text_node((src, text): (Src, String)) -> Node {
    Node {
        src,
        kind: NodeKind::Text(text.into()),
    }
}
