-- For each 1024 numbers of errors a time that none of them last failed before: a list up to a time begins
-- at the newest block that can hold one. A block has several rows where times went back, or where two
-- transactions began it together; the earliest counts. So none waits for another.
CREATE TABLE error_block(
    number bigint NOT NULL,
    earliest bigint NOT NULL
);
CREATE INDEX error_block_number ON error_block(number, earliest);

CREATE FUNCTION error_block() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO error_block
    SELECT number, earliest FROM (SELECT id / 1024, min(last_at) FROM added GROUP BY 1) AS come(number, earliest)
    WHERE NOT EXISTS (SELECT FROM error_block AS b WHERE b.number = come.number AND b.earliest <= come.earliest);
    RETURN NULL;
END $$;

CREATE TRIGGER error_block_added AFTER INSERT ON error
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION error_block();
CREATE TRIGGER error_block_changed AFTER UPDATE ON error
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION error_block();
