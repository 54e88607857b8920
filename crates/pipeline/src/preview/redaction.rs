//! Secrets that come back from where they were sent to.

use model::OutboundRequest;

use super::Request;
use super::probe::Form;

/// Shorter values are no secrets, and can stand anywhere by chance.
const SECRET_BYTES: usize = 4;

/// What is shown in place of a secret that a destination sent back.
const MASK: &str = "[secret]";

/// Takes secrets out of what a destination sends back.
#[derive(Debug)]
pub struct Redaction(Vec<Secret>);

/// A text that must not be shown.
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Redaction {
    /// Knows these secrets, however they are written, and what of `request` is made of secrets.
    pub fn new(secrets: &[&str], request: &OutboundRequest, shown: &Request) -> Self {
        let mut texts: Vec<String> = secrets
            .iter()
            .flat_map(|secret| Form::ALL.map(|form| form.write(secret)))
            .collect();
        for (name, value) in &shown.headers {
            let sent = request.headers.get(name.masked().as_str());
            let sent = sent.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
            let Some(sent) = sent.filter(|_| value.has_secrets()) else {
                continue;
            };
            // A scheme before the credentials, such as `Basic`.
            texts.extend(sent.split_once(' ').map(|(_, rest)| rest.to_owned()));
            texts.push(sent.to_owned());
        }
        texts.retain(|text| text.len() >= SECRET_BYTES);
        // The longest first: one may be a part of another.
        texts.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
        texts.dedup();
        Self(texts.into_iter().map(Secret).collect())
    }

    /// The text without them.
    pub fn apply(&self, text: &str) -> String {
        let secrets = self.0.iter();
        secrets.fold(text.to_owned(), |text, Secret(secret)| {
            text.replace(secret.as_str(), MASK)
        })
    }
}
