//! The bodies of `/identify` and `/groupidentify`: forms (or queries), or JSON of the same members.
//! An identification becomes the `$identify` or `$groupidentify` event that says the same.

use std::borrow::Cow;

use model::json::{Limits, Object, Value, parse};

use super::answer::{Problems, Refusal};
use super::normalise::Envelope;
use super::upload::{Reception, Upload, object};

/// The most identifications that one request may hold.
const MAX_IDENTIFICATIONS: usize = 1_024;

/// Whose properties an identification changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A user's: `/identify`.
    User,
    /// A group's: `/groupidentify`.
    Group,
}

impl Reception<'_> {
    /// Reads a body, or a query in place of one.
    pub fn identifications(&self, subject: Subject, body: &[u8]) -> Result<Upload, Refusal> {
        if body.trim_ascii().is_empty() {
            return Err(Refusal::MissingBody);
        }
        if body.trim_ascii_start().starts_with(b"{") {
            let mut request = object(body)?;
            let identification = request.remove("identification");
            return self.read(subject, request.get("api_key"), identification, body.len());
        }
        let (mut api_key, mut identification) = (None, None);
        for (name, value) in form(body)? {
            match &*name {
                "api_key" => api_key = Some(Value::String(value)),
                "identification" => identification = Some(Value::String(value)),
                _ => {}
            }
        }
        self.read(subject, api_key.as_ref(), identification, body.len())
    }

    fn read(
        &self,
        subject: Subject,
        api_key: Option<&Value<'_>>,
        identification: Option<Value<'_>>,
        body_bytes: usize,
    ) -> Result<Upload, Refusal> {
        let project = self.project(api_key)?;
        let text;
        let identification = match identification {
            None | Some(Value::Null) => return Err(Refusal::MissingField("identification")),
            // Forms carry it as text, and some clients put that text into JSON.
            Some(Value::String(json)) => {
                text = json;
                parse(text.as_bytes(), &Limits::FOREIGN)?
            }
            Some(value) => value,
        };
        let items = match identification {
            Value::Array(items) => items,
            single => vec![single],
        };
        if items.len() > MAX_IDENTIFICATIONS {
            return Err(Refusal::TooLarge);
        }
        let envelope = Envelope {
            project: project.project,
            received_at: self.received_at,
            uploaded_at: None,
            uploader: self.uploader,
            min_id_length: None,
            event_bytes: body_bytes / items.len().max(1),
        };
        let events = self.normalise(&envelope, items, |index, item, problems| match subject {
            Subject::User => Some(user_event(item)),
            Subject::Group => group_event(index, item, problems),
        })?;
        Ok(Upload { project, events })
    }
}

fn user_event(mut identification: Object<'_>) -> Object<'_> {
    identification.set("event_type", Value::string("$identify"));
    identification
}

fn group_event<'v>(
    index: usize,
    mut identification: Object<'v>,
    problems: &mut Problems,
) -> Option<Object<'v>> {
    let kind = identification.remove("group_type");
    let names = identification.remove("group_value");
    let mut valid = true;
    let kind = match kind {
        Some(Value::String(kind)) if !kind.is_empty() => Some(kind),
        None | Some(Value::Null) => {
            problems.missing("group_type", index);
            None
        }
        Some(_) => {
            problems.invalid("group_type", index, "expected a string");
            None
        }
    };
    match &names {
        None | Some(Value::Null) => {
            problems.missing("group_value", index);
            valid = false;
        }
        Some(Value::Object(_)) => {
            problems.invalid(
                "group_value",
                index,
                "expected a group name or a list of them",
            );
            valid = false;
        }
        Some(_) => {}
    }
    if identification
        .get("group_properties")
        .is_none_or(Value::is_null)
    {
        problems.missing("group_properties", index);
        valid = false;
    }
    let groups = Object::from_iter([(kind?, names?)]);
    identification.set("groups", Value::Object(groups));
    identification.set("event_type", Value::string("$groupidentify"));
    valid.then_some(identification)
}

/// A name and its value in a form.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The pairs of a form (`application/x-www-form-urlencoded`).
fn form(body: &[u8]) -> Result<Vec<Pair<'_>>, Refusal> {
    /// Forms of this API have two; what is beyond these is ignored.
    const MAX_PAIRS: usize = 16;
    let pairs = body.split(|&byte| byte == b'&').take(MAX_PAIRS);
    pairs
        .map(|pair| {
            let equals = pair.iter().position(|&byte| byte == b'=');
            let (name, value) = match equals {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            Ok((percent_decoded(name)?, percent_decoded(value)?))
        })
        .collect()
}

/// The text that a form's name or value stands for. A `%` that begins no byte stands for itself.
fn percent_decoded(encoded: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    let not_utf8 = || Refusal::InvalidJson("the form is not valid UTF-8".into());
    if !encoded.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        let text = std::str::from_utf8(encoded).map_err(|_| not_utf8())?;
        return Ok(Cow::Borrowed(text));
    }
    let digit = |at: usize| char::from(*encoded.get(at)?).to_digit(16);
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut at = 0;
    while at < encoded.len() {
        match (encoded[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => decoded.push(b' '),
            (byte, ..) => decoded.push(byte),
        }
        at += 1;
    }
    let text = String::from_utf8(decoded).map_err(|_| not_utf8())?;
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let pairs = form(b"api_key=k&a%20b=%7B%22x%22%3A+%22%C3%A9%22%7D&odd=100%&alone").unwrap();
        let shown: Vec<_> = pairs.iter().map(|(n, v)| (&**n, &**v)).collect();
        let expected = [
            ("api_key", "k"),
            ("a b", r#"{"x": "é"}"#),
            ("odd", "100%"),
            ("alone", ""),
        ];
        assert_eq!(shown, expected);
        assert!(form(b"a=%ff").is_err());
        assert!(form(b"a=\xff").is_err());
    }
}
