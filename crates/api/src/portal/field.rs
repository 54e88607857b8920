//! Fields that many bodies have: names and e-mail addresses.

use super::problem::{ApiError, FieldProblem};

/// Longest e-mail address (RFC 5321).
const EMAIL_BYTES: usize = 254;

/// A name that is the only field to check.
pub(super) fn checked_name(input: &str) -> Result<String, ApiError> {
    checked(|problems| name(input, problems))
}

/// An e-mail address that is the only field to check. `place` points to it.
pub(super) fn checked_email(place: &str, input: &str) -> Result<String, ApiError> {
    checked(|problems| email(place, input, problems))
}

fn checked<T>(check: impl FnOnce(&mut Vec<FieldProblem>) -> T) -> Result<T, ApiError> {
    let mut problems = Vec::new();
    let value = check(&mut problems);
    match problems.is_empty() {
        true => Ok(value),
        false => Err(ApiError::Invalid(problems)),
    }
}

/// A name as people give it.
pub(super) fn name(input: &str, problems: &mut Vec<FieldProblem>) -> String {
    match model::name::parse(input) {
        Ok(name) => name.to_owned(),
        Err(problem) => {
            problems.push(FieldProblem::new("/name", problem.to_string()));
            String::new()
        }
    }
}

/// An e-mail address in its normal form; `place` points to it. Whether mail can be sent to it shows
/// when it is.
pub(super) fn email(place: &str, input: &str, problems: &mut Vec<FieldProblem>) -> String {
    let email = store::normal_email(input);
    let plain = |c: char| !c.is_whitespace() && !model::name::is_unreadable(c);
    let parts = email.split_once('@');
    let usable = parts.is_some_and(|(name, domain)| {
        !name.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    if !usable || !email.chars().all(plain) || email.len() > EMAIL_BYTES {
        let message = "not an e-mail address: expected something like name@example.com";
        problems.push(FieldProblem::new(place, message));
    }
    email
}
