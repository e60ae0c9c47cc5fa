//! Signing as HubSpot does, for `listener send` and for tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crds::listener::SignatureVersion;
use secrecy::SecretString;

use super::key::{Key, Uri};

/// What a signature is made over.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// In capitals.
    pub method: &'a str,
    /// The public URL with its query, as it goes over the wire.
    pub uri: &'a str,
    /// As it goes over the wire.
    pub body: &'a [u8],
    /// The text of the timestamp header: epoch milliseconds. Only v3 signs it.
    pub timestamp: &'a str,
}

/// Signs with one client secret. Its debug form does not show it.
#[derive(Debug)]
pub struct Signer(Key);

impl Signer {
    /// Makes the secret ready.
    pub fn new(secret: &SecretString) -> Self {
        Self(Key::new(secret.clone()))
    }

    /// The value of the signature header of this version.
    pub fn sign(&self, version: SignatureVersion, signed: &Signed<'_>) -> String {
        let Signed { method, uri, body, timestamp } = *signed;
        let whole = Uri::whole(uri.as_bytes());
        match version {
            SignatureVersion::V1 => hex::encode(self.0.v1(body)),
            SignatureVersion::V2 => hex::encode(self.0.v2(method.as_bytes(), whole, body)),
            SignatureVersion::V3 => {
                let decoded = Uri { decoded: true, ..whole };
                STANDARD.encode(self.0.v3(method.as_bytes(), decoded, body, timestamp.as_bytes()))
            }
        }
    }
}

/// The value of the signature header of this version. For many requests make one [`Signer`].
pub fn sign(version: SignatureVersion, secret: &SecretString, signed: &Signed<'_>) -> String {
    Signer::new(secret).sign(version, signed)
}
