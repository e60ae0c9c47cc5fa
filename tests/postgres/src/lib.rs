//! A real PostgreSQL server for tests: its own directory and port, on loopback, with `fsync` on.
//!
//! It ends with its value, and with the process of the test however that ends: a shell waits at the
//! end of a pipe that only this process holds. As root it runs as the user `postgres`.

mod authority;
mod programs;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::NoTls;

pub use authority::{Authority, Certificate};

/// The superuser's password, where the server asks for one.
pub const PASSWORD: &str = "correct horse";

/// A server that runs, or that was stopped and can be started again.
pub struct Server {
    directory: PathBuf,
    port: u16,
    settings: Vec<(&'static str, String)>,
    child: Mutex<Option<Child>>,
    password: bool,
    // Closed with the process: the shell behind it then ends the server and removes its directory.
    watch: Option<Child>,
}

/// How a server is started.
#[derive(Default)]
pub struct Options {
    /// Settings beside those of the tests.
    pub settings: Vec<(&'static str, String)>,
    /// It asks for [`PASSWORD`].
    pub password: bool,
    /// Its files are in a directory of its own in here.
    pub within: Option<PathBuf>,
    /// It offers TLS, with this certificate.
    pub certificate: Option<Certificate>,
}

/// The server that the tests of one process share.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

/// Major version of the server, 14 or later.
pub fn version() -> u32 {
    let said =
        Command::new(programs::directory().join("postgres")).arg("--version").output().expect("postgres");
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let number = text.split_whitespace().find_map(|word| word.split('.').next()?.parse().ok());
    number.expect("a version")
}

impl Server {
    /// A new server.
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// A new server with these options.
    pub fn with(options: Options) -> Self {
        let Options { settings, password, within, certificate } = options;
        let directory = own_directory(within.as_deref());
        let secret = directory.join("password");
        std::fs::write(&secret, PASSWORD).expect("a file");
        give(&secret);
        let output = programs::command("initdb")
            .args(["--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync", "--auth-local=trust"])
            .arg(if password { "--auth-host=scram-sha-256" } else { "--auth-host=trust" })
            .arg(format!("--pwfile={}", secret.display()))
            .arg("-D")
            .arg(directory.join("data"))
            .output()
            .expect("initdb runs");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let server = Self::at(directory, settings, password);
        if let Some(certificate) = &certificate {
            server.certify(certificate);
        }
        server.start_again();
        server
    }

    /// Gives it a certificate, with which it offers TLS when it is started next.
    pub fn certify(&self, certificate: &Certificate) {
        for (path, text) in self.tls_files().iter().zip([&certificate.certificate, &certificate.key]) {
            std::fs::write(path, text).expect("a file");
            give(path);
            // The server takes no key that others may read.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
        }
    }

    /// Certificate and key.
    fn tls_files(&self) -> [PathBuf; 2] {
        ["server.pem", "server.key"].map(|name| self.directory.join(name))
    }

    fn at(directory: PathBuf, settings: Vec<(&'static str, String)>, password: bool) -> Self {
        let watch = Command::new("sh")
            .arg("-c")
            .arg(
                "read nothing; pid=$(head -n1 \"$1/data/postmaster.pid\" 2>/dev/null); \
                 [ -n \"$pid\" ] && kill -QUIT \"$pid\" 2>/dev/null && sleep 1; rm -rf \"$1\"",
            )
            .arg("watch")
            .arg(&directory)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let child = Mutex::new(None);
        Self { directory, port: free_port(), settings, child, password, watch: Some(watch) }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        self.url_through(self.address(), database)
    }

    fn url_through(&self, address: SocketAddr, database: &str) -> String {
        let password =
            if self.password { format!(":{}", PASSWORD.replace(' ', "%20")) } else { String::new() };
        format!("postgres://postgres{password}@{address}/{database}")
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// A database that nobody else has; its URL.
    pub fn database(&self) -> String {
        self.database_through(self.address())
    }

    /// A database that nobody else has; its URL by way of another address.
    pub fn database_through(&self, address: SocketAddr) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        self.execute(&format!("CREATE DATABASE {name}"));
        self.url_through(address, &name)
    }

    /// Executes statements as the superuser, in the database `postgres`.
    pub fn execute(&self, statements: &str) {
        execute(&self.url("postgres"), statements);
    }

    /// Starts it, where it does not run, and waits until it answers.
    pub fn start_again(&self) {
        self.stop();
        let mut command = programs::command("postgres");
        command.arg("-D").arg(self.data());
        let port = self.port.to_string();
        let own = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &port),
            ("unix_socket_directories", ""),
            ("max_connections", "200"),
            ("shared_buffers", "32MB"),
            ("wal_level", "replica"),
            ("max_wal_senders", "4"),
            ("hot_standby", "on"),
            ("log_min_messages", "warning"),
        ];
        let given = self.settings.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in own.into_iter().chain(given) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let [certificate, key] = self.tls_files();
        if certificate.exists() {
            command.arg("-c").arg("ssl=on");
            command.arg("-c").arg(format!("ssl_cert_file={}", certificate.display()));
            command.arg("-c").arg(format!("ssl_key_file={}", key.display()));
        }
        let log = std::fs::File::options().create(true).append(true).open(self.directory.join("log"));
        let log = log.expect("a log");
        let errors = log.try_clone().expect("a log");
        let child = command.stdout(log).stderr(errors).spawn().expect("postgres runs");
        *self.child() = Some(child);
        self.wait();
    }

    /// Waits until it answers.
    fn wait(&self) {
        let begin = Instant::now();
        loop {
            let stream = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
            let file = self.data().join("postmaster.pid");
            let ready = std::fs::read_to_string(file)
                .is_ok_and(|text| text.lines().nth(7).is_some_and(|state| state.trim() == "ready"));
            if stream.is_ok() && ready {
                return;
            }
            let ended = self.child().as_mut().and_then(|child| child.try_wait().ok().flatten());
            let late = begin.elapsed() > Duration::from_secs(60);
            assert!(ended.is_none() && !late, "postgres does not start: {ended:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Whether it runs.
    pub fn runs(&self) -> bool {
        self.child().as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_none()))
    }

    /// Stops it in order, ending every session.
    pub fn stop(&self) {
        self.end(Signal::INT);
    }

    /// Ends it as a power cut would: all its processes at once.
    pub fn kill(&self) {
        let Some(pid) = self.child().as_ref().map(Child::id) else { return };
        // First the one that starts others stands still: one more, and the memory they share would stay in use.
        signal(pid, Signal::STOP);
        let children = children(pid);
        for child in &children {
            signal(*child, Signal::KILL);
        }
        self.end(Signal::KILL);
        let begin = Instant::now();
        // A zombie has no memory any more; whoever is to bury it may be slow.
        let lives = |child: &u32| {
            std::fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
        };
        while children.iter().any(lives) {
            assert!(begin.elapsed() < Duration::from_secs(10), "processes of postgres do not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets all its processes stand still, or go on.
    pub fn freeze(&self, still: bool) {
        let signal = if still { Signal::STOP } else { Signal::CONT };
        let Some(pid) = self.child().as_ref().map(Child::id) else { return };
        for one in children(pid).into_iter().chain([pid]) {
            self::signal(one, signal);
        }
    }

    fn end(&self, signal: Signal) {
        let Some(mut child) = self.child().take() else { return };
        self::signal(child.id(), signal);
        let _ = child.wait();
    }

    /// A standby that follows by streaming. `synchronous`: from now on a commit waits for it.
    pub fn standby(&self, synchronous: bool) -> Self {
        let directory = own_directory(None);
        let output = programs::command("pg_basebackup")
            .args(["--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync"])
            .arg("--dbname")
            .arg(format!("{}?application_name=standby", self.url("postgres")))
            .arg("--pgdata")
            .arg(directory.join("data"))
            .output()
            .expect("pg_basebackup runs");
        assert!(output.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&output.stderr));
        let standby = Self::at(directory, self.settings.clone(), self.password);
        standby.start_again();
        if synchronous {
            self.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
            self.execute("SELECT pg_reload_conf()");
            self.wait_for_standby();
        }
        standby
    }

    fn wait_for_standby(&self) {
        let begin = Instant::now();
        let query = "SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')";
        while query_rows(&self.url("postgres"), query) == 0 {
            assert!(begin.elapsed() < Duration::from_secs(30), "the standby does not follow: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Makes a standby the primary; no standby is waited for.
    pub fn promote(&self) {
        self.execute("SELECT pg_promote(true, 60)");
        self.execute("ALTER SYSTEM SET synchronous_standby_names = ''");
        self.execute("SELECT pg_reload_conf()");
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            let _ = watch.wait();
        }
    }
}

/// Executes statements in the database of a URL, without TLS; blocks, wherever it is called.
pub fn execute(url: &str, statements: &str) {
    let run = with_client(url, async |client| client.batch_execute(statements).await);
    run.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
}

/// How many rows a query gives; likewise.
pub fn query_rows(url: &str, query: &str) -> usize {
    let run = with_client(url, async |client| client.query(query, &[]).await.map(|rows| rows.len()));
    run.unwrap_or_else(|error| panic!("{query}: {error:?}"))
}

/// On a thread of its own, so that it may be called within a runtime.
fn with_client<T: Send>(
    url: &str,
    work: impl AsyncFnOnce(tokio_postgres::Client) -> Result<T, tokio_postgres::Error> + Send,
) -> Result<T, tokio_postgres::Error> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
                let connection = tokio::spawn(connection);
                let done = work(client).await;
                let _ = connection.await;
                done
            })
        });
        thread.join().expect("no panic")
    })
}

/// A new directory of the server's user.
fn own_directory(within: Option<&Path>) -> PathBuf {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("postgres-");
    let directory = within.map_or_else(|| builder.tempdir(), |within| builder.tempdir_in(within));
    let directory = directory.expect("a directory").keep();
    give(&directory);
    directory
}

fn give(path: &Path) {
    if let Some((user, group)) = programs::user() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).expect("root may");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Sends it where the process is there.
fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let _ = pid.map(|pid| kill_process(pid, signal));
}

/// Processes that this one started.
fn children(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}
