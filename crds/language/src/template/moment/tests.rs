use jiff::civil::date;

use super::*;

fn read(text: &str) -> Option<i64> {
    by_itself(text, date(2024, 2, 29).at(0, 0, 0, 0))
}

fn read_by(text: &str, pattern: &str) -> Option<String> {
    by_format(text, pattern, date(2024, 2, 29).at(0, 0, 0, 0))
        .and_then(|at| Some(Moment::new(at, None)?.iso()))
}

#[test]
fn dates_that_say_how_they_are_written_are_read() {
    for (text, iso) in [
        ("2024-060", "2024-02-29T00:00:00.000Z"),
        ("2024-W09-4", "2024-02-29T00:00:00.000Z"),
        ("2024-02-29T23", "2024-02-29T23:00:00.000Z"),
        ("2024-02-29T24:00", "2024-03-01T00:00:00.000Z"),
        ("2024-02-29T23:05:09,5-0530", "2024-03-01T04:35:09.500Z"),
        ("29 Feb 2024 23:05 EST", "2024-03-01T04:05:00.000Z"),
        ("February 29, 2024", "2024-02-29T00:00:00.000Z"),
        ("2/29/2024 11:05 PM", "2024-02-29T23:05:00.000Z"),
    ] {
        let moment = read(text).and_then(|at| Moment::new(at, None)).map(|moment| moment.iso());
        assert_eq!(moment.as_deref(), Some(iso), "{text}");
    }
}

#[test]
fn what_is_no_date_is_not_read() {
    for text in
        ["", "soon", "2024-13-01", "2024-02-30", "2023-02-29", "2024-02-29T25:00", "1709247909", "99/99/9999"]
    {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn dates_are_read_by_tokens() {
    for (text, pattern, iso) in [
        ("29.02.24 11:05 pm", "DD.MM.YY hh:mm a", "2024-02-29T23:05:00.000Z"),
        ("Feb 29th, 2024", "MMM Do, YYYY", "2024-02-29T00:00:00.000Z"),
        ("20240229230509", "YYYYMMDDHHmmss", "2024-02-29T23:05:09.000Z"),
        ("2024-02-29 01:00 +02:00", "YYYY-MM-DD HH:mm Z", "2024-02-28T23:00:00.000Z"),
        ("10:30", "HH:mm", "2024-02-29T10:30:00.000Z"),
    ] {
        assert_eq!(read_by(text, pattern).as_deref(), Some(iso), "{text} by {pattern}");
    }
    assert_eq!(read_by("31.02.2024", "DD.MM.YYYY"), None);
    assert_eq!(read_by("x", "YYYY"), None);
}
