//! Settings, and the way to templates.

use std::collections::HashMap;
use std::sync::Arc;

use crate::automatic::Automatic;
use crate::budget::Budgets;
use crate::data::View;
use crate::datetime::{Surroundings, Zone};
use crate::error::{Error, ErrorKind};
use crate::java_settings::{self, Answer};
use crate::loader::{Cache, Library, Loader, Lookup, normalize, not_found, without_slash};
use crate::locale::Locale;
use crate::settings::{Settings, setting_failed};
use crate::syntax::{Options, Problem};
use crate::template::Template;
use crate::value::{DateKind, HostFunction, Owned};
use crate::version::Version;

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
    pub(crate) library: Option<Library>,
    /// Whether a locale may have templates of its own.
    pub(crate) localized_lookup: bool,
    pub(crate) automatic: Automatic,
    /// Whether renders go on after a directive that has failed.
    pub(crate) ignores_failures: bool,
    /// Whether exceptions of Java's own are said to be that, and can be recovered from.
    pub(crate) wraps_unchecked: bool,
    /// Whether messages have tips.
    pub(crate) shows_tips: bool,
}

impl Shared {
    /// How the loader's template `name` is looked for.
    pub(crate) fn lookup<'n>(&self, name: &'n str, locale: &'n Locale) -> Lookup<'n> {
        let locale = self.localized_lookup.then(|| locale.name());
        Lookup { name, locale }
    }

    /// What dates depend on, with `settings` in effect.
    pub(crate) fn surroundings<'e>(&'e self, settings: &'e Settings) -> Surroundings<'e> {
        Surroundings {
            zone: &settings.time_zone,
            locale: &settings.locale,
            clock: self.clock.as_deref(),
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
        Self {
            shared: Arc::new(Shared {
                settings: Settings::new(),
                budgets: Budgets::default(),
                options: Options::default(),
                clock: None,
                variables: HashMap::new(),
                functions: HashMap::new(),
                statics: HashMap::new(),
                library: None,
                localized_lookup: true,
                automatic: Automatic::default(),
                ignores_failures: false,
                wraps_unchecked: false,
                shows_tips: true,
            }),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(self.shared_mut());
        self
    }

    /// What is shared, to be changed: with other settings the loader's templates compile to something else.
    fn shared_mut(&mut self) -> &mut Shared {
        let shared = Arc::make_mut(&mut self.shared);
        if let Some(library) = &mut shared.library {
            library.cache = Cache::default();
        }
        shared
    }

    fn try_with(
        mut self,
        change: impl FnOnce(&mut Settings) -> Result<(), String>,
    ) -> Result<Self, Error> {
        change(&mut self.shared_mut().settings)
            .map_err(|message| Error::new(ErrorKind::Format, message))?;
        Ok(self)
    }

    /// Sets one of FreeMarker's settings by its name, in either spelling: `number_format`, `c_format`,
    /// `boolean_format`, `date_format`, `time_format`, `datetime_format`, `time_zone`, `sql_date_and_time_time_zone`,
    /// `locale`, `output_encoding`, `url_escaping_charset`, `arithmetic_engine`, `fallback_on_null_loop_variable`; and those of the syntax: `tag_syntax`, `interpolation_syntax`,
    /// `naming_convention`, `whitespace_stripping`, `strict_syntax`, `tab_size`, `output_format`,
    /// `auto_escaping_policy`, `recognize_standard_file_extensions`, `incompatible_improvements`; and `localized_lookup`,
    /// `truncate_builtin_algorithm`, `show_error_tips`, `auto_import`, `auto_include`, `lazy_imports`, `lazy_auto_imports`. As in FreeMarker,
    /// malformed formats are errors where they are used, and an unknown time zone is GMT.
    ///
    /// With `localized_lookup`, which is on, `page_en_US.ftl` and `page_en.ftl` come before `page.ftl`.
    ///
    /// With `template_exception_handler` as `ignore` a render goes on after each directive that fails, except for
    /// `#stop`; the other handlers (`rethrow`, `debug`, `html_debug`) let it fail, and a render that fails has no output
    /// that could show what they print. Settings of Java's logs and files are taken and change nothing.
    ///
    /// # Errors
    /// If there is no such setting, or it can't have that value.
    pub fn setting(self, name: &str, value: &str) -> Result<Self, Error> {
        self.set(name, value).map_err(|error| match error.kind() {
            ErrorKind::Format => setting_failed(name, value, error.message()),
            _ => error,
        })
    }

    fn set(self, name: &str, value: &str) -> Result<Self, Error> {
        let version = self.shared.options.version;
        let set = |change: fn(&mut Settings, &str)| {
            self.clone()
                .with(|shared| change(&mut shared.settings, value))
        };
        let set_date = |kind| {
            self.clone()
                .with(|shared| shared.settings.set_date_format(kind, value, version))
        };
        let snake = crate::builtins::snake_case(name);
        Ok(match snake.as_str() {
            "c_format" => return self.c_format(value),
            "boolean_format" => return self.boolean_format(value),
            "number_format" => {
                self.with(|shared| shared.settings.set_number_format(value, version))
            }
            "date_format" => set_date(DateKind::Date),
            "time_format" => set_date(DateKind::Time),
            "datetime_format" => set_date(DateKind::DateTime),
            "time_zone" => set(Settings::set_time_zone),
            // Only values of SQL, which can't come here, are in that zone.
            "sql_date_and_time_time_zone" => self,
            "locale" => self.locale(value),
            "arithmetic_engine" => {
                let mut engine = self.try_with(|settings| settings.set_arithmetic_engine(value))?;
                let shared = engine.shared_mut();
                shared.options.conservative = shared.settings.conservative_division;
                return Ok(engine);
            }
            "fallback_on_null_loop_variable" => {
                return self.try_with(|settings| settings.set_fallback(value));
            }
            "truncate_builtin_algorithm" => {
                return self.try_with(|settings| settings.set_truncate_algorithm(value));
            }
            "show_error_tips" => {
                let on = crate::syntax::boolean(&snake, value)
                    .map_err(|message| Error::new(ErrorKind::Format, message))?;
                self.with(|shared| shared.shows_tips = on)
            }
            "output_encoding" => set(|settings, value| {
                settings.output_encoding = Some(value.into());
            }),
            "url_escaping_charset" => set(|settings, value| {
                settings.url_escaping_charset = Some(value.into());
            }),
            "auto_import" | "auto_include" | "lazy_imports" | "lazy_auto_imports" => {
                let mut engine = self;
                engine
                    .shared_mut()
                    .automatic
                    .set(&snake, value)
                    .map_err(|message| Error::new(ErrorKind::Format, message))?;
                engine
            }
            "localized_lookup" => {
                let on = crate::syntax::boolean(&snake, value)
                    .map_err(|message| Error::new(ErrorKind::Format, message))?;
                self.with(|shared| shared.localized_lookup = on)
            }
            "wrap_unchecked_exceptions" => {
                let on = crate::syntax::boolean(&snake, value)
                    .map_err(|message| Error::new(ErrorKind::Format, message))?;
                self.with(|shared| shared.wraps_unchecked = on)
            }
            "template_exception_handler" => {
                let ignores = java_settings::ignores_failures(value)
                    .map_err(|message| Error::new(ErrorKind::Format, message))?;
                self.with(|shared| shared.ignores_failures = ignores)
            }
            other => match java_settings::answer(other, value) {
                Some(Answer::Taken) => self,
                Some(Answer::Refused(message)) => {
                    return Err(Error::new(ErrorKind::Refused, message));
                }
                Some(Answer::Malformed(message)) => {
                    return Err(Error::new(ErrorKind::Format, message));
                }
                None => return self.option(other, value),
            },
        })
    }

    /// Sets what decides on the syntax, and what the version decides.
    fn option(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let shared = self.shared_mut();
        shared
            .options
            .set(name, value)
            .map_err(|problem| match problem {
                Problem::Unknown => Error::new(
                    ErrorKind::Refused,
                    format!("Unknown FreeMarker configuration setting: {name:?}"),
                ),
                Problem::Value(message) => Error::new(ErrorKind::Format, message),
            })?;
        shared.settings.follow(shared.options.version);
        Ok(self)
    }

    /// Sets the format of numbers: a name (`number`, `computer`, `c`, `percent`, `currency`; `c` is one whatever the
    /// version) or a `DecimalFormat` pattern with FreeMarker's options (`0.##;; roundingMode=halfUp`).
    ///
    /// # Errors
    /// If the pattern is malformed.
    pub fn number_format(self, format: &str) -> Result<Self, Error> {
        self.try_with(|settings| {
            settings.set_number_format(format, Version::NEWEST);
            settings.number_format.check()
        })
    }

    /// Sets what `?c` writes: `JSON`, `JavaScript`, `JavaScript or JSON`, `Java`, `XS` or `legacy`.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn c_format(self, name: &str) -> Result<Self, Error> {
        self.try_with(|settings| settings.set_c_format(name))
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
        self.dates_format(DateKind::Date, format)
    }

    /// Sets the format of times of day.
    ///
    /// # Errors
    /// If the format is malformed.
    pub fn time_format(self, format: &str) -> Result<Self, Error> {
        self.dates_format(DateKind::Time, format)
    }

    /// Sets the format of moments: a `SimpleDateFormat` pattern, a style, or one of the `iso` and `xs` forms.
    ///
    /// # Errors
    /// If the format is malformed.
    pub fn datetime_format(self, format: &str) -> Result<Self, Error> {
        self.dates_format(DateKind::DateTime, format)
    }

    fn dates_format(self, kind: DateKind, format: &str) -> Result<Self, Error> {
        self.try_with(|settings| {
            settings.set_date_format(kind, format, Version::DEFAULT);
            settings.date_format(kind).check()
        })
    }

    /// Sets the time zone, by name (`America/Los_Angeles`) or offset (`GMT+01:00`).
    ///
    /// # Errors
    /// If there is no such zone.
    pub fn time_zone(self, name: &str) -> Result<Self, Error> {
        self.try_with(|settings| {
            settings.time_zone =
                Zone::find(name).ok_or_else(|| format!("unknown time zone {name:?}"))?;
            Ok(())
        })
    }

    /// Sets the locale, such as `de_AT`. What isn't known of it is as in its language, or else in none.
    #[must_use]
    pub fn locale(self, locale: &str) -> Self {
        self.with(|shared| shared.settings.set_locale(locale))
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

    /// Sets where `#include` and `#import` find templates; without a loader they are refused.
    #[must_use]
    pub fn loader(self, loader: impl Loader + 'static) -> Self {
        self.with(|shared| {
            shared.library = Some(Library::new(Arc::new(loader)));
            shared.options.loads = true;
        })
    }

    /// Sets whether `?eval` and `?interpret` may run data as code, as they do unless this refuses them.
    #[must_use]
    pub fn run_data_as_code(self, on: bool) -> Self {
        self.with(|shared| shared.options.runs_data = on)
    }

    /// The loader's template `name`, compiled.
    ///
    /// # Errors
    /// If there is no loader or no such template, or the template isn't well-formed.
    pub fn template(&self, name: &str) -> Result<Template, Error> {
        let library = self.shared.library.as_ref();
        let code = match (library, normalize(without_slash(name))) {
            (Some(library), Ok(name)) => {
                let name = self.shared.lookup(&name, &self.shared.settings.locale);
                library.get(name, &self.shared.options, |_| Ok(()))?
            }
            _ => None,
        };
        Ok(Template {
            code: code.ok_or_else(|| not_found(name))?,
            engine: Arc::clone(&self.shared),
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
