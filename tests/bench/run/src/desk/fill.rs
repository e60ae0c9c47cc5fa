//! A million open errors, of deliveries that are not taken.
//!
//! Error `n` is of the record `1000 + n % 50`_`n` at one of four destinations; every tenth is an element
//! that is no event, and has no destination and no trace key.

use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::Client;
use crate::program::{PUBLIC_BASE, Process, SECRET};
use crate::store::Store;

/// Destinations by the rest of an event's number.
pub(super) const DESTINATIONS: [&str; 4] = ["crm", "erp", "warehouse", "mail"];
/// Elements of a delivery, and records of a page.
const AT_ONCE: u64 = 1_000;
/// Records that may wait for their destination while deliveries go on.
const AHEAD: u64 = 20_000;

/// When the filling was how far, in epoch milliseconds.
pub(super) struct Marks {
    pub(super) seconds: f64,
    /// At each tenth, from the beginning to the end.
    pub(super) tenths: Vec<u64>,
}

pub(super) fn manifest(store: &Store, sink: u16) -> String {
    let mut destinations = String::new();
    for (place, name) in DESTINATIONS.iter().enumerate() {
        let _ = writeln!(
            destinations,
            "  - {{name: {name}, filter: 'event.subscriptionId == {place}', concurrency: 1, \
             http: {{url: 'http://127.0.0.1:{sink}/{name}'}}}}"
        );
    }
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: app, namespace: bench}}\n\
         stringData: {{clientSecret: {SECRET}}}\n{documents}---\n\
         apiVersion: hubspot-listener.dev/v1alpha1\nkind: HubSpotListener\n\
         metadata: {{name: bench, namespace: bench}}\nspec:\n  displayName: Benchmark\n  \
         clientSecrets: [{{name: app, key: clientSecret}}]\n  storage: {storage}\n  \
         page: {{size: {AT_ONCE}, lingerMilliseconds: 0}}\n  \
         traceKeyTemplate: '{{{{#if objectId}}}}{{{{portalId}}}}_{{{{objectId}}}}{{{{/if}}}}'\n  \
         dataUriTemplate: 'https://app.hubspot.com/contacts/{{{{portalId}}}}/record/0-1/{{{{objectId}}}}'\n  \
         destinations:\n{destinations}",
        documents = store.documents,
        storage = store.storage,
    )
}

pub(super) fn trace_key(number: u64) -> String {
    format!("{}_{number}", 1_000 + number % 50)
}

/// An event of record `number`.
pub(super) fn event(number: u64, event: u64) -> String {
    format!(
        "{{\"eventId\":{event},\"subscriptionId\":{},\"portalId\":{},\"appId\":54321,\"objectId\":{number},\
         \"subscriptionType\":\"contact.propertyChange\",\"propertyName\":\"lifecyclestage\",\
         \"propertyValue\":\"customer\",\"occurredAt\":{},\"attemptNumber\":0}}",
        number % 4,
        1_000 + number % 50,
        1_790_000_000_000_u64 + event
    )
}

/// Posts a signed delivery.
pub(super) fn deliver(client: &mut Client, body: &str) -> Result<()> {
    let path = "/bench/bench";
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    for part in ["POST", PUBLIC_BASE, path, body, &timestamp] {
        mac.update(part.as_bytes());
    }
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let headers = format!(
        "Content-Type: application/json\r\nX-HubSpot-Signature-v3: {signature}\r\n\
         X-HubSpot-Request-Timestamp: {timestamp}\r\n"
    );
    let (status, answer) = client.exchange("POST", path, &headers, body.as_bytes())?;
    ensure!(status == 204, "the delivery was answered {status}: {answer}");
    Ok(())
}

pub(super) fn fill(running: &Process, client: &mut Client, errors: u64) -> Result<Marks> {
    let began = Instant::now();
    let mut public = Client::open(running.port)?;
    let mut tenths = Vec::new();
    let tenth = (errors / 10).max(1);
    for first in (0..errors).step_by(usize::try_from(AT_ONCE)?) {
        if first % tenth < AT_ONCE {
            wait(client, first.saturating_sub(AHEAD))?;
            // The listener may have closed what stood idle for so long.
            public = Client::open(running.port)?;
            tenths.push(now_ms()?);
        }
        let last = (first + AT_ONCE).min(errors);
        let elements: Vec<String> = (first..last)
            .map(|number| if number % 10 == 9 { number.to_string() } else { event(number, number) })
            .collect();
        deliver(&mut public, &format!("[{}]", elements.join(",")))?;
    }
    wait(client, errors)?;
    tenths.push(now_ms()?);
    let seconds = began.elapsed().as_secs_f64();
    mark(client, &json!({"traceKeyPrefix": "101"}), &json!({"act": "tag", "add": ["often"]}))?;
    mark(client, &json!({"traceKeyPrefix": "1020_12"}), &json!({"act": "tag", "add": ["rare"]}))?;
    mark(client, &json!({"traceKeyPrefix": "102"}), &json!({"act": "assign", "to": "bob"}))?;
    mark(client, &json!({"traceKeyPrefix": "1030_12"}), &json!({"act": "assign", "to": "ann"}))?;
    Ok(Marks { seconds, tenths })
}

/// Until so many errors are open.
fn wait(client: &mut Client, errors: u64) -> Result<()> {
    let began = Instant::now();
    loop {
        let status = client.get("/api/v1/status")?;
        let open = status["listeners"][0]["store"]["openErrors"].as_u64().context("openErrors")?;
        if open >= errors {
            return Ok(());
        }
        ensure!(began.elapsed() < Duration::from_mins(30), "{open} of {errors} errors after half an hour");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Does a bulk act to its end.
fn mark(client: &mut Client, filter: &Value, act: &Value) -> Result<()> {
    let plan = client.post("/api/v1/bulk-plans", &json!({"selection": {"errors": filter}, "act": act}))?;
    let id = plan["id"].as_i64().context("a plan")?;
    client.post(&format!("/api/v1/bulk-plans/{id}/start"), &json!({}))?;
    let began = Instant::now();
    while client.get(&format!("/api/v1/bulk/{id}"))?["state"] != "done" {
        ensure!(began.elapsed() < Duration::from_mins(10), "a bulk act is not over after ten minutes");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn now_ms() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}
