//! The letters' words. What a letter says is data, made once; two templates turn it into text and HTML.

use api::mail::{Letter, LetterError, Letters, ReviewStep};
use ftl::{Engine, Template};
use model::Timestamp;
use serde::Serialize;
use store::Comment;
use store::mail::{Bodies, Draft};

use super::address;

/// Most characters of a name or an address that are shown.
const NAME_MAX_CHARS: usize = 80;

/// Most characters of what somebody said, and most comments, that are shown.
const TEXT_MAX_CHARS: usize = 1000;
const COMMENTS_SHOWN: usize = 20;

/// Writes letters with the embedded templates.
#[derive(Debug)]
pub(crate) struct TemplateLetters {
    text: Template,
    html: Template,
    /// How the installation signs: its address.
    sender: String,
}

/// What a letter says, for either template.
#[derive(Debug, Clone, Default, Serialize)]
struct Content {
    #[serde(skip)]
    subject: String,
    title: String,
    /// At least one: the first is what a list of mails shows.
    paragraphs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    button: Option<Button>,
    notes: Vec<String>,
}

/// What the recipient is to do.
#[derive(Debug, Clone, Serialize)]
struct Button {
    label: &'static str,
    link: String,
}

/// A letter's data as the templates see it.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    content: &'a Content,
    sender: &'a str,
}

impl TemplateLetters {
    /// Letters of the installation at `public_url`.
    pub(crate) fn new(public_url: &str) -> Result<Self, ftl::Error> {
        let engine = Engine::new();
        let compile = |name, source| engine.compile(name, source);
        Ok(Self {
            text: compile("letter.txt", include_str!("templates/letter.txt.ftl"))?,
            html: compile("letter.html", include_str!("templates/letter.html.ftl"))?,
            sender: format!("Millstream at {public_url}"),
        })
    }

    fn render(&self, template: &Template, content: &Content) -> Result<String, LetterError> {
        let failed = |error| LetterError::Template(error);
        let sender = &self.sender;
        let data = serde_json::to_value(Data { content, sender });
        let data = data.map_err(|error| failed(error.into()))?;
        let mut out = Vec::new();
        template
            .render(&data, &mut out)
            .map_err(|error| failed(error.into()))?;
        String::from_utf8(out).map_err(|error| failed(error.into()))
    }
}

impl Letters for TemplateLetters {
    fn write(&self, recipient: &str, letter: &Letter<'_>) -> Result<Draft, LetterError> {
        if address::parse(recipient).is_none() {
            return Err(LetterError::Address);
        }
        let content = content(letter);
        Ok(Draft {
            kind: letter.kind(),
            recipient: recipient.to_owned(),
            bodies: Bodies {
                text: self.render(&self.text, &content)?,
                html: self.render(&self.html, &content)?,
            },
            subject: content.subject,
            expires_at: letter.expires_at(),
        })
    }
}

/// What a letter says.
fn content(letter: &Letter<'_>) -> Content {
    const NOT_YOU: &str =
        "If this was not you, set a new password at once and look through your sessions.";
    match *letter {
        Letter::Invitation {
            organisation,
            inviter,
            link,
            expires_at,
        } => {
            let (organisation, inviter) = (shown(organisation), shown(inviter));
            Content {
                subject: format!("{inviter} invites you to {organisation}"),
                title: format!("Join {organisation}"),
                paragraphs: vec![format!(
                    "{inviter} invites you to the organisation {organisation} on Millstream."
                )],
                button: button("Accept the invitation", link),
                notes: vec![
                    format!("The invitation can be used once, until {}.", date(expires_at)),
                    "If you don't know who this is, ignore this mail.".to_owned(),
                ],
            }
        }
        Letter::PasswordReset { link, expires_at } => Content {
            subject: "Choose a new password".to_owned(),
            title: "Choose a new password".to_owned(),
            paragraphs: vec![
                "Somebody, hopefully you, asked for a new password for your Millstream account."
                    .to_owned(),
            ],
            button: button("Choose a new password", link),
            notes: vec![
                format!("The link can be used once, until {}.", date(expires_at)),
                "If you did not ask for it, ignore this mail: your password stays as it is."
                    .to_owned(),
            ],
        },
        Letter::PasswordChanged {
            at,
            address,
            tokens,
        } => Content {
            subject: "Your password was changed".to_owned(),
            title: "Your password was changed".to_owned(),
            paragraphs: vec![
                format!(
                    "The password of your Millstream account was changed on {} from {}.",
                    date(at),
                    shown(address)
                ),
                tokens_go_on(tokens),
            ],
            notes: vec![NOT_YOU.to_owned()],
            ..Content::default()
        },
        Letter::SecondFactor { enabled, at } => {
            let switched = if enabled { "on" } else { "off" };
            Content {
                subject: format!("The second factor was switched {switched}"),
                title: format!("The second factor was switched {switched}"),
                paragraphs: vec![format!(
                    "Signing in to your Millstream account with a second factor was switched {switched} on {}.",
                    date(at)
                )],
                notes: vec![NOT_YOU.to_owned()],
                ..Content::default()
            }
        }
        Letter::SecondFactorRemoved { at } => Content {
            subject: "Your second factor was removed".to_owned(),
            title: "Your second factor was removed".to_owned(),
            paragraphs: vec![format!(
                "An operator removed the second factor of your Millstream account on {}. A password is enough to sign in from now on.",
                date(at)
            )],
            notes: vec![
                "If you did not ask for it, tell your operator, and set a new password at once."
                    .to_owned(),
            ],
            ..Content::default()
        },
        Letter::AccountLocked { at } => Content {
            subject: "Your account was locked".to_owned(),
            title: "Your account was locked".to_owned(),
            paragraphs: vec![format!(
                "An operator locked your Millstream account on {}. Nobody can sign in to it, and its API tokens are refused, until it is unlocked.",
                date(at)
            )],
            notes: vec!["If you don't know why, ask your operator.".to_owned()],
            ..Content::default()
        },
        Letter::AccountDeleted { at } => Content {
            subject: "Your account was deleted".to_owned(),
            title: "Your account was deleted".to_owned(),
            paragraphs: vec![format!(
                "Your Millstream account was deleted on {}, with its API tokens.",
                date(at)
            )],
            notes: vec!["If you did not do this, tell your operator.".to_owned()],
            ..Content::default()
        },
        Letter::IdentityLinked {
            provider,
            at,
            address,
        } => {
            let provider = shown(provider);
            Content {
                subject: format!("You can sign in with {provider} now"),
                title: format!("You can sign in with {provider} now"),
                paragraphs: vec![format!(
                    "Somebody whose e-mail address {provider} says is yours signed in to your Millstream account on {} from {}. The account is linked to them at {provider} from now on.",
                    date(at),
                    shown(address)
                )],
                notes: vec![
                    "If this was not you, remove the link, end your sessions, and tell your operator."
                        .to_owned(),
                ],
                ..Content::default()
            }
        }
        Letter::SignIn {
            at,
            address,
            client,
        } => Content {
            subject: "A sign-in from a new place".to_owned(),
            title: "A sign-in from a new place".to_owned(),
            paragraphs: vec![
                "Somebody, hopefully you, signed in to your Millstream account from a network where you never did before."
                    .to_owned(),
                format!("When: {}", date(at)),
                format!("From: {}", shown(address)),
                format!("With: {}", shown(client)),
            ],
            notes: vec![NOT_YOU.to_owned()],
            ..Content::default()
        },
        Letter::TokenMade {
            organisation,
            token,
            at,
            address,
        } => {
            let (organisation, token) = (shown(organisation), shown(token));
            Content {
                subject: format!("The API token {token} was made"),
                title: "An API token was made".to_owned(),
                paragraphs: vec![format!(
                    "On {}, from {}, somebody signed in as you made the API token {token} of the organisation {organisation}. Whoever has it acts in your name, until it is revoked.",
                    date(at),
                    shown(address)
                )],
                notes: vec![
                    "If this was not you, revoke the token, set a new password at once and look through your sessions and tokens."
                        .to_owned(),
                ],
                ..Content::default()
            }
        }
        Letter::TokenExpiring {
            organisation,
            token,
            expires_at,
        } => {
            let (organisation, token) = (shown(organisation), shown(token));
            Content {
                subject: format!("The API token {token} is about to expire"),
                title: "An API token is about to expire".to_owned(),
                paragraphs: vec![format!(
                    "The API token {token} of the organisation {organisation} expires on {}. What uses it is refused from then on.",
                    date(expires_at)
                )],
                notes: vec!["Make a new token, put it where this one is used, and revoke this one.".to_owned()],
                ..Content::default()
            }
        }
        Letter::Review {
            step,
            destination,
            version,
            organisation,
            by,
            note,
            comments,
        } => {
            let destination = format!("{} (version {version})", shown(destination));
            review(step, &destination, &shown(organisation), &shown(by), note, comments)
        }
    }
}

/// What a letter about a step of a review says.
fn review(
    step: ReviewStep,
    destination: &str,
    organisation: &str,
    by: &str,
    note: &str,
    comments: &[Comment],
) -> Content {
    let (subject, told, then) = match step {
        ReviewStep::Submitted => (
            format!("{destination} waits for your review"),
            format!(
                "{by} of {organisation} asks you to release the destination {destination} for everyone."
            ),
            "Approve it in the review queue, or send it back with what is to mend.",
        ),
        ReviewStep::Withdrawn => (
            format!("{destination} was withdrawn"),
            format!(
                "{by} of {organisation} took the destination {destination} out of the review queue."
            ),
            "There is nothing for you to do.",
        ),
        ReviewStep::Approved => (
            format!("{destination} was approved"),
            format!(
                "{by} approved the destination {destination} of {organisation}: everyone finds it in the catalog from now on."
            ),
            "Syncs that connect an earlier version stay with it until they are upgraded.",
        ),
        ReviewStep::Returned => (
            format!("{destination} was sent back"),
            format!(
                "{by} sent the destination {destination} of {organisation} back. Your own organisation can still connect it."
            ),
            "Mend it in the draft, release a new version, and submit that.",
        ),
        ReviewStep::Barred => (
            format!("{destination} was taken from the catalog"),
            format!(
                "{by} took the destination {destination} of {organisation} from the catalog: no new syncs can connect it."
            ),
            "Syncs that connect it go on. Ask your reviewers what is to mend.",
        ),
        ReviewStep::Admitted => (
            format!("{destination} is back in the catalog"),
            format!(
                "{by} put the destination {destination} of {organisation} back into the catalog."
            ),
            "There is nothing for you to do.",
        ),
    };
    let mut paragraphs = vec![told];
    if !note.trim().is_empty() {
        paragraphs.push(format!("They say: {}", quoted(note)));
    }
    for comment in comments.iter().take(COMMENTS_SHOWN) {
        let (place, comment) = (shown(&comment.pointer), quoted(&comment.comment));
        paragraphs.push(format!("{place}: {comment}"));
    }
    if let Some(more @ 1..) = comments.len().checked_sub(COMMENTS_SHOWN) {
        paragraphs.push(format!("And {more} more, which are with the version."));
    }
    Content {
        title: subject.clone(),
        subject,
        paragraphs,
        notes: vec![then.to_owned()],
        ..Content::default()
    }
}

/// What a new password doesn't end.
fn tokens_go_on(tokens: u64) -> String {
    match tokens {
        0 => "All other sessions have ended. You have no API tokens.".to_owned(),
        1 => {
            "All other sessions have ended; your API token goes on until it is revoked.".to_owned()
        }
        tokens => format!(
            "All other sessions have ended; your {tokens} API tokens go on until they are revoked."
        ),
    }
}

fn button(label: &'static str, link: &str) -> Option<Button> {
    Some(Button {
        label,
        link: link.to_owned(),
    })
}

/// A name or an address from a stranger, on one line, without what turns text around, not too long,
/// and in no form that mail clients make a link of: nobody is to send their own text through us.
fn shown(name: &str) -> String {
    readable(name, NAME_MAX_CHARS)
}

/// The same of what somebody said.
fn quoted(text: &str) -> String {
    readable(text, TEXT_MAX_CHARS)
}

fn readable(text: &str, most: usize) -> String {
    let clean = model::name::readable(text);
    let words: Vec<_> = clean.split_whitespace().collect();
    let line = words.join(" ").replace("://", ": //");
    match line.chars().nth(most) {
        None => line,
        Some(_) => {
            let cut: String = line.chars().take(most).collect();
            format!("{}…", cut.trim_end())
        }
    }
}

/// A point in time for people: `22 November 2026, 13:05 UTC`.
fn date(at: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(time) => time.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        // Beyond the year 9999.
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://millstream.example.com/invitation?a=1&b=2#secret";
    const AT: Timestamp = Timestamp(1_795_352_700_000_000);

    fn letters() -> TemplateLetters {
        TemplateLetters::new("https://millstream.example.com").expect("the templates compile")
    }

    fn invitation<'a>(organisation: &'a str, inviter: &'a str) -> Letter<'a> {
        Letter::Invitation {
            organisation,
            inviter,
            link: LINK,
            expires_at: AT,
        }
    }

    fn review_letter(step: ReviewStep, comments: &[Comment]) -> Letter<'_> {
        Letter::Review {
            step,
            destination: "Acme Mail",
            version: 2,
            organisation: "Acme",
            by: "rita@example.com",
            note: "Nearly there.",
            comments,
        }
    }

    fn written(letter: Letter<'_>) -> Draft {
        let draft = letters().write("ann@example.com", &letter);
        draft.expect("a letter")
    }

    fn every_letter<'a>() -> Vec<Letter<'a>> {
        vec![
            invitation("North Shop", "Bob"),
            Letter::PasswordReset {
                link: LINK,
                expires_at: AT,
            },
            Letter::PasswordChanged {
                at: AT,
                address: "192.0.2.1",
                tokens: 2,
            },
            Letter::TokenMade {
                organisation: "North Shop",
                token: "ci",
                at: AT,
                address: "192.0.2.1",
            },
            Letter::SecondFactor {
                enabled: true,
                at: AT,
            },
            Letter::SecondFactorRemoved { at: AT },
            Letter::AccountLocked { at: AT },
            Letter::AccountDeleted { at: AT },
            Letter::IdentityLinked {
                provider: "Acme",
                at: AT,
                address: "192.0.2.1",
            },
            Letter::SignIn {
                at: AT,
                address: "192.0.2.1",
                client: "Firefox on Linux",
            },
            Letter::TokenExpiring {
                organisation: "North Shop",
                token: "ci",
                expires_at: AT,
            },
            review_letter(ReviewStep::Submitted, &[]),
            review_letter(ReviewStep::Withdrawn, &[]),
            review_letter(ReviewStep::Approved, &[]),
            review_letter(ReviewStep::Returned, &[]),
            review_letter(ReviewStep::Barred, &[]),
            review_letter(ReviewStep::Admitted, &[]),
        ]
    }

    #[test]
    fn every_letter_says_the_same_as_text_and_as_html() {
        for letter in every_letter() {
            let content = content(&letter);
            let draft = written(letter);
            let (text, html) = (&draft.bodies.text, &draft.bodies.html);
            assert_eq!(draft.kind, letter.kind());
            let said = content.paragraphs.iter().chain(&content.notes);
            for words in said.chain([&content.title]) {
                assert!(text.contains(words), "{words:?} is missing in\n{text}");
                let escaped = words.replace('\'', "&#39;");
                assert!(html.contains(&escaped), "{escaped:?} is missing in\n{html}");
            }
            assert!(
                text.ends_with("-- \nMillstream at https://millstream.example.com\n"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_link_arrives_whole_and_is_named_in_no_subject() {
        let draft = written(invitation("North Shop", "Bob"));
        assert!(draft.bodies.text.contains(&format!("\n{LINK}\n")));
        let in_html = LINK.replace('&', "&amp;");
        assert!(draft.bodies.html.contains(&format!("href=\"{in_html}\"")));
        assert_eq!(draft.subject, "Bob invites you to North Shop");
        assert_eq!(draft.expires_at, Some(AT));
        assert!(
            draft
                .bodies
                .text
                .contains("until 22 November 2026, 13:05 UTC"),
            "{}",
            draft.bodies.text
        );
    }

    #[test]
    fn names_are_text_whatever_they_hold() {
        let draft = written(invitation(
            "<script>alert(1)</script>&\"'${1+1}<#stop>",
            "Bob\r\nBcc: all@example.com\r\n\r\nhttps://evil.example \u{202e}txet",
        ));
        let html = &draft.bodies.html;
        assert!(
            !html.contains("<script") && !html.contains("https://evil"),
            "{html}"
        );
        assert!(
            html.contains("&lt;script&gt;") && html.contains("${1+1}&lt;#stop&gt;"),
            "{html}"
        );
        assert!(
            draft
                .bodies
                .text
                .contains("<script>alert(1)</script>&\"'${1+1}<#stop>")
        );
        assert!(
            !draft.subject.contains(char::is_control),
            "{:?}",
            draft.subject
        );
        assert!(!draft.bodies.text.contains("https://evil"));
        assert!(!draft.bodies.text.contains('\u{202e}'));
    }

    #[test]
    fn long_names_are_cut() {
        let long = "ä".repeat(100_000);
        let draft = written(invitation(&long, &long));
        assert!(
            draft.subject.chars().count() < 200,
            "{}",
            draft.subject.len()
        );
        assert!(draft.bodies.html.len() < 20_000);
        assert!(draft.subject.contains("ä…"));
    }

    #[test]
    fn a_letter_of_a_review_tells_what_the_reviewer_says_and_not_all_of_a_lot() {
        let comment = |n: usize| Comment {
            pointer: format!("/events/headers/{n}"),
            comment: format!("what <b>for</b> {n}? {}", "x".repeat(5000)),
        };
        let comments: Vec<_> = (0..100).map(comment).collect();
        let draft = written(review_letter(ReviewStep::Returned, &comments));
        assert_eq!(draft.subject, "Acme Mail (version 2) was sent back");
        let (text, html) = (&draft.bodies.text, &draft.bodies.html);
        assert!(text.contains("They say: Nearly there."), "{text}");
        assert!(
            text.contains("/events/headers/19: what <b>for</b> 19?"),
            "{text}"
        );
        assert!(text.contains("And 80 more"), "{text}");
        assert!(!text.contains("/events/headers/20"), "{text}");
        assert!(
            !html.contains("<b>for") && html.len() < 100_000,
            "{}",
            html.len()
        );
    }

    #[test]
    fn a_letter_to_no_address_is_refused() {
        for recipient in ["", "ann", "ann@example.com\r\nBcc: all@example.com"] {
            let refused = letters().write(recipient, &invitation("a", "b"));
            assert!(
                matches!(refused, Err(LetterError::Address)),
                "{recipient:?}"
            );
        }
    }
}
