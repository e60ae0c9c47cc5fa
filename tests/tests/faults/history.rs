//! The judge. What an event is to become stands in its number, so that nothing has to be remembered
//! but which ones were acknowledged:
//!
//! | number | becomes |
//! |---|---|
//! | ends in 7 | ignored: the listener's filter leaves it out |
//! | a multiple of 200 | an open error at `warehouse`, which refuses it |
//! | any other | delivered |
//!
//! After the last fault, with nothing pending:
//!
//! 1. Each acknowledged event is where its number says: delivered, or open at the desk, with exactly
//!    the bytes that were sent; an ignored one is nowhere.
//! 2. What is delivered or open was sent. (It may never have been acknowledged: an answer can be lost.)
//! 3. No event is in two pages, or in two errors. The same page may come twice, with the same id:
//!    its answer was lost. That is counted and told.
//! 4. The counters say the same: events = records + duplicates + ignored, and records = what was
//!    delivered + what is open. Every replica says it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use tests::get_json;

use super::fleet::Fleet;

/// What one event is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Ignored,
    Open,
    Delivered,
}

pub fn fate(id: u64) -> Fate {
    match id {
        _ if id % 10 == 7 => Fate::Ignored,
        _ if id.is_multiple_of(200) => Fate::Open,
        _ => Fate::Delivered,
    }
}

/// The bytes of an event, with the odd spacing that a printer of JSON would lose.
pub fn event(id: u64) -> String {
    format!(
        "{{\"eventId\":{id}, \"subscriptionId\":1,\"portalId\":62515,\"appId\":54321,\"occurredAt\":{}, \
         \"subscriptionType\":\"contact.creation\",\"attemptNumber\":0,\"objectId\":{id},\"big\":12345678901234567890.10}}",
        1_790_000_000_000 + id,
    )
}

/// The number of an event; fails where its bytes are not those that were sent.
pub fn number(bytes: &str) -> u64 {
    let value: Value = serde_json::from_str(bytes).unwrap_or_else(|error| panic!("{error}: {bytes}"));
    let id = value["eventId"].as_u64().expect("a number");
    assert_eq!(bytes, event(id), "the bytes are those that were sent");
    id
}

/// What the judge found; printed by each story.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    pub acknowledged: usize,
    pub delivered: usize,
    pub open: usize,
    pub ignored: usize,
    /// Deliveries of a page after its first, with the same id.
    pub repeated_pages: usize,
    pub pages: usize,
    /// Known by their key, as the store counts.
    pub duplicates: u64,
}

/// Judges a fleet in which nothing is pending any more.
pub fn judge(fleet: &Fleet, acknowledged: &BTreeSet<u64>, sent: u64) -> Verdict {
    let mut verdict = Verdict { acknowledged: acknowledged.len(), ..Verdict::default() };
    let delivered = delivered(fleet, &mut verdict);
    let open = open(fleet);
    for &id in acknowledged {
        match fate(id) {
            Fate::Delivered => {
                assert!(delivered.contains(&id), "event {id} was acknowledged and is not delivered")
            }
            Fate::Open => assert!(open.contains(&id), "event {id} was acknowledged and is not at the desk"),
            Fate::Ignored => verdict.ignored += 1,
        }
    }
    for (what, ids) in [("delivered", &delivered), ("open", &open)] {
        if let Some(id) = ids.iter().find(|&&id| id >= sent) {
            panic!("event {id} is {what} and was never sent");
        }
    }
    if let Some(id) = delivered.iter().find(|&&id| fate(id) != Fate::Delivered) {
        panic!("event {id} is delivered, although it is {:?}", fate(*id));
    }
    if let Some(id) = open.iter().find(|&&id| fate(id) != Fate::Open) {
        panic!("event {id} is an error, although it is {:?}", fate(*id));
    }
    (verdict.delivered, verdict.open) = (delivered.len(), open.len());
    verdict.duplicates = counters(fleet, &verdict);
    verdict
}

/// The events that `warehouse` took, each in one page only.
fn delivered(fleet: &Fleet, verdict: &mut Verdict) -> BTreeSet<u64> {
    let mut page_of: BTreeMap<u64, String> = BTreeMap::new();
    let mut times: HashMap<String, usize> = HashMap::new();
    for page in fleet.taken() {
        let id = page.header("x-hubspot-listener-page-id").to_owned();
        *times.entry(id.clone()).or_default() += 1;
        for record in page.records() {
            let event = number(&record);
            if fate(event) == Fate::Open {
                continue;
            }
            let first = page_of.entry(event).or_insert_with(|| id.clone());
            assert_eq!(*first, id, "event {event} is in two pages");
        }
    }
    verdict.pages = times.len();
    verdict.repeated_pages = times.values().map(|count| count - 1).sum();
    page_of.into_keys().collect()
}

/// The events at the error desk, each in one error only, seen through every replica alike.
fn open(fleet: &Fleet) -> BTreeSet<u64> {
    let mut first: Option<BTreeSet<u64>> = None;
    for replica in &fleet.replicas {
        let mut open = BTreeSet::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/errors?state=open&limit=500{cursor}");
            let list = get_json(replica.admin, &path);
            for item in list["items"].as_array().expect("a list") {
                assert_eq!(item["destination"], "warehouse", "{item}");
                let whole = get_json(replica.admin, &format!("/api/v1/errors/{}", item["id"]));
                let id = number(
                    whole["payload"]["text"].as_str().unwrap_or_else(|| panic!("no payload: {whole}")),
                );
                assert!(open.insert(id), "event {id} is in two errors");
            }
            match list["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let seen = first.get_or_insert_with(|| open.clone());
        assert_eq!(*seen, open, "every replica shows the same errors");
    }
    first.unwrap_or_default()
}

/// Rule 4; the number of duplicates.
fn counters(fleet: &Fleet, verdict: &Verdict) -> u64 {
    let mut duplicates = 0;
    for replica in &fleet.replicas {
        let status = replica.status();
        let count =
            |name: &str| status["store"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {status}"));
        duplicates = count("duplicates");
        assert_eq!(count("events"), count("records") + duplicates + count("ignored"), "{status}");
        assert_eq!(count("records"), (verdict.delivered + verdict.open) as u64, "{status}");
        assert_eq!(count("openErrors"), verdict.open as u64, "{status}");
        assert_eq!(count("pendingRecords"), 0, "{status}");
    }
    duplicates
}
