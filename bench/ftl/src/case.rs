//! What is measured: three templates, and what is done with each.

use serde::Serialize;

/// One of the templates, in both languages.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) ftl: &'static str,
    pub(crate) jinja: &'static str,
    /// Whether the output is JSON; it is text otherwise.
    pub(crate) json: bool,
}

/// The guide's webhook template, a medium one, a large one.
pub(crate) const CASES: [Case; 3] = [
    Case {
        name: "webhook",
        ftl: include_str!("../../../crates/ftl/tests/guides/webhook-event.ftl"),
        jinja: include_str!("../templates/webhook.jinja"),
        json: true,
    },
    Case {
        name: "medium",
        ftl: include_str!("../templates/medium.ftl"),
        jinja: include_str!("../templates/medium.jinja"),
        json: true,
    },
    Case {
        name: "large",
        ftl: include_str!("../templates/large.ftl"),
        jinja: include_str!("../templates/large.jinja"),
        json: false,
    },
];

/// What is done again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// Render, with data that is parsed already.
    Render,
    /// Parse the event from its bytes, then render.
    ParseRender,
    /// Compile the template.
    Compile,
}

impl Work {
    pub(crate) const ALL: [Self; 3] = [Self::Render, Self::ParseRender, Self::Compile];

    /// Its name in commands and tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::ParseRender => "parse-render",
            Self::Compile => "compile",
        }
    }

    /// How many times faster than Java it is to be.
    pub(crate) fn target(self) -> f64 {
        match self {
            Self::Render => 4.0,
            Self::ParseRender => 3.0,
            Self::Compile => 5.0,
        }
    }
}
