//! The settings that decide on what is printed.

use std::sync::Arc;

use crate::datetime::{DateFormat, Zone};
use crate::error::{Error, ErrorKind, java_quoted, quoted};
use crate::locale::Locale;
use crate::number::{CFormat, NumberFormat};
use crate::syntax::boolean;
use crate::value::DateKind;
use crate::version::Version;

/// What FreeMarker says of a value that a setting can't have; the reason is the cause.
pub(crate) fn setting_failed(name: &str, value: &str, reason: impl Into<String>) -> Error {
    let message = format!(
        "Failed to set FreeMarker configuration setting {} to value {}; see cause exception.",
        java_quoted(name),
        java_quoted(value)
    );
    Error::new(ErrorKind::Format, message).caused_by(Error::new(ErrorKind::Format, reason))
}

/// The settings that `#setting` can change.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) locale: Locale,
    pub(crate) time_zone: Zone,
    pub(crate) number_format: Lazy<NumberFormat>,
    /// `None` for the version's default.
    c_format: Option<CFormat>,
    default_c_format: CFormat,
    /// What `true` and `false` print as; `None` for the default `true,false`, which refuses to print.
    pub(crate) boolean_format: Option<(Arc<str>, Arc<str>)>,
    pub(crate) date_format: Lazy<DateFormat>,
    pub(crate) time_format: Lazy<DateFormat>,
    pub(crate) datetime_format: Lazy<DateFormat>,
    pub(crate) url_escaping_charset: Option<Arc<str>>,
    pub(crate) output_encoding: Option<Arc<str>>,
    /// Whether whole numbers divide to binary floating point: FreeMarker's conservative arithmetic.
    pub(crate) conservative_division: bool,
    /// What `?truncate` puts where it cuts, if it isn't told.
    pub(crate) truncate_terminator: &'static str,
    /// Whether a loop variable that is missing shows the variable that it hides.
    pub(crate) shows_hidden: bool,
}

/// A format of a setting. If it is malformed, that is an error when it is used: not before, as in FreeMarker.
#[derive(Clone)]
pub(crate) struct Lazy<T> {
    pub(crate) source: Arc<str>,
    pub(crate) compiled: Result<Arc<T>, Arc<str>>,
}

impl<T> Lazy<T> {
    fn new(source: &str, compile: impl FnOnce(&str) -> Result<T, String>) -> Self {
        Self {
            source: source.into(),
            compiled: compile(source).map(Arc::new).map_err(Arc::from),
        }
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        match &self.compiled {
            Ok(_) => Ok(()),
            Err(reason) => Err(reason.to_string()),
        }
    }
}

/// FreeMarker's name for what its host has: here the engine's own defaults.
const JVM_DEFAULT: &str = "JVM default";

impl Settings {
    /// FreeMarker's defaults.
    pub(crate) fn new() -> Self {
        let date_format = |kind| {
            Lazy::new("", |format| {
                DateFormat::parse(format, kind, Version::DEFAULT)
            })
        };
        Self {
            locale: Locale::parse("en_US"),
            time_zone: Zone::utc(),
            number_format: Lazy::new("number", |format| {
                NumberFormat::parse(format, Version::DEFAULT)
            }),
            c_format: None,
            default_c_format: CFormat::default_of(Version::DEFAULT),
            boolean_format: None,
            date_format: date_format(DateKind::Date),
            time_format: date_format(DateKind::Time),
            datetime_format: date_format(DateKind::DateTime),
            url_escaping_charset: None,
            output_encoding: None,
            conservative_division: false,
            truncate_terminator: "[...]",
            shows_hidden: true,
        }
    }

    pub(crate) fn set_locale(&mut self, name: &str) {
        self.locale = Locale::parse(if name == JVM_DEFAULT { "en_US" } else { name });
    }

    pub(crate) fn set_number_format(&mut self, format: &str, version: Version) {
        self.number_format = Lazy::new(format, |format| NumberFormat::parse(format, version));
    }

    pub(crate) fn set_c_format(&mut self, name: &str) -> Result<(), String> {
        self.c_format = match name {
            "default" => None,
            name => Some(CFormat::parse(name)?),
        };
        Ok(())
    }

    /// Takes the defaults of a version.
    pub(crate) fn follow(&mut self, version: Version) {
        self.default_c_format = CFormat::default_of(version);
    }

    pub(crate) fn c_format(&self) -> CFormat {
        self.c_format.unwrap_or(self.default_c_format)
    }

    pub(crate) fn set_boolean_format(&mut self, format: &str) -> Result<(), String> {
        self.boolean_format = match format {
            "true,false" => None,
            "c" => Some(("true".into(), "false".into())),
            other => {
                let (yes, no) = other
                    .split_once(',')
                    .ok_or_else(|| {
                        format!(
                            "the setting boolean_format must be \"c\" or two words with a comma between them, not {}",
                            quoted(other)
                        )
                    })?;
                Some((yes.into(), no.into()))
            }
        };
        Ok(())
    }

    pub(crate) fn set_date_format(&mut self, kind: DateKind, format: &str, version: Version) {
        let format = Lazy::new(format, |format| DateFormat::parse(format, kind, version));
        match kind {
            DateKind::Date => self.date_format = format,
            DateKind::Time => self.time_format = format,
            DateKind::DateTime => self.datetime_format = format,
        }
    }

    pub(crate) fn set_arithmetic_engine(&mut self, name: &str) -> Result<(), String> {
        self.conservative_division = match name {
            "bigdecimal" => false,
            "conservative" => true,
            other => {
                return Err(format!(
                    "the setting arithmetic_engine must be bigdecimal or conservative, not {other:?}"
                ));
            }
        };
        Ok(())
    }

    pub(crate) fn set_truncate_algorithm(&mut self, name: &str) -> Result<(), String> {
        self.truncate_terminator = match name.to_ascii_lowercase().as_str() {
            "ascii" => "[...]",
            "unicode" => "[…]",
            _ => {
                return Err(format!(
                    "the setting truncate_builtin_algorithm must be ascii or unicode, not {name:?}: others are Java classes"
                ));
            }
        };
        Ok(())
    }

    pub(crate) fn set_fallback(&mut self, value: &str) -> Result<(), String> {
        self.shows_hidden = boolean("fallback_on_null_loop_variable", value)?;
        Ok(())
    }

    /// An unknown zone is GMT, as in Java.
    pub(crate) fn set_time_zone(&mut self, name: &str) {
        self.time_zone = match name {
            JVM_DEFAULT => Zone::utc(),
            _ => Zone::find(name).unwrap_or_else(Zone::gmt),
        };
    }

    pub(crate) fn date_format(&self, kind: DateKind) -> &Lazy<DateFormat> {
        match kind {
            DateKind::Date => &self.date_format,
            DateKind::Time => &self.time_format,
            DateKind::DateTime => &self.datetime_format,
        }
    }
}
