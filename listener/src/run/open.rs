//! Opening a listener's store, of whichever kind, and following the URL of its database.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::options::Options;
use crate::config::{ListenerKey, Live};
use crate::desk::Desk;
use crate::store::index::{self, Embedded};
use crate::store::postgres::{self, Postgres};
use crate::store::{Sorter, Store};

/// Between two tries to go to the database by another URL.
const PAUSE: Duration = Duration::from_secs(5);

/// A store that is open, with its desk.
pub(super) struct Opened {
    pub(super) store: Arc<dyn Store>,
    pub(super) desk: Arc<dyn Desk>,
    /// Where it is, where it is in PostgreSQL.
    pub(super) postgres: Option<Arc<Postgres>>,
    /// Where its data is, for people.
    pub(super) place: String,
}

/// Opens the store that the configuration names.
pub(super) async fn open(
    key: &ListenerKey,
    live: &Live,
    options: &Options,
    sorter: Sorter,
) -> anyhow::Result<Opened> {
    if let Some(url) = &live.database {
        let clock = options.clock.clone();
        let options = postgres::Options::new(url.clone(), &key.namespace, &key.name, sorter, clock);
        let store = Arc::new(Postgres::open(options).await?);
        let place = format!("the schema {} of a PostgreSQL database", store.schema());
        return Ok(Opened {
            store: Arc::clone(&store) as _,
            desk: Arc::clone(&store) as _,
            postgres: Some(store),
            place,
        });
    }
    let directory = options.data.join(&key.namespace).join(&key.name);
    let mut store_options = index::Options::new(&directory, sorter, options.clock.clone());
    store_options.journal = options.journal;
    let store = Arc::new(Embedded::open(store_options).await?);
    let place = directory.display().to_string();
    Ok(Opened { store: Arc::clone(&store) as _, desk: store, postgres: None, place })
}

/// Goes to the database by the newest URL, again and again until it works or `stop`.
pub(super) async fn follow_url(
    key: ListenerKey,
    live: Arc<ArcSwap<Live>>,
    store: Arc<Postgres>,
    stop: CancellationToken,
) {
    let mut said = None;
    loop {
        let url = live.load().database.clone();
        let Some(url) = url else {
            warn!(listener.key = %key, "the store of {key} stays in PostgreSQL until the process starts anew");
            return;
        };
        match store.replace_url(url).await {
            Ok(()) => {
                info!(listener.key = %key, "{key} goes to its database by the newest URL");
                return;
            }
            Err(error) => {
                let reason = error.to_string();
                if said.as_ref() != Some(&reason) {
                    warn!(listener.key = %key, "{key} cannot go to its database by its new URL, trying again: {reason}");
                }
                said = Some(reason);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => return,
        }
    }
}
