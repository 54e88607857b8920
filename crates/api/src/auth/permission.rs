//! Permissions as types, for handlers to demand them in their signatures.

use model::access::Permission;

/// A permission that a handler demands.
pub trait Demand: Send + Sync + 'static {
    /// Which.
    const PERMISSION: Permission;
}

macro_rules! demands {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("Demands [`Permission::", stringify!($name), "`].")]
            #[derive(Debug)]
            pub enum $name {}

            impl Demand for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )*
    };
}

demands! {
    OrganisationRead OrganisationWrite MembersRead MembersWrite OwnersWrite
    ProjectsRead ProjectsWrite SyncsRead SyncsWrite DeliveriesRead
    DefinitionsRead DefinitionsWrite ReviewsWrite TokensCreate AuditRead InstallationWrite
}
