//! Links from mails, as people paste them.

use secrecy::{ExposeSecret, SecretString};

use super::remote::{self, Place};
use super::{Failure, prompt};

/// What a link says: where, and by which secret.
pub(super) struct Link {
    /// The server's address, in its normal form.
    pub(super) url: String,
    /// What stands behind `#`.
    pub(super) token: SecretString,
}

impl Link {
    /// The link to `page` that was given, or else is asked for. A server that `place` names goes before
    /// the link's own.
    pub(super) fn read(
        given: Option<&SecretString>,
        page: &str,
        place: &Place,
    ) -> Result<Self, Failure> {
        let given = given.map(|link| link.expose_secret());
        let link = prompt::given_or_line(given, "Link: ")?;
        let (server, token) = parts(&link, page);
        let url = match (&place.server, server) {
            (None, Some(server)) => remote::normal_url(server).map_err(Failure::Usage)?,
            _ => place.server_url()?,
        };
        let token = SecretString::from(token.to_owned());
        Ok(Self { url, token })
    }
}

/// The server and the secret of a link; a text that is no link is the secret alone.
fn parts<'a>(link: &'a str, page: &str) -> (Option<&'a str>, &'a str) {
    match link.split_once('#') {
        Some((address, token)) => {
            let address = address.strip_suffix('/').unwrap_or(address);
            let server = address.strip_suffix(page);
            let server = server.and_then(|server| server.strip_suffix('/'));
            (Some(server.unwrap_or(address)), token)
        }
        None => (None, link),
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_link_says_the_server_and_the_secret() {
        let expected = (Some("https://a.example.com/base"), "msi_1");
        let link = "https://a.example.com/base/invitation#msi_1";
        assert_eq!(parts(link, "invitation"), expected);
        let link = "https://a.example.com/base/password-reset/#msi_1";
        assert_eq!(parts(link, "password-reset"), expected);
        assert_eq!(parts("msi_1", "invitation"), (None, "msi_1"));
    }
}
