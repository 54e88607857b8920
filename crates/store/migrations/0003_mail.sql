-- Mail that waits to be sent, and what became of it.

CREATE TABLE mails (
    id                   TEXT   NOT NULL PRIMARY KEY,
    kind                 TEXT   NOT NULL,
    recipient            TEXT   NOT NULL,
    subject              TEXT   NOT NULL,
    -- Text and HTML, sealed, since they carry links that let people in; NULL once it was sent or its
    -- links have expired.
    bodies               TEXT,
    state                TEXT   NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    -- Counts claims, and so tells one from a later one.
    attempts             BIGINT NOT NULL CHECK (attempts >= 0),
    -- While it is queued: nobody may claim it before. A claim moves it on.
    due_at               BIGINT NOT NULL,
    -- What went wrong last.
    error                TEXT,
    created_at           BIGINT NOT NULL,
    -- When its links expire; NULL: never.
    expires_at           BIGINT,
    -- When it was sent or given up.
    ended_at             BIGINT
);

CREATE INDEX mails_due ON mails (due_at, id) WHERE state = 'queued';
CREATE INDEX mails_in_order ON mails (created_at, id);
CREATE INDEX mails_of_recipient ON mails (recipient, kind, created_at);
CREATE INDEX mails_by_expiry ON mails (expires_at) WHERE bodies IS NOT NULL;
CREATE INDEX mails_by_end ON mails (ended_at);
