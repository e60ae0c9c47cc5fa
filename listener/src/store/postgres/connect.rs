//! Connections to the database: how one is made, what is set on each, how many there are.
//!
//! # Invariants
//!
//! 1. On each connection only the listener's own schema is seen, and waits are bounded there: a
//!    statement, a lock, a transaction whose client is silent, a peer that does not answer.
//! 2. A connection to a server that does not write, or that does not keep what it commits, is
//!    not used ([`super::check`]).
//! 3. A connection whose transaction did not end in order is thrown away, never used again.
//! 4. Names are resolved in Rust, anew for each connection, so that a failover that moves a name
//!    is followed.
//!
//! Transactions are those of the driver; statements are sent with their types (`query_typed`), in one
//! round trip, planned for the values at hand.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use deadpool_postgres::{Connect, Hook, HookError, Manager, ManagerConfig, RecyclingMethod, Runtime};
use rand::seq::SliceRandom;
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::check;
use super::tls::Trust;
use super::trouble::Trouble;
use super::tx::Connection;
use super::url::{self, Address};
use crate::deliver::resolve;

/// To connect, names and TLS included.
const CONNECTING: Duration = Duration::from_secs(5);
/// To wait for a connection that others have.
const WAITING: Duration = Duration::from_secs(5);
/// A peer that acknowledges nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(10);
/// A connection that nobody used for so long is closed.
const IDLE: Duration = Duration::from_mins(2);

/// What is set on each connection, beside the schema. Waiting for a lock ends before the statement does.
const SETTINGS: &str = "SET statement_timeout = '20s'; SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '10s'; SET client_min_messages = 'error'; \
    SET jit = off; SET TimeZone = 'UTC'";

/// Connections of one listener. Clones share them.
#[derive(Clone)]
pub(in crate::store::postgres) struct Pool {
    inner: Arc<ArcSwap<Made>>,
    schema: Arc<str>,
}

/// By one URL.
struct Made {
    pool: deadpool_postgres::Pool,
    config: Config,
    connector: Connector,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Pool {
    /// Connections to the database of `url`, in `schema`; none is made yet.
    pub(super) fn new(url: &SecretString, schema: &str) -> Result<Self, String> {
        let schema: Arc<str> = schema.into();
        let made = build(url, &schema)?;
        Ok(Self { inner: Arc::new(ArcSwap::from_pointee(made)), schema })
    }

    /// Takes the connections of `other` from now on; those in use end where they are.
    pub(super) fn replace(&self, other: &Self) {
        let before = self.inner.swap(other.inner.load_full());
        before.pool.close();
    }

    /// A connection beside the pool, outside any schema; the second part drives it.
    pub(super) async fn beside<T>(&self, drive: impl FnOnce(Driven) -> T) -> Result<(Client, T), Trouble> {
        let made = self.inner.load_full();
        connect(&made.config, &made.connector, drive).await
    }

    /// A connection; waits for a place no longer than some seconds.
    pub(in crate::store::postgres) async fn connection(&self) -> Result<Connection, Trouble> {
        let made = self.inner.load_full();
        let object = made.pool.get().await.map_err(|error| Trouble::Pool(refusal(error)))?;
        Ok(Connection::new(object))
    }

    /// Closes what nobody has used for long.
    pub(super) fn tidy(&self) {
        self.inner.load().pool.retain(|_, metrics| metrics.last_used() < IDLE);
    }

    /// Connections that are there, and those that are allowed; those who wait for one.
    pub(super) fn size(&self) -> (usize, usize, usize) {
        let status = self.inner.load().pool.status();
        (status.size, status.max_size, status.waiting)
    }

    /// Ends: nobody gets a connection any more.
    pub(super) fn close(&self) {
        self.inner.load().pool.close();
    }
}

/// Why there is no connection; in words that never hold the URL.
fn refusal(error: deadpool_postgres::PoolError) -> String {
    match error {
        deadpool_postgres::PoolError::Backend(error) => Trouble::from(error).to_string(),
        deadpool_postgres::PoolError::PostCreateHook(HookError::Backend(error)) => {
            Trouble::from(error).to_string()
        }
        deadpool_postgres::PoolError::PostCreateHook(HookError::Message(message)) => message.into_owned(),
        deadpool_postgres::PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => format!(
            "all of them are in use and none came free in {} s; allow more with pool_size in the URL",
            WAITING.as_secs()
        ),
        deadpool_postgres::PoolError::Timeout(_) => {
            format!("the server did not answer in {} s", CONNECTING.as_secs())
        }
        deadpool_postgres::PoolError::Closed => "the store is closed".to_owned(),
        deadpool_postgres::PoolError::NoRuntimeSpecified => "there is no runtime".to_owned(),
    }
}

fn build(url: &SecretString, schema: &str) -> Result<Made, String> {
    let address = url::parse(url).map_err(|error| error.to_string())?;
    let connector = Connector::new(&address)?;
    let settings = format!("{SETTINGS}; SET search_path = {}", quoted(schema));
    let config = bounded(address.config);
    let manager = Manager::from_connect(
        config.clone(),
        connector.clone(),
        ManagerConfig { recycling_method: RecyclingMethod::Fast },
    );
    let pool = deadpool_postgres::Pool::builder(manager)
        .max_size(address.pool_size)
        .wait_timeout(Some(WAITING))
        .create_timeout(Some(CONNECTING * 2))
        .recycle_timeout(Some(CONNECTING))
        .runtime(Runtime::Tokio1)
        .post_create(Hook::async_fn(move |client, _| {
            let settings = settings.clone();
            Box::pin(async move {
                client.batch_execute(&settings).await.map_err(HookError::Backend)?;
                let server = check::look(client).await.map_err(HookError::Backend)?;
                server.refuse().map_err(HookError::message)
            })
        }))
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Made { pool, config, connector })
}

/// A name as it stands in a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Bounds on a connection, unless the URL has its own.
fn bounded(mut config: Config) -> Config {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECTING);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    config.keepalives_idle(SILENCE);
    config.keepalives_interval(Duration::from_secs(3));
    config.keepalives_retries(3);
    if config.get_application_name().is_none() {
        config.application_name(concat!("hubspot-listener/", env!("CARGO_PKG_VERSION")));
    }
    config
}

/// Connects without a pool and outside any schema, for what opening looks at. The second part drives
/// the connection.
pub(super) async fn single<T>(
    url: &SecretString,
    drive: impl FnOnce(Driven) -> T,
) -> Result<(Client, T), Trouble> {
    let address = url::parse(url).map_err(|error| Trouble::Pool(error.to_string()))?;
    let connector = Connector::new(&address).map_err(Trouble::Pool)?;
    connect(&bounded(address.config), &connector, drive).await
}

async fn connect<T>(
    config: &Config,
    connector: &Connector,
    drive: impl FnOnce(Driven) -> T,
) -> Result<(Client, T), Trouble> {
    let connecting = async {
        let places = places(config).await.map_err(Trouble::Pool)?;
        Ok::<_, Trouble>(reach(places, &connector.trust.connector()).await?)
    };
    let connected = tokio::time::timeout(CONNECTING * 2, connecting).await;
    let late = || Trouble::Pool(format!("the server did not answer in {} s", (CONNECTING * 2).as_secs()));
    let (client, connection) = connected.map_err(|_| late())??;
    Ok((client, drive(connection)))
}

/// What the driver speaks through.
type TlsStream = <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::Stream;

/// A connection, to be driven.
pub(super) type Driven = tokio_postgres::Connection<tokio_postgres::Socket, TlsStream>;

/// Makes connections. Clones trust the same.
#[derive(Clone)]
struct Connector {
    trust: Arc<Trust>,
}

impl Connector {
    fn new(address: &Address) -> Result<Self, String> {
        Ok(Self { trust: Arc::new(Trust::new(address.roots.as_deref())?) })
    }
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Connector {
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let (tls, config) = (self.trust.connector(), config.clone());
        Box::pin(async move {
            // Where no name leads anywhere the driver tries itself, and says why not.
            let places = places(&config).await.unwrap_or_else(|_| vec![config]);
            let (client, connection) = reach(places, &tls).await?;
            let driving = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to PostgreSQL ended: {error}");
                }
            });
            Ok((client, driving))
        })
    }
}

/// Connects to the first of the places that takes it; else says the most telling of their refusals.
async fn reach(places: Vec<Config>, tls: &MakeRustlsConnect) -> Result<(Client, Driven), Error> {
    let mut telling: Option<Error> = None;
    for place in places {
        match place.connect(tls.clone()).await {
            Ok(connected) => return Ok(connected),
            // A name may have an address on which nobody listens; what a server says tells more.
            Err(error) if telling.is_some() && is_silence(&error) => {}
            Err(error) => telling = Some(error),
        }
    }
    match telling {
        Some(error) => Err(error),
        // The driver says that there is no host.
        None => Config::new().connect(tls.clone()).await,
    }
}

/// Whether nobody answered at all.
fn is_silence(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|error| error.raw_os_error().is_some() || error.kind() == std::io::ErrorKind::TimedOut)
}

/// A configuration for each address of its hosts, in the order in which they are tried.
async fn places(config: &Config) -> Result<Vec<Config>, String> {
    if !config.get_hostaddrs().is_empty()
        || config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_)))
    {
        return Ok(vec![config.clone()]);
    }
    let without_hosts = without_hosts(config);
    let with = |name: &str, address: IpAddr, port: u16| {
        let mut with = without_hosts.clone();
        with.host(name).hostaddr(address).port(port);
        with
    };
    let mut places = Vec::new();
    let mut failure = None;
    for (at, host) in config.get_hosts().iter().enumerate() {
        let Host::Tcp(name) = host else { continue };
        let port = config.get_ports().get(at).or_else(|| config.get_ports().first()).copied().unwrap_or(5432);
        match name.parse::<IpAddr>() {
            Ok(address) => places.push(with(name, address, port)),
            Err(_) => match resolve(name).await {
                Ok(addresses) => places.extend(addresses.into_iter().map(|at| with(name, at, port))),
                Err(reason) => failure = Some(reason),
            },
        }
    }
    if places.is_empty() {
        return Err(failure.unwrap_or_else(|| "the database's URL names no host".to_owned()));
    }
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        places.shuffle(&mut rand::rng());
    }
    Ok(places)
}

/// Everything but the hosts.
fn without_hosts(config: &Config) -> Config {
    let mut copy = Config::new();
    if let Some(user) = config.get_user() {
        copy.user(user);
    }
    if let Some(password) = config.get_password() {
        copy.password(password);
    }
    if let Some(name) = config.get_dbname() {
        copy.dbname(name);
    }
    if let Some(options) = config.get_options() {
        copy.options(options);
    }
    if let Some(name) = config.get_application_name() {
        copy.application_name(name);
    }
    if let Some(time) = config.get_connect_timeout() {
        copy.connect_timeout(*time);
    }
    if let Some(time) = config.get_tcp_user_timeout() {
        copy.tcp_user_timeout(*time);
    }
    if let Some(time) = config.get_keepalives_interval() {
        copy.keepalives_interval(time);
    }
    if let Some(number) = config.get_keepalives_retries() {
        copy.keepalives_retries(number);
    }
    copy.keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    copy
}
