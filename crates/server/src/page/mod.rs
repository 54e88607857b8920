//! The page: an application in the browser, which is part of the binary (docs/adr/011). It knows no
//! more than the control API tells it.

use api::portal::ApiError;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// A file of the built page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File {
    /// Where it is below the page's root, such as `assets/index-1a2b3c4d.js`.
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// The page that was built before this binary; empty when none was.
pub(crate) const BUILT: &[File] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// Addresses that the application shows something at, beside `/`. Nothing else is taken: what no route
/// takes is answered by [`nowhere`].
const VIEWS: &[&str] = &[
    "/sign-in",
    "/invitation",
    "/password-reset",
    "/welcome",
    "/account",
    "/installation",
    "/installation/{*rest}",
    "/p/{*rest}",
    "/o/{*rest}",
    "/reviews",
    "/reviews/{*rest}",
];

/// First parts of the addresses of programs, whose answers to mistyped ones stay answers for programs.
const APIS: &[&str] = &[
    "2",
    "api",
    "assets",
    "batch",
    "groupidentify",
    "health",
    "httpapi",
    "identify",
    "metrics",
    "receiver",
];

/// Files that stand beside the document and keep their names.
const BESIDE: &[&str] = &["icon.svg", "scheme.js"];

/// What the page may load: its own files, and nothing from elsewhere. Libraries write style elements;
/// scripts in the document stay forbidden.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      font-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Said in place of the page by a binary that was built without it.
const MISSING: &str = "This build of Millstream has no page: run `make page` (it needs Node.js 20.19 or newer), \
                       then build the server again. The API and the command line work without it.\n";

/// The routes of the page that these files make.
pub(crate) fn router(files: &'static [File]) -> Router {
    let mut routes = Router::new()
        .route("/", get(document))
        .route("/assets/{*path}", get(asset))
        .route("/docs", get(guide_begin))
        .route("/docs/{*path}", get(guide));
    for view in VIEWS {
        routes = routes.route(view, get(document));
    }
    for name in BESIDE {
        let beside = move |State(files): State<&'static [File]>, headers: HeaderMap| async move {
            serve(find(files, name), &headers, "public, max-age=3600")
        };
        routes = routes.route(&format!("/{name}"), get(beside));
    }
    routes.with_state(files)
}

async fn document(State(files): State<&'static [File]>, headers: HeaderMap) -> Response {
    match find(files, "index.html") {
        found @ Some(_) => serve(found, &headers, "no-cache"),
        None => {
            let mut response = (StatusCode::SERVICE_UNAVAILABLE, MISSING).into_response();
            guard(response.headers_mut());
            response
        }
    }
}

/// Answers what no route takes. Whoever follows a link in a browser gets the page, which says so in words
/// and leads on; programs get problem details, and so does everyone below the paths of the APIs.
pub(crate) async fn nowhere(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    nowhere_of(BUILT, &method, uri.path(), &headers)
}

fn nowhere_of(files: &[File], method: &Method, path: &str, headers: &HeaderMap) -> Response {
    let first = path.split('/').nth(1).unwrap_or_default();
    let browses = matches!(*method, Method::GET | Method::HEAD) && wants_html(headers);
    match find(files, "index.html") {
        found @ Some(_) if browses && !APIS.contains(&first) => {
            let mut response = serve(found, headers, "no-cache");
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
        _ => no_path().into_response(),
    }
}

/// Says to programs that no route takes the path.
pub(crate) fn no_path() -> ApiError {
    ApiError::NotFound {
        what: "such path here; events go to /2/httpapi and /batch".into(),
    }
}

/// Whether the client names HTML among what it takes: browsers do when they open an address.
fn wants_html(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::ACCEPT).iter();
    values.any(|value| {
        let value = value.to_str().unwrap_or_default();
        value
            .split(',')
            .any(|kind| kind.trim_start().starts_with("text/html"))
    })
}

async fn guide_begin(State(files): State<&'static [File]>, headers: HeaderMap) -> Response {
    guide_file(files, "index.html", &headers)
}

/// A page of the user's guide, or a file of it.
async fn guide(
    State(files): State<&'static [File]>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    match path.contains('.') {
        true => guide_file(files, &path, &headers),
        false => guide_file(files, &format!("{path}.html"), &headers),
    }
}

fn guide_file(files: &'static [File], name: &str, headers: &HeaderMap) -> Response {
    match find(files, &format!("docs/{name}")) {
        found @ Some(_) => serve(found, headers, "no-cache"),
        None => nowhere_of(files, &Method::GET, "/docs", headers),
    }
}

/// A file whose name has its content's hash: it never changes.
async fn asset(
    State(files): State<&'static [File]>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = find(files, &format!("assets/{path}"));
    serve(found, &headers, "public, max-age=31536000, immutable")
}

fn find<'a>(files: &'a [File], path: &str) -> Option<&'a File> {
    let index = files.binary_search_by(|file| file.path.cmp(path)).ok()?;
    files.get(index)
}

fn serve(file: Option<&File>, headers: &HeaderMap, caching: &'static str) -> Response {
    let Some(file) = file else {
        // A document of an earlier build asks for files that are gone.
        let mut response = (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
        guard(response.headers_mut());
        return response;
    };
    let (bytes, encoding) = match (file.brotli, file.gzip) {
        (Some(bytes), _) if accepts(headers, "br") => (bytes, Some("br")),
        (_, Some(bytes)) if accepts(headers, "gzip") => (bytes, Some("gzip")),
        _ => (file.plain, None),
    };
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    guard(headers);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(kind(file.path)),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn guard(headers: &mut HeaderMap) {
    let guards = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in guards {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether the client takes this encoding: it names it, and doesn't weigh it with nothing.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut named = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    named.any(|each| {
        let (name, weight) = each.split_once(';').unwrap_or((each, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case(encoding) && weight.parse().is_ok_and(|q: f32| q > 0.0)
    })
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("webp") => "image/webp",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
