//! The client secrets that a command is given: as files, or as text.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::verify::secret::{self, SecretError};

/// Client secrets of the HubSpot app.
#[derive(Debug, clap::Args)]
pub(super) struct SecretArgs {
    /// File with the app's client secret; a newline at its end is no part of it. `verify` takes several.
    #[arg(long = "secret-file", value_name = "FILE")]
    secret_file: Vec<PathBuf>,

    /// The app's client secret itself. Other users of this machine can see it in the list of processes: for samples
    /// only. `verify` takes several.
    #[arg(long, value_name = "SECRET", value_parser = parse)]
    secret: Vec<SecretString>,
}

impl SecretArgs {
    /// Whether none is given.
    pub(super) fn is_empty(&self) -> bool {
        self.secret_file.is_empty() && self.secret.is_empty()
    }

    /// All of them, read.
    pub(super) fn read(&self) -> Result<Vec<SecretString>, SecretError> {
        let files = self.secret_file.iter().map(|path| secret::read(path));
        files.chain(self.secret.iter().cloned().map(Ok)).collect()
    }
}

fn parse(text: &str) -> Result<SecretString, &'static str> {
    if text.is_empty() { Err("a secret is not empty") } else { Ok(SecretString::from(text)) }
}
