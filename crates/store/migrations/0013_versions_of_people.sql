-- Versions of people and of memberships: what was decided on an earlier one is refused.

-- Counts from 1 with each change: of the name, of what they sign in with, of rights, of the lock.
ALTER TABLE people ADD COLUMN version BIGINT NOT NULL DEFAULT 1 CHECK (version > 0);

-- The person's when the membership was last changed: rises with each change, and never comes again, also
-- not for somebody who leaves and comes back.
ALTER TABLE memberships ADD COLUMN version BIGINT NOT NULL DEFAULT 1 CHECK (version > 0);
