//! Threads that work behind the answers give way to those that answer.

/// Lowers the priority of the calling thread; on Linux a priority belongs to a thread.
pub(super) fn lower(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice) {
        tracing::debug!(%error, "the priority of a thread stays as it is");
    }
}
