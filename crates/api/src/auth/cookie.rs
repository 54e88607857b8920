//! The session's cookie, and protection from other sites that would use it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use store::Secret;

/// What the cookie is called.
pub(crate) const NAME: &str = "millstream_session";

/// What the cookie of a sign-in under way at another provider is called.
const SIGN_IN_NAME: &str = "millstream_sign_in";

/// The session's cookie, if the request has one.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    value(headers, NAME)
}

/// The cookie of a sign-in under way, if the request has one.
pub(crate) fn sign_in(headers: &HeaderMap) -> Option<&str> {
    value(headers, SIGN_IN_NAME)
}

fn value<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).iter();
    let mut pairs = pairs
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == wanted).then_some(value))
}

/// Whether a request that changes something may be another site's doing: browsers say of each
/// request where it came from, and no page of another origin can say otherwise.
pub(super) fn is_forged(parts: &Parts) -> bool {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, Some("same-origin" | "none"));
    }
    // Older browsers; a program that has no origin is no browser with somebody's cookie in it.
    match text("origin") {
        None => false,
        Some(origin) => {
            let host = origin.and_then(|origin| origin.split_once("://"));
            host.map(|(_, host)| Some(host)) != Some(text("host").flatten())
        }
    }
}

/// The cookie to set for a session.
pub(crate) fn set(session: &Secret, headers: &HeaderMap, max_age_seconds: u64) -> HeaderValue {
    cookie(NAME, session.expose(), headers, max_age_seconds)
}

/// The cookie that ends a session.
pub(crate) fn clear(headers: &HeaderMap) -> HeaderValue {
    cookie(NAME, "", headers, 0)
}

/// The cookie to set for a sign-in under way.
pub(crate) fn set_sign_in(
    sealed: &Secret,
    headers: &HeaderMap,
    max_age_seconds: u64,
) -> HeaderValue {
    cookie(SIGN_IN_NAME, sealed.expose(), headers, max_age_seconds)
}

/// The cookie that ends a sign-in.
pub(crate) fn clear_sign_in(headers: &HeaderMap) -> HeaderValue {
    cookie(SIGN_IN_NAME, "", headers, 0)
}

fn cookie(name: &str, value: &str, headers: &HeaderMap, max_age_seconds: u64) -> HeaderValue {
    let secure = secure(headers);
    let text = format!(
        "{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_seconds}{secure}"
    );
    // Of our own digits: always a header's value.
    let value = HeaderValue::from_str(&text);
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// Only a browser on this very machine may send the cookie over a connection without TLS.
fn secure(headers: &HeaderMap) -> &'static str {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    match host {
        Some(host) if is_loopback(host) => "",
        _ => "; Secure",
    }
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<axum::http::uri::Authority>() else {
        return false;
    };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Where a request's recognition leaves a cookie to be set with the answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Renewal(Arc<Mutex<Option<HeaderValue>>>);

impl Renewal {
    pub(super) fn leave(&self, cookie: HeaderValue) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(cookie);
    }
}

/// Sets the cookie that recognition left, unless the handler sets one itself; nothing of the
/// control API is kept by caches.
pub(crate) async fn carry(mut request: Request, next: Next) -> Response {
    let renewal = Renewal::default();
    request.extensions_mut().insert(renewal.clone());
    let mut response = next.run(request).await;
    let left = renewal.0.lock().unwrap_or_else(PoisonError::into_inner);
    let headers = response.headers_mut();
    if let Some(cookie) = left.clone()
        && !headers.contains_key(header::SET_COOKIE)
    {
        headers.insert(header::SET_COOKIE, cookie);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    drop(left);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: Method, headers: &[(&str, &str)]) -> Parts {
        let mut request = axum::http::Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn other_sites_may_not_change_anything() {
        let host = ("host", "millstream.example.com");
        for (headers, forged) in [
            (vec![host, ("sec-fetch-site", "same-origin")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
            (vec![host, ("sec-fetch-site", "same-site")], true),
            (vec![host, ("sec-fetch-site", "cross-site")], true),
            (
                vec![host, ("origin", "https://millstream.example.com")],
                false,
            ),
            (vec![host, ("origin", "https://evil.example.com")], true),
            (vec![host, ("origin", "null")], true),
            (vec![host], false),
        ] {
            let post = parts(Method::POST, &headers);
            assert_eq!(is_forged(&post), forged, "{headers:?}");
            assert!(!is_forged(&parts(Method::GET, &headers)));
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let get = parts(
            Method::GET,
            &[("cookie", "a=b; millstream_session=mss_1; c=d")],
        );
        assert_eq!(session(&get.headers), Some("mss_1"));
        let get = parts(Method::GET, &[("cookie", "xmillstream_session=mss_1")]);
        assert_eq!(session(&get.headers), None);
    }

    #[test]
    fn only_loopback_goes_without_tls() {
        let secret = Secret::new("mss_1".into());
        for (host, open) in [
            ("localhost:8080", true),
            ("127.0.0.1", true),
            ("[::1]:8080", true),
            ("millstream.example.com", false),
            ("localhost.example.com", false),
        ] {
            let headers = parts(Method::POST, &[("host", host)]).headers;
            let cookie = set(&secret, &headers, 60);
            let cookie = cookie.to_str().unwrap();
            assert_eq!(!cookie.contains("Secure"), open, "{host}");
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
        }
    }
}
