//! Settings, and the way to templates.

use std::collections::HashMap;
use std::sync::Arc;

use crate::budget::Budgets;
use crate::data::View;
use crate::datetime::DateFormat;
use crate::error::{Error, ErrorKind};
use crate::number::NumberFormat;
use crate::syntax::{Options, Problem};
use crate::template::Template;
use crate::value::{DateKind, HostFunction, Owned};

/// What templates are compiled with: settings, shared variables, functions, budgets.
///
/// Cheap to clone; templates keep the state that the engine had when they were compiled.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What an engine and its templates share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) budgets: Budgets,
    pub(crate) options: Options,
    pub(crate) clock: Option<Arc<dyn Fn() -> i64 + Send + Sync>>,
    pub(crate) variables: HashMap<Box<str>, Owned>,
    pub(crate) functions: HashMap<Box<str>, Arc<HostFunction>>,
    pub(crate) statics: HashMap<Box<str>, HashMap<Box<str>, Arc<HostFunction>>>,
}

/// The settings that `#setting` can change.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) locale: Arc<str>,
    pub(crate) time_zone_name: Arc<str>,
    pub(crate) time_zone: jiff::tz::TimeZone,
    pub(crate) number_format: Arc<NumberFormat>,
    /// What `true` and `false` print as; `None` for the default `true,false`, which refuses to print.
    pub(crate) boolean_format: Option<(Arc<str>, Arc<str>)>,
    pub(crate) date_format: Arc<DateFormat>,
    pub(crate) time_format: Arc<DateFormat>,
    pub(crate) datetime_format: Arc<DateFormat>,
    pub(crate) url_escaping_charset: Option<Arc<str>>,
}

impl Settings {
    fn new() -> Result<Self, String> {
        Ok(Self {
            locale: "en_US".into(),
            time_zone_name: "UTC".into(),
            time_zone: jiff::tz::TimeZone::UTC,
            number_format: Arc::new(NumberFormat::parse("number")?),
            boolean_format: None,
            date_format: Arc::new(DateFormat::parse("", DateKind::Date)?),
            time_format: Arc::new(DateFormat::parse("", DateKind::Time)?),
            datetime_format: Arc::new(DateFormat::parse("", DateKind::DateTime)?),
            url_escaping_charset: None,
        })
    }

    pub(crate) fn set_number_format(&mut self, format: &str) -> Result<(), String> {
        self.number_format = Arc::new(NumberFormat::parse(format)?);
        Ok(())
    }

    pub(crate) fn set_boolean_format(&mut self, format: &str) -> Result<(), String> {
        self.boolean_format = match format {
            "true,false" => None,
            "c" => Some(("true".into(), "false".into())),
            other => {
                let (yes, no) = other
                    .split_once(',')
                    .ok_or_else(|| format!("The boolean_format setting must be \"c\" or two words with a comma between them, not {other:?}."))?;
                Some((yes.into(), no.into()))
            }
        };
        Ok(())
    }

    pub(crate) fn set_date_format(&mut self, kind: DateKind, format: &str) -> Result<(), String> {
        let format = Arc::new(DateFormat::parse(format, kind)?);
        match kind {
            DateKind::Date => self.date_format = format,
            DateKind::Time => self.time_format = format,
            DateKind::DateTime => self.datetime_format = format,
        }
        Ok(())
    }

    pub(crate) fn set_time_zone(&mut self, name: &str) -> Result<(), String> {
        self.time_zone = crate::datetime::time_zone(name)
            .ok_or_else(|| format!("unknown time zone {name:?}"))?;
        self.time_zone_name = name.into();
        Ok(())
    }

    pub(crate) fn date_format(&self, kind: DateKind) -> &Arc<DateFormat> {
        match kind {
            DateKind::Date => &self.date_format,
            DateKind::Time => &self.time_format,
            DateKind::DateTime => &self.datetime_format,
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine with FreeMarker's defaults: locale en_US, time zone UTC, numbers as `1,234.5`, white-space stripped.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings::new().expect("the default formats are well-formed");
        Self {
            shared: Arc::new(Shared {
                settings,
                budgets: Budgets::default(),
                options: Options::default(),
                clock: None,
                variables: HashMap::new(),
                functions: HashMap::new(),
                statics: HashMap::new(),
            }),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }

    fn try_with(
        mut self,
        change: impl FnOnce(&mut Settings) -> Result<(), String>,
    ) -> Result<Self, Error> {
        change(&mut Arc::make_mut(&mut self.shared).settings)
            .map_err(|message| Error::new(ErrorKind::Format, message))?;
        Ok(self)
    }

    /// Sets one of FreeMarker's settings by its name, in either spelling: `number_format`, `boolean_format`,
    /// `date_format`, `time_format`, `datetime_format`, `time_zone`, `locale`, `url_escaping_charset`; and those of the
    /// syntax: `tag_syntax`, `interpolation_syntax`, `naming_convention`, `whitespace_stripping`, `strict_syntax`,
    /// `tab_size`, `output_format`, `auto_escaping_policy`, `recognize_standard_file_extensions`,
    /// `incompatible_improvements`.
    ///
    /// # Errors
    /// If there is no such setting, or it can't have that value.
    pub fn setting(self, name: &str, value: &str) -> Result<Self, Error> {
        match crate::builtins::snake_case(name).as_str() {
            "number_format" => self.number_format(value),
            "boolean_format" => self.boolean_format(value),
            "date_format" => self.date_format(value),
            "time_format" => self.time_format(value),
            "datetime_format" => self.datetime_format(value),
            "time_zone" => self.time_zone(value),
            "locale" => self.locale(value),
            "url_escaping_charset" => {
                Ok(self.with(|shared| shared.settings.url_escaping_charset = Some(value.into())))
            }
            other => {
                let mut engine = self;
                Arc::make_mut(&mut engine.shared)
                    .options
                    .set(other, value)
                    .map_err(|problem| match problem {
                        Problem::Unknown => Error::new(
                            ErrorKind::Refused,
                            format!("the setting {other:?} isn't available"),
                        ),
                        Problem::Value(message) => Error::new(ErrorKind::Format, message),
                    })?;
                Ok(engine)
            }
        }
    }

    /// Sets the format of numbers: a name (`number`, `computer`, `c`, `percent`, `currency`) or a `DecimalFormat` pattern.
    ///
    /// # Errors
    /// If the pattern is malformed.
    pub fn number_format(self, format: &str) -> Result<Self, Error> {
        self.try_with(|settings| settings.set_number_format(format))
    }

    /// Sets what booleans print as: `c`, or two words such as `yes,no`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn boolean_format(self, format: &str) -> Result<Self, Error> {
        self.try_with(|settings| settings.set_boolean_format(format))
    }

    /// Sets the format of dates without a time.
    ///
    /// # Errors
    /// If the format is malformed.
    pub fn date_format(self, format: &str) -> Result<Self, Error> {
        self.try_with(|settings| settings.set_date_format(DateKind::Date, format))
    }

    /// Sets the format of times of day.
    ///
    /// # Errors
    /// If the format is malformed.
    pub fn time_format(self, format: &str) -> Result<Self, Error> {
        self.try_with(|settings| settings.set_date_format(DateKind::Time, format))
    }

    /// Sets the format of moments: a `SimpleDateFormat` pattern, a style, or one of the `iso` and `xs` forms.
    ///
    /// # Errors
    /// If the format is malformed.
    pub fn datetime_format(self, format: &str) -> Result<Self, Error> {
        self.try_with(|settings| settings.set_date_format(DateKind::DateTime, format))
    }

    /// Sets the time zone, by name (`America/Los_Angeles`) or offset (`GMT+01:00`).
    ///
    /// # Errors
    /// If there is no such zone.
    pub fn time_zone(self, name: &str) -> Result<Self, Error> {
        self.try_with(|settings| settings.set_time_zone(name))
    }

    /// Sets the locale. Only English ones are available.
    ///
    /// # Errors
    /// If the locale isn't available.
    pub fn locale(self, locale: &str) -> Result<Self, Error> {
        self.try_with(|settings| {
            check_locale(locale)?;
            settings.locale = locale.into();
            Ok(())
        })
    }

    /// Sets whether lines of nothing but tags leave no trace.
    #[must_use]
    pub fn whitespace_stripping(self, on: bool) -> Self {
        self.with(|shared| shared.options.strip_whitespace = on)
    }

    /// Sets the limits of each render.
    #[must_use]
    pub fn budgets(self, budgets: Budgets) -> Self {
        self.with(|shared| shared.budgets = budgets)
    }

    /// Sets where `.now` comes from: milliseconds since 1970 in UTC. Without a clock `.now` is an error.
    #[must_use]
    pub fn clock(self, now_millis: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.clock = Some(Arc::new(now_millis)))
    }

    /// Adds a variable that every template sees, unless its data has one of the same name.
    #[must_use]
    pub fn shared_variable(self, name: &str, value: impl Into<Owned>) -> Self {
        self.with(|shared| {
            shared.variables.insert(name.into(), value.into());
        })
    }

    /// Adds a function that templates call as `${name(arguments)}`. What it returns as its error is the message.
    #[must_use]
    pub fn function<F>(self, name: &str, function: F) -> Self
    where
        F: Fn(&[View<'_>]) -> Result<Owned, String> + Send + Sync + 'static,
    {
        self.with(|shared| {
            shared.functions.insert(name.into(), Arc::new(function));
        })
    }

    /// Adds a method that templates call as `${statics["class"].method(arguments)}`. Other classes are refused.
    #[must_use]
    pub fn static_method<F>(self, class: &str, method: &str, function: F) -> Self
    where
        F: Fn(&[View<'_>]) -> Result<Owned, String> + Send + Sync + 'static,
    {
        self.with(|shared| {
            shared
                .statics
                .entry(class.into())
                .or_default()
                .insert(method.into(), Arc::new(function));
        })
    }

    /// Compiles a template. `name` is what errors call it.
    ///
    /// # Errors
    /// If the source isn't well-formed, or uses what is refused.
    pub fn compile(&self, name: &str, source: &str) -> Result<Template, Error> {
        Template::compile(name, source, Arc::clone(&self.shared))
    }
}

pub(crate) fn check_locale(locale: &str) -> Result<(), String> {
    if locale == "en" || locale.starts_with("en_") || locale.starts_with("en-") {
        return Ok(());
    }
    Err(format!(
        "the locale {locale:?} isn't available: only English ones are"
    ))
}
