-- Sessions that end with what they rest on, and links to a new password that were asked for.

-- Rights had changed since their secret was made: whoever came first would have got the new one.
DELETE FROM sessions WHERE epoch <> (SELECT p.epoch FROM people p WHERE p.id = sessions.person_id);

-- A replaced secret isn't taken any more.
ALTER TABLE sessions DROP COLUMN former_hash;
ALTER TABLE sessions DROP COLUMN former_until;

-- Who asked for a link to a new password, until the letter is queued, or it turns out that there is no
-- account. Written for every address alike: how the answer comes tells nothing of accounts.
CREATE TABLE asked_resets (
    id                   TEXT   NOT NULL PRIMARY KEY,
    -- As it was asked for, in lower case.
    email                TEXT   NOT NULL,
    -- Where the request came from, and its id: for the audit log.
    address              TEXT   NOT NULL,
    request_id           TEXT   NOT NULL,
    asked_at             BIGINT NOT NULL
);

CREATE INDEX asked_resets_in_order ON asked_resets (asked_at, id);
