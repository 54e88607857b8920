//! Versions of definitions as syncs connect them, and the one that is built in.

use std::sync::{Arc, LazyLock};

use model::DefinitionId;
use model::definition::Definition;
use sqlx::Row;

use crate::{Error, Store};

static WEBHOOK: LazyLock<Arc<Definition>> = LazyLock::new(|| Arc::new(Definition::webhook()));

impl Store {
    /// A version of a definition, whoever made it; `None` when there is no such one.
    pub async fn definition(
        &self,
        id: DefinitionId,
        version: u32,
    ) -> Result<Option<Arc<Definition>>, Error> {
        if id == WEBHOOK.id {
            return Ok((version == WEBHOOK.version).then(|| WEBHOOK.clone()));
        }
        if let Some(cached) = self.definitions.get(id, version) {
            return Ok(Some(cached));
        }
        let row = sqlx::query(
            "SELECT content FROM definition_versions WHERE definition_id = $1 AND version = $2",
        )
        .bind(id.to_string())
        .bind(i64::from(version))
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let content: String = row.try_get(0)?;
        let definition: Definition =
            serde_json::from_str(&content).map_err(|_| Error::Corrupt {
                what: "the definition",
                id: id.to_string(),
            })?;
        let definition = Arc::new(definition);
        self.definitions.keep(definition.clone(), content.len());
        Ok(Some(definition))
    }

    /// The built-in definition of the generic webhook.
    pub fn webhook(&self) -> Arc<Definition> {
        WEBHOOK.clone()
    }
}
