//! The `Retry-After` header (RFC 9110, section 10.2.3): seconds, or an HTTP date.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use model::Timestamp;

/// When `headers` allow to ask again, if they say so legibly.
pub(crate) fn parse(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are still a wish, to wait for as long as possible.
        return Some(now + Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    // The formats reach back to 1970 only, so a date can't be before the epoch.
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp(0) + since_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const NOW: Timestamp = Timestamp(1_646_078_821_000_000);

    fn parsed(text: &str) -> Option<Timestamp> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
        parse(&headers, NOW)
    }

    #[test]
    fn seconds_count_from_now() {
        assert_eq!(parsed("0"), Some(NOW));
        assert_eq!(parsed(" 120 "), Some(NOW + Duration::from_secs(120)));
        assert_eq!(parsed("99999999999999999999999"), Some(Timestamp(i64::MAX)));
    }

    #[test]
    fn a_date_is_read_in_each_of_its_three_forms() {
        let expected = Some(Timestamp(784_111_777_000_000));
        assert_eq!(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
        assert_eq!(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
        assert_eq!(parsed("Sun Nov  6 08:49:37 1994"), expected);
    }

    #[test]
    fn anything_else_is_no_wish() {
        for text in ["", "-1", "+5", "1.5", "soon", "2022-02-28T20:07:01Z"] {
            assert_eq!(parsed(text), None, "{text}");
        }
        assert_eq!(parse(&HeaderMap::new(), NOW), None);
    }
}
