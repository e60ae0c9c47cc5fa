//! The log destination: each page is one JSON line on standard output,
//! `{"page":"..","destination":"..","listener":"namespace/name","records":[..]}`,
//! the records as they are stored, their line breaks made spaces.
//!
//! A line is written as a whole under one lock, on a thread that may block. What
//! cannot be written is retried like a page that found no connection; a part that
//! was written before the failure stays, and the whole line comes again.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::classify::{Answer, Reply};
use super::format::{json_array, push_on_one_line};
use super::mapped::Outgoing;
use crate::store::PageId;

/// Where lines go: standard output, or a test.
pub type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

/// Characters of the longest page id.
const LONGEST_PAGE_ID: usize = 16 + 1 + 20;

/// Standard output.
pub fn standard_output() -> Sink {
    Arc::new(Mutex::new(Box::new(io::stdout())))
}

/// Bytes of a line beside its records, each of which pays for a comma.
pub(super) fn envelope_bytes(destination: &str, listener: &str) -> usize {
    line("", destination, listener, &[]).len() + LONGEST_PAGE_ID - 1
}

/// The line of a page.
pub(super) fn line_of(page: &PageId, destination: &str, listener: &str, records: &[Outgoing<'_>]) -> Vec<u8> {
    line(&page.to_string(), destination, listener, records)
}

fn line(page: &str, destination: &str, listener: &str, records: &[Outgoing<'_>]) -> Vec<u8> {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut line = format!(
        r#"{{"page":{},"destination":{},"listener":{},"records":"#,
        text(page),
        text(destination),
        text(listener)
    )
    .into_bytes();
    line.reserve(records.iter().map(|record| record.data.len() + 1).sum::<usize>() + 4);
    json_array(&mut line, records, |line, record| push_on_one_line(line, record.data));
    line.extend_from_slice(b"}\n");
    line
}

/// Writes a line; answers as an HTTP destination would.
pub(super) async fn write(sink: &Sink, line: Vec<u8>) -> Reply {
    let sink = Arc::clone(sink);
    let written = tokio::task::spawn_blocking(move || {
        let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(&line)?;
        sink.flush()
    })
    .await;
    match written {
        Ok(Ok(())) => Reply::Answer(Answer { status: 200, ..Answer::default() }),
        Ok(Err(error)) => Reply::Broken(format!("standard output cannot be written: {error}")),
        Err(_) => Reply::Broken("the write to standard output was cut short".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::store::{Record, RecordId};

    fn outgoing(records: &[Record]) -> Vec<Outgoing<'_>> {
        records.iter().map(|record| Outgoing { record, data: &record.bytes }).collect()
    }

    fn record(element: u32, json: &'static str) -> Record {
        let id = RecordId { delivery: 1, element };
        Record { id, received_at_ms: 0, bytes: Bytes::from_static(json.as_bytes()) }
    }

    #[test]
    fn a_page_is_one_line_with_its_records_untouched() {
        let page = PageId { store: Arc::from("5f0c9a7be13d4c28"), number: 42 };
        let records = [record(0, "{\"id\": 12345678901234567890,\n \"n\":1.10}"), record(1, "{}")];
        let line = String::from_utf8(line_of(&page, "audit", "sales/contacts", &outgoing(&records))).unwrap();
        assert_eq!(
            line,
            "{\"page\":\"5f0c9a7be13d4c28-42\",\"destination\":\"audit\",\"listener\":\"sales/contacts\",\
             \"records\":[{\"id\": 12345678901234567890,  \"n\":1.10},{}]}\n"
        );
    }

    #[test]
    fn the_longest_line_is_as_long_as_its_envelope_and_its_records_say() {
        let page = PageId { store: Arc::from("5f0c9a7be13d4c28"), number: u64::MAX };
        let records = [record(0, "{\"a\":1}"), record(1, "{}")];
        let cost: usize = records.iter().map(|record| record.bytes.len() + 1).sum();
        let line = line_of(&page, "audit", "sales/contacts", &outgoing(&records));
        assert_eq!(line.len(), envelope_bytes("audit", "sales/contacts") + cost);
    }

    #[tokio::test]
    async fn what_cannot_be_written_goes_again() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sink: Sink = Arc::new(Mutex::new(Box::new(Full)));
        assert!(matches!(write(&sink, b"x\n".to_vec()).await, Reply::Broken(_)));
    }
}
