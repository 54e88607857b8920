//! Figures add up, whatever becomes of events: what came in is what was filtered, sent, given up and let
//! go, and what is still owed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use journal::fate::Fates as _;
use journal::figures::Figures;
use journal::hold::LetGoWhy;
use journal::{EraseRequest, Journal as _, ReplayStep, Subject};
use millstream_stream::{Backfill, Backlog, Config};
use model::definition::Definition;
use model::filter::{SelectedType, Selection};
use model::random::Seeded;
use model::sync::{Order, Sync};
use model::{Clock as _, ErasureId, Offset, Random as _, ReplayId};
use pipeline::Scope;

use crate::support::{Answer, START, World};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PATH: &str = "/all";

/// What a sync's figures say, which have to add up at any moment: they are of one.
async fn figures(world: &World, sync: &Sync) -> Figures {
    let found = world.figures(sync).await;
    let (counts, balance) = (found.counts, found.balance);
    let income = found.details.received + balance.second + balance.again;
    let sent = counts.delivered_first + counts.delivered_retry;
    let given_up = counts.filtered + counts.discarded + counts.expired;
    let let_go = balance.dropped + balance.superseded + balance.lost + balance.erased;
    let owed = found.pending + found.waiting;
    assert_eq!(income, sent + given_up + let_go + owed, "{found:?}");
    found
}

/// How many deliveries the destination took, by its own count: a repeated one is the same.
fn taken(world: &World) -> u64 {
    let taken = world.destination.taken(PATH).into_iter();
    taken.collect::<HashSet<_>>().len() as u64
}

fn delivered(figures: &Figures) -> u64 {
    figures.counts.delivered_first + figures.counts.delivered_retry
}

async fn switch(world: &World, sync: &mut Sync, enabled: bool) {
    sync.enabled = enabled;
    // What is under way may wait for its time.
    let pass = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            world.clock.advance(Duration::from_millis(10));
        }
    };
    tokio::select! {
        () = world.apply(sync) => {}
        () = pass => {}
    }
}

async fn erase(world: &World, number: u8, user: u64) {
    let request = EraseRequest {
        id: ErasureId::from_bytes([number; 16]),
        project: world.project,
        subject: Subject::UserId(format!("user-{user}")),
        at: world.clock.now(),
    };
    world.journal.erase(request).await.unwrap();
    while world
        .journal
        .go_on_erasing(world.clock.now())
        .await
        .unwrap()
        .more
    {}
    world.streams.recount();
}

async fn until_pending(world: &World, sync: &Sync, pending: u64) {
    world
        .until_before_retry("booking", |world| {
            world.streams.view(sync.id).unwrap().pending == pending
        })
        .await;
}

/// Until the sync has come to all events, and owes nothing.
async fn until_all_is_over(world: &World, sync: &Sync) {
    world
        .until("the end of all", |world| {
            let view = world.streams.view(sync.id).unwrap();
            let head = *world.journal.head(world.project).borrow();
            view.cursor == head && view.pending == 0 && view.in_order == 0
        })
        .await;
    // What was only filtered is settled now and then.
    let head = world.journal.head(world.project).borrow().0;
    for _ in 0..20_000 {
        let found = figures(world, sync).await;
        if (found.details.received, found.pending) == (head, 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        world.clock.advance(Duration::from_millis(50));
    }
    panic!("what was passed is never settled");
}

#[tokio::test]
async fn what_came_in_is_accounted_for_through_everything_that_lets_go() {
    let mut world = World::new(Config::default()).await;
    let mut sync = world.sync(1, PATH);
    let ticks = SelectedType {
        event_type: "tick".into(),
        condition: None,
    };
    sync.settings.events.select = Selection::Types(vec![ticks]);
    world.apply(&sync).await;
    world.send("tick", 0..20).await;
    world.send("tock", 0..3).await;
    until_all_is_over(&world, &sync).await;
    let found = figures(&world, &sync).await;
    assert_eq!((found.details.received, found.counts.filtered), (23, 3));
    assert_eq!((delivered(&found), taken(&world)), (20, 20));

    // An erasure takes retries, and events that the sync had not come to.
    world.destination.answers(PATH, [Answer::Status(500)]);
    world.send("tick", 0..28).await;
    until_pending(&world, &sync, 28).await;
    switch(&world, &mut sync, false).await;
    world.send("tick", 0..14).await;
    erase(&world, 1, 3).await;
    let found = figures(&world, &sync).await;
    assert_eq!((found.balance.erased, found.pending), (4, 24));
    world.destination.answers(PATH, [Answer::Status(200)]);
    switch(&world, &mut sync, true).await;
    until_all_is_over(&world, &sync).await;
    let found = figures(&world, &sync).await;
    assert_eq!((found.balance.erased, found.counts.filtered), (6, 3));
    assert_eq!((delivered(&found), taken(&world)), (56, 56));

    // What is superseded, through a restart.
    switch(&world, &mut sync, false).await;
    world.send("tick", 0..70).await;
    let newest = world
        .streams
        .prepare(world.project, sync.id, Backlog::Newest, None, "ann");
    newest.await.unwrap();
    sync.enabled = true;
    world.restart(std::slice::from_ref(&sync)).await;
    until_all_is_over(&world, &sync).await;
    let found = figures(&world, &sync).await;
    assert_eq!((found.balance.superseded, delivered(&found)), (63, 63));

    // What is dropped: the retries, too, and nothing is pending any more.
    world.destination.answers(PATH, [Answer::Status(500)]);
    world.send("tick", 0..7).await;
    until_pending(&world, &sync, 7).await;
    switch(&world, &mut sync, false).await;
    world.send("tick", 0..30).await;
    let first = world.journal.head(world.project).borrow().0 - 37;
    let dropped = world
        .streams
        .prepare(world.project, sync.id, Backlog::Drop, None, "ann");
    dropped.await.unwrap();
    let found = figures(&world, &sync).await;
    assert_eq!((found.balance.dropped, found.pending), (37, 0));
    for offset in [first, first + 36] {
        let fate = world.journal.fate(sync.id, Offset(offset)).await;
        let let_go = fate.unwrap().unwrap().let_go;
        let why: Vec<_> = let_go
            .iter()
            .map(|part| (part.why, part.by.as_deref()))
            .collect();
        assert!(why.contains(&(LetGoWhy::Dropped, Some("ann"))), "{why:?}");
    }

    // What expires, and is sent again.
    switch(&world, &mut sync, true).await;
    world.send("tick", 0..5).await;
    until_all_is_over(&world, &sync).await;
    let found = figures(&world, &sync).await;
    assert_eq!((found.counts.expired, found.pending), (5, 0));
    world.destination.answers(PATH, [Answer::Status(200)]);
    switch(&world, &mut sync, false).await;
    let replay = ReplayId::from_bytes([7; 16]);
    world.journal.open_replay(sync.id, replay).await.unwrap();
    let ended = world.journal.ended(sync.id, None, 9).await.unwrap();
    let step = ReplayStep {
        replay,
        looked_to: ended[0].sequence,
        looked_at: 5,
        moved: ended
            .iter()
            .map(|row| (row.sequence, world.clock.now()))
            .collect(),
        at: world.clock.now(),
    };
    world.journal.replay(sync.id, step).await.unwrap();
    let found = figures(&world, &sync).await;
    assert_eq!((found.balance.again, found.pending), (5, 5));
    // An erasure takes one of them from the replay as well.
    erase(&world, 2, 4).await;
    let state = world.journal.replay_state(replay).await.unwrap().unwrap();
    assert_eq!((state.moved, state.erased, state.outstanding()), (5, 1, 4));
    switch(&world, &mut sync, true).await;
    until_all_is_over(&world, &sync).await;
    let state = world.journal.replay_state(replay).await.unwrap().unwrap();
    assert_eq!(
        (state.delivered, state.erased, state.is_done()),
        (4, 1, true)
    );

    // What is lost to the bounds, retries and events.
    world.destination.answers(PATH, [Answer::Status(500)]);
    world.send("tick", 0..6).await;
    until_pending(&world, &sync, 6).await;
    switch(&world, &mut sync, false).await;
    world.send("tick", 0..9).await;
    world.clock.advance(9 * DAY);
    let retired = world.journal.retire(world.clock.now()).await.unwrap();
    assert_eq!(retired.skipped_by_paused, 15);
    let untold = world.journal.untold_losses().await.unwrap();
    assert_eq!((untold[0].sync, untold[0].lost), (sync.id, 15));
    world.destination.answers(PATH, [Answer::Status(200)]);
    sync.enabled = true;
    world.restart(std::slice::from_ref(&sync)).await;
    world.send("tick", 0..10).await;
    until_all_is_over(&world, &sync).await;
    let found = figures(&world, &sync).await;
    assert_eq!(
        (found.balance.lost, found.pending, found.waiting),
        (15, 0, 0)
    );
    assert_eq!(delivered(&found), taken(&world));
    assert_eq!(taken(&world), 63 + 4 + 10);
    let head = world.journal.head(world.project).borrow().0;
    assert_eq!(found.details.received, head);
}

/// What past events do counts for the sync, and adds up there.
#[tokio::test]
async fn what_backfills_let_go_is_accounted_for_with_their_sync() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, PATH);
    world.apply(&sync).await;
    world.send("tick", 0..20).await;
    until_all_is_over(&world, &sync).await;

    world.destination.answers(PATH, [Answer::Status(500)]);
    let until = world.clock.now() + DAY;
    let backfill = Backfill {
        id: ReplayId::from_bytes([8; 16]),
        log: sync.project,
        sync: Arc::new(sync.clone()),
        definition: Arc::new(Definition::webhook()),
        scope: Scope::compile(START..until, None, "").unwrap(),
        per_minute: None,
    };
    world
        .streams
        .backfill(&backfill, Offset(0)..Offset(20))
        .await
        .unwrap();
    let owed = async || figures(&world, &sync).await.pending;
    while owed().await < 20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        world.clock.advance(Duration::from_millis(1));
    }
    world.send("tick", 0..3).await;
    until_pending(&world, &sync, 3).await;
    let found = figures(&world, &sync).await;
    assert_eq!((found.details.received, found.pending), (43, 23));

    erase(&world, 1, 3).await;
    let found = figures(&world, &sync).await;
    assert_eq!((found.balance.erased, found.pending), (3, 20));
    let given_up = world.streams.give_up_backfill(backfill.id);
    given_up.await.unwrap();
    let found = figures(&world, &sync).await;
    assert_eq!((found.balance.dropped, found.pending), (17, 3));

    world.destination.answers(PATH, [Answer::Status(200)]);
    world
        .until("the last", |world| {
            world.streams.view(sync.id).unwrap().pending == 0
        })
        .await;
    while figures(&world, &sync).await.pending > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let found = figures(&world, &sync).await;
    assert_eq!((delivered(&found), taken(&world)), (23, 23));
}

/// Whatever happens in whatever order, figures add up at any moment, and in the end the destination has
/// taken as many as they say.
#[tokio::test]
async fn figures_add_up_whatever_happens_in_whatever_order() {
    for seed in 0..6 {
        let random = Seeded::new(seed);
        let below = move |most: u64| random.next_u64() % most;
        let mut world = World::new(Config::default()).await;
        let mut sync = world.sync(1, PATH);
        sync.settings.order = match seed % 2 {
            0 => Order::None,
            _ => Order::PerUser,
        };
        sync.settings.users.send = seed % 3 == 0;
        world.apply(&sync).await;
        let (mut erased, mut restarted) = (0, false);
        for _ in 0..16 {
            match below(9) {
                0..=2 => {
                    let from = below(7);
                    let kind = ["tick", "$identify"][below(2) as usize];
                    world.send(kind, from..from + 1 + below(30)).await;
                }
                3 => {
                    let status = [200, 500][below(2) as usize];
                    world.destination.answers(PATH, [Answer::Status(status)]);
                }
                4 => {
                    let enabled = !sync.enabled;
                    switch(&world, &mut sync, enabled).await;
                }
                5 => {
                    erased += 1;
                    erase(&world, erased, below(7)).await;
                }
                6 if !sync.enabled => {
                    let backlog = match below(2) {
                        0 => Backlog::Drop,
                        _ => Backlog::Newest,
                    };
                    let prepared =
                        world
                            .streams
                            .prepare(world.project, sync.id, backlog, None, "ann");
                    prepared.await.unwrap();
                }
                7 => {
                    restarted = true;
                    world.restart(std::slice::from_ref(&sync)).await;
                }
                _ => {
                    for _ in 0..below(40) {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        world.clock.advance(Duration::from_millis(below(20_000)));
                    }
                }
            }
            figures(&world, &sync).await;
        }
        world.destination.answers(PATH, [Answer::Status(200)]);
        switch(&world, &mut sync, true).await;
        until_all_is_over(&world, &sync).await;
        let found = figures(&world, &sync).await;
        // What was taken and not settled in a crash may have been let go since.
        let (said, taken) = (delivered(&found), taken(&world));
        assert!(
            said == taken || (restarted && said < taken),
            "{seed}: {taken}, {found:?}"
        );
        let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
        assert_eq!(
            (stats.pending, stats.in_order),
            (found.pending, found.waiting)
        );
        assert_eq!(stats.losses.erased, found.balance.erased);
    }
}
