//! Every signature vector that HTTP can carry gets its verdict over a socket, at
//! the clock that it names: the whole process runs in here, with that clock.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crds::Configuration;
use language::clock::Clock;
use listener::config::{Inputs, Reading, Refused, Source};
use listener::run::{self, Options};
use serde_json::{Value, json};
use tests::{Answer, fixture_bytes, free_port, send_raw};
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
struct Fixed(Inputs);

impl Source for Fixed {
    fn read(&self) -> Result<Reading, Refused> {
        Ok(Reading { listeners: vec![self.0.clone()] })
    }
}

#[test]
fn every_vector_gets_its_verdict_over_the_socket() {
    let file: Value = serde_json::from_slice(&fixture_bytes("hubspot/vectors.json")).expect("JSON");
    let vectors = file["vectors"].as_array().expect("a list");
    let mut sent = 0;
    for vector in vectors.iter().filter(|vector| vector["level"] == "any") {
        let answer = judge(vector);
        let name = &vector["name"];
        if vector["expect"] == "accept" {
            assert_eq!(answer.status, 204, "{name}: {}", answer.text());
        } else {
            assert_eq!(answer.status, 401, "{name}");
            let cause = &answer.json()["cause"];
            let also = vector["reject_cause_also"].as_array().is_some_and(|list| list.contains(cause));
            assert!(
                *cause == vector["reject_cause"] || also,
                "{name}: {cause}, not {}",
                vector["reject_cause"]
            );
        }
        sent += 1;
    }
    assert_eq!(sent, 93, "all but those that only a library can be given");
}

/// Runs a whole process for one vector.
fn judge(vector: &Value) -> Answer {
    let folder = tempfile::tempdir().expect("a directory");
    let public = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let options = options(vector, public, folder.path());
    let request = request(vector);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async move {
        let stop = CancellationToken::new();
        let (say_ready, ready) = tokio::sync::oneshot::channel();
        let process = tokio::spawn(run::run(options, stop.clone(), move |addresses| {
            let _ = say_ready.send(addresses.len());
        }));
        assert_eq!(ready.await.expect("it starts"), 1);
        let answer = tokio::task::spawn_blocking(move || send_raw(public, &request)).await.expect("no panic");
        stop.cancel();
        process.await.expect("no panic").expect("a good end");
        answer.unwrap_or_else(|error| panic!("{error}"))
    })
}

fn options(vector: &Value, listen: SocketAddr, data: &Path) -> Options {
    let url = vector["url"].as_str().expect("a URL");
    let configuration: Configuration = serde_json::from_value(json!({
        "version": "v1",
        "namespace": "sales",
        "name": "vector",
        "publicUrl": url.split('?').next(),
        "spec": {
            "displayName": "A vector",
            "clientSecrets": [{"name": "app", "key": "secret"}],
            "signature": {"versions": [vector["version"]]},
            "destinations": [{"name": "held", "log": {}}],
            "paused": true,
        },
    }))
    .expect("a configuration");
    let secret = vector["secret"].as_str().expect("a secret").to_owned();
    let secrets = BTreeMap::from([(("app".to_owned(), "secret".to_owned()), secret.into())]);
    Options {
        source: Arc::new(Fixed(Inputs {
            configuration,
            secrets,
            config_maps: BTreeMap::new(),
            tokens: BTreeMap::new(),
        })),
        must_begin_well: true,
        listen,
        admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        admin_token: None,
        open: true,
        data: data.to_owned(),
        clock: Clock::manual(vector["now_ms"].as_i64().expect("a time")),
        limits: listener::receive::Limits { grace: Duration::from_secs(2), ..Default::default() },
        journal: Default::default(),
        timing: Default::default(),
        poll: Duration::from_secs(60),
        tidy: Duration::from_secs(60),
    }
}

/// The request as the vector gives it, byte for byte.
fn request(vector: &Value) -> Vec<u8> {
    let url = vector["url"].as_str().expect("a URL");
    let host_at = url.find("://").expect("a scheme") + 3;
    let path_at = url[host_at..].find('/').expect("a path") + host_at;
    let body = body(vector);
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: internal:8080\r\nconnection: close\r\ncontent-length: {}\r\n",
        vector["method"].as_str().expect("a method"),
        &url[path_at..],
        body.len()
    );
    let name = if vector["version"] == "v3" { "X-HubSpot-Signature-v3" } else { "X-HubSpot-Signature" };
    let mut header = |name: &str, value: &Value| {
        if let Some(value) = value.as_str() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    };
    header(name, &vector["signature"]);
    header("X-HubSpot-Request-Timestamp", &vector["timestamp"]);
    for (name, value) in vector["extra_headers"].as_object().into_iter().flatten() {
        header(name, value);
    }
    let mut request = head.into_bytes();
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(&body);
    request
}

/// As the description of the vectors says.
fn body(vector: &Value) -> Vec<u8> {
    if let Some(text) = vector["body_base64"].as_str() {
        return STANDARD.decode(text).expect("base64");
    }
    let recipe = &vector["body_recipe"];
    let text = |name: &str| recipe[name].as_str().unwrap_or_default();
    let units: Vec<String> = (0..recipe["times"].as_u64().expect("a number"))
        .map(|at| match recipe["number_from"].as_u64() {
            Some(from) => text("unit").replace("@N@", &(from + at).to_string()),
            None => text("unit").to_owned(),
        })
        .collect();
    let body = format!("{}{}{}", text("prefix"), units.join(text("separator")), text("suffix"));
    assert_eq!(body.len() as u64, recipe["bytes"].as_u64().expect("a number"));
    body.into_bytes()
}
