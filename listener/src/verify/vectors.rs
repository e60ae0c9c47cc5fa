//! A file of signature vectors: each is one request as received, the clock to judge it at, and the verdict.
//!
//! ```json
//! {
//!   "description": "...",
//!   "vectors": [{
//!     "name": "what it is called",
//!     "version": "v3",
//!     "secret": "the client secret configured",
//!     "method": "POST",
//!     "url": "the public URL, with the query as it goes over the wire",
//!     "body_base64": "the body's bytes",
//!     "timestamp": "the timestamp header's text, or null",
//!     "now_ms": 1790000000137,
//!     "signature": "the signature header's text, or null",
//!     "extra_headers": {"X-HubSpot-Signature-Version": "v1"},
//!     "expect": "accept or reject",
//!     "reject_cause": "a cause code, or null",
//!     "reject_cause_also": ["causes that are as good"]
//!   }]
//! }
//! ```
//! Only `version` is allowed while a vector is judged. Instead of `body_base64` a vector may have a `body_recipe`:
//! `prefix`, then `times` copies of `unit` joined by `separator`, then `suffix`; where `number_from` is given, each
//! `@N@` in copy i (from 0) is the number `number_from + i`. `bytes` and `sha256` are those of the result.
//! Further fields are for people and are not read.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crds::listener::{Signature, SignatureVersion};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Cause, REQUEST_TIMESTAMP, Received, Request, SIGNATURE, SIGNATURE_V3, Verifier};

/// Bytes of a body that a recipe may make.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A file of vectors.
#[derive(Debug, Deserialize)]
pub struct File {
    /// In the order of the file.
    pub vectors: Vec<Vector>,
}

/// One request, the clock to judge it at, and the verdict.
#[derive(Debug, Deserialize)]
pub struct Vector {
    /// What it is called.
    pub name: String,
    /// The only version allowed while it is judged.
    pub version: SignatureVersion,
    /// The client secret configured.
    #[serde(deserialize_with = "secret")]
    pub secret: SecretString,
    /// The request's method.
    pub method: String,
    /// The public URL as registered, with the query as it goes over the wire.
    pub url: String,
    /// The body's bytes.
    pub body_base64: Option<String>,
    /// How to make a long body.
    pub body_recipe: Option<Recipe>,
    /// The timestamp header's text.
    pub timestamp: Option<String>,
    /// The receiver's clock, epoch milliseconds.
    pub now_ms: i64,
    /// The signature header's text.
    pub signature: Option<String>,
    /// Further headers of the same request.
    #[serde(default)]
    pub extra_headers: BTreeMap<String, String>,
    /// The verdict.
    pub expect: Expect,
    /// Why it is rejected.
    pub reject_cause: Option<String>,
    /// Other causes that are as good.
    #[serde(default)]
    pub reject_cause_also: Vec<String>,
    /// What is really wrong, in one word; more than a receiver can always find out.
    pub diagnosis: Option<String>,
    /// The right value, of which `signature` is a spoilt copy.
    pub valid_signature: Option<String>,
}

/// How to make a long body.
#[derive(Debug, Deserialize)]
pub struct Recipe {
    prefix: String,
    separator: String,
    suffix: String,
    times: usize,
    number_from: Option<u64>,
    unit: String,
    bytes: Option<usize>,
    sha256: Option<String>,
}

/// The verdict of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// The signature is right.
    Accept,
    /// It is not.
    Reject,
}

impl Expect {
    /// As the file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
        }
    }
}

/// Why a vector cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// The file is not in this format.
    #[error("not a file of vectors: {0}")]
    Format(#[from] serde_json::Error),
    /// The body is not given in a form that can be used.
    #[error("its body is unusable: {0}")]
    Body(String),
    /// A header cannot be carried by HTTP.
    #[error("its header {0} has a name or value that HTTP cannot carry")]
    Header(String),
    /// The method is none.
    #[error("its method is not one that HTTP can carry")]
    Method,
}

/// What we make of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// None = accepted.
    pub cause: Option<Cause>,
    /// Whether it is what the vector expects.
    pub as_expected: bool,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// Reads a file of vectors.
pub fn parse(json: &[u8]) -> Result<File, VectorError> {
    Ok(serde_json::from_slice(json)?)
}

impl Vector {
    /// The verifier that it is to be judged by.
    pub fn verifier(&self) -> Verifier {
        let signature = Signature { versions: vec![self.version], ..Signature::default() };
        Verifier::new(std::slice::from_ref(&self.secret), &self.url, &signature)
    }

    /// The request as received.
    pub fn received(&self) -> Result<Received, VectorError> {
        let mut headers = HeaderMap::new();
        let mut insert = |name: HeaderName, text: &str| {
            let value = HeaderValue::from_bytes(text.as_bytes())
                .map_err(|_| VectorError::Header(name.to_string()))?;
            headers.append(name, value);
            Ok::<_, VectorError>(())
        };
        if let Some(signature) = &self.signature {
            let name = if self.version == SignatureVersion::V3 { SIGNATURE_V3 } else { SIGNATURE };
            insert(name, signature)?;
        }
        if let Some(timestamp) = &self.timestamp {
            insert(REQUEST_TIMESTAMP, timestamp)?;
        }
        for (name, text) in &self.extra_headers {
            let parsed = HeaderName::try_from(name).map_err(|_| VectorError::Header(name.clone()))?;
            insert(parsed, text)?;
        }
        let (host, target) = split_url(&self.url);
        Ok(Received {
            id: Uuid::nil(),
            at_ms: self.now_ms,
            method: Method::from_bytes(self.method.as_bytes()).map_err(|_| VectorError::Method)?,
            target: target.to_owned(),
            host: Some(host.to_owned()),
            headers,
            body: self.body()?,
            peer: None,
        })
    }

    /// The body's bytes.
    pub fn body(&self) -> Result<Bytes, VectorError> {
        match (&self.body_base64, &self.body_recipe) {
            (Some(text), None) => STANDARD
                .decode(text)
                .map(Bytes::from)
                .map_err(|error| VectorError::Body(format!("body_base64: {error}"))),
            (None, Some(recipe)) => recipe.cook().map_err(VectorError::Body),
            _ => Err(VectorError::Body("give either body_base64 or body_recipe".to_owned())),
        }
    }

    /// Judges it at its own clock.
    pub fn judge(&self) -> Result<Judgement, VectorError> {
        let request = Request::new(self.received()?);
        let cause = self.verifier().verify(request, self.now_ms).err().map(|rejection| rejection.cause);
        let as_expected = match (self.expect, cause) {
            (Expect::Accept, None) => true,
            (Expect::Reject, Some(cause)) => {
                let code = cause.code();
                self.reject_cause.as_deref().is_none_or(|wanted| wanted == code)
                    || self.reject_cause_also.iter().any(|wanted| wanted == code)
            }
            _ => false,
        };
        Ok(Judgement { cause, as_expected })
    }
}

impl Recipe {
    fn cook(&self) -> Result<Bytes, String> {
        let Self { prefix, separator, suffix, times, number_from, unit, bytes, sha256 } = self;
        let unit_length = unit.len() + separator.len() + if number_from.is_some() { 20 } else { 0 };
        let length = unit_length.saturating_mul(*times).saturating_add(prefix.len() + suffix.len());
        if length > MAX_BODY {
            return Err(format!("body_recipe makes more than {MAX_BODY} bytes"));
        }
        let mut body = String::with_capacity(length);
        body.push_str(prefix);
        for (number, copy) in (0_u64..).zip(0..*times) {
            if copy > 0 {
                body.push_str(separator);
            }
            match number_from {
                Some(from) => body.push_str(&unit.replace("@N@", &from.saturating_add(number).to_string())),
                None => body.push_str(unit),
            }
            if body.len() > MAX_BODY {
                return Err(format!("body_recipe makes more than {MAX_BODY} bytes"));
            }
        }
        body.push_str(suffix);
        if bytes.is_some_and(|bytes| bytes != body.len()) {
            return Err(format!("body_recipe makes {} bytes and says otherwise", body.len()));
        }
        if sha256.as_deref().is_some_and(|sha256| sha256 != hex::encode(Sha256::digest(&body))) {
            return Err("body_recipe makes a body with another sha256 than it says".to_owned());
        }
        Ok(Bytes::from(body))
    }
}

/// The host with its port, and the request target, of a URL: cut, not parsed, so that nothing is normalised.
pub fn split_url(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '?']).map_or((rest, "/"), |at| rest.split_at(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::diagnose::Code;

    const FILE: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hubspot/vectors.json"));

    #[test]
    fn every_vector_gets_its_verdict() {
        let file = parse(FILE).unwrap();
        assert_eq!(file.vectors.len(), 100);
        let differing: Vec<_> = file
            .vectors
            .iter()
            .map(|vector| (&vector.name, vector.judge().unwrap()))
            .filter(|(_, judgement)| !judgement.as_expected)
            .collect();
        assert!(differing.is_empty(), "{differing:?}");
        let accepted = file.vectors.iter().filter(|vector| vector.judge().unwrap().cause.is_none()).count();
        assert_eq!(accepted, 65);
    }

    /// Our code for what the file says is really wrong; what a receiver cannot know is `no_match` or the like.
    fn ours(name: &str, theirs: &str) -> Code {
        match theirs {
            "wrong_secret" if name == "reject-no-fallback-to-v1" => Code::V1FitsV3DoesNot,
            // No receiver can know what a byte was before it changed, or whose secret it is; and the body of
            // `body_reserialised` was indented with CR LF, which no usual printer does.
            "body_changed" | "timestamp_changed" | "wrong_secret" | "access_token" | "body_reserialised" => {
                Code::NoMatch
            }
            "scheme" => Code::Scheme,
            "host" => Code::Host,
            "path_only" => Code::PathOnly,
            "query_missing" => Code::QueryMissing,
            "query_reordered" => Code::QueryReordered,
            "trailing_slash" => Code::TrailingSlash,
            "fully_decoded" | "decoded_twice" => Code::UriDecoding,
            "method" => Code::Method,
            "timestamp_form" => Code::TimestampForm,
            "timestamp_in_seconds" => Code::TimestampInSeconds,
            "no_signature" => Code::NoSignature,
            "no_timestamp" => Code::NoTimestamp,
            "too_old" => Code::TooOld,
            "ahead" => Code::Ahead,
            "hex_instead_of_base64" => Code::HexInsteadOfBase64,
            "padding_missing" => Code::PaddingMissing,
            "url_safe_alphabet" => Code::UrlSafeAlphabet,
            "plus_to_space" => Code::PlusToSpace,
            "truncated" => Code::Truncated,
            "whitespace" => Code::Whitespace,
            "non_ascii" => Code::NonAscii,
            "v1_value" => Code::V1Value,
            other => panic!("a diagnosis that nobody mapped: {other}"),
        }
    }

    #[test]
    fn every_rejected_vector_is_diagnosed_as_far_as_a_receiver_can_know() {
        let mut seen = 0;
        for vector in parse(FILE).unwrap().vectors {
            let Some(theirs) = &vector.diagnosis else { continue };
            let mut received = vector.received().unwrap();
            if theirs == "host" {
                received.host = Some("hubspot-listener.crm.svc:8080".to_owned());
            }
            let cause = vector.judge().unwrap().cause.unwrap();
            let diagnosis = vector.verifier().diagnose(&received, cause, vector.now_ms).unwrap();
            assert_eq!(
                diagnosis.code,
                ours(&vector.name, theirs).as_str(),
                "{}: {}",
                vector.name,
                diagnosis.message
            );
            if let Some(right) = &vector.valid_signature {
                assert!(!diagnosis.message.contains(right), "{}", vector.name);
            }
            seen += 1;
        }
        assert_eq!(seen, 35);
    }

    #[test]
    fn a_vector_that_cannot_be_judged_says_why() {
        let vector = |change: &str| {
            let json = format!(
                r#"{{"vectors":[{{"name":"n","version":"v3","secret":"s","method":"POST","url":"https://a.example/b",
                "now_ms":1,"timestamp":null,"signature":null,"expect":"reject",{change}}}]}}"#
            );
            parse(json.as_bytes()).unwrap().vectors.remove(0).judge()
        };
        assert!(vector(r#""body_base64":"""#).unwrap().as_expected);
        assert!(matches!(vector(r#""body_base64":"?""#), Err(VectorError::Body(_))));
        assert!(matches!(vector(r#""reject_cause":null"#), Err(VectorError::Body(_))));
        let recipe = r#""body_recipe":{"prefix":"","separator":"","suffix":"","times":18446744073709551615,"unit":"x"}"#;
        assert!(matches!(vector(recipe), Err(VectorError::Body(_))));
        let header = r#""body_base64":"","extra_headers":{"a b":"c"}"#;
        assert!(matches!(vector(header), Err(VectorError::Header(_))));
        assert!(parse(b"[]").is_err());
    }
}
