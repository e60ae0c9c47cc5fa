//! What is remembered of notices, for the next start and for other replicas.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::store::StoreError;

/// What a store remembers of notices, and which of the processes that share it sends them.
#[async_trait]
pub trait Memory: Send + Sync + std::fmt::Debug {
    /// Whether this process sends now; of all that share a store, one at a time. Asked before each look.
    async fn mine(&self) -> Result<bool, StoreError>;

    /// Times by key, those whose key begins with `prefix`; epoch milliseconds.
    async fn told(&self, prefix: &str) -> Result<BTreeMap<String, i64>, StoreError>;

    /// Remembers a time; none forgets the key. Stays after a kill.
    async fn tell(&self, key: &str, at_ms: Option<i64>) -> Result<(), StoreError>;
}
