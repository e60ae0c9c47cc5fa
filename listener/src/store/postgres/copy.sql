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

-- Replays that ended before the copy: where to, and which records.
ALTER TABLE bulk ADD COLUMN IF NOT EXISTS destination text;
ALTER TABLE bulk ADD COLUMN IF NOT EXISTS element bigint NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS replay(
    bulk bigint NOT NULL,
    delivery bigint NOT NULL,
    element bigint NOT NULL,
    page bigint,
    PRIMARY KEY (bulk, delivery, element)
);
CREATE FUNCTION replays_went() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM replay USING before WHERE replay.bulk = before.id;
    RETURN NULL;
END $$;
CREATE TRIGGER replays_went AFTER DELETE ON bulk
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION replays_went();
