//! Texts that prove something by being known: API tokens, sessions, links in mails.
//!
//! Such a text is `PREFIX_ID_SECRET`: 16 hexadecimal digits that find its row, and 64 (256 random
//! bits) that prove it. Only the SHA-256 of the latter is stored.

use model::Random;

use super::Secret;

const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;

/// What a credential is for; each kind has a prefix of its own, so that none passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An API token.
    Token,
    /// A session's cookie.
    Session,
    /// The link of an invitation.
    Invitation,
    /// The link of a password reset.
    PasswordReset,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Token => "mst_",
            Self::Session => "mss_",
            Self::Invitation => "msi_",
            Self::PasswordReset => "msr_",
        }
    }
}

/// A credential's two halves.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    /// Finds the row; public.
    pub(crate) id: String,
    /// Proves it.
    pub(crate) secret: Secret,
}

impl Credential {
    /// A new one.
    pub(crate) fn generate(random: &dyn Random) -> Self {
        let words: [u64; SECRET_DIGITS / 16] = std::array::from_fn(|_| random.next_u64());
        let secret = words.map(|word| format!("{word:016x}")).concat();
        Self {
            id: format!("{:016x}", random.next_u64()),
            secret: Secret::new(secret),
        }
    }

    /// The text as its holder keeps it.
    pub(crate) fn text(&self, kind: Kind) -> Secret {
        let (prefix, secret) = (kind.prefix(), self.secret.expose());
        Secret::new(format!("{prefix}{}_{secret}", self.id))
    }

    /// The halves of a text; `None` when it is no credential of this kind.
    pub(crate) fn parse(kind: Kind, text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(kind.prefix())?.split_once('_')?;
        let digits = |part: &str, count| {
            part.len() == count && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        (digits(id, ID_DIGITS) && digits(secret, SECRET_DIGITS)).then(|| Self {
            id: id.to_owned(),
            secret: Secret::new(secret.to_owned()),
        })
    }
}

/// A text in which nothing is left of the links' credentials but what they are for (`msi_…`).
pub(crate) fn mask_links(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    let prefixes = [Kind::Invitation, Kind::PasswordReset].map(Kind::prefix);
    while let Some((at, prefix)) = prefixes
        .into_iter()
        .filter_map(|prefix| Some((rest.find(prefix)?, prefix)))
        .min()
    {
        let (before, credential) = rest.split_at(at);
        let of_it = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = credential.find(|c| !of_it(c)).unwrap_or(credential.len());
        masked.extend([before, prefix, "…"]);
        rest = &credential[end..];
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;

    #[test]
    fn of_a_link_the_page_is_left() {
        let made = Credential::generate(&Seeded::new(1));
        let [first, second] = [Kind::Invitation, Kind::PasswordReset].map(|kind| made.text(kind));
        let (first, second) = (first.expose(), second.expose());
        let text = format!("Open https://a.example/x#{second}, or <a href=\"/y#{first}\">");
        let expected = "Open https://a.example/x#msr_…, or <a href=\"/y#msi_…\">";
        assert_eq!(mask_links(&text), expected);
        assert_eq!(mask_links("no link"), "no link");
    }

    #[test]
    fn a_text_is_read_back_as_its_own_kind_only() {
        let made = Credential::generate(&Seeded::new(1));
        let text = made.text(Kind::Session);
        let read = Credential::parse(Kind::Session, text.expose()).expect("a credential");
        assert_eq!((read.id, read.secret), (made.id, made.secret));
        for other in [Kind::Token, Kind::Invitation, Kind::PasswordReset] {
            assert!(Credential::parse(other, text.expose()).is_none());
        }
    }
}
