//! What became of single deliveries, in the tables: see SCHEMA.md.

mod open;
mod packed;
pub(super) mod read;
mod refused;
mod retire;
mod write;

pub(super) use open::FatesOfLanes;
pub(super) use refused::{note as note_refused, read as read_refused};

/// The tables that version 4 brought for this.
pub(super) const CREATE_FATES: &str = "
CREATE TABLE fates (
    lane      INTEGER PRIMARY KEY,
    since     INTEGER NOT NULL,
    born      INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    outcomes  INTEGER NOT NULL,
    packed    INTEGER NOT NULL
) STRICT;

CREATE TABLE outcomes (
    sequence   INTEGER PRIMARY KEY,
    lane       INTEGER NOT NULL,
    offset     INTEGER NOT NULL,
    part       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    what       INTEGER NOT NULL,
    status     INTEGER,
    event_type TEXT NOT NULL,
    message    TEXT NOT NULL,
    tries      INTEGER NOT NULL,
    queue      INTEGER NOT NULL,
    render     INTEGER NOT NULL,
    connect    INTEGER,
    wait       INTEGER,
    took       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX outcomes_event ON outcomes (lane, offset, part, at, number);
CREATE INDEX outcomes_what ON outcomes (lane, what, at, status);
CREATE INDEX outcomes_type ON outcomes (lane, event_type, what, at, status);

CREATE TABLE packed (
    sequence INTEGER PRIMARY KEY,
    lane     INTEGER NOT NULL,
    base     INTEGER NOT NULL,
    reach    INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    newest   INTEGER NOT NULL,
    body     BLOB NOT NULL
) STRICT;
CREATE INDEX packed_lane ON packed (lane, base);

CREATE TABLE samples (
    sequence INTEGER PRIMARY KEY,
    lane     INTEGER NOT NULL,
    what     INTEGER NOT NULL,
    offset   INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    body     TEXT NOT NULL
) STRICT;
CREATE INDEX samples_what ON samples (lane, what);

CREATE TABLE refused (
    sequence   INTEGER PRIMARY KEY,
    project    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    insert_ids TEXT NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX refused_project ON refused (project);
";

/// Gives the lanes of a former version their rows: of what they have settled, nothing is known.
pub(super) const FILL_FATES: &str = "
INSERT INTO fates SELECT lanes.number, projects.next, 0, 0, 0, 0
FROM lanes JOIN projects ON projects.number = lanes.project;
";

/// The tables that rows of a dropped lane are removed from.
pub(super) const TABLES_OF_LANES: [&str; 4] = ["outcomes", "packed", "samples", "fates"];
