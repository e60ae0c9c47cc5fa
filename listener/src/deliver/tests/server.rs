//! A destination on a real socket that answers as a test says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) at: Instant,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(super) struct Say {
    pub(super) after: Duration,
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    pub(super) endless: bool,
}

pub(super) fn say(status: u16) -> Say {
    Say { after: Duration::ZERO, status, headers: Vec::new(), body: String::new(), endless: false }
}

impl Say {
    pub(super) fn after(self, millis: u64) -> Self {
        Self { after: Duration::from_millis(millis), ..self }
    }

    pub(super) fn body(self, body: &str) -> Self {
        Self { body: body.to_owned(), ..self }
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

type Script = Arc<dyn Fn(usize, &Seen) -> Say + Send + Sync>;

#[derive(Default)]
struct Log {
    seen: Vec<Seen>,
    now: usize,
    most: usize,
}

/// A destination. Ends with its last request when it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// `script` gets the number of the request, from 0.
    pub(super) async fn start(script: impl Fn(usize, &Seen) -> Say + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), script).await
    }

    pub(super) async fn start_at(
        address: SocketAddr,
        script: impl Fn(usize, &Seen) -> Say + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::<Mutex<Log>>::default();
        let script: Script = Arc::new(script);
        let shared = Arc::clone(&log);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (log, script) = (Arc::clone(&shared), Arc::clone(&script));
                let service =
                    service_fn(move |request| answer(request, Arc::clone(&log), Arc::clone(&script)));
                let server = hyper::server::conn::http1::Builder::new();
                connections.spawn(server.serve_connection(TokioIo::new(socket), service));
            }
        });
        Self { address, log, task }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.log.lock().unwrap().seen.clone()
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.log.lock().unwrap().most
    }
}

async fn answer(
    request: http::Request<Incoming>,
    log: Arc<Mutex<Log>>,
    script: Script,
) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let seen = Seen {
        method: parts.method,
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
        at: Instant::now(),
    };
    let say = {
        let mut log = log.lock().unwrap();
        let say = script(log.seen.len(), &seen);
        log.seen.push(seen);
        log.now += 1;
        log.most = log.most.max(log.now);
        say
    };
    tokio::time::sleep(say.after).await;
    log.lock().unwrap().now -= 1;
    let mut response = Response::builder().status(say.status);
    for (name, value) in say.headers {
        response = response.header(name, value);
    }
    let body = if say.endless {
        let frame = Frame::data(Bytes::from(vec![b' '; 64 * 1024]));
        StreamBody::new(futures_util::stream::repeat_with(move || {
            Ok(frame.data_ref().cloned().map(Frame::data).unwrap())
        }))
        .boxed()
    } else {
        Full::new(Bytes::from(say.body)).boxed()
    };
    Ok(response.body(body).unwrap())
}
