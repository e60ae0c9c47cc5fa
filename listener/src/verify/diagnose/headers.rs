//! Checks of which headers there are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Case, Code, Diagnosis};
use crate::verify::cause::Cause;
use crate::verify::headers::{REQUEST_TIMESTAMP, SIGNATURE, SIGNATURE_V3, Single, single};
use crate::verify::key::is_hex_of;
use crate::verify::verifier::query;

/// A header stands more than once, where it matters.
pub(super) fn several(case: &Case<'_>) -> Option<Diagnosis> {
    let headers = &case.received.headers;
    let names: &[_] = if case.is_v3() { &[SIGNATURE_V3, REQUEST_TIMESTAMP] } else { &[SIGNATURE] };
    let name = names.iter().find(|name| single(headers, name) == Single::Several)?;
    Some(Diagnosis::new(
        Code::SeveralHeaders,
        format!(
            "The header {name} stands more than once, so it cannot be told which one counts. HubSpot sends it \
             once: look for a proxy that adds or copies headers."
        ),
    ))
}

/// No signature of an allowed version.
pub(super) fn no_signature(case: &Case<'_>) -> Option<Diagnosis> {
    if case.cause != Cause::MissingSignature {
        return None;
    }
    let headers = &case.received.headers;
    let allowed = allowed(case);
    match (single(headers, &SIGNATURE), single(headers, &SIGNATURE_V3)) {
        (Single::Absent, Single::Absent) => Some(Diagnosis::new(
            Code::NoSignature,
            "There is no signature header of any version. Webhook subscriptions are always signed; a workflow's \
             \"send a webhook\" action is not, unless request-signature authentication is chosen in it and an app \
             named. If HubSpot did sign it, look for a proxy that drops X-HubSpot-... headers.",
        )),
        (Single::Absent, _) => Some(Diagnosis::new(
            Code::VersionNotAllowed,
            format!(
                "There is a v3 signature, but this listener takes {allowed} only. Add v3 to spec.signature.versions."
            ),
        )),
        (header, _) => {
            let fits = if let Single::One(text) = header { plain_version(case, text) } else { None };
            let message = match fits {
                Some(version) => format!(
                    "There is a right {version} signature, but this listener takes {allowed} only. Add {version} to \
                     spec.signature.versions if such requests are wanted: workflows sign with v2. It carries no \
                     time, so such requests can be replayed."
                ),
                None => format!(
                    "There is a v1 or v2 signature, which fits neither as v1 nor as v2, and this listener takes \
                     {allowed} only. Webhook subscriptions are signed with v3 as well: look for a proxy that drops \
                     X-HubSpot-Signature-v3."
                ),
            };
            Some(Diagnosis::new(Code::VersionNotAllowed, message))
        }
    }
}

/// v3 without its timestamp.
pub(super) fn no_timestamp(case: &Case<'_>) -> Option<Diagnosis> {
    (case.cause == Cause::MissingTimestamp).then(|| {
        Diagnosis::new(
            Code::NoTimestamp,
            "There is a v3 signature without X-HubSpot-Request-Timestamp. HubSpot sends both: look for a proxy that \
             drops the header, or send the time in epoch milliseconds.",
        )
    })
}

fn allowed(case: &Case<'_>) -> String {
    let allowed = case.verifier.allowed;
    let versions = [(allowed.v1, "v1"), (allowed.v2, "v2"), (allowed.v3, "v3")];
    let names: Vec<_> =
        versions.iter().filter(|(is_allowed, _)| *is_allowed).map(|(_, name)| *name).collect();
    if names.is_empty() { "no version".to_owned() } else { names.join(" and ") }
}

/// Which of v1 and v2 a signature is right as.
fn plain_version(case: &Case<'_>, text: &[u8]) -> Option<&'static str> {
    let body = &case.received.body;
    let method = case.received.method.as_str().as_bytes();
    let uri = format!("{}{}", case.verifier.base, query(&case.received.target));
    let uri = crate::verify::key::Uri::whole(uri.as_bytes());
    case.verifier.keys.iter().find_map(|key| {
        if is_hex_of(text, &key.v1(body)).into() {
            Some("v1")
        } else if is_hex_of(text, &key.v2(method, uri, body)).into() {
            Some("v2")
        } else {
            None
        }
    })
}

/// The right value of the header, for comparing a piece of it; never for a message.
pub(super) fn written(digest: &[u8; 32], base64: bool) -> String {
    if base64 { STANDARD.encode(digest) } else { hex::encode(digest) }
}
