//! An authority made for a test, and certificates that it signs; all of it with `openssl`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What `openssl ca` wants to be told.
const CONFIGURATION: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nnew_certs_dir = .\n\
    default_md = sha256\npolicy = any\nrand_serial = yes\nunique_subject = no\n[any]\ncommonName = supplied\n";
/// A new key; small and quick.
const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// Signs certificates. Its files go with it.
pub struct Authority {
    directory: tempfile::TempDir,
}

/// A server's certificate with its key, as PEM.
#[derive(Clone)]
pub struct Certificate {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

impl Authority {
    /// A new one of this name.
    pub fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Self { directory };
        std::fs::write(authority.path("ca.cnf"), CONFIGURATION).expect("a file");
        std::fs::write(authority.path("index.txt"), "").expect("a file");
        let subject = format!("/CN={name}");
        let mut words = vec!["req", "-x509"];
        words.extend(KEY);
        words.extend(["-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", subject.as_str()]);
        words.extend(["-addext", "basicConstraints=critical,CA:true"]);
        words.extend(["-addext", "keyUsage=critical,keyCertSign"]);
        authority.run(&words);
        authority
    }

    /// The file with its own certificate, as `sslrootcert` names it.
    pub fn file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A certificate for the server of this name or address.
    pub fn certificate(&self, name: &str) -> Certificate {
        self.sign(name, "20200101000000Z", "20491231235959Z")
    }

    /// A certificate whose time is over.
    pub fn expired(&self, name: &str) -> Certificate {
        self.sign(name, "20200101000000Z", "20200102000000Z")
    }

    /// Its own certificate, as a server shows it that was given no other.
    pub fn own(&self) -> Certificate {
        Certificate { certificate: self.read("ca.pem"), key: self.read("ca.key") }
    }

    fn sign(&self, name: &str, from: &str, to: &str) -> Certificate {
        let kind = if name.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
        std::fs::write(self.path("names"), format!("subjectAltName={kind}:{name}")).expect("a file");
        let mut words = vec!["req"];
        words.extend(KEY);
        words.extend(["-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server"]);
        self.run(&words);
        self.run(&[
            "ca",
            "-batch",
            "-notext",
            "-config",
            "ca.cnf",
            "-cert",
            "ca.pem",
            "-keyfile",
            "ca.key",
            "-in",
            "server.csr",
            "-out",
            "server.pem",
            "-extfile",
            "names",
            "-startdate",
            from,
            "-enddate",
            to,
        ]);
        Certificate { certificate: self.read("server.pem"), key: self.read("server.key") }
    }

    fn run(&self, words: &[&str]) {
        let output = Command::new("openssl")
            .args(words)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .expect("no openssl: install it (apt-get install openssl)");
        assert!(output.status.success(), "openssl {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("openssl wrote it")
    }
}
