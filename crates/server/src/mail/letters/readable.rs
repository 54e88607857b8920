//! What others wrote, and times, as letters show them.

use model::Timestamp;

/// Most characters of a name or an address that are shown.
const NAME_MAX_CHARS: usize = 80;

/// Most characters of what somebody said that are shown.
const TEXT_MAX_CHARS: usize = 1000;

/// A name or an address from a stranger, on one line, without what turns text around, not too long,
/// and in no form that mail clients make a link of: nobody is to send their own text through us.
pub(super) fn shown(name: &str) -> String {
    readable(name, NAME_MAX_CHARS)
}

/// The same of what somebody said.
pub(super) fn quoted(text: &str) -> String {
    readable(text, TEXT_MAX_CHARS)
}

fn readable(text: &str, most: usize) -> String {
    let clean = model::name::readable(text);
    let words: Vec<_> = clean.split_whitespace().collect();
    let line = words.join(" ").replace("://", ": //");
    match line.chars().nth(most) {
        None => line,
        Some(_) => {
            let cut: String = line.chars().take(most).collect();
            format!("{}…", cut.trim_end())
        }
    }
}

/// A point in time for people: `22 November 2026, 13:05 UTC`.
pub(super) fn date(at: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(time) => time.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        // Beyond the year 9999.
        Err(_) => at.to_string(),
    }
}
