//! The commands of the binary, as a person or a script runs them.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tests::{
    SECRET, Setup, binary, eventually, fixture, fixture_bytes, free_port, get, get_json, hubspot_headers,
    post,
};

fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).stdin(Stdio::null()).output().expect("the listener runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn verify_judges_every_vector_and_tells_when_one_differs() {
    let vectors = fixture("hubspot/vectors.json");
    let output = run(&["verify", "--vectors", path(&vectors)]);
    assert!(output.status.success(), "{}", out(&output));
    assert!(out(&output).contains("100 vectors, 100 as expected, 0 differ"), "{}", out(&output));

    let folder = tempfile::tempdir().expect("a directory");
    let spoilt = folder.path().join("vectors.json");
    let text = String::from_utf8(fixture_bytes("hubspot/vectors.json")).expect("UTF-8");
    std::fs::write(&spoilt, text.replacen("\"accept\"", "\"reject\"", 1)).expect("written");
    let output = run(&["verify", "--vectors", path(&spoilt)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("99 as expected, 1 differ"), "{}", out(&output));
}

#[test]
fn verify_judges_one_request_and_explains_it() {
    let folder = tempfile::tempdir().expect("a directory");
    let body = folder.path().join("body.json");
    let secret = folder.path().join("secret");
    std::fs::write(&body, "[]").expect("written");
    std::fs::write(&secret, format!("{SECRET}\n")).expect("written");
    let judge = |url: &str| {
        let headers = hubspot_headers(SECRET, "https://hooks.example.com/sales/contacts", b"[]");
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut arguments = vec!["verify", "--secret-file", path(&secret), "--method", "POST", "--url", url];
        arguments.extend(["--body", path(&body)]);
        for line in &lines {
            arguments.extend(["--header", line]);
        }
        run(&arguments)
    };
    let good = judge("https://hooks.example.com/sales/contacts");
    assert!(good.status.success(), "{}", out(&good));
    let bad = judge("https://hooks.example.com/sales/contacts/");
    assert_eq!(bad.status.code(), Some(1));
    assert!(out(&bad).contains("slash"), "the trailing slash is found: {}", out(&bad));
    assert!(!out(&bad).contains(SECRET) && !String::from_utf8_lossy(&bad.stderr).contains(SECRET));
}

#[test]
fn check_names_line_field_and_remedy_and_exits_with_1() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("bad.yaml");
    let good = include_str!("../../docs/examples/contacts.yaml");
    std::fs::write(&file, good.replace("size: 20", "size: 0").replace("objectId}}}'", "objectId}}'"))
        .expect("written");
    let output = run(&["check", path(&file)]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    for field in ["spec.page.size", "spec.dataUriTemplate"] {
        let line =
            text.lines().find(|line| line.contains(field)).unwrap_or_else(|| panic!("no {field} in {text}"));
        let place = line.strip_prefix(path(&file)).expect("the file first");
        let numbers: Vec<&str> = place.split(':').collect();
        assert!(
            numbers[1].parse::<u32>().is_ok_and(|line| line > 10) && numbers[2].parse::<u32>().is_ok(),
            "{line}"
        );
        assert!(line.contains("; "), "reason and remedy: {line}");
    }
    let output = run(&["check", path(&fixture("../../docs/examples/contacts.yaml"))]);
    assert!(output.status.success(), "the example is good: {}", out(&output));
}

#[test]
fn send_signs_in_every_version_and_tampers_as_told() {
    let listener =
        Setup::listener("  signature: {versions: [v3, v2, v1]}\n  destinations: [{name: audit, log: {}}]\n")
            .start();
    let url = format!("http://{}/sales/contacts", listener.public);
    let send = |more: &[&str]| {
        let public = "https://hooks.example.com/sales/contacts";
        let mut arguments = vec!["send", &url, "--public-url", public, "--secret", SECRET];
        arguments.extend(more);
        run(&arguments)
    };
    for version in ["v3", "v2", "v1"] {
        let output = send(&["--signature", version, "--count", "3", "--batch", "2", "--concurrency", "2"]);
        assert!(output.status.success(), "{version}: {}", out(&output));
    }
    for (part, cause) in [
        ("body", "bad_signature"),
        ("signature", "bad_signature"),
        ("timestamp", "bad_signature"),
        ("url", "bad_signature"),
    ] {
        let output = send(&["--tamper", part]);
        assert_eq!(output.status.code(), Some(1), "{part}");
        let text = out(&output);
        // A changed URL may not even be the listener's path.
        assert!(text.contains(cause) || text.contains("404"), "{part}: {text}");
    }
    eventually(10, "they are indexed", || (listener.count("records") == 18).then_some(()));
    let output = send(&["--type", "no.such"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("contact.creation"),
        "the known types are listed"
    );
}

#[test]
fn two_processes_cannot_have_one_store() {
    let folder = tempfile::tempdir().expect("a directory");
    let spec = "  destinations: [{name: audit, log: {}}]\n";
    let first = Setup::listener(spec).data(folder.path()).start();
    let mut second = Setup::listener(spec).data(folder.path()).spawn();
    let status = eventually(20, "the second refuses to start", || second.ended());
    assert!(!status.success());
    assert!(second.log().contains(&first.pid().to_string()), "it names the process: {}", second.log());
    assert_eq!(first.deliver(b"[]").expect("an answer").status, 204);
}

/// `listener serve`; killed with the value.
struct Serve {
    child: Child,
    public: SocketAddr,
    admin: SocketAddr,
}

impl Serve {
    fn start(folder: &Path) -> Self {
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (public, admin) = (address(), address());
        let child = Command::new(binary())
            .arg("serve")
            .args(["--config", path(&folder.join("configuration.json"))])
            .args([
                "--secrets",
                path(&folder.join("secrets")),
                "--config-maps",
                path(&folder.join("configmaps")),
            ])
            .args(["--data", path(&folder.join("data")), "--admin-token-file", path(&folder.join("token"))])
            .args(["--listen", &public.to_string(), "--admin", &admin.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the listener runs");
        Self { child, public, admin }
    }

    fn ready(&self) -> bool {
        get(self.admin, "/readyz").is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_waits_for_a_good_configuration_and_reads_mounted_secrets_anew() {
    let folder = tempfile::tempdir().expect("a directory");
    let secrets = folder.path().join("secrets/hubspot-app");
    std::fs::create_dir_all(&secrets).expect("a directory");
    std::fs::write(folder.path().join("token"), "an-admin-token-of-the-tests\n").expect("written");
    let configuration = json!({
        "version": "v1", "namespace": "sales", "name": "contacts", "generation": 3,
        "publicUrl": "https://hooks.example.com/sales/contacts",
        "spec": {
            "displayName": "Contacts",
            "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
            "destinations": [{"name": "audit", "log": {}}],
            "desk": {"tokens": {"secretName": "desk"}},
        },
    });
    std::fs::write(folder.path().join("configuration.json"), configuration.to_string()).expect("written");
    let serve = Serve::start(folder.path());
    // The Secret is not there yet: alive, not ready, and it says what is missing.
    let answer = eventually(20, "it is alive", || get(serve.admin, "/readyz").ok());
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("clientSecret"), "{}", answer.text());
    assert_eq!(get(serve.admin, "/livez").expect("an answer").status, 200);

    let write =
        |secret: &str| std::fs::write(secrets.join("clientSecret"), format!("{secret}\n")).expect("written");
    let status = |secret: &str| {
        let headers = hubspot_headers(secret, "https://hooks.example.com/sales/contacts", b"[]");
        post(serve.public, "/sales/contacts", &headers, b"[]").expect("an answer").status
    };
    write(SECRET);
    eventually(10, "it is ready", || serve.ready().then_some(()));
    assert_eq!(status(SECRET), 204);
    write("rotated");
    eventually(10, "the rotated secret is read", || (status("rotated") == 204).then_some(()));
    assert_eq!(status(SECRET), 401);

    // Tokens are files, too, and are read anew.
    let desk = folder.path().join("secrets/desk");
    std::fs::create_dir_all(&desk).expect("a directory");
    let listed = |token: &str| {
        let bearer = [("authorization".to_owned(), format!("Bearer {token}"))];
        let mut connection = tests::Connection::open(serve.admin).expect("a connection");
        connection.exchange("GET", "/api/v1/errors", &bearer, b"").expect("an answer").status
    };
    std::fs::write(desk.join("view.vera"), "view-token-of-vera-0001\n").expect("written");
    eventually(10, "the token counts", || (listed("view-token-of-vera-0001") == 200).then_some(()));
    std::fs::write(desk.join("view.vera"), "view-token-of-vera-0002\n").expect("written");
    eventually(10, "the rotated token counts", || (listed("view-token-of-vera-0002") == 200).then_some(()));
    assert_eq!(listed("view-token-of-vera-0001"), 401);

    // The API wants the token; probes and metrics do not.
    assert_eq!(get(serve.admin, "/api/v1/status").expect("an answer").status, 401);
    let bearer = [("authorization".to_owned(), "Bearer an-admin-token-of-the-tests".to_owned())];
    let mut connection = tests::Connection::open(serve.admin).expect("a connection");
    let answer = connection.exchange("GET", "/api/v1/status", &bearer, b"").expect("an answer");
    assert_eq!(
        (answer.status, &answer.json()["listeners"][0]["configuration"]["generation"]),
        (200, &json!(3))
    );
    assert_eq!(get(serve.admin, "/metrics").expect("an answer").status, 200);

    // A bad file while it runs.
    std::fs::write(folder.path().join("configuration.json"), "{\"version\":").expect("written");
    eventually(10, "the metric says so", || {
        let metrics = get(serve.admin, "/metrics").expect("metrics").text();
        let invalid =
            |line: &str| line.starts_with("hubspot_listener_configuration_valid{") && line.ends_with(" 0");
        metrics.lines().any(invalid).then_some(())
    });
    assert_eq!(status("rotated"), 204, "the old one goes on");
}

#[test]
fn the_log_destination_writes_a_line_for_each_page() {
    let listener = Setup::listener(
        "  page: {size: 3, lingerMilliseconds: 0}\n  destinations: [{name: audit, log: {}}]\n",
    )
    .start();
    let body = fixture_bytes("hubspot/batches/mixed-types.json");
    assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    eventually(10, "three lines", || (listener.out().lines().count() == 3).then_some(()));
    let records: Vec<Value> = listener
        .out()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"))
        .inspect(|page| assert_eq!(page["destination"], "audit"))
        .flat_map(|page| page["records"].as_array().expect("records").clone())
        .collect();
    let sent: Vec<Value> = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(records, sent);
    assert_eq!(get_json(listener.admin, "/api/v1/errors")["items"], json!([]));
}
