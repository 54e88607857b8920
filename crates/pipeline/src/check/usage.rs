//! Which parameters and mapped fields the templates use, and where.

use ftl::{Step, Template};
use model::definition::{Definition, Mapping};
use serde::Serialize;

use crate::template::has_special;
use crate::views::Root;

/// A name that templates can use, and where they do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// `parameters.NAME` or `mappedFields.NAME`.
    pub name: String,
    /// Whether the definition has it. What is used and not declared is a problem.
    pub declared: bool,
    /// Where templates use it, in the order of the definition.
    pub used: Vec<Used>,
}

/// A place in a template of the definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Used {
    /// JSON pointer to the template; none of a name is spelt there when `line` is missing: the
    /// template goes through all of them.
    pub pointer: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
}

/// Names in a table, declared or not.
const NAMES: usize = 2000;

/// Places that are kept of one name: more help nobody.
const PLACES: usize = 100;

/// What the templates use, as it is found.
#[derive(Debug, Default)]
pub(super) struct Uses(Vec<Use>);

#[derive(Debug)]
struct Use {
    root: Root,
    /// `None`: all names, or one that is computed.
    name: Option<String>,
    at: Used,
}

impl Uses {
    /// Adds what `template`, which stands at `pointer`, uses.
    pub(super) fn note(&mut self, template: &Template, pointer: &str) {
        for reference in template.references() {
            let Some(root) = Root::named(&reference.root) else {
                continue;
            };
            let name = match reference.steps.first() {
                Some(Step::Key(name)) => Some(name.clone()),
                _ => None,
            };
            let at = Used {
                pointer: pointer.to_owned(),
                line: Some(reference.span.line),
                column: Some(reference.span.column),
            };
            self.0.push(Use { root, name, at });
        }
        // Through `.vars` and the like a template reaches names that it doesn't spell.
        if has_special(template.source()) {
            for root in [Root::Parameters, Root::MappedFields] {
                let at = Used {
                    pointer: pointer.to_owned(),
                    line: None,
                    column: None,
                };
                self.0.push(Use {
                    root,
                    name: None,
                    at,
                });
            }
        }
    }

    /// The tables of parameters and of mapped fields.
    pub(super) fn tables(&self, definition: &Definition) -> (Vec<Usage>, Vec<Usage>) {
        let parameters = definition.parameters.iter();
        let parameters = parameters.map(|each| each.name.as_str());
        let fields = definition.mappings.iter().flat_map(Mapping::fields);
        (
            self.table(Root::Parameters, parameters),
            self.table(Root::MappedFields, fields),
        )
    }

    fn table<'d>(&self, root: Root, declared: impl Iterator<Item = &'d str>) -> Vec<Usage> {
        let mut table: Vec<Usage> = Vec::new();
        for name in declared {
            table.push(Usage {
                name: name.to_owned(),
                declared: true,
                used: Vec::new(),
            });
        }
        for each in self.0.iter().filter(|each| each.root == root) {
            let add = |usage: &mut Usage| {
                if usage.used.len() < PLACES {
                    usage.used.push(each.at.clone());
                }
            };
            let Some(name) = &each.name else {
                table
                    .iter_mut()
                    .filter(|usage| usage.declared)
                    .for_each(add);
                continue;
            };
            if let Some(usage) = table.iter_mut().find(|usage| usage.name == *name) {
                add(usage);
            } else if table.len() < NAMES {
                table.push(Usage {
                    name: name.clone(),
                    declared: false,
                    used: vec![each.at.clone()],
                });
            }
        }
        table
    }
}
