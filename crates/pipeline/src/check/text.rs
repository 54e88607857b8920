//! What may mislead whoever reads a text.

/// Where in a Markdown text an address of the web begins that has a user name or password before its host:
/// to who reads it, `https://bank.example@evil.example` leads to the bank. A link that only a parser of
/// Markdown makes out, such as one with entities in its address, isn't found here: it is shown without.
pub(super) fn link_with_user(text: &str) -> Option<usize> {
    let mut slashes = text.match_indices("://");
    slashes.find_map(|(position, slashes)| {
        let before = &text[..position];
        let scheme = before
            .trim_end_matches(|c: char| c.is_ascii_alphanumeric())
            .len();
        let is_web = ["http", "https"]
            .iter()
            .any(|web| before[scheme..].eq_ignore_ascii_case(web));
        let rest = &text[position + slashes.len()..];
        let ends = |c: char| c.is_whitespace() || r#"/?#\<>()[]"`"#.contains(c);
        let authority = rest.split(ends).next().unwrap_or_default();
        (is_web && authority.contains('@')).then_some(scheme)
    })
}

/// The line and column of a position, in characters, each from 1.
pub(super) fn place(text: &str, position: usize) -> (u32, u32) {
    let before = &text[..position];
    let line = before.matches('\n').count() + 1;
    let in_line = before.rsplit('\n').next().unwrap_or_default();
    // A text is shorter than 4 GiB by far.
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (number(line), number(in_line.chars().count() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_a_user_are_found_and_no_others() {
        for (text, found) in [
            ("See [us](https://bank.example@evil.example/).", Some(9)),
            ("a\nHTTP://u:p@evil.example", Some(2)),
            ("https://a.example/ <https://u@b.example>", Some(20)),
            (
                "https://a.example/@ann and [b](https://b.example),[m](mailto:m@a.example)",
                None,
            ),
            ("https://a.example?to=ann@b.example", None),
            ("postgres://user:password@host/db", None),
            ("ann@a.example, ://x@y, http://", None),
        ] {
            assert_eq!(link_with_user(text), found, "{text}");
        }
        assert_eq!(place("a\n\u{fc}b", 4), (2, 2));
    }
}
