//! What a sync let go without sending it: which fate that was, when, and by whose word.

use journal::hold::{LetGo, LetGoWhy};
use model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::why::VerdictState;
use crate::portal::view::rfc3339;

/// When a sync let something go, and by whose word.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LetGoView {
    /// When it was said, or happened.
    #[schema(format = DateTime)]
    at: String,
    /// Who said so; null where it was lost to the bounds.
    by: Option<String>,
}

/// Of what was let go around an event, what explains that nothing was sent of it. `tried`: when it was
/// last tried, where it was.
pub(super) fn explaining(let_go: &[LetGo], tried: Option<Timestamp>) -> Option<&LetGo> {
    let owed = |wanted: bool| let_go.iter().filter(move |part| part.owed == wanted);
    match tried {
        // The first time after the last attempt.
        Some(tried) => owed(true).rfind(|part| part.at >= tried),
        // What the lane had not looked at is known to the event; of what it owed, about where that lay.
        None => owed(false).next().or_else(|| owed(true).next()),
    }
}

/// The same in a word, as a sentence, and as clients see it.
pub(super) fn told(part: &LetGo) -> (VerdictState, String, LetGoView) {
    let at = rfc3339(part.at);
    let by = part.by.as_deref().unwrap_or("nobody known");
    let (state, summary) = match part.why {
        LetGoWhy::Dropped => {
            let summary = format!("dropped at {at} by {by}: what the sync held was not to be sent");
            (VerdictState::Dropped, summary)
        }
        LetGoWhy::Superseded => {
            let summary = format!(
                "left out for a newer event of the same user and type: {by} said so at {at}"
            );
            (VerdictState::Superseded, summary)
        }
        LetGoWhy::Lost => {
            let summary =
                format!("lost at {at}: the sync stood still beyond the bounds of what it may hold");
            (VerdictState::Lost, summary)
        }
    };
    let by = part.by.clone();
    (state, summary, LetGoView { at, by })
}

#[cfg(test)]
mod tests {
    use model::Offset;

    use super::*;

    fn part(why: LetGoWhy, owed: bool, at: i64) -> LetGo {
        LetGo {
            why,
            events: Offset(0)..Offset(9),
            owed,
            at: Timestamp(at),
            by: None,
        }
    }

    #[test]
    fn what_was_tried_went_with_what_was_owed_first_after_that() {
        // Newest first.
        let all = [
            part(LetGoWhy::Dropped, true, 30),
            part(LetGoWhy::Lost, true, 20),
            part(LetGoWhy::Dropped, false, 20),
            part(LetGoWhy::Dropped, true, 10),
        ];
        let found = |tried| explaining(&all, tried).map(|part| (part.why, part.owed, part.at.0));
        assert_eq!(found(Some(Timestamp(15))), Some((LetGoWhy::Lost, true, 20)));
        assert_eq!(found(Some(Timestamp(31))), None);
        assert_eq!(found(None), Some((LetGoWhy::Dropped, false, 20)));
        assert_eq!(explaining(&all[..1], None).map(|part| part.at.0), Some(30));
    }
}
