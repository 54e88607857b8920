//! What the writer does of it, within its transactions.

use std::collections::HashSet;
use std::time::Duration;

use model::{Event, Offset, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, Base, NewRow, Stored};
use crate::received::{
    ALL_PROPERTIES, Days, Example, GROUP_TYPES, Kept, Owner, PROPERTIES, Scope, Scopes, TYPES,
    Tally,
};
use crate::sqlite::failure::Fault;

/// Rows that one step of retention looks at.
const ROWS_PER_STEP: i64 = 16;

/// What gathered events make of a project's rows. Made beside the writer, which only writes it, if
/// nothing has come between.
#[derive(Debug)]
pub(super) struct Change {
    project: i64,
    before: Base,
    after: Base,
    /// Erased events among those that were gathered.
    erased: u64,
    rows: Vec<NewRow>,
    gone: Vec<i64>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in the tables.
    Written,
    /// The rows are others by now: it is to be made anew.
    Overtaken,
    /// Events were erased meanwhile: it is to be gathered anew.
    Erased,
}

impl Change {
    /// Adds what was gathered of the events from `before.next` on to what the rows have.
    pub(super) fn new(
        connection: &Connection,
        project: i64,
        before: Base,
        next: Offset,
        tally: Tally,
    ) -> Result<Self, Fault> {
        let erased = tally.erased();
        let gathered = tally.finish();
        let mut change = Self {
            project,
            after: Base {
                next,
                version: before.version + 1,
                ..before.clone()
            },
            before,
            erased,
            rows: Vec::new(),
            gone: Vec::new(),
        };
        change.after.lost.merge(&gathered.lost);
        let (mut known, mut new) = (Vec::new(), HashSet::new());
        for (owner, name) in gathered.scopes.keys() {
            match rows::scope(connection, project, *owner, name)? {
                Some(row) => known.push(row),
                None => {
                    new.insert((*owner, name.clone()));
                }
            }
        }
        let allowed = change.choose(connection, &gathered, new)?;
        let mut scopes = gathered.scopes;
        for row in known {
            if let Some(gathered) = scopes.remove(&(row.owner, row.name.clone())) {
                change.replace(row, gathered);
            }
        }
        for ((owner, name), gathered) in scopes {
            if allowed.contains(&(owner, name.clone())) {
                change.insert(owner, name, gathered);
            }
        }
        Ok(change)
    }

    /// Which new types get a place: where there are too many, the most frequent of all keep theirs.
    fn choose(
        &mut self,
        connection: &Connection,
        gathered: &Scopes,
        mut allowed: HashSet<(Owner, String)>,
    ) -> Result<HashSet<(Owner, String)>, Fault> {
        for (owner, most) in [(Owner::EventType, TYPES), (Owner::GroupType, GROUP_TYPES)] {
            // Mostly there are none, and nobody loses a place.
            if allowed.iter().all(|(of, _)| *of != owner) {
                continue;
            }
            allowed.retain(|(of, _)| *of != owner);
            let known = rows::counts(connection, self.project, owner)?;
            let names: HashSet<_> = known.iter().map(|(_, name, _)| name.as_str()).collect();
            let of_owner = gathered.scopes.iter();
            let of_owner = of_owner.filter(|((of, _), _)| *of == owner);
            let more = |name: &str| {
                let found = gathered.scopes.get(&(owner, name.to_owned()));
                found.map_or(0, Scope::events)
            };
            let new = of_owner.filter(|((_, name), _)| !names.contains(name.as_str()));
            let new = new.map(|((_, name), scope)| (scope.events(), None, name.clone()));
            let old = known
                .iter()
                .map(|(number, name, events)| (events + more(name), Some(*number), name.clone()));
            let mut all: Vec<_> = old.chain(new).collect();
            all.sort_unstable_by(|a, b| b.cmp(a));
            let too_many = all.split_off(most.min(all.len()));
            let mut lost = Days::default();
            for (_, number, name) in too_many {
                let gathered = gathered.scopes.get(&(owner, name.clone()));
                let mut days = gathered.map(|scope| scope.days.clone()).unwrap_or_default();
                if let Some(number) = number
                    && let Some(known) = rows::scope(connection, self.project, owner, &name)?
                {
                    days.merge(&known.scope.days);
                    self.after.properties -= known.scope.properties() as i64;
                    self.gone.push(number);
                }
                lost.raise_to(&days);
            }
            self.after.lost.of(owner).merge(&lost);
            let new = all.into_iter().filter(|(_, number, _)| number.is_none());
            allowed.extend(new.map(|(_, _, name)| (owner, name)));
        }
        Ok(allowed)
    }

    fn replace(&mut self, known: Stored, gathered: Scope) {
        if self.gone.contains(&known.number) {
            return;
        }
        let before = known.scope.properties();
        let mut scope = known.scope;
        let newest = gathered.newest();
        scope.merge(gathered);
        scope.age(Kept::at_most(newest));
        scope.prune(self.room(before));
        self.put(Some(known.number), known.owner, known.name, before, &scope);
    }

    fn insert(&mut self, owner: Owner, name: String, mut scope: Scope) {
        scope.prune(self.room(0));
        self.put(None, owner, name, 0, &scope);
    }

    /// How many properties a scope may have that had so many.
    fn room(&self, before: usize) -> usize {
        let left = (ALL_PROPERTIES as i64 - self.after.properties).max(0) as usize;
        PROPERTIES.min(before + left)
    }

    fn put(
        &mut self,
        number: Option<i64>,
        owner: Owner,
        name: String,
        before: usize,
        scope: &Scope,
    ) {
        self.after.properties += scope.properties() as i64 - before as i64;
        self.rows.push(NewRow::new(number, owner, name, scope));
    }

    /// Writes it, unless something has come between.
    pub(super) fn write(&self, connection: &Connection) -> Result<Outcome, Fault> {
        let now = rows::base(connection, self.project)?;
        let erased: i64 = connection
            .prepare_cached(
                "SELECT count(*) FROM erased WHERE project = ?1 AND offset >= ?2 AND offset < ?3",
            )?
            .query_row(
                params![
                    self.project,
                    self.before.next.0 as i64,
                    self.after.next.0 as i64
                ],
                |row| row.get(0),
            )?;
        if now.erasures != self.before.erasures || erased as u64 != self.erased {
            return Ok(Outcome::Erased);
        }
        if now != self.before {
            return Ok(Outcome::Overtaken);
        }
        for number in &self.gone {
            rows::delete(connection, *number)?;
        }
        for row in &self.rows {
            row.put(connection, self.project)?;
        }
        rows::put_base(connection, self.project, &self.after)?;
        Ok(Outcome::Written)
    }
}

/// Takes what erased events had brought along, as if they had never been. Those that were not counted
/// yet won't be.
pub(in crate::sqlite) fn forget<'e>(
    connection: &Connection,
    project: i64,
    events: impl Iterator<Item = &'e Event>,
) -> Result<(), Fault> {
    let mut base = rows::base(connection, project)?;
    let (mut tally, mut offsets) = (Tally::new(0), HashSet::new());
    for event in events {
        if event.offset < base.next {
            offsets.insert(event.offset);
            tally.add(event);
        }
    }
    base.version += 1;
    base.erasures += 1;
    for ((owner, name), erased) in tally.finish().scopes {
        let Some(known) = rows::scope(connection, project, owner, &name)? else {
            continue;
        };
        let before = known.scope.properties();
        let mut scope = known.scope;
        scope.take(&erased, &|offset| offsets.contains(&offset));
        let left = match scope.events() {
            0 => {
                rows::delete(connection, known.number)?;
                0
            }
            _ => {
                let row = NewRow::new(Some(known.number), owner, name, &scope);
                row.put(connection, project)?;
                scope.properties()
            }
        };
        base.properties -= before as i64 - left as i64;
    }
    rows::put_base(connection, project, &base)
}

/// Takes all values whose events are gone, so that none is left of a user whose events retention took
/// before the user was erased.
pub(in crate::sqlite) fn forget_gone(connection: &Connection, project: i64) -> Result<(), Fault> {
    let mut chunk = connection.prepare_cached(
        "SELECT first, first + count FROM chunks WHERE project = ?1 AND first <= ?2
         ORDER BY first DESC LIMIT 1",
    )?;
    for mut known in rows::scopes(connection, project)? {
        let mut offsets: Vec<_> = known.scope.example_offsets().collect();
        offsets.sort_unstable();
        offsets.dedup();
        let (mut there, mut within) = (HashSet::new(), 0..0);
        for offset in offsets {
            if !within.contains(&offset.0) {
                let found = chunk
                    .query_row(params![project, offset.0 as i64], |row| {
                        Ok(row.get::<_, i64>(0)? as u64..row.get::<_, i64>(1)? as u64)
                    })
                    .optional()?;
                within = found.unwrap_or(0..0);
            }
            if within.contains(&offset.0) {
                there.insert(offset);
            }
        }
        let keep = |example: &Example| there.contains(&example.offset);
        if known.scope.keep_examples(&keep) {
            let row = NewRow::new(Some(known.number), known.owner, known.name, &known.scope);
            row.put(connection, project)?;
        }
    }
    let mut base = rows::base(connection, project)?;
    base.version += 1;
    base.erasures += 1;
    rows::put_base(connection, project, &base)
}

/// One step of retention, of all projects or of one that keeps less; says whether there may be more.
pub(in crate::sqlite) fn retire(
    connection: &Connection,
    project: Option<i64>,
    now: Timestamp,
    age: Duration,
) -> Result<bool, Fault> {
    let kept = crate::received::kept_at(now, age);
    let due = rows::older(connection, project, kept.from, ROWS_PER_STEP)?;
    let full = due.len() as i64 == ROWS_PER_STEP;
    for known in due {
        let before = known.scope.properties();
        let mut scope = known.scope;
        scope.age(kept);
        let left = match scope.is_gone(kept) {
            true => {
                rows::delete(connection, known.number)?;
                0
            }
            false => {
                let row = NewRow::new(Some(known.number), known.owner, known.name, &scope);
                row.put(connection, known.project)?;
                scope.properties()
            }
        };
        let mut base = rows::base(connection, known.project)?;
        base.version += 1;
        base.properties -= before as i64 - left as i64;
        rows::put_base(connection, known.project, &base)?;
    }
    Ok(full)
}
