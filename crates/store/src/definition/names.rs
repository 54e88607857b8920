//! Names of definitions, of which each is taken once in the installation.

use std::collections::{HashMap, HashSet};

use caseless::Caseless;
use model::definition::Definition;
use model::name::is_unreadable;
use model::{DefinitionId, OrganisationId};
use sqlx::{AnyConnection, AnyPool, Row};
use unicode_normalization::UnicodeNormalization;

use super::{check_room_for, demand_own};
use crate::{Error, Store};

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

/// A name that a definition is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameWish {
    /// Which definition; `None`: one that is still to be made.
    pub definition: Option<DefinitionId>,
    /// The name.
    pub name: String,
    /// Whether it is released with it: then it keeps the name.
    pub released: bool,
}

impl Store {
    /// Which of these names could not be had, by position, if they were taken one after the other: a name
    /// that one gives back is free for the next. Takes none. Refuses more new definitions than the
    /// organisation may have, and other definitions than its own.
    pub async fn names_taken(
        &self,
        organisation: OrganisationId,
        wishes: &[NameWish],
    ) -> Result<Vec<usize>, Error> {
        let mut connection = self.pool.acquire().await?;
        let connection = &mut *connection;
        let made = wishes.iter().filter(|wish| wish.definition.is_none());
        check_room_for(connection, organisation, made.count()).await?;
        let mut known = Known::default();
        for wish in wishes {
            if let Some(id) = wish.definition {
                demand_own(connection, organisation, id).await?;
                known.read(connection, id.to_string()).await?;
            }
        }
        let mut taken = Vec::new();
        for (position, wish) in wishes.iter().enumerate() {
            let name = alike(&wish.name);
            // Those that are still to be made have no id yet.
            let id = match wish.definition {
                Some(id) => id.to_string(),
                None => format!("new {position}"),
            };
            if known.is_free(connection, &id, &name).await? {
                known.take(&id, name, wish.released);
            } else {
                taken.push(position);
            }
        }
        Ok(taken)
    }
}

/// The names of some definitions, as they are compared, while others of theirs are tried.
#[derive(Debug, Default)]
struct Known {
    /// Those that each holds.
    held: HashMap<String, HashSet<String>>,
    /// Those that its versions have, which it keeps.
    of_versions: HashMap<String, HashSet<String>>,
}

impl Known {
    async fn read(&mut self, connection: &mut AnyConnection, id: String) -> Result<(), Error> {
        let held = held(connection, &id).await?.into_iter();
        let of_versions = of_versions(connection, &id).await?;
        let held = held.map(|(_, reads)| reads).collect();
        self.held.insert(id.clone(), held);
        self.of_versions.insert(id, of_versions);
        Ok(())
    }

    /// Whether a definition can have a name, as [`hold`] decides.
    async fn is_free(
        &self,
        connection: &mut AnyConnection,
        id: &str,
        name: &str,
    ) -> Result<bool, Error> {
        let others = |held: &HashSet<String>| held.contains(name);
        let mut all = self.held.iter();
        if name == alike(&Definition::webhook().display_name)
            || all.any(|(other, held)| other != id && others(held))
        {
            return Ok(false);
        }
        let rows = sqlx::query("SELECT definition_id FROM definition_names WHERE alike = $1")
            .bind(name)
            .fetch_all(connection)
            .await?;
        for row in rows {
            let holder: String = row.try_get(0)?;
            // What becomes of these is known better.
            if !self.held.contains_key(&holder) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn take(&mut self, id: &str, name: String, released: bool) {
        let of_versions = self.of_versions.entry(id.to_owned()).or_default();
        if released {
            of_versions.insert(name.clone());
        }
        let mut held = of_versions.clone();
        held.insert(name);
        self.held.insert(id.to_owned(), held);
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
