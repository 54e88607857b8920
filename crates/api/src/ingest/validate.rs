//! The rules for single fields: which there are, and what each may hold.

use std::borrow::Cow;

use model::json::{Limits, Value, parse};
use model::{Timestamp, json};

use super::bound::{cut, is_sane};

/// What is wrong with a value, in words.
pub(super) type Why = &'static str;

/// Ids shorter than this are dropped, unless the request says otherwise.
pub(super) const MIN_ID_LENGTH: usize = 5;

/// At most so many types of groups does an event keep.
const GROUP_TYPES: usize = 5;

/// At most so many groups does an event keep.
const GROUPS: usize = 10;

/// What becomes of a member of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    EventType,
    UserId,
    DeviceId,
    InsertId,
    Time,
    EventProperties,
    UserProperties,
    Groups,
    GroupProperties,
    Language,
    Ip,
    AppVersion,
    StartVersion,
    Paying,
    DeviceBrand,
    DeviceManufacturer,
    DeviceModel,
    /// A property of revenue, streamed as the event property of this name.
    RevenueNumber(&'static str),
    RevenueText(&'static str),
    SkipUserPropertiesSync,
    /// Streamed under this name.
    Text(&'static str),
    Number(&'static str),
    Integer(&'static str),
    Object(&'static str),
    /// Streamed within `data`.
    Data,
}

/// The rule for the member called `name`, with that name.
pub(super) fn rule(name: &str) -> (&'static str, Rule) {
    use Rule::{Integer, Number, Object, RevenueNumber, RevenueText, Text};
    match name {
        "event_type" => ("event_type", Rule::EventType),
        "user_id" => ("user_id", Rule::UserId),
        "device_id" => ("device_id", Rule::DeviceId),
        "insert_id" => ("insert_id", Rule::InsertId),
        "time" => ("time", Rule::Time),
        "event_properties" => ("event_properties", Rule::EventProperties),
        "user_properties" => ("user_properties", Rule::UserProperties),
        "groups" => ("groups", Rule::Groups),
        "group_properties" => ("group_properties", Rule::GroupProperties),
        "session_id" => ("session_id", Integer("session_id")),
        "event_id" => ("event_id", Integer("event_id")),
        "platform" => ("platform", Text("platform")),
        "library" => ("library", Text("library")),
        "ip" => ("ip", Rule::Ip),
        "language" => ("language", Rule::Language),
        "app_version" => ("app_version", Rule::AppVersion),
        "os_name" => ("os_name", Text("os_name")),
        "os_version" => ("os_version", Text("os_version")),
        "device_brand" => ("device_brand", Rule::DeviceBrand),
        "device_manufacturer" => ("device_manufacturer", Rule::DeviceManufacturer),
        "device_model" => ("device_model", Rule::DeviceModel),
        "carrier" => ("carrier", Text("device_carrier")),
        "country" => ("country", Text("country")),
        "region" => ("region", Text("region")),
        "city" => ("city", Text("city")),
        "dma" => ("dma", Text("dma")),
        "idfa" => ("idfa", Text("idfa")),
        "adid" => ("adid", Text("adid")),
        "location_lat" => ("location_lat", Number("location_lat")),
        "location_lng" => ("location_lng", Number("location_lng")),
        "price" => ("price", RevenueNumber("$price")),
        "quantity" => ("quantity", RevenueNumber("$quantity")),
        "revenue" => ("revenue", RevenueNumber("$revenue")),
        "productId" => ("productId", RevenueText("$productId")),
        "revenueType" => ("revenueType", RevenueText("$revenueType")),
        "currency" => ("currency", RevenueText("$currency")),
        "partner_id" => ("partner_id", Text("partner_id")),
        "plan" => ("plan", Object("plan")),
        "start_version" => ("start_version", Rule::StartVersion),
        "paying" => ("paying", Rule::Paying),
        "$skip_user_properties_sync" => {
            ("$skip_user_properties_sync", Rule::SkipUserPropertiesSync)
        }
        _ => ("data", Rule::Data),
    }
}

/// A value as text: strings are cut, numbers and truth values are taken as they are written. `null`
/// and the empty string are no value.
pub(super) fn text(value: Value<'_>) -> Result<Option<Cow<'_, str>>, Why> {
    let mut text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        Value::Number(number) => Cow::Owned(number.text().to_owned()),
        Value::Bool(truth) => Cow::Borrowed(if truth { "true" } else { "false" }),
        Value::Array(_) | Value::Object(_) => return Err("expected a string"),
    };
    cut(&mut text);
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// An id as text. Unlike other texts the empty one is told from none, as it makes an event invalid
/// when it is its only id.
pub(super) fn id(value: Value<'_>) -> Result<Option<Cow<'_, str>>, Why> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Some(text)),
        other => text(other),
    }
}

/// A number, or a string that is one.
pub(super) fn number(value: Value<'_>) -> Result<Option<json::Number<'_>>, Why> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number,
        Value::String(text) => match parse(text.trim().as_bytes(), &Limits::FOREIGN) {
            Ok(Value::Number(number)) => number.into_owned(),
            _ => return Err("expected a number"),
        },
        _ => return Err("expected a number"),
    };
    match is_sane(number.text()) {
        true => Ok(Some(number)),
        false => Err("the number is too large or too small for a double"),
    }
}

/// An integer of 64 bits, or a string that is one.
pub(super) fn integer(value: Value<'_>) -> Result<Option<i64>, Why> {
    match number(value).map_err(|_| "expected an integer")? {
        None => Ok(None),
        Some(number) => number.as_i64().map(Some).ok_or("expected an integer"),
    }
}

/// `true` and `false`, also as text.
pub(super) fn boolean(value: &Value<'_>) -> Result<bool, Why> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(truth) => Ok(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.is_empty() || text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err("expected true or false"),
    }
}

/// When an event happened: milliseconds since the epoch, as an integer and nothing else.
pub(super) fn time(value: &Value<'_>) -> Result<Option<Timestamp>, Why> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => number
            .as_i64()
            .and_then(Timestamp::from_millis)
            .map(Some)
            .ok_or("expected milliseconds since 1970 as an integer"),
        _ => Err("expected milliseconds since 1970 as an integer"),
    }
}

/// Why an id can't stand for a user or device; `None` when it can.
pub(super) fn id_problem(id: &str, min_length: usize) -> Option<Why> {
    if is_forbidden(id) {
        return Some("this value can't be an id");
    }
    // Characters are counted only where bytes could be too few.
    let short = id.len() < min_length.saturating_mul(4) && id.chars().count() < min_length;
    short.then_some("shorter than the shortest id")
}

/// Whether `id` is one of the values that broken instrumentation sends in place of an id. Case and
/// surrounding space make no difference: `None` is as little an id as `none`.
fn is_forbidden(id: &str) -> bool {
    const FORBIDDEN: [&str; 14] = [
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "",
        "00000000-0000-0000-0000-000000000000",
        "{}",
        "lmy47d",
        "0",
        "-1",
    ];
    let id = id.trim();
    FORBIDDEN.iter().any(|word| id.eq_ignore_ascii_case(word))
}

/// The groups of an event: an object of names, or lists of names, by type. Those beyond the first 5
/// types and 10 groups are left out, as the original does.
pub(super) fn groups(value: Value<'_>) -> Result<Vec<(String, Vec<String>)>, Why> {
    let object = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Object(object) => object,
        _ => return Err("expected an object of group names by group type"),
    };
    let mut groups = Vec::new();
    let mut room = GROUPS;
    for (kind, names) in object {
        let names = match names {
            Value::Array(names) => names,
            single => vec![single],
        };
        let has_place = groups.len() < GROUP_TYPES;
        let mut kept: Vec<String> = Vec::new();
        for name in names {
            let name = text(name).map_err(|_| "expected a group name or a list of them")?;
            let Some(name) = name else { continue };
            if has_place && room > 0 && !kept.iter().any(|known| *known == name) {
                room -= 1;
                kept.push(name.into_owned());
            }
        }
        if !kept.is_empty() {
            groups.push((kind.into_owned(), kept));
        }
    }
    Ok(groups)
}

/// When the client sent the request by its own clock: ISO 8601 text or milliseconds. What can't be
/// read is as good as absent: it only serves to correct times.
pub(super) fn upload_time(value: &Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Number(number) => Timestamp::from_millis(number.as_i64()?),
        Value::String(text) => {
            let text = text.trim();
            if let Ok(millis) = text.parse::<i64>() {
                return Timestamp::from_millis(millis);
            }
            let instant = match text.parse::<jiff::Timestamp>() {
                Ok(instant) => instant,
                // Without a zone it is UTC.
                Err(_) => {
                    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
                    civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
                }
            };
            Timestamp::from_millis(instant.as_millisecond())
        }
        _ => None,
    }
}
