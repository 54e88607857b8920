//! Other templates by their names: relative and absolute ones, and `*` for the nearest folder that has it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, ErrorKind, java_quoted};
use crate::syntax::Options;
use crate::template::Code;

/// Where `#include` and `#import` find templates.
pub trait Loader: Send + Sync {
    /// The source of the template `name`, a path without a slash before it and without `.` and `..` in it (unless it
    /// has a scheme, `scheme://`); `None` if there is no such template. What is found is kept, and not asked for again
    /// soon.
    ///
    /// # Errors
    /// Why the template can't be read, if there is one.
    fn load(&self, name: &str) -> Result<Option<String>, String>;
}

impl Loader for HashMap<String, String> {
    fn load(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.get(name).cloned())
    }
}

/// Longest name of a template in bytes.
const MAX_NAME: usize = 4_096;
/// Most templates that are kept compiled.
const MAX_KEPT: usize = 10_000;

/// Compiled templates by name.
#[derive(Default)]
pub(crate) struct Cache {
    codes: RwLock<HashMap<Box<str>, Arc<Code>>>,
}

impl Clone for Cache {
    /// Of an engine that is to be changed; what it holds would be of no use then.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// A loader with what it has loaded.
#[derive(Clone)]
pub(crate) struct Library {
    pub(crate) loader: Arc<dyn Loader>,
    pub(crate) cache: Cache,
}

impl Library {
    pub(crate) fn new(loader: Arc<dyn Loader>) -> Self {
        Self {
            loader,
            cache: Cache::default(),
        }
    }

    /// The template with the normal name `name`, if there is one; `charge` is asked before a source is compiled.
    pub(crate) fn get(
        &self,
        name: &str,
        options: &Options,
        charge: impl FnOnce(&str) -> Result<(), Error>,
    ) -> Result<Option<Arc<Code>>, Error> {
        if let Some(code) = self
            .cache
            .codes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
        {
            return Ok(Some(Arc::clone(code)));
        }
        let Some(source) = self.source(name)? else {
            return Ok(None);
        };
        charge(&source)?;
        let code = Arc::new(Code::compile(name, &source, options)?);
        // Of names with stars there may be any number for one template.
        if !name.contains('*') {
            let mut codes = self
                .cache
                .codes
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if codes.len() >= MAX_KEPT {
                codes.clear();
            }
            codes.insert(name.into(), Arc::clone(&code));
        }
        Ok(Some(code))
    }

    /// The template's text as it stands, not compiled.
    pub(crate) fn get_plain(
        &self,
        name: &str,
        options: &Options,
        charge: impl FnOnce(&str) -> Result<(), Error>,
    ) -> Result<Option<Arc<Code>>, Error> {
        let Some(source) = self.source(name)? else {
            return Ok(None);
        };
        charge(&source)?;
        Ok(Some(Arc::new(Code::plain(name, &source, options))))
    }

    /// Looks for `a/b/*/c` as `a/b/c`, `a/c` and `c`.
    fn source(&self, name: &str) -> Result<Option<String>, Error> {
        let load = |name: &str| {
            self.loader
                .load(name)
                .map_err(|reason| Error::new(ErrorKind::Host, reason))
        };
        if !name.contains('*') {
            return load(name);
        }
        let mut steps: Vec<&str> = Vec::new();
        let mut star = None;
        for step in name.split('/').filter(|step| !step.is_empty()) {
            if step == "*" {
                // Of several stars the last one counts.
                if let Some(before) = star {
                    steps.remove(before);
                }
                star = Some(steps.len());
            }
            steps.push(step);
        }
        let Some(star) = star else {
            return load(name);
        };
        let rest = steps[star + 1..].join("/");
        for depth in (0..=star).rev() {
            let mut path = steps[..depth].join("/");
            if depth > 0 {
                path.push('/');
            }
            path.push_str(&rest);
            if let Some(source) = load(&path)? {
                return Ok(Some(source));
            }
        }
        Ok(None)
    }
}

/// What FreeMarker says of a template that isn't there.
pub(crate) fn not_found(name: &str) -> Error {
    let name = normalize(name).unwrap_or_else(|_| name.to_owned());
    Error::new(
        ErrorKind::Value,
        format!("Template not found for name {}.", java_quoted(&name)),
    )
}

/// The full name of what the template `base` calls `target`.
pub(crate) fn full_name(base: &str, target: &str) -> String {
    if target.find("://").is_some_and(|at| at > 0) {
        return target.to_owned();
    }
    if target.starts_with('/') {
        return match base.find("://") {
            Some(at) if at > 0 => format!("{}{target}", &base[..at + 2]),
            _ => target.to_owned(),
        };
    }
    let folder = base.rfind('/').map_or(0, |at| at + 1);
    format!("{}{target}", &base[..folder])
}

/// A full name with one slash before it, if it has no scheme.
pub(crate) fn absolute(name: &str) -> String {
    let name = name.strip_prefix('/').unwrap_or(name);
    if name.starts_with('/') || name.find("://").is_some_and(|at| at > 0) {
        name.to_owned()
    } else {
        format!("/{name}")
    }
}

/// A name from the root: `..` and `.` are gone; one that leaves the root is an error.
pub(crate) fn normalize(name: &str) -> Result<String, Error> {
    let malformed = |reason: &str| {
        Error::new(
            ErrorKind::Value,
            format!("Malformed template name, {}: {reason}", java_quoted(name)),
        )
    };
    if name.len() > MAX_NAME {
        return Err(Error::new(
            ErrorKind::Value,
            format!("the name of a template is longer than {MAX_NAME} bytes"),
        ));
    }
    if name.contains('\0') {
        return Err(malformed(
            "Null character (\\u0000) in the name; possible attack attempt",
        ));
    }
    let mut path = name.to_owned();
    while let Some(at) = path.find("/../") {
        if at == 0 {
            return Err(malformed(
                "Backing out from the root directory is not allowed",
            ));
        }
        let parent = path[..at].rfind('/').map_or(0, |slash| slash + 1);
        path.replace_range(parent..at + "/../".len(), "");
    }
    if path.starts_with("../") {
        return Err(malformed(
            "Backing out from the root directory is not allowed",
        ));
    }
    while let Some(at) = path.find("/./") {
        path.replace_range(at..at + "/.".len(), "");
    }
    if let Some(rest) = path.strip_prefix("./") {
        path = rest.to_owned();
    }
    if path.len() > 1 && path.starts_with('/') {
        path.remove(0);
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_template_that_uses_them() {
        for (base, target, full) in [
            ("d/a", "b", "d/b"),
            ("a", "b", "b"),
            ("d/a", "/b", "/b"),
            ("s://d/a", "/b", "s://b"),
            ("d/a", "s://b", "s://b"),
        ] {
            assert_eq!(full_name(base, target), full, "{base} {target}");
        }
    }

    #[test]
    fn names_stay_within_the_root() {
        for (name, normal) in [
            ("/a/./b/../c", "a/c"),
            ("a/../b", "b"),
            ("./a", "a"),
            ("../../a", "a"),
        ] {
            assert_eq!(normalize(name).expect(name), normal);
        }
        for name in ["/../a", "../a", "/a/../../b", "a\0"] {
            assert!(normalize(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_star_stands_for_the_folders_from_there_up() {
        let sources: HashMap<_, _> = ["x/y/f", "f"]
            .map(|name| (name.to_owned(), format!("it is {name}")))
            .into();
        let library = Library::new(Arc::new(sources));
        for (name, found) in [
            ("x/y/z/*/f", Some("it is x/y/f")),
            ("x/*/f", Some("it is f")),
            ("x/*/y/*/f", Some("it is x/y/f")),
            ("x/*/g", None),
        ] {
            let source = library.source(name).expect("no failure");
            assert_eq!(source.as_deref(), found, "{name}");
        }
    }
}
