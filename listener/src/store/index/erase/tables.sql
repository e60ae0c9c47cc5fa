-- Records whose payload is not to be kept. start, length: bytes within the body, of an element
-- that is no record; a record's stand in its delivery. alone: made before any destination, so none
-- has to have passed it. state: 0 somebody may still need it, 1 it is being overwritten, 2 gone.
-- Rows go with their delivery's.
CREATE TABLE erasure(
    delivery INTEGER NOT NULL,
    element INTEGER NOT NULL,
    start INTEGER,
    length INTEGER,
    alone INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (delivery, element)
) STRICT, WITHOUT ROWID;
CREATE INDEX erasure_pending ON erasure(delivery, element, alone) WHERE state = 0;
CREATE INDEX erasure_begun ON erasure(delivery) WHERE state = 1;

-- What is being written over groups of the journal; done again when the store is opened.
CREATE TABLE rewrite(
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    header BLOB NOT NULL,
    holes BLOB NOT NULL,
    PRIMARY KEY (segment, offset)
) STRICT, WITHOUT ROWID;
