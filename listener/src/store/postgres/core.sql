-- Deliveries, pages and what they need. The error desk's tables: desk/desk.sql.
-- Numbers of records within a delivery ("element") and all counts are bigint; times are epoch
-- milliseconds by the listener's clock, but for leases, which run by the server's.

-- What this schema is: one row.
CREATE TABLE meta(
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    name text NOT NULL,
    namespace text NOT NULL,
    listener text NOT NULL,
    refused_kept bigint NOT NULL DEFAULT 0,
    refused_bytes bigint NOT NULL DEFAULT 0,
    refused_dropped bigint NOT NULL DEFAULT 0
);

-- The end of the deliveries, and what was counted on the way: one row, which each transaction that
-- puts deliveries down changes last. So they are committed in the order of their numbers.
CREATE TABLE head(
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    delivery bigint NOT NULL DEFAULT 0,
    records bigint NOT NULL DEFAULT 0,
    events bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    ignored bigint NOT NULL DEFAULT 0,
    last_received_at bigint
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
INSERT INTO head DEFAULT VALUES;

-- first_ordinal: records in all deliveries before it. Parted by slices of received_at.
CREATE TABLE delivery(
    seq bigint NOT NULL,
    slice bigint NOT NULL,
    received_at bigint NOT NULL,
    request uuid NOT NULL,
    first_ordinal bigint NOT NULL,
    length bigint NOT NULL,
    records bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (seq, slice)
) PARTITION BY RANGE (slice);
-- Of bytes that are stored as they are, a part can be read without the rest.
ALTER TABLE delivery ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE dedupe(
    occurred_at bigint NOT NULL,
    hash bytea NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (occurred_at, hash)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE dedupe_default PARTITION OF dedupe DEFAULT;

-- mended: how often something passed the hook that had failed there; a cut that passed it by is void.
CREATE TABLE destination(
    name text PRIMARY KEY,
    cursor_delivery bigint NOT NULL,
    cursor_index bigint NOT NULL,
    cursor_ordinal bigint NOT NULL,
    delivered bigint NOT NULL DEFAULT 0,
    ignored bigint NOT NULL DEFAULT 0,
    page_records bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    withheld bigint NOT NULL DEFAULT 0,
    mended bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

CREATE SEQUENCE page_number;

-- state: 0 waiting, 1 leased, 2 delivered (at least in part), 3 failed. kind: 0 cut from the
-- deliveries, 1 errors that are sent again, 2 replayed (history/replay/). lease: the holder's secret, new with each lease.
CREATE TABLE page(
    number bigint PRIMARY KEY,
    destination text NOT NULL,
    state smallint NOT NULL,
    kind smallint NOT NULL,
    first_delivery bigint NOT NULL,
    first_element bigint NOT NULL,
    records bytea NOT NULL,
    record_count bigint NOT NULL,
    oversized boolean NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    first_attempt_at bigint,
    due_at bigint NOT NULL,
    created_at bigint NOT NULL,
    settled_at bigint,
    parent bigint,
    holder bigint,
    lease bigint,
    leased_until timestamptz
) WITH (fillfactor = 70);
CREATE INDEX page_unsettled ON page(destination, state, due_at, number) WHERE state < 2;
CREATE INDEX page_needs ON page(first_delivery) WHERE state < 2;
CREATE INDEX page_held ON page(holder) WHERE state = 1;
CREATE INDEX page_settled ON page(settled_at) WHERE state >= 2;

CREATE TABLE attempt(
    page bigint NOT NULL,
    number bigint NOT NULL,
    at bigint NOT NULL,
    took_ms bigint NOT NULL,
    status bigint,
    PRIMARY KEY (page, number)
);

-- What the hook did not let go on as it came. fate: 1 changed (payload), 2 dropped, 3 failed.
CREATE TABLE hooked(
    delivery bigint NOT NULL,
    element bigint NOT NULL,
    fate smallint NOT NULL,
    payload bytea,
    PRIMARY KEY (delivery, element)
);

CREATE TABLE refused(
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    at bigint NOT NULL,
    status bigint NOT NULL,
    cause text NOT NULL,
    diagnosis text,
    diagnosis_code text,
    request_line text NOT NULL,
    headers text NOT NULL,
    body bytea NOT NULL,
    body_bytes bigint NOT NULL,
    peer text,
    size bigint NOT NULL
);

-- Who of the replicas does what only one should do.
CREATE TABLE duty(
    name text PRIMARY KEY,
    holder bigint NOT NULL,
    held_until timestamptz NOT NULL
);
