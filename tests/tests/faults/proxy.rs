//! What stands between a listener and its database: a real TCP connection on each side, and a
//! hand on the bytes between them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Threads of a proxy look this often whether something changed.
const TICK: Duration = Duration::from_millis(20);

/// A proxy; it ends with the value.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    /// Connections are accepted, and no byte goes either way: a peer that is gone without a word.
    silent: AtomicBool,
    /// New connections are closed at once.
    cut: AtomicBool,
    /// Milliseconds that each piece waits.
    delay_ms: AtomicU64,
    /// Grows when what is open is to be closed.
    epoch: AtomicU64,
    ended: AtomicBool,
}

impl Proxy {
    pub fn start(target: SocketAddr) -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = socket.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            silent: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            delay_ms: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let kept = shared.clone();
        std::thread::spawn(move || accept(&socket, &kept));
        Self { address, shared }
    }

    /// Leads there from now on; what is open is closed.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().expect("no panic") = target;
        self.close_all();
    }

    /// Closes what is open, and refuses what is new until it is mended.
    pub fn cut(&self) {
        self.shared.cut.store(true, Ordering::SeqCst);
        self.close_all();
    }

    /// Swallows every byte until it is mended, and keeps the connections: half open. They are closed
    /// only when it is mended.
    pub fn silence(&self) {
        self.shared.silent.store(true, Ordering::SeqCst);
    }

    /// Each piece waits this long.
    pub fn slow(&self, delay: Duration) {
        self.shared.delay_ms.store(delay.as_millis() as u64, Ordering::SeqCst);
    }

    /// All is well again.
    pub fn mend(&self) {
        self.shared.cut.store(false, Ordering::SeqCst);
        self.shared.delay_ms.store(0, Ordering::SeqCst);
        if self.shared.silent.swap(false, Ordering::SeqCst) {
            self.close_all();
        }
    }

    fn close_all(&self) {
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.close_all();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(socket: &TcpListener, shared: &Arc<Shared>) {
    for client in socket.incoming() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        if shared.cut.load(Ordering::SeqCst) {
            continue;
        }
        let epoch = shared.epoch.load(Ordering::SeqCst);
        let target = *shared.target.lock().expect("no panic");
        let shared = shared.clone();
        std::thread::spawn(move || {
            // Silent from the beginning: taken, and nothing comes.
            let Ok(server) = TcpStream::connect_timeout(&target, Duration::from_secs(2)) else { return };
            let back = (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
            let kept = shared.clone();
            std::thread::spawn(move || pump(back.0, back.1, &kept, epoch));
            pump(client, server, &shared, epoch);
        });
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, shared: &Shared, epoch: u64) {
    let _ = from.set_read_timeout(Some(TICK));
    // Else two small pieces wait for each other's acknowledgement, 40 ms.
    let _ = to.set_nodelay(true);
    let mut piece = vec![0; 64 * 1024];
    while shared.epoch.load(Ordering::SeqCst) == epoch {
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => {
                let delay = shared.delay_ms.load(Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(delay));
                if !shared.silent.load(Ordering::SeqCst) && to.write_all(&piece[..length]).is_err() {
                    break;
                }
            }
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
