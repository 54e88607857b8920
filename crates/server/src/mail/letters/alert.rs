//! Letters about syncs in trouble.

use api::mail::Letter;

use super::Content;
use super::readable::{date, quoted, shown};
use super::words::button;

/// What a letter about a sync in trouble says.
pub(super) fn alert(letter: &Letter<'_>) -> Content {
    match *letter {
        Letter::AlertOpened {
            sync,
            project,
            what,
            reason,
            sample,
            at,
            link,
            unsubscribe,
        } => {
            let (sync, project, reason) = (shown(sync), shown(project), quoted(reason));
            let mut paragraphs = vec![
                format!("{sync} (project {project}) {what}: {reason}."),
                format!(
                    "Since {}. There is one more mail when it is over.",
                    date(at)
                ),
            ];
            // The reason says it already, mostly.
            let sample = sample.map(quoted).filter(|sample| !reason.contains(sample));
            paragraphs.extend(sample.map(|sample| format!("The last failure: {sample}")));
            Content {
                subject: format!("{sync} {what}"),
                title: format!("{sync} {what}"),
                paragraphs,
                button: button("Look at the sync", link),
                notes: notes(&project, unsubscribe),
            }
        }
        Letter::AlertClosed {
            sync,
            project,
            what,
            at,
            over,
            link,
            unsubscribe,
        } => {
            let (sync, project) = (shown(sync), shown(project));
            Content {
                subject: format!("Over: {sync} {what}"),
                title: format!("{sync}: it is over"),
                paragraphs: vec![
                    format!(
                        "{sync} (project {project}) {what} no more, since {}.",
                        date(at)
                    ),
                    format!("It is {over}."),
                ],
                button: button("Look at the sync", link),
                notes: notes(&project, unsubscribe),
            }
        }
        Letter::AlertTest { project } => {
            let project = shown(project);
            Content {
                subject: "Alerts come to this address".to_owned(),
                title: "Alerts come to this address".to_owned(),
                paragraphs: vec![format!(
                    "Somebody tried whether this address gets mail when a sync of the project {project} is in \
                     trouble. It does."
                )],
                ..Content::default()
            }
        }
        // Of the others there is none to be told of here.
        _ => Content::default(),
    }
}

fn notes(project: &str, unsubscribe: &str) -> Vec<String> {
    vec![format!(
        "You get this because you look after the project {project}. No more of these: {unsubscribe}"
    )]
}
