//! Upper and lower case, with the languages that have rules of their own: Turkish, Azeri and Lithuanian.

/// Upper case as `String.toUpperCase(Locale)` has it.
pub(crate) fn upper_case(text: &str, language: &str) -> String {
    match language {
        "tr" | "az" => text.replace('i', "İ").to_uppercase(),
        "lt" => without_kept_dots(text).to_uppercase(),
        _ => text.to_uppercase(),
    }
}

/// Lower case as `String.toLowerCase(Locale)` has it.
pub(crate) fn lower_case(text: &str, language: &str) -> String {
    match language {
        "tr" | "az" => text
            .replace("I\u{307}", "i")
            .replace('İ', "i")
            .replace('I', "ı")
            .to_lowercase(),
        "lt" => with_kept_dots(text).to_lowercase(),
        _ => text.to_lowercase(),
    }
}

/// Lithuanian keeps the dot of i and j under an accent, as a character of its own; capitals lose it.
fn without_kept_dots(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut soft_dotted = false;
    for c in text.chars() {
        if c == '\u{307}' && soft_dotted {
            continue;
        }
        soft_dotted = matches!(c, 'i' | 'j' | 'į' | '\u{12d}');
        kept.push(c);
    }
    kept
}

fn with_kept_dots(text: &str) -> String {
    let mut dotted = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            'Ì' => dotted.push_str("i\u{307}\u{300}"),
            'Í' => dotted.push_str("i\u{307}\u{301}"),
            'Ĩ' => dotted.push_str("i\u{307}\u{303}"),
            'I' | 'J' | 'Į' => {
                dotted.extend(c.to_lowercase());
                let accent = chars.peek().copied();
                if matches!(accent, Some('\u{300}' | '\u{301}' | '\u{303}')) {
                    dotted.push('\u{307}');
                }
            }
            _ => dotted.push(c),
        }
    }
    dotted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turkish_has_two_letters_i() {
        assert_eq!(upper_case("iıİI", "tr"), "İIİI");
        assert_eq!(lower_case("iıİI", "tr"), "iıiı");
        assert_eq!(upper_case("straße", "de"), "STRASSE");
        assert_eq!(lower_case("ΑΣ", "el"), "ας");
    }

    #[test]
    fn lithuanian_keeps_dots_under_accents() {
        assert_eq!(lower_case("Ì", "lt"), "i\u{307}\u{300}");
        assert_eq!(upper_case("i\u{307}\u{300}", "lt"), "I\u{300}");
    }
}
