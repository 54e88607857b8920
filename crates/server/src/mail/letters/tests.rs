//! What letters say, and what they never do.

use api::mail::{Letter, LetterError, Letters, ReviewStep};
use model::Timestamp;
use store::mail::Draft;
use store::{Comment, Listing};

use super::TemplateLetters;
use super::words::content;

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
        to_author: true,
        link: "https://millstream.example.com/o/org_1/destinations/dst_1",
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
        Letter::AlertOpened {
            sync: "To Acme",
            project: "Shop",
            what: "is not delivering",
            reason: "the sync is failing",
            sample: Some("acme.example answered 503"),
            at: AT,
            link: LINK,
            unsubscribe: "https://millstream.example.com/api/v1/alerts/unsubscribe?token=msu_1",
        },
        Letter::AlertClosed {
            sync: "To Acme",
            project: "Shop",
            what: "is not delivering",
            at: AT,
            over: "over after 3 h 0 min; nothing was lost",
            link: LINK,
            unsubscribe: "https://millstream.example.com/api/v1/alerts/unsubscribe?token=msu_1",
        },
        Letter::AlertTest { project: "Shop" },
        Letter::TokenExpiring {
            organisation: "North Shop",
            token: "ci",
            expires_at: AT,
        },
        review_letter(ReviewStep::Submitted, &[]),
        review_letter(ReviewStep::Withdrawn, &[]),
        review_letter(ReviewStep::Approved(Listing::Listed), &[]),
        review_letter(ReviewStep::Approved(Listing::Archived), &[]),
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
    assert_eq!(
        draft.subject,
        "You are invited to an organisation on Millstream"
    );
    assert!(draft.bodies.text.contains("“Bob”") && draft.bodies.text.contains("“North Shop”"));
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
    // Nothing that a stranger chose.
    assert!(!draft.subject.contains("Bob") && !draft.subject.contains("script"));
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
    assert!(draft.bodies.text.contains("ä…"));
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

/// What a letter says, in one line.
fn said(letter: Letter<'_>) -> String {
    let text = written(letter).bodies.text;
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn who_has_a_new_password_is_told_how_many_tokens_go_on() {
    for (tokens, sentence) in [
        (0, "All other sessions have ended. You have no API tokens."),
        (
            1,
            "All other sessions have ended; your API token goes on until it is revoked.",
        ),
        (
            2,
            "All other sessions have ended; your 2 API tokens go on until they are revoked.",
        ),
        (
            100,
            "All other sessions have ended; your 100 API tokens go on until they are revoked.",
        ),
    ] {
        let said = said(Letter::PasswordChanged {
            at: AT,
            address: "192.0.2.1",
            tokens,
        });
        assert!(said.contains(sentence), "{tokens}: {said}");
        assert!(
            said.contains("on 22 November 2026, 13:05 UTC from 192.0.2.1."),
            "{said}"
        );
    }
}

#[test]
fn a_letter_of_a_new_token_says_what_it_may_do_and_what_to_do() {
    let made = Letter::TokenMade {
        organisation: "North Shop",
        token: "ci",
        at: AT,
        address: "192.0.2.1",
    };
    assert_eq!(written(made).subject, "The API token ci was made");
    let said = said(made);
    for sentence in [
        "On 22 November 2026, 13:05 UTC, from 192.0.2.1, somebody signed in as you made the API token ci \
         of the organisation North Shop.",
        "Whoever has it acts in your name, until it is revoked.",
        "If this was not you, revoke the token, set a new password at once and look through your \
         sessions and tokens.",
    ] {
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn a_letter_of_a_token_that_expires_says_when_and_what_to_do() {
    let expiring = Letter::TokenExpiring {
        organisation: "North Shop",
        token: "ci",
        expires_at: AT,
    };
    assert_eq!(
        written(expiring).subject,
        "The API token ci is about to expire"
    );
    let said = said(expiring);
    for sentence in [
        "The API token ci of the organisation North Shop expires on 22 November 2026, 13:05 UTC.",
        "What uses it is refused from then on.",
        "Make a new token, put it where this one is used, and revoke this one.",
    ] {
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn a_tokens_name_is_text_whatever_it_holds() {
    let made = Letter::TokenMade {
        organisation: "North Shop",
        token: "<b>ann@example.com</b> https://evil.example \u{202e}x",
        at: AT,
        address: "192.0.2.1",
    };
    let draft = written(made);
    for text in [&draft.subject, &draft.bodies.text, &draft.bodies.html] {
        assert!(!text.contains("https://evil"), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
    }
    assert!(
        !draft.bodies.html.contains("<b>ann"),
        "{}",
        draft.bodies.html
    );
}

#[test]
fn a_review_letter_claims_no_more_than_is_so() {
    let says = |step| written(review_letter(step, &[])).bodies.text;
    let submitted = says(ReviewStep::Submitted);
    assert!(!submitted.contains("were told"), "{submitted}");
    let everyone = "everyone finds it in the catalog from now on";
    assert!(says(ReviewStep::Approved(Listing::Listed)).contains(everyone));
    for listing in [Listing::Deprecated, Listing::Archived, Listing::Barred] {
        let approved = says(ReviewStep::Approved(listing));
        assert!(!approved.contains(everyone), "{approved}");
        assert!(approved.contains("catalog"), "{approved}");
    }
}
