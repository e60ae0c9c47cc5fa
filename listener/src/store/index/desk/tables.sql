-- The error desk. An error's payload stands apart, so that lists do not read it; a message that
-- many errors have stands once. Triggers keep the tally, so that no count walks the errors.

CREATE TABLE message(
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO message(text) SELECT DISTINCT message FROM error;

CREATE TABLE payload(
    error INTEGER PRIMARY KEY,
    original BLOB NOT NULL,
    edited BLOB,
    edited_by TEXT,
    edited_at INTEGER
) STRICT;
INSERT INTO payload(error, original) SELECT id, payload FROM error WHERE payload IS NOT NULL;

DROP INDEX error_age;
ALTER TABLE error RENAME TO former_error;

-- state: 0 open, 1 waiting, 2 retrying, 3 resolved. destination: empty before any.
CREATE TABLE error(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state INTEGER NOT NULL DEFAULT 0,
    destination TEXT NOT NULL,
    class TEXT NOT NULL,
    message INTEGER NOT NULL,
    trace_key TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    element INTEGER NOT NULL,
    page INTEGER,
    code TEXT NOT NULL,
    status INTEGER,
    response TEXT,
    data_uri TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    has_payload INTEGER NOT NULL,
    edited INTEGER NOT NULL DEFAULT 0,
    assignee TEXT,
    waits_until INTEGER,
    retry_page INTEGER,
    retried_by TEXT,
    resolved_at INTEGER,
    resolved_by TEXT,
    resolution TEXT,
    newer_error INTEGER
) STRICT;

INSERT INTO error(id, state, destination, class, message, trace_key, first_at, last_at, delivery, element,
                  page, code, status, response, data_uri, attempts, has_payload)
SELECT former_error.id, 0, coalesce(destination, ''), class, message.id, trace_key, first_at, last_at, delivery,
       element, page, code, status, response, data_uri, attempts, payload IS NOT NULL
FROM former_error JOIN message ON message.text = former_error.message ORDER BY former_error.id;

-- A number is never given again, also where the newest errors are gone.
INSERT INTO sqlite_sequence(name, seq) SELECT 'error', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'error');
UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'former_error'), 0))
    WHERE name = 'error';
DROP TABLE former_error;

CREATE INDEX error_place ON error(destination, class, state, id);
CREATE INDEX error_trace ON error(trace_key, id, state, class, destination);
CREATE INDEX error_message ON error(message, state, class, destination);
CREATE INDEX error_age ON error(last_at, state, class, destination);
CREATE INDEX error_assignee ON error(assignee, id) WHERE assignee IS NOT NULL;
CREATE INDEX error_waits ON error(waits_until) WHERE state = 1 AND waits_until IS NOT NULL;
CREATE INDEX error_retry ON error(destination, id) WHERE state = 2 AND retry_page IS NULL;
CREATE INDEX error_newer ON error(newer_error) WHERE newer_error IS NOT NULL;

CREATE TABLE tally(
    destination TEXT NOT NULL,
    class TEXT NOT NULL,
    state INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (destination, class, state)
) STRICT, WITHOUT ROWID;
INSERT INTO tally SELECT destination, class, state, count(*) FROM error GROUP BY 1, 2, 3;

CREATE TRIGGER error_added AFTER INSERT ON error BEGIN
    INSERT INTO tally VALUES (new.destination, new.class, new.state, 1)
        ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER error_moved AFTER UPDATE OF state, class ON error
WHEN old.state <> new.state OR old.class <> new.class BEGIN
    UPDATE tally SET number = number - 1
        WHERE destination = old.destination AND class = old.class AND state = old.state;
    INSERT INTO tally VALUES (new.destination, new.class, new.state, 1)
        ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER error_removed AFTER DELETE ON error BEGIN
    UPDATE tally SET number = number - 1
        WHERE destination = old.destination AND class = old.class AND state = old.state;
    DELETE FROM payload WHERE error = old.id;
    DELETE FROM tag WHERE error = old.id;
    DELETE FROM note WHERE error = old.id;
END;

CREATE TABLE tag(
    tag TEXT NOT NULL,
    error INTEGER NOT NULL,
    PRIMARY KEY (tag, error)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_of ON tag(error, tag);

CREATE TABLE note(
    id INTEGER PRIMARY KEY,
    error INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX note_of ON note(error, id);

CREATE TABLE audit(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    error INTEGER,
    bulk INTEGER,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of ON audit(error, id) WHERE error IS NOT NULL;
CREATE INDEX audit_bulk ON audit(bulk) WHERE bulk IS NOT NULL;
CREATE INDEX audit_age ON audit(at);

-- state: 0 planned, 1 running, 2 done, 3 cancelled. whole: all items of the plan are there.
-- cursor: the last error that was done.
CREATE TABLE bulk(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    actor TEXT NOT NULL,
    selection TEXT NOT NULL,
    act TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0,
    passed INTEGER NOT NULL DEFAULT 0,
    cursor INTEGER NOT NULL DEFAULT 0,
    whole INTEGER NOT NULL DEFAULT 0,
    planned_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE INDEX bulk_running ON bulk(id) WHERE state = 1;

-- What a bulk act is about, fixed by its plan.
CREATE TABLE bulk_item(
    bulk INTEGER NOT NULL,
    error INTEGER NOT NULL,
    PRIMARY KEY (bulk, error)
) STRICT, WITHOUT ROWID;
CREATE INDEX bulk_item_of ON bulk_item(error);

-- kind: 0 cut from the deliveries, 1 errors that are sent again.
ALTER TABLE page ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
CREATE TABLE retry(
    page INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    element INTEGER NOT NULL,
    error INTEGER NOT NULL,
    PRIMARY KEY (page, delivery, element)
) STRICT, WITHOUT ROWID;

-- How often something passed the hook that had failed there.
ALTER TABLE meta ADD COLUMN mended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta DROP COLUMN open_errors;
ALTER TABLE destination DROP COLUMN open_errors;
