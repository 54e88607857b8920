//! FreeMarker Template Language, as a library: templates are compiled once and render any number of times, from any
//! number of threads, to bytes; the data is borrowed, never copied.
//!
//! ```
//! let engine = ftl::Engine::new();
//! let template = engine.compile("greeting", "Hello ${user.name?upper_case}, ${n} new.")?;
//! let data = serde_json::json!({"user": {"name": "Ann"}, "n": 3});
//! let mut out = Vec::new();
//! template.render(&data, &mut out)?;
//! assert_eq!(out, b"Hello ANN, 3 new.");
//! # Ok::<(), ftl::Error>(())
//! ```
//!
//! Data comes in through [`Data`], which is implemented for `serde_json::Value` and for maps, vectors, strings and
//! numbers of the standard library; a host with a tree of its own implements [`Hash`] and [`Seq`].
//!
//! Nothing of the world outside is reachable from a template: no files, no network, no Java; the clock for `.now` is
//! the host's. Each render has [`Budgets`], and no template and no data can make it panic.

mod budget;
mod builtins;
mod compile;
mod data;
mod datetime;
mod engine;
mod error;
mod eval;
mod locale;
mod number;
mod regex;
mod syntax;
mod template;
mod value;

pub use budget::Budgets;
pub use compile::{Reference, Step};
pub use data::{Data, Entries, Hash, Seq, View};
pub use engine::Engine;
pub use error::{Error, ErrorKind, Span};
pub use template::Template;
pub use value::{DateKind, DateTime, Decimal, Owned};
