//! The projects as ingest asks for them.

use std::sync::Arc;

use model::ApiKey;
use store::ProjectIndex;

use crate::ingest::{ProjectIngest, Projects};

impl Projects for ProjectIndex {
    fn by_api_key(&self, key: &ApiKey) -> Option<Arc<ProjectIngest>> {
        let project = self.get(*key)?;
        Some(Arc::new(ProjectIngest {
            project: project.id,
            httpapi_eps: project.throttle.http,
            batch_eps: project.throttle.batch,
        }))
    }
}
