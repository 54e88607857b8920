//! A mail in the form that it travels in.

use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use store::mail::Claim;

use super::address;

/// A mail for the mail server.
pub(super) struct Outgoing {
    /// Who sends it.
    pub(super) from: Address,
    /// Whom it goes to.
    pub(super) to: Address,
    /// Headers and bodies.
    pub(super) content: Vec<u8>,
}

/// Builds the mail. The same mail always becomes the same bytes, its `Message-ID` included, so that
/// one that is sent twice is recognised. The error says why it can't be sent at all.
pub(super) fn build(claim: &Claim, from: &Mailbox) -> Result<Outgoing, &'static str> {
    let mail = &claim.mail;
    let to = address::parse(&mail.recipient).ok_or("the address can't be written to")?;
    let domain = from.email.domain();
    let bodies = MultiPart::alternative()
        .boundary(format!("=_{}", mail.id))
        .singlepart(SinglePart::plain(claim.bodies.text.clone()))
        .singlepart(SinglePart::html(claim.bodies.html.clone()));
    let written = Duration::from_micros(mail.created_at.0.unsigned_abs());
    let mut message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(one_line(&mail.subject))
        .date(SystemTime::UNIX_EPOCH + written)
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        // No absence notes in return (RFC 3834).
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    if let Some(link) = &claim.bodies.unsubscribe {
        // Mail programs show a button of their own for it (RFC 8058).
        let headers = [
            ("List-Unsubscribe", format!("<{link}>")),
            (
                "List-Unsubscribe-Post",
                "List-Unsubscribe=One-Click".to_owned(),
            ),
        ];
        for (name, value) in headers {
            let name = HeaderName::new_from_ascii_str(name);
            message = message.raw_header(HeaderValue::new(name, value));
        }
    }
    let message = message
        .multipart(bodies)
        .map_err(|_| "it can't be put in the form of a mail")?;
    Ok(Outgoing {
        from: from.email.clone(),
        to,
        content: message.formatted(),
    })
}

/// The subject on one line. What looks like an encoded word (RFC 2047) is taken apart: mail clients
/// would decode it, and show what nobody here has seen.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ").replace("=?", "= ?")
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;
    use model::{MailId, Timestamp};
    use store::mail::{Bodies, Kind, Mail, State};

    use super::*;

    fn claim(recipient: &str, subject: &str) -> Claim {
        let created_at = Timestamp(1_700_000_000_000_000);
        Claim {
            mail: Mail {
                id: MailId::generate(&Seeded::new(1)),
                kind: Kind::Invitation,
                recipient: recipient.into(),
                subject: subject.into(),
                state: State::Queued { due_at: created_at },
                attempts: 1,
                error: None,
                created_at,
                expires_at: None,
            },
            bodies: Bodies {
                text: "Grüße,\n.\nQUIT\n".into(),
                html: "<p>Grüße</p>".into(),
                unsubscribe: None,
            },
        }
    }

    fn built(recipient: &str, subject: &str) -> String {
        let from = "Mühle <millstream@example.com>".parse().expect("a sender");
        let outgoing = build(&claim(recipient, subject), &from).expect("a mail");
        String::from_utf8(outgoing.content).expect("text")
    }

    #[test]
    fn a_mail_is_ascii_and_the_same_each_time() {
        let mail = built("info@bücher.example", "Grüße aus der Mühle");
        assert!(mail.is_ascii(), "{mail}");
        assert_eq!(mail, built("info@bücher.example", "Grüße aus der Mühle"));
        for part in [
            "\r\nTo: info@xn--bcher-kva.example\r\n",
            "\r\nDate: Tue, 14 Nov 2023 22:13:20 ",
            "\r\nAuto-Submitted: auto-generated\r\n",
            "Message-ID: <mail_",
            "multipart/alternative",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Type: text/html; charset=utf-8",
        ] {
            assert!(mail.contains(part), "{part:?} is missing in\n{mail}");
        }
    }

    #[test]
    fn whoever_can_leave_gets_a_button_for_it() {
        let from = "millstream@example.com".parse().expect("a sender");
        let mut claim = claim("ann@example.com", "Trouble");
        let built = |claim: &Claim| {
            let outgoing = build(claim, &from).expect("a mail");
            String::from_utf8(outgoing.content).expect("text")
        };
        assert!(!built(&claim).contains("List-Unsubscribe"));
        let link = format!(
            "https://millstream.example.com/api/v1/alerts/unsubscribe?token=msu_{}",
            "x".repeat(80)
        );
        claim.bodies.unsubscribe = Some(link.clone());
        let mail = built(&claim);
        // A long line may be folded between words, and the link is one.
        assert!(mail.contains(&format!("<{link}>\r\n")), "{mail}");
        assert!(mail.contains("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
    }

    #[test]
    fn a_subject_or_sender_adds_no_header() {
        let mail = built("ann@example.com", "Hi\r\nBcc: all@example.com\r\n\r\nBody");
        let (head, _) = mail.split_once("\r\n\r\n").expect("a head");
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert_eq!(head.matches("\r\nSubject:").count(), 1);
        let long = built("ann@example.com", &"long ".repeat(200));
        assert!(long.lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn a_subject_holds_no_encoded_word_of_somebody_elses() {
        let subject = "=?utf-8?q?Your_account_is_locked?= invites you to Acme";
        let mail = built("ann@example.com", subject);
        let (head, _) = mail.split_once("\r\n\r\n").expect("a head");
        let subject = head.split("\r\nSubject: ").nth(1).expect("a subject");
        assert!(!subject.contains("=?utf-8?q?"), "{head}");
        // Nor one that what takes control characters out puts together.
        let mail = built("ann@example.com", "=\u{0}?utf-8?q?Boo?=");
        assert!(!mail.contains("=?utf-8?q?"), "{mail}");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let from = "millstream@example.com".parse().expect("a sender");
        for recipient in ["ann@example.com\r\nRCPT TO:<all@example.com>", "nobody", ""] {
            assert!(build(&claim(recipient, "Hi"), &from).is_err());
        }
    }
}
