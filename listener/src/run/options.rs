//! What a process is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::config::Source;
use crate::deliver::Timing;
use crate::receive::Limits;
use crate::store::journal;
use language::clock::Clock;

/// What a process is started with.
#[derive(Debug)]
pub struct Options {
    /// Where configurations are read from.
    pub source: Arc<dyn Source>,
    /// true: the first reading must be good, or the process ends; false: it waits for a good one.
    pub must_begin_well: bool,
    /// Public address.
    pub listen: SocketAddr,
    /// Admin address.
    pub admin: SocketAddr,
    /// A token for `/api` with the role admin, beside those of the listeners.
    pub admin_token: Option<SecretString>,
    /// Whether `/api` is open where there is no token at all; else it is closed.
    pub open: bool,
    /// Holds `<namespace>/<name>/` for each listener.
    pub data: PathBuf,
    /// The clock.
    pub clock: Clock,
    /// What the public port allows.
    pub limits: Limits,
    /// Bounds of each journal.
    pub journal: journal::Options,
    /// Waits of delivery.
    pub timing: Timing,
    /// Between two looks at the source.
    pub poll: Duration,
    /// Between two rounds of retention.
    pub tidy: Duration,
}
