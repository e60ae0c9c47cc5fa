//! Runs inputs in a process of its own, and looks after it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

/// Set for the child: the file in which it says how far it is.
pub(crate) const CHILD: &str = "FUZZ_CHILD";

/// Address space of the child. What the languages promise adds up to far less; a debug build and
/// its threads want some for themselves.
const ADDRESS_SPACE: u64 = 1024 * 1024 * 1024;
/// No input may take so long, however slow the build and the machine.
const HANG: Duration = Duration::from_secs(20);
/// The same for faults that are planted, so that their test is short.
const PLANTED_HANG: Duration = Duration::from_secs(8);
/// Bytes of the child's output that are shown.
const SHOWN: usize = 8 * 1024;

/// What the child is to do.
pub(crate) enum Task {
    Chance { seed: u64, seconds: u64 },
    Replay(PathBuf),
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum End {
    Well,
    Died(#[expect(dead_code, reason = "printed")] ExitStatus),
    Hung,
}

/// What was seen of a child.
pub(crate) struct Seen {
    pub(crate) end: End,
    /// The input it was at.
    pub(crate) number: u64,
    pub(crate) log: String,
    pub(crate) peak_mib: u64,
}

/// The file in which the child says how far it is: the number of its input, eight bytes.
pub(crate) struct Progress(File);

impl Progress {
    pub(crate) fn at(path: &Path) -> Self {
        Self(File::options().read(true).write(true).open(path).expect("the file of progress"))
    }

    /// Bounds this process.
    #[expect(clippy::unused_self, reason = "only a child has one")]
    pub(crate) fn begin(&self) {
        let limit = Rlimit { current: Some(ADDRESS_SPACE), maximum: Some(ADDRESS_SPACE) };
        setrlimit(Resource::As, limit).expect("a limit on the address space");
    }

    pub(crate) fn show(&self, number: u64) {
        self.0.write_all_at(&number.to_le_bytes(), 0).expect("progress is shown");
    }

    fn read(&self) -> u64 {
        let mut bytes = [0; 8];
        if self.0.read_exact_at(&mut bytes, 0).is_err() {
            return 0;
        }
        u64::from_le_bytes(bytes)
    }
}

/// Runs a child to its end.
pub(crate) fn watch(task: &Task) -> Seen {
    let folder = tempfile::tempdir().expect("a folder");
    let (shown, log) = (folder.path().join("progress"), folder.path().join("log"));
    std::fs::write(&shown, [0; 8]).expect("a file");
    let output = File::create(&log).expect("a log");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(CHILD, &shown)
        .env("RUST_BACKTRACE", "0")
        // Each arena takes 64 MiB of address space.
        .env("MALLOC_ARENA_MAX", "1")
        .env_remove("FUZZ_INPUT")
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a log"))
        .stderr(output);
    let hang = match task {
        Task::Chance { seed, seconds } => {
            command.env("FUZZ_SEED", seed.to_string()).env("FUZZ_SECONDS", seconds.to_string());
            HANG
        }
        Task::Replay(path) => {
            let planted = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("planted"));
            command.env("FUZZ_INPUT", path);
            if planted { PLANTED_HANG } else { HANG }
        }
    };
    let mut child = command.spawn().expect("a child");
    let (end, number, peak_mib) = look_after(&mut child, &Progress::at(&shown), hang);
    let log = std::fs::read(&log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log[log.len().saturating_sub(SHOWN)..]).into_owned();
    Seen { end, number, log, peak_mib }
}

fn look_after(child: &mut Child, progress: &Progress, hang: Duration) -> (End, u64, u64) {
    let (mut number, mut since, mut peak) = (0, Instant::now(), 0);
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            let end = if status.success() { End::Well } else { End::Died(status) };
            return (end, progress.read(), peak);
        }
        peak = peak.max(peak_mib(child.id()));
        let now = progress.read();
        if now != number {
            (number, since) = (now, Instant::now());
        }
        if since.elapsed() > hang {
            child.kill().expect("it ends");
            child.wait().expect("it ends");
            return (End::Hung, number, peak);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn peak_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    kib.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) / 1024
}
