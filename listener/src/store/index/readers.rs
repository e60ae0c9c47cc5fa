//! A few connections that read, each used by one blocking task at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connect;
use super::trouble::Trouble;
use crate::store::StoreError;

/// Reads at the same time.
const READERS: usize = 4;

/// Connections that read.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Readers of the file at `path`; opened when first needed.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Arc::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Reads on a thread that may block.
    pub(super) async fn run<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        let task = tokio::task::spawn_blocking(move || {
            let permit = permit;
            let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = waiting.map_or_else(|| connect::reader(&path), Ok)?;
            let outcome = read(&connection);
            let spoilt = outcome.as_ref().is_err_and(Trouble::spoils_connection);
            if !spoilt && !permit.semaphore().is_closed() {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            Ok(outcome?)
        });
        task.await.map_err(|_| StoreError::Failed("a read ended early".to_owned()))?
    }

    /// Takes no more, waits for reads under way, closes the connections.
    pub(super) async fn close(&self) {
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        if let Ok(permits) = self.permits.acquire_many(all).await {
            self.permits.close();
            drop(permits);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
