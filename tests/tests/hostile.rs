//! Slow, huge, broken and hostile requests: the table of what bad input gets,
//! each row over a real socket against the real process.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use tests::{
    Connection, ListenerProcess, Receiver, SECRET, Setup, eventually, fixture_bytes, get_json,
    hubspot_headers, now_ms, post, send_raw, sign_v3,
};

const URL: &str = "https://hooks.example.com/sales/contacts";

fn start(arguments: &[&str]) -> ListenerProcess {
    Setup::listener("  destinations: [{name: audit, log: {}}]\n").arguments(arguments).start()
}

fn body() -> Vec<u8> {
    fixture_bytes("hubspot/batches/mixed-types.json")
}

fn refused(listener: &ListenerProcess, count: usize) -> Vec<serde_json::Value> {
    eventually(5, "the refused requests are kept", || {
        let list = get_json(listener.admin, "/api/v1/refused")["items"].as_array()?.clone();
        (list.len() >= count).then_some(list)
    })
}

#[test]
fn a_request_without_a_good_signature_gets_401_and_a_cause_and_is_kept_with_its_diagnosis() {
    let listener = start(&[]);
    let body = body();
    let now = now_ms();
    let right = sign_v3(SECRET, "POST", URL, &body, &now.to_string());
    let other = sign_v3(SECRET, "POST", &URL.replace("https", "http"), &body, &now.to_string());
    let old = (now - 301_000).to_string();
    let ahead = (now + 120_000).to_string();
    let cases: Vec<(&str, Option<String>, Option<String>)> = vec![
        ("missing_signature", None, Some(now.to_string())),
        ("missing_timestamp", Some(right.clone()), None),
        ("bad_timestamp", Some(right.clone()), Some("soon".to_owned())),
        ("stale_timestamp", Some(sign_v3(SECRET, "POST", URL, &body, &old)), Some(old)),
        ("future_timestamp", Some(sign_v3(SECRET, "POST", URL, &body, &ahead)), Some(ahead)),
        ("bad_signature", Some(other), Some(now.to_string())),
        ("bad_signature", Some("Ä".repeat(22)), Some(now.to_string())),
    ];
    let count = cases.len();
    for (cause, signature, timestamp) in cases {
        let mut headers = vec![("authorization".to_owned(), "Bearer do-not-keep-me".to_owned())];
        headers.extend(signature.map(|value| ("x-hubspot-signature-v3".to_owned(), value)));
        headers.extend(timestamp.map(|value| ("x-hubspot-request-timestamp".to_owned(), value)));
        let answer = post(listener.public, "/sales/contacts", &headers, &body).expect("an answer");
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json(), serde_json::json!({"cause": cause}), "a cause and nothing more");
        assert!(!answer.text().contains(&right), "no hint about the right value");
    }
    let kept = refused(&listener, count);
    assert_eq!(kept.len(), count);
    let text = serde_json::to_string(&kept).expect("JSON");
    assert!(!text.contains("do-not-keep-me"), "credentials are left out");
    assert!(!text.contains(SECRET) && !listener.log().contains(SECRET), "the secret is nowhere");
    let http = kept.iter().find(|one| one["diagnosis"].as_str().is_some_and(|text| text.contains("http")));
    assert!(http.is_some(), "the signature over http:// is diagnosed: {text}");
    assert_eq!(listener.count("events"), 0, "nothing of them is a record");
}

#[test]
fn only_the_path_answers_and_only_to_post() {
    let listener = start(&[]);
    let body = body();
    let headers = hubspot_headers(SECRET, URL, &body);
    for path in [
        "/",
        "/sales",
        "/sales/contacts/",
        "/sales/contactS",
        "/sales/%63ontacts",
        "//sales/contacts",
        "/metrics",
        "/livez",
    ] {
        let answer = post(listener.public, path, &headers, &body).expect("an answer");
        assert_eq!(answer.status, 404, "{path}");
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let mut connection = Connection::open(listener.public).expect("a connection");
        connection
            .write(
                format!("{method} /sales/contacts HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                    .as_bytes(),
            )
            .expect("sent");
        let mut text = String::new();
        connection.stream().read_to_string(&mut text).expect("an answer");
        assert!(text.starts_with("HTTP/1.1 405"), "{method}: {text}");
        assert!(text.to_ascii_lowercase().contains("allow: post"), "{method}: {text}");
    }
}

#[test]
fn a_body_over_the_limit_gets_413_with_and_without_a_length() {
    let listener = start(&["--max-body-bytes", "4096"]);
    let large = vec![b' '; 5000];
    let answer = post(listener.public, "/sales/contacts", &hubspot_headers(SECRET, URL, &large), &large)
        .expect("an answer");
    assert_eq!(answer.status, 413);
    // A length that nobody means to send.
    let huge = b"POST /sales/contacts HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n[";
    assert_eq!(send_raw(listener.public, huge).expect("an answer").status, 413);
    // No length at all.
    let mut chunked =
        b"POST /sales/contacts HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..6 {
        chunked.extend_from_slice(b"400\r\n");
        chunked.extend_from_slice(&[b' '; 1024]);
        chunked.extend_from_slice(b"\r\n");
    }
    assert_eq!(send_raw(listener.public, &chunked).expect("an answer").status, 413);
    let fits = format!("[{}]", " ".repeat(4000));
    assert_eq!(listener.deliver(fits.as_bytes()).expect("an answer").status, 204);
}

#[test]
fn headers_that_are_too_large_get_431() {
    let listener = start(&[]);
    let large =
        format!("POST /sales/contacts HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "a".repeat(64 * 1024));
    assert_eq!(send_raw(listener.public, large.as_bytes()).expect("an answer").status, 431);
    let many: String = (0..2000).map(|at| format!("x-{at}: a\r\n")).collect();
    let many = format!("POST /sales/contacts HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    assert_eq!(send_raw(listener.public, many.as_bytes()).expect("an answer").status, 431);
}

#[test]
fn a_slow_sender_gets_408_and_its_connection_is_closed() {
    let listener = start(&["--header-timeout", "1", "--body-timeout", "1"]);
    // A body that trickles.
    let mut connection = Connection::open(listener.public).expect("a connection");
    connection
        .write(b"POST /sales/contacts HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
        .expect("sent");
    let began = Instant::now();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(100));
        if connection.write(b" ").is_err() {
            break;
        }
    }
    let answer = connection.read_answer().expect("an answer");
    assert_eq!(answer.status, 408);
    assert!(began.elapsed() < Duration::from_secs(10));
    let mut rest = Vec::new();
    connection.stream().read_to_end(&mut rest).ok();

    // Headers that never end: the connection is closed, with or without an answer.
    let mut connection = Connection::open(listener.public).expect("a connection");
    connection.write(b"POST /sales/contacts HTTP/1.1\r\nhost: x\r\nx-slow: ").expect("sent");
    let began = Instant::now();
    let mut rest = Vec::new();
    connection.stream().read_to_end(&mut rest).ok();
    assert!(began.elapsed() < Duration::from_secs(10), "closed after {:?}", began.elapsed());
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
    // Others are served meanwhile and afterwards.
    assert_eq!(listener.deliver(&body()).expect("an answer").status, 204);
}

#[test]
fn more_requests_in_flight_than_allowed_get_503_with_retry_after() {
    let listener = start(&["--max-in-flight", "4"]);
    let mut held: Vec<Connection> = (0..4)
        .map(|_| {
            let mut connection = Connection::open(listener.public).expect("a connection");
            connection
                .write(b"POST /sales/contacts HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n[")
                .expect("sent");
            connection
        })
        .collect();
    eventually(4, "four are in flight", || {
        let metrics = tests::get(listener.admin, "/metrics").expect("metrics").text();
        metrics.lines().any(|line| line == "hubspot_listener_requests_in_flight 4").then_some(())
    });
    let answer = listener.deliver(&body()).expect("an answer");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(
        answer
            .header("retry-after")
            .is_some_and(|value| value.parse::<u32>().is_ok_and(|seconds| seconds > 0))
    );
    for connection in &mut held {
        connection.write(b"12345678]").expect("sent");
        assert_eq!(connection.read_answer().expect("an answer").status, 401);
    }
    assert_eq!(listener.deliver(&body()).expect("an answer").status, 204, "room again");
}

#[test]
fn more_connections_than_allowed_are_turned_away_and_room_comes_back() {
    let listener = start(&["--max-connections", "8"]);
    let held: Vec<Connection> =
        (0..8).map(|_| Connection::open(listener.public).expect("a connection")).collect();
    eventually(5, "the ninth is turned away", || listener.deliver(&body()).is_err().then_some(()));
    drop(held);
    eventually(5, "room again", || {
        listener.deliver(&body()).is_ok_and(|answer| answer.status == 204).then_some(())
    });
}

#[test]
fn rubbish_on_the_socket_ends_that_connection_and_nothing_else() {
    let listener = start(&[]);
    let rubbish: Vec<Vec<u8>> = vec![
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET".to_vec(),
        vec![0; 100_000],
        b"POST /sales/contacts HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_vec(),
        b"POST /sales/contacts HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n[]".to_vec(),
        b"POST /sales/contacts HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n".to_vec(),
        b"POST /sales/contacts HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot a frame, not at all".to_vec(),
        b"POST /sales/contacts\xff HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"POST * HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
    ];
    for bytes in rubbish {
        let mut connection = Connection::open(listener.public).expect("a connection");
        connection.stream().set_read_timeout(Some(Duration::from_secs(15))).expect("set");
        let _ = connection.write(&bytes);
        let _ = connection.stream().shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = connection.stream().read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(!text.contains("HTTP/1.1 2") && !text.contains("HTTP/1.1 5"), "{bytes:?} got {text}");
    }
    assert_eq!(listener.deliver(&body()).expect("an answer").status, 204);
    assert!(!listener.log().contains("panicked"), "{}", listener.log());
}

#[test]
fn signed_bodies_that_are_no_events_are_answered_as_a_success_and_kept_for_a_person() {
    // Each is counted: equal elements would fold.
    let listener =
        Setup::listener("  destinations: [{name: audit, log: {}}]\n  desk: {foldErrors: false}\n").start();
    let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    let wide = format!("[{}1]", "1,".repeat(50_000));
    let bodies: Vec<(&[u8], u64)> = vec![
        (b"not json", 1),
        (b"", 1),
        (b"{\"a\":", 1),
        (b"[1,\"two\",null]", 3),
        (b"\xff\xfe\x00", 1),
        (deep.as_bytes(), 1),
        (wide.as_bytes(), 50_001),
        (b"[]", 0),
    ];
    let mut errors = 0;
    for (body, more) in bodies {
        let answer = listener.deliver(body).expect("an answer");
        assert_eq!(answer.status, 204, "{:?}", String::from_utf8_lossy(&body[..body.len().min(40)]));
        errors += more;
        eventually(60, "they are at the desk", || {
            (listener.count("unindexedBytes") == 0 && listener.count("openErrors") == errors).then_some(())
        });
    }
    let list =
        get_json(listener.admin, "/api/v1/errors?limit=10")["items"].as_array().expect("a list").clone();
    assert_eq!(list.len(), 10);
    assert!(list.iter().all(|error| error["class"] == "parse" && error["destination"].is_null()), "{list:?}");
}

#[test]
fn a_sender_that_goes_away_does_no_harm() {
    let receiver = Receiver::start();
    let listener = Setup::listener(&format!(
        "  page: {{size: 100, lingerMilliseconds: 0}}\n  destinations: [{{name: w, http: {{url: '{}'}}}}]\n",
        receiver.url("/")
    ))
    .start();
    let body = body();
    for cut in [10, 200, body.len() + 300] {
        let headers = hubspot_headers(SECRET, URL, &body);
        let mut request =
            format!("POST /sales/contacts HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut request = request.into_bytes();
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(&body);
        let mut stream = std::net::TcpStream::connect(listener.public).expect("a connection");
        stream.write_all(&request[..cut.min(request.len())]).expect("sent");
        drop(stream);
    }
    assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    eventually(10, "each event arrives once", || (receiver.records().len() == 8).then_some(()));
}

#[test]
fn http_2_without_tls_is_served_on_the_same_port() {
    let listener = start(&[]);
    let body = body();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let status = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(listener.public).await.expect("a connection");
        let io = hyper_util::rt::TokioIo::new(stream);
        let executor = hyper_util::rt::TokioExecutor::new();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(executor, io).await.expect("h2c");
        tokio::spawn(connection);
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let mut request = hyper::Request::post(format!("http://{}/sales/contacts", listener.public));
            for (name, value) in hubspot_headers(SECRET, URL, &body) {
                request = request.header(name, value);
            }
            let request =
                request.body(http_body_util::Full::new(bytes::Bytes::from(body.clone()))).expect("a request");
            statuses.push(sender.send_request(request).await.expect("an answer").status().as_u16());
        }
        statuses
    });
    assert_eq!(status, [204, 204, 204]);
    eventually(5, "counted", || (listener.count("duplicates") == 16).then_some(()));
}
