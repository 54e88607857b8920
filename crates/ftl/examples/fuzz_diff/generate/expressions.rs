//! Expressions of a type.

use std::fmt::Write;

use super::builtins::{Arg, SIGNATURES, Signature};
use super::{Generator, Ty};

impl Generator {
    /// An expression that mostly has type `ty`.
    pub(super) fn expr(&mut self, ty: Ty, depth: usize) -> String {
        self.budget -= 1;
        let ty = if self.rng.per_mille(6) {
            self.any_type()
        } else {
            ty
        };
        if depth == 0 || self.budget < 0 {
            return self.leaf(ty);
        }
        if self.rng.chance(25)
            && let Some(operation) = self.operation(ty, depth - 1)
        {
            return if self.rng.chance(75) {
                format!("({operation})")
            } else {
                operation
            };
        }
        self.primary(ty, depth)
    }

    pub(super) fn any_type(&mut self) -> Ty {
        self.rng.one(&[
            Ty::Str,
            Ty::Num,
            Ty::Small,
            Ty::Bool,
            Ty::Date,
            Ty::Time,
            Ty::DateTime,
            Ty::Strs,
            Ty::Nums,
            Ty::Hashes,
            Ty::Hash,
            Ty::Any,
        ])
    }

    /// White-space and comments where they may stand within an expression.
    fn gap(&mut self) -> &'static str {
        match self.rng.below(60) {
            0 => "  ",
            1 => "\n",
            2 => "\t",
            3 if !self.syntax.square_tags => "<#-- c -->",
            4..14 => "",
            _ => " ",
        }
    }

    fn binary(&mut self, operators: &[&str], left: Ty, right: Ty, depth: usize) -> String {
        let left = self.expr(left, depth);
        let (before, operator, after) = (self.gap(), self.rng.pick(operators), self.gap());
        let right = self.expr(right, depth);
        if operator.chars().any(char::is_alphabetic) {
            format!("{left} {operator} {right}")
        } else {
            format!("{left}{before}{operator}{after}{right}")
        }
    }

    fn operation(&mut self, ty: Ty, depth: usize) -> Option<String> {
        Some(match ty {
            Ty::Str => match self.rng.below(4) {
                0 => self.binary(&["!"], Ty::Str, Ty::Str, depth),
                1 => self.binary(&["+"], Ty::Str, Ty::Num, depth),
                _ => self.binary(&["+"], Ty::Str, Ty::Str, depth),
            },
            Ty::Num => match self.rng.below(8) {
                0 => format!("-{}", self.expr(Ty::Num, depth)),
                1 => format!("+{}", self.expr(Ty::Num, depth)),
                2 => self.binary(&["!"], Ty::Num, Ty::Num, depth),
                _ => self.binary(&["+", "-", "*", "/", "%", "*"], Ty::Num, Ty::Num, depth),
            },
            Ty::Small => self.binary(&["+", "-", "%"], Ty::Small, Ty::Small, depth),
            Ty::Bool => self.condition(depth),
            Ty::Strs | Ty::Nums | Ty::Hashes => match self.rng.below(3) {
                0 if ty == Ty::Nums => self.range(depth, false),
                1 => self.binary(&["!"], ty, ty, depth),
                _ => self.binary(&["+"], ty, ty, depth),
            },
            Ty::Hash => self.binary(&["+"], Ty::Hash, Ty::Hash, depth),
            _ => return None,
        })
    }

    fn condition(&mut self, depth: usize) -> String {
        match self.rng.below(9) {
            0 => format!("!{}", self.expr(Ty::Bool, depth)),
            1 => self.binary(
                &["&&", "and", "&amp;&amp;", "\\and", "&"],
                Ty::Bool,
                Ty::Bool,
                depth,
            ),
            2 => self.binary(&["||", "or", "|"], Ty::Bool, Ty::Bool, depth),
            3 => {
                let ty = self.any_type();
                format!("{}??", self.primary(ty, depth))
            }
            4 => self.binary(&["==", "!=", "="], Ty::Str, Ty::Str, depth),
            5 => self.binary(&["==", "!=", "="], Ty::Bool, Ty::Bool, depth),
            6 => {
                let ty = self.rng.one(&[Ty::Date, Ty::Time, Ty::DateTime]);
                self.binary(&["gt", "lt", "==", "gte"], ty, ty, depth)
            }
            _ => self.binary(
                &[
                    "==", "!=", "gt", "lt", "gte", "lte", "&gt;", "&lt;=", "<", "<=", "\\gt",
                    "\\lte", ">", ">=", "&gt;=",
                ],
                Ty::Num,
                Ty::Num,
                depth,
            ),
        }
    }

    fn range(&mut self, depth: usize, open: bool) -> String {
        let from = self.expr(Ty::Small, depth.min(1));
        let operator = if open {
            ".."
        } else {
            self.rng.pick(&["..", "..<", "..!", "..*"])
        };
        if open {
            return format!("{from}{operator}");
        }
        let to = self.expr(Ty::Small, depth.min(1));
        format!("{from}{operator}{to}")
    }

    /// Something that `?`, `.` and `[` can follow.
    pub(super) fn primary(&mut self, ty: Ty, depth: usize) -> String {
        if depth == 0 || self.budget < 0 {
            return self.leaf(ty);
        }
        match self.rng.below(100) {
            0..48 => self.builtin(ty, depth - 1).unwrap_or_else(|| self.leaf(ty)),
            48..56 => self.part(ty, depth - 1).unwrap_or_else(|| self.leaf(ty)),
            56..62 => {
                let open = self.gap().replace(' ', "");
                format!("({open}{})", self.expr(ty, depth - 1))
            }
            62..68 => self.call(ty, depth - 1).unwrap_or_else(|| self.leaf(ty)),
            68..71 => self.defaulted(ty, depth - 1),
            71 => self.evaluated(ty, depth - 1),
            _ => self.leaf(ty),
        }
    }

    fn defaulted(&mut self, ty: Ty, depth: usize) -> String {
        match self.rng.below(4) {
            0 => format!("(nope!{})", self.primary(ty, depth)),
            1 => format!("(h.nope.x)!{}", self.primary(ty, depth)),
            2 => format!("nope.x[0]!{}", self.primary(ty, depth)),
            _ => format!("{}!", self.primary(ty, depth)),
        }
    }

    fn builtin(&mut self, ty: Ty, depth: usize) -> Option<String> {
        let fitting: Vec<&Signature> = SIGNATURES
            .iter()
            .filter(|signature| fits(signature.result, ty))
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let signature = fitting[self.rng.below(fitting.len())];
        let target = if signature.target == Ty::Any {
            let any = self.any_type();
            self.primary(any, depth)
        } else {
            self.primary(signature.target, depth)
        };
        // A built-in takes the whole of what a number or a lone operator has become.
        let target = if target.starts_with(['-', '+']) {
            format!("({target})")
        } else {
            target
        };
        let name = self.spelled(signature.name);
        let mut call = format!("{target}?{name}");
        if !signature.args.is_empty() {
            let mut args: Vec<_> = signature
                .args
                .iter()
                .map(|&arg| self.argument(arg, depth))
                .collect();
            if self.rng.per_mille(8) {
                args.pop();
            }
            let separator = if self.rng.chance(90) { ", " } else { "," };
            let _ = write!(call, "({})", args.join(separator));
        }
        Some(call)
    }

    fn argument(&mut self, arg: Arg, depth: usize) -> String {
        match arg {
            Arg::Value(ty) => self.expr(ty, depth.min(2)),
            Arg::Lambda(from, to) => {
                let name = self.fresh("it");
                self.scope.push((name.clone(), from));
                let body = self.expr(to, depth.min(2) + 1);
                self.scope.pop();
                if self.rng.chance(15) {
                    format!("({name}) -> {body}")
                } else {
                    format!("{name} -> {body}")
                }
            }
        }
    }

    /// The name of a built-in or directive in the template's convention.
    pub(super) fn spelled(&mut self, name: &str) -> String {
        let (stem, format) = name
            .split_once('.')
            .map_or((name, None), |(stem, format)| (stem, Some(format)));
        let mut spelled = String::new();
        if self.syntax.camel_case && !self.rng.per_mille(5) {
            let nanoless = stem.strip_suffix("_nz").or(stem.strip_suffix("_fz"));
            let mut upper = false;
            for c in nanoless.unwrap_or(stem).chars() {
                match c {
                    '_' => upper = true,
                    c if upper => {
                        spelled.push(c.to_ascii_uppercase());
                        upper = false;
                    }
                    c => spelled.push(c),
                }
            }
            if nanoless.is_some() {
                spelled.push_str(if stem.ends_with("_nz") { "NZ" } else { "FZ" });
            }
        } else {
            spelled.push_str(stem);
        }
        if let Some(format) = format {
            let _ = write!(spelled, ".{format}");
        }
        spelled
    }

    /// An item, a slice, a value of a hash.
    fn part(&mut self, ty: Ty, depth: usize) -> Option<String> {
        Some(match ty {
            Ty::Str | Ty::Short => match self.rng.below(6) {
                0 => format!("{}[{}]", self.primary(Ty::Strs, depth), self.small_index()),
                1 => format!("{}.name", self.primary(Ty::Hash, depth)),
                2 => format!("{}[\"name\"]", self.primary(Ty::Hash, depth)),
                3 => format!("{}[{}]", self.primary(Ty::Str, depth), self.small_index()),
                _ => {
                    let string = self.primary(Ty::Str, depth);
                    format!("{string}[{}]", self.slice(depth))
                }
            },
            Ty::Num => match self.rng.below(3) {
                0 => format!("{}[{}]", self.primary(Ty::Nums, depth), self.small_index()),
                1 => format!("({})[{}]", self.range(depth, true), self.small_index()),
                _ => format!("{}.n", self.primary(Ty::Hash, depth)),
            },
            Ty::Bool => format!("{}.b", self.primary(Ty::Hash, depth)),
            Ty::Hash => format!(
                "{}[{}]",
                self.primary(Ty::Hashes, depth),
                self.small_index()
            ),
            Ty::Strs | Ty::Nums | Ty::Hashes => {
                let list = self.primary(ty, depth);
                format!("{list}[{}]", self.slice(depth))
            }
            _ => return None,
        })
    }

    fn small_index(&mut self) -> String {
        if self.rng.chance(85) {
            self.rng.below(3).to_string()
        } else {
            self.expr(Ty::Small, 1)
        }
    }

    fn slice(&mut self, depth: usize) -> String {
        match self.rng.below(8) {
            0 => self.range(depth, true),
            1 => format!("{}..", self.rng.below(3)),
            2 => format!("..{}", self.rng.below(3)),
            3 => self.range(depth, false),
            4 => format!("{}..*{}", self.rng.below(3), self.rng.between(-3, 5)),
            5 => format!("{}..<{}", self.rng.below(3), self.rng.below(4)),
            6 => format!("{}..{}", self.rng.below(2), self.rng.below(4)),
            _ => format!("0..*{}", self.rng.below(9)),
        }
    }

    /// A call of one of the template's own functions.
    fn call(&mut self, ty: Ty, depth: usize) -> Option<String> {
        let fitting: Vec<_> = self
            .callables
            .iter()
            .filter(|callable| callable.is_function && fits(callable.result, ty))
            .cloned()
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let function = &fitting[self.rng.below(fitting.len())];
        let args: Vec<_> = function
            .params
            .iter()
            .map(|&(_, ty)| self.expr(ty, depth.min(2)))
            .collect();
        if self.rng.chance(12) {
            return Some(self.preset_call(&function.name, &function.params, &args));
        }
        Some(format!("{}({})", function.name, args.join(", ")))
    }

    /// A call of which some arguments are given before.
    fn preset_call(&mut self, name: &str, params: &[(String, Ty)], args: &[String]) -> String {
        let builtin = self.rng.pick(&["with_args", "with_args_last"]);
        let builtin = self.spelled(builtin);
        let at = self.rng.below(args.len() + 1);
        let (first, rest) = args.split_at(at);
        let (preset, given) = match builtin.contains("ast") {
            true => (rest, first),
            false => (first, rest),
        };
        if self.rng.chance(30) {
            let named: Vec<_> = params
                .iter()
                .zip(preset)
                .map(|((name, _), value)| format!("'{name}': {value}"))
                .collect();
            return format!(
                "{name}?{builtin}({{{}}})({})",
                named.join(", "),
                given.join(", ")
            );
        }
        format!(
            "{name}?{builtin}([{}])({})",
            preset.join(", "),
            given.join(", ")
        )
    }

    pub(super) fn leaf(&mut self, ty: Ty) -> String {
        if self.rng.per_mille(5) {
            return self
                .rng
                .pick(&["nope", "nul", "h.nope", ".vars.nope", "lh[99].x"])
                .to_owned();
        }
        let known: Vec<_> = self
            .scope
            .iter()
            .filter(|(_, known)| fits(*known, ty))
            .map(|(name, _)| name.clone())
            .collect();
        if !known.is_empty() && self.rng.chance(60) {
            // What has come last is what the place is about.
            let at = if self.rng.chance(50) {
                known.len() - 1
            } else {
                self.rng.below(known.len())
            };
            return known[at].clone();
        }
        self.literal(ty)
    }
}

/// Whether a value of type `is` can stand where `wanted` is.
fn fits(is: Ty, wanted: Ty) -> bool {
    is == wanted
        || matches!(
            (is, wanted),
            (Ty::Small, Ty::Num) | (Ty::Short | Ty::NumStr, Ty::Str) | (_, Ty::Any)
        )
}
