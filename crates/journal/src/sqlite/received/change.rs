//! What gathered events make of a project's rows.

use std::collections::{HashMap, HashSet};

use model::{Offset, Timestamp};
use rusqlite::{Connection, params};

use super::rows::{self, Base, NewRow, Stored};
use crate::received::{Days, Kept, Owner, Room, Scope, Scopes, Tally};
use crate::sqlite::failure::Fault;

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

/// Scopes of one owner, as they would be with what was gathered.
#[derive(Default)]
struct Merged {
    known: Vec<(Stored, usize)>,
    new: HashMap<String, Scope>,
}

impl Change {
    /// Adds what was gathered of the events from `before.next` on to what the rows have.
    pub(super) fn new(
        connection: &Connection,
        project: i64,
        before: Base,
        next: Offset,
        tally: Tally,
        room: Room,
    ) -> Result<Self, Fault> {
        let erased = tally.erased();
        let mut gathered = tally.finish();
        let newest = gathered.scopes.values().map(Scope::newest).max();
        let newest = newest.unwrap_or(Timestamp(0));
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
        for owner in [Owner::EventType, Owner::Users, Owner::GroupType] {
            let mut merged = change.merge(connection, owner, &mut gathered)?;
            change.displace(connection, owner, &mut merged, room)?;
            for (known, before) in merged.known {
                change.put(
                    Some(known.number),
                    owner,
                    known.name,
                    before,
                    known.scope,
                    room,
                );
            }
            for (name, scope) in merged.new {
                change.put(None, owner, name, 0, scope, room);
            }
        }
        change.after.lost.age_at(newest);
        Ok(change)
    }

    /// The scopes of an owner that are other with what was gathered.
    fn merge(
        &self,
        connection: &Connection,
        owner: Owner,
        gathered: &mut Scopes,
    ) -> Result<Merged, Fault> {
        let mut new: HashMap<_, _> = gathered
            .scopes
            .extract_if(|(of, _), _| *of == owner)
            .map(|((_, name), scope)| (name, scope))
            .collect();
        let displaced = gathered.lost.displaced(owner);
        // Mostly all types were told apart, and the others are what they were.
        let stored: Vec<Stored> = match displaced.is_empty() {
            true => {
                let rows = new
                    .keys()
                    .map(|name| rows::scope(connection, self.project, owner, name));
                rows.filter_map(Result::transpose)
                    .collect::<Result<_, _>>()?
            }
            false => rows::of_owner(connection, self.project, owner)?,
        };
        let mut known = Vec::with_capacity(stored.len());
        for mut row in stored {
            let before = row.scope.properties();
            let more = new.remove(&row.name);
            let more = more.unwrap_or_else(|| Scope::missed(displaced.clone()));
            row.scope.merge(more);
            row.scope.age(Kept::at_most(row.scope.newest()));
            known.push((row, before));
        }
        let missed = self.before.lost.displaced(owner);
        for scope in new.values_mut() {
            let gathered = std::mem::replace(scope, Scope::missed(missed.clone()));
            scope.merge(gathered);
        }
        Ok(Merged { known, new })
    }

    /// Where there are too many types, those that may be the most frequent have a place.
    fn displace(
        &mut self,
        connection: &Connection,
        owner: Owner,
        merged: &mut Merged,
        room: Room,
    ) -> Result<(), Fault> {
        let Some(most) = room.of(owner).filter(|_| !merged.new.is_empty()) else {
            return Ok(());
        };
        let ranks = rows::ranks(connection, self.project, owner)?;
        if ranks.len() + merged.new.len() <= most {
            return Ok(());
        }
        let others: HashMap<_, _> = merged
            .known
            .iter()
            .map(|(row, _)| (row.number, row.scope.most().total()))
            .collect();
        let known = ranks.into_iter().map(|(number, name, rank)| {
            (
                others.get(&number).copied().unwrap_or(rank),
                Some(number),
                name,
            )
        });
        let new = merged
            .new
            .iter()
            .map(|(name, scope)| (scope.most().total(), None, name.clone()));
        let mut all: Vec<_> = known.chain(new).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        let mut gone = HashSet::new();
        for (_, number, name) in all.drain(most..) {
            let Some(number) = number else {
                if let Some(scope) = merged.new.remove(&name) {
                    self.after.lost.displace(owner, &scope.most());
                }
                continue;
            };
            gone.insert(number);
            if !others.contains_key(&number)
                && let Some(row) = rows::scope(connection, self.project, owner, &name)?
            {
                self.unseat(owner, number, &row.scope.most(), row.scope.properties());
            }
        }
        let mut known = std::mem::take(&mut merged.known);
        known.retain(|(row, before)| {
            let stays = !gone.contains(&row.number);
            if !stays {
                self.unseat(owner, row.number, &row.scope.most(), *before);
            }
            stays
        });
        merged.known = known;
        Ok(())
    }

    /// Takes the place of one that has a row.
    fn unseat(&mut self, owner: Owner, number: i64, most: &Days, properties: usize) {
        self.after.lost.displace(owner, most);
        self.after.properties -= properties as i64;
        self.gone.push(number);
    }

    fn put(
        &mut self,
        number: Option<i64>,
        owner: Owner,
        name: String,
        before: usize,
        mut scope: Scope,
        room: Room,
    ) {
        let all = usize::try_from(self.after.properties).unwrap_or(0);
        scope.prune(room.in_scope(before, all));
        self.after.properties += scope.properties() as i64 - before as i64;
        self.rows.push(NewRow::new(number, owner, name, &scope));
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

#[cfg(test)]
mod tests;
