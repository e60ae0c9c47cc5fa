//! TLS to the database: the server's certificate is always verified.
//!
//! The file of `sslrootcert` is looked at anew for each connection, so that another CA is taken up without
//! a restart. Where it cannot be used then, what it held before still counts.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The certificates that are trusted: those in a file, or the usual ones.
pub(super) struct Trust {
    file: Option<PathBuf>,
    last: Mutex<Read>,
}

/// What was read last.
struct Read {
    bytes: Vec<u8>,
    connector: MakeRustlsConnect,
    failing: bool,
}

impl Trust {
    /// Trusts the certificates in a file, or the usual ones.
    pub(super) fn new(file: Option<&Path>) -> Result<Self, String> {
        crate::deliver::install_provider();
        let (bytes, store) = match file {
            Some(path) => {
                let bytes = bytes(path)?;
                let store = certificates(path, &bytes)?;
                (bytes, store)
            }
            None => (Vec::new(), usual()),
        };
        let last = Mutex::new(Read { bytes, connector: connector(store), failing: false });
        Ok(Self { file: file.map(Path::to_owned), last })
    }

    /// What the next connection speaks TLS through.
    pub(super) fn connector(&self) -> MakeRustlsConnect {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.file {
            match anew(path, &last.bytes) {
                Ok(Some((bytes, store))) => {
                    *last = Read { bytes, connector: connector(store), failing: false };
                }
                Ok(None) => last.failing = false,
                Err(reason) => {
                    if !std::mem::replace(&mut last.failing, true) {
                        tracing::warn!("the certificates that were read before still count: {reason}");
                    }
                }
            }
        }
        last.connector.clone()
    }
}

fn connector(store: RootCertStore) -> MakeRustlsConnect {
    MakeRustlsConnect::new(ClientConfig::builder().with_root_certificates(store).with_no_client_auth())
}

fn usual() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    store
}

/// What the file holds, where it is not what it held before.
fn anew(path: &Path, before: &[u8]) -> Result<Option<(Vec<u8>, RootCertStore)>, String> {
    let bytes = bytes(path)?;
    if bytes == before {
        return Ok(None);
    }
    let store = certificates(path, &bytes)?;
    Ok(Some((bytes, store)))
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| {
        format!(
            "sslrootcert {} cannot be read ({error}); name a file with the CA's certificate that the listener may \
             read",
            path.display()
        )
    })
}

fn certificates(path: &Path, bytes: &[u8]) -> Result<RootCertStore, String> {
    let unusable = |reason: &str| {
        format!(
            "sslrootcert {} {reason}; put the CA's certificate there as PEM, from -----BEGIN CERTIFICATE----- to \
             -----END CERTIFICATE-----",
            path.display()
        )
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        let certificate =
            certificate.map_err(|error: pem::Error| unusable(&format!("is no PEM ({error})")))?;
        store
            .add(certificate)
            .map_err(|error| unusable(&format!("has a certificate that cannot be used ({error})")))?;
    }
    if store.is_empty() { Err(unusable("has no certificate in it")) } else { Ok(store) }
}

/// What helps where a connection failed for TLS; none where it failed for something else.
pub(super) fn remedy(error: &tokio_postgres::Error) -> Option<&'static str> {
    let source = error.source()?;
    // The driver has only words for it.
    if source.to_string() == "server does not support TLS" {
        return Some(
            "switch it on there (ssl = on), or write sslmode=disable in the URL on a network that you trust",
        );
    }
    let refused = source.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(refused) = refused else { return None };
    Some(match refused {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "name a file with the certificate of the CA that signed the server's in sslrootcert of the URL"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "let the URL name the server as its certificate does, or give the server a certificate with this name \
             in its subjectAltName"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "give the server a certificate whose time is not over; where it is not, set the clock here right"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "set the clock here right, or give the server a certificate whose time has begun"
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "the server shows the certificate of a CA: give it one that the CA has signed for its name"
        }
        _ => "give the server another certificate",
    })
}
