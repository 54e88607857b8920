//! Built-ins on dates.

use std::borrow::Cow;
use std::rc::Rc;

use super::misfits::not_a_method;
use super::{Args, Builtin, Returned, Run, define};
use crate::datetime::{Accuracy, DateFormat, IsoFormat, Zone};
use crate::error::{Error, ErrorKind, quoted};
use crate::eval::{COMPILED_BYTES_PER_STEP, Env, Evaluated, Fault};
use crate::syntax::ast::{BuiltinCall, Lookup};
use crate::value::{DateKind, DateTime, Unread, UnreadKind, Value};

macro_rules! iso_table {
    ($(($name:literal, $args:expr)),* $(,)?) => {
        &[
            define("date", Run::Unread(date), Args::Optional(0, 1)),
            define("time", Run::Unread(time), Args::Optional(0, 1)),
            define("datetime", Run::Unread(datetime), Args::Optional(0, 1)),
            define("date_if_unknown", Run::Date(unchanged), Args::None),
            define("time_if_unknown", Run::Date(unchanged), Args::None),
            define("datetime_if_unknown", Run::Date(unchanged), Args::None),
            $(define($name, Run::Date(iso), $args),)*
        ]
    };
}

pub(super) const TABLE: &[Builtin] = iso_table![
    ("iso", Args::Required(1, 1)),
    ("iso_nz", Args::Required(1, 1)),
    ("iso_h", Args::Required(1, 1)),
    ("iso_h_nz", Args::Required(1, 1)),
    ("iso_m", Args::Required(1, 1)),
    ("iso_m_nz", Args::Required(1, 1)),
    ("iso_ms", Args::Required(1, 1)),
    ("iso_ms_nz", Args::Required(1, 1)),
    ("iso_utc", Args::None),
    ("iso_utc_nz", Args::None),
    ("iso_utc_fz", Args::None),
    ("iso_utc_h", Args::None),
    ("iso_utc_h_nz", Args::None),
    ("iso_utc_m", Args::None),
    ("iso_utc_m_nz", Args::None),
    ("iso_utc_ms", Args::None),
    ("iso_utc_ms_nz", Args::None),
    ("iso_local", Args::None),
    ("iso_local_nz", Args::None),
    ("iso_local_h", Args::None),
    ("iso_local_h_nz", Args::None),
    ("iso_local_m", Args::None),
    ("iso_local_m_nz", Args::None),
    ("iso_local_ms", Args::None),
    ("iso_local_ms_nz", Args::None),
];

/// A zone's name is looked for among those of all zones.
const STEPS_OF_READING: usize = 10;

fn unchanged<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, date: DateTime) -> Returned<'a> {
    Ok(Some(Value::Date(date)))
}

fn date<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    convert(env, call, value, DateKind::Date)
}

fn time<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    convert(env, call, value, DateKind::Time)
}

fn datetime<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    convert(env, call, value, DateKind::DateTime)
}

/// Whether a date of the kind `found` can become one of the built-in's.
pub(super) fn check_kind<'a>(
    env: &Env<'a>,
    call: &BuiltinCall,
    found: DateKind,
) -> Evaluated<'a, ()> {
    if found == DateKind::DateTime || found.name() == call.builtin.name {
        return Ok(());
    }
    let message = format!(
        "Cannot convert {} to {}",
        found.name().to_uppercase(),
        call.builtin.name.to_uppercase()
    );
    Err(env.fault(ErrorKind::Type, call.head, message))
}

fn convert<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    value: Value<'a>,
    kind: DateKind,
) -> Returned<'a> {
    if let Some(found) = value.date_kind() {
        check_kind(env, call, found)?;
        if call.args.is_some() && call.lookup == Lookup::Call {
            return Err(not_a_method(env, call, &value));
        }
    }
    match value {
        Value::Date(DateTime { millis, .. }) => {
            return Ok(Some(Value::Date(DateTime { millis, kind })));
        }
        Value::Unread(unread) if unread.kind == UnreadKind::Date(kind) => {
            return Ok(Some(Value::Unread(unread)));
        }
        Value::Unread(unread) => return Err(Fault::Error(unread.error.clone())),
        _ => {}
    }
    let text = env.string_of(&call.target, value)?;
    // The setting must be well-formed even where it isn't used.
    env.date_format_setting(kind)?;
    env.steps(STEPS_OF_READING + text.as_str().len() / COMPILED_BYTES_PER_STEP)?;
    let given = match call.arg_count() {
        0 => None,
        _ => Some(super::numbers::date_format(env, call, kind)?),
    };
    let format: &DateFormat = match &given {
        Some(given) => given,
        None => env.date_format_setting(kind)?,
    };
    let mut named = None;
    let surroundings = env.surroundings(kind, given.as_deref());
    let read = format.read(text.as_str(), &surroundings, &mut named);
    if let Some(zone) = named {
        env.keep_zone(kind, given.map(Cow::into_owned), zone)?;
    }
    match read {
        Ok(millis) => Ok(Some(Value::Date(DateTime { millis, kind }))),
        Err(unreadable) => {
            let message = format!(
                "The string doesn't match the expected date/time/date-time format. The string to parse was: {}. \
                 The expected format was: {}.\nThe nested reason given follows:\n{}",
                quoted(text.as_str()),
                quoted(&unreadable.format),
                unreadable.reason
            );
            let error = Error::new(ErrorKind::Format, message);
            // Only what is read by the setting waits until it is used.
            if call.args.is_some() {
                return Err(Fault::Error(error));
            }
            let kind = UnreadKind::Date(kind);
            Ok(Some(Value::Unread(Rc::new(Unread { kind, error }))))
        }
    }
}

/// The whole `iso_…` family: what is to be shown is in the name.
fn iso<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, date: DateTime) -> Returned<'a> {
    let name = call.builtin.name;
    let zone = if name.starts_with("iso_utc") {
        Zone::utc()
    } else if name.starts_with("iso_local") {
        env.settings.time_zone.clone()
    } else {
        let zone = env.arg_str(call, 0)?;
        match Zone::find_for_iso(zone.as_str()) {
            Some(zone) => zone,
            None => {
                let message = format!(
                    "The time zone string specified for ?{}(...) is not recognized as a valid time zone name: {}",
                    call.name,
                    quoted(zone.as_str())
                );
                return Err(env.failure(ErrorKind::Value, message));
            }
        }
    };
    let accuracy = match name
        .trim_end_matches("_nz")
        .trim_end_matches("_fz")
        .rsplit('_')
        .next()
    {
        Some("h") => Accuracy::Hours,
        Some("m") => Accuracy::Minutes,
        Some("ms") => Accuracy::Millis,
        _ => Accuracy::Seconds,
    };
    let format = IsoFormat {
        accuracy,
        shows_zone: !name.ends_with("_nz"),
        utc: false,
        xs: false,
    };
    let mut bytes = Vec::with_capacity(32);
    format.write(date, &zone, &mut bytes);
    env.captured_string(bytes).map(Some)
}
