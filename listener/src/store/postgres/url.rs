//! The URL of a database: `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=/ca.pem`.
//!
//! Parameters are those of libpq as far as the driver has them, and these of ours:
//!
//! - `sslmode`: `prefer` (nothing said): encrypted where the server offers it; `verify-full`: always
//!   encrypted; `disable`: never. Where it is encrypted the server's certificate is always
//!   verified, for the host's name. `require`, `verify-ca` and `allow` encrypt without knowing to
//!   whom, and are refused.
//! - `sslrootcert`: a PEM file with the certificates that are trusted; without it the usual ones.
//! - `pool_size`: connections of one listener in one process at most.
//!
//! No message shows the URL: a password is in it.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// Connections of one listener in one process, where the URL says nothing else.
const POOL_SIZE: usize = 10;
/// At least: one puts down what comes, one delivers, one is for the desk.
const SMALLEST_POOL: usize = 3;
/// At most.
const LARGEST_POOL: usize = 200;

/// What a URL says.
#[derive(Clone)]
pub(super) struct Address {
    /// For the driver.
    pub(super) config: Config,
    /// Certificates that are trusted.
    pub(super) roots: Option<PathBuf>,
    /// Connections at most.
    pub(super) pool_size: usize,
}

/// Why a URL cannot be used; never with the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {remedy}")]
pub struct UrlError {
    /// What is wrong.
    pub reason: String,
    /// What helps.
    pub remedy: &'static str,
}

fn wrong(reason: impl Into<String>, remedy: &'static str) -> UrlError {
    UrlError { reason: reason.into(), remedy }
}

/// Checks a URL without connecting.
pub fn check(url: &SecretString) -> Result<(), UrlError> {
    parse(url).map(|_| ())
}

/// Reads a URL.
pub(super) fn parse(url: &SecretString) -> Result<Address, UrlError> {
    let text = url.expose_secret().trim();
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        let remedy = "write postgres://user:password@host:5432/database";
        return Err(wrong("the database's URL does not begin with postgres://", remedy));
    }
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    let (mut mode, mut roots, mut pool_size) = (SslMode::Prefer, None, POOL_SIZE);
    let mut rest = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
        match name {
            "sslmode" => mode = ssl_mode(&value)?,
            "sslrootcert" if value == "system" => roots = None,
            "sslrootcert" => roots = Some(PathBuf::from(value.as_ref())),
            "pool_size" => {
                let size = value.parse().ok().filter(|size| (SMALLEST_POOL..=LARGEST_POOL).contains(size));
                let remedy = "give a number from 3 to 200, or leave it out";
                pool_size =
                    size.ok_or_else(|| wrong("pool_size in the database's URL is no such number", remedy))?;
            }
            _ => rest.push(part),
        }
    }
    let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    let mut config: Config = plain.parse().map_err(|error: tokio_postgres::Error| {
        // The source names a parameter, never a value.
        let source = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        let remedy = "write postgres://user:password@host:5432/database; encode @ : / ? # and % in a password as %40 \
                      and so on";
        wrong(format!("the database's URL cannot be read ({source})"), remedy)
    })?;
    config.ssl_mode(mode);
    if config.get_hosts().is_empty() {
        return Err(wrong(
            "the database's URL names no host",
            "write postgres://user:password@host:5432/database",
        ));
    }
    if config.get_dbname().is_none() {
        return Err(wrong("the database's URL names no database", "write its name behind the last /"));
    }
    if config.get_user().is_none() {
        return Err(wrong("the database's URL names no user", "write user:password@ before the host"));
    }
    Ok(Address { config, roots, pool_size })
}

fn ssl_mode(text: &str) -> Result<SslMode, UrlError> {
    match text {
        "disable" => Ok(SslMode::Disable),
        "prefer" => Ok(SslMode::Prefer),
        "verify-full" => Ok(SslMode::Require),
        _ => Err(wrong(
            "sslmode in the database's URL is none of disable, prefer and verify-full",
            "write sslmode=verify-full and name the server's CA with sslrootcert=/path/ca.pem",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Address, UrlError> {
        parse(&SecretString::from(url))
    }

    #[test]
    fn what_is_ours_is_taken_out_and_the_rest_is_the_drivers() {
        let url = "postgres://me:pa%20ss@db.example.com:6432/hooks?sslmode=verify-full&sslrootcert=%2Fca.pem\
                   &pool_size=4&application_name=x";
        let address = read(url).unwrap();
        assert_eq!((address.roots, address.pool_size), (Some(PathBuf::from("/ca.pem")), 4));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.config.get_password(), Some(b"pa ss".as_slice()));
        assert_eq!(address.config.get_application_name(), Some("x"));
        assert_eq!(read("postgresql://me@db/hooks").unwrap().config.get_ssl_mode(), SslMode::Prefer);
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_its_password() {
        for (url, words) in [
            ("mysql://me:hunter2@db/hooks", "begin with postgres://"),
            ("postgres://me:hunter2@db/hooks?sslmode=require", "sslmode"),
            ("postgres://me:hunter2@db/hooks?sslmode=verify-ca", "verify-full"),
            ("postgres://me:hunter2@db/hooks?pool_size=1", "pool_size"),
            ("postgres://me:hunter2@db/hooks?colour=hunter2", "colour"),
            ("postgres://me:hunter2@db:hunter2/hooks", "cannot be read"),
            ("postgres://me:hunter2@db", "no database"),
            ("postgres://db/hooks", "no user"),
        ] {
            let told = read(url).map(|_| ()).unwrap_err().to_string();
            assert!(told.contains(words), "{url}: {told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
