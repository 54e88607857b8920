//! Templates: text, interpolations, directives.

use super::{Generator, Ty};

const TEXTS: &[&str] = &[
    "\n",
    "\n",
    "\n",
    " ",
    "  ",
    "\t",
    "a",
    "text ",
    "x\n",
    "  y\n",
    "é",
    "\n\n",
    "\r\n",
    "<b>",
    "</b>",
    "&",
    "$",
    "#",
    "{",
    "}",
    "\"",
    "'",
    "<",
    ">",
    "]",
    "[x]",
    "${r'$'}{",
    "日本",
    ", ",
    "<!-- -->",
    "\\",
    "$ {",
    "</#",
    "<p class=\"x\">\n",
    "a > b\n",
    "@",
    "=",
];

impl Generator {
    pub(super) fn template(&mut self) -> String {
        let mut text = String::new();
        if self.rng.chance(6) {
            text.push_str(&self.header());
        }
        text.push_str(&self.body(3));
        text
    }

    fn header(&mut self) -> String {
        let parameter = self.rng.pick(&[
            "",
            " strip_whitespace=false",
            " strip_whitespace=true",
            " strip_text=true",
            " output_format=\"HTML\"",
            " output_format='XML' auto_esc=false",
            " auto_esc=true",
            " encoding='UTF-8'",
            " attributes={'a': 1}",
            " strict_syntax=true",
            " output_format=\"plainText\"",
            " nope=1",
            " stripWhitespace=false",
        ]);
        let tag = self.tag(&format!("#ftl{parameter}"));
        format!(
            "{}{tag}{}",
            self.rng.pick(&["", "", "\n", " "]),
            self.rng.pick(&["\n", "", " ", "x"])
        )
    }

    pub(super) fn interpolation(&mut self) -> (&'static str, &'static str) {
        if self.syntax.square_interpolations {
            ("[=", "]")
        } else {
            ("${", "}")
        }
    }

    pub(super) fn tag(&self, inner: &str) -> String {
        if self.syntax.square_tags {
            format!("[{inner}]")
        } else {
            format!("<{inner}>")
        }
    }

    pub(super) fn start(&mut self, name: &str, rest: &str) -> String {
        let name = self.spelled(name);
        let space = if rest.is_empty() { "" } else { " " };
        let end = if self.rng.chance(3) { " " } else { "" };
        let tag = self.tag(&format!("#{name}{space}{rest}{end}"));
        tag + self.after_tag()
    }

    /// The same for a name that is spelled already.
    pub(super) fn start_as(&mut self, name: &str, rest: &str) -> String {
        let tag = self.tag(&format!("#{name} {rest}"));
        tag + self.after_tag()
    }

    pub(super) fn end_as(&mut self, name: &str) -> String {
        let tag = self.tag(&format!("/#{name}"));
        tag + self.after_tag()
    }

    pub(super) fn end(&mut self, name: &str) -> String {
        let name = self.spelled(name);
        let space = if self.rng.chance(2) { " " } else { "" };
        let tag = self.tag(&format!("/#{name}{space}"));
        tag + self.after_tag()
    }

    /// What decides on white-space stripping.
    pub(super) fn after_tag(&mut self) -> &'static str {
        match self.rng.below(20) {
            0..9 => "",
            9..16 => "\n",
            16 => "  \n",
            17 => " ",
            18 => "\r\n",
            _ => "\n\n  ",
        }
    }

    pub(super) fn body(&mut self, depth: usize) -> String {
        let scope = self.scope.len();
        let mut body = String::new();
        for _ in 0..=self.rng.below(3) {
            body.push_str(&self.piece(depth));
        }
        // What a branch has assigned may not be there after it.
        self.scope.truncate(scope);
        body
    }

    fn piece(&mut self, depth: usize) -> String {
        self.budget -= 2;
        if depth == 0 || self.budget < 0 {
            return if self.rng.chance(50) {
                self.text()
            } else {
                self.output()
            };
        }
        match self.rng.below(33) {
            30..33 => self.loading(depth - 1),
            0..4 => self.text(),
            4..13 => self.output(),
            13 | 14 => self.condition_directive(depth - 1),
            15..18 => self.list(depth - 1),
            18 => self.switch(depth - 1),
            19..22 => self.assign(depth - 1),
            22 => self.macro_definition(depth - 1),
            23 => self.function_definition(depth - 1),
            24 if self.rng.chance(20) => self.transform(depth - 1),
            24 => self.macro_call(depth - 1),
            25 => self.attempt(depth - 1),
            26 => self.setting(),
            27 => self.wrapper(depth - 1),
            _ => self.small(),
        }
    }

    pub(super) fn text(&mut self) -> String {
        self.rng.pick(TEXTS).to_owned()
    }

    fn output(&mut self) -> String {
        let ty = self.rng.one(&[
            Ty::Str,
            Ty::Str,
            Ty::Str,
            Ty::Str,
            Ty::Num,
            Ty::Num,
            Ty::Small,
            Ty::Date,
            Ty::Time,
            Ty::DateTime,
            Ty::Bool,
            Ty::Strs,
            Ty::Nums,
            Ty::Hashes,
            Ty::Hash,
        ]);
        let value = match ty {
            Ty::Bool => {
                let condition = self.primary(Ty::Bool, 3);
                format!(
                    "{condition}?{}",
                    self.rng
                        .pick(&["c", "string", "then('y', 'n')", "string('yes', 'no')"])
                )
            }
            Ty::Strs | Ty::Nums => {
                let list = self.primary(ty, 3);
                format!(
                    "{list}?join({})",
                    self.rng.pick(&["', '", "'|', 'none'", "'-', '', '.'"])
                )
            }
            Ty::Hashes => format!("{}?size", self.primary(ty, 3)),
            Ty::Hash => format!("{}?keys?join('-')", self.primary(ty, 2)),
            Ty::Str if self.syntax.markup && self.rng.chance(20) => {
                let ty = self.rng.one(&[Ty::Markup, Ty::Str]);
                self.primary(ty, 2)
            }
            _ => self.expr(ty, 3),
        };
        if ty == Ty::Num && self.rng.chance(6) && !self.syntax.square_interpolations {
            let format = self.rng.pick(&[
                "", "; m2", "; M3", ";m1M4", "; M0", "; m3M1", "; x", ";  m1 M2",
            ]);
            return format!("#{{{value}{format}}}");
        }
        let (open, close) = self.interpolation();
        let space = if self.rng.chance(4) { " " } else { "" };
        format!("{open}{space}{value}{space}{close}")
    }

    fn condition_directive(&mut self, depth: usize) -> String {
        let condition = self.expr(Ty::Bool, 2);
        let mut text = self.start("if", &condition) + &self.body(depth);
        for _ in 0..self.rng.below(5).saturating_sub(2) {
            let condition = self.expr(Ty::Bool, 2);
            text += &self.start("elseif", &condition).replace(
                "#elseif",
                if self.syntax.camel_case {
                    "#elseIf"
                } else {
                    "#elseif"
                },
            );
            text += &self.body(depth);
        }
        if self.rng.chance(40) {
            text += &self.start("else", "");
            text += &self.body(depth);
        }
        text + &self.end("if")
    }

    fn list(&mut self, depth: usize) -> String {
        let ty = self
            .rng
            .one(&[Ty::Strs, Ty::Strs, Ty::Nums, Ty::Hashes, Ty::Hash]);
        let source = self.expr(ty, 2);
        let (item, value) = (self.fresh("x"), self.fresh("v"));
        let scope = self.scope.len();
        let vars = if ty == Ty::Hash {
            self.scope.push((item.clone(), Ty::Str));
            self.scope.push((value.clone(), Ty::Any));
            format!("{item}, {value}")
        } else {
            self.scope.push((item.clone(), ty.item()));
            item.clone()
        };
        self.loops.push(item);
        let breakable = std::mem::replace(&mut self.in_breakable, true);
        let mut text = if ty != Ty::Hash && self.rng.chance(8) {
            let body = self.loop_body(depth);
            self.in_breakable = breakable;
            self.loops.pop();
            self.scope.truncate(scope);
            let name = self.spelled("for_each").replace("for_each", "foreach");
            return self.start_as(&name, &format!("{vars} in {source}"))
                + &body
                + &self.end_as(&name);
        } else if self.rng.chance(25) {
            let (before, items, after) = (
                self.text(),
                self.start("items", &format!("as {vars}")),
                self.text(),
            );
            let body = self.loop_body(depth);
            self.start("list", &source) + &before + &items + &body + &self.end("items") + &after
        } else {
            self.start("list", &format!("{source} as {vars}")) + &self.loop_body(depth)
        };
        self.in_breakable = breakable;
        self.loops.pop();
        self.scope.truncate(scope);
        if self.rng.chance(20) {
            text += &self.start("else", "");
            text += &self.body(depth);
        }
        text + &self.end("list")
    }

    fn loop_body(&mut self, depth: usize) -> String {
        let mut text = self.body(depth);
        if self.rng.chance(35) {
            text += &self.loop_state();
        }
        if self.rng.chance(30) {
            text += &self.start("sep", "");
            text += &self.text();
            if self.rng.chance(70) {
                text += &self.end("sep");
                text += &self.body(depth);
            }
        }
        text
    }

    fn loop_state(&mut self) -> String {
        let name = self.loops[self.rng.below(self.loops.len())].clone();
        let asked = self.rng.pick(&[
            "index",
            "counter",
            "has_next?c",
            "is_first?c",
            "is_last?c",
            "is_odd_item?c",
            "is_even_item?c",
            "item_parity",
            "item_parity_cap",
            "item_cycle('a', 'b', 'c')",
            "item_cycle(1, 2)",
        ]);
        let (open, close) = self.interpolation();
        if self.rng.chance(15) {
            let legacy = self.rng.pick(&["_index", "_has_next?c"]);
            return format!("{open}{name}{legacy}{close}");
        }
        let (stem, rest) = asked.split_at(asked.find(['?', '(']).unwrap_or(asked.len()));
        let stem = self.spelled(stem);
        format!("{open}{name}?{stem}{rest}{close}")
    }

    fn switch(&mut self, depth: usize) -> String {
        let ty = self.rng.one(&[Ty::Str, Ty::Small, Ty::Bool]);
        let subject = self.expr(ty, 1);
        let breakable = std::mem::replace(&mut self.in_breakable, true);
        let mut text = self.start("switch", &subject);
        for _ in 0..self.rng.below(4) {
            let value = self.expr(ty, 1);
            text += &self.start("case", &value);
            text += &self.body(depth);
            if self.rng.chance(60) {
                text += &self.start("break", "");
            }
        }
        if self.rng.chance(50) {
            text += &self.start("default", "");
            text += &self.body(depth);
        }
        self.in_breakable = breakable;
        text + &self.end("switch")
    }

    pub(super) fn assign(&mut self, depth: usize) -> String {
        let directive = match self.rng.below(6) {
            0 => "global",
            1 if self.in_macro || self.rng.chance(5) => "local",
            _ => "assign",
        };
        let ty = self.rng.one(&[
            Ty::Str,
            Ty::Num,
            Ty::Small,
            Ty::Bool,
            Ty::Strs,
            Ty::Nums,
            Ty::Hash,
            Ty::DateTime,
        ]);
        if self.rng.chance(20) {
            let name = self.fresh("a");
            let text = self.start(directive, &name) + &self.body(depth) + &self.end(directive);
            self.scope.push((
                name,
                if self.syntax.markup {
                    Ty::Markup
                } else {
                    Ty::Str
                },
            ));
            return text;
        }
        let own: Vec<_> = self
            .scope
            .iter()
            .filter(|(name, ty)| name.starts_with('a') && matches!(ty, Ty::Num | Ty::Small))
            .map(|(name, _)| name.clone())
            .collect();
        if !own.is_empty() && self.rng.chance(50) {
            let name = &own[self.rng.below(own.len())];
            let change = match self.rng.below(4) {
                0 => format!("{name}++"),
                1 => format!("{name}--"),
                _ => {
                    let value = self.expr(Ty::Num, 1);
                    format!(
                        "{name} {} {value}",
                        self.rng.pick(&["+=", "-=", "*=", "/=", "%="])
                    )
                }
            };
            return self.start(directive, &change);
        }
        let name = self.fresh("a");
        let value = self.expr(ty, 2);
        let mut assigned = format!("{name}{}{value}", self.rng.pick(&[" = ", "=", " =", "= "]));
        if self.rng.chance(10) {
            let second = self.fresh("a");
            let value = self.expr(Ty::Str, 1);
            assigned += &format!(" {second}={value}");
            self.scope.push((second, Ty::Str));
        }
        self.scope.push((name, ty));
        self.start(directive, &assigned)
    }

    fn attempt(&mut self, depth: usize) -> String {
        let mut text = self.start("attempt", "") + &self.body(depth);
        if self.rng.chance(30) {
            text += &format!("{}nope{}", self.interpolation().0, self.interpolation().1);
        }
        text += &self.start("recover", "");
        text += &self.body(depth);
        if self.rng.chance(20) {
            // What follows names Java classes, and tells more.
            let (open, close) = self.interpolation();
            let cut = ["evaluated to", " (", "==>", ", but was"].map(|end| {
                let builtin = self.spelled("keep_before");
                format!("?{builtin}('{end}')")
            });
            text += &format!("{open}.error{}{close}", cut.join(""));
        }
        text + &self.end("attempt")
    }

    fn setting(&mut self) -> String {
        use super::{dates, literals};
        let (name, value) = match self.rng.below(10) {
            0 => ("locale", literals::locale(&mut self.rng)),
            1 => ("time_zone", literals::zone(&mut self.rng)),
            2 => ("number_format", literals::number_format(&mut self.rng)),
            3 => ("date_format", dates::date_format(&mut self.rng)),
            4 => ("time_format", dates::date_format(&mut self.rng)),
            5 => ("datetime_format", dates::date_format(&mut self.rng)),
            6 => ("url_escaping_charset", literals::charset(&mut self.rng)),
            7 => {
                let value = self.rng.pick(&["UTF-8", "ISO-8859-1", ""]);
                ("output_encoding", value.to_owned())
            }
            8 => {
                let format =
                    self.rng
                        .pick(&["computer", "0.####################", "0.0000000000E0"]);
                ("number_format", format.to_owned())
            }
            _ => ("boolean_format", literals::boolean_format(&mut self.rng)),
        };
        let (name, value) = (self.spelled(name), self.quoted(&value));
        self.start("setting", &format!("{name}={value}"))
    }

    fn small(&mut self) -> String {
        match self.rng.below(12) {
            0 => self.start("t", ""),
            1 => self.start("lt", ""),
            2 => self.start("rt", ""),
            3 => self.start("nt", ""),
            4 => self.start("flush", ""),
            5 => self.tag("#--  a comment --"),
            6 if self.in_breakable => {
                let name = self.rng.pick(&["break", "continue", "break"]);
                self.start(name, "")
            }
            7 if self.in_macro && !self.in_function => self.start("return", ""),
            8 if self.rng.chance(20) => {
                let message = self.expr(Ty::Str, 1);
                self.start("stop", &message)
            }
            9 => self.tag("#comment") + &self.text() + &self.tag("/#comment"),
            10 => self.rng.pick(&["[#--x--]", "<#--y-->"]).to_owned(),
            _ => self.text(),
        }
    }
}
