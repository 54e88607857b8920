//! Projects as rows.

use model::sensitive::SensitiveProperties;
use model::{ProjectId, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Project, Retention, Throttle};
use crate::Error;

/// A query for projects with their present keys: of constants only.
pub(crate) fn query_for(rest: &'static str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "SELECT p.id, p.organisation_id, p.name, k.value AS api_key, p.throttle_http,
                p.throttle_batch, p.sensitive, p.events_kept_hours, p.outcomes_kept_hours,
                p.version, p.created_at
         FROM projects p JOIN project_keys k
             ON k.project_id = p.id AND k.kind = 'api' AND k.expires_at IS NULL {rest}"
    ))
}

/// Sensitive properties as they are stored.
pub(super) fn sensitive_text(
    sensitive: &SensitiveProperties,
    id: ProjectId,
) -> Result<String, Error> {
    // Lists of texts always have a JSON form.
    serde_json::to_string(sensitive).map_err(|_| Error::Corrupt {
        what: "the sensitive properties",
        id: id.to_string(),
    })
}

pub(crate) fn from_row(row: &AnyRow) -> Result<Project, Error> {
    let id: String = row.try_get("id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let (organisation, api_key): (String, String) =
        (row.try_get("organisation_id")?, row.try_get("api_key")?);
    let (http, batch, version): (i64, i64, i64) = (
        row.try_get("throttle_http")?,
        row.try_get("throttle_batch")?,
        row.try_get("version")?,
    );
    let sensitive: String = row.try_get("sensitive")?;
    let hours = |column: &str| -> Result<Option<u32>, Error> {
        let hours: Option<i64> = row.try_get(column)?;
        let hours = hours.map(u32::try_from).transpose();
        hours.map_err(|_| corrupt("how long events are kept"))
    };
    Ok(Project {
        id: id.parse().map_err(|_| corrupt("the id"))?,
        organisation: organisation
            .parse()
            .map_err(|_| corrupt("the organisation"))?,
        name: row.try_get("name")?,
        api_key: api_key.parse().map_err(|_| corrupt("the API key"))?,
        throttle: Throttle {
            http: http.try_into().map_err(|_| corrupt("a threshold"))?,
            batch: batch.try_into().map_err(|_| corrupt("a threshold"))?,
        },
        sensitive: serde_json::from_str(&sensitive)
            .map_err(|_| corrupt("the sensitive properties"))?,
        retention: Retention {
            events_hours: hours("events_kept_hours")?,
            outcomes_hours: hours("outcomes_kept_hours")?,
        },
        version: version.try_into().map_err(|_| corrupt("the version"))?,
        created_at: Timestamp(row.try_get("created_at")?),
    })
}
