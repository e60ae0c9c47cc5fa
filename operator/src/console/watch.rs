//! The one watch of the console: listeners, in a namespace or in all. It never ends: kube's watcher begins again
//! by itself, with a growing wait.

use std::sync::Arc;

use futures_util::StreamExt;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, watcher};
use kube::{Api, Client};
use tracing::warn;

use super::board::Board;
use crate::run::caches::Guarded;

/// Follows for ever.
pub(super) async fn follow(client: Client, namespace: Option<String>, board: Arc<Board>) {
    let api: Api<Guarded> = match namespace {
        Some(namespace) => Api::namespaced(client, &namespace),
        None => Api::all(client),
    };
    let mut events = std::pin::pin!(watcher(api, Config::default().any_semantic()).default_backoff());
    let mut told = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                board.take(&event);
                told.clear();
            }
            Err(error) => {
                // The same trouble again and again is one line.
                let error = error.to_string();
                if told != error {
                    warn!(%error, "the watch of listeners failed; it begins again");
                    board.trouble();
                    told = error;
                }
            }
        }
    }
}
