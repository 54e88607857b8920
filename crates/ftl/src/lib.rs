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
//! # Settings
//!
//! [`Engine::setting`] takes FreeMarker's names, in `snake_case` and in `camelCase`. What decides on the syntax holds for
//! the templates that are compiled afterwards:
//!
//! ```
//! let engine = ftl::Engine::new()
//!     .setting("tag_syntax", "square_bracket")?
//!     .setting("output_format", "HTML")?;
//! let template = engine.compile("page", "[#if user??]<b>${user}</b>[/#if]")?;
//! let mut out = Vec::new();
//! template.render(&[("user", "A & B")], &mut out)?;
//! assert_eq!(out, b"<b>A &amp; B</b>");
//! # Ok::<(), ftl::Error>(())
//! ```
//!
//! Templates called `….ftlh` and `….ftlx` escape for HTML and XML by themselves.
//!
//! # Errors
//!
//! An [`Error`] knows its kind, place, blamed expression and tips, and the directives that led to it:
//!
//! ```
//! let template = ftl::Engine::new().compile("hello", "<#if user.name>Hello</#if>")?;
//! let error = template
//!     .render(&serde_json::json!({"user": {"name": "Ann"}}), &mut Vec::new())
//!     .expect_err("a string isn't a condition");
//! assert_eq!(
//!     error.description(),
//!     "For \"#if\" condition: Expected a boolean, but this has evaluated to a string:\n\
//!      ==> user.name  [in template \"hello\" at line 1, column 6]"
//! );
//! assert_eq!(error.stack()[0].description, "#if user.name");
//! println!("{}", error.render()); // with the excerpt and carets
//! # Ok::<(), ftl::Error>(())
//! ```
//!
//! # Where it differs from FreeMarker 2.3
//!
//! | What | Here |
//! |---|---|
//! | `?new`, `?api`, `?has_api`, `.locale_object`, custom `@formats` | refused: they are Java |
//! | `#visit`, `#recurse`, `#fallback`, `?children` and the like, `.node` | refused: they are for XML nodes |
//! | `#include`, `#import`, `.get_optional_template`, `?absolute_template_name` | refused if the engine has no [`Loader`] |
//! | `?eval`, `?interpret` | refused if the host says so ([`Engine::run_data_as_code`]) |
//! | `classic_compatible` | refused |
//! | messages | don't name the Java classes of values; after `Encountered "x"` the list of what could stand there is short |
//! | `?url` where no character set is given or set | UTF-8, instead of a failure |
//! | groups of a `?matches` that doesn't match the whole | missing, instead of failures |
//! | half a surrogate pair | strings are UTF-8: a cut through a character keeps the whole of it |
//!
//! # Safety
//!
//! Nothing of the world outside is reachable from a template: no files, no network, no Java; the clock for `.now` is
//! the host's. Each render has [`Budgets`], and no template and no data can make it panic.

mod automatic;
mod budget;
mod builtins;
mod compile;
mod data;
mod datetime;
mod engine;
mod error;
mod eval;
mod loader;
mod locale;
mod number;
mod output_format;
mod regex;
mod syntax;
mod template;
mod value;
mod version;

pub use budget::Budgets;
pub use builtins::builtin_names;
pub use compile::{Reference, Step};
pub use data::{Data, Entries, Hash, Seq, View};
pub use engine::Engine;
pub use error::{Error, ErrorKind, Frame, Span};
pub use loader::Loader;
pub use syntax::directive_names;
pub use template::Template;
pub use value::{DateKind, DateTime, Decimal, Owned};
