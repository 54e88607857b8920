-- Whom tokens act for, and where the installation's own are.

-- The person behind the actor, and their address at that time; NULL: the installation itself, or a token's
-- entry from before this was noted.
ALTER TABLE audit_log ADD COLUMN actor_person_id TEXT;
ALTER TABLE audit_log ADD COLUMN actor_email TEXT;

-- One row: the organisation that the first start made, whose the installation's own tokens are. NULL:
-- none yet, or none any more.
CREATE TABLE installation (
    id                   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    organisation_id      TEXT   REFERENCES organisations (id) ON DELETE SET NULL
);

INSERT INTO installation (id, organisation_id)
SELECT 1, (SELECT organisation_id FROM api_tokens WHERE person_id IS NULL ORDER BY created_at, id LIMIT 1);
