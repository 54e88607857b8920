//! After parsing: names get their slots, constants are folded, and the variables that a template reads are noted.

mod fold;
mod references;
mod resolve;
mod walk;

pub use references::{Reference, Step};
pub(crate) use resolve::{Names, Program, resolve};
pub(crate) use walk::{Size, size, substitute};
