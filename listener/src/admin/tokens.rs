//! Tokens of the API: who a bearer is, and what they may do.
//!
//! A token is a key of a Secret, `<role>.<name>`, and its value. Only SHA-256 of a token is kept. A
//! bearer is compared with every token, always with all of them, in constant time.

use std::collections::BTreeMap;

use crds::saving::ProofKey;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Characters of a token at least.
pub(crate) const MIN_TOKEN: usize = 16;
/// Characters of a name at most.
const MAX_NAME: usize = 63;
/// The actor of `--admin-token-file`.
pub(super) const ADMIN: &str = "admin";
/// The actor of `listener dev` without tokens.
pub(super) const DEV: &str = "dev";

/// What somebody may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// Look, without payloads.
    View,
    /// See payloads, and act.
    Operate,
    /// See who did what.
    Admin,
}

impl Role {
    pub(super) const ALL: [Self; 3] = [Self::View, Self::Operate, Self::Admin];

    /// As it stands in a Secret.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// SHA-256 of a token.
pub(super) type Hash = [u8; 32];

/// The tokens of one listener.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    all: Vec<Token>,
    /// Of what they were read from.
    fingerprint: Hash,
}

#[derive(Debug)]
struct Token {
    role: Role,
    name: String,
    hash: Hash,
}

impl Tokens {
    /// From the keys of a Secret and their values; and what is wrong with each key that is left out,
    /// without its value.
    pub(super) fn read(secret: &BTreeMap<String, SecretString>) -> (Self, Vec<String>) {
        let mut tokens = Self { all: Vec::new(), fingerprint: fingerprint(secret) };
        let mut wrong = Vec::new();
        for (key, value) in secret {
            match Token::read(key, value) {
                Ok(token) if tokens.find(value.expose_secret().as_bytes()).is_some() => {
                    wrong.push(format!(
                        "{}.{}: another key has the same token; make one of its own",
                        token.role.as_str(),
                        token.name
                    ));
                }
                Ok(token) => tokens.all.push(token),
                Err(reason) => wrong.push(format!("{key}: {reason}")),
            }
        }
        (tokens, wrong)
    }

    /// Whether these were read from the same.
    pub(super) fn are_of(&self, secret: &BTreeMap<String, SecretString>) -> bool {
        self.fingerprint == fingerprint(secret)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What proofs in somebody's name are made with (see [`crds::saving`]).
    pub(super) fn proof_key(&self, role: Role, name: &str) -> Option<ProofKey> {
        let token = self.all.iter().find(|token| token.role == role && token.name == name)?;
        Some(ProofKey::of_hash(token.hash))
    }

    /// Whose token this is.
    pub(super) fn find(&self, given: &[u8]) -> Option<(Role, &str)> {
        let given = hash(given);
        self.find_by(|hash| hash.ct_eq(&given).into())
    }

    /// Whose token it is that `fits`; all are asked about, always.
    pub(super) fn find_by(&self, fits: impl Fn(&Hash) -> bool) -> Option<(Role, &str)> {
        let mut found = None;
        for Token { role, name, hash } in &self.all {
            if fits(hash) {
                found = Some((*role, name.as_str()));
            }
        }
        found
    }
}

impl Token {
    fn read(key: &str, value: &SecretString) -> Result<Self, String> {
        let example = "name the key <role>.<name>, such as operate.alice";
        let Some((role, name)) = key.split_once('.') else {
            return Err(format!("there is no dot in it; {example}"));
        };
        let Some(role) = Role::parse(role) else {
            return Err(format!("{role} is no role (view, operate, admin); {example}"));
        };
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(format!("the name must have 1 to {MAX_NAME} characters; {example}"));
        }
        if name == ADMIN || name == DEV {
            return Err(format!("the audit log needs the name {name} for others; {example}"));
        }
        let value = value.expose_secret();
        if value.chars().count() < MIN_TOKEN {
            return Err(format!(
                "its token cannot be read, or has less than {MIN_TOKEN} characters; make a longer one, such as with openssl rand -hex 32"
            ));
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("its token has characters that a header cannot carry; make it of letters and digits"
                .to_owned());
        }
        Ok(Self { role, name: name.to_owned(), hash: hash(value.as_bytes()) })
    }
}

/// Of a token.
pub(super) fn hash(token: &[u8]) -> Hash {
    Sha256::digest(token).into()
}

fn fingerprint(secret: &BTreeMap<String, SecretString>) -> Hash {
    let mut hash = Sha256::new();
    for (key, value) in secret {
        for part in [key.as_bytes(), value.expose_secret().as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &[(&str, &str)]) -> (Tokens, Vec<String>) {
        Tokens::read(&keys.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect())
    }

    #[test]
    fn a_bearer_is_found_among_all_tokens_with_role_and_name() {
        let (tokens, wrong) =
            read(&[("view.bob", "0123456789abcdef"), ("operate.alice.b", "fedcba9876543210")]);
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(tokens.find(b"fedcba9876543210"), Some((Role::Operate, "alice.b")));
        assert_eq!(tokens.find(b"0123456789abcdef"), Some((Role::View, "bob")));
        for other in [&b""[..], b"0123456789abcde", b"0123456789abcdef0"] {
            assert_eq!(tokens.find(other), None);
        }
    }

    #[test]
    fn a_bad_key_is_told_without_its_value_and_left_out() {
        let (tokens, wrong) = read(&[
            ("view.bob", "hush"),
            ("alice", "0123456789abcdef"),
            ("root.alice", "0123456789abcdef"),
            ("view.", "0123456789abcdef"),
            ("operate.admin", "0123456789abcdef"),
            ("operate.carol", "0123456789 abcdef"),
            ("operate.dave", "a-good-token-of-its-own"),
            ("view.eve", "a-good-token-of-its-own"),
        ]);
        assert_eq!(tokens.all.len(), 1);
        assert_eq!(tokens.find(b"a-good-token-of-its-own"), Some((Role::Operate, "dave")));
        assert_eq!(wrong.len(), 7, "{wrong:?}");
        let said = format!("{wrong:?} {tokens:?}");
        for value in ["hush", "0123456789", "a-good-token"] {
            assert!(!said.contains(value), "{said}");
        }
    }

    #[test]
    fn no_token_is_no_bearer() {
        assert_eq!(Tokens::default().find(b""), None);
    }
}
