//! A port with a fake store behind it, and a client that sends raw bytes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use bytes::Bytes;
use crds::listener::MediaType;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, StatusCode};
use serde_json::json;
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Live;
use crate::config::live::Answer;
use crate::metrics::{CauseLabels, Metrics, ReasonLabels};
use crate::receive::{Door, Endpoint, Limits, serve};
use crate::store::{
    AppendError, Appended, Lease, OpenError, PageRequest, Refused, Retained, Settlement, Status, Store,
    StoreError,
};
use crate::verify::{Received, Request, Verified, Verifier};
use language::clock::Clock;
use language::filter::Surroundings;
use language::template::{Json, Place, Template};

pub(crate) const NOW_MS: i64 = 1_790_000_000_137;
pub(crate) const SECRET: &str = "00000000-0000-4000-8000-000000000000";
pub(crate) const PATH: &str = "/sales/contacts";
const ORIGIN: &str = "https://hooks.example.com";

/// Keeps everything in memory; can be told to fail, to wait, and to panic.
#[derive(Debug)]
pub(crate) struct FakeStore {
    pub(crate) appended: Mutex<Vec<Received>>,
    pub(crate) refused: Mutex<Vec<Refused>>,
    pub(crate) fails: Mutex<Option<AppendError>>,
    pub(crate) unwell: Mutex<Option<String>>,
    pub(crate) errors: Mutex<Vec<OpenError>>,
    pub(crate) status: Mutex<Status>,
    pub(crate) panics: AtomicBool,
    /// Each append takes one and gives it back.
    pub(crate) gate: Semaphore,
    changes: watch::Sender<u64>,
}

impl Default for FakeStore {
    fn default() -> Self {
        Self {
            appended: Mutex::default(),
            refused: Mutex::default(),
            fails: Mutex::default(),
            unwell: Mutex::default(),
            errors: Mutex::default(),
            status: Mutex::default(),
            panics: AtomicBool::new(false),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            changes: watch::Sender::new(0),
        }
    }
}

impl FakeStore {
    /// From now on appends wait until `open` is called.
    pub(crate) fn shut(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open(&self) {
        self.gate.add_permits(1_000);
    }

    pub(crate) fn stored(&self) -> usize {
        self.appended.lock().unwrap().len()
    }

    /// The refused requests, once there are `count`.
    pub(crate) async fn kept(&self, count: usize) -> Vec<Refused> {
        until("refused requests are kept", || self.refused.lock().unwrap().len() >= count).await;
        self.refused.lock().unwrap().clone()
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn append(&self, delivery: Request<Verified>) -> Result<Appended, AppendError> {
        assert!(!self.panics.load(Ordering::SeqCst), "told to panic");
        let _permit = self.gate.acquire().await;
        if let Some(error) = self.fails.lock().unwrap().clone() {
            return Err(error);
        }
        let mut appended = self.appended.lock().unwrap();
        appended.push(delivery.into_received());
        Ok(Appended { delivery: appended.len() as u64 })
    }

    fn refuse(&self, refused: Refused) {
        self.refused.lock().unwrap().push(refused);
    }

    async fn set_destinations(&self, _names: &[String]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn fail_orphans(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lease(&self, _request: PageRequest) -> Result<Lease, StoreError> {
        Ok(Lease::Wait { until_ms: None })
    }

    async fn settle(&self, _settlement: Settlement) -> Result<(), StoreError> {
        Ok(())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn open_errors(&self, limit: usize) -> Result<Vec<OpenError>, StoreError> {
        Ok(self.errors.lock().unwrap().iter().take(limit).cloned().collect())
    }

    async fn refused(&self, limit: usize) -> Result<Vec<Refused>, StoreError> {
        Ok(self.refused.lock().unwrap().iter().rev().take(limit).cloned().collect())
    }

    async fn status(&self) -> Result<Status, StoreError> {
        match self.unwell.lock().unwrap().clone() {
            Some(reason) => Err(StoreError::Failed(reason)),
            None => Ok(self.status.lock().unwrap().clone()),
        }
    }

    async fn retain(&self, _retention: &crds::listener::Retention) -> Result<Retained, StoreError> {
        Ok(Retained::default())
    }

    fn health(&self) -> Result<(), String> {
        self.unwell.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    async fn close(&self) {}
}

/// What a listener of the tests answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) media_type: MediaType,
    pub(crate) body: Option<&'static str>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

impl Default for Reply {
    fn default() -> Self {
        Self { status: 204, media_type: MediaType::Json, body: None, headers: Vec::new() }
    }
}

/// A live configuration with `path`.
pub(crate) fn live(path: &str, reply: &Reply) -> Arc<Live> {
    let url = format!("{ORIGIN}{path}");
    let configuration: crds::Configuration = serde_json::from_value(json!({
        "version": "v1", "namespace": "sales", "name": "contacts", "generation": 3, "publicUrl": url,
        "spec": {
            "displayName": "Contacts", "description": "New contacts",
            "clientSecrets": [{"name": "app", "key": "secret"}],
            "destinations": [{"name": "audit", "log": {}}],
        },
    }))
    .unwrap();
    let template = |text: &str| Template::compile(text, Place::Raw).unwrap();
    let header =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), template(value));
    let settings: Json = json!({"region": "eu"}).into();
    let listener: Json = json!({"name": "contacts", "namespace": "sales"}).into();
    Arc::new(Live {
        path: path.to_owned(),
        verifier: Verifier::new(&[SECRET.into()], &url, &configuration.spec.signature),
        answer: Answer {
            status: StatusCode::from_u16(reply.status).unwrap(),
            media_type: reply.media_type,
            body: reply.body.map(template),
            headers: reply.headers.iter().map(header).collect(),
        },
        surroundings: Surroundings::new(&settings, &listener),
        settings,
        listener,
        filter: None,
        hook: None,
        destinations: Vec::new(),
        notices: Vec::new(),
        trace_key: None,
        data_uri: None,
        faults: crate::config::faults::Faults::default(),
        database: None,
        configuration,
    })
}

/// Limits that make a test quick.
pub(crate) fn quick() -> Limits {
    Limits {
        header_time: Duration::from_millis(400),
        idle_time: Duration::from_millis(1_500),
        body_bytes: 64 * 1024,
        body_time: Duration::from_secs(3),
        progress_time: Duration::from_millis(300),
        linger_time: Duration::from_millis(500),
        grace: Duration::from_secs(3),
        ..Limits::default()
    }
}

/// A public port that runs.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) door: Arc<Door>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) served: JoinHandle<()>,
}

impl Port {
    pub(crate) async fn start() -> Self {
        Self::with(PATH, &Reply::default(), quick()).await
    }

    pub(crate) async fn with(path: &str, reply: &Reply, limits: Limits) -> Self {
        let store = Arc::new(FakeStore::default());
        let metrics = Arc::new(Metrics::default());
        let clock = Clock::manual(NOW_MS);
        let endpoint = Endpoint::new(live(path, reply), Arc::clone(&store) as _, clock, &metrics);
        let door = Door::new(&metrics);
        door.set([Arc::clone(&endpoint)]).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(serve(socket, Arc::clone(&door), limits, shutdown.clone()));
        Self { address, store, endpoint, door, metrics, shutdown, served }
    }

    pub(crate) async fn client(&self) -> Client {
        Client { socket: TcpStream::connect(self.address).await.unwrap(), buffer: Vec::new() }
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn send(&self, request: impl AsRef<[u8]>) -> Came {
        let mut client = self.client().await;
        client.write(request).await;
        client.answer().await
    }

    pub(crate) fn refused(&self, cause: &'static str) -> u64 {
        let labels = CauseLabels { namespace: "sales".into(), listener: "contacts".into(), cause };
        self.metrics.refused.get_or_create(&labels).get()
    }

    pub(crate) fn template_errors(&self, cause: &'static str) -> u64 {
        let labels = CauseLabels { namespace: "sales".into(), listener: "contacts".into(), cause };
        self.metrics.template_errors.get_or_create(&labels).get()
    }

    pub(crate) fn turned_away(&self, reason: &'static str) -> u64 {
        self.metrics.turned_away.get_or_create(&ReasonLabels { reason }).get()
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Came {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Sends bytes as they are.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self { socket: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn more(&mut self) -> bool {
        let read =
            tokio::time::timeout(Duration::from_secs(10), self.socket.read_buf(&mut self.buffer)).await;
        read.expect("no answer in 10 seconds").is_ok_and(|length| length > 0)
    }

    /// The next answer; a 100 is an answer of its own.
    pub(crate) async fn answer(&mut self) -> Came {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
                let mut lines = head.split("\r\n");
                let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
                let headers: Vec<_> = lines
                    .map(|line| line.split_once(": ").unwrap())
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                    .collect();
                let mut answer = Came { status, headers, body: String::new() };
                let length: usize =
                    answer.header("content-length").map_or(0, |length| length.parse().unwrap());
                while self.buffer.len() < end + 4 + length {
                    assert!(self.more().await, "the answer's body broke off");
                }
                answer.body = String::from_utf8(self.buffer[end + 4..end + 4 + length].to_vec()).unwrap();
                self.buffer.drain(..end + 4 + length);
                return answer;
            }
            assert!(self.more().await, "the connection ended before the answer: {:?}", self.buffer);
        }
    }

    /// Whether the other side closes without another byte.
    pub(crate) async fn closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.more().await
    }
}

/// A request with a length and these further header lines.
pub(crate) fn post(target: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: inside.example\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The header lines of a v3 signature, made as HubSpot documents it.
pub(crate) fn signature(target: &str, body: impl AsRef<[u8]>) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("POST{ORIGIN}{target}").as_bytes());
    mac.update(body.as_ref());
    mac.update(NOW_MS.to_string().as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    format!("x-hubspot-signature-v3: {signature}\r\nx-hubspot-request-timestamp: {NOW_MS}\r\n")
}

/// A properly signed delivery.
pub(crate) fn signed(target: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    post(target, &signature(target, &body), &body)
}

/// Waits until `happened`, for five seconds at most.
pub(crate) async fn until(what: &str, happened: impl Fn() -> bool) {
    for _ in 0..500 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not happen: {what}");
}

pub(crate) const EVENTS: &str = r#"[ {"eventId":1,"objectId":9007199254740993}, {"eventId":2}]"#;

pub(crate) fn stored_body(store: &FakeStore, at: usize) -> Bytes {
    store.appended.lock().unwrap()[at].body.clone()
}
