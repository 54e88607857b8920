-- Accounts that are locked, and identities that people removed from theirs.

-- When an operator locked the account; NULL: it isn't locked.
ALTER TABLE people ADD COLUMN locked_at BIGINT;

-- An identity that somebody removed from their account: it isn't linked to it again by its address.
CREATE TABLE removed_identities (
    person_id            TEXT   NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    issuer               TEXT   NOT NULL,
    subject              TEXT   NOT NULL,
    removed_at           BIGINT NOT NULL,
    PRIMARY KEY (person_id, issuer, subject)
);
