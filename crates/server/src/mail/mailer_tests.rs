//! The mailer against a mail server that answers as it is told, in time that the tests move.

#![allow(
    clippy::disallowed_methods,
    reason = "the tests end their tasks themselves"
)]

use std::collections::VecDeque;
use std::sync::Mutex;

use model::MailId;
use model::random::{Seeded, System};
use model::time::ManualClock;
use store::mail::{Bodies, Draft, Kind, Mail, State};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::config::{self, Files};

const START: Timestamp = Timestamp(1_700_000_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// What a mail server is to answer, and what it was handed.
#[derive(Default)]
struct Script {
    /// The answers to come; then always `afterwards`.
    next: VecDeque<Answer>,
    afterwards: Option<Answer>,
    attempts: Vec<(Timestamp, MailId)>,
}

#[derive(Clone)]
enum Answer {
    Error(SendError),
    Silence,
}

struct Scripted {
    script: Arc<Mutex<Script>>,
    clock: Arc<ManualClock>,
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&mut self, claim: &Claim) -> Result<(), SendError> {
        let answer = {
            let mut script = self.script.lock().unwrap();
            script.attempts.push((self.clock.now(), claim.mail.id));
            let next = script.next.pop_front();
            next.or_else(|| script.afterwards.clone())
        };
        match answer {
            None => Ok(()),
            Some(Answer::Error(error)) => Err(error),
            Some(Answer::Silence) => std::future::pending().await,
        }
    }

    fn is_connected(&self) -> bool {
        false
    }

    async fn disconnect(&mut self) {}
}

struct World {
    store: Store,
    clock: Arc<ManualClock>,
    script: Arc<Mutex<Script>>,
    stopping: CancellationToken,
    running: JoinHandle<()>,
    _folder: TempDir,
}

impl World {
    /// A mailer that runs; `set_up`: with a mail server.
    async fn start(set_up: bool, script: Script) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let settings = store::Config::in_folder(folder.path());
        let store = Store::open(&settings, clock.clone(), Arc::new(System)).await;
        let store = store.unwrap();
        let mut config = config::load(None, Files::Unchecked)
            .ok()
            .unwrap()
            .config
            .mail;
        config.poll_interval = HOUR;
        let script = Arc::new(Mutex::new(script));
        let transport: Option<Box<dyn Transport>> = match set_up {
            false => None,
            true => Some(Box::new(Scripted {
                script: script.clone(),
                clock: clock.clone(),
            })),
        };
        let (ticking, random) = (clock.clone(), Arc::new(Seeded::new(1)));
        let mailer = Mailer::with_transport(&config, transport, store.clone(), ticking, random);
        let stopping = CancellationToken::new();
        let running = tokio::spawn(mailer.run(stopping.clone()));
        Self {
            store,
            clock,
            script,
            stopping,
            running,
            _folder: folder,
        }
    }

    async fn enqueue(&self, recipient: &str) -> MailId {
        let draft = Draft {
            kind: Kind::Invitation,
            recipient: recipient.into(),
            subject: "Join us".into(),
            bodies: Bodies {
                text: "text".into(),
                html: "html".into(),
                unsubscribe: None,
            },
            expires_at: None,
        };
        self.store.enqueue_mail(draft).await.unwrap()
    }

    async fn mail(&self, id: MailId) -> Mail {
        self.store.mail(id).await.unwrap().0
    }

    fn attempts(&self) -> Vec<(Timestamp, MailId)> {
        self.script.lock().unwrap().attempts.clone()
    }

    /// Looks until `holds`; `moving`: lets time pass meanwhile.
    async fn until(&self, moving: bool, holds: impl AsyncFn(&Self) -> bool) {
        for _ in 0..5000 {
            if holds(self).await {
                return;
            }
            if moving {
                self.clock.advance_to_next_sleeper();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("not in time; attempts: {:?}", self.attempts());
    }

    async fn stop(self) {
        self.stopping.cancel();
        self.until(true, async |world| world.running.is_finished())
            .await;
        self.running.await.unwrap();
    }
}

fn always(error: SendError) -> Script {
    Script {
        afterwards: Some(Answer::Error(error)),
        ..Script::default()
    }
}

fn refused(permanent: bool) -> SendError {
    SendError::Mail {
        permanent,
        error: "the server's words".into(),
    }
}

fn is_sent(mail: &Mail) -> bool {
    matches!(mail.state, State::Sent { .. })
}

#[tokio::test]
async fn a_mail_is_sent_at_once_when_it_is_enqueued() {
    let world = World::start(true, Script::default()).await;
    // It sleeps by now, and time stands still.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let id = world.enqueue("ann@example.com").await;
    world
        .until(false, async |world| is_sent(&world.mail(id).await))
        .await;
    assert_eq!(world.attempts(), [(START, id)]);
    world.stop().await;
}

#[tokio::test]
async fn a_mail_that_is_put_off_is_tried_less_and_less_often_until_it_is_given_up() {
    let world = World::start(true, always(refused(false))).await;
    let id = world.enqueue("ann@example.com").await;
    world
        .until(true, async |world| {
            matches!(world.mail(id).await.state, State::Failed { .. })
        })
        .await;
    let times: Vec<_> = world.attempts().iter().map(|(at, _)| *at).collect();
    let waits: Vec<_> = times
        .windows(2)
        .map(|pair| pair[1].since(pair[0]))
        .collect();
    for (wait, meant) in waits
        .iter()
        .zip([30, 60, 120, 240, 480, 960, 1920, 3600, 3600])
    {
        let meant = Duration::from_secs(meant);
        // A mail is due to the microsecond, and looked for when the poll comes or it is due.
        assert!(
            *wait >= meant.mul_f64(0.8) && *wait <= meant.mul_f64(1.2),
            "{waits:?}"
        );
    }
    let last = times.last().unwrap().since(START);
    assert!(last > 46 * HOUR && last <= 48 * HOUR, "{last:?}");
    let error = world.mail(id).await.error;
    assert_eq!(error.as_deref(), Some("given up: the server's words"));
    world.stop().await;
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up_at_once() {
    let world = World::start(true, always(refused(true))).await;
    let id = world.enqueue("ann@example.com").await;
    world
        .until(false, async |world| {
            matches!(world.mail(id).await.state, State::Failed { .. })
        })
        .await;
    let mail = world.mail(id).await;
    assert_eq!(
        (mail.attempts, mail.error.as_deref()),
        (1, Some("the server's words"))
    );
    world.stop().await;
}

#[tokio::test]
async fn a_server_that_is_down_is_asked_seldom_however_many_mails_wait() {
    let down = Answer::Error(SendError::Server("connection refused".into()));
    let script = Script {
        next: VecDeque::from([down.clone(), down]),
        ..Script::default()
    };
    let world = World::start(true, script).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(world.enqueue(&format!("person-{number}@example.com")).await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(
        world.attempts().len(),
        1,
        "each new mail wakes it, but it asks once"
    );
    let tried = world.mail(world.attempts()[0].1).await;
    assert_eq!(tried.error.as_deref(), Some("connection refused"));

    world
        .until(true, async |world| {
            let mut sent = 0;
            for id in &ids {
                sent += usize::from(is_sent(&world.mail(*id).await));
            }
            sent == ids.len()
        })
        .await;
    assert_eq!(world.attempts().len(), 7);
    world.stop().await;
}

#[tokio::test]
async fn a_mail_that_a_dead_node_had_claimed_is_sent_when_its_lease_ends() {
    // This node's mailer sends nothing: it has no mail server.
    let world = World::start(false, Script::default()).await;
    let id = world.enqueue("ann@example.com").await;
    let lease = Duration::from_secs(60);
    assert_eq!(world.store.claim_mail(lease, 1).await.unwrap().len(), 1);
    let config = config::load(None, Files::Unchecked)
        .ok()
        .unwrap()
        .config
        .mail;
    let transport = Scripted {
        script: world.script.clone(),
        clock: world.clock.clone(),
    };
    let mailer = Mailer::with_transport(
        &config,
        Some(Box::new(transport)),
        world.store.clone(),
        world.clock.clone(),
        Arc::new(Seeded::new(1)),
    );
    let stopping = CancellationToken::new();
    let running = tokio::spawn(mailer.run(stopping.clone()));
    world
        .until(true, async |world| is_sent(&world.mail(id).await))
        .await;
    let attempts = world.attempts();
    assert_eq!(attempts.len(), 1);
    assert!(attempts[0].0.since(START) >= lease, "{attempts:?}");
    stopping.cancel();
    running.await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn a_mail_server_that_hangs_does_not_hold_up_the_end_and_the_mail_stays() {
    let script = Script {
        afterwards: Some(Answer::Silence),
        ..Script::default()
    };
    let world = World::start(true, script).await;
    let id = world.enqueue("ann@example.com").await;
    world
        .until(false, async |world| world.attempts().len() == 1)
        .await;
    world.stopping.cancel();
    world
        .until(true, async |world| world.running.is_finished())
        .await;
    let now = world.clock.now();
    assert_eq!(now.since(START), STOP_GRACE);
    let mail = world.mail(id).await;
    assert_eq!(
        (mail.state, mail.attempts),
        (State::Queued { due_at: now }, 0)
    );
}

#[tokio::test]
async fn without_a_mail_server_mail_stays_in_the_outbox() {
    let world = World::start(false, Script::default()).await;
    let id = world.enqueue("ann@example.com").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mail = world.mail(id).await;
    assert_eq!(
        (mail.state, mail.attempts),
        (State::Queued { due_at: START }, 0)
    );
    world.stop().await;
}
