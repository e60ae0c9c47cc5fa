//! Query parameters. One that is not known, stands twice, or makes no sense is refused: a filter that
//! was not understood would match more than was meant.

use std::collections::BTreeMap;

use url::form_urlencoded;

use crate::admin::problem::Problem;
use crate::desk::{
    Counting, Cursor, DeliveryFilter, ErrorFilter, MAX_LIMIT, Query, RecordFilter, RefusedFilter, State,
};
use crate::store::ErrorClass;

/// Items in a list where nothing else is asked for.
const USUAL: usize = 50;

/// A query parameter.
#[derive(Debug)]
pub(in crate::admin) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: Kind,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug)]
pub(in crate::admin) enum Kind {
    Text,
    /// 1 to this.
    Number(usize),
    States,
    Class,
    Format,
    /// true or false.
    Truth,
}

const fn parameter(name: &'static str, about: &'static str, kind: Kind) -> Parameter {
    Parameter { name, about, kind }
}

macro_rules! filter {
    ($($more:expr),* $(,)?) => {
        &[
            parameter("state", "Any of these states, parted by commas; left out: any state.", Kind::States),
            parameter("destination", "Failed here; empty: before any destination.", Kind::Text),
            parameter("class", "Of this class.", Kind::Class),
            parameter("traceKey", "The trace key, whole.", Kind::Text),
            parameter("traceKeyPrefix", "The beginning of the trace key.", Kind::Text),
            parameter("tag", "Has this tag.", Kind::Text),
            parameter("assignee", "Assigned to them; empty: to nobody.", Kind::Text),
            parameter("text", "Stands in the message; small and capital letters are the same for ASCII.", Kind::Text),
            parameter("from", "Last failed at or after: epoch milliseconds, or a time such as 2026-11-25T08:00:00Z.", Kind::Text),
            parameter("until", "Last failed before; written like from.", Kind::Text),
            $($more),*
        ]
    };
}

const CURSOR: Parameter = parameter("cursor", "`next` of the list before.", Kind::Text);
const MOST: Parameter =
    parameter("limit", "Items at most; 50 where it is left out.", Kind::Number(MAX_LIMIT));

/// Of a plan.
pub(in crate::admin) const FILTER: &[Parameter] = filter![];
/// Of a count.
pub(super) const COUNT: &[Parameter] = filter![parameter(
    "exact",
    "true: count all that match, which may take seconds. Left out: where some thousands of errors do not tell, \
     the answer is at least so many, and `exact` of it is false.",
    Kind::Truth
)];
const FORMAT: Parameter = parameter("format", "csv (where it is left out) or jsonl.", Kind::Format);

/// Of a list of errors.
pub(in crate::admin) const ERRORS: &[Parameter] = filter![CURSOR, MOST];
/// Of an export.
pub(super) const EXPORT: &[Parameter] = filter![FORMAT];

const FROM: Parameter = parameter(
    "from",
    "Arrived at or after: epoch milliseconds, or a time such as 2026-11-25T08:00:00Z.",
    Kind::Text,
);
const UNTIL: Parameter = parameter("until", "Arrived before; written like from.", Kind::Text);
const DELIVERY: Parameter = parameter("delivery", "Of the delivery of this number.", Kind::Text);
const TRACE_KEY: Parameter =
    parameter("traceKey", "The trace key, whole, as it was when the record came.", Kind::Text);
const OBJECT_ID: Parameter = parameter("objectId", "objectId of the event.", Kind::Text);
const DELIVERED_TO: Parameter = parameter("deliveredTo", "Delivered to this destination.", Kind::Text);
const CAUSE: Parameter = parameter("cause", "With this cause code.", Kind::Text);
const DIAGNOSIS: Parameter = parameter("diagnosis", "With this code of a diagnosis.", Kind::Text);

/// Of a list of deliveries.
pub(in crate::admin) const DELIVERIES: &[Parameter] = &[FROM, UNTIL, CURSOR, MOST];
/// Of their export.
pub(super) const DELIVERIES_EXPORT: &[Parameter] = &[FROM, UNTIL, FORMAT];
/// Of a list of records.
pub(in crate::admin) const RECORDS: &[Parameter] =
    &[DELIVERY, TRACE_KEY, OBJECT_ID, DELIVERED_TO, FROM, UNTIL, CURSOR, MOST];
/// Of their export.
pub(super) const RECORDS_EXPORT: &[Parameter] =
    &[DELIVERY, TRACE_KEY, OBJECT_ID, DELIVERED_TO, FROM, UNTIL, FORMAT];
/// Of a list of refused requests.
pub(in crate::admin) const REFUSALS: &[Parameter] = &[CAUSE, DIAGNOSIS, FROM, UNTIL, CURSOR, MOST];
/// Of their export.
pub(super) const REFUSALS_EXPORT: &[Parameter] = &[CAUSE, DIAGNOSIS, FROM, UNTIL, FORMAT];
/// Of a series.
pub(super) const SERIES: &[Parameter] = &[
    parameter("from", "From: epoch milliseconds or a time; left out: a day before until.", Kind::Text),
    parameter("until", "Until; left out: now.", Kind::Text),
    parameter(
        "stepSeconds",
        "Seconds of a step; left out: 300. Whole minutes are taken, and so many that there are at most 1000 points.",
        Kind::Number(604_800),
    ),
];
/// Of a list without a filter.
pub(in crate::admin) const PAGING: &[Parameter] = &[CURSOR, MOST];
/// Of the audit log.
pub(in crate::admin) const AUDIT: &[Parameter] =
    &[parameter("error", "Of this error only.", Kind::Text), CURSOR, MOST];
/// Of refused requests.
pub(super) const LIMIT: &[Parameter] =
    &[parameter("limit", "Items at most; 50 where it is left out.", Kind::Number(500))];

/// What was asked.
#[derive(Debug)]
pub(in crate::admin) struct Asked(BTreeMap<&'static str, String>);

impl Asked {
    pub(in crate::admin) fn read(query: Option<&str>, known: &'static [Parameter]) -> Result<Self, Problem> {
        let mut asked = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
                let names: Vec<_> = known.iter().map(|parameter| parameter.name).collect();
                let remedy = match &names[..] {
                    [] => "remove it; this path takes no parameter".to_owned(),
                    names => format!("remove it, or give one of {}", names.join(", ")),
                };
                return Err(Problem::invalid(name, "this path has no such parameter", remedy));
            };
            if asked.insert(parameter.name, value.into_owned()).is_some() {
                return Err(Problem::invalid(name, "it stands here twice", "give it once"));
            }
        }
        Ok(Self(asked))
    }

    pub(in crate::admin) fn take(&mut self, name: &'static str) -> Option<String> {
        self.0.remove(name)
    }

    /// With cursor and limit.
    pub(in crate::admin) fn query<F>(&mut self, filter: F) -> Result<Query<F>, Problem> {
        let cursor = self.take("cursor").map(|text| Cursor::parse(&text)).transpose()?;
        let limit = match self.take("limit") {
            None => USUAL,
            Some(text) => {
                text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                    Problem::invalid(
                        "limit",
                        format!("{text:?} is no number from 1 to {MAX_LIMIT}"),
                        "give one, or leave it out",
                    )
                })?
            }
        };
        Ok(Query { filter, cursor, limit })
    }

    pub(in crate::admin) fn filter(&mut self) -> Result<ErrorFilter, Problem> {
        Ok(ErrorFilter {
            states: self.states()?,
            destination: self.take("destination"),
            class: self.class()?,
            trace_key: self.take("traceKey"),
            trace_key_prefix: self.take("traceKeyPrefix"),
            tag: self.take("tag"),
            assignee: self.take("assignee"),
            text: self.take("text"),
            from_ms: self.time("from")?,
            until_ms: self.time("until")?,
        })
    }

    pub(in crate::admin) fn deliveries(&mut self) -> Result<DeliveryFilter, Problem> {
        Ok(DeliveryFilter { from_ms: self.time("from")?, until_ms: self.time("until")? })
    }

    pub(in crate::admin) fn records(&mut self) -> Result<RecordFilter, Problem> {
        let number = |text: String| {
            text.parse().map_err(|_| {
                Problem::invalid(
                    "delivery",
                    format!("{text:?} is no number"),
                    "give the number of a delivery",
                )
            })
        };
        Ok(RecordFilter {
            delivery: self.take("delivery").map(number).transpose()?,
            trace_key: self.take("traceKey"),
            object_id: self.take("objectId"),
            delivered_to: self.take("deliveredTo"),
            from_ms: self.time("from")?,
            until_ms: self.time("until")?,
        })
    }

    pub(in crate::admin) fn refusals(&mut self) -> Result<RefusedFilter, Problem> {
        Ok(RefusedFilter {
            cause: self.take("cause"),
            diagnosis: self.take("diagnosis"),
            from_ms: self.time("from")?,
            until_ms: self.time("until")?,
        })
    }

    /// How far to count.
    pub(super) fn counting(&mut self) -> Result<Counting, Problem> {
        match self.take("exact").as_deref() {
            None | Some("false") => Ok(Counting::BOUNDED),
            Some("true") => Ok(Counting::Exact),
            Some(other) => Err(Problem::invalid(
                "exact",
                format!("{other:?} is neither true nor false"),
                "give one of them, or leave it out",
            )),
        }
    }

    /// A number from 1 to `most`.
    pub(super) fn number(&mut self, name: &'static str, most: i64) -> Result<Option<i64>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.map(Some).ok_or_else(|| {
            Problem::invalid(
                name,
                format!("{text:?} is no number from 1 to {most}"),
                "give one, or leave it out",
            )
        })
    }

    fn states(&mut self) -> Result<Vec<State>, Problem> {
        let Some(text) = self.take("state") else { return Ok(Vec::new()) };
        let state = |word: &str| {
            State::parse(word).ok_or_else(|| {
                let all = State::ALL.map(State::as_str).join(", ");
                Problem::invalid(
                    "state",
                    format!("{word:?} is no state"),
                    format!("give any of {all}, parted by commas"),
                )
            })
        };
        text.split(',').map(state).collect()
    }

    fn class(&mut self) -> Result<Option<ErrorClass>, Problem> {
        let Some(text) = self.take("class") else { return Ok(None) };
        ErrorClass::parse(&text).map(Some).ok_or_else(|| {
            let all = ErrorClass::ALL.map(ErrorClass::as_str).join(", ");
            Problem::invalid("class", format!("{text:?} is no class"), format!("give one of {all}"))
        })
    }

    pub(super) fn time(&mut self, name: &'static str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let written = text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
        text.parse().or(written).map(Some).map_err(|_| {
            Problem::invalid(
                name,
                format!("{text:?} is no time"),
                "give epoch milliseconds, or a time such as 2026-11-25T08:00:00Z",
            )
        })
    }
}
