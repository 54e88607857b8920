//! What is asked of whoever sits there, or read from a file or from standard input by programs.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use secrecy::SecretString;

use super::Failure;

/// Where a password comes from.
#[derive(Debug, Args)]
pub(super) struct PasswordSource {
    /// A file with the password; `-` is standard input. Without it the password is asked for.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordSource {
    /// The password; the person is asked with `prompt`.
    pub(super) fn read(&self, prompt: &str) -> Result<SecretString, Failure> {
        let text = match &self.password_file {
            None => return secret(prompt),
            Some(path) if path == Path::new("-") => line()?,
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!(
                    "--password-file: {} can't be read: {error}",
                    path.display()
                ))
            })?,
        };
        Ok(without_end(text).into())
    }

    /// A new password; a person who is asked gives it twice.
    pub(super) fn choose(&self, prompt: &str) -> Result<SecretString, Failure> {
        use secrecy::ExposeSecret;
        let password = self.read(prompt)?;
        if self.password_file.is_none() && io::stdin().is_terminal() {
            let again = secret("The same again: ")?;
            if again.expose_secret() != password.expose_secret() {
                return Err(anyhow::anyhow!("the two passwords differ").into());
            }
        }
        Ok(password)
    }
}

/// The value that was given, or a line that is asked for.
pub(super) fn given_or_line(given: Option<&str>, prompt: &str) -> Result<String, Failure> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    // Standard output is for what programs read.
    if io::stdin().is_terminal() {
        let mut error = io::stderr().lock();
        let shown = write!(error, "{prompt}").and_then(|()| error.flush());
        shown.context("nothing can be asked for")?;
    }
    let text = without_end(line()?);
    Ok(text.trim().to_owned())
}

/// Whether whoever sits there says yes; where nobody does, `yes` has to be given.
pub(super) fn confirmed(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let message = "nothing was changed: there is nobody to ask, so say --yes";
        return Err(Failure::usage(message));
    }
    let answer = given_or_line(None, &format!("{question} [y/N] "))?;
    match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(anyhow::anyhow!("nothing was changed").into()),
    }
}

/// A text that isn't shown while it is typed.
pub(super) fn secret(prompt: &str) -> Result<SecretString, Failure> {
    let text = match io::stdin().is_terminal() {
        true => rpassword::prompt_password(prompt).context("nothing can be asked for")?,
        false => line()?,
    };
    Ok(without_end(text).into())
}

/// The next line of standard input.
fn line() -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    match read.context("standard input can't be read")? {
        0 => Err(Failure::usage(
            "there is nobody to ask: give what is missing as an option, or on standard input, a line each",
        )),
        _ => Ok(line),
    }
}

fn without_end(mut text: String) -> String {
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    text
}
