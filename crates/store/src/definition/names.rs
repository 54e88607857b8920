//! Names of definitions, of which each is taken once in the installation.

use std::collections::HashSet;

use caseless::Caseless;
use model::definition::Definition;
use model::name::is_unreadable;
use sqlx::{AnyConnection, AnyPool, Row};
use unicode_normalization::UnicodeNormalization;

use crate::Error;

/// Names from before that are compared in one step.
const AT_ONCE: i64 = 500;

/// As the catalog orders names: in lower case, with single spaces.
pub(super) fn in_order(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// As names are compared: of two that differ by no more than case, composition, width, ligatures or what
/// isn't seen, only one can be had. (Unicode's compatibility caseless matching, D146.)
fn alike(name: &str) -> String {
    let seen = name.chars();
    let seen = seen.filter(|&c| c.is_whitespace() || !is_unreadable(c));
    let folded = seen.nfd().default_case_fold().nfkd();
    let folded: String = folded.default_case_fold().nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes the draft's name for its definition, and gives back the former one where no version has it.
pub(super) async fn hold(connection: &mut AnyConnection, draft: &Definition) -> Result<(), Error> {
    let (name, id) = (alike(&draft.display_name), draft.id.to_string());
    let taken = || Error::NameTaken {
        name: draft.display_name.clone(),
    };
    if name == alike(&Definition::webhook().display_name) {
        return Err(taken());
    }
    let of_versions = of_versions(connection, &id).await?;
    let mut is_held = false;
    for (own, reads) in held(connection, &id).await? {
        is_held |= reads == name;
        if reads != name && !of_versions.contains(&reads) {
            sqlx::query("DELETE FROM definition_names WHERE name = $1 AND definition_id = $2")
                .bind(own)
                .bind(&id)
                .execute(&mut *connection)
                .await?;
        }
    }
    if is_held {
        return Ok(());
    }
    // A name from before may be kept under another form; a new one can't come between.
    let others = sqlx::query("SELECT 1 FROM definition_names WHERE alike = $1 LIMIT 1")
        .bind(&name)
        .fetch_optional(&mut *connection)
        .await?;
    if others.is_some() {
        return Err(taken());
    }
    let held = sqlx::query(
        "INSERT INTO definition_names (name, definition_id, alike) VALUES ($1, $2, $1)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(&name)
    .bind(&id)
    .execute(connection)
    .await?;
    match held.rows_affected() {
        0 => Err(taken()),
        _ => Ok(()),
    }
}

/// The names that a definition holds, each as it is kept and as it is compared.
async fn held(connection: &mut AnyConnection, id: &str) -> Result<Vec<(String, String)>, Error> {
    let rows = sqlx::query("SELECT name, alike FROM definition_names WHERE definition_id = $1")
        .bind(id)
        .fetch_all(connection)
        .await?;
    let held = rows.iter().map(|row| {
        let (name, reads): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        let reads = reads.unwrap_or_else(|| alike(&name));
        Ok((name, reads))
    });
    held.collect()
}

/// The names of a definition's versions, as they are compared.
async fn of_versions(connection: &mut AnyConnection, id: &str) -> Result<HashSet<String>, Error> {
    let rows =
        sqlx::query("SELECT DISTINCT name FROM definition_versions WHERE definition_id = $1")
            .bind(id)
            .fetch_all(connection)
            .await?;
    let names = rows.iter().map(|row| {
        let name: String = row.try_get(0)?;
        Ok(alike(&name))
    });
    names.collect()
}

/// Has names be compared that were taken before these were. Where two read alike, both stay whose they
/// are, and nobody else gets either.
pub(crate) async fn compare_former(pool: &AnyPool) -> Result<(), Error> {
    loop {
        let mut transaction = pool.begin().await?;
        let rows = sqlx::query("SELECT name FROM definition_names WHERE alike IS NULL LIMIT $1")
            .bind(AT_ONCE)
            .fetch_all(&mut *transaction)
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let name: String = row.try_get(0)?;
            sqlx::query("UPDATE definition_names SET alike = $2 WHERE name = $1")
                .bind(&name)
                .bind(alike(&name))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_what_is_read() {
        for (name, reads) in [
            ("  Mail\u{a0} Tool\n", "mail tool"),
            ("Race\u{301}", "rac\u{e9}"),
            ("STRASSE", "strasse"),
            ("Stra\u{1e9e}e", "strasse"),
            (
                "\u{ff37}\u{ff45}\u{ff42}\u{ff48}\u{ff4f}\u{ff4f}\u{ff4b}",
                "webhook",
            ),
            (
                "\u{39f}\u{3b4}\u{3cc}\u{3c2}",
                "\u{3bf}\u{3b4}\u{3cc}\u{3c3}",
            ),
            ("a\u{200b}b \u{202e} c", "ab c"),
        ] {
            assert_eq!(alike(name), reads, "{name:?}");
            assert_eq!(alike(reads), reads);
            assert_eq!(alike(&in_order(name)), reads, "{name:?}");
        }
    }
}
