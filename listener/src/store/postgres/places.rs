//! Places of a destination's rate limit: one row a destination, moved on by the server's clock.
//!
//! A place is given once: the row is locked while it is moved. Places lie behind each other at the
//! spacing that is asked for, from now or from the last one that was given. What was given far ahead
//! by a slower rate, before the manifest changed, holds nobody up for longer than as many processes as
//! there may be would need at the new one.

use super::Inner;
use super::sql::{int, text};
use super::trouble::{Trouble, unsigned};
use crate::store::{Places, PlacesWanted};

/// Processes that may have taken places before.
const PROCESSES: i64 = 64;

/// See [`crate::store::Store::places`].
pub(super) async fn take(inner: &Inner, destination: &str, wanted: PlacesWanted) -> Result<Places, Trouble> {
    let spacing = i64::try_from(wanted.spacing.as_micros()).unwrap_or(i64::MAX);
    let span = spacing.saturating_mul(i64::from(wanted.number.max(1))).min(i64::MAX / (4 * PROCESSES));
    let ahead = span * PROCESSES;
    let mut connection = inner.pool.connection().await?;
    let alone = connection.alone()?;
    let row = alone
        .query_typed_one(
            "WITH moment AS MATERIALIZED (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now) \
             INSERT INTO pace AS known (destination, next_at) SELECT $1, now + $2 FROM moment \
             ON CONFLICT (destination) DO UPDATE SET next_at = $2 + \
             greatest(excluded.next_at - $2, least(known.next_at, excluded.next_at - $2 + $3)) \
             RETURNING greatest(0, next_at - $2 - (SELECT now FROM moment))",
            &[text(&destination), int(&span), int(&ahead)],
        )
        .await?;
    alone.end();
    Ok(Places::Given { after: std::time::Duration::from_micros(unsigned(row.try_get(0)?)) })
}
