//! The PostgreSQL store as what is copied, and as what is copied into.
//!
//! A listener that has a schema open holds a lock of it, shared ([`hold`]); a copy holds it alone, in either
//! direction. The triggers that count and note what happens are off while rows come that were counted
//! already; at the end the tallies are made anew, and the triggers go on, in the transaction that says
//! that it is whole.

mod counters;
mod rows;
mod session;
mod source;
mod target;

pub(in crate::store) use source::Source;
pub(in crate::store) use target::Target;

use tokio_postgres::Client;

use super::schema::Opened;
use super::trouble::Trouble;
use crate::store::StoreError;
use crate::store::copy::refusal;

/// The key of the lock, within the schema that is set.
const LOCK: &str = "hashtextextended(current_schema() || '/open', 7232)";

/// Says, for as long as the connection lives, that a listener has the schema open; false where a copy
/// is being put into it, or taken of it.
pub(super) async fn hold(client: &Client) -> Result<bool, Trouble> {
    let query = format!("SELECT pg_try_advisory_lock_shared({LOCK})");
    Ok(client.query_typed_one(&query, &[]).await?.try_get(0)?)
}

/// Refuses a schema that holds part of a copy.
pub(super) async fn refuse_half(client: &Client, opened: Opened) -> Result<Opened, StoreError> {
    let failed = |trouble: Trouble| StoreError::Open(trouble.to_string());
    if is_half(client).await.map_err(failed)? {
        return Err(refusal::half("the database", "drop the listener's schema"));
    }
    if !hold(client).await.map_err(failed)? {
        return Err(StoreError::Open(
            "the database is being copied (listener store copy): let the copy end. Where this listener's store \
             was the source, let no listener open it any more"
                .to_owned(),
        ));
    }
    Ok(opened)
}

/// Whether the schema that is set holds part of a copy.
async fn is_half(client: &Client) -> Result<bool, Trouble> {
    Ok(!client.query_typed("SELECT 1 FROM copy WHERE NOT finished", &[]).await?.is_empty())
}
