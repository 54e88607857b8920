//! The definitions that syncs can connect.

use std::sync::{Arc, LazyLock};

use model::DefinitionId;
use model::definition::Definition;

use crate::{Error, Store};

static WEBHOOK: LazyLock<Arc<Definition>> = LazyLock::new(|| Arc::new(Definition::webhook()));

impl Store {
    /// A version of a definition; `None` when there is no such one.
    pub async fn definition(
        &self,
        id: DefinitionId,
        version: u32,
    ) -> Result<Option<Arc<Definition>>, Error> {
        let built_in = [&*WEBHOOK];
        let found = built_in
            .into_iter()
            .find(|definition| definition.id == id && definition.version == version);
        Ok(found.cloned())
    }

    /// The built-in definition of the generic webhook.
    pub fn webhook(&self) -> Arc<Definition> {
        WEBHOOK.clone()
    }
}
