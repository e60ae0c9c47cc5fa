//! Files and standard input that a command is given, bounded.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, bail};

/// Whether it names standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The bytes of a file, or of standard input for `-`; at most `most`.
pub(super) fn bytes(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let name = if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    let bound = most as u64 + 1;
    let read = if is_stdin(path) {
        io::stdin().lock().take(bound).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(bound).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read {name}"))?;
    if bytes.len() > most {
        bail!("{name} is longer than {most} bytes");
    }
    Ok(bytes)
}
