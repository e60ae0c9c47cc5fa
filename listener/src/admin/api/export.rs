//! Exports: everything that matches, as CSV or as JSON lines, newest first.
//!
//! CSV is as RFC 4180 writes it. A cell that a spreadsheet would take for a formula begins with an
//! apostrophe. JSON lines are the items of the list. A part of the list is read when the one before it is
//! sent, so that the memory that an export takes does not grow with it. Where the store fails in the
//! middle the connection is cut, so that a piece is never taken for the whole.

use std::fmt::Write;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Serialize;

use super::query::Asked;
use crate::admin::problem::Problem;
use crate::desk::{Cursor, DeskError, Listing, Query};

/// Items that are read at once.
const PART: usize = 200;

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// A line for each item, cells parted by commas.
    Csv,
    /// A line of JSON for each item.
    Lines,
}

/// What is exported, a part of its list after the other.
#[async_trait]
pub(super) trait Rows: Send + Sync + 'static {
    /// An item of the list.
    type Item: Serialize + Send;

    /// Of the file, without its ending.
    const NAME: &'static str;
    /// The first line of the CSV.
    const COLUMNS: &'static str;

    /// A part of the list.
    async fn part(&self, query: Query<()>) -> Result<Listing<Self::Item>, DeskError>;

    /// The cells of an item, texts of others [`guarded`].
    fn cells(item: &Self::Item) -> Vec<String>;
}

/// The format that is asked for.
pub(super) fn format(asked: &mut Asked) -> Result<Format, Problem> {
    match asked.take("format").as_deref() {
        None | Some("csv") => Ok(Format::Csv),
        Some("jsonl") => Ok(Format::Lines),
        Some(other) => {
            Err(Problem::invalid("format", format!("{other:?} is no format"), "give csv or jsonl"))
        }
    }
}

/// The answer, whose parts are read as they are sent.
pub(super) async fn file<R: Rows>(rows: R, format: Format) -> Result<Response, Problem> {
    // The first part is read before the answer begins: what can be refused, is.
    let (first, next) = part(&rows, None, format).await?;
    let mut begin = match format {
        Format::Csv => format!("{}\r\n", R::COLUMNS),
        Format::Lines => String::new(),
    };
    begin.push_str(&first);
    let state = (rows, Some(begin), next);
    let parts = stream::try_unfold(state, move |(rows, begin, next)| async move {
        if let Some(begin) = begin {
            return Ok::<_, DeskError>(Some((Bytes::from(begin), (rows, None, next))));
        }
        let Some(cursor) = next else { return Ok(None) };
        let (text, next) = part(&rows, Some(cursor), format).await?;
        Ok(Some((Bytes::from(text), (rows, None, next))))
    });
    let (kind, end) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Lines => ("application/x-ndjson", "jsonl"),
    };
    let name = format!("attachment; filename=\"{}.{end}\"", R::NAME);
    let headers = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// A part that has something in it, or the last one.
async fn part<R: Rows>(
    rows: &R,
    mut cursor: Option<Cursor>,
    format: Format,
) -> Result<(String, Option<Cursor>), DeskError> {
    loop {
        let listing = rows.part(Query { filter: (), cursor, limit: PART }).await?;
        let mut text = String::new();
        for item in &listing.items {
            match format {
                Format::Csv => row(&mut text, &R::cells(item)),
                Format::Lines => {
                    // Strings and numbers: this cannot fail.
                    text.push_str(&serde_json::to_string(item).unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        // A search may look at much and find nothing.
        if !text.is_empty() || listing.next.is_none() {
            return Ok((text, listing.next));
        }
        cursor = listing.next;
    }
}

fn row(text: &mut String, cells: &[String]) {
    for (at, cell) in cells.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = if cell.contains([',', '"', '\r', '\n']) {
            write!(text, "{comma}\"{}\"", cell.replace('"', "\"\""))
        } else {
            write!(text, "{comma}{cell}")
        };
    }
    text.push_str("\r\n");
}

/// What spreadsheets take for a formula begins with one of these (OWASP, CSV injection).
pub(super) fn guarded(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}

/// As RFC 3339 writes it.
pub(super) fn time(at_ms: Option<i64>) -> String {
    let written = at_ms.and_then(|at_ms| jiff::Timestamp::from_millisecond(at_ms).ok());
    written.map(|time| time.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_begins_with_an_apostrophe() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"] {
            assert!(guarded(cell).starts_with('\''), "{cell}");
        }
        for cell in ["", "62515_123", "a=b", "https://app.hubspot.com/"] {
            assert_eq!(guarded(cell), cell);
        }
    }
}
