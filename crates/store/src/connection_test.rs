//! That somebody had something sent to test a connection: told in the audit log, though it changes
//! nothing here.

use model::definition::Definition;
use model::sync::Sync;
use model::{OrganisationId, Part};
use serde_json::json;

use crate::change::{Caller, Entry};
use crate::{Error, Store};

/// Whose connection is tested.
#[derive(Debug, Clone, Copy)]
pub enum Tested<'t> {
    /// A definition's.
    Definition(&'t Definition),
    /// A sync's.
    Sync(&'t Sync),
}

impl Store {
    /// Writes into the audit log that `part` of a test event is about to be sent to `host`.
    pub async fn log_connection_test(
        &self,
        organisation: OrganisationId,
        tested: Tested<'_>,
        part: Part,
        host: &str,
        by: &Caller,
    ) -> Result<(), Error> {
        let (action, target_id, target_name) = match tested {
            Tested::Definition(definition) => (
                "definition.test",
                definition.id.to_string(),
                definition.display_name.clone(),
            ),
            Tested::Sync(sync) => ("sync.test", sync.id.to_string(), sync.name.clone()),
        };
        let change = self.begin(by).await?;
        let entry = Entry {
            organisation: Some(organisation),
            action,
            target_id,
            target_name,
            before: None,
            after: Some(json!({"part": part, "host": host})),
        };
        change.commit(entry).await
    }
}
