//! Names of definitions, of which each is taken once in the installation.

use model::definition::Definition;
use sqlx::AnyConnection;

use crate::Error;

/// As names are compared: in lower case, with single spaces.
pub(super) fn normal(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// Takes the draft's name for its definition, and gives back the former one where no version has it.
pub(super) async fn hold(connection: &mut AnyConnection, draft: &Definition) -> Result<(), Error> {
    let (name, id) = (normal(&draft.display_name), draft.id.to_string());
    let taken = || Error::NameTaken {
        name: draft.display_name.clone(),
    };
    if name == normal(&Definition::webhook().display_name) {
        return Err(taken());
    }
    sqlx::query(
        "DELETE FROM definition_names WHERE definition_id = $1 AND name <> $2
         AND NOT EXISTS (SELECT 1 FROM definition_versions v
                         WHERE v.definition_id = $1 AND v.name = definition_names.name)",
    )
    .bind(&id)
    .bind(&name)
    .execute(&mut *connection)
    .await?;
    let held = sqlx::query(
        "INSERT INTO definition_names (name, definition_id) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET definition_id = excluded.definition_id
         WHERE definition_names.definition_id = excluded.definition_id",
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
