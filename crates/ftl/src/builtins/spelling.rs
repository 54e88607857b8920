//! The two ways to spell names of two words.

/// A name in camelCase as snake_case spells it.
pub(crate) fn snake_case(name: &str) -> String {
    if !name.contains(|c: char| c.is_ascii_uppercase()) {
        return name.to_owned();
    }
    let (stem, suffix) = match name {
        _ if name.ends_with("NZ") => (&name[..name.len() - 2], "_nz"),
        _ if name.ends_with("FZ") => (&name[..name.len() - 2], "_fz"),
        _ => (name, ""),
    };
    let mut snake = String::with_capacity(name.len() + 4);
    for c in stem.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake + suffix
}

/// Names in snake_case as camelCase spells them.
pub(crate) fn camel_case(names: &str) -> String {
    let mut camel = String::with_capacity(names.len());
    let mut begins_word = false;
    for c in names.chars() {
        match c {
            '_' => begins_word = true,
            c if std::mem::take(&mut begins_word) => camel.push(c.to_ascii_uppercase()),
            c => camel.push(c),
        }
    }
    camel
}
