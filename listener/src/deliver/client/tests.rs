use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rstest::rstest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

#[rstest]
#[case("http://127.0.0.1/")]
#[case("http://0x7f.1/")]
#[case("http://2130706433:8080/x")]
#[case("http://017700000001/")]
#[case("http://[::1]/")]
#[case("http://[::ffff:7f00:1]/")]
#[case("http://169.254.169.254/latest/meta-data")]
#[case("http://0/")]
fn an_address_in_the_url_is_checked_however_it_is_written(#[case] url: &str) {
    let client = Client::build(AddressPolicy::default(), &Timing::default()).unwrap();
    assert!(client.post(&Url::parse(url).unwrap()).is_err(), "{url}");
}

#[test]
fn the_compiled_in_certificates_make_a_client() {
    assert_eq!(compiled_in_roots().len(), webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
    let builder = builder(&AddressPolicy::default(), &Timing::default());
    assert!(builder.tls_certs_only(compiled_in_roots()).build().is_ok());
}

/// Answers one request over TLS, if the handshake comes that far.
fn tls_server() -> SocketAddr {
    install_provider();
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let connection = rustls::ServerConnection::new(config).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, socket);
        let mut request = [0; 4096];
        if stream.read(&mut request).is_ok_and(|read| read > 0) {
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    address
}

fn loopback() -> AddressPolicy {
    AddressPolicy::parse(&["127.0.0.0/8".into()]).unwrap()
}

#[tokio::test]
async fn a_certificate_of_a_known_authority_is_taken() {
    let address = tls_server();
    let authority = Certificate::from_pem(include_bytes!("tls/ca.pem")).unwrap();
    let client = builder(&loopback(), &Timing::default()).tls_certs_only([authority]).build().unwrap();
    let url = format!("https://localhost:{}/", address.port());
    assert_eq!(client.post(url).send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let address = tls_server();
    let client = Client::build(loopback(), &Timing::default()).unwrap();
    let url = Url::parse(&format!("https://localhost:{}/", address.port())).unwrap();
    let error = client.post(&url).unwrap().send().await.unwrap_err();
    assert!(error.is_connect());
    let mut text = Vec::new();
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(error) = cause {
        text.push(error.to_string());
        cause = error.source();
    }
    assert!(text.join(": ").contains("UnknownIssuer"), "{text:?}");
}
