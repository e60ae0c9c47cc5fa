//! `GET /errors/export`: every error that matches, as CSV or as JSON lines, newest first.
//!
//! CSV is as RFC 4180 writes it. A cell that a spreadsheet would take for a formula begins with an
//! apostrophe. JSON lines are the items of the list. A part of the list is read when the one before it is
//! sent, so that the memory that an export takes does not grow with it. Where the store fails in the
//! middle the connection is cut, so that a piece is never taken for the whole.

use std::fmt::Write;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::query::{Asked, EXPORT};
use super::target::Target;
use crate::admin::problem::Problem;
use crate::desk::{Cursor, Desk, DeskError, ErrorFilter, ErrorShown, Query};

/// Errors that are read at once.
const PART: usize = 200;

const COLUMNS: &str = "id,state,traceKey,dataUri,destination,class,code,message,firstAt,lastAt,attempts,\
                       assignee,tags,edited,hasPayload,waitsUntil,resolvedAt,resolvedBy,resolvedHow\r\n";

#[derive(Clone, Copy, Debug)]
enum Format {
    Csv,
    Lines,
}

pub(super) async fn get(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut asked = Asked::read(query.as_deref(), EXPORT)?;
    let format = match asked.take("format").as_deref() {
        None | Some("csv") => Format::Csv,
        Some("jsonl") => Format::Lines,
        Some(other) => {
            return Err(Problem::invalid("format", format!("{other:?} is no format"), "give csv or jsonl"));
        }
    };
    let filter = asked.filter()?;
    let desk = Arc::clone(target.desk());
    // The first part is read before the answer begins: what can be refused, is.
    let (first, next) = part(&*desk, &filter, None, format).await?;
    let mut begin = match format {
        Format::Csv => COLUMNS.to_owned(),
        Format::Lines => String::new(),
    };
    begin.push_str(&first);
    let state = (desk, filter, Some(begin), next);
    let parts = stream::try_unfold(state, move |(desk, filter, begin, next)| async move {
        if let Some(begin) = begin {
            return Ok::<_, DeskError>(Some((Bytes::from(begin), (desk, filter, None, next))));
        }
        let Some(cursor) = next else { return Ok(None) };
        let (text, next) = part(&*desk, &filter, Some(cursor), format).await?;
        Ok(Some((Bytes::from(text), (desk, filter, None, next))))
    });
    let (kind, file) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"errors.csv\""),
        Format::Lines => ("application/x-ndjson", "attachment; filename=\"errors.jsonl\""),
    };
    Ok(([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, file)], Body::from_stream(parts)).into_response())
}

async fn part(
    desk: &dyn Desk,
    filter: &ErrorFilter,
    cursor: Option<Cursor>,
    format: Format,
) -> Result<(String, Option<Cursor>), DeskError> {
    let listing = desk.errors(Query { filter: filter.clone(), cursor, limit: PART }).await?;
    let mut text = String::new();
    for error in &listing.items {
        match format {
            Format::Csv => row(&mut text, error),
            Format::Lines => {
                // Strings and numbers: this cannot fail.
                text.push_str(&serde_json::to_string(error).unwrap_or_default());
                text.push('\n');
            }
        }
    }
    Ok((text, listing.next))
}

fn row(text: &mut String, error: &ErrorShown) {
    let resolution = error.resolution.as_ref();
    let cells = [
        error.id.to_string(),
        error.state.as_str().to_owned(),
        guarded(&error.trace_key),
        guarded(&error.data_uri),
        guarded(error.destination.as_deref().unwrap_or_default()),
        error.class.as_str().to_owned(),
        guarded(&error.code),
        guarded(&error.message),
        time(Some(error.first_at_ms)),
        time(Some(error.last_at_ms)),
        error.attempts.to_string(),
        guarded(error.assignee.as_deref().unwrap_or_default()),
        guarded(&error.tags.join(" ")),
        error.edited.to_string(),
        error.has_payload.to_string(),
        time(error.waits_until_ms),
        time(resolution.map(|resolution| resolution.at_ms)),
        guarded(resolution.and_then(|resolution| resolution.by.as_deref()).unwrap_or_default()),
        resolution.map(|resolution| resolution.how).unwrap_or_default().to_owned(),
    ];
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
fn guarded(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}

fn time(at_ms: Option<i64>) -> String {
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
