//! The projects of the control plane as ingest asks for them.

use std::sync::Arc;

use async_trait::async_trait;
use model::ApiKey;
use store::{Project, Store};

use super::{Known, ProjectIngest, Projects, ReadError};

#[async_trait]
impl Projects for Store {
    fn known(&self, key: ApiKey) -> Known {
        match self.known_project(key) {
            Some(project) => Known::Is(project.map(|project| ingest(&project))),
            None => Known::Unread,
        }
    }

    async fn read(&self, key: ApiKey) -> Result<Option<Arc<ProjectIngest>>, ReadError> {
        let read = self.project_by_api_key(key).await;
        let project = read.map_err(|error| ReadError(Box::new(error)))?;
        Ok(project.map(|project| ingest(&project)))
    }
}

fn ingest(project: &Project) -> Arc<ProjectIngest> {
    Arc::new(ProjectIngest {
        project: project.id,
        httpapi_eps: project.throttle.http,
        batch_eps: project.throttle.batch,
    })
}
