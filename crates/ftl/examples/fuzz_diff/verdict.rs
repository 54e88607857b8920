//! What both engines make of cases, and whether that is the same.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ftl::{Budgets, Error, ErrorKind};
use serde_json::{Value, json};

use crate::compare::{difference, essence, render};
use crate::java::FreeMarker;

/// One case, answered by both.
pub(crate) struct Verdict {
    /// `None` if it has panicked.
    pub(crate) ours: Option<Result<String, Error>>,
    pub(crate) java: Value,
    /// The kind of difference, if there is one.
    pub(crate) difference: Option<&'static str>,
    /// Whether one of its templates has something that is refused, be it in an `#attempt`.
    pub(crate) is_refused: bool,
}

impl Verdict {
    /// What is likely to have the same cause has the same signature.
    pub(crate) fn signature(&self) -> Option<String> {
        let kind = self.difference?;
        let java = gist(self.java["error"].as_str().unwrap_or_default());
        let ours = match &self.ours {
            Some(Err(error)) => gist(&error.description()),
            _ => String::new(),
        };
        Some(match kind {
            "line" | "column" | "end" | "stack" => format!("{kind}: {java}"),
            _ if java == ours => format!("{kind}: {java}"),
            _ => format!("{kind}: ours {ours:?}, FreeMarker {java:?}"),
        })
    }

    /// Why it differs, where that is known and is to stay.
    pub(crate) fn explanation(&self) -> Option<&'static str> {
        if self.is_refused {
            return Some("refused");
        }
        if self.java.get("half_surrogate").is_some() {
            return Some("half a surrogate pair");
        }
        if self.difference == Some("budget") {
            return Some("a budget is used up");
        }
        let java = self.java["error"].as_str().unwrap_or_default();
        if matches!(java, "out of memory" | "stack overflow") {
            return Some("FreeMarker has run out of memory");
        }
        if java == "takes too long" {
            return Some("FreeMarker never ends");
        }
        if let (Some(Ok(ours)), Some(output)) = (&self.ours, self.java["output"].as_str()) {
            if output.contains("freemarker.core.Environment@") {
                return Some("FreeMarker prints an object of its own by its identity");
            }
            if essence(ours) == essence(output) {
                return Some("a printed error names Java classes");
            }
            if differs_in_last_digits(ours, output) {
                return Some("Java before 19 prints some doubles with wrong last digits");
            }
        }
        const CRASHES: [&str; 2] = [
            "java.lang.NullPointerException",
            "java.lang.ClassCastException",
        ];
        // What it says of an exception in a call, if that says nothing.
        const NO_WORDS: &str = "Failed to transform element";
        let has_no_words = java.lines().any(|line| line == NO_WORDS);
        const HIDDEN: [&str; 2] = ["see cause exception", "see the cause exception"];
        if HIDDEN.iter().any(|words| java.contains(words)) && matches!(self.ours, Some(Err(_))) {
            return Some("both fail, FreeMarker keeps the reason in a cause");
        }
        const CAUSE: &str = "Underlying cause: java.lang.NullPointerException";
        let left_behind = java == "freemarker.core.ReturnInstruction$Return";
        let fails_at_once = java.contains(CAUSE) && matches!(self.ours, Some(Err(_)));
        if left_behind || fails_at_once {
            return Some("both fail, FreeMarker with an exception of Java's");
        }
        if has_no_words || CRASHES.iter().any(|crash| java.starts_with(crash)) {
            return Some("FreeMarker crashes: it has no value where it takes one for granted");
        }
        const NO_CHARSET: &str = "To do URL encoding, the framework";
        let error = self.ours.as_ref()?.as_ref().err();
        let message = error.map_or("", Error::message);
        let cause = error.and_then(Error::cause).map_or("", Error::message);
        let has_no_charset = |text: &str| text.contains(NO_CHARSET);
        if [message, cause, java].into_iter().any(has_no_charset) {
            return Some("FreeMarker escapes URLs, or fails to, only when they are printed");
        }
        let error = error?;
        let takes_strings = message.contains("a number or boolean or string, but");
        if takes_strings && java.contains("a number or boolean, but") {
            return Some("strings have a ?c since 2.3.32");
        }
        if java.starts_with("java.") {
            return Some("both fail, FreeMarker with an exception of Java's");
        }
        (error.kind() == ErrorKind::Refused).then_some("refused")
    }

    pub(crate) fn ours_as_text(&self) -> String {
        match &self.ours {
            None => "a panic".to_owned(),
            Some(Ok(output)) => format!("{output:?}"),
            Some(Err(error)) => format!(
                "{:?} {:?}\n{}",
                error.description(),
                error.span(),
                error.stack_trace()
            ),
        }
    }
}

/// Whether the texts are the same but for the end of one number that has as many digits as a double.
fn differs_in_last_digits(ours: &str, java: &str) -> bool {
    const DIGITS_OF_A_DOUBLE: usize = 15;
    const LAST: usize = 4;
    let (ours, java): (Vec<char>, Vec<char>) = (ours.chars().collect(), java.chars().collect());
    let differing: Vec<usize> = (0..ours.len())
        .filter(|&at| java.get(at) != Some(&ours[at]))
        .collect();
    let (Some(&first), Some(&last)) = (differing.first(), differing.last()) else {
        return false;
    };
    let is_digit = |at: usize| ours[at].is_numeric() && java[at].is_numeric();
    let digits_before = ours[..first]
        .iter()
        .rev()
        .take_while(|c| c.is_numeric() || matches!(c, ',' | '.' | '\'' | '\u{a0}' | '\u{202f}'))
        .filter(|c| c.is_numeric())
        .count();
    ours.len() == java.len()
        && last - first < LAST
        && differing.iter().all(|&at| is_digit(at))
        && digits_before + LAST >= DIGITS_OF_A_DOUBLE
}

/// The first words of a message, without what it quotes.
fn gist(message: &str) -> String {
    let mut gist = String::new();
    let mut quoted = false;
    for c in essence(message).chars().take_while(|&c| c != '\n') {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => continue,
            '0'..='9' => continue,
            _ => {}
        }
        gist.push(c);
    }
    gist.chars().take(70).collect()
}

/// What a random template may use up: one that wants more would take the other engine minutes, or its memory.
const BUDGETS: Budgets = Budgets {
    steps: 20_000,
    output_bytes: 1 << 20,
    depth: 100,
    memory_bytes: 4 << 20,
    regex_backtracking: 100_000,
    number_digits: 2_000,
};

/// Lets both engines answer; this one first, since it knows what takes too long.
pub(crate) fn judge(java: &mut FreeMarker, cases: &[Value]) -> io::Result<Vec<Verdict>> {
    let none = json!({});
    let now = now();
    let ours: Vec<_> = cases
        .iter()
        .map(|case| catch_unwind(AssertUnwindSafe(|| render(case, &none, BUDGETS, now))).ok())
        .collect();
    let cheap = json!({"id": "", "template": ""});
    let asked: Vec<_> = cases
        .iter()
        .zip(&ours)
        .map(|(case, ours)| if is_used_up(ours) { &cheap } else { case })
        .collect();
    let answers = java.answer(&asked)?;
    Ok(answers
        .into_iter()
        .zip(ours)
        .zip(cases)
        .map(|((java, ours), case)| {
            let difference = match &ours {
                None => Some("panic"),
                Some(_) if java.get("half_surrogate").is_some() => Some("output"),
                Some(_) if is_used_up(&ours) => Some("budget"),
                Some(ours) => difference(ours, &java),
            };
            let is_refused = difference.is_some() && has_refused(case);
            Verdict {
                ours,
                java,
                difference,
                is_refused,
            }
        })
        .collect())
}

/// Whether one of the case's templates is refused where another one may catch that: it is compiled when it is loaded.
fn has_refused(case: &Value) -> bool {
    let loaded = case["templates"].as_object().into_iter().flatten();
    loaded.into_iter().any(|(name, source)| {
        let alone = json!({
            "name": name,
            "templates": {name: source},
            "settings": case["settings"],
            "data": {},
        });
        let mut alone = alone;
        // What is loaded by itself would be looked for.
        if let Some(settings) = alone["settings"].as_object_mut() {
            settings.retain(|name, _| !name.starts_with("auto_i"));
        }
        matches!(render(&alone, &json!({}), BUDGETS, 0), Err(error) if error.kind() == ErrorKind::Refused)
    })
}

/// The time that Java takes for now too: it decides on the century of years with two digits.
#[allow(
    clippy::disallowed_methods,
    reason = "the other engine has the same clock"
)]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

fn is_used_up(ours: &Option<Result<String, Error>>) -> bool {
    matches!(ours, Some(Err(error)) if matches!(
        error.kind(),
        ErrorKind::Steps | ErrorKind::Memory | ErrorKind::Output | ErrorKind::Depth | ErrorKind::NumberSize | ErrorKind::Regex
    ))
}
