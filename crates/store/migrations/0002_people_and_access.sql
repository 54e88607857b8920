-- Organisations, people and what they may do, keys that are rotated, and the audit log.
-- What the first schema held goes to one organisation.

CREATE TABLE organisations (
    id                   TEXT   NOT NULL PRIMARY KEY,
    name                 TEXT   NOT NULL,
    -- Counts from 1 with each change.
    version              BIGINT NOT NULL CHECK (version > 0),
    created_at           BIGINT NOT NULL
);

CREATE INDEX organisations_in_order ON organisations (created_at, id);

INSERT INTO organisations (id, name, version, created_at)
SELECT 'org_00000000000000000000000001', 'Default', 1,
       COALESCE((SELECT MIN(created_at) FROM projects), (SELECT MIN(created_at) FROM api_tokens))
WHERE EXISTS (SELECT 1 FROM projects) OR EXISTS (SELECT 1 FROM api_tokens);

CREATE TABLE people (
    id                   TEXT   NOT NULL PRIMARY KEY,
    -- In lower case.
    email                TEXT   NOT NULL UNIQUE,
    name                 TEXT   NOT NULL,
    -- In PHC form; NULL when the person signs in elsewhere only.
    password_hash        TEXT,
    -- The second factor's secret, sealed; NULL when there is none.
    totp                 TEXT,
    -- The time step of the last code that was used: none is taken twice.
    totp_step            BIGINT NOT NULL DEFAULT 0,
    -- SHA-256 of the unused recovery codes, a JSON array.
    recovery_codes       TEXT   NOT NULL DEFAULT '[]',
    -- Rights in the whole installation.
    operator             BIGINT NOT NULL DEFAULT 0 CHECK (operator IN (0, 1)),
    reviewer             BIGINT NOT NULL DEFAULT 0 CHECK (reviewer IN (0, 1)),
    -- Counts changes of rights and credentials: older sessions get a new secret.
    epoch                BIGINT NOT NULL DEFAULT 0,
    created_at           BIGINT NOT NULL
);

CREATE INDEX people_in_order ON people (created_at, id);

CREATE TABLE memberships (
    organisation_id      TEXT   NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    person_id            TEXT   NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    role                 TEXT   NOT NULL,
    created_at           BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, person_id)
);

CREATE INDEX memberships_in_order ON memberships (organisation_id, created_at, person_id);
CREATE INDEX memberships_of_person ON memberships (person_id, created_at, organisation_id);

CREATE TABLE invitations (
    id                   TEXT   NOT NULL PRIMARY KEY,
    -- SHA-256 of the link's secret, in hexadecimal.
    secret_hash          TEXT   NOT NULL,
    organisation_id      TEXT   NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    -- Whom it was sent to, in lower case; NULL: whoever has the link (the first administrator).
    email                TEXT,
    role                 TEXT   NOT NULL,
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL
);

CREATE INDEX invitations_in_order ON invitations (organisation_id, created_at, id);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

CREATE TABLE password_resets (
    id                   TEXT   NOT NULL PRIMARY KEY,
    secret_hash          TEXT   NOT NULL,
    person_id            TEXT   NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL
);

CREATE INDEX password_resets_of_person ON password_resets (person_id);
CREATE INDEX password_resets_by_expiry ON password_resets (expires_at);

CREATE TABLE sessions (
    id                   TEXT   NOT NULL PRIMARY KEY,
    secret_hash          TEXT   NOT NULL,
    -- The secret before the last change of it, taken for requests that were under way.
    former_hash          TEXT,
    former_until         BIGINT,
    person_id            TEXT   NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    -- The person's when the secret was made.
    epoch                BIGINT NOT NULL,
    address              TEXT   NOT NULL,
    user_agent           TEXT   NOT NULL,
    created_at           BIGINT NOT NULL,
    seen_at              BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL
);

CREATE INDEX sessions_of_person ON sessions (person_id, created_at, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE projects_now (
    id                   TEXT   NOT NULL PRIMARY KEY,
    organisation_id      TEXT   NOT NULL REFERENCES organisations (id),
    name                 TEXT   NOT NULL,
    -- Events a second of one device or user, averaged over 30 s, beyond which it is throttled; 0: off.
    throttle_http        BIGINT NOT NULL CHECK (throttle_http >= 0),
    throttle_batch       BIGINT NOT NULL CHECK (throttle_batch >= 0),
    version              BIGINT NOT NULL CHECK (version > 0),
    created_at           BIGINT NOT NULL
);

-- Of projects with one name all but the first get their id into it.
INSERT INTO projects_now
    (id, organisation_id, name, throttle_http, throttle_batch, version, created_at)
SELECT id, 'org_00000000000000000000000001',
       CASE WHEN EXISTS (SELECT 1 FROM projects AS other
                         WHERE other.name = projects.name AND other.id < projects.id)
            THEN name || ' (' || id || ')' ELSE name END,
       throttle_http, throttle_batch, 1, created_at
FROM projects;

-- Both keys of a project, the ones that replaced them, and the replaced ones until they expire.
CREATE TABLE project_keys (
    kind                 TEXT   NOT NULL CHECK (kind IN ('api', 'secret')),
    -- An API key itself; of a secret key the SHA-256 in hexadecimal.
    value                TEXT   NOT NULL,
    project_id           TEXT   NOT NULL REFERENCES projects_now (id) ON DELETE CASCADE,
    created_at           BIGINT NOT NULL,
    -- NULL: the present one.
    expires_at           BIGINT,
    PRIMARY KEY (kind, value)
);

INSERT INTO project_keys (kind, value, project_id, created_at, expires_at)
SELECT 'api', api_key, id, created_at, NULL FROM projects;
INSERT INTO project_keys (kind, value, project_id, created_at, expires_at)
SELECT 'secret', secret_key_hash, id, created_at, NULL FROM projects;

CREATE TABLE syncs_now (
    id                   TEXT   NOT NULL PRIMARY KEY,
    -- A deleted sync's row outlives its project until its lane is gone; then it has none.
    project_id           TEXT   REFERENCES projects_now (id) ON DELETE SET NULL,
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

INSERT INTO syncs_now
    (id, project_id, definition_id, definition_version, name, enabled, settings, secrets, version,
     created_at, updated_at, deleted_at)
SELECT id, project_id, definition_id, definition_version, name, enabled, settings, secrets, version,
       created_at, updated_at, deleted_at
FROM syncs;

CREATE TABLE api_tokens_now (
    -- The public half of the token's text.
    id                   TEXT   NOT NULL PRIMARY KEY,
    organisation_id      TEXT   NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    -- Who made it and lends it rights; NULL: the installation's own, which may do everything.
    person_id            TEXT   REFERENCES people (id) ON DELETE CASCADE,
    name                 TEXT   NOT NULL,
    -- SHA-256 of the secret half, in hexadecimal.
    secret_hash          TEXT   NOT NULL,
    -- A JSON array of permissions; NULL: all that its person has.
    scopes               TEXT,
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT,
    used_at              BIGINT
);

INSERT INTO api_tokens_now
    (id, organisation_id, person_id, name, secret_hash, scopes, created_at, expires_at, used_at)
SELECT id, 'org_00000000000000000000000001', NULL, name, secret_hash, NULL, created_at, NULL, NULL
FROM api_tokens;

DROP TABLE syncs;
DROP TABLE projects;
DROP TABLE api_tokens;
ALTER TABLE projects_now RENAME TO projects;
ALTER TABLE syncs_now RENAME TO syncs;
ALTER TABLE api_tokens_now RENAME TO api_tokens;

CREATE UNIQUE INDEX projects_by_name ON projects (organisation_id, name);
CREATE INDEX projects_in_order ON projects (organisation_id, created_at, id);
CREATE INDEX projects_by_age ON projects (created_at, id);
CREATE INDEX project_keys_of_project ON project_keys (project_id);
CREATE INDEX project_keys_by_expiry ON project_keys (expires_at);
CREATE INDEX syncs_in_order ON syncs (created_at, id);
CREATE INDEX syncs_of_project ON syncs (project_id, created_at, id);
CREATE INDEX syncs_deleted ON syncs (deleted_at, id);
CREATE INDEX api_tokens_in_order ON api_tokens (organisation_id, created_at, id);
CREATE INDEX api_tokens_by_expiry ON api_tokens (expires_at);
CREATE INDEX api_tokens_of_person ON api_tokens (person_id, created_at, id);

-- Only ever added to, and cleared by age.
CREATE TABLE audit_log (
    id                   TEXT   NOT NULL PRIMARY KEY,
    -- NULL: of the installation. Outlives the organisation.
    organisation_id      TEXT,
    at                   BIGINT NOT NULL,
    -- `person`, `token` or `system`, its id, and its name at that time.
    actor_kind           TEXT   NOT NULL,
    actor_id             TEXT   NOT NULL,
    actor_name           TEXT   NOT NULL,
    address              TEXT   NOT NULL,
    request_id           TEXT   NOT NULL,
    action               TEXT   NOT NULL,
    target_id            TEXT   NOT NULL,
    target_name          TEXT   NOT NULL,
    -- JSON objects of what changed, without secret values.
    before               TEXT,
    after                TEXT
);

CREATE INDEX audit_log_in_order ON audit_log (organisation_id, at, id);
CREATE INDEX audit_log_by_target ON audit_log (organisation_id, target_id, at, id);
CREATE INDEX audit_log_by_actor ON audit_log (organisation_id, actor_id, at, id);
CREATE INDEX audit_log_by_age ON audit_log (at);

-- What was answered to creations that named a key (`Idempotency-Key`).
CREATE TABLE idempotency (
    -- SHA-256 of the caller, the request's target and the key.
    id                   TEXT   NOT NULL PRIMARY KEY,
    -- SHA-256 of the request's body.
    request_hash         TEXT   NOT NULL,
    -- What was made, sealed: it may hold a secret that is shown once.
    made                 TEXT   NOT NULL,
    created_at           BIGINT NOT NULL
);

CREATE INDEX idempotency_by_age ON idempotency (created_at);
