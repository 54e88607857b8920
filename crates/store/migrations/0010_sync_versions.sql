-- Every change of a sync leaves what it was before as a version.

-- What people note about a sync, beside its name.
ALTER TABLE syncs ADD COLUMN notes TEXT NOT NULL DEFAULT '';
-- Who made the present version: an e-mail address or a token's name, as it was then; NULL: not known.
ALTER TABLE syncs ADD COLUMN changed_by TEXT;
-- What the present version changed: a JSON array of pointers.
ALTER TABLE syncs ADD COLUMN changed TEXT NOT NULL DEFAULT '[]';

-- Former versions; the present one is the sync's own row.
CREATE TABLE sync_versions (
    -- The sync's id and the version: what the secrets are sealed for.
    id                   TEXT   NOT NULL PRIMARY KEY,
    sync_id              TEXT   NOT NULL REFERENCES syncs (id) ON DELETE CASCADE,
    version              BIGINT NOT NULL CHECK (version > 0),
    definition_version   BIGINT NOT NULL CHECK (definition_version > 0),
    name                 TEXT   NOT NULL,
    notes                TEXT   NOT NULL,
    enabled              BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    settings             TEXT   NOT NULL,
    secrets              TEXT,
    changed_by           TEXT,
    changed              TEXT   NOT NULL,
    changed_at           BIGINT NOT NULL,
    UNIQUE (sync_id, version)
);
