//! Beside what they test: how the page's files are served.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{File, nowhere_of, router};

const FILES: &[File] = &[
    File {
        path: "assets/index-1a2b3c4d.js",
        plain: b"plain",
        brotli: Some(b"brotli"),
        gzip: Some(b"gzip"),
    },
    File {
        path: "docs/index.html",
        plain: b"the guide",
        brotli: None,
        gzip: None,
    },
    File {
        path: "docs/syncs.html",
        plain: b"about syncs",
        brotli: None,
        gzip: None,
    },
    File {
        path: "icon.svg",
        plain: b"<svg/>",
        brotli: None,
        gzip: None,
    },
    File {
        path: "index.html",
        plain: b"the document",
        brotli: None,
        gzip: None,
    },
];

async fn ask(files: &'static [File], path: &str, encodings: &str) -> Response {
    let request = Request::get(path).header(header::ACCEPT_ENCODING, encodings);
    let request = request.body(Body::empty()).expect("a request");
    router(files).oneshot(request).await.expect("an answer")
}

async fn body(response: Response) -> Vec<u8> {
    let body = response.into_body().collect().await.expect("a body");
    body.to_bytes().to_vec()
}

fn header_of(response: &Response, name: header::HeaderName) -> &str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test]
async fn every_view_is_the_document_which_is_asked_for_each_time() {
    for path in [
        "/",
        "/sign-in",
        "/p/prj_1/syncs/syn_1/history",
        "/o/org_1/settings/members",
    ] {
        let response = ask(FILES, path, "br").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header_of(&response, header::CACHE_CONTROL), "no-cache");
        assert_eq!(
            header_of(&response, header::CONTENT_TYPE),
            "text/html; charset=utf-8"
        );
        assert_eq!(body(response).await, b"the document");
    }
}

#[tokio::test]
async fn no_path_of_the_apis_is_taken() {
    for path in [
        "/api",
        "/api/v1/me",
        "/2/httpapi",
        "/batch",
        "/identify",
        "/health/live",
        "/metrics",
    ] {
        let response = ask(FILES, path, "").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

/// What somebody gets who asks for this path, which no route takes, as one who takes `accepted`.
async fn astray(method: Method, path: &str, accepted: &'static str) -> (StatusCode, Vec<u8>) {
    let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accepted))]);
    let response = nowhere_of(FILES, &method, path, &headers);
    (response.status(), body(response).await)
}

#[tokio::test]
async fn browsers_are_told_in_words_that_an_address_leads_nowhere_and_programs_as_before() {
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    for path in ["/nowhere", "/setings/a", "/.well-known/a"] {
        let (status, page) = astray(Method::GET, path, browser).await;
        assert_eq!(
            (status, &*page),
            (StatusCode::NOT_FOUND, &b"the document"[..])
        );
    }
    let as_programs = [
        (Method::GET, "/nowhere", "*/*"),
        (Method::GET, "/nowhere", "application/json"),
        (Method::POST, "/nowhere", browser),
        (Method::GET, "/api/v2/me", browser),
        (Method::GET, "/2/httpap", browser),
        (Method::GET, "/health", browser),
    ];
    for (method, path, accepted) in as_programs {
        let (status, problem) = astray(method, path, accepted).await;
        let problem: serde_json::Value = serde_json::from_slice(&problem).expect("JSON");
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(problem["code"], "not_found", "{path} {accepted}");
    }
}

#[tokio::test]
async fn the_guide_is_at_addresses_without_endings() {
    for (path, text) in [
        ("/docs", &b"the guide"[..]),
        ("/docs/syncs", b"about syncs"),
        ("/docs/syncs.html", b"about syncs"),
    ] {
        let response = ask(FILES, path, "").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(!header_of(&response, header::CONTENT_SECURITY_POLICY).is_empty());
        assert_eq!(body(response).await, text);
    }
    let none = ask(FILES, "/docs/none", "").await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn files_come_as_the_client_takes_them_and_are_kept() {
    let path = "/assets/index-1a2b3c4d.js";
    let encodings = [
        ("gzip, deflate, br", "br", "brotli"),
        ("gzip, br;q=0", "gzip", "gzip"),
        ("", "", "plain"),
        ("brr", "", "plain"),
    ];
    for (accepted, encoding, text) in encodings {
        let response = ask(FILES, path, accepted).await;
        assert_eq!(
            header_of(&response, header::CONTENT_ENCODING),
            encoding,
            "{accepted}"
        );
        assert_eq!(header_of(&response, header::VARY), "accept-encoding");
        let caching = header_of(&response, header::CACHE_CONTROL);
        assert_eq!(caching, "public, max-age=31536000, immutable");
        assert_eq!(body(response).await, text.as_bytes());
    }
    let gone = ask(FILES, "/assets/index-0.js", "").await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    assert_eq!(header_of(&gone, header::CACHE_CONTROL), "");
}

#[tokio::test]
async fn everything_is_guarded() {
    for path in [
        "/",
        "/icon.svg",
        "/assets/index-1a2b3c4d.js",
        "/assets/none.js",
    ] {
        let response = ask(FILES, path, "").await;
        let policy = header_of(&response, header::CONTENT_SECURITY_POLICY);
        assert!(policy.contains("script-src 'self';"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(
            header_of(&response, header::X_CONTENT_TYPE_OPTIONS),
            "nosniff"
        );
        assert_eq!(header_of(&response, header::REFERRER_POLICY), "no-referrer");
    }
}

#[tokio::test]
async fn a_build_without_the_page_says_how_to_make_it() {
    let response = ask(&[], "/", "").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let text = String::from_utf8(body(response).await).expect("text");
    assert!(text.contains("`make page`"), "{text}");
    assert_eq!(text.lines().count(), 1);
}
