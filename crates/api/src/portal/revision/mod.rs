//! What a sync was, what it could become, and what that would mean for its events.

pub(super) mod duplicate;
mod kept;
pub(super) mod restore;
pub(super) mod traffic;
pub(super) mod upgrade;
pub(super) mod version;
