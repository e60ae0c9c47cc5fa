//! Times as arguments.

/// Epoch milliseconds, or a time as RFC 3339 writes it.
pub(in crate::cli) fn parse_time(text: &str) -> Result<i64, String> {
    let written = text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
    text.parse()
        .or(written)
        .map_err(|_| "neither epoch milliseconds nor a time such as 2026-11-25T08:00:00Z".to_owned())
}
