//! Values that stand in for secrets, to see what becomes of them.

use std::collections::BTreeMap;

use model::definition::{Definition, ParameterKind};
use model::json::write_string;
use model::sync::Sync;

use super::Secrets;
use super::trace::Traced;

/// How a secret stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is.
    Raw,
    /// Escaped for a JSON string.
    Json,
    /// Percent-encoded.
    Url,
    /// Percent-encoded, but for `/`.
    UrlPath,
}

impl Form {
    /// All forms, the plainest first.
    pub const ALL: [Self; 4] = [Self::Raw, Self::Json, Self::Url, Self::UrlPath];

    /// The value in this form.
    pub fn write(self, value: &str) -> String {
        match self {
            Self::Raw => value.to_owned(),
            Self::Json => {
                let mut out = Vec::with_capacity(value.len() + 2);
                write_string(value, &mut out);
                let text = String::from_utf8_lossy(&out);
                text[1..text.len() - 1].to_owned()
            }
            Self::Url => percent_encoded(value, false),
            Self::UrlPath => percent_encoded(value, true),
        }
    }
}

/// What stands in URLs as it is, besides ASCII letters and digits.
pub(super) const NOT_ENCODED: &str = "-_.!~*'()";

/// As `?url` and `?url_path` do.
fn percent_encoded(value: &str, keeps_slashes: bool) -> String {
    let bytes = value.bytes().map(|byte| match byte {
        b'/' if keeps_slashes => "/".to_owned(),
        byte if byte.is_ascii_alphanumeric() || NOT_ENCODED.contains(char::from(byte)) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// A value for each secret, by its position among the names of [`Secrets::parameters`].
#[derive(Clone)]
pub(super) struct Probe(Vec<String>);

/// Which values a probe has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Letters and digits, that stand anywhere and mean nothing.
    Plain,
    /// The same, of another length and with other letters, so that whatever is made of them differs.
    Other,
    /// With characters that are escaped in most places.
    Special,
}

impl Probe {
    /// Values of a kind that don't occur in `around`, for the secrets that `sync` has.
    pub(super) fn new(kind: Kind, names: &[Name], around: &str) -> Self {
        let mut nonce = 0_u32;
        loop {
            let mark = match kind {
                Kind::Plain => format!("Ph{nonce}Mw"),
                Kind::Other => format!("qJ{nonce}kZvRt"),
                Kind::Special => format!("Xb{nonce}Df"),
            };
            if !around.contains(&mark) {
                let values = names.iter().enumerate();
                return Self(
                    values
                        .map(|(at, name)| value(kind, &mark, at, name))
                        .collect(),
                );
            }
            nonce += 1;
        }
    }

    /// The values themselves.
    pub(super) fn exact(names: &[Name], sync: &Sync) -> Self {
        let value = |name: &Name| sync.settings.parameters.get(&name.name).cloned();
        Self(
            names
                .iter()
                .map(|name| value(name).unwrap_or_default())
                .collect(),
        )
    }

    /// The sync with these values, and without what its own headers hold.
    pub(super) fn put_into(&self, sync: &Sync, names: &[Name], secrets: &Secrets) -> Sync {
        let mut sync = sync.clone();
        for (name, value) in names.iter().zip(&self.0) {
            sync.settings
                .parameters
                .insert(name.name.clone(), value.clone());
        }
        for header in &mut sync.settings.headers {
            if secrets.has_header(&header.name) {
                header.value = "secret".into();
            }
        }
        sync
    }

    /// The text as plain pieces and the secrets between them.
    pub(super) fn split<'t>(&self, text: &'t str) -> Vec<Traced<'t>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        let found = self.occurrences(text);
        let mut from = 0;
        for (at, secret) in found {
            if at > from {
                pieces.push(Traced::Plain(&text[from..at]));
            }
            pieces.push(Traced::Secret(secret, Form::Raw));
            from = at + self.0[secret].len();
            rest = &text[from..];
        }
        if !rest.is_empty() {
            pieces.push(Traced::Plain(rest));
        }
        pieces
    }

    /// Where which secret stands. No value contains another.
    fn occurrences(&self, text: &str) -> BTreeMap<usize, usize> {
        let secrets = self.0.iter().enumerate();
        let found = secrets.flat_map(|(secret, value)| {
            let places = text.match_indices(value.as_str());
            places.map(move |(at, _)| (at, secret))
        });
        found.collect()
    }

    /// In which form each secret stands in `text`, which consists of these pieces; `None` when it
    /// doesn't.
    pub(super) fn forms(&self, pieces: &[Traced<'_>], text: &str) -> Option<Vec<Form>> {
        let mut forms = Vec::new();
        let mut rest = text;
        for piece in pieces {
            match piece {
                Traced::Plain(plain) => rest = rest.strip_prefix(plain)?,
                Traced::Secret(secret, _) => {
                    let (form, behind) = longest_form(&self.0[*secret], rest)?;
                    forms.push(form);
                    rest = behind;
                }
            }
        }
        rest.is_empty().then_some(forms)
    }

    /// The text that consists of these pieces.
    pub(super) fn write(&self, pieces: &[Traced<'_>]) -> String {
        let pieces = pieces.iter().map(|piece| match piece {
            Traced::Plain(plain) => (*plain).to_owned(),
            Traced::Secret(secret, form) => form.write(&self.0[*secret]),
        });
        pieces.collect()
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").finish_non_exhaustive()
    }
}

/// The form that takes most of what `text` begins with, the plainest of several, and what follows.
fn longest_form<'t>(value: &str, text: &'t str) -> Option<(Form, &'t str)> {
    let forms = Form::ALL.into_iter().filter_map(|form| {
        let behind = text.strip_prefix(form.write(value).as_str())?;
        Some((form, behind))
    });
    forms.min_by_key(|(_, behind)| behind.len())
}

/// A secret parameter of a sync.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) name: String,
    /// As the form shows it.
    pub(super) display_name: String,
    is_url: bool,
}

/// The secret parameters that have a value.
pub(super) fn names(definition: &Definition, sync: &Sync, secrets: &Secrets) -> Vec<Name> {
    let declared = definition.parameters.iter();
    let given = declared.filter(|parameter| {
        let value = sync.settings.parameters.get(&parameter.name);
        // Of two values neither hides much.
        parameter.kind != ParameterKind::Checkbox
            && secrets.parameters.contains(&parameter.name)
            && value.is_some_and(|value| !value.trim().is_empty())
    });
    let names = given.map(|parameter| Name {
        name: parameter.name.clone(),
        display_name: parameter.display_name.clone(),
        is_url: parameter.kind == ParameterKind::Url,
    });
    names.collect()
}

/// The definition, taking any value for these.
pub(super) fn tolerant(definition: &Definition, names: &[Name]) -> Definition {
    let mut definition = definition.clone();
    for parameter in &mut definition.parameters {
        if names.iter().any(|name| name.name == parameter.name) {
            parameter.kind = ParameterKind::Text;
            parameter.pattern = None;
        }
    }
    definition
}

fn value(kind: Kind, mark: &str, at: usize, name: &Name) -> String {
    match kind {
        Kind::Special if !name.is_url => format!("{mark}\\&+/{at}z"),
        _ if name.is_url => format!("https://{mark}{at}z"),
        _ => format!("{mark}{at}z"),
    }
}
