-- For each 1024 numbers of errors a time that none of them last failed before: a list up to a time begins
-- at the newest block that can hold one.
CREATE TABLE error_block(
    number INTEGER PRIMARY KEY,
    earliest INTEGER NOT NULL
) STRICT;
INSERT INTO error_block SELECT id / 1024, min(last_at) FROM error GROUP BY 1;

CREATE TRIGGER error_block_added AFTER INSERT ON error BEGIN
    INSERT INTO error_block VALUES (new.id / 1024, new.last_at)
        ON CONFLICT DO UPDATE SET earliest = excluded.earliest WHERE excluded.earliest < earliest;
END;
CREATE TRIGGER error_block_changed AFTER UPDATE OF last_at ON error WHEN new.last_at < old.last_at BEGIN
    INSERT INTO error_block VALUES (new.id / 1024, new.last_at)
        ON CONFLICT DO UPDATE SET earliest = excluded.earliest WHERE excluded.earliest < earliest;
END;
