//! Which deliveries, records and refused requests.

use serde_json::{Map, Value, json};

use crate::cli::remote::time::parse_time;

/// When something arrived.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[command(next_help_heading = "Filter")]
pub(super) struct TimeArgs {
    /// Arrived at or after: epoch milliseconds, or a time such as 2026-11-25T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<i64>,
    /// Arrived before
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<i64>,
}

impl TimeArgs {
    /// As query parameters.
    pub(super) fn query(self) -> Vec<(&'static str, String)> {
        let times = [("from", self.from), ("until", self.until)];
        times.into_iter().filter_map(|(name, at)| Some((name, at?.to_string()))).collect()
    }
}

/// Which records; each condition that is given must hold.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Filter")]
pub(super) struct RecordArgs {
    /// Of the delivery of this number
    #[arg(long, value_name = "NUMBER")]
    delivery: Option<u64>,
    /// The trace key, whole, as it was when the record came
    #[arg(long, value_name = "KEY")]
    trace_key: Option<String>,
    /// objectId of the event
    #[arg(long, value_name = "ID")]
    object_id: Option<String>,
    /// Delivered to this destination
    #[arg(long, value_name = "NAME")]
    delivered_to: Option<String>,
    #[command(flatten)]
    time: TimeArgs,
}

impl RecordArgs {
    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.query().is_empty()
    }

    /// As query parameters.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let Self { delivery, trace_key, object_id, delivered_to, time } = self;
        let texts = [
            ("delivery", delivery.map(|number| number.to_string())),
            ("traceKey", trace_key.clone()),
            ("objectId", object_id.clone()),
            ("deliveredTo", delivered_to.clone()),
        ];
        let mut query: Vec<_> = texts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        query.extend(time.query());
        query
    }

    /// As the API's JSON.
    pub(super) fn json(&self) -> Value {
        let mut filter = Map::new();
        for (name, value) in self.query() {
            match name {
                "delivery" => filter.insert(name.to_owned(), json!(self.delivery)),
                "from" => filter.insert("fromMs".to_owned(), json!(self.time.from)),
                "until" => filter.insert("untilMs".to_owned(), json!(self.time.until)),
                _ => filter.insert(name.to_owned(), json!(value)),
            };
        }
        Value::Object(filter)
    }
}

/// Which refused requests.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Filter")]
pub(super) struct RefusedArgs {
    /// With this cause code
    #[arg(long, value_name = "CODE")]
    cause: Option<String>,
    /// With this code of a diagnosis
    #[arg(long, value_name = "CODE")]
    diagnosis: Option<String>,
    #[command(flatten)]
    time: TimeArgs,
}

impl RefusedArgs {
    /// As query parameters.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let texts = [("cause", self.cause.clone()), ("diagnosis", self.diagnosis.clone())];
        let mut query: Vec<_> = texts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        query.extend(self.time.query());
        query
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::desk::RecordFilter;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        filter: RecordArgs,
    }

    #[test]
    fn a_filter_says_the_same_as_a_query_and_as_json() {
        let arguments = [
            "records",
            "--delivery=7",
            "--trace-key=a&b",
            "--object-id=9007199254740993",
            "--delivered-to=warehouse",
            "--from=2026-11-25T08:00:00Z",
            "--until=5",
        ];
        let filter = Command::try_parse_from(arguments).unwrap().filter;
        let read: RecordFilter = serde_json::from_value(filter.json()).unwrap();
        let expected = RecordFilter {
            delivery: Some(7),
            trace_key: Some("a&b".to_owned()),
            object_id: Some("9007199254740993".to_owned()),
            delivered_to: Some("warehouse".to_owned()),
            from_ms: Some(1_795_593_600_000),
            until_ms: Some(5),
        };
        assert_eq!(read, expected);
        assert_eq!(filter.query().len(), 6);
        let empty = Command::try_parse_from(["records"]).unwrap().filter;
        assert!(empty.is_empty());
        assert_eq!(empty.json(), json!({}));
        assert!(Command::try_parse_from(["records", "--from=yesterday"]).is_err());
    }
}
