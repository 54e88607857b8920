-- Destination definitions: a draft that is worked on, versions that never change, and what reviewers
-- said of them.

CREATE TABLE definitions (
    id                   TEXT   NOT NULL PRIMARY KEY,
    -- Whose it is. Outlives the organisation: others' syncs may connect it.
    organisation_id      TEXT   REFERENCES organisations (id) ON DELETE SET NULL,
    -- The draft as JSON, with the version that it will become.
    draft                TEXT   NOT NULL,
    -- The newest version, and the newest that everyone may connect; 0: none.
    newest               BIGINT NOT NULL DEFAULT 0 CHECK (newest >= 0),
    approved             BIGINT NOT NULL DEFAULT 0 CHECK (approved >= 0 AND approved <= newest),
    -- `listed`, `deprecated` (no new syncs) or `archived` (out of sight besides).
    listing              TEXT   NOT NULL DEFAULT 'listed',
    -- Counts from 1 with each change.
    revision             BIGINT NOT NULL CHECK (revision > 0),
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL
);

CREATE INDEX definitions_in_order ON definitions (organisation_id, created_at, id);

-- Names are unique over the installation, in any case. A definition holds its draft's name and those
-- of all its versions.
CREATE TABLE definition_names (
    name                 TEXT   NOT NULL PRIMARY KEY,
    definition_id        TEXT   NOT NULL REFERENCES definitions (id) ON DELETE CASCADE
);

CREATE INDEX definition_names_of_definition ON definition_names (definition_id);

CREATE TABLE definition_versions (
    definition_id        TEXT   NOT NULL REFERENCES definitions (id) ON DELETE CASCADE,
    version              BIGINT NOT NULL CHECK (version > 0),
    content              TEXT   NOT NULL,
    -- For the catalog: the name in lower case, what is searched, the shelf.
    name                 TEXT   NOT NULL,
    searched             TEXT   NOT NULL,
    category             TEXT   NOT NULL,
    -- `internal`, `submitted`, `approved` or `returned`.
    state                TEXT   NOT NULL,
    -- E-mail addresses or tokens' names, as they were at that time.
    released_by          TEXT   NOT NULL,
    released_at          BIGINT NOT NULL,
    submitted_by         TEXT,
    submitted_at         BIGINT,
    decided_by           TEXT,
    decided_at           BIGINT,
    -- What the reviewer said of the whole.
    note                 TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (definition_id, version)
);

CREATE INDEX definition_versions_by_name ON definition_versions (name, definition_id, version);
CREATE INDEX definition_versions_submitted ON definition_versions (state, submitted_at, definition_id);

-- What reviewers said of single fields.
CREATE TABLE review_comments (
    definition_id        TEXT   NOT NULL,
    version              BIGINT NOT NULL,
    -- Counts from 0.
    position             BIGINT NOT NULL,
    -- JSON pointer into the version.
    pointer              TEXT   NOT NULL,
    comment              TEXT   NOT NULL,
    PRIMARY KEY (definition_id, version, position),
    FOREIGN KEY (definition_id, version)
        REFERENCES definition_versions (definition_id, version) ON DELETE CASCADE
);

CREATE INDEX syncs_of_definition ON syncs (definition_id, definition_version);
