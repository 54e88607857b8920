-- Replays: deliveries that are made again. What is to be done stands here; how far it is, in the journal.
CREATE TABLE replays (
    id                   TEXT   NOT NULL PRIMARY KEY,
    project_id           TEXT   NOT NULL,
    sync_id              TEXT   NOT NULL,
    -- What is sent, as JSON.
    what                 TEXT   NOT NULL,
    -- How many are begun per minute at most; null for as many as the sync sends.
    per_minute           BIGINT,
    -- running, paused, cancelled or done.
    state                TEXT   NOT NULL,
    -- An e-mail address or a token's name, as it was then.
    made_by              TEXT   NOT NULL,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    -- What became of it in the end, as JSON; null until nothing more comes of it.
    result               TEXT
);

CREATE INDEX replays_of_sync ON replays (sync_id, created_at, id);

CREATE INDEX replays_unsettled ON replays (created_at, id) WHERE result IS NULL;
