//! After parsing: names get their slots and constants are folded. On demand: which variables a template reads.

mod fold;
mod interpolations;
mod references;
mod resolve;
mod walk;

pub(crate) use interpolations::interpolations;
pub(crate) use references::references;
pub use references::{Reference, Step};
pub(crate) use resolve::{Names, Program, resolve};
pub(crate) use walk::{
    Size, first_variable, has_lone_interpolation, part_within, size, substitute,
};
