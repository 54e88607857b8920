//! What can be set, and what holds when it isn't.

use std::path::PathBuf;
use std::time::Duration;

use model::setting::{Check, Invalid};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: u64 = 1 << 30;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings of a journal on SQLite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder that holds the journal and nothing else. Made when it isn't there; used by one
    /// process at a time.
    pub folder: PathBuf,

    /// How many bytes of events one commit takes at most. A larger batch gets a commit of its own.
    pub commit_max_bytes: usize,
    /// How many batches, settlements and other requests one commit takes at most.
    pub commit_max_requests: usize,
    /// How many bytes of events may wait for a commit before [`Busy`](crate::AcceptError::Busy).
    pub queue_max_bytes: usize,
    /// How many batches may wait for a commit before [`Busy`](crate::AcceptError::Busy).
    pub queue_max_batches: usize,
    /// How many requests other than batches may wait for a commit; further ones wait for a place.
    pub queue_max_requests: usize,

    /// Events are stored, read, cached and removed in chunks of about this size.
    pub chunk_bytes: usize,
    /// Memory for chunks that were written or read lately, their parsed events included.
    pub event_cache_bytes: usize,
    /// How many users' (and as many groups') state is kept in memory.
    pub user_cache_entries: usize,
    /// Memory for users' (and as much for groups') state.
    pub user_cache_bytes: usize,
    /// How large the properties of one user or group may get, as JSON. A change that would exceed
    /// it is not made: the event is taken with the properties as they were.
    pub properties_max_bytes: usize,
    /// Connections for reading what is no longer in memory.
    pub readers: usize,

    /// How many keys of duplicate detection are kept in memory before they are written out sorted.
    pub dedupe_memtable_keys: usize,
    /// Memory for the filters that spare a look into the sorted files of duplicate detection. One
    /// key takes 10 bits; beyond that, each event costs one page read per file without a filter.
    pub dedupe_filter_bytes: usize,

    /// Whether there is an index that events are looked up in. Without one only the newest are found.
    pub lookup_index: bool,
    /// How many events make a run of that index. Fewer become one after some seconds.
    pub lookup_run_events: usize,

    /// What was received lately is gathered in memory for so long before it is written to the tables.
    pub received_wait: Duration,

    /// Events older than this are removed once nobody needs them.
    pub retention_age: Duration,
    /// When events take more than this, the oldest that nobody needs are removed.
    pub retention_bytes: u64,
    /// When what running lanes haven't settled takes more than this, new events are refused.
    pub backlog_max_bytes: u64,
    /// A paused lane doesn't hold events that are older than this.
    pub paused_max_age: Duration,
    /// A paused lane doesn't hold events behind which the project has appended this much.
    pub paused_max_bytes: u64,
    /// Ended deliveries, and with them their events, are kept this long.
    pub ended_max_age: Duration,
    /// How many ended deliveries a lane keeps at most; the oldest go first.
    pub ended_max_per_lane: u64,
    /// What became of single deliveries is kept this long: attempts, records of those delivered at
    /// the first one, samples of failures and of refused requests.
    pub outcomes_max_age: Duration,
    /// How many attempts with rows of their own a lane keeps at most; the earliest events' go first.
    pub outcomes_max_per_lane: u64,
    /// How many bytes of records of deliveries at the first attempt a lane keeps at most; with 0 none is
    /// made.
    pub delivered_max_bytes: u64,
    /// Figures by the hour are kept this long.
    pub figures_max_age: Duration,
    /// Figures of the minute under way that are kept in memory, of lanes and projects.
    pub figures_cache_entries: usize,

    /// New events are refused when the disk has less room than this left.
    pub disk_reserve_bytes: u64,
    /// How large the database file may get; `None`: as large as the disk allows.
    pub file_max_bytes: Option<u64>,
    /// How long the check of the database's structure at the start may take.
    pub check_budget: Duration,
}

impl Config {
    /// Everything that is out of range, of those settings that an operator has.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut check = Check::default();
        check.at_least_one("journal.queue_max_bytes", self.queue_max_bytes as u64);
        check.at_least_one(
            "journal.properties_max_bytes",
            self.properties_max_bytes as u64,
        );
        check.at_least_one("journal.backlog_max_bytes", self.backlog_max_bytes);
        check.finish()
    }

    /// The defaults, in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            commit_max_bytes: 4 * MIB,
            commit_max_requests: 1024,
            queue_max_bytes: 64 * MIB,
            queue_max_batches: 16 * KIB,
            queue_max_requests: 4 * KIB,
            chunk_bytes: 256 * KIB,
            event_cache_bytes: 32 * MIB,
            user_cache_entries: 50_000,
            user_cache_bytes: 32 * MIB,
            properties_max_bytes: 64 * KIB,
            readers: 4,
            dedupe_memtable_keys: 128 * KIB,
            dedupe_filter_bytes: 64 * MIB,
            lookup_index: true,
            lookup_run_events: 4 * KIB,
            received_wait: Duration::from_secs(10),
            retention_age: 7 * DAY,
            retention_bytes: 20 * GIB,
            backlog_max_bytes: 50 * GIB,
            paused_max_age: 7 * DAY,
            paused_max_bytes: 10 * GIB,
            ended_max_age: 7 * DAY,
            ended_max_per_lane: 1_000_000,
            outcomes_max_age: 7 * DAY,
            outcomes_max_per_lane: 1_000_000,
            delivered_max_bytes: 64 << 20,
            figures_max_age: 90 * DAY + DAY,
            figures_cache_entries: 4096,
            disk_reserve_bytes: GIB,
            file_max_bytes: None,
            check_budget: Duration::from_secs(5),
        }
    }
}
