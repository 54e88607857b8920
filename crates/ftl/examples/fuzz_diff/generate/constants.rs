//! Literals of a type, as they stand in templates.

use std::fmt::Write;

use super::{Generator, Ty, dates, literals};

impl Generator {
    pub(super) fn literal(&mut self, ty: Ty) -> String {
        match ty {
            Ty::Str => match self.rng.below(12) {
                0 | 1 if self.budget > 0 => self.interpolated_string(),
                2 => self
                    .rng
                    .pick(&[
                        ".lang",
                        ".locale",
                        ".version",
                        ".template_name",
                        ".time_zone",
                        ".output_format",
                        ".main_template_name",
                        ".current_template_name",
                        ".output_encoding!'none'",
                        ".url_escaping_charset!'none'",
                        ".incompatible_improvements",
                        ".caller_template_name",
                        ".locals?size?c",
                        ".namespace?size?c",
                        ".main?size?c",
                        ".globals?size?c",
                        ".data_model?size?c",
                        ".vars.s!'none'",
                        ".vars['s2']!",
                        ".error!'none'",
                        ".args?size?c",
                        ".node!'none'",
                        ".current_node!'none'",
                        ".get_optional_template('part').exists?c",
                        ".get_optional_template('/lib.ftl')?keys?join(',')",
                    ])
                    .to_owned(),
                _ => {
                    let text = literals::string(&mut self.rng);
                    self.quoted(&text)
                }
            },
            Ty::Num => literals::number(&mut self.rng),
            Ty::Small => self.rng.below(8).to_string(),
            Ty::Bool => self.rng.pick(&["true", "false", ".auto_esc"]).to_owned(),
            Ty::Date | Ty::Time | Ty::DateTime => self.dated(ty),
            Ty::Strs | Ty::Nums | Ty::Hashes => {
                let items: Vec<_> = (0..self.rng.below(4))
                    .map(|_| self.leaf(ty.item()))
                    .collect();
                format!("[{}]", items.join(", "))
            }
            Ty::Hash | Ty::Markup | Ty::Match if ty != Ty::Hash => match ty {
                Ty::Match => "s?matches('(.)(.)?')".to_owned(),
                _ if self.syntax.markup => "'<i>'?no_esc".to_owned(),
                _ => "s".to_owned(),
            },
            Ty::Hash => {
                let (name, n) = (self.leaf(Ty::Str), self.leaf(Ty::Num));
                let flag = self.leaf(Ty::Bool);
                format!("{{\"name\": {name}, 'n': {n}, \"b\": {flag}}}")
            }
            Ty::Any => {
                let ty = self.any_type();
                if ty == Ty::Any {
                    self.rng
                        .pick(&[
                            ".vars",
                            ".data_model.h",
                            ".main",
                            ".globals",
                            "m0",
                            "[]",
                            "{}",
                        ])
                        .to_owned()
                } else {
                    self.literal(ty)
                }
            }
            Ty::Keys => self
                .rng
                .pick(&[
                    "['name']",
                    "['n', 'b']",
                    "['nope']",
                    "[]",
                    "['tags', 'x']",
                    "'name'",
                ])
                .to_owned(),
            meaningful => {
                let rng = &mut self.rng;
                let text = match meaningful {
                    Ty::Regex => literals::regex(rng),
                    Ty::Replacement => literals::replacement(rng),
                    Ty::Flags => literals::flags(rng),
                    Ty::RegexFlags => literals::regex_flags(rng),
                    Ty::NumFormat => literals::number_format(rng),
                    Ty::LongFormat => rng
                        .pick(&[
                            "0.####################",
                            "0.00000000000000",
                            "computer",
                            "0.################E0",
                            "0.0000000000000000000E00",
                            "#.##########;; roundingMode=up",
                            "#.############;; roundingMode=halfUp",
                            "#.######;; roundingMode=floor",
                            "0.#################%",
                        ])
                        .to_owned(),
                    Ty::DateFormat => dates::date_format(rng),
                    Ty::NumStr => literals::number_text(rng),
                    Ty::BoolStr => rng.pick(&["true", "false", "yes", "True"]).to_owned(),
                    Ty::Json => literals::json(rng),
                    Ty::Zone => literals::zone(rng),
                    Ty::Charset => literals::charset(rng),
                    Ty::Key => rng
                        .pick(&["name", "n", "name", "n", "b", "nope"])
                        .to_owned(),
                    _ => literals::short(rng),
                };
                self.quoted(&text)
            }
        }
    }

    /// A string literal for a text.
    pub(super) fn quoted(&mut self, text: &str) -> String {
        let quote = if self.rng.chance(70) { '"' } else { '\'' };
        if text.contains('\\')
            && !text.contains(quote)
            && !text.contains(['\n', '\r'])
            && self.rng.chance(60)
        {
            return format!("r{quote}{text}{quote}");
        }
        let mut literal = String::from(quote);
        for c in text.chars() {
            match c {
                '\\' => literal.push_str("\\\\"),
                '\n' if self.rng.chance(80) => literal.push_str("\\n"),
                '\r' => literal.push_str("\\r"),
                '\t' => literal.push_str("\\t"),
                '{' => literal.push_str("\\{"),
                '<' if self.rng.chance(40) => literal.push_str("\\l"),
                '>' if self.rng.chance(40) => literal.push_str("\\g"),
                '&' if self.rng.chance(40) => literal.push_str("\\a"),
                c if c == quote => {
                    literal.push('\\');
                    literal.push(c);
                }
                c if (c as u32) < 0x20
                    || (c as u32) > 0x7e && (c as u32) < 0x1_0000 && self.rng.chance(30) =>
                {
                    let _ = write!(literal, "\\x{:04X}", c as u32);
                }
                c => literal.push(c),
            }
        }
        literal.push(quote);
        literal
    }

    fn interpolated_string(&mut self) -> String {
        let mut text = literals::short(&mut self.rng).replace(['\\', '"', '\n'], "-");
        for _ in 0..=self.rng.below(2) {
            let ty = self.rng.one(&[Ty::Str, Ty::Str, Ty::Num, Ty::Small]);
            let inner = self.expr(ty, 1).replace('\\', "\\\\").replace('"', "\\\"");
            let (open, close) = self.interpolation();
            let _ = write!(text, "{open}{inner}{close}");
            text.push_str(self.rng.pick(&["", " ", "b", "$"]));
        }
        format!("\"{text}\"")
    }

    fn dated(&mut self, ty: Ty) -> String {
        let rng = &mut self.rng;
        let kind = match ty {
            Ty::Date => "date",
            Ty::Time => "time",
            _ => "datetime",
        };
        if rng.chance(25) {
            let moment = rng.one(&[
                0,
                1_646_078_821_795,
                951_786_096_000,
                -1,
                1_711_848_600_000,
                -62_135_769_600_000,
                4_102_444_800_000,
            ]);
            let moment = moment + rng.between(-100, 100) * 1_800_000;
            return format!("({moment})?{}", self.spelled(&format!("number_to_{kind}")));
        }
        if rng.chance(40) {
            let text = dates::iso_text(rng);
            let text = match ty {
                Ty::Date => text.split('T').next().unwrap_or_default().to_owned(),
                Ty::Time => text.split('T').next_back().unwrap_or_default().to_owned(),
                _ => text,
            };
            let form = rng.pick(&["iso", "xs", "iso", "xs", "iso_m", "iso_nz", "xs_fz"]);
            let text = self.quoted(&text);
            return format!("{text}?{kind}.{form}");
        }
        let pattern = dates::date_pattern(rng);
        let text = dates::date_text(rng, &pattern);
        let (text, pattern) = (self.quoted(&text), self.quoted(&pattern));
        if self.rng.chance(20) {
            format!("{text}?{kind}[{pattern}]")
        } else {
            format!("{text}?{kind}({pattern})")
        }
    }
}
