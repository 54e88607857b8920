-- People as providers of OpenID Connect know them.

CREATE TABLE identities (
    id                   TEXT   NOT NULL PRIMARY KEY,
    person_id            TEXT   NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    -- The provider, and what it calls the person: together they never mean anyone else.
    issuer               TEXT   NOT NULL,
    subject              TEXT   NOT NULL,
    -- The address that the provider had verified when the identity was linked, in lower case.
    email                TEXT   NOT NULL,
    created_at           BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);

CREATE INDEX identities_of_person ON identities (person_id, created_at, id);
