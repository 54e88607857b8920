//! What letters about the steps of a review say.

use api::mail::ReviewStep;
use store::{Comment, Listing};

use super::Content;
use super::readable::{quoted, shown};
use super::words::button;

/// Most comments that are shown.
const COMMENTS_SHOWN: usize = 20;

/// What a letter about a step of a review says before what reviewers say; to the one who submitted the version,
/// or to a reviewer.
pub(super) fn review(
    step: ReviewStep,
    to_author: bool,
    destination: &str,
    organisation: &str,
    by: &str,
) -> Content {
    let (subject, told, then) = match step {
        ReviewStep::Submitted if to_author => (
            format!("{destination} waits for a review"),
            format!(
                "You asked to release the destination {destination} of {organisation} for everyone."
            ),
            "It waits in the reviewers' queue, and you will hear what they decide.",
        ),
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
        ReviewStep::Approved(listing) => (
            format!("{destination} was approved"),
            format!(
                "{by} approved the destination {destination} of {organisation}: {}.",
                found(listing)
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
    // What is to be done is the author's, or the reviewers'.
    let then = match (step, to_author) {
        (ReviewStep::Returned | ReviewStep::Barred, false) => "There is nothing for you to do.",
        _ => then,
    };
    Content {
        title: subject.clone(),
        subject,
        paragraphs: vec![told],
        notes: vec![then.to_owned()],
        ..Content::default()
    }
}

/// Who finds what was approved.
fn found(listing: Listing) -> &'static str {
    match listing {
        Listing::Listed => "everyone finds it in the catalog from now on",
        Listing::Deprecated => {
            "the catalog shows it to everyone, for no new syncs, since it is deprecated"
        }
        Listing::Archived => "nobody finds it in the catalog while it is archived",
        Listing::Barred => {
            "nobody finds it in the catalog until a reviewer puts the destination back there"
        }
    }
}

/// Adds what a reviewer says, and the way to the page.
pub(super) fn said(content: Content, note: &str, comments: &[Comment], link: &str) -> Content {
    let mut paragraphs = content.paragraphs;
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
        paragraphs,
        button: button("Look at the destination", link),
        ..content
    }
}
