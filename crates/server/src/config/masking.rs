//! Showing addresses without what is secret in them.

/// What stands in place of a secret.
const MASK: &str = "***";

/// Query parameters of database addresses that hold no secret.
const PLAIN_PARAMETERS: &[&str] = &["application_name", "cache", "mode", "sslmode"];

/// An address without its password and without the values of all parameters but a few; none when
/// the text is no address, and so may be a secret as a whole.
pub(super) fn address(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let plain_scheme =
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain_scheme || !(rest.starts_with("//") || scheme == "sqlite") {
        return None;
    }
    // Whatever a password may contain, it ends before the last @. Behind that may be the end of a
    // parameter that contains one itself: then nothing of it is shown.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, _)) if user.contains("?") && user.contains('=') => {
            (without_password(user), MASK)
        }
        Some((user, rest)) => (without_password(user), rest),
        None => (String::new(), rest),
    };
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, format!("?{}", without_values(query))),
        None => (rest, String::new()),
    };
    Some(format!("{scheme}:{user}{place}{query}"))
}

/// `//USER:PASSWORD` as `//USER:***@`.
fn without_password(user: &str) -> String {
    let (slashes, user) = match user.strip_prefix("//") {
        Some(user) => ("//", user),
        None => ("", user),
    };
    match user.split_once(':') {
        Some((name, _)) => format!("{slashes}{name}:{MASK}@"),
        None => format!("{slashes}{user}@"),
    }
}

fn without_values(query: &str) -> String {
    let parameter = |parameter: &str| match parameter.split_once('=') {
        Some((name, _)) if !PLAIN_PARAMETERS.contains(&name) => format!("{name}={MASK}"),
        _ => parameter.to_owned(),
    };
    query
        .split('&')
        .map(parameter)
        .collect::<Vec<_>>()
        .join("&")
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_is_shown_without_what_is_secret_in_it() {
        for (given, shown) in [
            ("sqlite:/var/lib/control.db", "sqlite:/var/lib/control.db"),
            ("sqlite:control.db?mode=rwc", "sqlite:control.db?mode=rwc"),
            ("postgres://db/app", "postgres://db/app"),
            ("postgres://app@db/app", "postgres://app@db/app"),
            (
                "postgres://app:hunter2@db:5432/app",
                "postgres://app:***@db:5432/app",
            ),
            (
                "postgres://app:hun/ter@2?x@db/app",
                "postgres://app:***@db/app",
            ),
            (
                "postgres://db/app?sslmode=require&password=hunter2&sslkey=hunter2",
                "postgres://db/app?sslmode=require&password=***&sslkey=***",
            ),
            // An @ that isn't escaped ends nothing early.
            (
                "postgres://u:p@db/app?password=a@hunter2",
                "postgres://u:***@***",
            ),
        ] {
            assert_eq!(address(given).as_deref(), Some(shown), "{given}");
        }
        for text in ["hunter2", "hunter2:", ":hunter2", "pass word://hunter2"] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
