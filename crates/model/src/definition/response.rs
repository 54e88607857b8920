//! What a destination's answers mean, where their status alone doesn't tell.

mod statuses;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Method;
use crate::json::{self, Limits};
use crate::request::Answer;

pub use statuses::Statuses;

/// What may be read of an answer: more is taken for no JSON at all.
const LIMITS: Limits = Limits {
    depth: 64,
    values: 20_000,
    repeated_names: true,
};

/// Which answers are meant, and what they mean. Of several rules the first that holds decides; where
/// none does, 2xx is a success and anything else is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResponseRule {
    /// The statuses: one (`409`), a class (`4xx`) or a range (`500-503`). None: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<Statuses>,
    /// Holds where the answer lists the items that failed, and what was sent is among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_item: Option<FailedItem>,
    /// What has to hold of the body, all of it. With `failed_item` it is read in the entry of what was
    /// sent. A body that is not JSON, or that is longer than what is read of it, meets no condition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<BodyCondition>,
    /// What such an answer means.
    pub means: Meaning,
    /// That in words, for those who look at failures.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AnswerMeaning))]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// The destination took it.
    Delivered,
    /// It did not, and never will: the delivery ends as discarded.
    Refused,
    /// It did not, and is asked again.
    Retry,
    /// The payload's other request is to be sent.
    FollowUp,
}

impl Meaning {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Retry => "retry",
            Self::FollowUp => "follow_up",
        }
    }

    /// What a status means where no rule says otherwise.
    pub fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            _ => Self::Retry,
        }
    }
}

/// Where an answer lists the items of a batch that failed. Requests carry one item, number 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FailedItem {
    /// JSON pointer to the list in the body, such as `/errors`.
    pub list: String,
    /// JSON pointer to the item's number (from 0) in an entry, such as `/index`; it may be a text (`"0"`).
    /// Absent: every entry is about what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
}

/// What has to hold of a value in a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BodyCondition {
    /// JSON pointer to the value; empty: all of it.
    pub pointer: String,
    /// How it is compared.
    pub operator: BodyOperator,
    /// With what: texts, numbers or truth values. None for *is set* and *is not set*.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

/// How a value in a body is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BodyOperator {
    /// Is there, and not null.
    IsSet,
    /// Isn't there, or null.
    IsNotSet,
    /// Equals any of the values.
    Is,
    /// Equals none of the values, or isn't there.
    IsNot,
    /// A text that has any of the values in it.
    Contains,
}

impl BodyOperator {
    /// Whether it compares with values.
    pub fn takes_values(self) -> bool {
        !matches!(self, Self::IsSet | Self::IsNotSet)
    }
}

/// One more request, sent where an answer asks for it: such as an update of what is there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    /// The verb.
    #[serde(default)]
    pub method: Method,
    /// The URL, a template that may use `answer.status` and `answer.body` besides. It has to lead to the
    /// same scheme, host and port as the request before, whose headers it takes.
    pub url: String,
    /// The body, such a template; absent: that of the request before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What its answers mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ResponseRule>,
}

/// The rule that decides on an answer; `None` where its status does.
pub fn deciding<'r>(rules: &'r [ResponseRule], answer: &Answer) -> Option<&'r ResponseRule> {
    let of_status = |rule: &&ResponseRule| rule.takes_status(answer.status);
    let mut of_status = rules.iter().filter(of_status).peekable();
    of_status.peek()?;
    let body = match answer.complete {
        true => json::parse(&answer.body, &LIMITS).ok(),
        false => None,
    };
    of_status.find(|rule| rule.takes_body(body.as_ref()))
}

impl ResponseRule {
    fn takes_status(&self, status: u16) -> bool {
        let mut statuses = self.status.iter();
        self.status.is_empty() || statuses.any(|each| each.contains(status))
    }

    fn takes_body(&self, body: Option<&json::Value<'_>>) -> bool {
        if self.failed_item.is_none() && self.body.is_empty() {
            return true;
        }
        let Some(body) = body else {
            return false;
        };
        let holds = |entry: &json::Value<'_>| self.body.iter().all(|each| each.holds(entry));
        match &self.failed_item {
            None => holds(body),
            Some(failed) => failed.entries(body).any(holds),
        }
    }
}

impl FailedItem {
    /// The entries that are about what was sent.
    fn entries<'a, 'b>(
        &self,
        body: &'b json::Value<'a>,
    ) -> impl Iterator<Item = &'b json::Value<'a>> {
        let list = body.pointer(&self.list).and_then(json::Value::as_array);
        let is_ours = |entry: &&json::Value<'_>| match &self.index {
            None => true,
            Some(index) => match entry.pointer(index) {
                Some(json::Value::Number(number)) => number.as_i64() == Some(0),
                Some(json::Value::String(text)) => text.trim() == "0",
                _ => false,
            },
        };
        list.unwrap_or_default().iter().filter(is_ours)
    }
}

impl BodyCondition {
    fn holds(&self, body: &json::Value<'_>) -> bool {
        let found = body.pointer(&self.pointer).filter(|found| !found.is_null());
        let equal = || {
            let mut values = self.values.iter();
            found.is_some_and(|found| values.any(|value| equals(found, value)))
        };
        match self.operator {
            BodyOperator::IsSet => found.is_some(),
            BodyOperator::IsNotSet => found.is_none(),
            BodyOperator::Is => equal(),
            BodyOperator::IsNot => !equal(),
            BodyOperator::Contains => {
                let mut values = self.values.iter().filter_map(Value::as_str);
                let found = found.and_then(json::Value::as_str);
                found.is_some_and(|found| values.any(|value| found.contains(value)))
            }
        }
    }
}

/// Numbers compare as numbers; nothing else equals a value of another type.
fn equals(found: &json::Value<'_>, value: &Value) -> bool {
    match (found, value) {
        (json::Value::String(found), Value::String(value)) => found == value,
        (json::Value::Bool(found), Value::Bool(value)) => found == value,
        (json::Value::Number(found), Value::Number(value)) => {
            found.text() == value.to_string() || Some(found.as_f64()) == value.as_f64()
        }
        _ => false,
    }
}
