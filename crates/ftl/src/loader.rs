//! Other templates by their names: relative and absolute ones, and `*` for the nearest folder that has it.

use std::borrow::Cow;
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
const LEAVES_ROOT: &str = "Backing out from the root directory is not allowed";
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
        name: Lookup<'_>,
        options: &Options,
        charge: impl FnOnce(&str) -> Result<(), Error>,
    ) -> Result<Option<Arc<Code>>, Error> {
        let key = name.key();
        if let Some(code) = self
            .cache
            .codes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&*key)
        {
            return Ok(Some(Arc::clone(code)));
        }
        let Some((found, source)) = self.find(name)? else {
            return Ok(None);
        };
        charge(&source)?;
        let code = Arc::new(Code::compile_found(name.name, &found, &source, options)?);
        // Of names with stars there may be any number for one template.
        if !name.name.contains('*') {
            let mut codes = self
                .cache
                .codes
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if codes.len() >= MAX_KEPT {
                codes.clear();
            }
            codes.insert(key.into(), Arc::clone(&code));
        }
        Ok(Some(code))
    }

    /// The template's text as it stands, not compiled.
    pub(crate) fn get_plain(
        &self,
        name: Lookup<'_>,
        options: &Options,
        charge: impl FnOnce(&str) -> Result<(), Error>,
    ) -> Result<Option<Arc<Code>>, Error> {
        let Some((_, source)) = self.find(name)? else {
            return Ok(None);
        };
        charge(&source)?;
        Ok(Some(Arc::new(Code::plain(name.name, &source, options))))
    }

    /// The first of the names that there is a source for, and the source.
    fn find(&self, name: Lookup<'_>) -> Result<Option<(String, String)>, Error> {
        for candidate in name.candidates() {
            let found = self.source(&candidate)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Looks for `a/b/*/c` as `a/b/c`, `a/c` and `c`; the name that there is, and its source.
    fn source(&self, name: &str) -> Result<Option<(String, String)>, Error> {
        let load = |name: &str| {
            let source = self.loader.load(name);
            let source = source.map_err(|reason| Error::new(ErrorKind::Host, reason))?;
            Ok(source.map(|source| (name.to_owned(), source)))
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
            let found = load(&path)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// What template is wanted: its normal name, and the locale that there may be a template of its own for.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'n> {
    pub(crate) name: &'n str,
    pub(crate) locale: Option<&'n str>,
}

impl<'n> Lookup<'n> {
    /// What tells it from all others.
    pub(crate) fn key(self) -> Cow<'n, str> {
        match self.locale {
            // No name has this character in it.
            Some(locale) => Cow::Owned(format!("{}\0{locale}", self.name)),
            None => Cow::Borrowed(self.name),
        }
    }

    /// `page_en_US.ftl`, `page_en.ftl`, `page.ftl`
    fn candidates(self) -> impl Iterator<Item = String> {
        let Self { name, locale } = self;
        let (stem, extension) = name.split_at(name.rfind('.').unwrap_or(name.len()));
        let locales = std::iter::successors(locale.filter(|locale| !locale.is_empty()), |locale| {
            locale.rfind('_').map(|at| &locale[..at])
        });
        locales
            .map(move |locale| format!("{stem}_{locale}{extension}"))
            .chain(std::iter::once(name.to_owned()))
    }
}

/// What FreeMarker says of a template that isn't there, or can't be, by its full name.
pub(crate) fn not_found(full: &str) -> Error {
    let name = without_slash(full);
    let mut message = format!("Template not found for name {}", java_quoted(name));
    match normalize(name) {
        Ok(normal) if normal != without_slash(name) => {
            message.push_str(&format!(" (normalized: {}).", java_quoted(&normal)));
        }
        Ok(_) => message.push('.'),
        Err(reason) => message.push_str(&format!(".\nReason given: {reason}.")),
    }
    Error::new(ErrorKind::Value, message)
}

/// A full name without the slash for the root.
pub(crate) fn without_slash(full: &str) -> &str {
    full.strip_prefix('/').unwrap_or(full)
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

/// A name from the root: `..` and `.` are gone; one that leaves the root is refused with a reason.
pub(crate) fn normalize(name: &str) -> Result<String, &'static str> {
    if name.len() > MAX_NAME {
        return Err("The name is too long");
    }
    if name.contains('\0') {
        return Err("Null character (\\u0000) in the name; possible attack attempt");
    }
    let mut path = name.to_owned();
    while let Some(at) = path.find("/../") {
        if at == 0 {
            return Err(LEAVES_ROOT);
        }
        let parent = path[..at].rfind('/').map_or(0, |slash| slash + 1);
        path.replace_range(parent..at + "/../".len(), "");
    }
    if path.starts_with("../") {
        return Err(LEAVES_ROOT);
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
            let source = source.map(|(_, source)| source);
            assert_eq!(source.as_deref(), found, "{name}");
        }
    }
}
