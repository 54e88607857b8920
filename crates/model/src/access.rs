//! Who may do what: roles of members, rights in the whole installation, and the permissions that
//! both give.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Declares an enum whose values have stable names in JSON, in the database and in texts.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        /// By hand: the derived one doesn't see names that a macro gives.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let names = Self::ALL.iter().map(|value| value.name());
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some(names))
                    .description(Some(concat!("A ", $what, ".")))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                let found = Self::ALL.iter().find(|value| value.name() == text);
                found.copied().ok_or(UnknownName { what: $what })
            }
        }
    };
}

/// A text names none of the values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} of this name")]
pub struct UnknownName {
    /// What was looked for.
    pub what: &'static str,
}

named! {
    /// What a member is in an organisation.
    Role, "role" {
        /// Everything, ownership included.
        Owner = "owner",
        /// Everything but ownership.
        Admin = "admin",
        /// Connects projects to destinations.
        Member = "member",
        /// Sees, and defines destinations.
        Partner = "partner",
        /// Sees.
        Viewer = "viewer",
    }
}

named! {
    /// One thing that can be allowed. A token's scopes are such names.
    Permission, "permission" {
        /// See the organisation's name and settings.
        OrganisationRead = "organisation:read",
        /// Change them.
        OrganisationWrite = "organisation:write",
        /// See who belongs to it.
        MembersRead = "members:read",
        /// Invite, change and remove members that are no owners.
        MembersWrite = "members:write",
        /// Make and unmake owners; delete the organisation.
        OwnersWrite = "owners:write",
        /// See projects and their API keys.
        ProjectsRead = "projects:read",
        /// Make, change and delete projects, and rotate their keys.
        ProjectsWrite = "projects:write",
        /// See syncs.
        SyncsRead = "syncs:read",
        /// Make, change, switch and delete syncs.
        SyncsWrite = "syncs:write",
        /// See what became of events.
        DeliveriesRead = "deliveries:read",
        /// See the organisation's destination definitions.
        DefinitionsRead = "definitions:read",
        /// Define destinations.
        DefinitionsWrite = "definitions:write",
        /// Make tokens of one's own.
        TokensCreate = "tokens:create",
        /// See and revoke all of the organisation's tokens.
        TokensWrite = "tokens:write",
        /// Read the audit log.
        AuditRead = "audit:read",
        /// Release destinations for everyone.
        ReviewsWrite = "reviews:write",
        /// Run the installation: organisations, secrets, mail, health.
        InstallationWrite = "installation:write",
    }
}

impl Permission {
    /// Whether it is of the installation as a whole, and of no organisation.
    pub fn is_of_installation(self) -> bool {
        matches!(self, Self::ReviewsWrite | Self::InstallationWrite)
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// All there are.
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Whether `permission` is among them.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// In the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        let all = Permission::ALL.iter().copied();
        all.filter(move |&permission| self.contains(permission))
    }
}

fn bit(permission: Permission) -> u32 {
    1 << permission as u32
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, one| bits | bit(one)))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Role {
    /// What the role allows in its organisation.
    pub fn permissions(self) -> Permissions {
        use Permission as P;
        const VIEWER: &[P] = &[
            P::OrganisationRead,
            P::MembersRead,
            P::ProjectsRead,
            P::SyncsRead,
            P::DeliveriesRead,
            P::DefinitionsRead,
            P::TokensCreate,
        ];
        const ADMIN: &[P] = &[
            P::OrganisationWrite,
            P::MembersWrite,
            P::ProjectsWrite,
            P::TokensWrite,
            P::AuditRead,
        ];
        let more: &[&[P]] = match self {
            Self::Viewer => &[],
            Self::Partner => &[&[P::DefinitionsWrite]],
            Self::Member => &[&[P::SyncsWrite]],
            Self::Admin => &[&[P::SyncsWrite, P::DefinitionsWrite], ADMIN],
            Self::Owner => &[&[P::SyncsWrite, P::DefinitionsWrite, P::OwnersWrite], ADMIN],
        };
        let more = more.iter().copied().flatten();
        VIEWER.iter().chain(more).copied().collect()
    }
}

/// A person's rights in the whole installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InstallationRights {
    /// Runs the installation.
    pub operator: bool,
    /// Releases destinations for everyone.
    pub reviewer: bool,
}

impl InstallationRights {
    /// What they allow.
    pub fn permissions(self) -> Permissions {
        let operator = self.operator.then_some(Permission::InstallationWrite);
        let reviewer = self.reviewer.then_some(Permission::ReviewsWrite);
        operator.into_iter().chain(reviewer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_allows_what_the_next_lower_one_does() {
        let within = |lower: Role, higher: Role| {
            let lower = lower.permissions();
            lower.and(higher.permissions()) == lower
        };
        assert!(within(Role::Viewer, Role::Partner));
        assert!(within(Role::Viewer, Role::Member));
        assert!(within(Role::Partner, Role::Admin));
        assert!(within(Role::Member, Role::Admin));
        assert!(within(Role::Admin, Role::Owner));
        assert!(!within(Role::Partner, Role::Member));
    }

    #[test]
    fn no_role_gives_rights_in_the_installation() {
        for role in Role::ALL {
            assert!(
                !role
                    .permissions()
                    .iter()
                    .any(Permission::is_of_installation)
            );
        }
    }

    #[test]
    fn names_are_read_back() {
        for permission in Permission::ALL {
            assert_eq!(permission.name().parse(), Ok(*permission));
        }
        assert!("Owner".parse::<Role>().is_err());
    }
}
