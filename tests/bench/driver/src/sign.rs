use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::options::{Options, Sign};

pub struct Signer {
    key: Hmac<Sha256>,
    how: Sign,
    url: String,
    tamper: bool,
}

impl Signer {
    pub fn new(options: &Options) -> Self {
        Self {
            key: Hmac::new_from_slice(options.secret.as_bytes()).expect("any key length"),
            how: options.sign.clone(),
            url: format!("{}{}", options.public_base, options.path),
            tamper: options.tamper,
        }
    }

    /// Appends the header lines that prove `body`, made for this very request.
    pub fn headers(&self, body: &[u8], now_ms: u64, out: &mut Vec<u8>) {
        let mut mac = self.key.clone();
        if self.tamper {
            mac.update(b"tampered");
        }
        match &self.how {
            Sign::None => {}
            Sign::HubSpotV3 => {
                let timestamp = now_ms.to_string();
                mac.update(b"POST");
                mac.update(self.url.as_bytes());
                mac.update(body);
                mac.update(timestamp.as_bytes());
                let signature = STANDARD.encode(mac.finalize().into_bytes());
                let _ = write!(
                    out,
                    "X-HubSpot-Signature-v3: {signature}\r\nX-HubSpot-Request-Timestamp: {timestamp}\r\n"
                );
            }
            Sign::HmacHex { header, prefix } => {
                mac.update(body);
                let _ = write!(out, "{header}: {prefix}");
                for byte in mac.finalize().into_bytes() {
                    let _ = write!(out, "{byte:02x}");
                }
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}
