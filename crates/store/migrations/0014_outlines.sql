-- What lists show of definitions, so that they don't read all that each of them says. JSON; empty in rows
-- from before: there it is read from the whole.
ALTER TABLE definitions ADD COLUMN outline TEXT NOT NULL DEFAULT '';
ALTER TABLE definition_versions ADD COLUMN outline TEXT NOT NULL DEFAULT '';
