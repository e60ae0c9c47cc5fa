-- What was accepted and what became of it: minutes, which records of a page failed, how far back
-- pages are there. All of it is written by triggers, in the transactions in which it happens.

-- First what takes long in a full store: deliveries are taken meanwhile, because head is not locked yet.
CREATE INDEX page_way ON page(destination, first_delivery, number) WHERE kind = 0 AND parent IS NULL;
CREATE INDEX page_parent ON page(parent) WHERE parent IS NOT NULL;
CREATE INDEX error_record ON error(delivery, element);

-- What happened in an epoch minute: rows to be added up, so that no transaction waits for another.
-- destination: of attempts; empty elsewhere. backlog: noted at the end of the minute.
CREATE TABLE minute(
    at bigint NOT NULL,
    destination text COLLATE "C" NOT NULL DEFAULT '',
    events bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    errors bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    took_ms bigint NOT NULL DEFAULT 0,
    backlog bigint
);
CREATE INDEX minute_at ON minute(at, destination);

CREATE FUNCTION minute_of(ms bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS 'SELECT floor(ms / 60000.0)::bigint';

CREATE FUNCTION requests_refused() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO minute(at, refused) SELECT minute_of(added.at), count(*) FROM added GROUP BY 1;
    RETURN NULL;
END $$;
CREATE TRIGGER requests_refused AFTER INSERT ON refused
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION requests_refused();

-- Those that are only counted have no time: it is that of the server.
CREATE FUNCTION requests_dropped() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO minute(at, refused) VALUES (floor(extract(epoch FROM clock_timestamp()) / 60)::bigint,
        new.refused_dropped - old.refused_dropped);
    RETURN NULL;
END $$;
CREATE TRIGGER requests_dropped AFTER UPDATE ON meta FOR EACH ROW
    WHEN (new.refused_dropped > old.refused_dropped) EXECUTE FUNCTION requests_dropped();

-- Records of a page that became errors when it was settled; the errors may be gone, or be in other
-- pages since.
CREATE TABLE page_failed(
    page bigint NOT NULL,
    delivery bigint NOT NULL,
    element bigint NOT NULL
);
CREATE INDEX page_failed_of ON page_failed(page);

-- A record on its way from the hook (state retrying from the beginning) has not failed.
CREATE FUNCTION errors_arose() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO minute(at, errors) SELECT minute_of(added.first_at), count(*) FROM added
        WHERE added.state <> 2 GROUP BY 1;
    INSERT INTO page_failed SELECT added.page, added.delivery, added.element FROM added
        WHERE added.page IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER errors_arose AFTER INSERT ON error
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION errors_arose();

CREATE FUNCTION attempts_made() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO minute(at, destination, attempts, took_ms)
        SELECT minute_of(added.at), page.destination, count(*), sum(added.took_ms)
        FROM added JOIN page ON page.number = added.page GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE TRIGGER attempts_made AFTER INSERT ON attempt
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION attempts_made();

-- pages_gone: pages that were settled before this time may be gone, epoch milliseconds.
CREATE TABLE history(
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    pages_gone bigint NOT NULL DEFAULT 0
);
INSERT INTO history(pages_gone) SELECT coalesce(last_received_at, 0) FROM head;

CREATE FUNCTION pages_went() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE history SET pages_gone = greatest(pages_gone, (SELECT max(settled_at) + 1 FROM before))
        WHERE pages_gone <= (SELECT max(settled_at) FROM before);
    DELETE FROM page_failed USING before WHERE page_failed.page = before.number;
    RETURN NULL;
END $$;
CREATE TRIGGER pages_went AFTER DELETE ON page
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION pages_went();

-- The delivery with which a destination began.
ALTER TABLE destination ADD COLUMN begins bigint NOT NULL DEFAULT 0;
UPDATE destination SET begins = cursor_delivery;
CREATE FUNCTION destination_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.begins := new.cursor_delivery;
    RETURN new;
END $$;
CREATE TRIGGER destination_begins BEFORE INSERT ON destination
    FOR EACH ROW EXECUTE FUNCTION destination_begins();

-- Last, because deliveries wait from here on.
CREATE FUNCTION events_came() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO minute(at, events) VALUES (minute_of(coalesce(new.last_received_at, 0)), new.events - old.events);
    RETURN NULL;
END $$;
CREATE TRIGGER events_came AFTER UPDATE ON head FOR EACH ROW
    WHEN (new.events > old.events) EXECUTE FUNCTION events_came();
