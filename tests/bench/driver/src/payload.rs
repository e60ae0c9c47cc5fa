//! Request bytes. The body is a template whose ids are overwritten in place, so
//! that each request has ids of its own at the cost of a copy and one HMAC.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::options::Options;
use crate::sign::Signer;

const EVENT_ID: &str = "1000000000000";
const OCCURRED_AT: &str = "1700000000000";
const OBJECT_ID: &str = "100000000000";

thread_local! {
    static NEXT_ID: Cell<u64> = Cell::new(first_id());
}

/// 13 digits, from the clock: a later run never meets the ids of an earlier one.
fn first_id() -> u64 {
    1_000_000_000_000 + (now_ms() % 1_000_000_000) * 1_000
}

pub struct Payload {
    head: String,
    body: Vec<u8>,
    spots: Vec<[usize; 3]>,
    signer: Signer,
    request: Vec<u8>,
}

impl Payload {
    pub fn new(options: &Options) -> Self {
        let (body, spots) = template(options.batch);
        let mut head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: HubSpot Connect 2.0 (http://dev.hubspot.com/) \
             (namespace: webhooks-nio-http-client)\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            options.path,
            options.address,
            body.len()
        );
        for line in &options.headers {
            head.push_str(line);
            head.push_str("\r\n");
        }
        Self { head, body, spots, signer: Signer::new(options), request: Vec::new() }
    }

    pub fn next_request(&mut self) -> &[u8] {
        let now = now_ms();
        for [event, occurred, object] in &self.spots {
            let id = NEXT_ID.with(|next| next.replace(next.get() + 1));
            digits(&mut self.body[*event..*event + EVENT_ID.len()], id);
            digits(&mut self.body[*occurred..*occurred + OCCURRED_AT.len()], now);
            digits(
                &mut self.body[*object..*object + OBJECT_ID.len()],
                100_000_000_000 + id % 899_999_999_999,
            );
        }
        self.request.clear();
        self.request.extend_from_slice(self.head.as_bytes());
        self.signer.headers(&self.body, now, &mut self.request);
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(&self.body);
        &self.request
    }
}

/// About 350 bytes an event, the fields of a real `contact.propertyChange`.
fn template(batch: usize) -> (Vec<u8>, Vec<[usize; 3]>) {
    let event = format!(
        "{{\"eventId\":{EVENT_ID},\"subscriptionId\":3923621,\"portalId\":48807704,\"appId\":16111050,\
         \"occurredAt\":{OCCURRED_AT},\"subscriptionType\":\"contact.propertyChange\",\"attemptNumber\":0,\
         \"objectId\":{OBJECT_ID},\"propertyName\":\"hs_lifecyclestage_customer_date\",\
         \"propertyValue\":\"a value of usual size\",\"changeSource\":\"CRM_UI_BULK_ACTION\",\
         \"sourceId\":\"userId:76023669\",\"isSensitive\":false}}"
    );
    let find = |mark: &str| event.find(mark).expect("mark in the template");
    let inside = [find(EVENT_ID), find(OCCURRED_AT), find(OBJECT_ID)];

    let mut body = vec![b'['];
    let mut spots = Vec::with_capacity(batch);
    for index in 0..batch {
        if index > 0 {
            body.push(b',');
        }
        spots.push(inside.map(|at| body.len() + at));
        body.extend_from_slice(event.as_bytes());
    }
    body.push(b']');
    (body, spots)
}

fn digits(place: &mut [u8], mut number: u64) {
    for byte in place.iter_mut().rev() {
        *byte = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
}
