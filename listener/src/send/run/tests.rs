use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use crds::listener::{Signature, SignatureVersion};
use http::{Request as HttpRequest, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use secrecy::SecretString;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::*;
use crate::send::delivery::Tamper;
use crate::send::events::Source;
use crate::verify::sign::Signer;
use crate::verify::{Received, Request, Verifier};

const SECRET: &str = "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41";

/// A server on loopback that verifies as the listener does, and keeps what it took.
struct Sink {
    address: SocketAddr,
    targets: Arc<Mutex<Vec<String>>>,
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

impl Sink {
    async fn start(public_url: &str, delay: Duration) -> Self {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let url = public_url.replace("{address}", &address.to_string());
        let verifier = Arc::new(Verifier::new(&[SecretString::from(SECRET)], &url, &Signature::default()));
        let targets = Arc::new(Mutex::new(Vec::new()));
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let sink = Self { address, targets: targets.clone(), bodies: bodies.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (verifier, targets, bodies) = (verifier.clone(), targets.clone(), bodies.clone());
                let service = service_fn(move |request: HttpRequest<Incoming>| {
                    let (verifier, targets, bodies) = (verifier.clone(), targets.clone(), bodies.clone());
                    async move {
                        tokio::time::sleep(delay).await;
                        Ok::<_, Infallible>(answer(&verifier, &targets, &bodies, request).await)
                    }
                });
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        sink
    }
}

async fn answer(
    verifier: &Verifier,
    targets: &Mutex<Vec<String>>,
    bodies: &Mutex<Vec<Bytes>>,
    request: HttpRequest<Incoming>,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let now_ms = Clock::System.now_ms();
    let received = Received {
        id: Uuid::nil(),
        at_ms: now_ms,
        method: parts.method,
        target: parts.uri.to_string(),
        host: None,
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
        peer: None,
    };
    targets.lock().unwrap().push(received.target.clone());
    let mut response = Response::new(Full::default());
    match verifier.verify(Request::new(received), now_ms) {
        Ok(request) => {
            bodies.lock().unwrap().push(request.into_received().body);
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        Err(rejection) => {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            *response.body_mut() = Full::from(format!("{{\"cause\":\"{}\"}}", rejection.cause.code()));
        }
    }
    response
}

fn plan(url: &str, signed: &str, batch: Batch, count: u64) -> Plan {
    Plan {
        client: Client::new(url, 4, Duration::from_secs(10)).unwrap(),
        signing: Signing {
            signer: Signer::new(&SecretString::from(SECRET)),
            version: SignatureVersion::V3,
            url: signed.to_owned(),
            age_seconds: 0,
            tamper: None,
        },
        batch,
        count,
        concurrency: 4,
    }
}

fn samples(size: usize) -> Batch {
    let source = Source::sample("contact.creation", false, Clock::System.now_ms()).unwrap();
    Batch::Made { source, size }
}

async fn sent(plan: Plan) -> Report {
    run(plan, Clock::System, Arc::default(), CancellationToken::new()).await
}

#[tokio::test]
async fn deliveries_are_taken_by_a_verifier_and_counted() {
    let sink = Sink::start("http://{address}/sales/contacts", Duration::ZERO).await;
    let url = format!("http://{}/sales/contacts", sink.address);
    let report = sent(plan(&url, &url, samples(3), 20)).await;
    assert!(report.is_ok(), "{report}");
    assert_eq!(report.with_status(204), 20);
    assert_eq!(sink.bodies.lock().unwrap().len(), 20);
}

#[tokio::test]
async fn the_target_goes_over_the_wire_as_it_is_written_and_the_public_url_is_what_is_signed() {
    let public = "https://hooks.example.com/a//b/../c%2F%3a";
    let sink = Sink::start(public, Duration::ZERO).await;
    let target = "/a//b/../c%2F%3a?b=2&a=%3A%20%zz+|'&&=?";
    let url = format!("http://{}{target}", sink.address);
    let signed = format!("{public}?b=2&a=%3A%20%zz+|'&&=?");
    let report = sent(plan(&url, &signed, samples(1), 1)).await;
    assert!(report.is_ok(), "{report}");
    assert_eq!(*sink.targets.lock().unwrap(), [target]);
}

#[tokio::test]
async fn a_fixed_body_arrives_byte_for_byte() {
    let sink = Sink::start("http://{address}/h", Duration::ZERO).await;
    let url = format!("http://{}/h", sink.address);
    let body = Bytes::from_static(b" [ {\"eventId\" : 1.0 }\r\n]\n");
    let report = sent(plan(&url, &url, Batch::Fixed(body.clone()), 1)).await;
    assert!(report.is_ok(), "{report}");
    assert_eq!(*sink.bodies.lock().unwrap(), [body]);
}

#[tokio::test]
async fn what_is_spoilt_is_refused_and_the_cause_reported() {
    let sink = Sink::start("http://{address}/h", Duration::ZERO).await;
    let url = format!("http://{}/h", sink.address);
    for tamper in [Tamper::Body, Tamper::Signature, Tamper::Timestamp, Tamper::Url] {
        let mut plan = plan(&url, &url, samples(1), 2);
        plan.signing.tamper = Some(tamper);
        let report = sent(plan).await;
        assert!(!report.is_ok());
        assert_eq!(report.with_cause("bad_signature"), 2, "{tamper:?}: {report}");
    }
    let mut stale = plan(&url, &url, samples(1), 1);
    stale.signing.age_seconds = 400;
    assert_eq!(sent(stale).await.with_cause("stale_timestamp"), 1);
    assert!(sink.bodies.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_closed_port_and_a_slow_server_are_no_answers() {
    let closed = {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        format!("http://{}/h", socket.local_addr().unwrap())
    };
    let report = sent(plan(&closed, &closed, samples(1), 3)).await;
    assert_eq!((report.deliveries(), report.without_answer()), (3, 3), "{report}");

    let sink = Sink::start("http://{address}/h", Duration::from_secs(30)).await;
    let url = format!("http://{}/h", sink.address);
    let mut slow = plan(&url, &url, samples(1), 1);
    slow.client = Client::new(&url, 1, Duration::from_millis(50)).unwrap();
    let report = sent(slow).await;
    assert!(report.to_string().contains("no answer within 0.05 s"), "{report}");
}

#[tokio::test]
async fn an_interrupted_run_reports_what_came_so_far() {
    let sink = Sink::start("http://{address}/h", Duration::from_millis(20)).await;
    let url = format!("http://{}/h", sink.address);
    let stop = CancellationToken::new();
    let done = Arc::new(AtomicU64::new(0));
    let run =
        tokio::spawn(run(plan(&url, &url, samples(1), 1_000_000), Clock::System, done.clone(), stop.clone()));
    while done.load(Ordering::Relaxed) < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    let report = run.await.unwrap();
    assert!(report.interrupted && !report.is_ok());
    assert!(report.with_status(204) >= 4 && report.unanswered <= 4, "{report}");
}
