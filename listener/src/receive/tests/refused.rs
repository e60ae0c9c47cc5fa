//! Refused requests: what the sender sees, and what is kept.

use super::support::*;
use crate::metrics::CauseLabels;

#[tokio::test]
async fn a_forged_request_is_answered_401_and_kept_without_its_secrets() {
    let port = Port::with("/a%3Ab", &Reply::default(), quick()).await;
    let body = "y".repeat(5_000);
    let lines = "authorization: Bearer s3cr3t-1\r\ncookie: s3cr3t-2\r\nx-api-key: s3cr3t-3\r\n\
        x-hubspot-signature-v3: Zm9yZ2Vk\r\nx-hubspot-request-timestamp: 1790000000137\r\nuser-agent: HubSpot\r\n";
    let answer = port.send(post("/a%3Ab?x=%2f", lines, &body)).await;
    assert_eq!((answer.status, answer.body.as_str()), (401, r#"{"cause":"bad_signature"}"#));

    let kept = port.store.kept(1).await.remove(0);
    assert_eq!((kept.status, kept.cause, kept.at_ms), (401, "bad_signature", NOW_MS));
    assert_eq!(kept.request_line, "POST /a%3Ab?x=%2f HTTP/1.1");
    assert_eq!((kept.body.as_ref(), kept.body_bytes), (&body.as_bytes()[..4096], 5_000));
    assert!(kept.peer.is_some_and(|peer| peer.starts_with("127.0.0.1:")));
    let header = |name: &str| kept.headers.iter().find(|(given, _)| given == name).map(|(_, v)| v.as_str());
    for name in ["authorization", "cookie", "x-api-key"] {
        assert_eq!(header(name), Some("[left out]"), "{name}");
    }
    assert_eq!(header("x-hubspot-signature-v3"), Some("Zm9yZ2Vk"));
    assert_eq!(header("x-hubspot-request-timestamp"), Some("1790000000137"));
    assert_eq!(header("user-agent"), Some("HubSpot"));
    assert!(!format!("{:?}", kept.headers).contains("s3cr3t"));
    assert_eq!((port.refused("bad_signature"), port.store.stored()), (1, 0));
}

#[tokio::test]
async fn a_request_without_a_signature_is_told_so() {
    let port = Port::start().await;
    let answer = port.send(post(PATH, "", EVENTS)).await;
    assert_eq!((answer.status, answer.body.as_str()), (401, r#"{"cause":"missing_signature"}"#));
    port.store.kept(1).await;
}

#[tokio::test]
async fn header_bytes_that_are_not_utf_8_are_kept_as_characters() {
    let port = Port::start().await;
    let mut request =
        format!("POST {PATH} HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\nx-name: ").into_bytes();
    request.extend_from_slice(b"M\xfcller\r\nx-utf8: M\xc3\xbcller\r\n\r\n");
    assert_eq!(port.send(request).await.status, 401);
    let kept = port.store.kept(1).await.remove(0);
    for name in ["x-name", "x-utf8"] {
        assert!(kept.headers.contains(&(name.to_owned(), "Müller".to_owned())), "{:?}", kept.headers);
    }
}

#[tokio::test]
async fn a_flood_of_forged_requests_is_kept_with_or_without_diagnosis() {
    let port = Port::start().await;
    let mut clients = Vec::new();
    for _ in 0..40 {
        let mut client = port.client().await;
        client.write([post(PATH, "", EVENTS), post(PATH, "", EVENTS)].concat()).await;
        clients.push(client);
    }
    for client in &mut clients {
        assert_eq!((client.answer().await.status, client.answer().await.status), (401, 401));
    }
    port.door.settle().await;
    assert_eq!(port.store.refused.lock().unwrap().len(), 80);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &port.metrics.registry).unwrap();
    let of_diagnoses = |line: &&str| line.starts_with("hubspot_listener_refusal_diagnoses_total");
    let count = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
    assert_eq!(text.lines().filter(of_diagnoses).map(count).sum::<u64>(), 80);
}

#[tokio::test]
async fn a_signature_over_another_url_is_diagnosed() {
    let port = Port::start().await;
    // Signed without the query, as a proxy that adds one would make it.
    let lines = signature(PATH, EVENTS);
    assert_eq!(port.send(post(&format!("{PATH}?added=1"), &lines, EVENTS)).await.status, 401);
    let kept = port.store.kept(1).await.remove(0);
    assert!(kept.diagnosis.is_some(), "{kept:?}");
    let cause = kept.diagnosis_code.unwrap();
    let labels = CauseLabels { namespace: "sales".into(), listener: "contacts".into(), cause };
    assert_eq!(port.metrics.diagnoses.get_or_create(&labels).get(), 1);
}
