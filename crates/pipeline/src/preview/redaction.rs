//! Secrets that come back from where they were sent to.

mod canonical;
mod secret;
#[cfg(test)]
mod tests;

use std::fmt;

use model::OutboundRequest;
use model::outcome::{Discarded, Failure};

use super::Request;
use secret::{LookedAt, Secret};

/// What is shown in place of a secret that a destination sent back.
const MASK: &str = "[secret]";

/// Takes secrets out of what a destination sends back: as they are, in large and small letters, as JSON,
/// HTML, URLs and forms write them, one within the other, and in Base64, wrapped or not, of which they may be a
/// part. Of HTML's named entities those of ASCII characters are known. What else is made of a secret, such as a hash, can't be found. It takes time in proportion to
/// the text and the number of secrets, whatever they are.
#[derive(Clone, Default)]
pub struct Redaction(Vec<Secret>);

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never what is taken out.
        write!(f, "Redaction({} texts)", self.0.len())
    }
}

impl Redaction {
    /// Knows these secrets. Those of fewer than four bytes are none: they can stand anywhere by chance.
    pub fn of<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let mut whole = Self::default();
        secrets.into_iter().for_each(|secret| whole.add(secret));
        whole
    }

    /// Knows these secrets, and what of `request` is made of secrets.
    pub fn new(secrets: &[&str], request: &OutboundRequest, shown: &Request) -> Self {
        let mut whole = Self::of(secrets.iter().copied());
        for (name, value) in &shown.headers {
            if value.has_secrets() {
                whole.add_header(request, &name.masked());
            }
        }
        whole
    }

    /// Knows the value of this header of a request, too.
    pub fn add_header(&mut self, request: &OutboundRequest, name: &str) {
        let sent = request.headers.get(name);
        let Some(sent) = sent.and_then(|value| std::str::from_utf8(value.as_bytes()).ok()) else {
            return;
        };
        // A scheme before the credentials, such as `Basic`.
        if let Some((_, rest)) = sent.split_once(' ') {
            self.add(rest);
        }
        self.add(sent);
    }

    /// Knows what another one knows, too.
    pub fn join(&mut self, other: &Self) {
        let others = other.0.iter().cloned();
        others.for_each(|secret| self.insert(secret));
    }

    fn add(&mut self, secret: &str) {
        if let Some(secret) = Secret::new(secret) {
            self.insert(secret);
        }
    }

    fn insert(&mut self, secret: Secret) {
        if !self.0.contains(&secret) {
            self.0.push(secret);
        }
    }

    /// The text without them. Of one that ends within a secret, as a text does that was cut, the beginning
    /// goes, too.
    pub fn apply(&self, text: &str) -> String {
        if self.0.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        let looked_at = LookedAt::of(text);
        let mut places = Vec::new();
        self.0
            .iter()
            .for_each(|secret| secret.find(&looked_at, &mut places));
        places.sort_unstable();
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for (start, end) in places {
            // Of two that overlap, both go, as one.
            if start >= from {
                out.push_str(&text[from..start]);
                out.push_str(MASK);
            }
            from = from.max(end);
        }
        out.push_str(&text[from..]);
        out
    }

    /// Takes them out of a failure's texts.
    pub fn apply_to_failure(&self, failure: &mut Failure) {
        for text in [&mut failure.message, &mut failure.response] {
            *text = self.apply(text);
        }
    }

    /// The same of why a delivery never will be made.
    pub fn apply_to_discarded(&self, why: &mut Discarded) {
        match why {
            Discarded::Template { message, .. }
            | Discarded::InvalidJson { message, .. }
            | Discarded::InvalidUrl { message } => *message = self.apply(message),
            Discarded::Refused { failure } => self.apply_to_failure(failure),
            // They name what people wrote, and numbers.
            Discarded::MissingMapping { .. }
            | Discarded::InvalidHeader { .. }
            | Discarded::OverLimit { .. }
            | Discarded::Unreadable { .. } => {}
        }
    }
}
