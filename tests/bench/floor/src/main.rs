//! The floor: the least work that a durable HubSpot webhook listener can do.
//!
//! Read the body, check the HubSpot v3 signature over the raw bytes, hand the
//! body to the one writer, wait until the group that holds it is on the disk,
//! answer 204. Nothing is parsed, nothing is deduplicated, nothing is delivered.
//! What this program reaches is what the network, the HMAC and the disk allow.

use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::sync::{mpsc, oneshot};

const MAX_BODY: usize = 8 * 1024 * 1024;
const MAX_AGE: Duration = Duration::from_secs(300);
/// A group is closed at this many requests or bytes, whichever comes first.
const GROUP_REQUESTS: usize = 4096;
const GROUP_BYTES: usize = 32 * 1024 * 1024;

struct Options {
    listen: String,
    file: PathBuf,
    secret: String,
    public_base: String,
    sync: bool,
    prealloc_mib: u64,
    workers: usize,
}

/// A body that waits to be written, and where to say that it is safe.
struct Pending {
    body: Bytes,
    stored: oneshot::Sender<bool>,
}

struct Listener {
    key: Hmac<Sha256>,
    public_base: String,
    queue: mpsc::Sender<Pending>,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    bytes: AtomicU64,
    groups: AtomicU64,
    sync_micros: AtomicU64,
}

fn main() -> std::io::Result<()> {
    let options = parse_options();
    let counters = Arc::new(Counters::default());
    let (queue, waiting) = mpsc::channel(GROUP_REQUESTS);

    let file = open_log(&options)?;
    let sync = options.sync;
    let writer_counters = counters.clone();
    std::thread::Builder::new()
        .name("writer".into())
        .spawn(move || write_groups(file, sync, waiting, &writer_counters))?;

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(options.workers).enable_io().build()?;
    runtime.block_on(serve(options, queue, counters))
}

/// Opens the log for appending. With `--prealloc` the file is filled with zeros
/// first, so that a sync has no new file size to record and skips the journal.
fn open_log(options: &Options) -> std::io::Result<File> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&options.file)?;
    let zeros = vec![0u8; 1024 * 1024];
    for _ in 0..options.prealloc_mib {
        file.write_all(&zeros)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    if let Some(dir) = options.file.parent().filter(|d| !d.as_os_str().is_empty()) {
        File::open(dir)?.sync_all()?;
    }
    Ok(file)
}

/// The one writer: takes all that waits, writes it in one go, syncs once,
/// and only then lets each request of the group answer.
fn write_groups(mut file: File, sync: bool, mut waiting: mpsc::Receiver<Pending>, counters: &Counters) {
    let mut buffer = Vec::with_capacity(1024 * 1024);
    let mut group = Vec::with_capacity(GROUP_REQUESTS);

    while let Some(first) = waiting.blocking_recv() {
        push(&mut buffer, &mut group, first);
        while group.len() < GROUP_REQUESTS && buffer.len() < GROUP_BYTES {
            match waiting.try_recv() {
                Ok(next) => push(&mut buffer, &mut group, next),
                Err(_) => break,
            }
        }

        let started = Instant::now();
        let stored = file.write_all(&buffer).and_then(|()| if sync { file.sync_data() } else { Ok(()) });
        let micros = started.elapsed().as_micros() as u64;
        if let Err(error) = &stored {
            eprintln!("floor: write failed: {error}");
        }

        counters.sync_micros.fetch_add(micros, Ordering::Relaxed);
        counters.groups.fetch_add(1, Ordering::Relaxed);
        counters.requests.fetch_add(group.len() as u64, Ordering::Relaxed);
        counters.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        for answer in group.drain(..) {
            let _ = answer.send(stored.is_ok());
        }
        buffer.clear();
    }
}

fn push(buffer: &mut Vec<u8>, group: &mut Vec<oneshot::Sender<bool>>, pending: Pending) {
    buffer.extend_from_slice(&(pending.body.len() as u32).to_le_bytes());
    buffer.extend_from_slice(&pending.body);
    group.push(pending.stored);
}

async fn serve(
    options: Options,
    queue: mpsc::Sender<Pending>,
    counters: Arc<Counters>,
) -> std::io::Result<()> {
    let socket = tokio::net::TcpListener::bind(&options.listen).await?;
    eprintln!("floor: listening on {}", socket.local_addr()?);
    let listener = Arc::new(Listener {
        key: Hmac::new_from_slice(options.secret.as_bytes()).expect("any key length"),
        public_base: options.public_base,
        queue,
    });

    loop {
        let (stream, _) = socket.accept().await?;
        stream.set_nodelay(true)?;
        let listener = listener.clone();
        let counters = counters.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let listener = listener.clone();
                let counters = counters.clone();
                async move { Ok::<_, Infallible>(answer(request, &listener, &counters).await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    listener: &Listener,
    counters: &Counters,
) -> Response<Empty<Bytes>> {
    if request.method() == Method::GET {
        eprintln!(
            "floor: requests={} bytes={} groups={} write_sync_us={}",
            counters.requests.load(Ordering::Relaxed),
            counters.bytes.load(Ordering::Relaxed),
            counters.groups.load(Ordering::Relaxed),
            counters.sync_micros.load(Ordering::Relaxed),
        );
        return status(StatusCode::OK);
    }
    if request.method() != Method::POST {
        return status(StatusCode::METHOD_NOT_ALLOWED);
    }

    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return status(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Err(_) => return status(StatusCode::BAD_REQUEST),
    };
    if !signature_holds(&head, &body, listener) {
        return status(StatusCode::UNAUTHORIZED);
    }

    let (stored, wait) = oneshot::channel();
    if listener.queue.send(Pending { body, stored }).await.is_err() {
        return status(StatusCode::SERVICE_UNAVAILABLE);
    }
    match wait.await {
        Ok(true) => status(StatusCode::NO_CONTENT),
        _ => status(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// HubSpot v3: base64(HMAC-SHA256(secret, method + uri + body + timestamp)),
/// not older than five minutes.
fn signature_holds(head: &hyper::http::request::Parts, body: &[u8], listener: &Listener) -> bool {
    let text = |name| head.headers.get(name).and_then(|v: &hyper::header::HeaderValue| v.to_str().ok());
    let (Some(signature), Some(timestamp)) =
        (text("x-hubspot-signature-v3"), text("x-hubspot-request-timestamp"))
    else {
        return false;
    };
    let Ok(sent_ms) = timestamp.parse::<u64>() else {
        return false;
    };
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
    if now_ms.abs_diff(sent_ms) > MAX_AGE.as_millis() as u64 {
        return false;
    }
    let Ok(sent) = STANDARD.decode(signature) else {
        return false;
    };

    let mut mac = listener.key.clone();
    mac.update(head.method.as_str().as_bytes());
    mac.update(listener.public_base.as_bytes());
    mac.update(head.uri.path_and_query().map_or("/", |p| p.as_str()).as_bytes());
    mac.update(body);
    mac.update(timestamp.as_bytes());
    mac.finalize().into_bytes().ct_eq(&sent[..]).into()
}

fn status(code: StatusCode) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = code;
    response
}

fn parse_options() -> Options {
    let mut options = Options {
        listen: "127.0.0.1:7000".into(),
        file: "floor.log".into(),
        secret: "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41".into(),
        public_base: "https://hooks.example.com".into(),
        sync: true,
        prealloc_mib: 0,
        workers: 2,
    };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| usage(&name));
        match name.as_str() {
            "--listen" => options.listen = value(),
            "--file" => options.file = value().into(),
            "--secret" => options.secret = value(),
            "--public-base" => options.public_base = value(),
            "--no-sync" => options.sync = false,
            "--prealloc" => options.prealloc_mib = value().parse().unwrap_or_else(|_| usage(&name)),
            "--workers" => options.workers = value().parse().unwrap_or_else(|_| usage(&name)),
            _ => usage(&name),
        }
    }
    options
}

fn usage(at: &str) -> ! {
    eprintln!(
        "floor: bad option at {at}\n\
         usage: floor [--listen ADDR] [--file PATH] [--secret TEXT] [--public-base URL]\n\
         \x20            [--no-sync] [--prealloc MIB] [--workers N]"
    );
    std::process::exit(2)
}
