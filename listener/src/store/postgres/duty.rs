//! What only one of the processes should do at a time: who does it has the duty until a time by the
//! server's clock, and renews it while it goes on.

use std::time::Duration;

use super::Inner;
use super::sql::{int, text};
use super::trouble::Trouble;

/// Takes or renews a duty; whether this process has it now.
pub(in crate::store::postgres) async fn hold(
    inner: &Inner,
    name: &str,
    span: Duration,
) -> Result<bool, Trouble> {
    let mut connection = inner.pool.connection().await?;
    let seconds = span.as_secs_f64();
    let statement = "INSERT INTO duty AS d(name, holder, held_until) \
        VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3::float8)) \
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until \
        WHERE d.holder = excluded.holder OR d.held_until < clock_timestamp() RETURNING 1";
    let values = [
        text(&name),
        int(&inner.holder),
        (&seconds as &(dyn tokio_postgres::types::ToSql + Sync), tokio_postgres::types::Type::FLOAT8),
    ];
    let alone = connection.alone()?;
    let held = alone.query_typed(statement, &values).await?;
    alone.end();
    Ok(!held.is_empty())
}

/// Gives a duty up, if this process has it.
pub(in crate::store::postgres) async fn release(inner: &Inner, name: &str) -> Result<(), Trouble> {
    let mut connection = inner.pool.connection().await?;
    let statement = "DELETE FROM duty WHERE name = $1 AND holder = $2";
    let alone = connection.alone()?;
    alone.query_typed(statement, &[text(&name), int(&inner.holder)]).await?;
    alone.end();
    Ok(())
}
