//! Who asked: the holder of a token in the Secret of `spec.desk.tokens`.

use crds::HubSpotListener;
use crds::saving::{Place, ProofKey, ROLE, Wanted};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use zeroize::Zeroize;

use crate::run::said::said;

/// Keys of a Secret that are looked at: as many as a listener reads.
const MAX_KEYS: usize = 256;

/// Somebody who may save.
#[derive(Debug)]
pub(super) struct Bearer {
    /// Their name.
    pub(super) name: String,
    /// What they prove with.
    pub(super) key: ProofKey,
}

/// Finds the one who proves the wish. An error is a reason to try again later.
pub(super) async fn find(
    client: &Client,
    listener: &HubSpotListener,
    place: &Place,
    wanted: &Wanted,
) -> Result<Option<Bearer>, String> {
    let Some(tokens) = &listener.spec.desk.tokens else { return Ok(None) };
    let api: Api<Secret> = Api::namespaced(client.clone(), &place.namespace);
    let secret = api.get_opt(&tokens.secret_name).await;
    let Some(secret) = secret.map_err(|error| format!("the Secret of its tokens: {}", said(&error)))? else {
        return Ok(None);
    };
    let mut found = None;
    for (key, mut value) in secret.data.unwrap_or_default().into_iter().take(MAX_KEYS) {
        if let Some(name) = admin(&key) {
            let proof = ProofKey::of_token(without_newline(&value.0));
            if wanted.is_proven(&proof, place) {
                found = Some(Bearer { name: name.to_owned(), key: proof });
            }
        }
        value.0.zeroize();
    }
    Ok(found)
}

/// The name in a key of the role that may save.
fn admin(key: &str) -> Option<&str> {
    let (role, name) = key.split_once('.')?;
    (role == ROLE && !name.is_empty()).then_some(name)
}

/// One newline at the end is no part of a token, as a listener reads it.
fn without_newline(token: &[u8]) -> &[u8] {
    let token = token.strip_suffix(b"\n").unwrap_or(token);
    token.strip_suffix(b"\r").unwrap_or(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_admins_count() {
        assert_eq!(admin("admin.ada"), Some("ada"));
        assert_eq!(admin("admin.ada.l"), Some("ada.l"));
        for key in ["operate.olaf", "view.vera", "admin", "admin.", "Admin.ada", "admin-ada"] {
            assert_eq!(admin(key), None, "{key}");
        }
    }

    #[test]
    fn a_newline_at_the_end_is_no_part_of_a_token() {
        for (written, token) in
            [(&b"abc\n"[..], &b"abc"[..]), (b"abc\r\n", b"abc"), (b"a\nc", b"a\nc"), (b"", b"")]
        {
            assert_eq!(without_newline(written), token);
        }
    }
}
