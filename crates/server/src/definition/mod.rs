//! Definitions in folders: made, read, checked and tested without a server.

mod difference;
pub(crate) mod fixture;
pub(crate) mod folder;
pub(crate) mod logo;
mod pretty;
pub(crate) mod scaffold;
pub(crate) mod test;

pub(crate) use folder::Folder;
pub(crate) use logo::Logo;
pub(crate) use scaffold::New;
pub(crate) use test::Test;
