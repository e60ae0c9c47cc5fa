//! TLS to the database: the server's certificate is always verified.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// TLS that trusts the certificates in a file, or the usual ones.
pub(super) fn connector(roots: Option<&Path>) -> Result<MakeRustlsConnect, String> {
    crate::deliver::install_provider();
    let mut store = RootCertStore::empty();
    if let Some(path) = roots {
        let unreadable = |error: rustls::pki_types::pem::Error| {
            format!("sslrootcert {} cannot be read: {error}", path.display())
        };
        for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
            let certificate = certificate.map_err(unreadable)?;
            store.add(certificate).map_err(|error| {
                format!("sslrootcert {} has a certificate that cannot be used: {error}", path.display())
            })?;
        }
        if store.is_empty() {
            return Err(format!("sslrootcert {} has no certificate in it", path.display()));
        }
    } else {
        let usual = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
        store.add_parsable_certificates(usual);
    }
    let config = ClientConfig::builder().with_root_certificates(store).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
