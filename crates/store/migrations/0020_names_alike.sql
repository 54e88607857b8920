-- Names of definitions are compared by what is read, however it is written. `alike` is that form, which
-- the program makes: NULL until it has. `name` is what is taken once; it is the same form, but for names from
-- before: of these, two may read alike, and both stay.
ALTER TABLE definition_names ADD COLUMN alike TEXT;

CREATE INDEX definition_names_alike ON definition_names (alike);
