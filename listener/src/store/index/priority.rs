//! Threads that work behind the answers give way to those that answer.

/// Lowers the priority of the calling thread. Only on Linux does a priority belong to a thread.
#[cfg(target_os = "linux")]
pub(super) fn lower(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice) {
        tracing::debug!(%error, "the priority of a thread stays as it is");
    }
}

/// Elsewhere it would be the whole process.
#[cfg(not(target_os = "linux"))]
pub(super) fn lower(_nice: i32) {}
