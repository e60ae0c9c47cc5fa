//! Leasing: one caller at a time for each destination, a page that is due before a new one is cut.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Gate, watch};

use super::Inner;
use super::cut::{self, Commit};
use super::desk::{fold, retry};
use super::pages;
use super::trouble::Trouble;
use super::writer::Durability;
use crate::store::cut::{Cursor, Cut, End};
use crate::store::{Lease, Page, PageRequest, StoreError};

/// What is kept in memory of a destination.
#[derive(Debug, Default)]
struct Destination {
    /// Held while a page is looked for, so that no two cuts begin at one cursor. Holds
    /// what a lingering page has found, so that it is not looked for again.
    cut: Gate<Option<Cut>>,
    /// Whose turn it is where both errors and new records wait: true for errors.
    errors_next: AtomicBool,
    /// Leased pages whose callers went away before they had them.
    abandoned: Mutex<Vec<u64>>,
}

/// What is kept in memory of every destination.
#[derive(Debug, Default)]
pub(super) struct Destinations(Mutex<HashMap<String, Arc<Destination>>>);

impl Destinations {
    fn of(&self, name: &str) -> Arc<Destination> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_default())
    }

    /// Forgets those that are gone.
    pub(super) fn keep(&self, names: &BTreeSet<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| names.contains(name));
    }
}

/// A page on its way to the caller. Dropped on the way (the caller went away), it is taken back.
struct OnTheWay<'a> {
    destination: &'a Destination,
    changes: &'a watch::Sender<u64>,
    number: Option<u64>,
}

impl OnTheWay<'_> {
    fn arrived(mut self) {
        self.number = None;
    }
}

impl Drop for OnTheWay<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.destination.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(number);
            self.changes.send_modify(|number| *number = number.wrapping_add(1));
        }
    }
}

/// What a first look finds.
struct Look {
    due: Option<Page>,
    waiting: usize,
    /// There are errors to be sent again.
    errors: bool,
    /// There are errors that a success could close.
    heals: bool,
    next_due: Option<i64>,
    cursor: Cursor,
}

impl Inner {
    /// See [`crate::store::Store::lease`].
    pub(super) async fn lease(&self, request: PageRequest) -> Result<Lease, StoreError> {
        let request = Arc::new(request);
        let destination = self.destinations.of(&request.destination);
        let mut held = destination.cut.lock().await;
        let mut errors_done = false;
        loop {
            self.take_back(&destination).await?;
            let mut look = self.look(&request).await?;
            look.errors &= !errors_done;
            if let Some(page) = look.due {
                if let Some(page) = self.lease_due(&destination, page).await? {
                    return Ok(Lease::Page(page));
                }
                continue;
            }
            if !request.cut || look.waiting >= request.max_waiting {
                return Ok(Lease::Wait { until_ms: look.next_due });
            }
            if look.errors && destination.errors_next.swap(false, Ordering::Relaxed) {
                if let Some(page) = self.lease_errors(&destination, &request).await? {
                    return Ok(Lease::Page(page));
                }
                errors_done = true;
                continue;
            }
            let cut = held.take().filter(|cut| cut.fits(&request, look.cursor));
            let cut = cut.unwrap_or_else(|| Cut::new(Arc::clone(&request), look.cursor));
            let before = cut.taken();
            let (cut, end) = self.step(cut).await?;
            let due_ms = cut.due_ms(request.linger_ms);
            let lingered = due_ms.is_some_and(|due| due <= request.now_ms);
            // An old backlog is not cut short after one step while it goes on filling the page.
            let filling = end == End::Bound && cut.taken() > before;
            if cut.taken() > 0 && (end == End::Full || cut.laden() || lingered && !filling) {
                if let Some(page) = self.commit_page(&destination, cut, look.heals, request.now_ms).await? {
                    destination.errors_next.store(true, Ordering::Relaxed);
                    return Ok(Lease::Page(page));
                }
            } else if cut.taken() == 0 {
                if cut.moved() {
                    self.commit_progress(cut, request.now_ms).await?;
                }
                if end == End::Exhausted {
                    if look.errors {
                        destination.errors_next.store(true, Ordering::Relaxed);
                        continue;
                    }
                    return Ok(Lease::Wait { until_ms: look.next_due });
                }
            } else {
                *held = Some(cut);
                if end == End::Exhausted {
                    if look.errors {
                        destination.errors_next.store(true, Ordering::Relaxed);
                        continue;
                    }
                    let until_ms = [look.next_due, due_ms].into_iter().flatten().min();
                    return Ok(Lease::Wait { until_ms });
                }
            }
        }
    }

    async fn take_back(&self, destination: &Destination) -> Result<(), StoreError> {
        let numbers = destination.abandoned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if numbers.is_empty() {
            return Ok(());
        }
        let taken = numbers.clone();
        self.writer
            .call(Durability::Replayable, move |connection| pages::take_back(connection, &taken))
            .await?;
        let mut abandoned = destination.abandoned.lock().unwrap_or_else(PoisonError::into_inner);
        abandoned.retain(|number| !numbers.contains(number));
        Ok(())
    }

    async fn look(&self, request: &Arc<PageRequest>) -> Result<Look, StoreError> {
        let (request, journal, names) = (Arc::clone(request), self.journal.clone(), self.names.clone());
        self.readers
            .run(move |connection| {
                let destination = request.destination.as_str();
                let cursor = cut::cursor(connection, destination)?
                    .ok_or_else(|| Trouble::Asked(format!("there is no destination {destination}")))?;
                let due = pages::due(connection, &journal, &names, destination, request.now_ms)?;
                let (waiting, next_due) = pages::waiting(connection, destination)?;
                let errors = retry::waits(connection, destination)?;
                let heals = fold::has_any(connection, destination)?;
                Ok(Look { due, waiting, errors, heals, next_due, cursor })
            })
            .await
    }

    async fn lease_due(&self, destination: &Destination, page: Page) -> Result<Option<Page>, StoreError> {
        let number = page.id.number;
        let way = OnTheWay { destination, changes: &self.changes, number: Some(number) };
        // Not synced: after a power cut every lease is over anyway.
        let leased = self
            .writer
            .call(Durability::Replayable, move |connection| pages::lease(connection, number))
            .await;
        way.arrived();
        Ok(leased?.then_some(page))
    }

    /// A page of errors that are sent again; none where the filter leaves them all out now.
    async fn lease_errors(
        &self,
        destination: &Destination,
        request: &Arc<PageRequest>,
    ) -> Result<Option<Page>, StoreError> {
        let wanted = Arc::clone(request);
        let mut again = self.readers.run(move |connection| retry::collect(connection, &wanted)).await?;
        if again.is_empty() {
            return Ok(None);
        }
        let number = self.next_page_number();
        let commit = retry::Commit::of(&mut again, &request.destination, number, request.now_ms);
        let way = OnTheWay { destination, changes: &self.changes, number: Some(number) };
        let made = self.writer.call(Durability::Synced, move |connection| commit.apply(connection)).await;
        way.arrived();
        if !made? {
            return Ok(None);
        }
        let (records, oversized) = again.into_page();
        Ok(Some(Page {
            id: self.names.page(number),
            destination: request.destination.clone(),
            records,
            attempts: 0,
            first_attempt_at_ms: None,
            oversized,
            heals: true,
        }))
    }

    async fn step(&self, mut cut: Cut) -> Result<(Cut, End), StoreError> {
        let journal = self.journal.clone();
        self.readers
            .run(move |connection| {
                let end = cut::step(&mut cut, connection, &journal)?;
                Ok((cut, end))
            })
            .await
    }

    /// None where the cursor had moved.
    async fn commit_page(
        &self,
        destination: &Destination,
        mut cut: Cut,
        heals: bool,
        now_ms: i64,
    ) -> Result<Option<Page>, StoreError> {
        let number = self.next_page_number();
        let name = cut.destination().to_owned();
        let commit = Commit::of(&mut cut, Some(number), self.sorter.folds(), now_ms);
        let way = OnTheWay { destination, changes: &self.changes, number: Some(number) };
        let done = self.writer.call(Durability::Synced, move |connection| commit.apply(connection)).await;
        way.arrived();
        if !done? {
            return Ok(None);
        }
        let (records, oversized) = cut.into_records();
        Ok(Some(Page {
            id: self.names.page(number),
            destination: name,
            records,
            attempts: 0,
            first_attempt_at_ms: None,
            oversized,
            heals,
        }))
    }

    /// A scan that found nothing for this destination is not made again.
    async fn commit_progress(&self, mut cut: Cut, now_ms: i64) -> Result<(), StoreError> {
        let commit = Commit::of(&mut cut, None, self.sorter.folds(), now_ms);
        self.writer.call(Durability::Replayable, move |connection| commit.apply(connection)).await?;
        Ok(())
    }
}
