//! What a mail server said, in words that can be shown: it may quote the mail, whose links let
//! people in, and what was sent to sign in.

use std::error::Error as _;

use lettre::transport::smtp::Error;

/// Most characters of it that are kept.
const MAX_CHARS: usize = 300;

/// What went wrong, on one line. `secret` and links are left out.
pub(super) fn describe(error: &Error, secret: &str) -> String {
    let cause = error.source().map_or_else(
        // An error that has no cause says it all.
        || error.to_string(),
        ToString::to_string,
    );
    match error.status() {
        Some(code) => readable(&format!("{code} {cause}"), secret),
        None => readable(&cause, secret),
    }
}

fn readable(text: &str, secret: &str) -> String {
    let text = match secret {
        "" => text.to_owned(),
        secret => text.replace(secret, "(secret)"),
    };
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words = words.filter(|word| !word.is_empty()).map(|word| {
        let link = word.contains("://") || word.len() > 100;
        if link { "(left out)" } else { word }
    });
    let words: Vec<_> = words.collect();
    words.join(" ").chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_one_short_line_without_links_and_secrets() {
        assert_eq!(
            readable(
                "554 5.7.1 Blocked URL\r\nhttps://example.com/reset#secret, see <http://x.example>\x07 hunter2!",
                "hunter2"
            ),
            "554 5.7.1 Blocked URL (left out) see (left out) (secret)!"
        );
        assert_eq!(readable(&"word ".repeat(1000), "").chars().count(), 300);
        assert_eq!(readable(&"x".repeat(1000), ""), "(left out)");
    }
}
