//! What a destination with a transform gets in the place of its records.
//!
//! A record is mapped twice: when a page is cut, so that the page's bounds count what will be
//! sent and a record that cannot be mapped becomes an open error without ever being in a page;
//! and again for each attempt, with the configuration of that moment. Nothing mapped is stored:
//! the record is, and its open error keeps it as it came, so that a retry maps it again.
//!
//! A page that was cut under another configuration keeps its records. Those that cannot be mapped
//! now are left out of the request and become open errors when the page is over; where none can
//! be, nothing is sent. Those that would make the body larger than a page may be go again in a
//! page of their own once this one is over, so that a body is bounded whatever the configuration.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use language::mapping::Mapping;

use crate::config::{Live, LiveDestination};
use crate::metrics::{DestinationLabels, Metrics};
use crate::store::{ErrorClass, Failure, Page, Record, RecordId};

/// Maps the records of one destination under one configuration.
pub(super) struct Mapper {
    live: Arc<Live>,
    destination: Arc<LiveDestination>,
    labels: DestinationLabels,
    metrics: Arc<Metrics>,
    /// What was mapped last, and from what: a page in the making asks twice for each record.
    last: Mutex<Option<(Bytes, Bytes)>>,
}

/// A record on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing<'a> {
    /// As it came.
    pub(super) record: &'a Record,
    /// What is sent.
    pub(super) data: &'a [u8],
}

/// A leased page, ready to be sent.
#[derive(Debug)]
pub(super) struct Load {
    /// The page with the records that are sent, as they came.
    pub(super) page: Page,
    /// What is sent, for each of them.
    pub(super) bodies: Vec<Bytes>,
    /// Records that cannot be mapped.
    pub(super) unfit: Vec<(Record, Failure)>,
    /// Records that have no room in this page any more.
    pub(super) rest: Vec<RecordId>,
}

impl Load {
    /// The records on their way.
    pub(super) fn outgoing(&self) -> Vec<Outgoing<'_>> {
        let records = self.page.records.iter().zip(&self.bodies);
        records.map(|(record, data)| Outgoing { record, data }).collect()
    }
}

impl Mapper {
    pub(super) fn new(
        live: &Arc<Live>,
        destination: &Arc<LiveDestination>,
        labels: &DestinationLabels,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            live: Arc::clone(live),
            destination: Arc::clone(destination),
            labels: labels.clone(),
            metrics: Arc::clone(metrics),
            last: Mutex::new(None),
        }
    }

    /// Whether there is anything to do.
    pub(super) fn is_there(&self) -> bool {
        self.destination.mapping.is_some()
    }

    /// What is sent in the place of `record`.
    fn map(&self, mapping: &Mapping, record: &Record) -> Result<Bytes, Failure> {
        mapping.apply(&record.bytes, &self.live.settings, &self.live.listener).map_err(|error| {
            self.metrics.transform_errors.get_or_create(&self.labels).inc();
            Failure {
                class: ErrorClass::Value,
                code: error.code().to_owned(),
                message: format!("the destination's transform failed on this record: {error}"),
                status: None,
                response: None,
            }
        })
    }

    /// Tries it, and remembers what it gave for [`Self::data`].
    pub(super) fn try_on(&self, record: &Record) -> Result<(), Failure> {
        let Some(mapping) = &self.destination.mapping else { return Ok(()) };
        let data = self.map(mapping, record)?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((record.bytes.clone(), data));
        Ok(())
    }

    /// What is sent in the place of `record`; the record itself where it cannot be mapped, which
    /// never is in a page.
    pub(super) fn data(&self, record: &Record) -> Bytes {
        let Some(mapping) = &self.destination.mapping else { return record.bytes.clone() };
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        match last {
            Some((source, data)) if source == record.bytes => data,
            _ => self.map(mapping, record).unwrap_or_else(|_| record.bytes.clone()),
        }
    }

    /// Makes a page ready: at most `room` bytes as `cost` counts them, but one record at least.
    pub(super) fn load(&self, page: Page, room: usize, cost: impl Fn(&Record, &[u8]) -> usize) -> Load {
        let Some(mapping) = &self.destination.mapping else {
            let bodies = page.records.iter().map(|record| record.bytes.clone()).collect();
            return Load { page, bodies, unfit: Vec::new(), rest: Vec::new() };
        };
        let mut load = Load { page, bodies: Vec::new(), unfit: Vec::new(), rest: Vec::new() };
        let mut bytes = 0_usize;
        for record in std::mem::take(&mut load.page.records) {
            if !load.rest.is_empty() {
                load.rest.push(record.id);
                continue;
            }
            match self.map(mapping, &record) {
                Ok(data) => {
                    bytes = bytes.saturating_add(cost(&record, &data));
                    if bytes > room && !load.bodies.is_empty() {
                        load.rest.push(record.id);
                        continue;
                    }
                    load.page.records.push(record);
                    load.bodies.push(data);
                }
                Err(failure) => load.unfit.push((record, failure)),
            }
        }
        load
    }
}
