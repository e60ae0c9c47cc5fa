//! TLS to a real server, by an authority that is made for the test.

use std::path::Path;
use std::time::Instant;

use postgres_server::{Authority, Options as ServerOptions};

use super::opening::refusal;
use super::*;

/// Connections of a listener in a database, encrypted or not.
const OURS: &str = "SELECT 1 FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid) \
    WHERE a.datname = current_database() AND a.application_name LIKE 'hubspot-listener/%'";

/// A server that asks for a password and shows the authority's certificate for `localhost`.
fn server(authority: &Authority) -> Server {
    let certificate = Some(authority.certificate("localhost"));
    Server::with(ServerOptions { password: true, certificate, ..ServerOptions::default() })
}

/// The URL by the name of the host, with what is said of TLS.
fn named(url: &str, mode: &str, roots: &Path) -> String {
    let url = url.replace("127.0.0.1", "localhost");
    format!("{url}?sslmode={mode}&sslrootcert={}", roots.display())
}

/// Tries again for half a minute.
async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !done().await {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_is_encrypted_where_the_authority_is_known() {
    let authority = Authority::new("one");
    let server = server(&authority);
    for (mode, encrypted) in [("verify-full", true), ("prefer", true), ("disable", false)] {
        let world = world(&server);
        let url = server.database();
        let store = Arc::new(open(&named(&url, mode, &authority.file()), &world.clock).await);
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        suite::set_destinations(&shared, &["a"]).await;
        world.deliver(&shared, suite::body(&[suite::event(1)])).await;
        assert_eq!(world.drain(&shared, "a").await.len(), 1, "it is used");
        // More than were made until now, so that new ones are looked at too.
        let mut held = Vec::new();
        for _ in 0..6 {
            held.push(store.inner.pool.connection().await.unwrap());
        }
        let count = |condition: &str| postgres_server::query_rows(&url, &format!("{OURS} AND {condition}"));
        let (of_the_kind, others) = if encrypted { ("s.ssl", "NOT s.ssl") } else { ("NOT s.ssl", "s.ssl") };
        let listens = format!("{of_the_kind} AND a.query LIKE 'SELECT head.delivery, page_number%'");
        eventually("one listens", async || count(&listens) == 1).await;
        assert!(count(of_the_kind) >= 7, "{mode}");
        assert_eq!(count(others), 0, "{mode}");
        drop(held);
        store.close().await;
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_verified_is_refused_with_what_helps() {
    let authority = Authority::new("one");
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let server = server(&authority);
    let url = server.database();
    let (other, namesake) = (Authority::new("another"), Authority::new("one"));
    let words = file("words.pem", b"no certificate at all");
    let broken = file("broken.pem", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    let key = file("key.pem", &authority.own().key);
    let missing = files.path().join("missing.pem");
    let by_address = format!("{url}?sslmode=verify-full&sslrootcert={}", authority.file().display());
    // The second is not even there: what the first says tells more.
    let two = format!("@localhost:{},127.0.0.1:1/", server.address().port());
    let by_two = url.replace(&format!("@{}/", server.address()), &two);
    assert_ne!(by_two, url);
    let plain = postgres_server::shared().database().replace("postgres@", "postgres:correct@");
    for (url, reason, remedy) in [
        (named(&url, "verify-full", &other.file()), "UnknownIssuer", "CA that signed the server's"),
        (named(&url, "prefer", &other.file()), "UnknownIssuer", "CA that signed the server's"),
        (named(&url, "verify-full", &namesake.file()), "BadSignature", "CA that signed the server's"),
        (format!("{by_two}?sslmode=verify-full"), "UnknownIssuer", "sslrootcert"),
        (by_address, "not valid for name \"127.0.0.1\"", "subjectAltName"),
        (named(&url, "verify-full", &missing), "missing.pem cannot be read", "name a file with the CA's"),
        (named(&url, "verify-full", &words), "words.pem has no certificate in it", "BEGIN CERTIFICATE"),
        (named(&url, "verify-full", &key), "key.pem has no certificate in it", "BEGIN CERTIFICATE"),
        (named(&url, "verify-full", &broken), "broken.pem is no PEM", "BEGIN CERTIFICATE"),
        (named(&plain, "verify-full", &authority.file()), "does not support TLS", "ssl = on"),
    ] {
        let told = refusal(&url).await;
        assert!(told.contains(reason) && told.contains(remedy), "{reason}, {remedy}: {told}");
        assert!(!told.contains("correct") && !told.contains("postgres:"), "{told}");
    }
    for (certificate, reason, remedy) in [
        (authority.expired("localhost"), "certificate expired", "whose time is not over"),
        (authority.certificate("db.example.com"), "db.example.com", "subjectAltName"),
        (authority.own(), "CaUsedAsEndEntity", "one that the CA has signed"),
    ] {
        server.certify(&certificate);
        server.start_again();
        let told = refusal(&named(&url, "verify-full", &authority.file())).await;
        assert!(told.contains(reason) && told.contains(remedy), "{reason}, {remedy}: {told}");
        assert!(!told.contains("correct"), "{told}");
    }
    let there = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'");
    assert_eq!(postgres_server::query_rows(&url, &there), 0, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_authority_in_the_same_file_is_taken_up_while_the_store_is_open() {
    let (one, two) = (Authority::new("one"), Authority::new("two"));
    let server = server(&one);
    let (world, url) = (world(&server), server.database());
    let directory = tempfile::tempdir().unwrap();
    let roots = directory.path().join("ca.pem");
    std::fs::copy(one.file(), &roots).unwrap();
    let store = Arc::new(open(&named(&url, "verify-full", &roots), &world.clock).await);
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    suite::set_destinations(&shared, &["a"]).await;
    let works = async || store.health().is_ok() && store.status().await.is_ok();

    // What cannot be used does not count.
    std::fs::write(&roots, "half a file").unwrap();
    server.start_again();
    eventually("by what was read before", works).await;

    server.certify(&two.certificate("localhost"));
    server.start_again();
    let told = async || store.health().is_err_and(|reason| reason.contains("UnknownIssuer"));
    eventually("it is said why", told).await;
    std::fs::copy(two.file(), &roots).unwrap();
    eventually("by the other authority", works).await;
    world.deliver(&shared, suite::body(&[suite::event(1)])).await;
    store.close().await;
}
