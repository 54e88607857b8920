//! What is wrong with a sync's settings or with a definition.

use std::fmt;

use serde::Serialize;

/// Something that keeps a sync from being enabled, or a definition from being released, and where it
/// stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// JSON pointer (RFC 6901) into the sync's settings, such as `/events/template`; where the fault
    /// is the definition's, into the definition below `/definition`. Of [`check`](crate::check): into
    /// the definition.
    pub pointer: String,
    /// What is wrong and what to do about it.
    pub message: String,
    /// The line in the template, from 1, where it is a template's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in the template, from 1, where it is a template's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.pointer)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "line {line} column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Beyond this many, more would help nobody.
    const MAX: usize = 100;

    /// Adds a problem without a place in a template.
    pub(crate) fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.add_at(pointer, message, None);
    }

    /// Adds a problem at a line and column of the template that `pointer` names. What events and
    /// users share is compiled for both: the same problem is kept once.
    pub(crate) fn add_at(
        &mut self,
        pointer: impl Into<String>,
        message: impl Into<String>,
        at: Option<(u32, u32)>,
    ) {
        let problem = Problem {
            pointer: pointer.into(),
            message: message.into(),
            line: at.map(|(line, _)| line),
            column: at.map(|(_, column)| column),
        };
        if self.0.len() < Self::MAX && !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Whether more would be dropped.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= Self::MAX
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_list(self) -> Vec<Problem> {
        self.0
    }
}

/// `base` with one more reference token, escaped as RFC 6901 says.
pub(crate) fn pointer(base: &str, token: impl fmt::Display) -> String {
    let token = token.to_string().replace('~', "~0").replace('/', "~1");
    format!("{base}/{token}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_escapes_what_would_split_it() {
        assert_eq!(pointer("/parameters", "a/b~c"), "/parameters/a~1b~0c");
        assert_eq!(pointer("/headers", 2), "/headers/2");
    }

    #[test]
    fn a_problem_reads_with_its_place() {
        let mut problems = Problems::default();
        problems.add_at("/events/template", "unknown name", Some((2, 7)));
        let found = problems.into_list();
        assert_eq!(
            found[0].to_string(),
            "/events/template: line 2 column 7: unknown name"
        );
    }
}
