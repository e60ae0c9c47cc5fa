//! Reading a client secret from a file: the one place where a newline at its end is dealt with.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

/// Bytes of a secret file. HubSpot's client secrets have 36.
pub const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Why a secret file cannot be used. Says nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read.
    #[error("cannot read the secret file {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is too long to be a secret.
    #[error("the secret file {} is longer than {MAX_SECRET_BYTES} bytes: is it the right file?", path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
    },
    /// It is not UTF-8.
    #[error("the secret file {} is not UTF-8 text: is it the right file?", path.display())]
    NotText {
        /// Which.
        path: PathBuf,
    },
    /// Nothing is in it.
    #[error("the secret file {} is empty: put the app's client secret into it", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
}

/// Reads a secret from a file. One newline at its end (`\n` or `\r\n`), as editors leave it, is no part of the
/// secret; everything else is.
pub fn read(path: &Path) -> Result<SecretString, SecretError> {
    let owned = || path.to_owned();
    let unreadable = |source| SecretError::Unreadable { path: owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    // Of full size at once: a vector that grows leaves pieces of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_SECRET_BYTES).unwrap_or(0) + 64));
    file.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err(SecretError::TooLong { path: owned() });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| SecretError::NotText { path: owned() })?;
    let text = without_newline(text);
    if text.is_empty() {
        return Err(SecretError::Empty { path: owned() });
    }
    Ok(SecretString::from(text))
}

/// Strips one newline, `\n` or `\r\n`, from the end.
pub fn without_newline(text: &str) -> &str {
    text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn reading(bytes: &[u8]) -> Result<SecretString, SecretError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    #[test]
    fn one_newline_at_the_end_is_no_part_of_the_secret_and_everything_else_is() {
        for (bytes, secret) in [
            ("ab", "ab"),
            ("ab\n", "ab"),
            ("ab\r\n", "ab"),
            ("ab\n\n", "ab\n"),
            (" ab ", " ab "),
            ("ab\r", "ab\r"),
        ] {
            assert_eq!(reading(bytes.as_bytes()).unwrap().expose_secret(), secret);
        }
    }

    #[test]
    fn a_file_that_cannot_be_a_secret_is_refused_without_showing_it() {
        assert!(matches!(reading(b""), Err(SecretError::Empty { .. })));
        assert!(matches!(reading(b"\n"), Err(SecretError::Empty { .. })));
        assert!(matches!(reading(b"\xff\xfe"), Err(SecretError::NotText { .. })));
        assert!(matches!(reading(&vec![b'x'; 64 * 1024 + 1]), Err(SecretError::TooLong { .. })));
        assert!(matches!(read(Path::new("/nonexistent/secret")), Err(SecretError::Unreadable { .. })));
        let said = reading(b"hush\xff").unwrap_err().to_string();
        assert!(!said.contains("hush"), "{said}");
    }
}
