-- Ids are in their text form (prefix and 26 characters), times in microseconds since 1970 (UTC),
-- JSON is TEXT, flags are 0 or 1. The same text runs on SQLite and PostgreSQL.

CREATE TABLE projects (
    id                   TEXT   NOT NULL PRIMARY KEY,
    name                 TEXT   NOT NULL,
    api_key              TEXT   NOT NULL UNIQUE,
    secret_key_hash      TEXT   NOT NULL,
    -- Events a second of one device or user, averaged over 30 s, beyond which it is throttled; 0: off.
    throttle_http        BIGINT NOT NULL CHECK (throttle_http >= 0),
    throttle_batch       BIGINT NOT NULL CHECK (throttle_batch >= 0),
    created_at           BIGINT NOT NULL
);

CREATE INDEX projects_in_order ON projects (created_at, id);

CREATE TABLE syncs (
    id                   TEXT   NOT NULL PRIMARY KEY,
    -- A deleted sync's row outlives its project until its lane is gone; then it has none.
    project_id           TEXT   REFERENCES projects (id) ON DELETE SET NULL,
    definition_id        TEXT   NOT NULL,
    definition_version   BIGINT NOT NULL CHECK (definition_version > 0),
    name                 TEXT   NOT NULL,
    enabled              BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    -- What the user chose, without the secret values.
    settings             TEXT   NOT NULL,
    -- The secret values, sealed; NULL when there are none.
    secrets              TEXT,
    -- Counts from 1 with each change.
    version              BIGINT NOT NULL CHECK (version > 0),
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    -- Set when the user deleted it; the row goes when its lane is gone.
    deleted_at           BIGINT,
    CHECK (project_id IS NOT NULL OR deleted_at IS NOT NULL)
);

CREATE INDEX syncs_in_order ON syncs (created_at, id);
CREATE INDEX syncs_of_project ON syncs (project_id, created_at, id);

CREATE TABLE api_tokens (
    -- The public half of the token's text.
    id                   TEXT   NOT NULL PRIMARY KEY,
    name                 TEXT   NOT NULL,
    -- SHA-256 of the secret half, in hexadecimal.
    secret_hash          TEXT   NOT NULL,
    created_at           BIGINT NOT NULL
);
