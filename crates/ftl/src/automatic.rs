//! What every render begins with.

use crate::syntax::boolean;

/// The settings `auto_import`, `auto_include`, and whether imports are lazy.
#[derive(Clone, Default)]
pub(crate) struct Automatic {
    /// In order.
    pub(crate) imports: Vec<AutoImport>,
    /// Names of templates, in order.
    pub(crate) includes: Vec<Box<str>>,
    /// Whether `#import` waits until something of the namespace is used.
    pub(crate) lazy_imports: bool,
    /// Whether those of [`Self::imports`] do; `None` for like `#import`.
    pub(crate) lazy_auto_imports: Option<bool>,
}

#[derive(Clone)]
pub(crate) struct AutoImport {
    pub(crate) name: Box<str>,
    pub(crate) alias: Box<str>,
}

impl Automatic {
    /// Sets one of them by its name.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "auto_import" => self.imports = imports(value)?,
            "auto_include" => self.includes = words(value)?.into_iter().map(Into::into).collect(),
            "lazy_imports" => self.lazy_imports = boolean(name, value)?,
            _ if value == "null" => self.lazy_auto_imports = None,
            _ => self.lazy_auto_imports = Some(boolean(name, value)?),
        }
        Ok(())
    }
}

/// `"lib.ftl" as lib, other.ftl as other`
fn imports(list: &str) -> Result<Vec<AutoImport>, String> {
    let words = words(list)?;
    words
        .chunks(3)
        .map(|import| match import {
            [name, "as", alias] => Ok(AutoImport {
                name: (*name).into(),
                alias: (*alias).into(),
            }),
            _ => Err(format!(
                "auto_import must be a list like: lib.ftl as lib, other.ftl as other; this isn't: {list:?}"
            )),
        })
        .collect()
}

const BLANKS: [char; 5] = [' ', '\t', '\n', '\r', ','];

/// Words with blanks or commas between them; in quotes they may have both.
fn words(list: &str) -> Result<Vec<&str>, String> {
    let mut words = Vec::new();
    let mut rest = list.trim_start_matches(BLANKS);
    while let Some(first) = rest.chars().next() {
        let (word, after) = if matches!(first, '"' | '\'') {
            rest[1..]
                .split_once(first)
                .ok_or_else(|| format!("a quotation mark isn't closed in {list:?}"))?
        } else {
            rest.split_at(rest.find(BLANKS).unwrap_or(rest.len()))
        };
        words.push(word);
        rest = after.trim_start_matches(BLANKS);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_imports_and_includes_are_read() {
        let mut automatic = Automatic::default();
        automatic
            .set("auto_import", "'a, b.ftl' as a, c.ftl as c")
            .expect("well-formed");
        let imports: Vec<_> = automatic
            .imports
            .iter()
            .map(|import| (&*import.name, &*import.alias))
            .collect();
        assert_eq!(imports, [("a, b.ftl", "a"), ("c.ftl", "c")]);
        for malformed in ["a.ftl", "a.ftl as", "'a.ftl as a", "a.ftl to a"] {
            assert!(
                automatic.set("auto_import", malformed).is_err(),
                "{malformed}"
            );
        }
    }
}
