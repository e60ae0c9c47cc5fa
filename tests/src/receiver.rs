//! A destination: a real HTTP server that keeps what it is sent and answers what the test says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::value::RawValue;

/// A request to the destination.
#[derive(Clone, Debug)]
pub struct Page {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// When it was whole.
    pub at: std::time::Instant,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The records of a page in format `json`, byte for byte.
    pub fn records(&self) -> Vec<String> {
        let records: Vec<&RawValue> = serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)));
        records.into_iter().map(|record| record.get().to_owned()).collect()
    }
}

/// What the destination answers.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Waited before the answer.
    pub delay: Duration,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), delay: Duration::ZERO }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Behaviour = dyn Fn(&Page) -> Reply + Send + Sync;

/// The server; it ends with the value.
pub struct Receiver {
    pub address: SocketAddr,
    pages: Arc<Mutex<Vec<Page>>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Receiver {
    /// Answers 200 to everything.
    pub fn start() -> Self {
        Self::with(|_| Reply::status(200))
    }

    /// Answers what `behaviour` says.
    pub fn with(behaviour: impl Fn(&Page) -> Reply + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address"), behaviour).expect("a free port")
    }

    /// At this address.
    pub fn at(
        address: SocketAddr,
        behaviour: impl Fn(&Page) -> Reply + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let socket = std::net::TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let pages = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let kept = pages.clone();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let socket = tokio::net::TcpListener::from_std(socket).expect("a socket");
                tokio::select! {
                    () = accept(socket, kept, Arc::new(behaviour)) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, pages, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT` and this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that came so far.
    pub fn pages(&self) -> Vec<Page> {
        self.pages.lock().expect("no panic in the server").clone()
    }

    /// The records of all pages so far, format `json`.
    pub fn records(&self) -> Vec<String> {
        self.pages().iter().flat_map(Page::records).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(socket: tokio::net::TcpListener, pages: Arc<Mutex<Vec<Page>>>, behaviour: Arc<Behaviour>) {
    // The runtime is dropped with the connections when the receiver is.
    loop {
        let Ok((stream, _)) = socket.accept().await else { continue };
        let (pages, behaviour) = (pages.clone(), behaviour.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, pages.clone(), behaviour.clone()));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    pages: Arc<Mutex<Vec<Page>>>,
    behaviour: Arc<Behaviour>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(Response::builder().status(400).body(Full::default()).expect("an answer"));
    };
    let headers = head.headers.iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let page = Page {
        path: head.uri.path().to_owned(),
        headers: headers.collect(),
        body: body.to_bytes(),
        at: std::time::Instant::now(),
    };
    let reply = behaviour(&page);
    pages.lock().expect("no panic").push(page);
    tokio::time::sleep(reply.delay).await;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(Bytes::from(reply.body))).expect("an answer"))
}
