//! Each field of the filter alone, with few, many and no matches; and several together.

use super::fill::Marks;

/// Name and query of every filter that is measured.
pub(super) fn all(marks: &Marks) -> Vec<(&'static str, String)> {
    let at = |tenth: usize| marks.tenths.get(tenth).copied().unwrap_or_default();
    let query = |text: &str| text.to_owned();
    vec![
        ("no condition", query("")),
        ("state", query("state=open")),
        ("state of none", query("state=waiting")),
        ("destination", query("destination=erp")),
        ("before any destination", query("destination=")),
        ("class", query("class=missing")),
        ("trace key", query("traceKey=1007_500007")),
        ("trace key prefix, few", query("traceKeyPrefix=1007_5000")),
        ("trace key prefix, many", query("traceKeyPrefix=1007_")),
        ("trace key prefix, most", query("traceKeyPrefix=1")),
        ("tag, few", query("tag=rare")),
        ("tag, many", query("tag=often")),
        ("assignee, few", query("assignee=ann")),
        ("assignee, many", query("assignee=bob")),
        ("assigned to nobody", query("assignee=")),
        ("text, few", query("text=p1234%20")),
        ("text, most", query("text=CONTACT")),
        ("text, none", query("text=nowhere")),
        ("newest tenth", format!("from={}", at(9))),
        ("a tenth in the middle", format!("from={}&until={}", at(4), at(5))),
        ("all but the newest tenth", format!("until={}", at(9))),
        ("state, destination", query("state=open&destination=crm")),
        (
            "state, destination, class, newest tenth",
            format!("state=open&destination=crm&class=value&from={}", at(9)),
        ),
        ("state, destination, text, prefix", query("state=open&destination=crm&text=p10&traceKeyPrefix=101")),
        ("tag and class", query("tag=often&class=value")),
        ("assignee and half of the time", format!("assignee=bob&from={}", at(5))),
    ]
}
