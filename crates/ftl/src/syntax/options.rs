//! What the configuration decides about the syntax of templates.

use super::naming::{Convention, Style};
use crate::output_format::{AutoEscaping, OutputFormat};
use crate::version::Version;

/// The brackets of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    /// The first tag decides.
    Auto,
    /// `<#if>`
    Angle,
    /// `[#if]`
    Square,
}

/// The brackets of interpolations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interpolations {
    /// `${x}` and `#{x}`
    Legacy,
    /// `${x}`
    Dollar,
    /// `[=x]`
    Square,
}

/// How a template is read.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) strip_whitespace: bool,
    pub(crate) tags: Tags,
    pub(crate) interpolations: Interpolations,
    pub(crate) naming: Convention,
    /// Whether tags need their `#`.
    pub(crate) strict_syntax: bool,
    pub(crate) tab_size: u32,
    pub(crate) output_format: OutputFormat,
    pub(crate) auto_escaping: AutoEscaping,
    /// Whether `.ftlh` and `.ftlx` decide on the output format.
    pub(crate) standard_extensions: bool,
    pub(crate) version: Version,
    /// Whether numbers with a fraction are binary ones: FreeMarker's conservative arithmetic.
    pub(crate) conservative: bool,
    /// Whether the code runs within another template's.
    pub(crate) always_open: bool,
    /// Whether `#include` and `#import` find templates.
    pub(crate) loads: bool,
    /// Whether `?eval` and `?interpret` may run data as code.
    pub(crate) runs_data: bool,
}

/// Why an option can't be set.
pub(crate) enum Problem {
    Unknown,
    Value(String),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            strip_whitespace: true,
            tags: Tags::Angle,
            interpolations: Interpolations::Legacy,
            naming: Convention::Auto,
            strict_syntax: true,
            tab_size: 8,
            output_format: OutputFormat::Undefined,
            auto_escaping: AutoEscaping::EnableIfDefault,
            standard_extensions: Version::DEFAULT.has(24),
            version: Version::DEFAULT,
            conservative: false,
            always_open: false,
            loads: false,
            runs_data: true,
        }
    }
}

impl Options {
    /// Sets an option by FreeMarker's name for it.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "whitespace_stripping" => self.strip_whitespace = flag(name, value)?,
            "strict_syntax" => self.strict_syntax = flag(name, value)?,
            "recognize_standard_file_extensions" => {
                self.standard_extensions = if value == "default" {
                    self.version.has(24)
                } else {
                    flag(name, value)?
                };
            }
            "tab_size" => {
                self.tab_size = value
                    .parse()
                    .ok()
                    .filter(|size| (1..=256).contains(size))
                    .ok_or_else(|| wrong(name, value, "a number from 1 to 256"))?;
            }
            "tag_syntax" => {
                self.tags = match value {
                    "auto_detect" | "autoDetect" => Tags::Auto,
                    "angle_bracket" | "angleBracket" => Tags::Angle,
                    "square_bracket" | "squareBracket" => Tags::Square,
                    _ => {
                        let allowed = "auto_detect, angle_bracket or square_bracket";
                        return Err(wrong(name, value, allowed));
                    }
                };
            }
            "interpolation_syntax" => {
                self.interpolations = match value {
                    "legacy" => Interpolations::Legacy,
                    "dollar" => Interpolations::Dollar,
                    "square_bracket" | "squareBracket" => Interpolations::Square,
                    _ => return Err(wrong(name, value, "legacy, dollar or square_bracket")),
                };
            }
            "naming_convention" => {
                let fixed = |style| Convention::Fixed { style, by: None };
                self.naming = match value {
                    "auto_detect" | "autoDetect" => Convention::Auto,
                    "legacy" => fixed(Style::Legacy),
                    "camel_case" | "camelCase" => fixed(Style::Camel),
                    _ => return Err(wrong(name, value, "auto_detect, legacy or camel_case")),
                };
            }
            "output_format" => {
                self.output_format = OutputFormat::configured(value).map_err(Problem::Value)?;
            }
            "auto_escaping_policy" => {
                self.auto_escaping = match value {
                    "enable_if_default" | "enableIfDefault" => AutoEscaping::EnableIfDefault,
                    "enable_if_supported" | "enableIfSupported" => AutoEscaping::EnableIfSupported,
                    "disable" => AutoEscaping::Disable,
                    _ => {
                        let allowed = "enable_if_default, enable_if_supported or disable";
                        return Err(wrong(name, value, allowed));
                    }
                };
            }
            // The latter is its first name.
            "incompatible_improvements" | "incompatible_enhancements" => {
                self.version = Version::parse(value).map_err(Problem::Value)?;
                self.standard_extensions = self.version.has(24);
            }
            _ => return Err(Problem::Unknown),
        }
        Ok(())
    }
}

fn flag(name: &str, value: &str) -> Result<bool, Problem> {
    boolean(name, value).map_err(Problem::Value)
}

/// Whether a word says yes or no.
pub(crate) fn is_boolean(word: &str) -> bool {
    boolean("", word).is_ok()
}

/// The value of a setting that is on or off.
pub(crate) fn boolean(name: &str, value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "t" => Ok(true),
        "false" | "no" | "n" | "f" => Ok(false),
        _ => Err(must_be(name, value, "true or false")),
    }
}

fn wrong(name: &str, value: &str, allowed: &str) -> Problem {
    Problem::Value(must_be(name, value, allowed))
}

fn must_be(name: &str, value: &str, allowed: &str) -> String {
    format!("the setting {name} must be {allowed}, not {value:?}")
}
