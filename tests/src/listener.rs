//! The real `listener` binary as a child process.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Answer, get, get_json, post};
use crate::sign::{SECRET, hubspot_headers};

/// The `listener` binary, built by cargo at the first use; fresh builds cost nothing.
pub fn binary() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| built("listener"))
}

/// The `operator` binary, likewise.
pub fn operator_binary() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    // A benchmark brings an optimised one.
    PATH.get_or_init(|| std::env::var_os("OPERATOR_BINARY").map_or_else(|| built("operator"), PathBuf::from))
}

fn built(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    let output = as_outside_cargo(&mut command)
        .args(["build", "--locked", "--bin", name, "--message-format=json"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the {name} does not build");
    let executable = output.stdout.split(|byte| *byte == b'\n').find_map(|line| {
        let message: Value = serde_json::from_slice(line).ok()?;
        (message["target"]["name"] == name).then_some(())?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    executable.expect("cargo names the binary")
}

/// For a command that builds. `cargo test` sets variables for the test; with them build scripts of
/// dependencies (ring's) would run anew, and all that stands on them would be built again, there and back
/// with each run.
pub(crate) fn as_outside_cargo(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|begin| name.to_string_lossy().starts_with(begin)) {
            command.env_remove(name);
        }
    }
    command
}

/// A port that nobody listens on, never the same twice in a process, and outside the
/// range from which the kernel gives outgoing connections theirs.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % 100).expect("below 100") * 100;
    loop {
        let port = 20_000 + (begin + NEXT.fetch_add(1, Ordering::SeqCst)) % 12_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// How a listener is started.
pub struct Setup {
    pub program: PathBuf,
    /// Put before the program: `prlimit`, `ip netns exec`, ….
    pub wrapper: Vec<String>,
    /// Manifests, as text.
    pub manifest: String,
    /// `--public-url`
    pub public_url: String,
    pub arguments: Vec<String>,
    pub data: PathBuf,
    /// Port of the public address; a free one where none is given.
    pub port: Option<u16>,
}

/// A running listener; killed with the value.
pub struct ListenerProcess {
    pub public: SocketAddr,
    pub admin: SocketAddr,
    pub setup: Setup,
    child: Child,
    folder: tempfile::TempDir,
}

/// The public URL of every test, as if a proxy stood before the process.
pub const PUBLIC_BASE: &str = "https://hooks.example.com";

impl Setup {
    /// The usual Secret, and one listener `sales/contacts` with this spec (YAML, two spaces of indent).
    pub fn listener(spec: &str) -> Self {
        Self::manifest(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: hubspot-app, namespace: sales}}\n\
             stringData: {{clientSecret: {SECRET}}}\n---\n\
             apiVersion: hubspot-listener.dev/v1alpha1\nkind: HubSpotListener\n\
             metadata: {{name: contacts, namespace: sales}}\nspec:\n  displayName: Contacts\n  \
             clientSecrets: [{{name: hubspot-app, key: clientSecret}}]\n{spec}"
        ))
    }

    /// A listener `sales/contacts` whose error desk has these tokens (YAML, `role.name: token` parted by
    /// commas) and masks `email`; it names a contact by its object id. `spec` is more of it.
    pub fn desk(tokens: &str, page_size: u32, destination: &str, spec: &str) -> Self {
        let mut setup = Self::listener(&format!(
            "  page: {{size: {page_size}, lingerMilliseconds: 0}}\n  traceKeyTemplate: 'contact_{{{{objectId}}}}'\n\
             {spec}  desk: {{tokens: {{secretName: desk}}, maskedFields: [/email]}}\n  \
             destinations: [{{name: warehouse, http: {{url: '{destination}'}}}}]\n"
        ));
        setup.manifest.push_str(&format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: desk, namespace: sales}}\n\
             stringData: {{{tokens}}}\n"
        ));
        setup
    }

    /// Whole manifests.
    pub fn manifest(manifest: &str) -> Self {
        Self {
            program: binary().to_owned(),
            wrapper: Vec::new(),
            manifest: manifest.to_owned(),
            public_url: PUBLIC_BASE.to_owned(),
            arguments: Vec::new(),
            data: PathBuf::new(),
            port: None,
        }
    }

    /// Further arguments of `listener dev`.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&text| text.to_owned()));
        self
    }

    /// Data in this directory, not in the process's own.
    pub fn data(mut self, data: &Path) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    /// On this public port.
    pub fn listen_on(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Starts it and waits until it is ready.
    pub fn start(self) -> ListenerProcess {
        let process = self.spawn();
        process.wait_ready();
        process
    }

    /// Starts it.
    pub fn spawn(mut self) -> ListenerProcess {
        let folder = tempfile::tempdir().expect("a directory");
        if self.data.as_os_str().is_empty() {
            self.data = folder.path().join("data");
        }
        std::fs::write(folder.path().join("listener.yaml"), &self.manifest).expect("a manifest");
        let public = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port.unwrap_or_else(free_port)));
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let child = child(&self, &folder.path().join("listener.yaml"), public, admin, folder.path());
        ListenerProcess { public, admin, setup: self, child, folder }
    }
}

fn child(setup: &Setup, manifest: &Path, public: SocketAddr, admin: SocketAddr, folder: &Path) -> Child {
    let log = std::fs::File::options().append(true).create(true).open(folder.join("log")).expect("a log");
    let out = std::fs::File::options().append(true).create(true).open(folder.join("out")).expect("a file");
    let mut words = setup.wrapper.iter().map(std::ffi::OsString::from).collect::<Vec<_>>();
    words.push(setup.program.clone().into());
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .arg("dev")
        .arg(manifest)
        .args(["--listen", &public.to_string(), "--admin", &admin.to_string()])
        .args(["--public-url", &setup.public_url])
        .arg("--data")
        .arg(&setup.data)
        .args(&setup.arguments)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(log);
    command.spawn().unwrap_or_else(|error| panic!("{}: {error}", words[0].display()))
}

impl ListenerProcess {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed to standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// What it printed to standard output so far.
    pub fn out(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("out")).unwrap_or_default()
    }

    /// The manifest's file; a change is picked up while it runs.
    pub fn manifest(&self) -> PathBuf {
        self.folder.path().join("listener.yaml")
    }

    pub fn wait_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !get(self.admin, "/readyz").is_ok_and(|answer| answer.status == 200) {
            assert!(Instant::now() < deadline, "not ready after 30 s: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Posts a good delivery to `sales/contacts`.
    pub fn deliver(&self, body: &[u8]) -> std::io::Result<Answer> {
        let url = format!("{}/sales/contacts", self.setup.public_url);
        post(self.public, "/sales/contacts", &hubspot_headers(SECRET, &url, body), body)
    }

    /// `/api/v1/status` of the first listener.
    pub fn status(&self) -> Value {
        get_json(self.admin, "/api/v1/status")["listeners"][0].clone()
    }

    /// Errors of any state, also those that newer ones closed, newest first, each as
    /// `/api/v1/errors/{id}` shows it.
    pub fn errors(&self) -> Vec<Value> {
        let list = get_json(self.admin, "/api/v1/errors?limit=1000");
        let items = list["items"].as_array().expect("a list").iter();
        items.map(|item| get_json(self.admin, &format!("/api/v1/errors/{}", item["id"]))).collect()
    }

    /// A counter of the first listener's store.
    pub fn count(&self, name: &str) -> u64 {
        let status = self.status();
        status["store"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {status}"))
    }

    /// SIGKILL, and waits.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and waits.
    pub fn stop(&mut self) -> ExitStatus {
        let pid =
            i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.child.wait().expect("it ends")
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child")
    }

    /// Starts it again on the same files and ports.
    pub fn restart(&mut self) {
        self.kill();
        self.child = child(&self.setup, &self.manifest(), self.public, self.admin, self.folder.path());
    }

    /// Resident set, MiB.
    pub fn resident_mib(&self) -> u64 {
        let mut text = String::new();
        let path = format!("/proc/{}/status", self.child.id());
        std::fs::File::open(path)
            .and_then(|mut file| file.read_to_string(&mut text))
            .expect("a running process");
        let kib = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        kib.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") / 1024
    }
}

impl Drop for ListenerProcess {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the listener's log\n{}", self.log());
        }
    }
}
