//! What a form sent, bounded.

use http::StatusCode;
use url::form_urlencoded;

use crate::admin::problem::Problem;

/// Fields of a form at most.
const MAX_FIELDS: usize = 2_000;

/// The fields of a form in order; a name may stand several times.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Of a body or a query. Line ends are as on Unix, whatever the browser makes of them.
    pub(super) fn read(text: &[u8]) -> Result<Self, Problem> {
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if fields.len() == MAX_FIELDS {
                let detail = format!("the form has more than {MAX_FIELDS} fields");
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too large", detail));
            }
            fields.push((name.into_owned(), value.replace("\r\n", "\n")));
        }
        Ok(Self(fields))
    }

    /// The first field of that name; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The first field of that name.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The field without space around it; none where it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|text| !text.is_empty())
    }

    /// Every field.
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.0
    }
}

/// A time from `datetime-local`, which says no zone: it is UTC. Anything else stays as it is.
pub(super) fn utc(text: &str) -> String {
    let is_local = text.len() >= 16 && text.is_ascii() && text.as_bytes().get(10) == Some(&b'T');
    match text.len() {
        16 if is_local => format!("{text}:00Z"),
        19 | 23 if is_local && !text.ends_with('Z') => format!("{text}Z"),
        _ => text.to_owned(),
    }
}

/// Epoch milliseconds of a time in a form; none where the field is empty.
pub(super) fn time_ms(form: &Form, name: &'static str) -> Result<Option<i64>, Problem> {
    let Some(text) = form.text(name) else { return Ok(None) };
    let time = utc(text).parse::<jiff::Timestamp>();
    time.map(|time| Some(time.as_millisecond())).map_err(|_| {
        Problem::invalid(name, format!("{text:?} is no time"), "write it as 2026-11-25T08:00, in UTC")
    })
}

/// Names parted by commas, or by lines.
pub(super) fn names(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_lines_end_as_on_unix() {
        let form = Form::read(b"a=1&b=x%0D%0Ay&a=2&c=+").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("none")), ("1", "x\ny", ""));
        assert_eq!((form.text("c"), form.text("a"), form.fields().len()), (None, Some("1"), 4));
        assert!(Form::read("a=1&".repeat(MAX_FIELDS + 1).as_bytes()).is_err());
    }

    #[test]
    fn a_local_time_is_utc() {
        assert_eq!(utc("2026-11-25T08:00"), "2026-11-25T08:00:00Z");
        assert_eq!(utc("2026-11-25T08:00:01"), "2026-11-25T08:00:01Z");
        assert_eq!(utc("2026-11-25T08:00:00Z"), "2026-11-25T08:00:00Z");
        assert_eq!(utc("1795650000000"), "1795650000000");
        assert_eq!(utc("über-morgen-2026"), "über-morgen-2026");
        let form = Form::read(b"until=2026-11-25T08:00&bad=soon").unwrap();
        assert_eq!(time_ms(&form, "until").unwrap(), Some(1_795_593_600_000));
        assert_eq!(time_ms(&form, "none").unwrap(), None);
        assert!(time_ms(&form, "bad").is_err());
    }
}
