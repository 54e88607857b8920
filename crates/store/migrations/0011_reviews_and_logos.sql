-- Whom a review's steps are told, and the pictures on tiles.

-- Who submitted it; NULL: nobody yet, the installation's own token, or an account that is gone.
ALTER TABLE definition_versions ADD COLUMN author_id TEXT REFERENCES people (id) ON DELETE SET NULL;

CREATE INDEX people_reviewing ON people (created_at, id) WHERE reviewer = 1;

-- One that a version has is kept as long as the definition.
CREATE TABLE definition_logos (
    definition_id        TEXT   NOT NULL REFERENCES definitions (id) ON DELETE CASCADE,
    -- SHA-256 of the picture, in hexadecimal.
    hash                 TEXT   NOT NULL,
    -- A PNG that we encoded.
    picture              BLOB   NOT NULL,
    -- Whether a version has it; else only the draft does, or nothing any more.
    released             BIGINT NOT NULL DEFAULT 0 CHECK (released IN (0, 1)),
    created_at           BIGINT NOT NULL,
    PRIMARY KEY (definition_id, hash)
);

CREATE INDEX definition_logos_by_hash ON definition_logos (hash);
