//! Secrets in all ways in which they are written.

use base64::Engine;

use super::Redaction;

fn redacted(secret: &str, text: &str) -> String {
    Redaction::of([secret]).apply(text)
}

#[test]
fn a_secret_is_found_however_it_is_written() {
    let secret = "wJ/aé \"l'r\\X+k&🦀%z";
    for text in [
        secret,
        // JSON; with ASCII only; with slashes escaped; within JSON.
        r#"wJ/aé \"l'r\\X+k&🦀%z"#,
        r#"wJ\/a\u00e9 \"l'r\\X+k\u0026\ud83e\udd80%z"#,
        r#"wJ\u002Fa\u00E9\u0020\u0022l\u0027r\u005cX\u002bk\u0026\uD83E\uDD80\u0025z"#,
        r#"wJ\\\/a\\u00e9 \\\"l'r\\\\X+k&\\ud83e\\udd80%z"#,
        // URLs and forms, strict and not, in small letters, encoded twice.
        "wJ%2Fa%C3%A9%20%22l'r%5CX%2Bk%26%F0%9F%A6%80%25z",
        "wJ%2fa%c3%a9+%22l%27r%5cX%2bk%26%f0%9f%a6%80%25z",
        "wJ%252Fa%25C3%25A9%2520%2522l%2527r%255CX%252Bk%2526%25F0%259F%25A6%2580%2525z",
        // HTML and XML.
        "wJ/aé &quot;l&#39;r\\X+k&amp;🦀%z",
        "wJ&#x2F;a&#233; &#34;l&apos;r&#92;X+k&amp;&#x1f980;%z",
    ] {
        let (before, behind) = ("{\"error\":\"bad key ", "\"} w wJ/!");
        let found = redacted(secret, &format!("{before}{text}{behind}"));
        assert_eq!(found, format!("{before}[secret]{behind}"), "{text}");
    }
}

#[test]
fn base64_is_found_wherever_it_begins() {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let secret = "s3cr3t?>~~key>?";
    for user in ["", "a", "ab", "abc", "abcd"] {
        for password in [secret.to_owned(), format!("{secret}:x")] {
            for encoded in [
                STANDARD.encode(format!("{user}{password}")),
                URL_SAFE_NO_PAD.encode(format!("{user}{password}")),
            ] {
                let found = redacted(secret, &format!("Basic {encoded}."));
                assert!(found.contains("[secret]"), "{encoded}: {found}");
                // What is left are the letters that it has only a part in.
                let left = found.len() - "Basic [secret].".len();
                assert!(left <= user.len().div_ceil(3) * 4 + 8, "{found}");
            }
        }
    }
}

/// As `openssl base64`, MIME and programs write it, who break lines after 64 or 76 letters.
#[test]
fn base64_is_found_where_it_is_wrapped() {
    use base64::engine::general_purpose::STANDARD;
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEYwJalrXUtnFEMI/K7MDENG+bPxRfiCYE";
    for user in ["", "a", "ab", &"user".repeat(40)] {
        let encoded = STANDARD.encode(format!("{user}{secret}"));
        for (width, line_break) in [
            (64, "\n"),
            (76, "\r\n"),
            (10, "\\n"),
            (1, "\\r\\n"),
            (76, "%0A"),
        ] {
            let lines: Vec<_> = encoded.as_bytes().chunks(width).collect();
            let lines = lines.iter().map(|line| std::str::from_utf8(line).unwrap());
            let text = lines.collect::<Vec<_>>().join(line_break);
            let found = redacted(secret, &format!("<{text}>"));
            let (before, behind) = found
                .split_once("[secret]")
                .unwrap_or_else(|| panic!("{text}: {found}"));
            // What is left are the user and letters that the secret has only a part in.
            let most = (1 + user.len().div_ceil(3) * 4) * (1 + line_break.len());
            assert!(before.len() <= most, "{text}: {found}");
            assert!(
                behind.len() <= 6 * (1 + line_break.len()),
                "{text}: {found}"
            );
        }
    }
    // Lines are lines where they don't stand for one text.
    assert_eq!(redacted("abcdefgh", "abcd\nefgh"), "abcd\nefgh");
}

#[test]
fn of_a_text_that_was_cut_the_beginning_goes_too() {
    assert_eq!(redacted("wJalrXUtnFEMI", "key wJalrX"), "key [secret]");
    assert_eq!(redacted("wJalrXUtnFEMI", "key wJa"), "key wJa");
    assert_eq!(redacted("wJalrXUtnFEMI", "key wJalrX!"), "key wJalrX!");
    for cut in ["\\", "\\\\u", "\\u00e", "%", "%C", "%C3%A", "&", "&#23"] {
        assert_eq!(
            redacted("wJalé9", &format!("key wJal{cut}")),
            "key [secret]"
        );
        assert_ne!(
            redacted("wJalé9", &format!("key wJal{cut}!")),
            "key [secret]!"
        );
    }
}

#[test]
fn a_secret_stands_several_times_and_side_by_side() {
    assert_eq!(
        redacted("abcd", "abcdabcd-abcd-abc"),
        "[secret][secret]-[secret]-abc"
    );
    assert_eq!(
        redacted(r"a\\b\c", r"a\\b\c a\\\\b\\c"),
        "[secret] [secret]"
    );
    assert_eq!(
        redacted("100%", "100% 100%25 100%2525 100%"),
        "[secret] [secret] [secret] [secret]"
    );
    assert_eq!(redacted("abc", "abc"), "abc");
    assert_eq!(redacted("  abc ", "abc"), "abc");
}

#[test]
fn texts_that_only_look_escaped_break_nothing() {
    for text in [
        "%",
        "%2",
        "%é2",
        "\\",
        "\\u",
        "\\u00é",
        "&",
        "&;",
        "&#;",
        "&#x;",
        "&#99999999;",
        "\\\\\\",
        "%25%25%25",
        "é&é",
    ] {
        assert_eq!(redacted("secret%&\\", text), text);
        let double = format!("{text}{text}");
        assert_eq!(redacted("secret%&\\", &double), double);
    }
}

#[test]
fn other_ways_to_write_it_are_found_too() {
    let secret = "wJal/K7MD'ENG+x=";
    for text in [
        "wJal&sol;K7MD&apos;ENG&plus;x&equals;",
        "WJAL/K7MD'ENG+X=",
        r"\x77J\u{61}l/K7MD'ENG+x=",
        r"wJal%5C/K7MD%5Cu0027ENG%2bx=",
        "wJal&amp;sol;K7MD%26apos%3BENG+x=",
    ] {
        assert_eq!(
            redacted(secret, &format!("<{text}>")),
            "<[secret]>",
            "{text}"
        );
    }
}

#[test]
fn what_stands_around_a_secret_hides_nothing_of_it() {
    for secret in [
        "abcdefghij\\",
        "abcdefghij%",
        "abcdefghij&",
        "nabcdefgh1234",
        "abcdef0123456789",
        "12ab34cd56",
        "u00e9abcdefgh",
        "\\abcdefg",
        "pass\"word",
        "n\"abcdefgh",
    ] {
        let json = serde_json::json!(secret).to_string();
        let json = &json[1..json.len() - 1];
        let url: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for text in [
            format!("key {secret} is bad"),
            format!("key {json} is bad"),
            format!("{{\"e\": \"bad: {json}\"}}"),
            format!("'{secret}20'"),
            format!("DOM\\{secret}"),
            format!("DOM\\\\{json}"),
            format!("q=%{secret}"),
            format!("&{secret};"),
            format!("'{secret}amp;'"),
            format!("{url}20 {url} is bad"),
        ] {
            let found = redacted(secret, &text);
            let near = secret.trim_matches(['\\', '%', '&']);
            let near = &near[..near.len().min(8)];
            assert!(found.contains("[secret]"), "{secret} in {text}: {found}");
            assert!(!found.contains(near), "{secret} in {text}: {found}");
        }
    }
    // Of a text that was cut within one, too.
    assert_eq!(redacted("nabcdefgh1234", "DOM\\nabcdefg"), "DOM\\[secret]");
}

#[test]
fn letters_beyond_ascii_are_found_in_capitals_and_small() {
    for (secret, written) in [
        ("clé-privée", "CLÉ-PRIVÉE"),
        ("ΚΛΕΙΔΊΟΣ", "κλειδίος"),
        ("straße-9", "STRASSE-9"),
        ("İstanbul", "İSTANBUL"),
    ] {
        let found = redacted(secret, &format!("<{written}>"));
        assert_eq!(found, "<[secret]>", "{secret}");
    }
}

/// Anything a destination sends takes time in proportion to its length: were it to its square, these took
/// hours.
#[test]
fn texts_that_look_like_escapes_cost_no_more_than_others() {
    let secrets: Vec<String> = (0..50).map(|n| format!(r"s3cr3t\\%%&&++{n}")).collect();
    let redaction = Redaction::of(secrets.iter().map(String::as_str));
    for piece in [
        "\\", "%", "%25", "&", "&amp;", "u", "+", "\\u", "\\ud83e", "%C3", "s3cr3t", "s3cr3t\\",
        "\n", "czNj\n",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        let shown = redaction.apply(&text);
        let is_cut = shown.trim_end().ends_with("[secret]");
        assert!(shown == text || is_cut, "{piece}");
    }
}
