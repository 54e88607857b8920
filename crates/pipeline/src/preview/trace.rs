//! Where secrets stand in what was rendered.

use super::probe::{Form, Probe};

/// What people are shown in place of a secret.
const MASK: &str = "[secret]";

/// A text with secrets taken out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(Vec<Piece>);

/// A piece of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands there.
    Plain(String),
    /// The value of the variable with this index.
    Secret(usize),
}

impl Piece {
    /// The text of a plain one.
    pub(super) fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(plain) => Some(plain),
            Self::Secret(_) => None,
        }
    }

    pub(super) fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }
}

impl Text {
    /// The text, which has no secrets.
    pub(super) fn of(plain: impl Into<String>) -> Self {
        Self::from_iter([Piece::Plain(plain.into())])
    }

    /// The pieces, in order; none is empty, and no two plain ones stand side by side.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The text as people are shown it.
    pub fn masked(&self) -> String {
        let pieces = self.0.iter();
        pieces.map(|piece| piece.plain().unwrap_or(MASK)).collect()
    }

    /// Whether something is masked.
    pub fn has_secrets(&self) -> bool {
        self.0.iter().any(Piece::is_secret)
    }

    /// The text without its secrets.
    pub(super) fn plain(&self) -> String {
        self.0.iter().filter_map(Piece::plain).collect()
    }
}

impl FromIterator<Piece> for Text {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> Self {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (_, Piece::Plain(plain)) if plain.is_empty() => {}
                (Some(Piece::Plain(before)), Piece::Plain(plain)) => before.push_str(&plain),
                (_, piece) => joined.push(piece),
            }
        }
        Self(joined)
    }
}

/// One field of a request, as it was rendered with each probe; `None` where that render failed or
/// has no such field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'f> {
    /// With the values themselves. `None` where these are not ours to render with.
    pub(super) exact: Option<&'f str>,
    pub(super) plain: Option<&'f str>,
    pub(super) other: Option<&'f str>,
    pub(super) special: Option<&'f str>,
}

/// A piece of a field: a secret stands in it in some form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Traced<'f> {
    Plain(&'f str),
    Secret(usize, Form),
}

/// The probes that fields were rendered with.
#[derive(Debug)]
pub(super) struct Probes {
    pub(super) exact: Option<Probe>,
    pub(super) plain: Probe,
    pub(super) other: Probe,
    pub(super) special: Probe,
}

impl Probes {
    /// Where each secret stands in a field, and how it is written there. `None` when that can't be
    /// told: the field as a whole depends on secrets.
    pub(super) fn trace<'f>(&self, field: &Field<'f>) -> Option<Vec<Traced<'f>>> {
        let (plain, other) = (field.plain?, field.other?);
        let pieces = self.plain.split(plain);
        if !same(&pieces, &self.other.split(other)) {
            return None;
        }
        let by_special = field
            .special
            .map(|special| self.special.forms(&pieces, special));
        let Some(probe) = &self.exact else {
            // A render that special characters break shows that they are not escaped.
            return match by_special {
                Some(forms) => Some(formed(pieces, &forms?)),
                None => Some(pieces),
            };
        };
        let exact = field.exact?;
        let candidates = [by_special.flatten(), probe.forms(&pieces, exact)];
        let fits = |forms: &Vec<Form>| probe.write(&formed(pieces.clone(), forms)) == exact;
        let forms = candidates.into_iter().flatten().find(fits)?;
        Some(formed(pieces, &forms))
    }
}

/// Whether these are the same plain texts and secrets.
fn same(some: &[Traced<'_>], others: &[Traced<'_>]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| one == other)
}

/// The pieces with their secrets in these forms, one for each.
fn formed<'f>(pieces: Vec<Traced<'f>>, forms: &[Form]) -> Vec<Traced<'f>> {
    let mut forms = forms.iter();
    let pieces = pieces.into_iter().map(|piece| match piece {
        Traced::Secret(secret, form) => Traced::Secret(secret, *forms.next().unwrap_or(&form)),
        plain => plain,
    });
    pieces.collect()
}
