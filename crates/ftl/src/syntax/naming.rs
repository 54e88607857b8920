//! `snake_case` and `camelCase` in the names of the language itself: a template must keep to one of them.

use super::parser::{Parser, Result};
use super::source::Src;

/// The convention in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    /// The first name that tells decides.
    Auto,
    Fixed {
        style: Style,
        /// The place and the spelling of the name that decided; none if the configuration did.
        by: Option<(Src, String)>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Legacy,
    Camel,
}

impl Style {
    /// The style that `name` shows, if it shows any.
    fn of(name: &str) -> Option<Self> {
        name.chars().find_map(|c| match c {
            '_' => Some(Self::Legacy),
            'A'..='Z' => Some(Self::Camel),
            _ => None,
        })
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Camel => "camel case naming convention (like: exampleName) ",
            Self::Legacy => {
                "legacy naming convention (directive (tag) names are like examplename, everything else is like example_name) "
            }
        }
    }
}

impl Parser<'_> {
    /// Whether names are in camelCase here, as far as that is known.
    pub(crate) fn is_camel(&self) -> bool {
        let style = Style::Camel;
        matches!(&self.naming, Convention::Fixed { style: fixed, .. } if *fixed == style)
    }

    /// Checks the name of a built-in, a setting, a parameter of `#ftl` or a special variable.
    pub(crate) fn check_name(&mut self, name: &str, src: Src) -> Result<()> {
        match Style::of(name) {
            Some(style) => self.check_style(style, src),
            None => Ok(()),
        }
    }

    /// Checks the name of a directive; only those of two words tell.
    pub(crate) fn check_directive_name(&mut self, name: &str, src: Src) -> Result<()> {
        const TWO_WORDS: &[&str] = &[
            "elseif",
            "foreach",
            "autoesc",
            "noautoesc",
            "noescape",
            "noparse",
            "outputformat",
        ];
        let lower = name.to_ascii_lowercase();
        if !TWO_WORDS.contains(&lower.as_str()) {
            return Ok(());
        }
        let style = if name == lower {
            Style::Legacy
        } else {
            Style::Camel
        };
        self.check_style(style, src)
    }

    fn check_style(&mut self, style: Style, src: Src) -> Result<()> {
        let spelling = self
            .text
            .get((src.start - self.base) as usize..(src.end - self.base) as usize)
            .unwrap_or_default()
            .trim();
        match &self.naming {
            Convention::Auto => {
                self.naming = Convention::Fixed {
                    style,
                    by: Some((src, spelling.to_owned())),
                };
                Ok(())
            }
            Convention::Fixed { style: fixed, .. } if *fixed == style => Ok(()),
            Convention::Fixed { style: fixed, by } => {
                let (rule, established) = match by {
                    Some((by, token)) => {
                        let (line, column) = self.position(by.start);
                        (
                            "must consistently use the same naming convention within the same template. This template uses ",
                            format!(
                                "estabilished by auto-detection at line {line}, column {column} by token {}",
                                crate::error::java_quoted(token)
                            ),
                        )
                    }
                    None => (
                        "must use the configured naming convention, which is the ",
                        String::new(),
                    ),
                };
                let message = format!(
                    "Naming convention mismatch. Identifiers that are part of the template language (not the user specified ones) {rule}{}{established}, but the problematic token, {}, uses a different convention.",
                    fixed.describe(),
                    crate::error::java_quoted(spelling)
                );
                Err(self.syntax_error(src, message))
            }
        }
    }
}
