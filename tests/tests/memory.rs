//! Memory stays flat while a gigabyte is queued for a destination that is down.

use tests::{Connection, SECRET, Setup, free_port, hubspot_headers};

const EVENTS_IN_A_DELIVERY: u64 = 100;
const DELIVERIES: u64 = 1024;
/// Resident set after a gigabyte, and its growth from the first 64 MB to the last.
const CEILING_MIB: u64 = 300;
const GROWTH_MIB: u64 = 64;

#[test]
fn memory_stays_flat_while_a_gigabyte_is_queued() {
    // Nothing listens there.
    let down = free_port();
    let listener = Setup::listener(&format!(
        "  destinations:\n  - name: warehouse\n    http: {{url: 'http://127.0.0.1:{down}/', timeoutSeconds: 1}}\n"
    ))
    .start();
    let url = format!("{}/sales/contacts", listener.setup.public_url);
    let mut connection = Connection::open(listener.public).expect("a connection");
    let (mut bytes, mut early, mut peak) = (0, 0, 0);
    for delivery in 0..DELIVERIES {
        let body = body(delivery * EVENTS_IN_A_DELIVERY);
        bytes += body.len();
        loop {
            let headers = hubspot_headers(SECRET, &url, body.as_bytes());
            let answer =
                connection.exchange("POST", "/sales/contacts", &headers, body.as_bytes()).expect("an answer");
            if answer.status == 204 {
                break;
            }
            assert_eq!(answer.status, 503, "{}", answer.text());
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        if delivery % 16 == 0 {
            peak = peak.max(listener.resident_mib());
        }
        if delivery == DELIVERIES / 16 {
            early = peak;
        }
    }
    assert!(bytes >= 1_000_000_000, "only {bytes} bytes were queued");
    tests::eventually(120, "everything is indexed", || {
        peak = peak.max(listener.resident_mib());
        (listener.count("unindexedBytes") == 0).then_some(())
    });
    let pending = listener.count("pendingRecords");
    println!(
        "{bytes} bytes queued in {pending} records: {early} MiB after the first 64 MB, {peak} MiB at most"
    );
    assert_eq!(pending, DELIVERIES * EVENTS_IN_A_DELIVERY, "nothing was handed on, nothing was lost");
    assert!(peak <= CEILING_MIB, "{peak} MiB");
    assert!(peak <= early + GROWTH_MIB, "grew from {early} MiB to {peak} MiB");
}

/// About a megabyte.
fn body(first: u64) -> String {
    let padding = "a value of some length ".repeat(440);
    let event = |id: u64| {
        format!(
            "{{\"eventId\":{id},\"portalId\":1,\"appId\":2,\"occurredAt\":{},\"subscriptionType\":\"contact.propertyChange\",\
             \"objectId\":{id},\"propertyName\":\"notes\",\"propertyValue\":\"{padding}\"}}",
            1_790_000_000_000 + id
        )
    };
    let events: Vec<String> = (first..first + EVENTS_IN_A_DELIVERY).map(event).collect();
    format!("[{}]", events.join(","))
}
