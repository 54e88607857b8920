-- Alerts: rules, channels, incidents, and what is to be told of them.

-- A project's rules, or a sync's own in their place. Without a row: the defaults, or the project's.
CREATE TABLE alert_rules (
    -- The project's id, or the sync's.
    id                   TEXT   NOT NULL PRIMARY KEY,
    project_id           TEXT   REFERENCES projects (id) ON DELETE CASCADE,
    sync_id              TEXT   REFERENCES syncs (id) ON DELETE CASCADE,
    -- JSON; NULL: a sync that goes by its project's again.
    rules                TEXT,
    version              BIGINT NOT NULL CHECK (version > 0),
    updated_at           BIGINT NOT NULL,
    CHECK (project_id IS NOT NULL OR sync_id IS NOT NULL)
);

-- Where a project's incidents are told, beside the default recipients.
CREATE TABLE alert_channels (
    id                   TEXT   NOT NULL PRIMARY KEY,
    project_id           TEXT   NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    -- 'mail', 'webhook', 'slack'
    kind                 TEXT   NOT NULL,
    name                 TEXT   NOT NULL,
    enabled              BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    -- What may be shown: an address, or a URL's scheme and host.
    target               TEXT   NOT NULL,
    -- URL and signing secret, sealed; NULL for mail.
    secrets              TEXT,
    -- When something was last told there, and what went wrong since; NULL: nothing.
    told_at              BIGINT,
    error                TEXT,
    version              BIGINT NOT NULL CHECK (version > 0),
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL
);

CREATE INDEX alert_channels_of_project ON alert_channels (project_id, created_at, id);

-- Who doesn't want a project's mails any more.
CREATE TABLE alert_unsubscribed (
    project_id           TEXT   NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    email                TEXT   NOT NULL,
    at                   BIGINT NOT NULL,
    PRIMARY KEY (project_id, email)
);

-- The key that links to unsubscribe are signed with, sealed: one row.
CREATE TABLE alert_keys (
    id                   TEXT   NOT NULL PRIMARY KEY,
    secret               TEXT   NOT NULL
);

CREATE TABLE alert_incidents (
    id                   TEXT   NOT NULL PRIMARY KEY,
    project_id           TEXT   NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    sync_id              TEXT   NOT NULL REFERENCES syncs (id) ON DELETE CASCADE,
    kind                 TEXT   NOT NULL,
    -- Sync and kind while it is open: there is one of each, whichever node sees it first. NULL afterwards.
    open_key             TEXT   UNIQUE,
    opened_at            BIGINT NOT NULL,
    -- JSON: what was seen.
    seen                 TEXT   NOT NULL,
    closed_at            BIGINT,
    -- JSON: how it ended.
    ended                TEXT,
    -- When it may be told; NULL when it was.
    tell_at              BIGINT,
    -- Whether it was told that it is open: only then its end is told too.
    told                 BIGINT NOT NULL CHECK (told IN (0, 1)),
    acknowledged_at      BIGINT,
    acknowledged_by      TEXT,
    muted_until          BIGINT
);

CREATE INDEX alert_incidents_of_project ON alert_incidents (project_id, opened_at, id);
CREATE INDEX alert_incidents_of_sync ON alert_incidents (sync_id, opened_at, id);
CREATE INDEX alert_incidents_closed ON alert_incidents (closed_at);

-- What is to be sent to webhooks, until it was taken or given up.
CREATE TABLE alert_messages (
    -- What receivers tell a repeated message by.
    id                   TEXT   NOT NULL PRIMARY KEY,
    channel_id           TEXT   NOT NULL REFERENCES alert_channels (id) ON DELETE CASCADE,
    body                 TEXT   NOT NULL,
    attempts             BIGINT NOT NULL,
    -- When it is tried next; while it is being sent: when another node may.
    due_at               BIGINT NOT NULL,
    created_at           BIGINT NOT NULL
);

CREATE INDEX alert_messages_due ON alert_messages (due_at, id);
CREATE INDEX alert_messages_of_channel ON alert_messages (channel_id);
