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

-- The tally once more, apart by one thing more. kind: 't' tag, 'a' assignee, 'm' message,
-- 'h' hour of the last failure (epoch hours). Rows of number 0 go with the retention.
CREATE TABLE facet(
    kind TEXT NOT NULL,
    value ANY NOT NULL,
    destination TEXT NOT NULL,
    class TEXT NOT NULL,
    state INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (kind, value, destination, class, state)
) STRICT, WITHOUT ROWID;
CREATE INDEX facet_empty ON facet(number) WHERE number = 0;
INSERT INTO facet SELECT 'm', message, destination, class, state, count(*) FROM error GROUP BY 2, 3, 4, 5;
INSERT INTO facet SELECT 'h', last_at / 3600000, destination, class, state, count(*) FROM error GROUP BY 2, 3, 4, 5;

CREATE TABLE tag(
    tag TEXT NOT NULL,
    error INTEGER NOT NULL,
    PRIMARY KEY (tag, error)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_of ON tag(error, tag);

-- What an error counts for in the facets.
CREATE VIEW counted AS
    SELECT id, 'm' AS kind, message AS value, destination, class, state FROM error
    UNION ALL SELECT id, 'h', last_at / 3600000, destination, class, state FROM error
    UNION ALL SELECT id, 'a', assignee, destination, class, state FROM error WHERE assignee IS NOT NULL
    UNION ALL SELECT error.id, 't', tag, destination, class, state FROM tag JOIN error ON error.id = tag.error;

CREATE TRIGGER error_added AFTER INSERT ON error BEGIN
    INSERT INTO tally VALUES (new.destination, new.class, new.state, 1)
        ON CONFLICT DO UPDATE SET number = number + 1;
    INSERT INTO facet VALUES ('m', new.message, new.destination, new.class, new.state, 1),
        ('h', new.last_at / 3600000, new.destination, new.class, new.state, 1)
        ON CONFLICT DO UPDATE SET number = number + 1;
    INSERT INTO facet SELECT 'a', new.assignee, new.destination, new.class, new.state, 1
        WHERE new.assignee IS NOT NULL
        ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER error_leaves BEFORE UPDATE OF state, class, message, last_at, assignee ON error BEGIN
    UPDATE tally SET number = number - 1
        WHERE destination = old.destination AND class = old.class AND state = old.state;
    UPDATE facet SET number = number - 1
        WHERE destination = old.destination AND class = old.class AND state = old.state
        AND (kind, value) IN (SELECT kind, value FROM counted WHERE id = old.id);
END;
CREATE TRIGGER error_comes AFTER UPDATE OF state, class, message, last_at, assignee ON error BEGIN
    INSERT INTO tally VALUES (new.destination, new.class, new.state, 1)
        ON CONFLICT DO UPDATE SET number = number + 1;
    INSERT INTO facet SELECT kind, value, destination, class, state, 1 FROM counted WHERE id = new.id
        ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER error_goes BEFORE DELETE ON error BEGIN
    DELETE FROM tag WHERE error = old.id;
    UPDATE tally SET number = number - 1
        WHERE destination = old.destination AND class = old.class AND state = old.state;
    UPDATE facet SET number = number - 1
        WHERE destination = old.destination AND class = old.class AND state = old.state
        AND (kind, value) IN (SELECT kind, value FROM counted WHERE id = old.id);
    DELETE FROM payload WHERE error = old.id;
    DELETE FROM note WHERE error = old.id;
END;
CREATE TRIGGER tag_added AFTER INSERT ON tag BEGIN
    INSERT INTO facet SELECT 't', new.tag, destination, class, state, 1 FROM error WHERE id = new.error
        ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER tag_removed AFTER DELETE ON tag BEGIN
    UPDATE facet SET number = number - 1 WHERE kind = 't' AND value = old.tag
        AND (destination, class, state) = (SELECT destination, class, state FROM error WHERE id = old.error);
END;

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

-- What a bulk act is about, fixed by its plan. done: 1 where the act was done to it.
CREATE TABLE bulk_item(
    bulk INTEGER NOT NULL,
    error INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
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
