//! Keeps credentials out of what is shown.

/// Parts of header names that say that the value is a credential.
const TELLING: &[&str] = &[
    "authorization",
    "cookie",
    "token",
    "secret",
    "password",
    "api-key",
    "apikey",
    "api_key",
    "signature",
    "credential",
];

/// The value as it may be shown: of a credential only its scheme (`Bearer`, `Basic`) and length.
pub(super) fn header_value(name: &str, value: &str) -> String {
    let name = name.to_ascii_lowercase();
    if !TELLING.iter().any(|part| name.contains(part)) {
        return value.to_owned();
    }
    match value.split_once(' ') {
        Some((scheme, secret)) if name.contains("authorization") => {
            format!("{scheme} {}", masked(secret))
        }
        _ => masked(value),
    }
}

fn masked(secret: &str) -> String {
    format!("•••• ({} characters, hidden)", secret.chars().count())
}

#[cfg(test)]
mod tests {
    use super::header_value;

    #[test]
    fn credentials_are_hidden_and_their_scheme_and_length_stay() {
        assert_eq!(
            header_value("Authorization", "Bearer abcdef"),
            "Bearer •••• (6 characters, hidden)"
        );
        for name in ["X-Api-Key", "cookie", "x-auth-token", "X-Hub-Signature-256"] {
            assert_eq!(
                header_value(name, "s3cret value"),
                "•••• (12 characters, hidden)"
            );
        }
    }

    #[test]
    fn other_headers_stay_as_they_are() {
        assert_eq!(
            header_value("content-type", "application/json"),
            "application/json"
        );
        assert_eq!(header_value("x-tenant", "acme"), "acme");
    }
}
