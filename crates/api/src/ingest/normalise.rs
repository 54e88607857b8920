//! From an event as clients send it to the event as it is streamed (the shape of the Export API).
//!
//! Everything the journal does not append itself is written here, once, in one pass over the
//! event's members. Where the streamed form has no field for what was sent:
//!
//! - `price`, `quantity`, `revenue`, `productId`, `revenueType` and `currency` become the event
//!   properties `$price`, `$quantity`, `$revenue`, `$productId`, `$revenueType` and `$currency`,
//!   unless the event has these already;
//! - everything else that has no place there (`idfv`, `user_agent`, `ingestion_metadata`, fields
//!   nobody has heard of, …) is kept in `data` under its own name.

use std::borrow::Cow;
use std::net::IpAddr;

use journal::IncomingEvent;
use model::json::{Object, Value, write_string, write_value};
use model::user::PropertyUpdate;
use model::{EventKind, ProjectId, Random, Timestamp};

use super::answer::Problems;
use super::bound::{Bounds, UPDATED_PROPERTIES};
use super::device::Device;
use super::language;
use super::member::{name_member, raw_text_member, text_member, time_member, write_uuid};
use super::validate::{self, MIN_ID_LENGTH, Rule, Why};

/// A client's clock may be off by this much, in microseconds, before its times are corrected.
const TOLERATED_SKEW: u64 = 60_000_000;

/// What the events of one request have in common.
pub(super) struct Normaliser<'a> {
    random: &'a dyn Random,
    received_at: Timestamp,
    /// What is added to the client's times, in microseconds.
    correction: i64,
    /// The uploader's address.
    remote: Option<String>,
    min_id_length: usize,
    /// The members that are the same for all events.
    shared: Vec<u8>,
    /// About how many bytes an event's streamed form takes.
    size_hint: usize,
}

/// What a request says about its events as a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope {
    pub(super) project: ProjectId,
    pub(super) received_at: Timestamp,
    /// By the client's clock.
    pub(super) uploaded_at: Option<Timestamp>,
    pub(super) uploader: Option<IpAddr>,
    pub(super) min_id_length: Option<usize>,
    /// About how many bytes each event has.
    pub(super) event_bytes: usize,
}

impl<'a> Normaliser<'a> {
    pub(super) fn new(envelope: &Envelope, random: &'a dyn Random) -> Self {
        let received_at = envelope.received_at;
        let skew = envelope
            .uploaded_at
            .map_or(0, |uploaded_at| received_at.0 - uploaded_at.0);
        let mut shared = format!(r#","app":{}"#, app_number(envelope.project)).into_bytes();
        let uploaded_at = envelope.uploaded_at.unwrap_or(received_at);
        time_member("client_upload_time", uploaded_at, &mut shared);
        time_member("server_received_time", received_at, &mut shared);
        time_member("server_upload_time", received_at, &mut shared);
        time_member("processed_time", received_at, &mut shared);
        Self {
            random,
            received_at,
            correction: if skew.unsigned_abs() > TOLERATED_SKEW {
                skew
            } else {
                0
            },
            remote: envelope.uploader.map(|address| address.to_string()),
            min_id_length: envelope.min_id_length.unwrap_or(MIN_ID_LENGTH),
            size_hint: envelope.event_bytes + shared.len() + 400,
            shared,
        }
    }

    /// The streamed form of the event at `index` of its request; `None`, and a note in `problems`,
    /// when it is not valid.
    pub(super) fn event(
        &self,
        index: usize,
        members: Object<'_>,
        problems: &mut Problems,
    ) -> Option<IncomingEvent> {
        let mut draft = Draft::new(self, index, problems);
        for (name, value) in members {
            let (field, rule) = validate::rule(&name);
            if let Err(why) = draft.take(rule, name, value) {
                draft.fail(field, why);
            }
        }
        draft.finish()
    }
}

/// A project's number in the streamed form's `app`: as stable as its id, and exact as a double.
fn app_number(project: ProjectId) -> u64 {
    let id = project.to_bytes();
    id[..6]
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// An event that is being read.
struct Draft<'n, 'p, 'v> {
    normaliser: &'n Normaliser<'n>,
    index: usize,
    problems: &'p mut Problems,
    failed: bool,
    bounds: Bounds,
    /// The streamed form so far.
    out: Vec<u8>,
    event_type: Option<Cow<'v, str>>,
    user_id: Option<Cow<'v, str>>,
    device_id: Option<Cow<'v, str>>,
    insert_id: Option<Cow<'v, str>>,
    time: Option<Timestamp>,
    event_properties: Value<'v>,
    user_properties: Value<'v>,
    groups: Vec<(String, Vec<String>)>,
    group_properties: Value<'v>,
    app_version: Option<Cow<'v, str>>,
    start_version: Option<Cow<'v, str>>,
    device: Device<'v>,
    revenue: Vec<(&'static str, Value<'v>)>,
    data: Vec<(Cow<'v, str>, Value<'v>)>,
    paying: bool,
    skip_user_properties: bool,
}

impl<'n, 'p, 'v> Draft<'n, 'p, 'v> {
    fn new(normaliser: &'n Normaliser<'n>, index: usize, problems: &'p mut Problems) -> Self {
        let mut out = Vec::with_capacity(normaliser.size_hint);
        out.extend_from_slice(br#"{"uuid":""#);
        write_uuid(normaliser.random, &mut out);
        out.push(b'"');
        out.extend_from_slice(&normaliser.shared);
        Self {
            normaliser,
            index,
            problems,
            failed: false,
            bounds: Bounds::new(),
            out,
            event_type: None,
            user_id: None,
            device_id: None,
            insert_id: None,
            time: None,
            event_properties: Value::Null,
            user_properties: Value::Null,
            groups: Vec::new(),
            group_properties: Value::Null,
            app_version: None,
            start_version: None,
            device: Device::default(),
            revenue: Vec::new(),
            data: Vec::new(),
            paying: false,
            skip_user_properties: false,
        }
    }

    fn fail(&mut self, field: &'static str, why: &str) {
        self.failed = true;
        self.problems.invalid(field, self.index, why);
    }

    fn fail_missing(&mut self, field: &'static str) {
        self.failed = true;
        self.problems.missing(field, self.index);
    }

    /// Takes one member: writes it, or keeps it until all are known.
    fn take(&mut self, rule: Rule, name: Cow<'v, str>, mut value: Value<'v>) -> Result<(), Why> {
        match rule {
            Rule::EventType => self.event_type = validate::text(value)?,
            Rule::UserId => self.user_id = validate::id(value)?,
            Rule::DeviceId => self.device_id = validate::id(value)?,
            Rule::InsertId => self.insert_id = validate::text(value)?,
            Rule::Time => self.time = validate::time(&value)?,
            Rule::EventProperties => self.event_properties = self.properties(value)?,
            Rule::UserProperties => self.user_properties = self.properties(value)?,
            Rule::GroupProperties => self.group_properties = self.properties(value)?,
            Rule::Groups => self.groups = validate::groups(value)?,
            Rule::AppVersion => self.app_version = validate::text(value)?,
            Rule::StartVersion => self.start_version = validate::text(value)?,
            Rule::Paying => self.paying |= validate::boolean(&value)?,
            Rule::DeviceBrand => self.device.brand = validate::text(value)?,
            Rule::DeviceManufacturer => self.device.manufacturer = validate::text(value)?,
            Rule::DeviceModel => self.device.model = validate::text(value)?,
            Rule::SkipUserPropertiesSync => {
                self.skip_user_properties = validate::boolean(&value)?;
            }
            Rule::Language => {
                if let Some(language) = validate::text(value)? {
                    let name = language::english_name(&language);
                    text_member("language", name.unwrap_or(&language), &mut self.out);
                }
            }
            Rule::Ip => {
                let sent = validate::text(value)?;
                let address = match sent.as_deref() {
                    Some("$remote") => self.normaliser.remote.as_deref(),
                    other => other,
                };
                if let Some(address) = address {
                    text_member("ip_address", address, &mut self.out);
                }
            }
            Rule::Text(name) => {
                if let Some(text) = validate::text(value)? {
                    text_member(name, &text, &mut self.out);
                }
            }
            Rule::Number(name) => {
                if let Some(number) = validate::number(value)? {
                    name_member(name, &mut self.out);
                    self.out.extend_from_slice(number.text().as_bytes());
                }
            }
            Rule::Integer(name) => {
                if let Some(integer) = validate::integer(value)? {
                    name_member(name, &mut self.out);
                    self.out.extend_from_slice(integer.to_string().as_bytes());
                }
            }
            Rule::Object(name) => {
                let object = self.properties(value)?;
                if !object.is_null() {
                    name_member(name, &mut self.out);
                    write_value(&object, &mut self.out);
                }
            }
            Rule::RevenueNumber(name) => {
                if let Some(number) = validate::number(value)? {
                    self.revenue.push((name, Value::Number(number)));
                }
            }
            Rule::RevenueText(name) => {
                if let Some(text) = validate::text(value)? {
                    self.revenue.push((name, Value::String(text)));
                }
            }
            Rule::Data => {
                self.bounds.apply(&mut value)?;
                if !value.is_null() {
                    self.data.push((name, value));
                }
            }
        }
        Ok(())
    }

    /// An object within the event's bounds; `null` when there is none.
    fn properties(&mut self, mut value: Value<'v>) -> Result<Value<'v>, Why> {
        match value {
            Value::Null => {}
            Value::Object(_) => self.bounds.apply(&mut value)?,
            _ => return Err("expected an object"),
        }
        Ok(value)
    }

    /// Checks what the members mean together and writes what had to wait for all of them.
    fn finish(mut self) -> Option<IncomingEvent> {
        let event_type = self.checked_event_type().unwrap_or_default();
        let kind = EventKind::of_type(&event_type);
        self.check_ids(kind);
        if kind == EventKind::GroupIdentify && self.groups.is_empty() {
            self.fail_missing("groups");
        }
        let user_properties = std::mem::replace(&mut self.user_properties, Value::Null);
        let user_update = self.update("user_properties", &user_properties);
        let group_properties = std::mem::replace(&mut self.group_properties, Value::Null);
        let group_update = self.update("group_properties", &group_properties);
        if self.failed {
            return None;
        }
        let paying = self.paying || self.is_paid_for(&event_type);
        let event_time = self.write_times();
        self.write_texts(&event_type);
        self.write_event_properties();
        self.write_data();
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Some(IncomingEvent {
            kind,
            user_id: owned(self.user_id),
            device_id: owned(self.device_id),
            insert_id: owned(self.insert_id),
            event_time,
            own_user_properties: self.skip_user_properties.then(|| alone(&user_update)),
            user_update: match self.skip_user_properties {
                true => PropertyUpdate::none(),
                false => user_update,
            },
            groups: self.groups,
            group_update,
            paying,
            version: owned(self.start_version.or(self.app_version)),
            fields: self.out,
        })
    }

    fn checked_event_type(&mut self) -> Option<Cow<'v, str>> {
        let event_type = self.event_type.take();
        match event_type.as_deref() {
            None => self.fail_missing("event_type"),
            Some("_all" | "_identify") => self.fail("event_type", "this event type is reserved"),
            Some(_) => {}
        }
        event_type
    }

    /// Drops ids that can't be one. One of them must be left, but where a group is identified.
    fn check_ids(&mut self, kind: EventKind) {
        let min_length = self.normaliser.min_id_length;
        let problem = |id: &Option<Cow<'_, str>>| {
            let id = id.as_deref()?;
            validate::id_problem(id, min_length)
        };
        let problems = [
            ("user_id", problem(&self.user_id)),
            ("device_id", problem(&self.device_id)),
        ];
        let sent = self.user_id.is_some() || self.device_id.is_some();
        if problems[0].1.is_some() {
            self.user_id = None;
        }
        if problems[1].1.is_some() {
            self.device_id = None;
        }
        if kind == EventKind::GroupIdentify || self.user_id.is_some() || self.device_id.is_some() {
            return;
        }
        for (field, problem) in problems {
            match problem {
                Some(why) => self.fail(field, why),
                None if !sent => self.fail_missing(field),
                None => {}
            }
        }
    }

    fn update(&mut self, field: &'static str, properties: &Value<'_>) -> PropertyUpdate {
        let Value::Object(object) = properties else {
            return PropertyUpdate::none();
        };
        let names: usize = object
            .iter()
            .map(|(name, value)| match value {
                Value::Object(arguments) if name.starts_with('$') => arguments.len(),
                _ => 1,
            })
            .sum();
        if names > UPDATED_PROPERTIES {
            self.fail(field, "more than 1,000 properties");
            return PropertyUpdate::none();
        }
        PropertyUpdate::from_json(properties).unwrap_or_else(|error| {
            self.fail(field, &error.to_string());
            PropertyUpdate::none()
        })
    }

    /// Whether the event is about revenue: its own price or revenue, or that of the event type by
    /// which SDKs report it.
    fn is_paid_for(&self, event_type: &str) -> bool {
        let positive = |value: &Value<'_>| value.as_number().is_some_and(|n| n.as_f64() > 0.0);
        let own = self.revenue.iter();
        let reported = ["$revenue", "$price"]
            .iter()
            .filter(|_| event_type == "revenue_amount");
        own.filter(|(name, _)| matches!(*name, "$revenue" | "$price"))
            .map(|(_, value)| value)
            .chain(reported.filter_map(|name| self.event_properties.get(name)))
            .any(positive)
    }

    fn write_times(&mut self) -> Timestamp {
        let client_time = self.time.unwrap_or(self.normaliser.received_at);
        let event_time = match self.time {
            Some(time) => Timestamp(time.0.saturating_add(self.normaliser.correction)),
            None => self.normaliser.received_at,
        };
        let mut text = Vec::with_capacity(24);
        client_time.write(&mut text);
        raw_text_member("client_event_time", &text, &mut self.out);
        if event_time != client_time {
            text.clear();
            event_time.write(&mut text);
        }
        raw_text_member("event_time", &text, &mut self.out);
        raw_text_member("created_at", &text, &mut self.out);
        event_time
    }

    fn write_texts(&mut self, event_type: &str) {
        let out = &mut self.out;
        text_member("event_type", event_type, out);
        text_member("event_name", event_type, out);
        let (family, kind) = (self.device.family(), self.device.kind());
        for (name, text) in [
            ("user_id", self.user_id.as_deref()),
            ("device_id", self.device_id.as_deref()),
            ("$insert_id", self.insert_id.as_deref()),
            ("version_name", self.app_version.as_deref()),
            ("device_brand", self.device.brand.as_deref()),
            ("device_manufacturer", self.device.manufacturer.as_deref()),
            ("device_model", self.device.model.as_deref()),
            ("device_family", family.as_deref()),
            ("device_type", kind.as_deref()),
        ] {
            if let Some(text) = text {
                text_member(name, text, out);
            }
        }
    }

    /// The event's properties, with those of its revenue that it doesn't have itself. Present on
    /// every event, so that a template can look into them without asking first.
    fn write_event_properties(&mut self) {
        name_member("event_properties", &mut self.out);
        let mut properties = match std::mem::replace(&mut self.event_properties, Value::Null) {
            Value::Object(properties) => properties,
            _ => Object::new(),
        };
        for (name, value) in self.revenue.drain(..) {
            if properties.get(name).is_none() {
                properties.set(name, value);
            }
        }
        write_value(&Value::Object(properties), &mut self.out);
    }

    fn write_data(&mut self) {
        for (position, (name, value)) in self.data.iter().enumerate() {
            let before: &[u8] = if position == 0 { br#","data":{"# } else { b"," };
            self.out.extend_from_slice(before);
            write_string(name, &mut self.out);
            self.out.push(b':');
            write_value(value, &mut self.out);
        }
        if !self.data.is_empty() {
            self.out.push(b'}');
        }
    }
}

/// What an update makes of a user without properties, as JSON.
fn alone(update: &PropertyUpdate) -> Vec<u8> {
    let mut properties = Object::new();
    update.apply(&mut properties);
    let mut json = Vec::new();
    write_value(&Value::Object(properties), &mut json);
    json
}
