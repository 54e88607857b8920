//! The address that a URL template rendered to.

use http::Uri;

use crate::parameters::{self, Parameters};
use crate::template::has_tags;

/// The address, when it is one that a request can be sent to. What is interpolated into a URL is not
/// escaped: that is the template's business (`?url`). Space around it is dropped.
///
/// The error says what is wrong and never shows the URL, which may hold secrets.
pub(crate) fn parse(rendered: &[u8]) -> Result<Uri, String> {
    let text = rendered.trim_ascii();
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if let Some(at) = text.iter().position(|&byte| !byte.is_ascii_graphic()) {
        return Err(format!(
            "the character at position {} can't stand in a URL: percent-encode it, in a template with ?url",
            at + 1
        ));
    }
    if text.contains(&b'#') {
        return Err(
            "it has a fragment (#…), which is never sent: percent-encode the # as %23".into(),
        );
    }
    let scheme_end = text.windows(3).position(|window| window == b"://");
    match scheme_end
        .map(|end| text[..end].to_ascii_lowercase())
        .as_deref()
    {
        Some(b"http" | b"https") => {}
        Some(scheme) if scheme.iter().all(u8::is_ascii_alphanumeric) => {
            return Err("only http and https addresses can be reached".into());
        }
        _ => return Err("it must start with https:// or http://".into()),
    }
    let uri = Uri::try_from(text).map_err(|error| error.to_string())?;
    let authority = uri.authority().ok_or("the host is missing")?;
    if authority.as_str().contains('@') {
        return Err(
            "it holds a user name or password: send them in an Authorization header".into(),
        );
    }
    if authority.host().is_empty() {
        return Err("the host is missing".into());
    }
    let port = authority.as_str()[authority.host().len()..].strip_prefix(':');
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("the port is not a number from 0 to 65535".into());
    }
    Ok(uri)
}

/// Whether readers of URLs take a segment of the path for a step up, or for none: `..` and `.`, also
/// percent-encoded.
pub(crate) fn has_dot_segments(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.split('/').any(is_dots)
}

/// Whether a segment of a path is `.` or `..`.
pub(crate) fn is_dots(segment: &str) -> bool {
    let segment = segment.replace("%2e", ".").replace("%2E", ".");
    matches!(segment.as_str(), "." | "..")
}

/// The address that `template` rendered to with these parameters. Of what an event brings, nothing makes
/// another address of it by a segment of dots.
pub(crate) fn of_template(
    rendered: &[u8],
    template: &ftl::Template,
    parameters: &Parameters,
) -> Result<Uri, String> {
    let uri = parse(rendered)?;
    // In a template a question mark is also what a built-in begins with.
    let has_dots = |text: &str| {
        let mut segments = text.split('/');
        segments.any(|each| is_dots(each.split(['?', '#']).next().unwrap_or_default()))
    };
    let is_meant = || {
        let values = parameters.values().values();
        let mut texts = values.filter_map(|value| match value {
            parameters::Value::Text(text) => Some(text.as_str()),
            parameters::Value::Flag(_) => None,
        });
        has_dots(template.source()) || texts.any(has_dots)
    };
    match has_dot_segments(uri.path()) && !is_meant() {
        true => Err(
            "a value makes a segment of its path . or .., which leads to another address".into(),
        ),
        false => Ok(uri),
    }
}

/// Scheme, host and port of all addresses that a template makes, where they stand in it as they are: before
/// its first tag, and ended by a path, a query or nothing at all. `None` where they may be others.
pub(crate) fn written_origin(source: &str) -> Option<Uri> {
    let (scheme, rest) = source.trim_start().split_once("://")?;
    if has_tags(scheme) {
        return None;
    }
    let host = rest.split(['/', '?']).next().unwrap_or_default().trim_end();
    match has_tags(host) {
        true => None,
        false => parse(format!("{scheme}://{host}").as_bytes()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_known_where_no_tag_makes_it() {
        for (source, origin) in [
            ("https://a.example.com", Some("https://a.example.com/")),
            (
                " https://a.example.com:8443/x/${y}",
                Some("https://a.example.com:8443/"),
            ),
            ("http://a.example.com?x=${y}", Some("http://a.example.com/")),
            ("https://${parameters.region}.example.com/x", None),
            ("https://a.example.com${parameters.path}", None),
            ("https://a<#if b>.b</#if>/x", None),
            ("${parameters.endpoint}/x", None),
            ("${parameters.scheme}://a.example.com/x", None),
            ("<#if b>https://a/<#else>https://b/</#if>", None),
            ("a.example.com", None),
        ] {
            let found = written_origin(source).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), origin, "{source}");
        }
    }

    #[test]
    fn an_absolute_http_address_is_taken() {
        for (text, expected) in [
            ("https://example.com", "https://example.com/"),
            (
                " https://example.com/a?b=%20&c=d \n",
                "https://example.com/a?b=%20&c=d",
            ),
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
            ("http://[::1]:80/", "http://[::1]:80/"),
            ("HTTPS://EXAMPLE.com/", "https://EXAMPLE.com/"),
        ] {
            assert_eq!(
                parse(text.as_bytes()).unwrap().to_string(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused_without_showing_it() {
        for (text, reason) in [
            ("", "it is empty"),
            ("  \n", "it is empty"),
            ("/secret", "it must start with"),
            ("secret.example.com", "it must start with"),
            ("ftp://secret/", "only http and https"),
            ("https://u:secret@example.com/", "user name or password"),
            ("https://example.com/#secret", "fragment"),
            (
                "https://example.com/a secret",
                "the character at position 22",
            ),
            (
                "https://example.com/é/secret",
                "the character at position 21",
            ),
            ("https://example.com:99999/secret", "port"),
            ("https://example.com:secret/", ""),
            ("https:///secret", ""),
            ("https://", ""),
            ("https://:80/secret", ""),
            ("https://secret\r\nhost: x/", "the character at position"),
        ] {
            let message = parse(text.as_bytes()).unwrap_err();
            assert!(
                message.starts_with(reason) || message.contains(reason),
                "{text}: {message}"
            );
            assert!(!message.contains("secret"), "{message}");
        }
        let long = format!("https://example.com/{}", "a".repeat(70_000));
        assert!(parse(long.as_bytes()).is_err());
    }
}
