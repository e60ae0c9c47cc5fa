//! Asks before something is done.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::bail;

/// Whether to go on. Without somebody to ask it is an error, not a yes.
pub(in crate::cli) fn confirm(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("nobody can be asked here; give --yes to go on without a question");
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
