//! Turns at work that keeps a processor busy, or that others may keep waiting: so many at once in all, one or
//! two of each organisation, and few that wait. What one organisation asks for holds up none of another for
//! longer than one piece of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Clock, OrganisationId, ProjectId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ApiError, Portal};

/// How many previews run at once.
const PREVIEWS: usize = 2;

/// How many previews of one organisation run and wait: people who write look at them as they type.
const PREVIEWS_OF_ONE: usize = 16;

/// How many linters and comparisons of events run at once.
const LABOURS: usize = 2;

/// How many of one organisation run and wait: each may take many seconds.
const LABOURS_OF_ONE: usize = 6;

/// How many run and wait in all, of each kind.
const MOST: usize = 200;

/// How long a turn is waited for. With what is done then it stays below what a request may take.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How many connections are tested at once: they keep no processor busy, but each takes as long as the
/// destination lets it wait.
const CONNECTION_TESTS: usize = 32;

/// How many of one organisation are tested at once: what hangs takes no more of them.
const CONNECTION_TESTS_OF_ONE: usize = 2;

/// How many of one organisation are tested and wait.
const CONNECTION_TESTS_AND_WAITING_OF_ONE: usize = 4;

/// How long a turn at a connection test is waited for: a test that hangs takes most of what a request may.
const CONNECTION_TEST_WAIT: Duration = Duration::from_secs(5);

/// How much may be done, and wait.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// By everyone together.
    at_once: usize,
    /// By one organisation.
    of_one: usize,
    /// What runs and waits of one organisation.
    most_of_one: usize,
    longest_wait: Duration,
    /// What is said when that is over.
    waited: &'static str,
}

const OF_LABOUR: Bounds = Bounds {
    at_once: LABOURS,
    of_one: 1,
    most_of_one: LABOURS_OF_ONE,
    longest_wait: LONGEST_WAIT,
    waited: "others' work went first for half a minute: try again in a moment",
};

const OF_PREVIEWS: Bounds = Bounds {
    at_once: PREVIEWS,
    most_of_one: PREVIEWS_OF_ONE,
    ..OF_LABOUR
};

const OF_CONNECTION_TESTS: Bounds = Bounds {
    at_once: CONNECTION_TESTS,
    of_one: CONNECTION_TESTS_OF_ONE,
    most_of_one: CONNECTION_TESTS_AND_WAITING_OF_ONE,
    longest_wait: CONNECTION_TEST_WAIT,
    waited: "other connections are being tested and have not answered yet: try again in a moment",
};

/// Whose work it is: an organisation's, or (`None`) that of those who care for the installation.
pub(super) type Whose = Option<OrganisationId>;

/// Turns at one kind of work.
pub(super) struct Turns {
    /// One for each piece of work that may run at once.
    all: Arc<Semaphore>,
    shares: Arc<Mutex<Shares>>,
    bounds: Bounds,
    clock: Arc<dyn Clock>,
}

/// What runs and waits.
#[derive(Default)]
struct Shares {
    count: usize,
    of: HashMap<Whose, Share>,
}

/// What runs and waits of one organisation.
struct Share {
    count: usize,
    /// Has as many permits as it may do at once.
    own: Arc<Semaphore>,
}

impl Turns {
    fn new(bounds: Bounds, clock: &Arc<dyn Clock>) -> Self {
        Self {
            all: Arc::new(Semaphore::new(bounds.at_once)),
            shares: Arc::default(),
            bounds,
            clock: Arc::clone(clock),
        }
    }

    /// At previews, which are short.
    pub(super) fn at_previews(clock: &Arc<dyn Clock>) -> Self {
        Self::new(OF_PREVIEWS, clock)
    }

    /// At linters and comparisons of events, which are long.
    pub(super) fn at_labour(clock: &Arc<dyn Clock>) -> Self {
        Self::new(OF_LABOUR, clock)
    }

    /// At tests of connections, which take as long as who is asked lets them wait.
    pub(super) fn at_connection_tests(clock: &Arc<dyn Clock>) -> Self {
        Self::new(OF_CONNECTION_TESTS, clock)
    }

    /// Waits for a turn.
    ///
    /// # Errors
    ///
    /// [`ApiError::TooMuchWork`] where too much waits already, or for too long.
    pub(super) async fn take(&self, whose: Whose) -> Result<Turn, ApiError> {
        let (place, own) = self.line_up(whose)?;
        let turn = async {
            // Of each organisation only the first ones are among those that wait for all.
            let own = own.acquire_owned().await.map_err(internal)?;
            let all = self.all.clone().acquire_owned().await.map_err(internal)?;
            let held = Arc::new(Held {
                _all: all,
                _own: own,
                _place: place,
            });
            Ok::<_, ApiError>(Turn { _held: held })
        };
        tokio::select! {
            biased;
            taken = turn => taken,
            () = self.clock.sleep(self.bounds.longest_wait) => Err(ApiError::TooMuchWork {
                message: self.bounds.waited,
            }),
        }
    }

    /// A place among those that wait, unless there are too many.
    fn line_up(&self, whose: Whose) -> Result<(Place, Arc<Semaphore>), ApiError> {
        let mut shares = open(&self.shares);
        if shares.count >= MOST {
            return Err(ApiError::TooMuchWork {
                message: "too much work of this kind waits on this server: try again in a moment",
            });
        }
        let share = shares.of.entry(whose).or_insert_with(|| Share {
            count: 0,
            own: Arc::new(Semaphore::new(self.bounds.of_one)),
        });
        if share.count >= self.bounds.most_of_one {
            return Err(ApiError::TooMuchWork {
                message: "your organisation has too much of this under way and waiting already: try again in a \
                          moment",
            });
        }
        share.count += 1;
        let own = share.own.clone();
        shares.count += 1;
        let place = Place {
            shares: Arc::clone(&self.shares),
            whose,
        };
        Ok((place, own))
    }
}

/// A turn, until all that holds it is gone.
#[derive(Clone)]
pub(super) struct Turn {
    _held: Arc<Held>,
}

/// What a turn takes up, in the order in which it is given back.
struct Held {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
    _place: Place,
}

/// A place among what runs and waits.
struct Place {
    shares: Arc<Mutex<Shares>>,
    whose: Whose,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shares = open(&self.shares);
        shares.count -= 1;
        if let Some(share) = shares.of.get_mut(&self.whose) {
            share.count -= 1;
            if share.count == 0 {
                shares.of.remove(&self.whose);
            }
        }
    }
}

fn open(shares: &Mutex<Shares>) -> MutexGuard<'_, Shares> {
    // Numbers are changed in one step each.
    shares.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether nobody waits for a piece of work any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Abandoned(Arc<AtomicBool>);

impl Abandoned {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Set when it is so.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

/// Says that nobody waits any more, once it is dropped.
struct Waiting(Abandoned);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Portal {
    /// A turn at labour for a project's organisation.
    pub(super) async fn turn_of(&self, project: ProjectId) -> Result<Turn, ApiError> {
        let organisation = self.store.organisation_of(project).await?;
        let organisation = organisation.ok_or_else(|| ApiError::no_project(project))?;
        self.labour_turns.take(Some(organisation)).await
    }

    /// Does short work that keeps a processor busy where it holds nobody up, when it is the turn of whose it
    /// is.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        whose: Whose,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = self.preview_turns.take(whose).await?;
        self.labour(&turn, move |_| work()).await
    }

    /// Does work that keeps a processor busy where it holds nobody up, in a turn. The turn is kept until the
    /// work is done; when nobody waits for it any more, it is told to end.
    pub(super) async fn labour<T: Send + 'static>(
        &self,
        turn: &Turn,
        work: impl FnOnce(&Abandoned) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let abandoned = Abandoned::default();
        let _waiting = Waiting(abandoned.clone());
        let turn = turn.clone();
        let done = self.tasks.spawn_blocking(move || {
            let done = work(&abandoned);
            drop(turn);
            done
        });
        done.await.map_err(internal)
    }
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::Internal {
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use model::time::ManualClock;

    use super::*;

    fn turns(at_once: usize, most_of_one: usize) -> (Turns, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::default());
        let read: Arc<dyn Clock> = clock.clone();
        let bounds = Bounds {
            at_once,
            most_of_one,
            ..OF_LABOUR
        };
        (Turns::new(bounds, &read), clock)
    }

    fn organisation(n: u8) -> Whose {
        Some(OrganisationId::from_bytes([n; 16]))
    }

    fn refused(taken: Result<Turn, ApiError>) -> &'static str {
        match taken {
            Err(ApiError::TooMuchWork { message }) => message,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("a turn was given"),
        }
    }

    /// Whether it waits, having been asked once.
    async fn waits<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        tokio::time::timeout(Duration::from_millis(20), future)
            .await
            .is_err()
    }

    #[tokio::test]
    async fn an_organisation_has_one_turn_and_the_next_goes_to_another() {
        let (turns, _) = turns(2, 4);
        let first = turns.take(organisation(1)).await.unwrap();
        let mut second = pin!(turns.take(organisation(1)));
        assert!(waits(second.as_mut()).await, "one at a time");
        let other = turns.take(organisation(2)).await.unwrap();
        drop(first);
        let second = second.await.unwrap();
        drop((second, other));
    }

    #[tokio::test]
    async fn those_who_wait_too_many_are_refused_and_those_who_go_make_room() {
        let (turns, _) = turns(2, 3);
        let first = turns.take(organisation(1)).await.unwrap();
        {
            let mut second = pin!(turns.take(organisation(1)));
            let mut third = pin!(turns.take(organisation(1)));
            assert!(waits(second.as_mut()).await && waits(third.as_mut()).await);
            let message = refused(turns.take(organisation(1)).await);
            assert!(message.contains("your organisation"), "{message}");
            turns.take(organisation(2)).await.unwrap();
        }
        // Both have gone, which made room; the turn is given where it is waited for.
        let mut fourth = pin!(turns.take(organisation(1)));
        assert!(waits(fourth.as_mut()).await);
        drop(first);
        drop(fourth.await.unwrap());
        assert!(open(&turns.shares).of.is_empty());
        assert_eq!(open(&turns.shares).count, 0);
    }

    #[tokio::test]
    async fn what_hangs_of_one_organisation_leaves_places_to_the_others() {
        let clock = Arc::new(ManualClock::default());
        let read: Arc<dyn Clock> = clock.clone();
        let turns = Turns::at_connection_tests(&read);
        let mut hanging = Vec::new();
        for _ in 0..CONNECTION_TESTS_OF_ONE {
            hanging.push(turns.take(organisation(1)).await.unwrap());
        }
        let mut next = pin!(turns.take(organisation(1)));
        assert!(waits(next.as_mut()).await);
        hanging.push(turns.take(organisation(2)).await.unwrap());
        clock.advance(CONNECTION_TEST_WAIT);
        let message = refused(next.await);
        assert!(message.contains("have not answered yet"), "{message}");
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_a_request_may_take() {
        let (turns, clock) = turns(1, 3);
        let held = turns.take(organisation(1)).await.unwrap();
        let mut second = pin!(turns.take(organisation(2)));
        assert!(waits(second.as_mut()).await);
        clock.advance(LONGEST_WAIT);
        let message = refused(second.await);
        assert!(message.contains("half a minute"), "{message}");
        drop(held);
        turns.take(organisation(2)).await.unwrap();
    }
}
