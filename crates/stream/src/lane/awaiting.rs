//! A lane in which events wait for properties of their users.
//!
//! Such a delivery is in the journal as a retry without an attempt, due when it is given up, and with its
//! place in its user's order. An event of the user that may bring the property has the first one looked
//! at anew; what the user's state has by then is added to the event, and the retry becomes due at once.
//! The user's others follow one after the other, and what is read meanwhile goes behind them.

use std::sync::Arc;

use journal::turn::{Booked, Turn};
use journal::{Retry, StorageError};
use model::outcome::{Category, Failure};
use model::{Event, Timestamp};

use super::Lane;
use crate::agenda::DueRetry;
use crate::crew::{Waited, Work, WorkResult};
use crate::user;

/// What a new delivery lacks.
pub(super) enum Lack {
    /// Nothing that it can wait for.
    None,
    /// Something that it waits for until then.
    Waits(Timestamp),
    /// Something that it may not wait for any more, or not with so many others.
    GivesUp,
}

/// What becomes of a retry that lacks something.
pub(super) enum Lacking {
    /// It is begun, for this user where others wait for its end.
    Begin(Option<u64>),
    /// It waits for its turn.
    Waits,
}

impl Lane {
    /// What a new delivery of the user lacks, once it has been given what the user's state has.
    pub(super) async fn lack_of(&mut self, work: &mut Work, user: u64) -> Lack {
        let Some(wait) = self.wait else {
            return Lack::None;
        };
        if self.plan.awaited(&work.event).is_empty() {
            return Lack::None;
        }
        // Of one whose first delivery waits it is known: what brings it is seen when it is read.
        if !self.turns.is_awaiting(user) {
            match self.complete(work, user).await {
                Ok(true) => return Lack::None,
                Ok(false) => {}
                // It is looked at again when its time has come.
                Err(error) => {
                    tracing::error!(sync = %self.sync, %error, "a user's properties can't be read");
                }
            }
        }
        let until = work.event.received_at + wait;
        if until <= self.tools.clock.now() {
            work.waited = Waited::InVain;
            return Lack::GivesUp;
        }
        match self.turns.may_await(user, self.bounds.awaiting) {
            Ok(()) => Lack::Waits(until),
            Err(why) => {
                work.waited = Waited::NoRoom(why);
                Lack::GivesUp
            }
        }
    }

    /// Gives the delivery what it lacks and its user's state has; says whether it lacks nothing more
    /// that it could wait for.
    pub(super) async fn complete(
        &mut self,
        work: &mut Work,
        user: u64,
    ) -> Result<bool, StorageError> {
        if self.wait.is_none() || self.plan.awaited(&work.event).is_empty() {
            return Ok(true);
        }
        let known = self
            .tools
            .journal
            .user_properties(self.project, user)
            .await?;
        let complete = known.and_then(|known| self.plan.completed(&work.event, &known));
        let is_complete = complete.is_some();
        if let Some(complete) = complete {
            work.event = Arc::new(complete.event);
            work.given = Some(complete.given.into());
        }
        Ok(is_complete)
    }

    /// Gives the event of a retry what it had at the attempt before, whatever has become of it since: all
    /// attempts are made of the same.
    pub(super) async fn give_again(
        &mut self,
        due: &DueRetry,
        work: &mut Work,
    ) -> Result<(), StorageError> {
        if due.attempts == 0 || self.plan.awaited(&work.event).is_empty() {
            return Ok(());
        }
        let (_, offset, part) = due.key;
        let Some(given) = self.tools.journal.given(self.sync, offset, part).await? else {
            return Ok(());
        };
        if let Some(event) = self.plan.completed_again(&work.event, &given) {
            work.event = Arc::new(event);
            work.given = Some(given);
        }
        Ok(())
    }

    /// Has a new delivery wait for a property of its user.
    pub(super) fn await_property(&mut self, work: Work, user: u64, until: Timestamp) {
        let key = (work.event.offset, work.part);
        for before in self.turns.admit_awaiting(user, key) {
            self.store(before);
        }
        let failure = self.awaits(&work.event, until);
        self.settle_unbegun(work, WorkResult::Awaits { until, failure });
    }

    /// Has the user's next delivery, which the journal has, wait for a property if it is to. One that
    /// waited, and lacks nothing more or may no longer wait, becomes due.
    pub(super) fn begin_waiting(
        &mut self,
        turn: Turn,
        booked: Option<Booked>,
        work: &mut Work,
        complete: bool,
    ) -> bool {
        let Turn { user, offset, part } = turn;
        let now = self.tools.clock.now();
        let until = self.wait.map(|wait| work.event.received_at + wait);
        match booked {
            Some(Booked { due_at, .. }) if complete => {
                let failure = awaiting("it waits no longer for a property of its user".to_owned());
                self.agenda.forget(&(due_at, offset, part));
                self.turns.stops_awaiting(user, (offset, part));
                self.rebook(turn, now, failure, Some(due_at));
                true
            }
            Some(Booked { due_at, .. }) => {
                self.turns.awaits(user, (due_at, offset, part));
                true
            }
            None => match until.filter(|until| !complete && *until > now) {
                Some(until) => {
                    let failure = self.awaits(&work.event, until);
                    self.turns.begins_to_await(user, (offset, part));
                    self.rebook(turn, until, failure, None);
                    true
                }
                None => {
                    if !complete {
                        work.waited = Waited::InVain;
                    }
                    false
                }
            },
        }
    }

    fn rebook(
        &mut self,
        turn: Turn,
        due_at: Timestamp,
        failure: Failure,
        former: Option<Timestamp>,
    ) {
        let Turn { offset, part, .. } = turn;
        let retry = Retry {
            offset,
            part,
            attempts: 0,
            due_at,
            failure,
            given: None,
        };
        self.exposed += 1;
        self.results.book(turn, retry, former);
    }

    /// What becomes of a retry that is due, and may lack something.
    pub(super) async fn lacking(
        &mut self,
        due: &DueRetry,
        work: &mut Work,
    ) -> Result<Lacking, StorageError> {
        let (_, offset, part) = due.key;
        let is_first = self.turns.user_of((offset, part));
        let Some(user) = user::key(&work.event) else {
            return Ok(Lacking::Begin(is_first));
        };
        let complete = self.complete(work, user).await?;
        // Without an attempt are those that wait for properties, and those that are replayed.
        let is_unbegun = due.attempts == 0;
        if is_first.is_some() || !is_unbegun || !self.turns.has_stored(user) {
            if is_first.is_some() && is_unbegun && !complete {
                work.waited = Waited::InVain;
            }
            return Ok(Lacking::Begin(is_first));
        }
        let turn = Turn { user, offset, part };
        if !self.tools.journal.has_turn(self.sync, turn).await? {
            return Ok(Lacking::Begin(None));
        }
        if complete {
            self.turns.awaits_its_turn(user);
            self.results.unbook(turn);
            self.exposed += 1;
            return Ok(Lacking::Waits);
        }
        work.waited = Waited::InVain;
        self.turns.given_up(user);
        self.results.add_given_up(turn);
        self.exposed += 1;
        Ok(Lacking::Begin(None))
    }

    /// An event has been read: what waits for it is looked at anew.
    pub(super) fn look_at_users_of(&mut self, event: &Event) {
        let Some(user) = user::key(event).filter(|user| self.turns.is_awaiting(*user)) else {
            return;
        };
        if !self.plan.may_bring_awaited(event) {
            return;
        }
        self.turns.look_at(user);
    }

    /// The settings have changed: what waited may no longer have to.
    pub(super) fn look_at_all(&mut self) {
        for user in self.turns.all_awaiting() {
            self.turns.look_at(user);
        }
    }

    /// What a delivery waits for, as its retry has it.
    fn awaits(&self, event: &Event, until: Timestamp) -> Failure {
        let awaited = self.plan.awaited(event);
        let names: Vec<_> = awaited.iter().map(|name| format!("\"{name}\"")).collect();
        let properties = match names.len() {
            1 => "property",
            _ => "properties",
        };
        let until = &until.to_string()[..SECONDS];
        let names = names.join(", ");
        awaiting(format!(
            "waits for {properties} {names} of the user until {until} UTC"
        ))
    }
}

/// What is kept of a delivery that waits for a property.
fn awaiting(message: String) -> Failure {
    Failure {
        category: Category::AwaitingProperty,
        status: None,
        message,
        response: String::new(),
    }
}

/// Where the seconds of a time's text end: `2022-02-28 20:07:01.795`.
const SECONDS: usize = 19;
