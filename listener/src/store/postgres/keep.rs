//! What goes on by itself: leases are renewed, slices are made ahead, idle connections closed.

use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use super::slices::SLICE_MS;
use super::sql::ints;
use super::trouble::Trouble;

/// Until `stop`.
pub(super) async fn run(inner: Arc<Inner>) {
    let every = (inner.lease / 3).max(Duration::from_millis(50));
    let mut failing = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = inner.stop.cancelled() => return,
        }
        inner.pool.tidy();
        let done = tokio::time::timeout(inner.lease, step(&inner)).await;
        let done = done.unwrap_or_else(|_| Err(Trouble::Pool("the database did not answer".to_owned())));
        match done {
            Ok(()) => failing = false,
            Err(trouble) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(
                        %trouble,
                        "leases of pages cannot be renewed; another process may send them again: {trouble}"
                    );
                }
            }
        }
    }
}

async fn step(inner: &Inner) -> Result<(), Trouble> {
    renew(inner).await?;
    let now_ms = inner.clock.now_ms();
    // The next one an hour before it is needed.
    inner.slices.ensure(&inner.pool, [now_ms, now_ms + SLICE_MS / 6].into_iter()).await
}

/// Says that this process still has its pages.
async fn renew(inner: &Inner) -> Result<(), Trouble> {
    let (numbers, secrets) = inner.leases.all();
    if numbers.is_empty() {
        return Ok(());
    }
    let seconds = inner.lease.as_secs_f64();
    let update = "UPDATE page SET leased_until = clock_timestamp() + make_interval(secs => $3::float8) \
        FROM unnest($1::bigint[], $2::bigint[]) AS mine(number, lease) \
        WHERE page.number = mine.number AND page.state = 1 AND page.lease = mine.lease";
    let values = [
        ints(&numbers),
        ints(&secrets),
        (&seconds as &(dyn tokio_postgres::types::ToSql + Sync), tokio_postgres::types::Type::FLOAT8),
    ];
    let mut connection = inner.pool.connection().await?;
    let alone = connection.alone()?;
    alone.query_typed(update, &values).await?;
    alone.end();
    Ok(())
}
