//! A client of a server's control API.

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, IF_MATCH, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use model::Random;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Pages, Refused, Source};
use crate::cli::Failure;

/// How much of an answer is read.
const LARGEST_ANSWER: usize = 16 << 20;

/// How many items of a list are read.
const LONGEST_LIST: usize = 100_000;

/// How often a creation is sent until it is answered.
const CREATION_TRIES: u32 = 3;

/// How long to wait before a creation is sent again.
const CREATION_PAUSE: Duration = Duration::from_secs(1);

/// By what the server knows who asks.
pub(in crate::cli) enum Credential {
    /// It doesn't.
    Nobody,
    /// An API token.
    Token(SecretString),
    /// A session's cookie.
    Session(SecretString),
}

/// A server, as somebody sees it.
pub(crate) struct Remote {
    client: delivery::Client,
    url: String,
    credential: Credential,
    source: Option<Source>,
}

impl Remote {
    /// The server at `url` (scheme, host, port) for whoever has `token`. To be called within a Tokio
    /// runtime.
    pub(crate) fn new(url: &str, token: SecretString) -> anyhow::Result<Self> {
        Self::with_credential(url, Credential::Token(token))
    }

    /// The same for whoever has `credential`.
    pub(in crate::cli) fn with_credential(
        url: &str,
        credential: Credential,
    ) -> anyhow::Result<Self> {
        // The user names the server: every address may be meant.
        let guard = delivery::egress::Guard::new(&delivery::config::Egress::allow_all())?;
        let settings = delivery::config::Client {
            request_timeout: Duration::from_secs(60),
            ..delivery::config::Client::default()
        };
        Ok(Self {
            client: delivery::Client::new(&settings, guard)?,
            url: normal_url(url)?,
            credential,
            source: None,
        })
    }

    /// The same, knowing where its token came from.
    pub(super) fn with_source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// The server's address, in its normal form.
    pub(in crate::cli) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request and returns the answer's JSON (`null` for an empty answer).
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let (_, answer) = self.send(method, path, HeaderMap::new(), body).await?;
        Ok(answer)
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// `GET` of what is no JSON.
    pub(in crate::cli) async fn get_bytes(&self, path: &str) -> anyhow::Result<Bytes> {
        let exchanged = self.exchange(Method::GET, path, HeaderMap::new(), None);
        let (_, body) = exchanged.await?;
        Ok(body)
    }

    /// `DELETE`.
    pub(in crate::cli) async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::DELETE, path, None).await
    }

    /// `PATCH`, whatever version is there.
    pub(crate) async fn change(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let headers = [(IF_MATCH, HeaderValue::from_static("*"))];
        let headers = headers.into_iter().collect();
        let (_, answer) = self.send(Method::PATCH, path, headers, Some(body)).await?;
        Ok(answer)
    }

    /// A request that is refused when there is another version by now.
    pub(in crate::cli) async fn call_if(
        &self,
        method: Method,
        path: &str,
        version: u64,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let tag = HeaderValue::from_str(&format!("\"v{version}\""))?;
        let headers = [(IF_MATCH, tag)].into_iter().collect();
        let (_, answer) = self.send(method, path, headers, body).await?;
        Ok(answer)
    }

    /// `POST` of what is to be made once. When no answer comes it is sent again under the same
    /// `Idempotency-Key`, by which the server knows what it has made already.
    pub(crate) async fn create(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let random = model::random::System;
        let key = format!("{:016x}{:016x}", random.next_u64(), random.next_u64());
        let key = HeaderValue::from_str(&key).context("the key is made of digits")?;
        let mut tries = 1;
        loop {
            let name = http::HeaderName::from_static("idempotency-key");
            let headers = [(name, key.clone())].into_iter().collect();
            let sent = self.send(Method::POST, path, headers, Some(body)).await;
            match sent {
                Err(error) if tries < CREATION_TRIES && is_unanswered(&error) => {
                    tries += 1;
                    tokio::time::sleep(CREATION_PAUSE).await;
                }
                sent => return sent.map(|(_, answer)| answer),
            }
        }
    }

    /// `POST` of what proves who someone is; the session that begins is the credential from now on.
    pub(in crate::cli) async fn begin_session(
        &mut self,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let (headers, answer) = self
            .send(Method::POST, path, HeaderMap::new(), Some(body))
            .await?;
        let cookies = headers.get_all(SET_COOKIE).iter();
        let mut cookies = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let session = cookies.next().context("the server began no session")?;
        self.credential = Credential::Session(SecretString::from(session.to_owned()));
        Ok(answer)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<&Value>,
    ) -> anyhow::Result<(HeaderMap, Value)> {
        let (headers, answer) = self.exchange(method, path, headers, body).await?;
        if answer.is_empty() {
            return Ok((headers, Value::Null));
        }
        let value = serde_json::from_slice(&answer)
            .context("the server's answer is not JSON; is this a Millstream server?")?;
        Ok((headers, value))
    }

    /// Sends a request and returns headers and body of the answer, which is no refusal.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<&Value>,
    ) -> anyhow::Result<(HeaderMap, Bytes)> {
        let request = self.request(method, path, headers, body)?;
        let answer = self
            .client
            .request_bounded(request, LARGEST_ANSWER)
            .await
            .with_context(|| format!("{} can't be reached; is the server running?", self.url))?;
        if !answer.status.is_success() {
            return Err(self.refused(answer.status, &answer.body).into());
        }
        if answer.body_end != delivery::BodyEnd::Complete {
            bail!("the server's answer broke off");
        }
        Ok((answer.headers, answer.body))
    }

    /// `GET` of what goes on: hands it to `take` as it comes, until it ends, breaks off, `take` has
    /// enough, or nothing came for `silence`.
    pub(in crate::cli) async fn follow(
        &self,
        path: &str,
        silence: Duration,
        take: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> anyhow::Result<()> {
        let request = self.request(Method::GET, path, HeaderMap::new(), None)?;
        let answer = self.client.request_streamed(request, silence, take).await;
        let answer = answer
            .with_context(|| format!("{} can't be reached; is the server running?", self.url))?;
        match answer.status.is_success() {
            true => Ok(()),
            false => Err(self.refused(answer.status, &answer.body).into()),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<&Value>,
    ) -> anyhow::Result<Request<Bytes>> {
        let body = body.map(serde_json::to_vec).transpose()?;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header(
                USER_AGENT,
                concat!("millstream/", env!("CARGO_PKG_VERSION")),
            )
            .body(Bytes::from(body.unwrap_or_default()))?;
        request.headers_mut().extend(headers);
        if let Some((name, value)) = self.credential()? {
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }

    fn credential(&self) -> anyhow::Result<Option<(http::HeaderName, HeaderValue)>> {
        let (name, text) = match &self.credential {
            Credential::Nobody => return Ok(None),
            Credential::Token(token) => {
                (AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
            }
            Credential::Session(cookie) => (COOKIE, cookie.expose_secret().to_owned()),
        };
        let value = HeaderValue::from_str(&text);
        let mut value = value.context("the token has characters that no token has")?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Refused {
        let refused = Refused::new(status, body);
        let (StatusCode::UNAUTHORIZED, Some(source)) = (status, &self.source) else {
            return refused;
        };
        let hint = match source {
            Source::Profile(name) => format!(
                " (the token of profile {name} was revoked or has expired: `millstream login --profile {name} \
                 --server {}` makes another)",
                self.url
            ),
            source => format!(" (the token is from {source}: is it this server's?)"),
        };
        refused.with_hint(&hint)
    }

    /// The organisation that the token is for: its id, its name, and what may be done in it.
    pub(in crate::cli) async fn organisation(&self) -> anyhow::Result<Value> {
        let mut organisations = self.get("/api/v1/me/organisations").await?;
        let first = organisations.pointer_mut("/items/0").map(Value::take);
        first.context("the token is for no organisation")
    }

    /// The path of a collection of that organisation.
    pub(in crate::cli) async fn organisation_path(
        &self,
        collection: &str,
    ) -> anyhow::Result<String> {
        let organisation = self.organisation().await?;
        let id = organisation["id"].as_str();
        let id = id.context("the server's answer has no id")?;
        Ok(format!("/api/v1/organisations/{id}/{collection}"))
    }

    /// Where the projects are of the organisation that the token is for.
    pub(crate) async fn projects_path(&self) -> anyhow::Result<String> {
        self.organisation_path("projects").await
    }

    /// The projects of the organisation that the token is for.
    pub(crate) async fn projects(&self) -> anyhow::Result<Vec<Value>> {
        self.list(&self.projects_path().await?).await
    }

    /// All items of a list.
    pub(crate) async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        self.first(path, LONGEST_LIST).await
    }

    /// The first items of a list, at most so many.
    pub(in crate::cli) async fn first(
        &self,
        path: &str,
        most: usize,
    ) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut pages) = (Vec::new(), self.pages(path, most));
        while let Some(mut page) = pages.next().await? {
            items.append(&mut page);
        }
        Ok(items)
    }

    /// The first items of a list, page by page.
    pub(in crate::cli) fn pages(&self, path: &str, most: usize) -> Pages<'_> {
        Pages::new(self, path, most)
    }
}

/// Whether it isn't known what the server has done, or it is still at it. Where no connection came
/// about nothing was done, and waiting a second is seldom of use.
fn is_unanswered(error: &anyhow::Error) -> bool {
    use delivery::TransportError as Error;
    let lost = error.downcast_ref::<Error>().is_some_and(|error| {
        matches!(
            error,
            Error::ResponseTimeout { .. } | Error::Protocol { .. }
        )
    });
    lost || Refused::find(error, "idempotency_key_in_use").is_some()
}

/// An address in its normal form, by which two are compared: no slash at the end, the host in small
/// letters, no port where it is the scheme's own.
pub(in crate::cli) fn normal_url(url: &str) -> anyhow::Result<String> {
    let trimmed = url.trim_end_matches('/');
    let parsed: Option<Uri> = trimmed.parse().ok();
    let parts = parsed.as_ref().and_then(|uri| {
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let is_http = matches!(scheme, "http" | "https");
        let plain = !authority.as_str().contains('@') && uri.query().is_none();
        (is_http && plain && !authority.host().is_empty()).then_some((
            scheme,
            authority,
            uri.path(),
        ))
    });
    let Some((scheme, authority, path)) = parts else {
        bail!("{url} is no address such as http://127.0.0.1:8080");
    };
    let host = authority.host().to_ascii_lowercase();
    let port = match (scheme, authority.port_u16()) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    Ok(format!(
        "{scheme}://{host}{port}{}",
        path.trim_end_matches('/')
    ))
}

/// Runs one command's requests.
pub(in crate::cli) fn block_on<T>(
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .context("the runtime can't be started")?
        .block_on(future)
}

#[cfg(test)]
mod tests {
    use super::normal_url;

    #[test]
    fn one_server_has_one_address() {
        for (written, normal) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("HTTPS://Acme.Example.com:443", "https://acme.example.com"),
            ("http://a.example.com:80/base/", "http://a.example.com/base"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(normal_url(written).unwrap(), normal);
        }
        for wrong in [
            "",
            "nonsense",
            "ftp://a",
            "http://",
            "http://a@b",
            "http://a/?b=c",
        ] {
            assert!(normal_url(wrong).is_err(), "{wrong}");
        }
    }
}
