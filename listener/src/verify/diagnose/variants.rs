//! Checks that guess what the sender signed instead of what was received.

use crds::listener::SignatureVersion;
use secrecy::{ExposeSecret as _, SecretString};

use super::address::{self, Address};
use super::case::{Guess, MAX_GUESSED_BODY};
use super::json::{self, STYLES};
use super::signature::guess;
use super::{Case, Code, Diagnosis};
use crate::verify::key::Key;

const METHODS: [&str; 7] = ["POST", "GET", "PUT", "PATCH", "DELETE", "post", "get"];

fn is_too_large(case: &Case<'_>) -> bool {
    case.received.body.len() > MAX_GUESSED_BODY
}

/// Made as another version is.
pub(super) fn construction(case: &Case<'_>) -> Option<Diagnosis> {
    if is_too_large(case) {
        return None;
    }
    let others = [SignatureVersion::V1, SignatureVersion::V2, SignatureVersion::V3];
    let version = others.into_iter().filter(|version| !case.versions.contains(version)).find(|version| {
        (*version != SignatureVersion::V3 || case.timestamp.is_some())
            && case.registered.iter().any(|uri| case.fits(&guess(case, *version, uri)))
    })?;
    let (code, name) = match version {
        SignatureVersion::V1 => (Code::V1Value, "v1"),
        SignatureVersion::V2 => (Code::V2Value, "v2"),
        SignatureVersion::V3 => (Code::V3Value, "v3"),
    };
    let (header, wanted) = if case.is_v3() {
        (
            "X-HubSpot-Signature-v3",
            "v3: Base64 of HMAC-SHA-256 over method, URL, body and timestamp".to_owned(),
        )
    } else {
        let names: Vec<_> =
            case.versions.iter().map(|version| format!("{version:?}").to_lowercase()).collect();
        ("X-HubSpot-Signature", names.join(" or "))
    };
    Some(Diagnosis::new(
        code,
        format!(
            "The value is the right {name} signature, but {header} must hold {wanted}. The secret is right; mend what \
             signs."
        ),
    ))
}

/// Signed over another URL.
pub(super) fn uri(case: &Case<'_>) -> Option<Diagnosis> {
    if is_too_large(case) {
        return None;
    }
    let addresses = address::variants(case);
    let address = addresses
        .iter()
        .find(|address| with_uri(case).any(|version| case.fits(&guess(case, version, &address.uri))))?;
    Some(Diagnosis::new(address.code, said(case, address)))
}

/// Signed over another method.
pub(super) fn method(case: &Case<'_>) -> Option<Diagnosis> {
    if is_too_large(case) {
        return None;
    }
    let method = other_methods(case).find(|method| {
        with_uri(case).any(|version| {
            case.registered.iter().any(|uri| case.fits(&Guess { method, ..guess(case, version, uri) }))
        })
    })?;
    Some(Diagnosis::new(
        Code::Method,
        format!(
            "The signature is over the method {method}, but the request came as {}. HubSpot signs the method it \
             sends: look for a proxy or a redirect that changes it.",
            case.received.method
        ),
    ))
}

/// Signed over another URL and another method. Last, for it is the most work.
pub(super) fn uri_and_method(case: &Case<'_>) -> Option<Diagnosis> {
    if is_too_large(case) {
        return None;
    }
    let addresses = address::variants(case);
    let (address, method) = addresses.iter().find_map(|address| {
        let method = other_methods(case).find(|method| {
            with_uri(case).any(|version| case.fits(&Guess { method, ..guess(case, version, &address.uri) }))
        })?;
        Some((address, method))
    })?;
    Some(Diagnosis::new(
        address.code,
        format!(
            "{} It is also over the method {method}, but the request came as {}.",
            said(case, address),
            case.received.method
        ),
    ))
}

/// Signed over a body with other white space, or printed in another way.
pub(super) fn body(case: &Case<'_>) -> Option<Diagnosis> {
    if is_too_large(case) {
        return None;
    }
    let body = &case.received.body[..];
    let fits = |body: &[u8]| case.straight().any(|straight| case.fits(&Guess { body, ..straight }));

    if let Some(difference) = [
        (body.trim_ascii().to_vec(), "without the white space around it"),
        ([body, b"\n"].concat(), "with a newline at its end"),
        ([body, b"\r\n"].concat(), "with CR LF at its end"),
        (replaced(body, b"\r\n", b"\n"), "with LF where CR LF was received"),
        (replaced(body, b"\n", b"\r\n"), "with CR LF where LF was received"),
    ]
    .into_iter()
    .filter(|(variant, _)| variant != body)
    .find_map(|(variant, difference)| fits(&variant).then_some(difference))
    {
        return Some(Diagnosis::new(
            Code::BodyWhitespace,
            format!(
                "The signature is over the body {difference}. Something on the way changes the body: the bytes must \
                 arrive as HubSpot sent them."
            ),
        ));
    }
    let style = STYLES.iter().find(|style| json::print(body, style).is_some_and(|printed| fits(&printed)))?;
    Some(Diagnosis::new(
        Code::BodyReserialised,
        format!(
            "The signature is over the same JSON, printed {}. Something on the way (or the sender) parses the body \
             and prints it again: the bytes must arrive as they were signed.",
            style.name
        ),
    ))
}

/// Signed with a secret that differs in white space at its ends.
pub(super) fn secret(case: &Case<'_>) -> Option<Diagnosis> {
    if is_too_large(case) {
        return None;
    }
    let fits = |secret: String| {
        let key = Key::new(SecretString::from(secret));
        case.straight().any(|straight| case.fits_with(&straight, &key))
    };
    case.verifier.keys.iter().find_map(|key| {
        let secret = key.secret().expose_secret();
        let trimmed = secret.trim();
        let message = if trimmed != secret && fits(trimmed.to_owned()) {
            "The signature fits when the white space around the configured secret is taken away. Write the secret \
             without it: `echo -n`, `kubectl create secret generic ... --from-literal`, or `stringData` in a manifest."
        } else if ["\n", "\r\n", " "].iter().any(|end| fits(format!("{secret}{end}"))) {
            "The sender signs with a newline or a space at the end of the secret: take it away where the sender reads \
             it. HubSpot itself does not do so."
        } else {
            return None;
        };
        Some(Diagnosis::new(Code::SecretWhitespace, message))
    })
}

fn with_uri(case: &Case<'_>) -> impl Iterator<Item = SignatureVersion> {
    case.versions.iter().copied().filter(|version| *version != SignatureVersion::V1)
}

fn other_methods(case: &Case<'_>) -> impl Iterator<Item = &'static str> {
    METHODS.into_iter().filter(|method| *method != case.received.method.as_str())
}

fn said(case: &Case<'_>, address: &Address) -> String {
    let shown = |uri: &[u8]| -> String {
        let text: String = String::from_utf8_lossy(uri).chars().take(300).collect();
        text.escape_debug().to_string()
    };
    let registered = case.registered.last().map(|uri| shown(uri)).unwrap_or_default();
    format!(
        "The signature is over `{}`, but the public URL of this listener, with the query received, is `{registered}`. {}",
        shown(&address.uri),
        address.remedy()
    )
}

fn replaced(body: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut start = 0;
    for at in memchr::memmem::find_iter(body, from) {
        out.extend_from_slice(&body[start..at]);
        out.extend_from_slice(to);
        start = at + from.len();
    }
    out.extend_from_slice(&body[start..]);
    out
}
