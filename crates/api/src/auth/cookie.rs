//! The session's cookie, and protection from other sites that would use it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use openidconnect::url::Url;
use store::{Grant, Secret};

/// A cookie of ours: what it is called where it goes over TLS only, and where it may do without.
///
/// Of a name with this prefix browsers take nothing from another host, not even from one below the same
/// domain, nor from a page without TLS: what has it was set by us. Where the cookie has to do without TLS
/// they would not take it from us either.
pub(crate) struct Name {
    pub(crate) secure: &'static str,
    pub(crate) open: &'static str,
}

/// The session's.
pub(crate) const SESSION: Name = Name {
    secure: "__Host-millstream_session",
    open: "millstream_session",
};

/// Of a sign-in under way at another provider.
const SIGN_IN: Name = Name {
    secure: "__Host-millstream_sign_in",
    open: "millstream_sign_in",
};

fn value<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).iter();
    let mut pairs = pairs
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == wanted).then_some(value))
}

/// Where browsers find the installation, as far as the configuration says: what a request says of it is
/// believed only where nothing else does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Site {
    /// Such as `https://millstream.example.com`.
    origin: Option<String>,
}

impl Site {
    /// The site at this address.
    pub(super) fn at(public_url: &str) -> Self {
        let url = Url::parse(public_url).ok();
        Self {
            origin: url.map(|url| url.origin().ascii_serialization()),
        }
    }

    /// Whether a request that changes something may be another site's doing: browsers say of each
    /// request where it came from, and no page of another origin can say otherwise.
    pub(super) fn is_forged(&self, parts: &Parts) -> bool {
        if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return false;
        }
        let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().ok());
        let fetched = text("sec-fetch-site");
        if fetched.is_some_and(|site| !matches!(site, Some("same-origin" | "none"))) {
            return true;
        }
        let host = text("host").flatten().unwrap_or_default();
        match (text("origin"), fetched, &self.origin) {
            // A program that has no origin is no browser with somebody's cookie in it.
            (None, ..) => false,
            // A page that keeps its origin to itself, and that the browser calls ours.
            (Some(Some("null")), Some(_), _) => false,
            (Some(origin), _, Some(ours)) => {
                let on_this_machine = is_loopback(host) && is_of(origin, host);
                origin != Some(ours.as_str()) && !on_this_machine
            }
            (Some(_), Some(_), None) => false,
            // Older browsers.
            (Some(origin), None, None) => !is_of(origin, host),
        }
    }

    /// The session's cookie, if the request has one.
    pub(super) fn session<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        self.read(&SESSION, headers)
    }

    /// The cookie of a sign-in under way, if the request has one.
    pub(crate) fn sign_in<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        self.read(&SIGN_IN, headers)
    }

    /// The cookie of the one name that we would give it here: another one with the other name may be
    /// anybody's.
    fn read<'h>(&self, name: &Name, headers: &'h HeaderMap) -> Option<&'h str> {
        value(headers, self.name(name, headers))
    }

    fn name(&self, name: &Name, headers: &HeaderMap) -> &'static str {
        match self.is_secure(headers) {
            true => name.secure,
            false => name.open,
        }
    }

    /// The cookie to set for a session.
    pub(crate) fn set(
        &self,
        session: &Secret,
        headers: &HeaderMap,
        max_age_seconds: u64,
    ) -> HeaderValue {
        self.cookie(&SESSION, session.expose(), headers, max_age_seconds)
    }

    /// The cookie that ends a session.
    pub(crate) fn clear(&self, headers: &HeaderMap) -> HeaderValue {
        self.cookie(&SESSION, "", headers, 0)
    }

    /// The cookie to set for a sign-in under way.
    pub(crate) fn set_sign_in(
        &self,
        sealed: &Secret,
        headers: &HeaderMap,
        max_age_seconds: u64,
    ) -> HeaderValue {
        self.cookie(&SIGN_IN, sealed.expose(), headers, max_age_seconds)
    }

    /// The cookie that ends a sign-in.
    pub(crate) fn clear_sign_in(&self, headers: &HeaderMap) -> HeaderValue {
        self.cookie(&SIGN_IN, "", headers, 0)
    }

    fn cookie(
        &self,
        name: &Name,
        value: &str,
        headers: &HeaderMap,
        max_age_seconds: u64,
    ) -> HeaderValue {
        let secure = match self.is_secure(headers) {
            true => "; Secure",
            false => "",
        };
        let name = self.name(name, headers);
        let text = format!(
            "{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_seconds}{secure}"
        );
        // Of our own digits: always a header's value.
        let value = HeaderValue::from_str(&text);
        let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    /// Only a browser on this very machine may send the cookie over a connection without TLS, and only
    /// where the installation isn't reached with TLS.
    fn is_secure(&self, headers: &HeaderMap) -> bool {
        let tls = self.origin.as_ref();
        let tls = tls.is_some_and(|origin| origin.starts_with("https:"));
        let host = headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok());
        tls || !host.is_some_and(is_loopback)
    }
}

/// Whether an origin is at this host and port.
fn is_of(origin: Option<&str>, host: &str) -> bool {
    let at = origin.and_then(|origin| origin.split_once("://"));
    at.is_some_and(|(_, at)| at == host)
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

/// Where a request's recognition leaves whose session it came with: a change may give that one another
/// cookie, which the answer sets.
#[derive(Clone, Default)]
pub(super) struct Renewal(Arc<Mutex<Option<Expected>>>);

/// A session, and how its cookie is written here.
struct Expected {
    grant: Grant,
    cookie: Box<dyn Fn(&Secret) -> HeaderValue + Send>,
}

impl Renewal {
    pub(super) fn expect(
        &self,
        grant: Grant,
        cookie: impl Fn(&Secret) -> HeaderValue + Send + 'static,
    ) {
        let cookie = Box::new(cookie);
        let expected = Expected { grant, cookie };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(expected);
    }

    /// The cookie to set, where the session has got another one.
    fn take(&self) -> Option<HeaderValue> {
        let mut expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Expected { grant, cookie } = expected.take()?;
        let renewed = grant.take_renewed()?;
        Some(cookie(&renewed))
    }
}

/// Sets the cookie that a change gave the caller's session, unless the handler sets one itself; nothing of
/// the control API is kept by caches.
pub(crate) async fn carry(mut request: Request, next: Next) -> Response {
    let renewal = Renewal::default();
    request.extensions_mut().insert(renewal.clone());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(cookie) = renewal.take()
        && !headers.contains_key(header::SET_COOKIE)
    {
        headers.insert(header::SET_COOKIE, cookie);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
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
            assert_eq!(Site::default().is_forged(&post), forged, "{headers:?}");
            assert!(!Site::default().is_forged(&parts(Method::GET, &headers)));
        }
    }

    #[test]
    fn where_the_address_is_configured_the_request_has_no_say_in_it() {
        let site = Site::at("https://Millstream.example.com:443/base/");
        let ours = ("origin", "https://millstream.example.com");
        let evil = ("origin", "https://evil.example.com");
        let (host, evil_host) = (
            ("host", "millstream.example.com"),
            ("host", "evil.example.com"),
        );
        let same = ("sec-fetch-site", "same-origin");
        let local = ("host", "127.0.0.1:8080");
        for (headers, forged) in [
            (vec![host, ours], false),
            (vec![host, same, ours], false),
            // A proxy that doesn't pass the host on.
            (vec![local, same, ours], false),
            (vec![local, ours], false),
            // Another name that leads here.
            (vec![evil_host, evil], true),
            (vec![evil_host, same, evil], true),
            (
                vec![host, ("origin", "http://millstream.example.com")],
                true,
            ),
            (vec![host, ("sec-fetch-site", "cross-site"), ours], true),
            (vec![host, ("origin", "null")], true),
            (vec![host, same, ("origin", "null")], false),
            (vec![host, same], false),
            (vec![host], false),
            // On this very machine, and nothing else that is there.
            (vec![local, ("origin", "http://127.0.0.1:8080")], false),
            (vec![local, ("origin", "http://127.0.0.1:3000")], true),
        ] {
            let post = parts(Method::POST, &headers);
            assert_eq!(site.is_forged(&post), forged, "{headers:?}");
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let read = |cookies: &str| {
            let headers = [("host", "localhost"), ("cookie", cookies)];
            let get = parts(Method::GET, &headers);
            Site::default().session(&get.headers).map(str::to_owned)
        };
        let found = read("a=b; millstream_session=mss_1; c=d");
        assert_eq!(found.as_deref(), Some("mss_1"));
        assert_eq!(read("xmillstream_session=mss_1"), None);
    }

    #[test]
    fn what_goes_over_tls_only_is_taken_under_no_name_that_others_could_set() {
        let secret = Secret::new("mss_1".into());
        let (https, http) = ("https://millstream.example.com", "http://localhost:8080");
        let (here, there) = ("localhost:8080", "millstream.example.com");
        for (public_url, host, secure) in [
            (Some(https), there, true),
            (Some(https), here, true),
            (Some(http), here, false),
            (None, there, true),
            (None, here, false),
        ] {
            let site = public_url.map_or_else(Site::default, Site::at);
            let headers = parts(Method::POST, &[("host", host)]).headers;
            let set = [
                site.set(&secret, &headers, 60),
                site.set_sign_in(&secret, &headers, 60),
                site.clear(&headers),
                site.clear_sign_in(&headers),
            ];
            for cookie in set {
                let cookie = cookie.to_str().unwrap();
                assert_eq!(cookie.starts_with("__Host-millstream_"), secure, "{cookie}");
                // What browsers ask of the prefix.
                assert_eq!(cookie.ends_with("; Secure"), secure, "{cookie}");
                assert!(cookie.contains("; Path=/;") && !cookie.contains("Domain"));
            }
            for name in ["session", "sign_in"] {
                let read = |prefix: &str| {
                    let cookie = format!("{prefix}millstream_{name}=mss_1");
                    let headers = [("host", host), ("cookie", cookie.as_str())];
                    let get = parts(Method::GET, &headers);
                    let found = match name {
                        "session" => site.session(&get.headers),
                        _ => site.sign_in(&get.headers),
                    };
                    found.is_some()
                };
                let said = format!("{name} at {host} of {public_url:?}");
                assert_eq!((read("__Host-"), read("")), (secure, !secure), "{said}");
            }
        }
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
            let cookie = Site::default().set(&secret, &headers, 60);
            let cookie = cookie.to_str().unwrap();
            assert_eq!(!cookie.contains("Secure"), open, "{host}");
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
        }
    }

    #[test]
    fn where_tls_is_configured_every_cookie_is_for_tls_only() {
        let secret = Secret::new("mss_1".into());
        let on = |public_url: &str, host: &str| {
            let headers = parts(Method::POST, &[("host", host)]).headers;
            let cookie = Site::at(public_url).set(&secret, &headers, 60);
            cookie.to_str().unwrap().contains("Secure")
        };
        for host in ["localhost:8080", "127.0.0.1", "millstream.example.com", ""] {
            assert!(on("https://millstream.example.com", host), "{host}");
        }
        assert!(!on("http://localhost:8080", "localhost:8080"));
        assert!(on(
            "http://millstream.example.com",
            "millstream.example.com"
        ));
    }
}
