//! What stands in no table: how it is read, and how it is set at the end of a copy.

use tokio_postgres::Client;

use super::rows::{State, neutral};
use crate::store::copy::{COUNTERS, Kind, Row};
use crate::store::postgres::trouble::Trouble;

/// Reads the counters.
pub(super) async fn read(client: &Client, state: State) -> Result<Row, Trouble> {
    // An embedded store gives these two kinds of numbers behind the highest that is there.
    let last = match state {
        State::Copied => LAST_GIVEN,
        State::Worked => LAST_THERE,
    };
    let row = client.query_typed_one(&format!("{COUNTED}, {last} FROM meta, head, history"), &[]).await?;
    let mut counters = vec![neutral(&row, 0, Kind::Text)?];
    for at in 1..COUNTERS {
        counters.push(neutral(&row, at, Kind::Int)?);
    }
    Ok(counters)
}

/// The counters as they stand, in their order. A sequence that was never used says 0.
const COUNTED: &str = "\
SELECT meta.name, head.delivery, head.records, head.events, head.duplicates, head.ignored, \
    head.last_received_at, meta.refused_kept, meta.refused_bytes, meta.refused_dropped, history.pages_gone, \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM page_number), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM error_id_seq), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit_id_seq), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM bulk_id_seq), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM refused_number_seq)";
/// The last numbers of messages and notes.
const LAST_GIVEN: &str = "\
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM message_id_seq), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM note_id_seq)";
/// The same, of those that are there; of messages with one text the first.
const LAST_THERE: &str = "\
    (SELECT max(id) FROM (SELECT min(id) AS id FROM message GROUP BY text) AS message), \
    (SELECT max(id) FROM note)";

/// Sets the counters. Of the array the first element, the name, is null: so the numbers stand as above.
pub(super) const SET_META: &str = "UPDATE meta SET name = $1, refused_kept = ($2::bigint[])[8], \
    refused_bytes = ($2::bigint[])[9], refused_dropped = ($2::bigint[])[10]";
/// Those of the deliveries.
pub(super) const SET_HEAD: &str = "UPDATE head SET delivery = ($1::bigint[])[2], records = ($1::bigint[])[3], \
    events = ($1::bigint[])[4], duplicates = ($1::bigint[])[5], ignored = ($1::bigint[])[6], \
    last_received_at = ($1::bigint[])[7]";
/// How far back pages are there.
pub(super) const SET_HISTORY: &str = "UPDATE history SET pages_gone = ($1::bigint[])[11]";
/// The last numbers that were given.
pub(super) const SET_NUMBERS: &str = "\
SELECT setval(s.name::regclass, greatest(s.last, 1), s.last > 0) FROM (\
    SELECT n.name, coalesce(($1::bigint[])[n.place], 0) AS last FROM (VALUES ('page_number', 12), \
    ('error_id_seq', 13), ('audit_id_seq', 14), ('bulk_id_seq', 15), ('refused_number_seq', 16), \
    ('message_id_seq', 17), ('note_id_seq', 18)) AS n(name, place)) AS s";

/// The tallies, as the triggers would have made them.
pub(super) const TALLY: &str = "\
TRUNCATE tally, tally_delta; \
INSERT INTO tally(kind, key, value, destination, class, state, number) \
SELECT kind, key, value, destination, class, state, count(*) FROM ( \
    SELECT v.kind, v.key, v.value, e.destination, e.class, e.state \
    FROM error e CROSS JOIN LATERAL (VALUES ('p'::\"char\", 0::bigint, ''), ('m', e.message, ''), \
        ('h', hour_of(e.last_at), ''), ('a', 0, e.assignee)) AS v(kind, key, value) \
    WHERE v.value IS NOT NULL \
    UNION ALL SELECT 't', 0, tag.tag, e.destination, e.class, e.state \
    FROM error e JOIN tag ON tag.error = e.id \
) AS all_of_it GROUP BY 1, 2, 3, 4, 5, 6";
/// The blocks of errors likewise: as for the errors of an older schema.
pub(super) const BLOCKS: &str = include_str!("../desk/blocks_of_old.sql");
