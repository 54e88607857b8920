//! minijinja, with templates that make the same of the same data.

use std::collections::BTreeMap;
use std::hint::black_box;

use anyhow::Context;
use minijinja::{Environment, Error, ErrorKind, Value, context};

use crate::case::{Case, Work};
use crate::clock::nanos_per_run;
use crate::inputs::{EVENT, FIELDS, PROPERTIES};

/// One case, ready to run.
pub(crate) struct Jinja {
    environment: Environment<'static>,
    case: &'static Case,
    parameters: Value,
    data: Value,
}

impl Jinja {
    pub(crate) fn new(case: &'static Case, parameters: &str) -> anyhow::Result<Self> {
        let mut environment = Environment::new();
        filters::register(&mut environment);
        environment.add_template(case.name, case.jinja)?;
        let parameters: Value = serde_json::from_str(parameters)?;
        let data = data(parse_event(EVENT)?, &parameters);
        Ok(Self {
            environment,
            case,
            parameters,
            data,
        })
    }

    fn render(&self, data: Value) -> Result<String, Error> {
        self.environment.get_template(self.case.name)?.render(data)
    }

    /// What the template makes of the event.
    pub(crate) fn output(&self) -> anyhow::Result<String> {
        self.render(self.data.clone()).context("minijinja")
    }

    /// Nanoseconds of CPU time that `work` takes.
    pub(crate) fn measure(&self, work: Work, millis: u64) -> f64 {
        nanos_per_run(millis, || {
            let done = match work {
                Work::Render => self.render(self.data.clone()).map(|text| {
                    black_box(text);
                }),
                Work::ParseRender => {
                    let event = parse_event(black_box(EVENT)).expect("parsed before");
                    self.render(data(event, &self.parameters)).map(|text| {
                        black_box(text);
                    })
                }
                Work::Compile => self
                    .environment
                    .template_from_named_str("bench", self.case.jinja)
                    .map(|template| {
                        black_box(template);
                    }),
            };
            done.expect("done before without an error");
        })
    }
}

fn parse_event(text: &str) -> serde_json::Result<Value> {
    serde_json::from_slice(text.as_bytes())
}

fn data(event: Value, parameters: &Value) -> Value {
    let mapped = |names: &[(&'static str, &'static str)]| -> BTreeMap<&'static str, Value> {
        let values = names.iter().filter_map(|(name, field)| {
            let value = event.get_attr(field).ok()?;
            Some((*name, value))
        });
        values.collect()
    };
    let (properties, fields) = (mapped(&PROPERTIES), mapped(&FIELDS));
    context! {
        mappedProperties => properties,
        mappedFields => fields,
        input => event,
        parameters => parameters.clone(),
    }
}

/// What FreeMarker has built in and minijinja leaves to its host.
mod filters {
    use std::fmt::Write as _;

    use jiff::civil;
    use jiff::tz::TimeZone;

    use super::{Environment, Error, ErrorKind, Value};

    pub(super) fn register(environment: &mut Environment<'_>) {
        environment.add_filter("json_string", json_string);
        environment.add_filter("cap_first", cap_first);
        environment.add_filter("fixed", |number: f64| format!("{number:.2}"));
        environment.add_filter("short", short);
        environment.add_filter("grouped", grouped);
        environment.add_filter("datetime", datetime);
        environment.add_filter("millis", millis);
        environment.add_filter("format", format_date);
    }

    fn json_string(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                control if control < ' ' => {
                    // Writing to memory can't fail.
                    let _ = write!(out, "\\u{:04x}", u32::from(control));
                }
                other => out.push(other),
            }
        }
        out
    }

    fn cap_first(text: &str) -> String {
        let mut characters = text.chars();
        let Some(first) = characters.next() else {
            return String::new();
        };
        let mut out: String = first.to_uppercase().collect();
        out.push_str(characters.as_str());
        out
    }

    /// One or two decimals.
    fn short(number: f64) -> String {
        let mut text = format!("{number:.2}");
        if text.ends_with('0') {
            text.pop();
        }
        text
    }

    /// Two decimals, thousands apart.
    fn grouped(number: f64) -> String {
        let plain = format!("{number:.2}");
        let whole = plain.len() - 3;
        let mut out = String::with_capacity(plain.len() + 4);
        for (at, digit) in plain.char_indices() {
            if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    }

    // A value of minijinja has no dates: what goes from filter to filter are milliseconds since 1970.
    fn datetime(text: &str) -> Result<i64, Error> {
        let invalid = |error| Error::new(ErrorKind::InvalidOperation, format!("{error}"));
        let civil: civil::DateTime = text.parse().map_err(invalid)?;
        let zoned = civil.to_zoned(TimeZone::UTC).map_err(invalid)?;
        Ok(zoned.timestamp().as_millisecond())
    }

    fn millis(moment: i64) -> i64 {
        moment
    }

    fn format_date(moment: i64, pattern: &str) -> Result<Value, Error> {
        let invalid = |error| Error::new(ErrorKind::InvalidOperation, format!("{error}"));
        let moment = jiff::Timestamp::from_millisecond(moment).map_err(invalid)?;
        let text = jiff::fmt::strtime::format(pattern, &moment.to_zoned(TimeZone::UTC));
        text.map(Value::from).map_err(invalid)
    }
}
