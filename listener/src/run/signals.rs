//! The signals that end a process, and the one that must not.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The kernel's signal for a file that reached `RLIMIT_FSIZE`. Its default ends the
/// process; taken, the write fails with EFBIG and the journal answers 503.
#[cfg(target_os = "linux")]
const SIGXFSZ: i32 = 25;

/// Cancelled at the first SIGTERM or SIGINT. The second one is the system's: it ends the process at once.
pub fn stop_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    #[cfg(target_os = "linux")]
    let mut too_large = signal(SignalKind::from_raw(SIGXFSZ))?;
    let token = stop.clone();
    tokio::spawn(async move {
        loop {
            #[cfg(target_os = "linux")]
            let file_limit = too_large.recv();
            #[cfg(not(target_os = "linux"))]
            let file_limit = std::future::pending::<Option<()>>();
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = file_limit => {
                    warn!("a file reached the process's limit on its size (ulimit -f)");
                    continue;
                }
            }
            if token.is_cancelled() {
                // Somebody insists. What is acknowledged is on disk.
                std::process::exit(130);
            }
            token.cancel();
        }
    });
    Ok(stop)
}
