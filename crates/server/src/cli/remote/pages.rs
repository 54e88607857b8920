//! Lists, read a page at a time.

use anyhow::Context;
use serde_json::Value;

use super::Remote;

/// Items on a page: the server's most.
const PAGE: usize = 200;

/// A list under way: what was not read yet is on the server still.
pub(in crate::cli) struct Pages<'r> {
    remote: &'r Remote,
    path: String,
    cursor: Option<String>,
    left: usize,
}

impl<'r> Pages<'r> {
    /// The first `most` items of the list at `path`, which may have a query.
    pub(super) fn new(remote: &'r Remote, path: &str, most: usize) -> Self {
        Self {
            remote,
            path: path.to_owned(),
            cursor: None,
            left: most,
        }
    }

    /// The items of the next page; `None` behind the last one.
    pub(in crate::cli) async fn next(&mut self) -> anyhow::Result<Option<Vec<Value>>> {
        if self.left == 0 {
            return Ok(None);
        }
        let joint = if self.path.contains('?') { '&' } else { '?' };
        let (path, limit) = (&self.path, self.left.min(PAGE));
        let mut address = format!("{path}{joint}limit={limit}");
        if let Some(cursor) = &self.cursor {
            address.push_str(&format!("&cursor={}", escaped(cursor)));
        }
        let mut page = self.remote.get(&address).await?;
        let items = page["items"].as_array_mut().map(std::mem::take);
        let items = items.context("the server's answer is no list")?;
        self.cursor = page["next"].as_str().map(str::to_owned);
        self.left = match self.cursor {
            Some(_) => self.left.saturating_sub(items.len()),
            None => 0,
        };
        Ok(Some(items))
    }
}

/// `path` with a query of those parameters that have a value.
pub(in crate::cli) fn query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}={}", escaped(value))));
    let given: Vec<_> = given.collect();
    if given.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", given.join("&"))
}

/// A value as a URL carries it (RFC 3986, section 2.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn a_query_has_what_is_given_escaped() {
        let parameters = [("a", None), ("from", Some("2026-01-01T00:00:00+02:00"))];
        assert_eq!(
            query("/p", &parameters),
            "/p?from=2026-01-01T00%3A00%3A00%2B02%3A00"
        );
        assert_eq!(query("/p", &[("a", None)]), "/p");
    }
}
