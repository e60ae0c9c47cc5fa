//! Saving `spec.settings` from a listener's web page: what pod and operator say to each other.
//!
//! A pod has no token of the API server, and gets none. So it keeps what somebody wants in memory, and the
//! operator, which asks for the pod's [report](crate::report) anyway, comes for it:
//!
//! 1. The report names a wanted change by a random number ([`Wanted`]), and nothing else of it.
//! 2. The operator fetches it ([`Fetch`], [`Fetched`]) at [`FETCH_PATH`].
//! 3. The operator judges and applies it ([`patch`]), and tells what came of it ([`Outcome`]) at [`OUTCOME_PATH`].
//!
//! The admin port has no TLS, a pod's address can become another pod's, and neither path takes a bearer's
//! token. So each of the four messages carries a proof: HMAC-SHA-256 over its kind, the listener's namespace and
//! name and its own fields, under the SHA-256 of the token of whoever asked ([`ProofKey`]). Both sides have
//! that token from the Secret of `spec.desk.tokens`; it never travels. What cannot be proven does not happen:
//! a pod gives settings to nobody but the operator, and the operator writes nothing that no holder of a token
//! with the role `admin` asked for.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Where a wanted change is fetched, on the admin port.
pub const FETCH_PATH: &str = "/report/settings";
/// Where it is told what came of it.
pub const OUTCOME_PATH: &str = "/report/settings/outcome";
/// Bytes of the settings' text.
pub const MAX_SETTINGS_BYTES: usize = 256 * 1024;
/// Bytes of any of these messages: a text of JSON grows in JSON, at worst by six.
pub const MAX_MESSAGE_BYTES: usize = 6 * MAX_SETTINGS_BYTES + 4 * 1024;
/// Seconds within which the operator must take a wanted change.
pub const KEEP_SECONDS: u64 = 600;
/// Characters of a reason for a refusal.
pub const MAX_REASON: usize = 2_000;
/// The role, as it begins a key of the Secret, whose tokens may save.
pub const ROLE: &str = "admin";

/// Which listener a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
}

/// What proofs are made with. Shown nowhere.
#[derive(Clone)]
pub struct ProofKey([u8; 32]);

impl ProofKey {
    /// Of a token.
    pub fn of_token(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Of a token of which the SHA-256 is kept.
    pub fn of_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    fn hmac(&self, kind: &str, place: &Place, fields: &[&str]) -> Hmac<Sha256> {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut hmac = Hmac::<Sha256>::new((&block).into());
        for part in [kind, &place.namespace, &place.name].iter().chain(fields) {
            hmac.update(&(part.len() as u64).to_le_bytes());
            hmac.update(part.as_bytes());
        }
        hmac
    }

    fn prove(&self, kind: &str, place: &Place, fields: &[&str]) -> String {
        let proof = self.hmac(kind, place, fields).finalize().into_bytes();
        hex::encode(proof)
    }

    /// In constant time.
    fn proves(&self, proof: &str, kind: &str, place: &Place, fields: &[&str]) -> bool {
        let Ok(proof) = hex::decode(proof) else { return false };
        self.hmac(kind, place, fields).verify_slice(&proof).is_ok()
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey")
    }
}

/// In a report: that there is something to fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Random; new for each change.
    pub id: String,
    /// Proof over `id`.
    pub proof: String,
}

impl Wanted {
    /// With its proof.
    pub fn new(key: &ProofKey, place: &Place, id: &str) -> Self {
        Self { id: id.to_owned(), proof: key.prove("wanted", place, &[id]) }
    }

    /// Whether whoever has this key asked.
    pub fn is_proven(&self, key: &ProofKey, place: &Place) -> bool {
        key.proves(&self.proof, "wanted", place, &[&self.id])
    }
}

/// The operator asks for a wanted change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// Of which listener.
    pub place: Place,
    /// [`Wanted::id`]
    pub id: String,
    /// Proof over `id`.
    pub proof: String,
}

impl Fetch {
    /// With its proof.
    pub fn new(key: &ProofKey, place: Place, id: &str) -> Self {
        let proof = key.prove("fetch", &place, &[id]);
        Self { place, id: id.to_owned(), proof }
    }

    /// Whether whoever asks has this key.
    pub fn is_proven(&self, key: &ProofKey) -> bool {
        key.proves(&self.proof, "fetch", &self.place, &[&self.id])
    }
}

/// A wanted change.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fetched {
    /// Generation of the resource that was changed.
    pub generation: i64,
    /// The new `spec.settings`, whole: the text of a JSON object.
    pub settings: String,
    /// Proof over the id and both.
    pub proof: String,
}

impl Fetched {
    /// With its proof.
    pub fn new(key: &ProofKey, place: &Place, id: &str, generation: i64, settings: String) -> Self {
        let proof = key.prove("fetched", place, &[id, &generation.to_string(), &settings]);
        Self { generation, settings, proof }
    }

    /// Whether it is what whoever has this key asked for by this id.
    pub fn is_proven(&self, key: &ProofKey, place: &Place, id: &str) -> bool {
        key.proves(&self.proof, "fetched", place, &[id, &self.generation.to_string(), &self.settings])
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// What came of a wanted change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Settled {
    /// It stands in the resource.
    Applied {
        /// Of the resource since.
        generation: i64,
    },
    /// It was not applied.
    Refused {
        /// Why, and what to do: at most [`MAX_REASON`] characters.
        reason: String,
    },
}

impl Settled {
    fn fields(&self) -> [String; 2] {
        match self {
            Self::Applied { generation } => ["applied".to_owned(), generation.to_string()],
            Self::Refused { reason } => ["refused".to_owned(), reason.clone()],
        }
    }
}

/// The operator tells what came of a wanted change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Of which listener.
    pub place: Place,
    /// [`Wanted::id`]
    pub id: String,
    /// What came of it.
    pub settled: Settled,
    /// Proof over `id` and `settled`.
    pub proof: String,
}

impl Outcome {
    /// With its proof. A reason that is too long is cut.
    pub fn new(key: &ProofKey, place: Place, id: &str, mut settled: Settled) -> Self {
        if let Settled::Refused { reason } = &mut settled
            && let Some((end, _)) = reason.char_indices().nth(MAX_REASON)
        {
            reason.truncate(end);
        }
        let [word, detail] = settled.fields();
        let proof = key.prove("outcome", &place, &[id, &word, &detail]);
        Self { place, id: id.to_owned(), settled, proof }
    }

    /// Whether whoever tells it has this key.
    pub fn is_proven(&self, key: &ProofKey) -> bool {
        let [word, detail] = self.settled.fields();
        key.proves(&self.proof, "outcome", &self.place, &[&self.id, &word, &detail])
    }
}

/// The JSON patch (RFC 6902) that puts `settings` in the place of `spec.settings`, if the resource is
/// still of this generation. A merge patch or an apply could not take a member out.
pub fn patch(generation: i64, settings: &Map<String, Value>) -> Value {
    json!([
        {"op": "test", "path": "/metadata/generation", "value": generation},
        {"op": "add", "path": "/spec/settings", "value": settings},
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> Place {
        Place { namespace: "sales".to_owned(), name: name.to_owned() }
    }

    fn key() -> ProofKey {
        ProofKey::of_token(b"a-token-of-an-admin")
    }

    #[test]
    fn a_proof_holds_for_its_message_its_listener_and_its_token_alone() {
        let (other, here, there) = (ProofKey::of_token(b"another-token-of-16"), place("a"), place("b"));
        let wanted = Wanted::new(&key(), &here, "1");
        assert!(wanted.is_proven(&key(), &here));
        assert!(!wanted.is_proven(&other, &here) && !wanted.is_proven(&key(), &there));
        let fetch = Fetch::new(&key(), here.clone(), "1");
        assert!(fetch.is_proven(&key()) && !fetch.is_proven(&other));
        assert_ne!(fetch.proof, wanted.proof, "a proof of one kind is none of another");
        let fetched = Fetched::new(&key(), &here, "1", 3, "{}".to_owned());
        assert!(fetched.is_proven(&key(), &here, "1"));
        assert!(!fetched.is_proven(&key(), &here, "2"));
        for changed in [
            Fetched { generation: 4, ..fetched.clone() },
            Fetched { settings: "{\"a\":1}".to_owned(), ..fetched.clone() },
            Fetched { proof: "zz".to_owned(), ..fetched.clone() },
            Fetched { proof: String::new(), ..fetched },
        ] {
            assert!(!changed.is_proven(&key(), &here, "1"), "{changed:?}");
        }
        let outcome = Outcome::new(&key(), here, "1", Settled::Applied { generation: 4 });
        assert!(outcome.is_proven(&key()));
        assert!(
            !Outcome { settled: Settled::Applied { generation: 5 }, ..outcome.clone() }.is_proven(&key())
        );
        assert!(!Outcome { place: there, ..outcome }.is_proven(&key()));
    }

    #[test]
    fn a_long_reason_is_cut_and_still_proven() {
        let outcome =
            Outcome::new(&key(), place("a"), "1", Settled::Refused { reason: "é".repeat(MAX_REASON + 9) });
        let Settled::Refused { reason } = &outcome.settled else { panic!("{outcome:?}") };
        assert_eq!(reason.chars().count(), MAX_REASON);
        assert!(outcome.is_proven(&key()));
    }

    #[test]
    fn neither_a_key_nor_settings_are_in_debug() {
        let fetched = Fetched::new(&key(), &place("a"), "1", 3, r#"{"region":"eu"}"#.to_owned());
        let said = format!("{:?} {fetched:?}", key());
        assert_eq!(said, "ProofKey Fetched { generation: 3, .. }");
    }
}
