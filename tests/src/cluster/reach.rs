//! The ways between a test and what is in a cluster: a node lives in a network namespace
//! of its own, and only unix sockets lead in and out.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Cluster;

/// A loopback address that leads to one in the cluster, as long as the test runs.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    pub address: SocketAddr,
}

/// An address that Pods can reach and that leads to a server of the test, as long as
/// the value lives.
#[derive(Debug)]
pub struct Exposed {
    pub address: SocketAddr,
    _control: UnixStream,
}

impl Cluster {
    /// The ingress for HTTP, as seen from here.
    ///
    /// # Panics
    ///
    /// Where the cluster has no ingress.
    pub fn ingress(&self) -> SocketAddr {
        self.process.report.ingress_http.parse().expect("a cluster with an ingress")
    }

    /// The ingress for HTTPS, as seen from here.
    ///
    /// # Panics
    ///
    /// Where the cluster has no ingress.
    pub fn ingress_tls(&self) -> SocketAddr {
        self.process.report.ingress_https.parse().expect("a cluster with an ingress")
    }

    /// Leads to `target`, for example `10.96.0.1:443`, as the node reaches it: a Service's
    /// ClusterIP goes through kube-proxy.
    ///
    /// # Panics
    ///
    /// Where no loopback port is free.
    pub fn forward(&self, target: &str) -> Forward {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (control, target) = (self.process.report.control.clone(), target.to_owned());
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let (control, target) = (control.clone(), target.clone());
                std::thread::spawn(move || {
                    // Refused in there: the caller sees the connection end.
                    if let Ok((far, _)) = ask(&control, &format!("dial {target}")) {
                        pump(near, far);
                    }
                });
            }
        });
        Forward { address }
    }

    /// Leads from the cluster to `server` on this machine.
    ///
    /// # Panics
    ///
    /// Where the cluster does not answer.
    pub fn expose(&self, server: SocketAddr) -> Exposed {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let run: PathBuf = self.process.report.dir.join("run");
        let socket = run.join(format!("x{}.sock", NEXT.fetch_add(1, Ordering::SeqCst)));
        let listener = UnixListener::bind(&socket).expect("a socket");
        let (control, address) =
            ask(&self.process.report.control, &format!("listen {}", socket.display())).expect("an address");
        std::thread::spawn(move || {
            for far in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || {
                    if let Ok(near) = TcpStream::connect(server) {
                        pump(near, far);
                    }
                });
            }
        });
        Exposed { address: address.parse().expect("an address"), _control: control }
    }

    pub(super) fn control(&self, request: &str) {
        ask(&self.process.report.control, request).unwrap_or_else(|error| panic!("{request}: {error}"));
    }
}

/// One request to the control socket: the connection, and what follows `ok`.
fn ask(control: &Path, request: &str) -> std::io::Result<(UnixStream, String)> {
    let mut stream = UnixStream::connect(control)?;
    writeln!(stream, "{request}")?;
    // A byte at a time: what follows the line belongs to the connection behind it.
    let mut answer = String::new();
    BufReader::with_capacity(1, &stream).read_line(&mut answer)?;
    match answer.trim_end().split_once(' ') {
        Some(("ok", rest)) => Ok((stream, rest.to_owned())),
        None if answer == "ok\n" => Ok((stream, String::new())),
        _ => Err(std::io::Error::other(answer)),
    }
}

/// Copies both ways until both sides have ended.
fn pump(near: TcpStream, far: UnixStream) {
    let (Ok(near_reader), Ok(far_reader)) = (near.try_clone(), far.try_clone()) else { return };
    let back = std::thread::spawn({
        let near = near.try_clone();
        move || {
            let Ok(mut near) = near else { return };
            copy(far_reader, &mut near);
            let _ = near.shutdown(Shutdown::Write);
        }
    });
    let mut far = far;
    copy(near_reader, &mut far);
    let _ = far.shutdown(Shutdown::Write);
    let _ = back.join();
}

fn copy(mut from: impl Read, to: &mut impl Write) {
    // An end in the middle is an end: whoever waits for more notices.
    let _ = std::io::copy(&mut from, to);
}
