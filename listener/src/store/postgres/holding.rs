//! Who makes a page of records that every cursor has passed (a replay), and who takes away what nobody
//! needs (retention, erasure), agree by one lock.
//!
//! The former share it from before they read a record until their page is committed; the latter have it
//! alone from before they look for what is needed until it is gone. So a page never names what is gone.
//! It is an advisory lock of the schema.

use std::time::Duration;

use tokio_postgres::Client;

use super::trouble::Trouble;
use super::tx::Tx;

/// Looks whether it is free; a page of a replay has time.
const TRIES: u32 = 20;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(50);

/// Shares it until the transaction ends; false where somebody has it alone for longer than a second.
pub(in crate::store::postgres) async fn share(tx: &Tx<'_>) -> Result<bool, Trouble> {
    let query =
        "SELECT pg_try_advisory_xact_lock_shared(hashtextextended(current_schema() || '/holding', 7232))";
    for at in 1..=TRIES {
        if tx.query_typed_one(query, &[]).await?.try_get(0)? {
            return Ok(true);
        }
        if at < TRIES {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(false)
}

/// Has it alone until the transaction ends. Waits for those who share it, within the session's bound.
pub(in crate::store::postgres) async fn alone(tx: &Tx<'_>) -> Result<(), Trouble> {
    let query = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/holding', 7232))";
    tx.query_typed(query, &[]).await?;
    Ok(())
}

/// Has it alone until [`end`], or until the session ends.
pub(in crate::store::postgres) async fn begin(client: &Client) -> Result<(), Trouble> {
    let query = "SELECT pg_advisory_lock(hashtextextended(current_schema() || '/holding', 7232))";
    client.query_typed(query, &[]).await?;
    Ok(())
}

/// Gives it back.
pub(in crate::store::postgres) async fn end(client: &Client) -> Result<(), Trouble> {
    let query = "SELECT pg_advisory_unlock(hashtextextended(current_schema() || '/holding', 7232))";
    client.query_typed(query, &[]).await?;
    Ok(())
}
