//! Who sent a request.

use std::net::IpAddr;

use axum::http::request::Parts;
use model::access::Permissions;
use model::{OrganisationId, PersonId};
use store::{Actor, ActorKind, Caller, Grant, Person, Session, VerifiedToken};

use super::RequestId;
use crate::portal::ApiError;

/// A caller whom we know, and what to write in the audit log about them.
#[derive(Debug)]
pub struct Principal {
    /// Who.
    pub who: Who,
    /// On whose behalf changes are made, with all that let them in: each change looks at it again.
    pub(crate) caller: Caller,
}

impl Principal {
    /// The same, let in for what they may do in an organisation.
    pub(super) fn allowed_in(
        mut self,
        organisation: OrganisationId,
        permissions: Permissions,
    ) -> Self {
        let grant = self.caller.grant.take();
        self.caller.grant = grant.map(|grant| grant.allowing_in(organisation, permissions));
        self
    }
}

/// Who sent a request.
#[derive(Debug)]
pub enum Who {
    /// A person who is signed in.
    Person {
        /// Who.
        person: Person,
        /// With which session.
        session: Session,
    },
    /// A program.
    Token(VerifiedToken),
}

impl Who {
    /// The session's or token's id: what rates are counted by.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Person { session, .. } => &session.id,
            Self::Token(verified) => &verified.token.id,
        }
    }

    /// What the caller may do in the whole installation.
    pub(crate) fn installation_permissions(&self) -> Permissions {
        match self {
            Self::Person { person, .. } => person.rights.permissions(),
            Self::Token(verified) => verified.permissions,
        }
    }

    /// The person whose rights the caller has; `None` for the installation's own tokens.
    pub(crate) fn person_id(&self) -> Option<PersonId> {
        match self {
            Self::Person { person, .. } => Some(person.id),
            Self::Token(verified) => verified.token.person,
        }
    }

    /// The person who is signed in. A token may not touch its person's account: whoever finds it
    /// must not be able to keep what it opens.
    pub(crate) fn present(&self) -> Result<(&Person, &Session), ApiError> {
        match self {
            Self::Person { person, session } => Ok((person, session)),
            Self::Token(_) => Err(ApiError::SessionNeeded),
        }
    }
}

/// What the audit log will say of a caller.
pub(super) fn caller_of(who: &Who, grant: Grant, address: Option<IpAddr>, parts: &Parts) -> Caller {
    let actor = match who {
        Who::Person { person, .. } => Actor::of_person(person),
        Who::Token(verified) => Actor {
            kind: ActorKind::Token,
            id: verified.token.id.clone(),
            name: verified.token.name.clone(),
            person: verified.behind.clone(),
        },
    };
    Caller {
        // Whatever the handler is about, it may rest on what they may do in the whole installation.
        grant: Some(grant.allowing(who.installation_permissions())),
        ..with_origin(actor, address, parts)
    }
}

/// What the audit log will say of a caller who is no one yet, such as one who accepts an invitation.
pub(super) fn nobody(address: Option<IpAddr>, parts: &Parts) -> Caller {
    with_origin(Caller::system().actor, address, parts)
}

fn with_origin(actor: Actor, address: Option<IpAddr>, parts: &Parts) -> Caller {
    let request_id = parts.extensions.get::<RequestId>();
    Caller {
        actor,
        address: address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        request_id: request_id.map(|id| id.0.clone()).unwrap_or_default(),
        once: None,
        notices: Vec::new(),
        proved: None,
        seen: None,
        grant: None,
    }
}
