//! The tables, as SCHEMA.md explains them.

/// What `PRAGMA user_version` says. A database with a higher one was made by a later version of
/// this program and is left alone. Since 2, events may come with the names of the properties that they
/// changed; the tables are the same. Since 3, figures are in `minutes` and `hours`, no longer in
/// `lane_minutes`. Since 4, what became of single deliveries is kept, there are replays and `holds`, and
/// users can be erased. Since 5, a user's devices are found by the user. Since 6, there are `turns`, what projects
/// received lately is kept, and logs of imports are somebody's. Since 7, retries have what their events were
/// given, bounded lanes are found by their syncs, figures have a balance, and what lanes let go of is known. Since 8,
/// there are `losses`, and what destinations had answered before is forgotten.
pub(super) const VERSION: i64 = 8;

/// What `PRAGMA application_id` says: "Mljr".
pub(super) const APPLICATION_ID: i64 = 0x4d6c_6a72;

/// The tables whose structure is checked at the start, the small and vital ones first.
pub(super) const TABLES: [&str; 32] = [
    "meta",
    "projects",
    "lanes",
    "retries",
    "ended",
    "replays",
    "replayed",
    "bounded_lanes",
    "minutes",
    "hours",
    "holds",
    "accounts",
    "let_go",
    "losses",
    "turns",
    "dedupe_runs",
    "dedupe_log",
    "fates",
    "outcomes",
    "packed",
    "samples",
    "refused",
    "erasures",
    "erased",
    "imports",
    "erasing_imports",
    "received",
    "received_scopes",
    "users",
    "devices",
    "groups",
    "chunks",
];

pub(super) const CREATE: &str = "
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
    number         INTEGER PRIMARY KEY,
    id             BLOB NOT NULL UNIQUE,
    next           INTEGER NOT NULL,
    appended_bytes INTEGER NOT NULL,
    kept_bytes     INTEGER NOT NULL
) STRICT;

CREATE TABLE chunks (
    sequence      INTEGER PRIMARY KEY,
    project       INTEGER NOT NULL,
    first         INTEGER NOT NULL,
    count         INTEGER NOT NULL,
    received_from INTEGER NOT NULL,
    received_to   INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    body          BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunks_place ON chunks (project, first);

CREATE TABLE users (
    amplitude_id  INTEGER PRIMARY KEY,
    project       INTEGER NOT NULL,
    user_id       TEXT,
    created_at    INTEGER NOT NULL,
    start_version TEXT,
    paying        INTEGER NOT NULL,
    groups        TEXT NOT NULL,
    properties    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_id ON users (project, user_id) WHERE user_id IS NOT NULL;

CREATE TABLE devices (
    project      INTEGER NOT NULL,
    device_id    TEXT NOT NULL,
    amplitude_id INTEGER NOT NULL,
    PRIMARY KEY (project, device_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
    project    INTEGER NOT NULL,
    type       TEXT NOT NULL,
    name       TEXT NOT NULL,
    properties TEXT NOT NULL,
    PRIMARY KEY (project, type, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE dedupe_log (
    sequence INTEGER PRIMARY KEY,
    keys     BLOB NOT NULL
) STRICT;

CREATE TABLE dedupe_runs (
    number INTEGER PRIMARY KEY,
    level  INTEGER NOT NULL,
    keys   INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL
) STRICT;

CREATE TABLE lanes (
    number          INTEGER PRIMARY KEY,
    sync            BLOB NOT NULL,
    project         INTEGER NOT NULL,
    cursor          INTEGER NOT NULL,
    ahead           BLOB NOT NULL,
    paused          INTEGER NOT NULL,
    dropped         INTEGER NOT NULL,
    pending         INTEGER NOT NULL,
    ended           INTEGER NOT NULL,
    filtered        INTEGER NOT NULL,
    delivered_first INTEGER NOT NULL,
    delivered_retry INTEGER NOT NULL,
    discarded       INTEGER NOT NULL,
    expired         INTEGER NOT NULL,
    failed_attempts INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX lanes_sync ON lanes (sync) WHERE dropped = 0;

CREATE TABLE retries (
    lane     INTEGER NOT NULL,
    offset   INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    due_at   INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    failure  TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX retries_delivery ON retries (lane, offset, part);
CREATE UNIQUE INDEX retries_due ON retries (lane, due_at, offset, part);

CREATE TABLE ended (
    sequence INTEGER PRIMARY KEY,
    lane     INTEGER NOT NULL,
    offset   INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    why      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX ended_delivery ON ended (lane, offset, part);
CREATE INDEX ended_lane ON ended (lane);

";

/// Versions before 8 kept what destinations had answered as it came, maybe with secrets that they quoted.
pub(super) const FORGET_ANSWERS: &str = "
UPDATE retries SET failure = json_remove(failure, '$.response')
    WHERE json_valid(failure) AND json_type(failure, '$.response') IS NOT NULL;
UPDATE ended SET why = json_remove(why, '$.expired.response', '$.discarded.failure.response')
    WHERE json_valid(why) AND coalesce(json_type(why, '$.expired.response'),
        json_type(why, '$.discarded.failure.response')) IS NOT NULL;
";

/// The tables that version 3 brought.
pub(super) const CREATE_FIGURES: &str = "
CREATE TABLE minutes (
    minute  INTEGER NOT NULL,
    project INTEGER NOT NULL,
    lane    INTEGER NOT NULL,
    figures BLOB NOT NULL,
    PRIMARY KEY (minute, project, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE hours (
    hour    INTEGER NOT NULL,
    project INTEGER NOT NULL,
    lane    INTEGER NOT NULL,
    figures BLOB NOT NULL,
    PRIMARY KEY (hour, project, lane)
) STRICT, WITHOUT ROWID;
";

/// The tables of replays, which version 4 brought.
pub(super) const CREATE_REPLAYS: &str = "
CREATE TABLE replays (
    number    INTEGER PRIMARY KEY,
    id        BLOB NOT NULL UNIQUE,
    lane      INTEGER NOT NULL,
    next      INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    total     INTEGER NOT NULL,
    looked_at INTEGER NOT NULL,
    moved     INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    unsent    INTEGER NOT NULL
) STRICT;
CREATE INDEX replays_lane ON replays (lane, number);

CREATE TABLE replayed (
    lane   INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    part   INTEGER NOT NULL,
    replay INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX replayed_delivery ON replayed (lane, offset, part);

CREATE TABLE bounded_lanes (
    lane  INTEGER PRIMARY KEY,
    whose BLOB NOT NULL,
    start INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;
";

/// The tables that erasing users needs, which version 4 brought.
pub(super) const CREATE_ERASURES: &str = "
CREATE TABLE erasures (
    number       INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    project      INTEGER NOT NULL,
    requested_at INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    subject      TEXT,
    place        TEXT NOT NULL,
    looked_at    INTEGER NOT NULL,
    until        INTEGER NOT NULL,
    found        TEXT NOT NULL,
    done_at      INTEGER
) STRICT;
CREATE INDEX erasures_project ON erasures (project, number);
CREATE INDEX erasures_left ON erasures (number) WHERE state < 3;

CREATE TABLE erased (
    project INTEGER NOT NULL,
    offset  INTEGER NOT NULL,
    PRIMARY KEY (project, offset)
) STRICT, WITHOUT ROWID;

CREATE TABLE zeros (
    number INTEGER PRIMARY KEY,
    done   INTEGER NOT NULL,
    zeros  BLOB NOT NULL
) STRICT;
";

/// Of version 4: what lanes that stood still lost, and how they go on.
pub(super) const CREATE_HOLDS: &str = "
CREATE TABLE holds (
    lane            INTEGER PRIMARY KEY,
    lost_events     INTEGER NOT NULL,
    lost_retries    INTEGER NOT NULL,
    lost_at         INTEGER,
    dropped_events  INTEGER NOT NULL,
    dropped_retries INTEGER NOT NULL,
    superseded      INTEGER NOT NULL,
    drain_until     INTEGER,
    drain_newest    INTEGER NOT NULL,
    drain_rate      INTEGER
) STRICT;
";

/// Of version 5: a user's devices are found without a look at all of them.
pub(super) const CREATE_DEVICES_OF_USERS: &str = "
CREATE INDEX devices_user ON devices (amplitude_id);
";

/// Of version 6: deliveries in the order of their users.
pub(super) const CREATE_TURNS: &str = "
CREATE TABLE turns (
    lane   INTEGER NOT NULL,
    user   INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    part   INTEGER NOT NULL,
    PRIMARY KEY (lane, user, offset, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX turns_offset ON turns (lane, offset);
";
