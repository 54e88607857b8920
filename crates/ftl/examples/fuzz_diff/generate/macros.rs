//! Macros and functions: definitions and calls; and directives that change what is in them.

use super::{Callable, Generator, Ty};

impl Generator {
    fn parameters(&mut self, allow_defaults: bool) -> (Vec<(String, Ty)>, String) {
        let mut params = Vec::new();
        let mut text = String::new();
        for _ in 0..self.rng.below(4) {
            let name = self.fresh("p");
            let ty = self
                .rng
                .one(&[Ty::Str, Ty::Num, Ty::Small, Ty::Bool, Ty::Strs]);
            text.push(' ');
            text.push_str(&name);
            if allow_defaults && self.rng.chance(35) {
                text.push('=');
                text.push_str(&self.primary(ty, 1));
            }
            params.push((name, ty));
        }
        (params, text)
    }

    pub(super) fn macro_definition(&mut self, depth: usize) -> String {
        let name = self.fresh("m");
        let (params, mut declared) = self.parameters(true);
        if self.rng.chance(15) {
            declared.push_str(" rest...");
        }
        let scope = self.scope.len();
        self.scope.extend(params.iter().cloned());
        let outer = std::mem::replace(&mut self.in_macro, true);
        let breakable = std::mem::replace(&mut self.in_breakable, false);
        let mut text = self.start("macro", &format!("{name}{declared}")) + &self.body(depth);
        if self.rng.chance(10) {
            let (open, close) = self.interpolation();
            let shown = self.rng.pick(&[
                ".args?size",
                ".args?keys?join(',')",
                ".args?is_sequence?c",
                "rest?size",
                "(rest?keys)!'-'",
                ".locals?keys?sort?join(',')",
                ".args?values?size",
            ]);
            text += &format!("{open}{shown}{close}");
        }
        if self.rng.chance(50) {
            let value = self.expr(Ty::Str, 1);
            let with = self.rng.pick(&["", "", "1", "s, 2"]);
            let with = if self.rng.chance(30) { &value } else { with };
            text += &self.start("nested", with);
            text += &self.body(depth);
        }
        self.in_macro = outer;
        self.in_breakable = breakable;
        self.scope.truncate(scope);
        self.callables.push(Callable {
            name,
            params,
            is_function: false,
            result: Ty::Any,
        });
        text + &self.end("macro")
    }

    pub(super) fn function_definition(&mut self, depth: usize) -> String {
        let name = self.fresh("f");
        let defaults = self.rng.chance(30);
        let (params, declared) = self.parameters(defaults);
        let result = self.rng.one(&[Ty::Str, Ty::Num, Ty::Bool, Ty::Strs]);
        let scope = self.scope.len();
        self.scope.extend(params.iter().cloned());
        let outer = (self.in_macro, self.in_function, self.in_breakable);
        (self.in_macro, self.in_function, self.in_breakable) = (true, true, false);
        let body = if self.rng.chance(30) {
            self.body(depth)
        } else {
            String::new()
        };
        let value = self.expr(result, 2);
        let text = self.start("function", &format!("{name}{declared}"))
            + &body
            + &self.start("return", &value)
            + &self.end("function");
        (self.in_macro, self.in_function, self.in_breakable) = outer;
        self.scope.truncate(scope);
        self.callables.push(Callable {
            name,
            params,
            is_function: true,
            result,
        });
        text
    }

    pub(super) fn macro_call(&mut self, depth: usize) -> String {
        let macros: Vec<_> = self
            .callables
            .iter()
            .filter(|callable| !callable.is_function)
            .cloned()
            .collect();
        if macros.is_empty() {
            return self.macro_definition(depth);
        }
        let called = &macros[self.rng.below(macros.len())];
        let mut inner = format!("@{}", called.name);
        let preset = self.rng.chance(6);
        if preset {
            let (value, builtin) = (
                self.leaf(Ty::Any),
                self.rng.pick(&["with_args", "with_args_last", "with_args"]),
            );
            let builtin = self.spelled(builtin);
            inner += &match called.params.first() {
                Some((name, _)) if self.rng.chance(60) => {
                    format!("?{builtin}({{'{name}': {value}}})")
                }
                _ => format!("?{builtin}([{value}])"),
            };
        }
        if self.rng.chance(50) {
            for (name, ty) in &called.params {
                if self.rng.chance(92) {
                    inner += &format!(" {name}={}", self.primary(*ty, 1));
                }
            }
            if self.rng.chance(8) {
                inner += " extra=1";
            }
        } else {
            let args: Vec<_> = called
                .params
                .iter()
                .map(|&(_, ty)| self.primary(ty, 1))
                .collect();
            inner += " ";
            inner += &args.join(self.rng.pick(&[" ", ", "]));
        }
        if self.rng.chance(40) {
            return self.tag(&(inner + "/")) + self.after_tag();
        }
        let scope = self.scope.len();
        if self.rng.chance(25) {
            let var = self.fresh("y");
            inner += &format!("; {var}");
            self.scope.push((var, Ty::Any));
            if self.rng.chance(30) {
                let var = self.fresh("y");
                inner += &format!(", {var}");
                self.scope.push((var, Ty::Any));
            }
        }
        let body = self.body(depth);
        self.scope.truncate(scope);
        let end = if self.rng.chance(50) && !preset {
            format!("/@{}", called.name)
        } else {
            "/@".to_owned()
        };
        self.tag(&inner) + self.after_tag() + &body + &self.tag(&end) + self.after_tag()
    }

    /// The directives that every configuration shares as variables.
    pub(super) fn transform(&mut self, depth: usize) -> String {
        let name = self.rng.pick(&[
            "html_escape",
            "xml_escape",
            "compress",
            "normalize_newlines",
            "capture_output",
        ]);
        let var = self.fresh("a");
        let (parameters, captures) = match name {
            "capture_output" => (
                self.rng
                    .pick(&[
                        " var='V'",
                        " local='V'",
                        " global='V'",
                        " namespace=.main var='V'",
                        "",
                    ])
                    .replace('V', &var),
                true,
            ),
            "compress" => {
                let single = self.rng.pick(&["", " single_line=true", " single_line=b"]);
                (single.to_owned(), false)
            }
            _ => (String::new(), false),
        };
        let body = self.body(depth);
        if captures {
            self.scope.push((var, Ty::Str));
        }
        if self.rng.chance(15) {
            let (start, end) = (
                self.tag(&format!("#transform {name}")),
                self.tag("/#transform"),
            );
            return start + &body + &end;
        }
        let end = self.rng.pick(&["/@", "/@"]);
        self.tag(&format!("@{name}{parameters}")) + self.after_tag() + &body + &self.tag(end)
    }

    /// Directives that change what is in them.
    pub(super) fn wrapper(&mut self, depth: usize) -> String {
        let (name, rest) = match self.rng.below(8) {
            0 | 1 => ("compress", String::new()),
            2 => {
                let name = self.fresh("e");
                self.scope.push((name.clone(), Ty::Str));
                let wrapped = self.expr(Ty::Str, 1);
                self.scope.pop();
                ("escape", format!("{name} as {wrapped}"))
            }
            3 => ("autoesc", String::new()),
            4 => ("noautoesc", String::new()),
            5 => ("noparse", String::new()),
            _ => {
                let format = self.rng.pick(&[
                    "'HTML'",
                    "\"XML\"",
                    "'XHTML'",
                    "'RTF'",
                    "'plainText'",
                    "'undefined'",
                    "'XML{HTML}'",
                    "'{HTML}'",
                    "'JSON'",
                ]);
                ("outputformat", format.to_owned())
            }
        };
        let camel = |name: &str| match name {
            "autoesc" => "autoEsc".to_owned(),
            "noautoesc" => "noAutoEsc".to_owned(),
            "noparse" => "noParse".to_owned(),
            "outputformat" => "outputFormat".to_owned(),
            other => other.to_owned(),
        };
        let name = if self.syntax.camel_case {
            camel(name)
        } else {
            name.to_owned()
        };
        let markup = self.syntax.markup;
        if rest.contains("ML") {
            self.syntax.markup = true;
        }
        let mut body = self.body(depth);
        if name == "escape" && self.rng.chance(30) {
            let end = if self.syntax.camel_case {
                "noEscape"
            } else {
                "noescape"
            };
            body = self.tag(&format!("#{end}")) + &body + &self.tag(&format!("/#{end}"));
        }
        self.syntax.markup = markup;
        self.start(&name, &rest) + &body + &self.end(&name)
    }
}
