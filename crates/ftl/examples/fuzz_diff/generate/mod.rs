//! Random cases: templates that mostly render, since what they say fits the types of their data.

mod builtins;
mod constants;
mod damage;
mod dates;
mod directives;
mod expressions;
mod literals;
mod loading;
mod macros;
mod settings;

use serde_json::{Value, json};

use crate::rng::Rng;

/// What a value is, as far as it matters to what can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    Str,
    /// A string of a few characters, that others are likely to contain.
    Short,
    Num,
    /// A small whole number: what is safe as a length.
    Small,
    Bool,
    Date,
    Time,
    DateTime,
    Strs,
    Nums,
    Hashes,
    Hash,
    Markup,
    /// What `?matches` gives.
    Match,
    Any,
    // Strings with a meaning.
    Regex,
    Replacement,
    Flags,
    /// Flags with the one that makes it a regular expression.
    RegexFlags,
    NumFormat,
    /// A number format with many digits.
    LongFormat,
    DateFormat,
    NumStr,
    BoolStr,
    Json,
    Zone,
    Charset,
    Key,
    Keys,
}

impl Ty {
    fn named(name: &str) -> Self {
        match name {
            "str" => Self::Str,
            "short" => Self::Short,
            "num" => Self::Num,
            "small" => Self::Small,
            "bool" => Self::Bool,
            "date" => Self::Date,
            "time" => Self::Time,
            "datetime" => Self::DateTime,
            "strs" => Self::Strs,
            "nums" => Self::Nums,
            "hashes" => Self::Hashes,
            "hash" => Self::Hash,
            "markup" => Self::Markup,
            "match" => Self::Match,
            "any" => Self::Any,
            "regex" => Self::Regex,
            "replacement" => Self::Replacement,
            "flags" => Self::Flags,
            "regexflags" => Self::RegexFlags,
            "numformat" => Self::NumFormat,
            "longformat" => Self::LongFormat,
            "dateformat" => Self::DateFormat,
            "numstr" => Self::NumStr,
            "boolstr" => Self::BoolStr,
            "json" => Self::Json,
            "zone" => Self::Zone,
            "charset" => Self::Charset,
            "key" => Self::Key,
            "keys" => Self::Keys,
            other => panic!("no type is called {other:?}"),
        }
    }

    /// What a list of it has as its items.
    fn item(self) -> Self {
        match self {
            Self::Nums => Self::Num,
            Self::Hashes => Self::Hash,
            _ => Self::Str,
        }
    }
}

/// The brackets of a template.
#[derive(Clone, Copy)]
struct Syntax {
    square_tags: bool,
    square_interpolations: bool,
    camel_case: bool,
    /// Whether the output format can escape.
    markup: bool,
}

/// A macro or function that has been defined.
#[derive(Clone)]
struct Callable {
    name: String,
    params: Vec<(String, Ty)>,
    is_function: bool,
    /// What the function returns.
    result: Ty,
}

pub(crate) struct Generator {
    rng: Rng,
    syntax: Syntax,
    /// Variables that exist at the place.
    scope: Vec<(String, Ty)>,
    loops: Vec<String>,
    callables: Vec<Callable>,
    /// The other templates, by name.
    files: Vec<(String, String)>,
    names: usize,
    in_macro: bool,
    in_function: bool,
    in_breakable: bool,
    /// How much may still be written.
    budget: i32,
}

const VARIABLES: &[(&str, Ty)] = &[
    ("s", Ty::Str),
    ("s2", Ty::Str),
    ("num", Ty::NumStr),
    ("csv", Ty::Str),
    ("n", Ty::Num),
    ("n2", Ty::Num),
    ("i", Ty::Small),
    ("b", Ty::Bool),
    ("ls", Ty::Strs),
    ("ln", Ty::Nums),
    ("lh", Ty::Hashes),
    ("h", Ty::Hash),
];

/// The case of a number under a seed.
pub(crate) fn case(seed: u64, index: u64) -> Value {
    let mut rng = Rng::new(seed, index);
    let (settings, syntax) = settings::settings(&mut rng);
    let mut generator = Generator {
        rng,
        syntax,
        scope: VARIABLES
            .iter()
            .map(|&(name, ty)| (name.to_owned(), ty))
            .collect(),
        loops: Vec::new(),
        callables: Vec::new(),
        files: Vec::new(),
        names: 0,
        in_macro: false,
        in_function: false,
        in_breakable: false,
        budget: 60,
    };
    let data = generator.data();
    let mut template = generator.template();
    if generator.rng.chance(6) {
        template = damage::damage(&mut generator.rng, &template);
    }
    if settings.contains_key("auto_include") || settings.contains_key("auto_import") {
        // They are loaded before anything else.
        for name in ["part", "lib.ftl", "inc/lib.ftl"] {
            if !generator.files.iter().any(|(file, _)| file == name) {
                let text = generator.library(1);
                generator.files.push((name.to_owned(), text));
            }
        }
    }
    let mut case = json!({"id": format!("{seed}-{index}"), "template": template, "data": data});
    if !generator.files.is_empty() {
        case["templates"] = generator
            .files
            .into_iter()
            .map(|(name, text)| (name, Value::from(text)))
            .collect();
    }
    if !settings.is_empty() {
        case["settings"] = settings.into();
    }
    case
}

impl Generator {
    fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn data(&mut self) -> Value {
        let hashes: Vec<_> = (0..self.rng.below(4)).map(|_| self.hash_data()).collect();
        let strings: Vec<_> = (0..self.rng.below(5))
            .map(|_| literals::string(&mut self.rng))
            .collect();
        let numbers: Vec<_> = (0..self.rng.below(5))
            .map(|_| literals::json_number(&mut self.rng))
            .collect();
        json!({
            "s": literals::string(&mut self.rng),
            "s2": literals::string(&mut self.rng),
            "num": literals::number_text(&mut self.rng),
            "csv": self.rng.pick(&["a,b,,c", "x", "1;2, 3", ",", "a=b&c=d"]),
            "n": literals::json_number(&mut self.rng),
            "n2": literals::json_number(&mut self.rng),
            "i": self.rng.between(-3, 12),
            "b": self.rng.chance(50),
            "ls": strings,
            "ln": numbers,
            "lh": hashes,
            "h": self.hash_data(),
            "nul": null,
        })
    }

    fn hash_data(&mut self) -> Value {
        let mut hash = json!({
            "name": literals::string(&mut self.rng),
            "n": literals::json_number(&mut self.rng),
            "b": self.rng.chance(50),
        });
        if self.rng.chance(40) {
            hash["tags"] = json!(["x", literals::string(&mut self.rng)]);
        }
        if self.rng.chance(30) {
            hash["at"] = dates::iso_text(&mut self.rng).into();
        }
        hash
    }
}
