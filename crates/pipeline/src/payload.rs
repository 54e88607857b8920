//! One kind of request, compiled: URL, headers, body.

use std::sync::Arc;

use bumpalo::Bump;
use bytes::Bytes;
use ftl::{Hash, Template};
use http::{HeaderMap, Method, Uri};
use model::definition::{self, BodyUnit, Definition, Limits, ResponseRule};
use model::json::{Object, write_object};
use model::outcome::Discarded;
use model::sync::Settings;
use model::{Answer, Event, Part};

use crate::follow_up::{self, Answered, FollowUp};
use crate::headers::Headers;
use crate::json_check;
use crate::parameters::Parameters;
use crate::problem::{Problems, pointer};
use crate::settings::Mapped;
use crate::template::{self, Compiler, Place, Text, may_read};
use crate::url;
use crate::user::UserView;
use crate::views::{Members, Root, Roots};

/// How the requests of one part are made.
#[derive(Debug)]
pub(crate) struct Payload {
    part: Part,
    method: Method,
    url: Url,
    headers: Headers,
    /// `None`: the event (or user) as it is streamed.
    body: Option<Template>,
    unit: BodyUnit,
    idempotency_key: bool,
    /// What answers mean.
    responses: Arc<[ResponseRule]>,
    /// What is sent when an answer asks for it.
    follow_up: Option<FollowUp>,
    /// Whether a template of the payload may read `mappedProperties`.
    reads_properties: bool,
    /// Whether a template of the payload may read `mappedFields`.
    reads_fields: bool,
}

#[derive(Debug)]
enum Url {
    Constant(Uri),
    Rendered(Box<Template>),
}

/// What a request is made of, once rendered.
pub(crate) struct Rendered {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) idempotency_key: bool,
    pub(crate) responses: Arc<[ResponseRule]>,
}

/// What the payloads of a sync share.
pub(crate) struct Shared<'s> {
    pub(crate) parameters: &'s Parameters,
    pub(crate) mapped: &'s Mapped,
    pub(crate) limits: &'s Limits,
    /// Whether a body that is not JSON is let through where JSON was promised: to be looked at.
    pub(crate) unchecked: bool,
}

impl Payload {
    /// Compiles what the definition says about a part, with the sync's own body template where it
    /// has one. `None` when that can't be done: then a problem was added.
    pub(crate) fn compile(
        part: Part,
        definition: &Definition,
        settings: &Settings,
        headers: impl FnOnce(&definition::Payload, &str, &mut Problems) -> Headers,
        compiler: &Compiler<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let (section, payload, own) = match part {
            Part::Event => ("events", &definition.events, &settings.events.template),
            Part::User => ("users", &definition.users, &settings.users.template),
        };
        let Some(payload) = payload else {
            problems.add(
                format!("/{section}/send"),
                format!("the destination takes no {section}"),
            );
            return None;
        };
        let defined_at = pointer("/definition", section);
        let url_at = pointer(&defined_at, "url");
        let (url_source, url_at) =
            own_url(definition, settings, payload).unwrap_or((&payload.url, url_at));
        let url = compile_url(url_source, &url_at, definition, compiler, problems);
        let headers = headers(payload, &pointer(&defined_at, "headers"), problems);
        let own_at = format!("/{section}/template");
        if own.is_some() && !definition.own_templates {
            problems.add(
                own_at.as_str(),
                "the destination takes no templates of a sync's own",
            );
        }
        let (source, at) = match own {
            Some(own) => (Some(own), own_at),
            None => (payload.body.as_ref(), pointer(&defined_at, "body")),
        };
        let body = match source {
            Some(source) => Some(compiler.template(source, Place::Body, &at, problems)?),
            None => None,
        };
        let follow_up = match &payload.follow_up {
            None => None,
            Some(follow_up) => {
                let at = pointer(&defined_at, "follow_up");
                Some(FollowUp::compile(follow_up, &at, compiler, problems)?)
            }
        };
        let mut compiled = Self {
            part,
            method: payload.method.into(),
            url: url?,
            headers,
            body,
            unit: payload.unit,
            idempotency_key: payload.idempotency_key,
            responses: follow_up::rules(&payload.responses, follow_up.is_some()),
            follow_up,
            reads_properties: false,
            reads_fields: false,
        };
        let reads = |root| compiled.templates().any(|each| may_read(each, root));
        let (properties, fields) = (reads(Root::MappedProperties), reads(Root::MappedFields));
        (compiled.reads_properties, compiled.reads_fields) = (properties, fields);
        Some(compiled)
    }

    /// The templates that are rendered for each event.
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let url = match &self.url {
            Url::Constant(_) => None,
            Url::Rendered(template) => Some(&**template),
        };
        url.into_iter()
            .chain(self.headers.templates())
            .chain(&self.body)
            .chain(self.follow_up.iter().flat_map(FollowUp::templates))
    }

    /// Whether there is a request for answers that ask for one more.
    pub(crate) fn has_follow_up(&self) -> bool {
        self.follow_up.is_some()
    }

    /// Renders the request for `event`, whose parsed form is `root`; with an answer to it, the request
    /// that follows.
    pub(crate) fn render(
        &self,
        event: &Event,
        root: &Object<'_>,
        answer: Option<&Answer>,
        shared: &Shared<'_>,
    ) -> Result<Rendered, Discarded> {
        shared.mapped.check_required(root)?;
        let allowed = shared.limits.identifier_bytes;
        within(
            "identifier bytes",
            allowed,
            shared.mapped.longest_required(root),
        )?;
        let (part, mapped) = (self.part, shared.mapped);
        let arena = Bump::new();
        let trimmed = mapped.trimmed(part, root);
        let shown = trimmed.as_ref().unwrap_or(root);
        let as_user;
        let input: &dyn Hash = match part {
            Part::Event => shown,
            Part::User => {
                as_user = UserView::new(shown, event.kind);
                &as_user
            }
        };
        let (mut properties, mut fields) = (Members::default(), Members::default());
        if self.reads_properties {
            properties = mapped.properties(part, root, &arena);
            if part == Part::Event {
                let allowed = shared.limits.properties_per_event;
                within("event properties", allowed, mapped.of_event(root))?;
            } else {
                let allowed = shared.limits.properties_per_user;
                within("user properties", allowed, properties.0.len())?;
            }
        }
        if self.reads_fields {
            fields = mapped.fields(root, &arena);
        }
        let answered = answer.map(Answered::new);
        let answered = answered.as_ref().map(|answered| answered.view());
        let roots = Roots {
            input,
            parameters: shared.parameters.values(),
            mapped_properties: &properties,
            mapped_fields: &fields,
            answer: answered.as_ref().map(|answered| answered as &dyn Hash),
        };
        let uri = self.render_url(&roots, shared.parameters)?;
        let (headers, json) = self.headers.render(&roots, shared.parameters)?;
        let follow_up = self.follow_up.as_ref().filter(|_| answer.is_some());
        let own = follow_up.and_then(|follow_up| follow_up.body.as_ref());
        let place = own.map_or(Place::Body, |_| Place::FollowUpBody);
        let body = match own.or(self.body.as_ref()) {
            Some(template) => {
                let json = json && !shared.unchecked;
                self.render_body((template, place), &roots, json, shared.parameters)?
            }
            None => self.stored_body(event, shown, trimmed.is_some(), shared.limits)?,
        };
        within("body bytes", shared.limits.body_bytes, body.len())?;
        Ok(match follow_up {
            None => Rendered {
                method: self.method.clone(),
                uri,
                headers,
                body,
                idempotency_key: self.idempotency_key,
                responses: Arc::clone(&self.responses),
            },
            Some(follow_up) => Rendered {
                method: follow_up.method.clone(),
                uri: follow_up.render_url(&roots, shared.parameters, &uri)?,
                headers,
                body,
                // Under the same key it would count as the request before.
                idempotency_key: false,
                responses: Arc::clone(&follow_up.responses),
            },
        })
    }

    fn render_url(&self, roots: &Roots<'_>, parameters: &Parameters) -> Result<Uri, Discarded> {
        let template = match &self.url {
            Url::Constant(uri) => return Ok(uri.clone()),
            Url::Rendered(template) => template,
        };
        let mut text = Vec::new();
        template
            .render_into(roots, &mut text)
            .map_err(|error| template::discarded(&error, Place::Url, parameters))?;
        url::of_template(&text, template, parameters)
            .map_err(|message| Discarded::InvalidUrl { message })
    }

    fn render_body(
        &self,
        (template, place): (&Template, Place<'_>),
        roots: &Roots<'_>,
        json: bool,
        parameters: &Parameters,
    ) -> Result<Bytes, Discarded> {
        let mut body = Vec::with_capacity(512);
        template
            .render_into(roots, &mut body)
            .map_err(|error| template::discarded(&error, place, parameters))?;
        if json {
            json_check::check(&body)?;
        }
        Ok(match self.unit {
            BodyUnit::Object => body.into(),
            BodyUnit::ArrayOfOne => array_of_one(&body),
        })
    }

    /// The event as it is stored, without a copy where it stands alone and whole; or the user that it
    /// shows.
    fn stored_body(
        &self,
        event: &Event,
        root: &Object<'_>,
        trimmed: bool,
        limits: &Limits,
    ) -> Result<Bytes, Discarded> {
        let body = match self.part {
            Part::Event => {
                let properties = root
                    .get("event_properties")
                    .and_then(|value| value.as_object());
                let count = properties.map_or(0, Object::len);
                within("event properties", limits.properties_per_event, count)?;
                match trimmed {
                    true => object_text(root),
                    false => event.text().clone(),
                }
            }
            Part::User => {
                let properties = root.get("user_properties");
                let properties = properties.and_then(|value| value.as_object());
                let count = properties.map_or(0, Object::len);
                within("user properties", limits.properties_per_user, count)?;
                let mut body = Vec::with_capacity(512);
                UserView::new(root, event.kind).write(&mut body);
                body.into()
            }
        };
        Ok(match self.unit {
            BodyUnit::Object => body,
            BodyUnit::ArrayOfOne => array_of_one(&body),
        })
    }
}

/// The URL of a sync's own and where it stands. Where a definition takes templates of a sync's own
/// and leaves the whole URL to a parameter, what the user wrote there is a template too.
pub(crate) fn own_url<'s>(
    definition: &Definition,
    settings: &'s Settings,
    payload: &definition::Payload,
) -> Option<(&'s String, String)> {
    let name = payload
        .url
        .strip_prefix("${parameters.")?
        .strip_suffix('}')?;
    let own = settings.parameters.get(name)?;
    (definition.own_templates && !own.is_empty()).then(|| (own, pointer("/parameters", name)))
}

/// Compiles a URL. One that no event changes is checked now; where a single parameter makes it, the
/// fault is that parameter's.
fn compile_url(
    source: &str,
    at: &str,
    definition: &Definition,
    compiler: &Compiler<'_>,
    problems: &mut Problems,
) -> Option<Url> {
    match compiler.text(source, Place::Url, at, problems)? {
        Text::Rendered(template) => Some(Url::Rendered(template)),
        Text::Constant(text) => match url::parse(&text) {
            Ok(uri) => Some(Url::Constant(uri)),
            Err(reason) => {
                let mut named = definition
                    .parameters
                    .iter()
                    .filter(|each| source.contains(each.name.as_str()));
                let at = match (named.next(), named.next()) {
                    (Some(only), None) => pointer("/parameters", &only.name),
                    _ => at.to_owned(),
                };
                if !compiler.is_reported(&at) {
                    problems.add(at, format!("the URL can't be used: {reason}"));
                }
                None
            }
        },
    }
}

fn object_text(object: &Object<'_>) -> Bytes {
    let mut text = Vec::with_capacity(512);
    write_object(object, &mut text);
    text.into()
}

fn array_of_one(body: &[u8]) -> Bytes {
    [b"[", body, b"]"].concat().into()
}

fn within<N: Into<u64>>(limit: &str, allowed: Option<N>, actual: usize) -> Result<(), Discarded> {
    let actual = u64::try_from(actual).unwrap_or(u64::MAX);
    match allowed.map(N::into) {
        Some(allowed) if actual > allowed => Err(Discarded::OverLimit {
            limit: limit.to_owned(),
            allowed,
            actual,
        }),
        _ => Ok(()),
    }
}
