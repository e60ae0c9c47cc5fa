-- When the next attempt at a destination with a rate limit may begin, over all processes: microseconds
-- of the server's clock. Unlogged: no place is worth a sync, and after a crash the limit begins anew.
CREATE UNLOGGED TABLE pace(
    destination text PRIMARY KEY,
    next_at bigint NOT NULL
);
