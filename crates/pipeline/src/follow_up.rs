//! The request that follows an answer which asks for it.

use std::sync::Arc;

use bytes::Bytes;
use ftl::{Data, Template, View};
use http::{Method, Uri};
use model::Answer;
use model::definition::{self, Meaning, ResponseRule};
use model::json::{self, Limits};
use model::outcome::Discarded;

use crate::parameters::Parameters;
use crate::problem::{Problems, pointer};
use crate::template::{self, Compiler, Place};
use crate::url;
use crate::views::{Members, Roots};

/// What templates may see of an answer: of more they see no body.
const LIMITS: Limits = Limits {
    depth: 64,
    values: 20_000,
    repeated_names: true,
};

/// The request that follows, compiled.
#[derive(Debug)]
pub(crate) struct FollowUp {
    pub(crate) method: Method,
    url: Template,
    /// `None`: that of the request before.
    pub(crate) body: Option<Template>,
    pub(crate) responses: Arc<[ResponseRule]>,
}

impl FollowUp {
    /// Compiles what stands at `at`.
    pub(crate) fn compile(
        follow_up: &definition::FollowUp,
        at: &str,
        compiler: &Compiler<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let at = |name| pointer(at, name);
        let url = compiler.template(&follow_up.url, Place::FollowUpUrl, &at("url"), problems);
        let body = match &follow_up.body {
            None => None,
            Some(body) => {
                Some(compiler.template(body, Place::FollowUpBody, &at("body"), problems)?)
            }
        };
        Some(Self {
            method: follow_up.method.into(),
            url: url?,
            body,
            responses: rules(&follow_up.responses, false),
        })
    }

    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        [&self.url].into_iter().chain(&self.body)
    }

    /// The address. Headers, and what of them is secret, were meant for the place of the request
    /// `before`: no answer has them sent elsewhere.
    pub(crate) fn render_url(
        &self,
        roots: &Roots<'_>,
        parameters: &Parameters,
        before: &Uri,
    ) -> Result<Uri, Discarded> {
        let invalid = |message: String| Discarded::InvalidUrl {
            message: format!("of the request that follows: {message}"),
        };
        let mut text = Vec::new();
        self.url
            .render_into(roots, &mut text)
            .map_err(|error| template::discarded(&error, Place::FollowUpUrl, parameters))?;
        let uri = url::of_template(&text, &self.url, parameters).map_err(invalid)?;
        match is_same_place(&uri, before) {
            true => Ok(uri),
            false => Err(invalid(ELSEWHERE.into())),
        }
    }
}

/// What is wrong with an address that isn't of the place of the request before.
pub(crate) const ELSEWHERE: &str =
    "it leads to another scheme, host or port than the request before";

/// Whether two addresses have the same scheme, host and port.
pub(crate) fn is_same_place(one: &Uri, other: &Uri) -> bool {
    (one.scheme(), one.authority()) == (other.scheme(), other.authority())
}

/// The rules that can decide: those that ask for a request that follows only where there is one.
pub(crate) fn rules(rules: &[ResponseRule], has_follow_up: bool) -> Arc<[ResponseRule]> {
    let can = |rule: &&ResponseRule| has_follow_up || rule.means != Meaning::FollowUp;
    rules.iter().filter(can).cloned().collect()
}

/// What was answered, as far as templates see it.
pub(crate) struct Answered<'a> {
    status: String,
    body: Option<json::Value<'a>>,
}

impl<'a> Answered<'a> {
    pub(crate) fn new(answer: &'a Answer) -> Self {
        let body: &Bytes = &answer.body;
        Self {
            status: answer.status.to_string(),
            body: match answer.complete {
                true => json::parse(body, &LIMITS).ok(),
                false => None,
            },
        }
    }

    /// `answer` in templates: `status`, and `body` where it is JSON.
    pub(crate) fn view(&'a self) -> Members<'a> {
        let mut members = vec![("status", View::Number(&self.status))];
        let body = self.body.as_ref();
        members.extend(body.map(|body| ("body", body.view())));
        Members(members)
    }
}
