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
//! numbers of the standard library; a host with a tree of its own implements [`Hash`] and [`Seq`]. A template asks the
//! same names at the same places again and again: [`Hash::get_near`] hands over the [`Place`] that a name was found at
//! before, so that a tree whose entries stand in a row needn't search. Two features decide on what is there already:
//! `serde_json` (on by default), and `tree`, which reads the JSON tree that Millstream parses events into, without a copy.
//!
//! ```
//! use ftl::{Data, Entries, Hash, Place, View};
//!
//! /// Names and numbers, in a row.
//! struct Row(Vec<(&'static str, i64)>);
//!
//! impl Hash for Row {
//!     fn get(&self, key: &str) -> Option<View<'_>> {
//!         self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| View::Int(*value))
//!     }
//!
//!     fn get_near(&self, key: &str, place: &Place) -> Option<View<'_>> {
//!         match self.0.get(place.index()) {
//!             Some((name, value)) if *name == key => Some(View::Int(*value)),
//!             _ => {
//!                 let index = self.0.iter().position(|(name, _)| *name == key)?;
//!                 place.moved_to(index);
//!                 Some(View::Int(self.0[index].1))
//!             }
//!         }
//!     }
//!
//!     fn len(&self) -> usize {
//!         self.0.len()
//!     }
//!
//!     fn entries(&self) -> Entries<'_> {
//!         Box::new(self.0.iter().map(|(name, value)| (*name, View::Int(*value))))
//!     }
//! }
//!
//! impl Data for Row {
//!     fn view(&self) -> View<'_> {
//!         View::Hash(self)
//!     }
//! }
//!
//! let template = ftl::Engine::new().compile("sum", "${a + b}")?;
//! let mut out = Vec::new();
//! template.render(&Row(vec![("a", 1), ("b", 2)]), &mut out)?;
//! assert_eq!(out, b"3");
//! # Ok::<(), ftl::Error>(())
//! ```
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
//! # Data, functions and shared variables
//!
//! What every template sees besides its data is the engine's: variables, functions, and methods of `statics`.
//!
//! ```
//! use ftl::{Engine, Owned, View};
//!
//! let engine = Engine::new()
//!     .shared_variable("site", "example.com")
//!     .function("double", |args| match args {
//!         [View::Int(number)] => Ok(Owned::Int(number * 2)),
//!         _ => Err("double takes one whole number".to_owned()),
//!     })
//!     .clock(|| 1_646_078_821_795);
//! let template = engine.compile("t", "${double(n)} at ${site}, ${.now?iso_utc}")?;
//! let mut out = Vec::new();
//! template.render(&[("n", 21)], &mut out)?;
//! assert_eq!(out, b"42 at example.com, 2022-02-28T20:07:01Z");
//! # Ok::<(), ftl::Error>(())
//! ```
//!
//! # Several templates
//!
//! With a [`Loader`], a map for instance, templates `#include` and `#import` others, by names that are relative to their
//! own or begin with a slash. Each is compiled once for an engine.
//!
//! ```
//! use std::collections::HashMap;
//!
//! let templates = HashMap::from([
//!     ("mails/hello", "<#import '/lib/names' as names>Hello ${names.full(user)}!"),
//!     ("lib/names", "<#function full u><#return u.first + ' ' + u.last></#function>"),
//! ])
//! .into_iter()
//! .map(|(name, source)| (name.to_owned(), source.to_owned()))
//! .collect::<HashMap<_, _>>();
//! let engine = ftl::Engine::new().loader(templates);
//! let mut out = Vec::new();
//! let data = serde_json::json!({"user": {"first": "Ann", "last": "Lee"}});
//! engine.template("mails/hello")?.render(&data, &mut out)?;
//! assert_eq!(out, b"Hello Ann Lee!");
//! # Ok::<(), ftl::Error>(())
//! ```
//!
//! # What a template reads
//!
//! [`Template::references`] tells every path of the data that a template reads, through variables, loops and macros, and
//! whether it provides for a missing value there:
//!
//! ```
//! use ftl::Step;
//!
//! let template = ftl::Engine::new().compile("t", "<#list order.items as item>${item.name!'?'}</#list>")?;
//! let name = &template.references()[1];
//! assert_eq!(name.root, "order");
//! assert_eq!(name.steps, [Step::Key("items".into()), Step::Each, Step::Key("name".into())]);
//! assert!(name.guarded);
//! # Ok::<(), ftl::Error>(())
//! ```
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
//! Every golden case that differs is listed beside its cases with the reason, `tests/golden/*.deviations`; this is what
//! they come to.
//!
//! | What | Here |
//! |---|---|
//! | `?new`, `?api`, `?has_api`, `.locale_object`, custom `@formats` | refused: they are Java |
//! | `#visit`, `#recurse`, `#fallback`, `?children` and the like, `.node` | refused: they are for XML nodes |
//! | `#include`, `#import`, `.get_optional_template`, `?absolute_template_name` | refused if the engine has no [`Loader`] |
//! | `?eval`, `?interpret` | refused if the host says so ([`Engine::run_data_as_code`]) |
//! | `classic_compatible` | refused |
//! | messages | don't name the Java classes of values; after `Encountered "x"` the list of what could stand there is short |
//! | reasons that Java keeps in a cause | are [`Error::cause`] |
//! | a failing render | writes nothing, where Java has written what came before |
//! | exceptions of Java's own (`NullPointerException`, `IOException`, infinities that are rounded, a negative index before 2.3.27) | are errors with a place that say what is wrong, or nothing is wrong; no `#attempt` goes on after what none goes on after in Java |
//! | numbers in messages | don't keep the zeros of a quotient without a rest |
//! | JSON | is read to a depth of 200 |
//! | floats of the data | count as decimals, as those of JSON do; what `?double` and `?float` make are binary numbers |
//! | last digits of some doubles | are right; Java before 19 prints some that aren't needed |
//! | what `?date`, `?time` and `?datetime` make of a text without arguments | is a date once it could be read; in FreeMarker it can be called with another format later, as here what `?string` and `?url` give |
//! | half a character in the output | finds its other half, or becomes `?` |
//! | regular expressions | are translated; what Java alone can do is told where it is used; patterns beyond 10,000 bytes or some 300,000 states use up a budget |
//! | messages of more than two megabytes | are cut; failures within `?interpret` within `?interpret` are told for 128 levels; that a budget is used up is told as it is, whatever is around it |
//! | locales with variants | are those without: `ja_JP_JP` has no imperial years, `th_TH_TH` no Thai digits, `en_US_POSIX` groups digits, and without a country (`en__X`) weeks are the language's; `no_NO_NY` is `nn_NO` |
//! | time zones `SystemV/…` with daylight saving time | save it in 1974 and 1975 as in other years |
//! | zones that texts name | are found in one order of names in all locales that Java doesn't know, in Java in another one; a format goes on in them as soon as `?datetime` is computed, in Java once its value is asked for |
//! | the `c_format` setting, `#switch` with `#on` | are there whatever the version, as since 2.3.32 and 2.3.34; `?c` of strings and the number format `c` from 2.3.32 on |
//!
//! # Safety
//!
//! Nothing of the world outside is reachable from a template: no files, no network, no Java; the clock for `.now` is
//! the host's. Each render has [`Budgets`], and no template and no data can make it panic.

mod append;
mod automatic;
mod budget;
mod builtins;
mod compile;
mod data;
mod datetime;
mod engine;
mod error;
mod eval;
mod java_settings;
mod loader;
mod locale;
mod number;
mod output_format;
mod regex;
mod settings;
mod syntax;
mod template;
mod value;
mod version;

pub use budget::Budgets;
pub use builtins::builtin_names;
pub use compile::{Reference, Step};
pub use data::{Data, Entries, Hash, Place, Seq, View};
pub use engine::Engine;
pub use error::{Error, ErrorKind, Frame, Span};
pub use loader::Loader;
pub use syntax::directive_names;
pub use template::Template;
pub use value::{DateKind, DateTime, Decimal, Owned};
