-- What of a project's events is not for people's eyes, and how long its events are kept.

-- JSON: names of properties of events, users and groups whose values are masked where they are shown.
ALTER TABLE projects ADD COLUMN sensitive TEXT NOT NULL DEFAULT '{}';

-- In hours; NULL: as long as the installation keeps them.
ALTER TABLE projects ADD COLUMN events_kept_hours BIGINT;
ALTER TABLE projects ADD COLUMN outcomes_kept_hours BIGINT;

-- Retention asks for these every minute.
CREATE INDEX projects_kept_for_less ON projects (id)
    WHERE events_kept_hours IS NOT NULL OR outcomes_kept_hours IS NOT NULL;
