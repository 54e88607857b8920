//! Speaks to a server's control API.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use http::request::Builder;
use http::{HeaderValue, Method, Request};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Failure, ServerAddress, reachable};
use crate::config::{self, Files};
use crate::serve;

/// How much of an answer is read.
const LARGEST_ANSWER: usize = 16 << 20;

/// How many items of a list are read.
const LONGEST_LIST: usize = 100_000;

/// A server, as somebody with the admin token sees it.
pub(crate) struct Remote {
    client: delivery::Client,
    url: String,
    token: SecretString,
}

impl Remote {
    /// The server at `url` (scheme, host, port). To be called within a Tokio runtime.
    pub(crate) fn new(url: &str, token: SecretString) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        let is_http = url.starts_with("http://") || url.starts_with("https://");
        if !is_http || url.parse::<http::Uri>().is_err() {
            bail!("{url} is no address such as http://127.0.0.1:8080");
        }
        // The user names the server: every address may be meant.
        let guard = delivery::egress::Guard::new(&delivery::config::Egress::allow_all())?;
        let settings = delivery::config::Client {
            request_timeout: Duration::from_secs(60),
            ..delivery::config::Client::default()
        };
        Ok(Self {
            client: delivery::Client::new(&settings, guard)?,
            url,
            token,
        })
    }

    /// The server that the command line, the environment, or the configuration names. Where no token
    /// is given, a server on this machine gets the one that it wrote into its data folder itself.
    pub(super) fn find(address: &ServerAddress) -> Result<Self, Failure> {
        let given = address.token.clone().map(SecretString::from);
        let (url, token) = match (&address.server, given) {
            (Some(url), Some(token)) => (url.clone(), token),
            (Some(url), None) if !is_loopback(url) => return Err(no_token(url)),
            // The address that the server listens on is one of this machine's.
            (url, given) => {
                let file = address.config.as_deref();
                let config = config::load(file, Files::Unchecked)?.config;
                let local = reachable(config.control.listen.unwrap_or(config.listen));
                let url = url.clone().unwrap_or_else(|| format!("http://{local}"));
                let token = match given {
                    Some(token) => token,
                    None => token_file(&config.data_dir)?,
                };
                (url, token)
            }
        };
        Self::new(&url, token).map_err(Failure::Usage)
    }

    /// Sends a request and returns the answer's JSON (`null` for an empty answer).
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        self.send(Request::builder().method(method), path, body)
            .await
    }

    /// `PATCH`, whatever version is there.
    pub(crate) async fn change(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(
            Request::builder()
                .method(Method::PATCH)
                .header(IF_MATCH, "*"),
            path,
            Some(body),
        )
        .await
    }

    async fn send(
        &self,
        request: Builder,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", self.token.expose_secret()))
                .context("the token has characters that no token has")?;
        authorization.set_sensitive(true);
        let body = body
            .map(serde_json::to_vec)
            .transpose()?
            .unwrap_or_default();
        let request = request
            .uri(format!("{}{path}", self.url))
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(Bytes::from(body))?;
        let answer = self
            .client
            .request_bounded(request, LARGEST_ANSWER)
            .await
            .with_context(|| format!("{} can't be reached; is the server running?", self.url))?;
        if !answer.status.is_success() {
            return Err(Refused::new(answer.status, &answer.body).into());
        }
        if answer.body_end != delivery::BodyEnd::Complete {
            bail!("the server's answer broke off");
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body)
            .context("the server's answer is not JSON; is this a Millstream server?")
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// Where the projects are of the organisation that the token is for.
    pub(crate) async fn projects_path(&self) -> anyhow::Result<String> {
        let organisations = self.get("/api/v1/me/organisations").await?;
        let id = organisations["items"][0]["id"].as_str();
        let id = id.context("the token is for no organisation")?;
        Ok(format!("/api/v1/organisations/{id}/projects"))
    }

    /// The projects of the organisation that the token is for.
    pub(crate) async fn projects(&self) -> anyhow::Result<Vec<Value>> {
        self.list(&self.projects_path().await?).await
    }

    /// All items of a list, page by page.
    pub(crate) async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut page = self.get(&format!("{path}?limit=200{cursor}")).await?;
            items.append(
                page["items"]
                    .as_array_mut()
                    .context("the server's answer is no list")?,
            );
            match page["next"].as_str() {
                Some(next) if items.len() < LONGEST_LIST => cursor = format!("&cursor={next}"),
                _ => return Ok(items),
            }
        }
    }
}

/// The server said no: problem details (RFC 9457) in words, with every single problem on a line of its
/// own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refused {
    /// The answer's JSON; `null` when it was none.
    pub(super) problem: Value,
    message: String,
}

impl Refused {
    fn new(status: http::StatusCode, body: &[u8]) -> Self {
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let words = ["detail", "title"]
            .iter()
            .find_map(|field| problem[field].as_str());
        let mut message = match words {
            Some(words) => words.to_owned(),
            None => format!("the server answered {status}"),
        };
        for one in problem["errors"].as_array().into_iter().flatten() {
            let place = one["pointer"].as_str().unwrap_or_default();
            let what = one["message"].as_str().unwrap_or_default();
            let position = match (one["line"].as_u64(), one["column"].as_u64()) {
                (Some(line), Some(column)) => format!(" line {line} column {column}"),
                _ => String::new(),
            };
            message.push_str(&format!("\n  {place}{position}: {what}"));
        }
        if status == http::StatusCode::UNAUTHORIZED {
            message.push_str(
                "; is the token (--token, MILLSTREAM_TOKEN, or the data folder's) this server's?",
            );
        }
        Self { problem, message }
    }

    /// The refusal that `error` is, if its kind has this code.
    pub(super) fn find<'e>(error: &'e anyhow::Error, code: &str) -> Option<&'e Self> {
        let refused = error.downcast_ref::<Self>()?;
        (refused.problem["code"] == code).then_some(refused)
    }
}

/// Whether `url` leads to this machine whatever a name server says: the admin token of the local data
/// folder is sent nowhere else.
fn is_loopback(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else {
        return false;
    };
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn no_token(url: &str) -> Failure {
    Failure::usage(format!(
        "a token is needed to speak to {url}: give it as --token or MILLSTREAM_TOKEN; the server keeps it in \
         the file `admin-token` of its data folder"
    ))
}

/// The admin token that the server wrote on its first start.
fn token_file(data_dir: &Path) -> Result<SecretString, Failure> {
    let path = serve::token_path(data_dir);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(SecretString::from(text.trim().to_owned())),
        Err(error) => Err(Failure::usage(format!(
            "the server's token can't be read from {} ({error}): give it as --token or MILLSTREAM_TOKEN, or \
             say where the server keeps its data, by its own --config FILE (MILLSTREAM_CONFIG) or by \
             MILLSTREAM_DATA_DIR, and run this as the server's user",
            path.display()
        ))),
    }
}

/// Runs one command's requests.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .context("the runtime can't be started")?
        .block_on(future)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_gets_the_token_of_the_local_data_folder() {
        for url in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:8080",
            "http://localhost:8080/",
            "https://LOCALHOST",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://10.0.0.1:8080",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://localhost@example.com",
            "http://0.0.0.0:8080",
            "http://[2001:db8::1]",
            "nonsense",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn a_refusal_names_every_problem_and_its_place() {
        let body = br#"{"title":"Invalid settings","detail":"the sync can't be used","errors":[
            {"pointer":"/events/template","message":"unexpected end","line":3,"column":7}]}"#;
        let error = Refused::new(http::StatusCode::UNPROCESSABLE_ENTITY, body).to_string();
        assert_eq!(
            error,
            "the sync can't be used\n  /events/template line 3 column 7: unexpected end"
        );
        let error = Refused::new(http::StatusCode::BAD_GATEWAY, b"<html>").to_string();
        assert_eq!(error, "the server answered 502 Bad Gateway");
    }
}
