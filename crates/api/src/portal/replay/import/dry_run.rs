//! What an import would make of lines of an archive, without taking them.

use std::sync::Arc;

use bytes::Bytes;
use model::{Clock, Event, Offset, Part, ProjectId};
use pipeline::Plan;
use store::SyncRecord;

use super::{MOST_LINES, RefusedLine, line};
use crate::portal::replay::dry_run::{DryRunView, EXAMPLES};
use crate::portal::turns::Abandoned;
use crate::portal::{ApiError, FieldProblem, Portal};

/// Refused lines that are named.
const NAMED: usize = 100;

/// What was found of lines.
#[derive(Default)]
struct Counted {
    taken: u64,
    refused: u64,
    named: Vec<RefusedLine>,
    matching: u64,
    requests: u64,
    examples: Vec<(Arc<Event>, Part)>,
}

impl Portal {
    /// Reads each line as the import would, and counts what the sync would send of them.
    pub(in crate::portal::replay) async fn dry_run_lines(
        &self,
        record: &SyncRecord,
        lines: Vec<String>,
    ) -> Result<DryRunView, ApiError> {
        if lines.len() > MOST_LINES {
            let message = format!("at most {MOST_LINES}");
            return Err(ApiError::field("/lines", message));
        }
        let turn = self.turn_of(record.sync.project).await?;
        let definition = self.definition(&record.sync).await?;
        let (sync, clock) = (Arc::clone(&record.sync), Arc::clone(&self.authority.clock));
        let compiled = Arc::clone(&definition);
        let counting = move |abandoned: &Abandoned| -> Result<Counted, Vec<pipeline::Problem>> {
            let plan = Plan::compile(&compiled, &sync, &clock)?;
            Ok(count(sync.project, &lines, &plan, (&*clock, abandoned)))
        };
        let counted = self.labour(&turn, counting);
        let counted = counted.await?.map_err(|problems| {
            ApiError::Invalid(problems.into_iter().map(FieldProblem::from).collect())
        })?;
        let shown = self.shown(&turn, record, definition, counted.examples);
        Ok(DryRunView {
            total: counted.taken + counted.refused,
            looked_at: counted.taken,
            matching: counted.matching,
            estimate: counted.requests,
            exact: true,
            refused: counted.refused,
            refused_lines: counted.named,
            examples: shown.await?.into_iter().map(|one| one.view).collect(),
        })
    }
}

fn count(
    project: ProjectId,
    lines: &[String],
    plan: &Plan,
    (clock, abandoned): (&dyn Clock, &Abandoned),
) -> Counted {
    let (mut counted, now) = (Counted::default(), clock.now());
    let wanted = lines.iter().take_while(|_| !abandoned.is_so());
    for (index, text) in wanted.enumerate() {
        let read = match line::read(text) {
            Ok(read) => read,
            Err(message) => {
                counted.refused += 1;
                if counted.named.len() < NAMED {
                    counted.named.push(RefusedLine { index, message });
                }
                continue;
            }
        };
        counted.taken += 1;
        let mut text = read.fields;
        // The journal would close it.
        text.push(b'}');
        let place = Offset(index as u64);
        let event = Event::new(project, place, read.kind, now, Bytes::from(text));
        let parts = plan.matching(&event);
        counted.matching += u64::from(!parts.is_empty());
        counted.requests += parts.len() as u64;
        if counted.examples.len() < EXAMPLES
            && let Some(part) = parts.iter().next()
        {
            counted.examples.push((Arc::new(event), part));
        }
    }
    counted
}
