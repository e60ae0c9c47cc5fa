//! Errors as they arise, and as they go when they are old.

use tokio_postgres::Row;

use super::fold;
use super::sql;
use super::state;
use super::text::cleaned;
use crate::store::names::Names;
use crate::store::postgres::trouble::{Trouble, count, signed, unsigned};
use crate::store::postgres::tx::Tx;
use crate::store::{Failure, NewError, OpenError};

/// Bytes of payloads that one list holds at most; a longer list ends early.
const LIST_BYTES: usize = 64 * 1024 * 1024;
/// Errors whose payloads are read in one go.
const LIST_STEP: usize = 64;

/// Where a record failed.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store::postgres) struct Place<'a> {
    /// None: before any destination.
    pub(in crate::store::postgres) destination: Option<&'a str>,
    /// The page it was in last.
    pub(in crate::store::postgres) page: Option<u64>,
    /// Attempts that were made.
    pub(in crate::store::postgres) attempts: u32,
}

/// Columns of errors to be, for `unnest`.
#[derive(Default)]
struct Columns<'a> {
    deliveries: Vec<i64>,
    elements: Vec<i64>,
    classes: Vec<&'static str>,
    codes: Vec<String>,
    messages: Vec<String>,
    statuses: Vec<Option<i64>>,
    responses: Vec<Option<String>>,
    keys: Vec<String>,
    uris: Vec<String>,
    payloads: Vec<Option<&'a [u8]>>,
    ats: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(errors: &'a [NewError]) -> Self {
        let mut all = Self::default();
        for error in errors {
            let NewError { record, failure, trace_key, data_uri, payload, at_ms } = error;
            let Failure { class, code, message, status, response } = failure;
            all.deliveries.push(signed(record.delivery));
            all.elements.push(record.element.into());
            all.classes.push(class.as_str());
            all.codes.push(cleaned(code));
            all.messages.push(cleaned(message));
            all.statuses.push(status.map(i64::from));
            all.responses.push(response.as_deref().map(cleaned));
            all.keys.push(cleaned(trace_key));
            all.uris.push(cleaned(data_uri));
            all.payloads.push(payload.as_deref());
            all.ats.push(*at_ms);
        }
        all
    }
}

/// Keeps errors, in order; their numbers. With `fold` they close older ones of their trace keys. The
/// record of one without a payload is erased once nobody needs it ([`super::erase`]).
pub(in crate::store::postgres) async fn insert(
    tx: &Tx<'_>,
    place: Place<'_>,
    errors: &[NewError],
    fold: bool,
) -> Result<Vec<i64>, Trouble> {
    if errors.is_empty() {
        return Ok(Vec::new());
    }
    let destination = place.destination.unwrap_or_default();
    if fold {
        fold::lock(tx, destination).await?;
    }
    let columns = Columns::of(errors);
    let rows = sql::rows(
        tx,
        ADD,
        &[
            &columns.deliveries,
            &columns.elements,
            &columns.classes,
            &columns.codes,
            &columns.messages,
            &columns.statuses,
            &columns.responses,
            &columns.keys,
            &columns.uris,
            &columns.payloads,
            &columns.ats,
            &destination,
            &place.page.map(signed),
            &i64::from(place.attempts),
        ],
    )
    .await?;
    let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    if fold {
        fold::failed(tx, destination, &ids, &columns.keys, errors).await?;
    }
    Ok(ids)
}

/// One statement: the messages that are not there yet, the errors in the order given, their payloads.
const ADD: &str = "\
WITH input AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[],
        $7::text[], $8::text[], $9::text[], $10::bytea[], $11::bigint[]) WITH ORDINALITY
        AS i(delivery, element, class, code, text, status, response, trace_key, data_uri, payload, at, place)
), known AS MATERIALIZED (
    SELECT DISTINCT ON (i.text) i.text, message.id, message.used_at < now() - interval '1 hour' AS stale
    FROM (SELECT DISTINCT text FROM input) i JOIN message
        ON hashtextextended(message.text, 0) = hashtextextended(i.text COLLATE \"C\", 0) AND message.text = i.text
    ORDER BY i.text, message.id
), used AS (
    UPDATE message SET used_at = now() WHERE id IN (
        SELECT id FROM message WHERE id IN (SELECT id FROM known WHERE stale) FOR UPDATE SKIP LOCKED)
), made AS (
    INSERT INTO message(text) SELECT DISTINCT text FROM input
        WHERE NOT EXISTS (SELECT 1 FROM known WHERE known.text = input.text) RETURNING id, text
), named AS (
    SELECT text, id FROM known UNION ALL SELECT text, id FROM made
), numbered AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('error', 'id')) AS id, i.*
    FROM (SELECT * FROM input ORDER BY place) i
), added AS (
    INSERT INTO error(id, destination, delivery, element, page, class, code, message, status, response,
        trace_key, data_uri, has_payload, first_at, last_at, attempts)
    SELECT n.id, $12::text, n.delivery, n.element, $13::bigint, n.class, n.code, named.id, n.status,
        n.response, n.trace_key, n.data_uri, n.payload IS NOT NULL, n.at, n.at, $14::bigint
    FROM numbered n JOIN named ON named.text = n.text
), kept AS (
    INSERT INTO payload(error, original) SELECT id, payload FROM numbered WHERE payload IS NOT NULL
)
SELECT id FROM numbered ORDER BY place";

/// Numbers of messages, which are kept once, in the order given.
pub(super) async fn messages(tx: &Tx<'_>, texts: &[String]) -> Result<Vec<i64>, Trouble> {
    let rows = sql::rows(tx, "WITH input AS (SELECT * FROM unnest($1::text[]) WITH ORDINALITY AS i(text, place)),
known AS MATERIALIZED (
    SELECT DISTINCT ON (i.text) i.text, message.id, message.used_at < now() - interval '1 hour' AS stale
    FROM input i JOIN message
        ON hashtextextended(message.text, 0) = hashtextextended(i.text COLLATE \"C\", 0) AND message.text = i.text
    ORDER BY i.text, message.id
), used AS (
    UPDATE message SET used_at = now() WHERE id IN (
        SELECT id FROM message WHERE id IN (SELECT id FROM known WHERE stale) FOR UPDATE SKIP LOCKED)
), made AS (
    INSERT INTO message(text) SELECT DISTINCT text FROM input
        WHERE NOT EXISTS (SELECT 1 FROM known WHERE known.text = input.text) RETURNING id, text
), named AS (SELECT text, id FROM known UNION ALL SELECT text, id FROM made)
SELECT named.id FROM input JOIN named ON named.text = input.text ORDER BY input.place",
            &[&texts],
        )
        .await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Open errors, the newest first.
pub(in crate::store::postgres) async fn list(
    tx: &Tx<'_>,
    names: &Names,
    limit: usize,
) -> Result<Vec<OpenError>, Trouble> {
    let (mut errors, mut bytes, mut before): (Vec<OpenError>, usize, i64) = (Vec::new(), 0, i64::MAX);
    while errors.len() < limit && bytes <= LIST_BYTES {
        let step = (limit - errors.len()).min(LIST_STEP);
        let rows = sql::rows(
            tx,
            "SELECT error.id, destination, delivery, element, page, class, code, \
                 (SELECT text FROM message WHERE message.id = error.message), status, response, trace_key, \
                 data_uri, payload.original, last_at, attempts FROM error \
                 LEFT JOIN payload ON payload.error = error.id WHERE error.id < $1 AND state IN (0, 1) \
                 ORDER BY error.id DESC LIMIT $2",
            &[&before, &count(step)],
        )
        .await?;
        for row in &rows {
            let error = read(row, names)?;
            before = error.id;
            bytes += error.error.payload.as_ref().map_or(0, bytes::Bytes::len);
            errors.push(error);
        }
        if rows.len() < step {
            break;
        }
    }
    Ok(errors)
}

fn read(row: &Row, names: &Names) -> Result<OpenError, Trouble> {
    let page: Option<i64> = row.try_get(4)?;
    Ok(OpenError {
        id: row.try_get(0)?,
        destination: state::destination(row, 1)?,
        page: page.map(|number| names.page(unsigned(number))),
        attempts: state::small(row, 14)?,
        error: NewError {
            record: state::record(row, 2)?,
            failure: Failure {
                class: state::class(row, 5)?,
                code: row.try_get(6)?,
                message: row.try_get::<_, Option<String>>(7)?.unwrap_or_default(),
                status: state::status(row, 8)?,
                response: row.try_get(9)?,
            },
            trace_key: row.try_get(10)?,
            data_uri: row.try_get(11)?,
            payload: row.try_get::<_, Option<Vec<u8>>>(12)?.map(Into::into),
            at_ms: row.try_get(13)?,
        },
    })
}

/// Removes at most `limit` errors that last failed before `before_ms`, but for those on their way
/// again or whose records are to be erased; how many. Their payloads, tags and notes go with them.
pub(in crate::store::postgres) async fn remove(
    tx: &Tx<'_>,
    before_ms: i64,
    limit: i64,
) -> Result<u64, Trouble> {
    sql::run(
        tx,
        "WITH old AS MATERIALIZED (
             SELECT id FROM error WHERE last_at < $1 AND state <> 2 AND (has_payload OR erased)
             ORDER BY last_at LIMIT $2
         ), locked AS MATERIALIZED (
             SELECT id FROM error WHERE id IN (SELECT id FROM old) AND state <> 2
             ORDER BY id FOR UPDATE SKIP LOCKED
         ) DELETE FROM error WHERE id IN (SELECT id FROM locked)",
        &[&before_ms, &limit],
    )
    .await
}

/// Removes messages that no error has any more, at most `limit`; how many. One that was named within
/// a day stays: a transaction that is not over may name it.
pub(in crate::store::postgres) async fn remove_messages(tx: &Tx<'_>, limit: i64) -> Result<u64, Trouble> {
    sql::run(
        tx,
        "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE used_at < now() - interval '1 day' \
         AND NOT EXISTS (SELECT 1 FROM error WHERE error.message = message.id) \
         ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)",
        &[&limit],
    )
    .await
}

/// Removes blocks of which no error is left, at most `limit` rows; how many. The newest two stay: a
/// transaction that is not over may have an error in them, and has seen their rows.
pub(in crate::store::postgres) async fn remove_blocks(tx: &Tx<'_>, limit: i64) -> Result<u64, Trouble> {
    sql::run(
        tx,
        "DELETE FROM error_block WHERE ctid = ANY(ARRAY(SELECT ctid FROM error_block \
         WHERE number < (SELECT max(number) FROM error_block) - 1 AND NOT EXISTS \
         (SELECT FROM error WHERE id BETWEEN number * 1024 AND number * 1024 + 1023) LIMIT $1))",
        &[&limit],
    )
    .await
}
