//! The letters that the control plane writes: handlers say what they have to tell, whoever knows the
//! templates words it.

use model::Timestamp;
use store::mail::{Draft, Kind};
use store::{Comment, Listing};

/// What a letter tells. Everything in it may come from strangers (names, addresses) and is shown as
/// text, never as markup.
///
/// No `Debug`: the links let people in.
#[derive(Clone, Copy)]
pub enum Letter<'a> {
    /// An invitation to an organisation.
    Invitation {
        /// The organisation's name.
        organisation: &'a str,
        /// Who invites, by name or address.
        inviter: &'a str,
        /// Where it is accepted, with its secret.
        link: &'a str,
        /// When the link ends.
        expires_at: Timestamp,
    },
    /// A link to choose a new password.
    PasswordReset {
        /// Where it is chosen, with its secret.
        link: &'a str,
        /// When the link ends.
        expires_at: Timestamp,
    },
    /// The password was changed.
    PasswordChanged {
        /// When.
        at: Timestamp,
        /// From which network address.
        address: &'a str,
        /// How many API tokens the person has, which go on.
        tokens: u64,
    },
    /// The second factor was switched.
    SecondFactor {
        /// On or off.
        enabled: bool,
        /// When.
        at: Timestamp,
    },
    /// An operator removed the second factor.
    SecondFactorRemoved {
        /// When.
        at: Timestamp,
    },
    /// An operator locked the account.
    AccountLocked {
        /// When.
        at: Timestamp,
    },
    /// The account was deleted.
    AccountDeleted {
        /// When.
        at: Timestamp,
    },
    /// The account can be signed in to by a provider from now on.
    IdentityLinked {
        /// The provider, as the configuration calls it.
        provider: &'a str,
        /// When.
        at: Timestamp,
        /// From which network address.
        address: &'a str,
    },
    /// Somebody signed in from a network where they never did before, as far back as the audit log
    /// goes.
    SignIn {
        /// When.
        at: Timestamp,
        /// From which network address.
        address: &'a str,
        /// With which program, as it calls itself.
        client: &'a str,
    },
    /// An API token was made in somebody's name.
    TokenMade {
        /// The organisation's name.
        organisation: &'a str,
        /// The token's name.
        token: &'a str,
        /// When.
        at: Timestamp,
        /// From which network address.
        address: &'a str,
    },
    /// An API token is about to expire.
    TokenExpiring {
        /// The organisation's name.
        organisation: &'a str,
        /// The token's name.
        token: &'a str,
        /// When it expires.
        expires_at: Timestamp,
    },
    /// A version of a destination's definition came a step further in its review.
    Review {
        /// Which step.
        step: ReviewStep,
        /// The destination's name.
        destination: &'a str,
        /// The version.
        version: u32,
        /// The name of the organisation whose it is.
        organisation: &'a str,
        /// Who did it, by address or token's name.
        by: &'a str,
        /// What a reviewer says of the whole.
        note: &'a str,
        /// What a reviewer says of single fields.
        comments: &'a [Comment],
        /// Whether it goes to the one who submitted the version; otherwise to a reviewer.
        to_author: bool,
        /// The page of the review, or the author's of the destination.
        link: &'a str,
    },
    /// A sync is in trouble.
    AlertOpened {
        /// The sync's name.
        sync: &'a str,
        /// The project's name.
        project: &'a str,
        /// The trouble in words that follow the sync's name.
        what: &'a str,
        /// Why.
        reason: &'a str,
        /// The last failure.
        sample: Option<&'a str>,
        /// When it began.
        at: Timestamp,
        /// The sync's page.
        link: &'a str,
        /// Where one gets no more of these.
        unsubscribe: &'a str,
    },
    /// A sync was in trouble, and is no more.
    AlertClosed {
        /// The sync's name.
        sync: &'a str,
        /// The project's name.
        project: &'a str,
        /// The trouble in words that follow the sync's name.
        what: &'a str,
        /// When it ended.
        at: Timestamp,
        /// How long it lasted and what was lost and held, in words.
        over: &'a str,
        /// The sync's page.
        link: &'a str,
        /// Where one gets no more of these.
        unsubscribe: &'a str,
    },
    /// Alerts come to this address.
    AlertTest {
        /// The project's name.
        project: &'a str,
    },
}

/// A step of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewStep {
    /// Reviewers are asked.
    Submitted,
    /// They are not asked any more.
    Withdrawn,
    /// Everyone can connect it, as long as it is listed.
    Approved(Listing),
    /// It needs mending.
    Returned,
    /// The destination is kept from the catalog.
    Barred,
    /// It is back.
    Admitted,
}

impl Letter<'_> {
    /// What the letter is about.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invitation { .. } => Kind::Invitation,
            Self::PasswordReset { .. } => Kind::PasswordReset,
            Self::PasswordChanged { .. } => Kind::PasswordChanged,
            Self::SecondFactor { .. } | Self::SecondFactorRemoved { .. } => Kind::SecondFactor,
            Self::AccountLocked { .. } => Kind::AccountLocked,
            Self::AccountDeleted { .. } => Kind::AccountDeleted,
            Self::IdentityLinked { .. } => Kind::IdentityLinked,
            Self::SignIn { .. } => Kind::SignIn,
            Self::TokenMade { .. } => Kind::TokenMade,
            Self::TokenExpiring { .. } => Kind::TokenExpiring,
            Self::Review { .. } => Kind::Review,
            Self::AlertOpened { .. } | Self::AlertClosed { .. } | Self::AlertTest { .. } => {
                Kind::Alert
            }
        }
    }

    /// Where the recipient gets no more of its kind, where it says so.
    pub fn unsubscribe(&self) -> Option<&str> {
        match self {
            Self::AlertOpened { unsubscribe, .. } | Self::AlertClosed { unsubscribe, .. } => {
                Some(unsubscribe)
            }
            _ => None,
        }
    }

    /// When the letter is of no use any more.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match *self {
            Self::Invitation { expires_at, .. }
            | Self::PasswordReset { expires_at, .. }
            | Self::TokenExpiring { expires_at, .. } => Some(expires_at),
            _ => None,
        }
    }
}

/// Writes letters.
pub trait Letters: Send + Sync + 'static {
    /// The letter to `recipient`, ready for the queue. Nothing is sent yet, so that it can be
    /// committed together with what it tells of.
    ///
    /// # Errors
    ///
    /// When `recipient` is no address that mail can be sent to, or a template fails.
    fn write(&self, recipient: &str, letter: &Letter<'_>) -> Result<Draft, LetterError>;
}

/// Why a letter can't be written.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// No mail can be sent to such an address.
    #[error("this is no address that mail can be sent to")]
    Address,
    /// Our templates failed.
    #[error("the mail's template failed")]
    Template(#[source] Box<dyn std::error::Error + Send + Sync>),
}
