//! Several templates: `#include`, `#import`; and templates and expressions that are made when they run.

use super::{Generator, Ty};

const FILES: &[&str] = &[
    "part",
    "lib.ftl",
    "inc/part",
    "inc/lib.ftl",
    "inc/more/x.ftl",
    "p.ftlh",
];

impl Generator {
    pub(super) fn loading(&mut self, depth: usize) -> String {
        match self.rng.below(8) {
            0..3 => self.include(depth),
            3..6 => self.import(depth),
            6 => self.interpreted(depth),
            _ => {
                let ty = self.any_type();
                let (open, close) = self.interpolation();
                format!("{open}({}?has_content)?c{close}", self.evaluated(ty, depth))
            }
        }
    }

    /// The name of a new template, or of one that is there.
    fn file(&mut self, write: impl FnOnce(&mut Self) -> String) -> String {
        if !self.files.is_empty() && self.rng.chance(20) {
            let at = self.rng.below(self.files.len());
            return self.files[at].0.clone();
        }
        let name = self.rng.pick(FILES).to_owned();
        if self.files.iter().any(|(file, _)| *file == name) {
            return name;
        }
        // What it includes itself must not be itself.
        self.files.push((name.clone(), String::new()));
        let outer = (self.in_macro, self.in_function, self.in_breakable);
        (self.in_macro, self.in_function, self.in_breakable) = (false, false, false);
        let loops = std::mem::take(&mut self.loops);
        let text = write(self);
        self.loops = loops;
        (self.in_macro, self.in_function, self.in_breakable) = outer;
        if let Some(file) = self.files.iter_mut().find(|(file, _)| *file == name) {
            file.1 = text;
        }
        name
    }

    /// The name as it may stand in a tag.
    fn reference(&mut self, name: &str) -> String {
        match self.rng.below(20) {
            0..12 => format!("/{name}"),
            12..16 => name.to_owned(),
            16 => format!("./{name}"),
            17 => format!("../{name}"),
            18 => format!("/x/../{name}"),
            _ => "nope.ftl".to_owned(),
        }
    }

    fn include(&mut self, depth: usize) -> String {
        let name = self.file(|generator| generator.body(depth));
        let reference = self.reference(&name);
        let option = self.rng.pick(&[
            "",
            "",
            "",
            "",
            " parse=false",
            " ignore_missing=true",
            " parse=b",
            " encoding='UTF-8'",
        ]);
        let name = self.quoted(&reference);
        self.start("include", &format!("{name}{option}"))
    }

    fn import(&mut self, depth: usize) -> String {
        let alias = self.fresh("ns");
        let (callables, scope) = (self.callables.len(), self.scope.len());
        let name = self.file(|generator| generator.library(depth));
        for callable in &mut self.callables[callables..] {
            callable.name = format!("{alias}.{}", callable.name);
        }
        for (name, _) in &mut self.scope[scope..] {
            *name = format!("{alias}.{name}");
        }
        let reference = self.reference(&name);
        let name = self.quoted(&reference);
        self.start("import", &format!("{name} as {alias}"))
    }

    /// Variables, macros and functions.
    pub(super) fn library(&mut self, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..=self.rng.below(3) {
            text += &match self.rng.below(5) {
                0 | 1 => self.macro_definition(depth),
                2 => self.function_definition(depth),
                3 => self.assign(depth),
                _ => self.text(),
            };
        }
        text
    }

    /// `<@'…'?interpret/>`
    fn interpreted(&mut self, depth: usize) -> String {
        let body = self.body(depth.min(1));
        let literal = self.quoted(&body);
        let source = if self.rng.chance(30) {
            format!("[{literal}, 'part']")
        } else {
            literal
        };
        self.tag(&format!("@{source}?interpret/")) + self.after_tag()
    }

    /// `'…'?eval`
    pub(super) fn evaluated(&mut self, ty: Ty, depth: usize) -> String {
        let expression = self.expr(ty, depth.min(1));
        format!("{}?eval", self.quoted(&expression))
    }
}
