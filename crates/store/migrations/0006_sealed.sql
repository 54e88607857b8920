-- The rows that hold something sealed, to be counted and sealed again without going over all others.

CREATE INDEX people_sealed ON people (id) WHERE totp IS NOT NULL;
CREATE INDEX mails_sealed ON mails (id) WHERE bodies IS NOT NULL;
CREATE INDEX syncs_sealed ON syncs (id) WHERE secrets IS NOT NULL;
