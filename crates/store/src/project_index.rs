//! The projects by API key, in memory: what ingest asks for each request.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use model::{ApiKey, ProjectId};

use crate::Project;

/// The projects by API key. The [`Store`](crate::Store) keeps it up to date.
#[derive(Debug, Default)]
pub struct ProjectIndex {
    by_key: RwLock<HashMap<ApiKey, Arc<Project>>>,
}

impl ProjectIndex {
    /// The project with this API key.
    pub fn get(&self, api_key: ApiKey) -> Option<Arc<Project>> {
        let by_key = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        by_key.get(&api_key).cloned()
    }

    /// All projects' ids, in no order.
    pub fn ids(&self) -> Vec<ProjectId> {
        let by_key = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        by_key.values().map(|project| project.id).collect()
    }

    pub(crate) fn put(&self, project: Arc<Project>) {
        let mut by_key = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        by_key.insert(project.api_key, project);
    }

    pub(crate) fn remove(&self, api_key: ApiKey) {
        let mut by_key = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        by_key.remove(&api_key);
    }
}
