//! The reference of the control API as a page: Swagger UI, which is part of the binary, so that the
//! browser asks no one else for anything.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the page is.
pub(super) const PATH: &str = "/api/reference";

/// What the page may load and where from: nothing from elsewhere. Swagger UI writes styles into its
/// elements and shows pictures from `data:`.
const CONTENT_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
                              img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

pub(super) fn router() -> Router {
    let config = Config::from(format!("{}/openapi.json", super::ROOT))
        // Otherwise the description is sent to a validator on the internet.
        .validator_url("none")
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .use_base_layout();
    Router::from(SwaggerUi::new(PATH).config(config)).layer(axum::middleware::from_fn(guard))
}

async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_POLICY),
    );
    response
}
