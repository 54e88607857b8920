//! Mail: a queue, in the database, so that a change and the mail that it causes are committed
//! together, and an outbox to look into.
//!
//! A node *claims* what is due for as long as sending may take; what it doesn't settle in that time
//! (because it died) is claimed again, by whichever node is first. So a mail goes out at least once,
//! and twice only where a node died between the mail server's answer and its own note of it.

mod again;
mod queue;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use model::setting::Check;
use model::{MailId, OrganisationId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::secret::mask_links;

/// How much mail is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most mails of one kind to one address within an hour.
    pub hourly: NonZeroU32,
    /// Most mails with links that may wait to be sent, of which one organisation's may be a tenth (but
    /// a hundred in any case); and as many notices, of which the oldest goes when there is another: the
    /// organisation's own, where it has its share.
    pub queue: NonZeroU32,
    /// How long a mail is listed after it was sent or given up. One that nobody sends (because no
    /// mail server is set up) is deleted at this age.
    #[serde(with = "duration")]
    pub retention: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hourly: const { NonZeroU32::new(20).expect("it is not zero") },
            queue: const { NonZeroU32::new(10_000).expect("it is not zero") },
            retention: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

/// What one organisation's letters may take of the queue in any case.
const LEAST_SHARE: u32 = 100;

impl Limits {
    /// Most mails of one organisation that may wait to be sent.
    pub(crate) fn share(&self) -> u32 {
        let queue = self.queue.get();
        (queue / 10).max(LEAST_SHARE).min(queue)
    }

    pub(crate) fn check(&self, check: &mut Check) {
        let long_enough = self.retention >= Duration::from_secs(3600);
        check.require("store.mail_retention", long_enough, "at least 1h");
    }
}

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An invitation to an organisation.
    Invitation,
    /// A link to choose a new password.
    PasswordReset,
    /// The password was changed.
    PasswordChanged,
    /// The second factor was switched on or off.
    SecondFactor,
    /// An operator locked the account.
    AccountLocked,
    /// The account was deleted.
    AccountDeleted,
    /// An identity at a provider was linked to the account.
    IdentityLinked,
    /// Somebody signed in from a network where they never did before.
    SignIn,
    /// An API token was made.
    TokenMade,
    /// An API token is about to expire.
    TokenExpiring,
    /// A version of a destination's definition came a step further in its review.
    Review,
    /// A sync is in trouble, or no more.
    Alert,
}

impl Kind {
    /// All there are.
    pub const ALL: &[Self] = &[
        Self::Invitation,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::SecondFactor,
        Self::AccountLocked,
        Self::AccountDeleted,
        Self::IdentityLinked,
        Self::SignIn,
        Self::TokenMade,
        Self::TokenExpiring,
        Self::Review,
        Self::Alert,
    ];

    /// Whether it only tells of what has happened: nobody waits for a link that it brings.
    pub fn is_notice(self) -> bool {
        !matches!(self, Self::Invitation | Self::PasswordReset)
    }

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::SecondFactor => "second_factor",
            Self::AccountLocked => "account_locked",
            Self::AccountDeleted => "account_deleted",
            Self::IdentityLinked => "identity_linked",
            Self::SignIn => "sign_in",
            Self::TokenMade => "token_made",
            Self::TokenExpiring => "token_expiring",
            Self::Review => "review",
            Self::Alert => "alert",
        }
    }
}

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is about.
    pub kind: Kind,
    /// The address that it goes to.
    pub recipient: String,
    /// Its subject. Stored in the clear: nothing secret.
    pub subject: String,
    /// What it says.
    pub bodies: Bodies,
    /// When it is of no use any more (its links expire): it isn't sent later.
    pub expires_at: Option<Timestamp>,
}

/// A letter that tells of a change, and with which others it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The letter.
    pub draft: Draft,
    /// With which others.
    pub counted: Counted,
}

/// With which others a notice is counted, so that an address doesn't get too many within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counted {
    /// With all of its kind that go to the address.
    #[default]
    OfRecipient,
    /// With those of its kind that go to the address because of this organisation: it takes nothing from what others
    /// cause. Of the notices that wait, too, an organisation's are a tenth at most (but a hundred in any case).
    Of(OrganisationId),
    /// With none: it comes of what somebody was asked to do, and is waited for.
    WithNone,
}

impl From<Draft> for Notice {
    fn from(draft: Draft) -> Self {
        Self {
            draft,
            counted: Counted::default(),
        }
    }
}

/// What a mail in the queue belongs to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Belongs<'a> {
    /// Whose share of the queue it takes.
    pub(crate) organisation: Option<OrganisationId>,
    /// Whether it goes to the address however many it got.
    pub(crate) is_awaited: bool,
    /// The link that it brings: while it waits, it goes when that ends.
    pub(crate) link: Option<Link<'a>>,
}

/// A link, by the id of its row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Link<'a> {
    /// Of an invitation.
    Invitation(&'a str),
    /// Of a password reset.
    PasswordReset(&'a str),
}

/// What a mail says, twice. Hidden from `Debug`, since its links let people in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bodies {
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
    /// The address at which a POST ends mails of this kind to the recipient (RFC 8058), where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<String>,
}

impl Bodies {
    /// The same without what lets people in: of each link the page only.
    #[must_use]
    pub fn masked(&self) -> Self {
        Self {
            text: mask_links(&self.text),
            html: mask_links(&self.html),
            unsubscribe: self.unsubscribe.as_deref().map(mask_links),
        }
    }
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bodies(…)")
    }
}

/// A mail as the outbox shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Identifies it.
    pub id: MailId,
    /// What it is about.
    pub kind: Kind,
    /// The address that it goes to.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// What became of it.
    pub state: State,
    /// How often somebody set out to send it.
    pub attempts: u32,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is of no use any more.
    pub expires_at: Option<Timestamp>,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Queued {
        /// When it may be tried next.
        due_at: Timestamp,
    },
    /// The mail server took it.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// It was given up.
    Failed {
        /// When.
        at: Timestamp,
    },
}

/// A state without its data, to ask for mails in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It waits.
    Queued,
    /// The mail server took it.
    Sent,
    /// It was given up.
    Failed,
}

impl Status {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// A mail that is this node's to send, until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The mail.
    pub mail: Mail,
    /// What it says.
    pub bodies: Bodies,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The mail server took the mail.
    Sent,
    /// It did not, and may do so later.
    Retry {
        /// When to try again.
        at: Timestamp,
        /// What went wrong, without anything secret.
        error: String,
    },
    /// It never will.
    Failed {
        /// What went wrong, without anything secret.
        error: String,
    },
    /// There was no attempt: whoever comes next may claim it at once.
    Released,
}

/// A mail was put into the queue: say so once the change is committed.
#[must_use = "the mailer sleeps until it is told: call `announce` after the commit"]
#[derive(Debug)]
pub struct Enqueued {
    /// The mail's id.
    pub id: MailId,
    waiting: Arc<Notify>,
}

impl Enqueued {
    /// Wakes this node's mailer. Only after the commit: before, it would find nothing.
    pub fn announce(self) {
        self.waiting.notify_one();
    }
}
