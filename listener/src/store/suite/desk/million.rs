//! One million open errors: what is measured on every store. Not a part of the tests.

use super::*;

/// Errors.
pub(crate) const ERRORS: u64 = 1_000_000;
/// Where they failed.
pub(crate) const PLACES: [Option<&str>; 5] =
    [Some("crm"), Some("erp"), Some("warehouse"), Some("mail"), None];
const DAY_MS: i64 = 24 * HOUR_MS;
const RUNS: usize = 21;

/// One of them.
pub(crate) fn new_error(number: u64) -> NewError {
    NewError {
        record: RecordId { delivery: number / 100 + 1, element: u32::try_from(number % 100).unwrap() },
        failure: Failure {
            class: ErrorClass::ALL[usize::try_from(number / 7 % 8).unwrap()],
            code: "http_400".to_owned(),
            message: format!("property p{} of the contact is not known to the system", number % 2_000),
            status: Some(400),
            response: Some("bad".to_owned()),
        },
        trace_key: format!("{}_{number}", 1_000 + number % 50),
        data_uri: format!("https://app.hubspot.com/contacts/{number}"),
        payload: Some(format!(r#"{{"objectId":{number},"text":"{}"}}"#, "x".repeat(200)).into()),
        at_ms: BEGIN_MS - 30 * DAY_MS + i64::try_from(number).unwrap() * (30 * DAY_MS / 1_000_000),
    }
}

fn filters() -> Vec<(&'static str, ErrorFilter)> {
    let none = ErrorFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let open = || ErrorFilter { states: vec![State::Open], ..none() };
    vec![
        ("no condition", none()),
        ("state", open()),
        ("state of none", ErrorFilter { states: vec![State::Resolved], ..none() }),
        ("destination", ErrorFilter { destination: text("erp"), ..none() }),
        ("class", ErrorFilter { class: Some(ErrorClass::Parse), ..none() }),
        ("trace key", ErrorFilter { trace_key: text("1007_500007"), ..none() }),
        ("trace key prefix, 1 match", ErrorFilter { trace_key_prefix: text("1007_500007"), ..none() }),
        ("trace key prefix, 20,000", ErrorFilter { trace_key_prefix: text("1007_"), ..none() }),
        ("trace key prefix, all", ErrorFilter { trace_key_prefix: text("1"), ..none() }),
        ("tag, 20", ErrorFilter { tag: text("rare"), ..none() }),
        ("tag, 100,000", ErrorFilter { tag: text("often"), ..none() }),
        ("assignee, 20", ErrorFilter { assignee: text("ann"), ..none() }),
        ("assignee, 100,000", ErrorFilter { assignee: text("bob"), ..none() }),
        ("assigned to nobody", ErrorFilter { assignee: text(""), ..none() }),
        ("text, 500", ErrorFilter { text: text("p1234 "), ..none() }),
        ("text, all", ErrorFilter { text: text("CONTACT"), ..none() }),
        ("text, none", ErrorFilter { text: text("nowhere"), ..none() }),
        ("last hour", ErrorFilter { from_ms: Some(BEGIN_MS - HOUR_MS), ..none() }),
        ("last day", ErrorFilter { from_ms: Some(BEGIN_MS - DAY_MS), ..none() }),
        (
            "one hour, 20 days ago",
            ErrorFilter {
                from_ms: Some(BEGIN_MS - 20 * DAY_MS),
                until_ms: Some(BEGIN_MS - 20 * DAY_MS + HOUR_MS),
                ..none()
            },
        ),
        ("before the last week", ErrorFilter { until_ms: Some(BEGIN_MS - 7 * DAY_MS), ..none() }),
        (
            "open, destination, class, last day",
            ErrorFilter {
                destination: text("crm"),
                class: Some(ErrorClass::Value),
                from_ms: Some(BEGIN_MS - DAY_MS),
                ..open()
            },
        ),
        (
            "open, destination, text, prefix",
            ErrorFilter {
                destination: text("crm"),
                text: text("p10"),
                trace_key_prefix: text("101"),
                ..open()
            },
        ),
    ]
}

/// The one in the middle, in milliseconds.
pub(crate) fn median(mut all: Vec<Duration>) -> f64 {
    all.sort_unstable();
    all[all.len() / 2].as_secs_f64() * 1_000.0
}

/// Lists and counts by each filter; name, and milliseconds of a list and of a count in the middle.
pub(crate) async fn lists_and_counts(desk: &dyn Desk) -> Vec<(String, f64, f64)> {
    println!("{:<40} {:>10} {:>10} {:>10}", "filter", "matches", "list ms", "count ms");
    let mut rows = Vec::new();
    for (name, filter) in filters() {
        let (mut lists, mut counts, mut total) = (Vec::new(), Vec::new(), 0);
        for _ in 0..RUNS {
            let query = Query { filter: filter.clone(), cursor: None, limit: 50 };
            let begin = Instant::now();
            let listed = desk.errors(query).await.unwrap();
            lists.push(begin.elapsed());
            let begin = Instant::now();
            total = desk.count(filter.clone()).await.unwrap().total;
            counts.push(begin.elapsed());
            assert_eq!(listed.items.len() as u64, total.min(50), "{name}");
            if lists.iter().chain(&counts).sum::<Duration>() > Duration::from_secs(6) {
                break;
            }
        }
        let (list, count) = (median(lists), median(counts));
        println!("{name:<40} {total:>10} {list:>10.2} {count:>10.2}");
        rows.push((name.to_owned(), list, count));
    }
    rows
}

/// A newer error of the trace key of one of them.
pub(crate) fn newer(number: u64) -> NewError {
    NewError {
        record: RecordId { delivery: 100_000, element: u32::try_from(number).unwrap() },
        ..new_error(number * 5_000)
    }
}
