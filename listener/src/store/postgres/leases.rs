//! Pages that this process has, each with the secret of its lease.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Pages that this process has: number and secret.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<u64, i64>>);

impl Leases {
    /// A secret for a new lease.
    pub(super) fn secret() -> i64 {
        i64::from(rand::random::<u32>()) << 31 | i64::from(rand::random::<u32>() >> 1)
    }

    /// It has this page from now on.
    pub(super) fn add(&self, page: u64, secret: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(page, secret);
    }

    /// The secret of a page that it has.
    pub(super) fn of(&self, page: u64) -> Option<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&page).copied()
    }

    /// It has this page no more, if it is that lease.
    pub(super) fn remove(&self, page: u64, secret: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(&page) == Some(&secret) {
            all.remove(&page);
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> (Vec<i64>, Vec<i64>) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(page, secret)| (super::trouble::signed(*page), *secret)).unzip()
    }
}
