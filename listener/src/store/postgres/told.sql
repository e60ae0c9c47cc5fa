-- Up to when, or when, a notice has told something.
CREATE TABLE told(
    key text PRIMARY KEY,
    at bigint NOT NULL
);
