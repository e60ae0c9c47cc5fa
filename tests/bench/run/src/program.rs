//! Starts the programs, loads them, ends them.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::Options;
use crate::case::Case;
use crate::client::Client;
use crate::store::Store;

/// What the driver saw.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Load {
    pub(crate) requests_per_s: f64,
    pub(crate) events_per_s: f64,
    pub(crate) latency_ms: Latency,
    pub(crate) accepted_events: u64,
    pub(crate) statuses: std::collections::BTreeMap<String, u64>,
    pub(crate) io_errors: std::collections::BTreeMap<String, u64>,
}

impl Load {
    /// Requests that were not answered 2xx.
    pub(crate) fn not_2xx(&self) -> u64 {
        let others = self.statuses.iter().filter(|(status, _)| !status.starts_with('2'));
        others.map(|(_, count)| count).sum::<u64>() + self.io_errors.values().sum::<u64>()
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What the listener showed beside it.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) load: Load,
    /// Events not yet indexed when the load ended, as bytes.
    pub(crate) backlog_bytes: u64,
    /// Seconds until the backlog was indexed.
    pub(crate) drain_seconds: f64,
    /// Largest resident set, MiB.
    pub(crate) peak_mib: f64,
    /// CPU seconds by thread name while the load ran.
    pub(crate) cpu_seconds: Vec<(String, f64)>,
}

/// A child that ends with us.
struct Running {
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running listener; it ends with the value, and what it kept goes.
pub(crate) struct Process {
    child: Running,
    pub(crate) port: u16,
    pub(crate) admin: u16,
    _folder: tempfile::TempDir,
}

pub(crate) const SECRET: &str = "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41";
pub(crate) const PUBLIC_BASE: &str = "https://hooks.example.com";

pub(crate) fn floor(case: &Case, options: &Options) -> Result<Load> {
    let folder = folder(options)?;
    let port = free_port()?;
    let child = Command::new(options.programs.join("floor"))
        .args(["--listen", &format!("127.0.0.1:{port}"), "--secret", SECRET, "--public-base", PUBLIC_BASE])
        .arg("--file")
        .arg(folder.path().join("floor.log"))
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the floor")?;
    let _floor = Running { child };
    wait_for(port)?;
    drive(case, options, port, "/floor")
}

pub(crate) fn listener(case: &Case, options: &Options) -> Result<Listener> {
    let running = start(&Store::embedded().manifest(), options)?;
    let process = running.child.child.id();
    let before = cpu_by_thread(process);
    let load = running.drive(case, options)?;
    let after = cpu_by_thread(process);

    let backlog_bytes = running.unindexed()?;
    let drain_seconds = running.drain()?;
    let events = running.events()?;
    ensure!(
        events >= load.accepted_events,
        "{} events were acknowledged, but the store knows {events}",
        load.accepted_events
    );
    Ok(Listener {
        load,
        backlog_bytes,
        drain_seconds,
        peak_mib: peak_mib(process),
        cpu_seconds: spent(&before, &after),
    })
}

impl Process {
    /// One run of the driver, in which something was taken.
    pub(crate) fn drive(&self, case: &Case, options: &Options) -> Result<Load> {
        let load = drive(case, options, self.port, "/bench/bench")?;
        ensure!(load.accepted_events > 0, "the listener took nothing: {load:?}");
        Ok(load)
    }

    /// Waits until all that was taken is indexed; the seconds that it took.
    pub(crate) fn drain(&self) -> Result<f64> {
        let began = Instant::now();
        while self.unindexed()? > 0 {
            ensure!(
                began.elapsed() < Duration::from_secs(600),
                "the backlog is not indexed after ten minutes"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(began.elapsed().as_secs_f64())
    }

    /// Events that the store knows.
    pub(crate) fn events(&self) -> Result<u64> {
        self.count("events")
    }

    fn unindexed(&self) -> Result<u64> {
        self.count("unindexedBytes")
    }

    fn count(&self, name: &str) -> Result<u64> {
        let status = Client::open(self.admin)?.get("/api/v1/status")?;
        status["listeners"][0]["store"][name].as_u64().with_context(|| format!("no {name} in the status"))
    }
}

/// A listener of this manifest, which is to have the path `/bench/bench`.
pub(crate) fn start(manifest: &str, options: &Options) -> Result<Process> {
    let folder = folder(options)?;
    let path = folder.path().join("bench.yaml");
    std::fs::write(&path, manifest)?;
    let (port, admin) = (free_port()?, free_port()?);
    let child = Command::new(options.programs.join("listener"))
        .arg("dev")
        .arg(&path)
        .args(["--listen", &format!("127.0.0.1:{port}"), "--admin", &format!("127.0.0.1:{admin}")])
        .args(["--public-url", PUBLIC_BASE, "--log", "error"])
        .arg("--data")
        .arg(folder.path().join("data"))
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start the listener")?;
    let child = Running { child };
    wait_for(port)?;
    wait_for(admin)?;
    Ok(Process { child, port, admin, _folder: folder })
}

/// Beside the figures, so that it is the same disk that people build on.
fn folder(options: &Options) -> Result<tempfile::TempDir> {
    let beside = options.out.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(beside)?;
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?)
}

fn drive(case: &Case, options: &Options, port: u16, path: &str) -> Result<Load> {
    let mut child = Command::new(options.programs.join("driver"))
        .args(["--url", &format!("http://127.0.0.1:{port}{path}"), "--secret", SECRET])
        .args(["--public-base", PUBLIC_BASE])
        .args(["--batch", &case.events.to_string(), "--connections", &case.connections.to_string()])
        .args(["--warmup", &options.warmup.to_string(), "--seconds", &options.seconds.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the driver")?;
    let deadline = Instant::now() + options.patience();
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            bail!("the driver did not end in time");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut text = String::new();
    child.stdout.take().context("no output")?.read_to_string(&mut text)?;
    serde_json::from_str(&text).with_context(|| format!("the driver printed {text:?}"))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait_for(port: u16) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(Instant::now() < deadline, "nothing listens on port {port} after 20 seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn peak_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// CPU seconds of each thread so far, summed by name; the kernel counts in hundredths.
fn cpu_by_thread(process: u32) -> std::collections::BTreeMap<String, f64> {
    let mut seconds = std::collections::BTreeMap::new();
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return seconds };
    for thread in threads.flatten() {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let Some((head, tail)) = stat.rsplit_once(')') else { continue };
        let name = head.split_once('(').map_or("", |(_, name)| name);
        let fields: Vec<&str> = tail.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        *seconds.entry(name.to_owned()).or_default() += (ticks(11) + ticks(12)) / 100.0;
    }
    seconds
}

fn spent(
    before: &std::collections::BTreeMap<String, f64>,
    after: &std::collections::BTreeMap<String, f64>,
) -> Vec<(String, f64)> {
    let mut spent: Vec<_> = after
        .iter()
        .map(|(name, seconds)| (name.clone(), seconds - before.get(name).copied().unwrap_or(0.0)))
        .filter(|(_, seconds)| *seconds >= 0.05)
        .collect();
    spent.sort_by(|a, b| b.1.total_cmp(&a.1));
    spent
}
