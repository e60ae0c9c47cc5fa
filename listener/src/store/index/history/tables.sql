-- What was accepted and what became of it: the search index, minutes, replay.

-- Before what time nothing in a segment arrived; of older segments it is not known.
ALTER TABLE segment ADD COLUMN oldest_at INTEGER NOT NULL DEFAULT -9223372036854775808;

-- Records by what people search for. key: see `entry`. Apart by the journal's segment, so that what
-- comes is put near what came before it, and goes with its segment.
CREATE TABLE search(
    segment INTEGER NOT NULL,
    key BLOB NOT NULL,
    delivery INTEGER NOT NULL,
    element INTEGER NOT NULL,
    PRIMARY KEY (segment, key, delivery, element)
) STRICT, WITHOUT ROWID;

-- searched: the last delivery that is in the search index, with all before it.
-- pages_gone: pages that were settled before this time may be gone, epoch milliseconds.
-- pages_noted: pages with a higher number say themselves which of their records failed.
ALTER TABLE meta ADD COLUMN searched INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN pages_gone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN pages_noted INTEGER NOT NULL DEFAULT 0;
UPDATE meta SET pages_noted = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'page'), 0),
    pages_gone = coalesce(last_received_at, 0);

-- failed: records that became errors when it was settled.
ALTER TABLE page ADD COLUMN failed BLOB;
CREATE INDEX page_way ON page(destination, first_delivery, number) WHERE kind = 0 AND parent IS NULL;
CREATE INDEX page_parent ON page(parent) WHERE parent IS NOT NULL;
CREATE INDEX error_record ON error(delivery, element);

-- The delivery with which a destination began.
ALTER TABLE destination ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;
UPDATE destination SET begins = cursor_delivery;

-- A replay is a bulk act with a destination. Its cursor: the last record that was put into a page
-- (kind 2) or left, as `cursor` and `element`.
ALTER TABLE bulk ADD COLUMN destination TEXT;
ALTER TABLE bulk ADD COLUMN element INTEGER NOT NULL DEFAULT 0;
CREATE INDEX bulk_replays ON bulk(destination, id) WHERE state = 1 AND destination IS NOT NULL;

-- What a replay is about, fixed by its plan; page: where it was put.
CREATE TABLE replay(
    bulk INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    element INTEGER NOT NULL,
    page INTEGER,
    PRIMARY KEY (bulk, delivery, element)
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_of ON replay(delivery, element);

-- at: epoch minutes.
CREATE TABLE minute(
    at INTEGER PRIMARY KEY,
    events INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    errors INTEGER NOT NULL DEFAULT 0,
    backlog INTEGER
) STRICT;
CREATE TABLE latency(
    at INTEGER NOT NULL,
    destination TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    PRIMARY KEY (at, destination)
) STRICT, WITHOUT ROWID;
