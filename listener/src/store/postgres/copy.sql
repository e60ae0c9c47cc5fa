-- What a copy of another store brings, and how far it is.

-- source: the name of the store that is copied. version: of the stream of rows. stage: the table that
-- is being copied, from 0; key: the last row of it that is here, none at its beginning. The row stays
-- when the copy is whole (finished); as long as it is not, no listener opens the schema.
CREATE TABLE copy(
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    source text NOT NULL,
    version bigint NOT NULL,
    stage bigint NOT NULL DEFAULT 0,
    key text,
    finished boolean NOT NULL DEFAULT false
);

-- Names of the store before it was restored from a backup, each from its first page on.
CREATE TABLE epoch(
    first_page bigint PRIMARY KEY,
    name text NOT NULL
);
