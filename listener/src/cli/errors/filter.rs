//! Which errors.

use serde_json::{Map, Value, json};

use crate::cli::remote::time::parse_time;
use crate::desk::State;
use crate::store::ErrorClass;

/// Which errors; each condition that is given must hold.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Filter")]
#[expect(clippy::doc_markdown, reason = "help texts for a terminal")]
pub(super) struct FilterArgs {
    /// open, waiting, retrying, resolved, or all; several parted by commas
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = parse_state)]
    state: Vec<Option<State>>,
    /// Failed at this destination; '' is before any
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// connection, rate_limit, intermittent, value, missing, duplicate, too_large or parse
    #[arg(long, value_name = "CLASS", value_parser = parse_class)]
    class: Option<ErrorClass>,
    /// The trace key, whole
    #[arg(long, value_name = "KEY")]
    trace_key: Option<String>,
    /// The beginning of the trace key
    #[arg(long, value_name = "TEXT")]
    trace_key_prefix: Option<String>,
    /// Has this tag
    #[arg(long, value_name = "TAG")]
    tagged: Option<String>,
    /// Assigned to them; '' is nobody
    #[arg(long, value_name = "NAME")]
    assignee: Option<String>,
    /// Stands in the message
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Last failed at or after: epoch milliseconds, or a time such as 2026-11-25T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<i64>,
    /// Last failed before
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<i64>,
}

impl FilterArgs {
    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            state,
            destination,
            class,
            trace_key,
            trace_key_prefix,
            tagged,
            assignee,
            message,
            from,
            until,
        } = self;
        let texts = [destination, trace_key, trace_key_prefix, tagged, assignee, message];
        state.is_empty()
            && class.is_none()
            && from.is_none()
            && until.is_none()
            && texts.iter().all(|text| text.is_none())
    }

    /// Any of these; empty: any state.
    fn states(&self, usual: &[State]) -> Vec<&'static str> {
        if self.state.is_empty() {
            return usual.iter().map(|state| state.as_str()).collect();
        }
        let states: Option<Vec<State>> = self.state.iter().copied().collect();
        states.unwrap_or_default().into_iter().map(State::as_str).collect()
    }

    /// As query parameters; `usual` states where none is given.
    pub(super) fn query(&self, usual: &[State]) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        let states = self.states(usual);
        if !states.is_empty() {
            query.push(("state", states.join(",")));
        }
        let texts = [
            ("destination", self.destination.clone()),
            ("class", self.class.map(|class| class.as_str().to_owned())),
            ("traceKey", self.trace_key.clone()),
            ("traceKeyPrefix", self.trace_key_prefix.clone()),
            ("tag", self.tagged.clone()),
            ("assignee", self.assignee.clone()),
            ("text", self.message.clone()),
            ("from", self.from.map(|at| at.to_string())),
            ("until", self.until.map(|at| at.to_string())),
        ];
        query.extend(texts.into_iter().filter_map(|(name, value)| Some((name, value?))));
        query
    }

    /// As the API's JSON.
    pub(super) fn json(&self, usual: &[State]) -> Value {
        let mut filter = Map::new();
        for (name, value) in self.query(usual) {
            match name {
                "state" => filter.insert("states".to_owned(), json!(self.states(usual))),
                "from" => filter.insert("fromMs".to_owned(), json!(self.from)),
                "until" => filter.insert("untilMs".to_owned(), json!(self.until)),
                _ => filter.insert(name.to_owned(), json!(value)),
            };
        }
        Value::Object(filter)
    }
}

/// None is all of them.
fn parse_state(text: &str) -> Result<Option<State>, String> {
    if text == "all" {
        return Ok(None);
    }
    State::parse(text).map(Some).ok_or_else(|| "write open, waiting, retrying, resolved or all".to_owned())
}

fn parse_class(text: &str) -> Result<ErrorClass, String> {
    ErrorClass::parse(text)
        .ok_or_else(|| format!("write one of {}", ErrorClass::ALL.map(ErrorClass::as_str).join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::desk::ErrorFilter;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        filter: FilterArgs,
    }

    fn parsed(arguments: &[&str]) -> FilterArgs {
        Command::try_parse_from([&["errors"], arguments].concat()).unwrap().filter
    }

    #[test]
    fn a_filter_says_the_same_as_a_query_and_as_json() {
        let filter = parsed(&[
            "--state=open,waiting",
            "--destination=",
            "--class=too_large",
            "--trace-key-prefix=a&b",
            "--tagged=vip",
            "--message=no",
            "--from=2026-11-25T08:00:00Z",
            "--until=5",
        ]);
        let read: ErrorFilter = serde_json::from_value(filter.json(&[])).unwrap();
        let expected = ErrorFilter {
            states: vec![State::Open, State::Waiting],
            destination: Some(String::new()),
            class: Some(ErrorClass::TooLarge),
            trace_key_prefix: Some("a&b".to_owned()),
            tag: Some("vip".to_owned()),
            text: Some("no".to_owned()),
            from_ms: Some(1_795_593_600_000),
            until_ms: Some(5),
            ..ErrorFilter::default()
        };
        assert_eq!(read, expected);
        assert_eq!(filter.query(&[])[0], ("state", "open,waiting".to_owned()));
        assert!(!filter.is_empty());
    }

    #[test]
    fn without_a_state_the_usual_ones_are_meant_and_all_means_all() {
        assert!(parsed(&[]).is_empty());
        assert_eq!(parsed(&[]).json(&[State::Open]), json!({"states": ["open"]}));
        assert_eq!(parsed(&["--state=all"]).json(&[State::Open]), json!({}));
        assert_eq!(parsed(&["--state=resolved"]).json(&[State::Open]), json!({"states": ["resolved"]}));
        assert!(Command::try_parse_from(["errors", "--state=closed"]).is_err());
        assert!(Command::try_parse_from(["errors", "--class=odd"]).is_err());
        assert!(Command::try_parse_from(["errors", "--from=yesterday"]).is_err());
    }
}
