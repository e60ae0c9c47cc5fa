//! Checks of a signature that is not that of the request.

use crds::listener::SignatureVersion;
use secrecy::ExposeSecret as _;

use super::case::{Guess, MAX_GUESSED_BODY};
use super::{Case, Check, Code, Diagnosis, headers, variants};

/// Characters of a cut signature that must be right before it is called so.
const MIN_TRUNCATED: usize = 16;

/// In the order in which they are asked: what is said of the header itself, then single mistakes, then pairs.
const CHECKS: &[Check] = &[
    non_ascii,
    spelling,
    truncated,
    not_a_digest,
    variants::construction,
    variants::uri,
    variants::method,
    variants::body,
    variants::secret,
    variants::uri_and_method,
    v1_fits,
    access_token,
];

/// The first thing that is found, or that nothing is.
pub(super) fn any_of(case: &Case<'_>) -> Diagnosis {
    CHECKS.iter().find_map(|check| check(case)).unwrap_or_else(|| no_match(case))
}

fn header_name(case: &Case<'_>) -> &'static str {
    if case.is_v3() { "X-HubSpot-Signature-v3" } else { "X-HubSpot-Signature" }
}

fn form(case: &Case<'_>) -> &'static str {
    if case.is_v3() {
        "44 characters of standard Base64, with the `=` at the end"
    } else {
        "64 lower-case hex digits"
    }
}

fn non_ascii(case: &Case<'_>) -> Option<Diagnosis> {
    (!case.text?.is_ascii()).then(|| {
        Diagnosis::new(
            Code::NonAscii,
            format!(
                "{} holds characters beyond ASCII; it must be {}. Something on the way changed it.",
                header_name(case),
                form(case)
            ),
        )
    })
}

fn spelling(case: &Case<'_>) -> Option<Diagnosis> {
    let code = case.spelling?.defect?;
    if !case.is_right() {
        return None;
    }
    let found = match code {
        Code::HexInsteadOfBase64 => "is written in hex",
        Code::Base64InsteadOfHex => "is written in Base64",
        Code::UpperCaseHex => "is written in capital letters",
        Code::PaddingMissing => "lacks the `=` at its end",
        Code::UrlSafeAlphabet => "is written with `-` and `_` (the URL-safe alphabet)",
        Code::PlusToSpace => {
            "has spaces where a `+` belongs: something on the way decoded it as a form field"
        }
        Code::Whitespace => "has white space in or around it",
        _ => "has quotes or a prefix around it",
    };
    Some(Diagnosis::new(
        code,
        format!("The signature is the right one, but {found}. {} must be {}.", header_name(case), form(case)),
    ))
}

fn truncated(case: &Case<'_>) -> Option<Diagnosis> {
    let text = case.text?;
    if text.len() < MIN_TRUNCATED || case.spelling.is_some() {
        return None;
    }
    let cut = case.straight().any(|guess| {
        case.verifier.keys.iter().any(|key| {
            case.digest(&guess, key)
                .is_some_and(|digest| headers::written(&digest, case.is_v3()).as_bytes().starts_with(text))
        })
    });
    cut.then(|| {
        Diagnosis::new(
            Code::Truncated,
            format!(
                "{} is cut short: it has {} characters and must be {}. Look for a limit on the length of headers.",
                header_name(case),
                text.len(),
                form(case)
            ),
        )
    })
}

fn not_a_digest(case: &Case<'_>) -> Option<Diagnosis> {
    let text = case.text?;
    case.spelling.is_none().then(|| {
        Diagnosis::new(
            Code::NotADigest,
            format!(
                "{} has {} characters that are a SHA-256 neither in hex nor in Base64; it must be {}.",
                header_name(case),
                text.len(),
                form(case)
            ),
        )
    })
}

fn v1_fits(case: &Case<'_>) -> Option<Diagnosis> {
    if !case.is_v3() || case.v1_beside_fits() != Some(true) {
        return None;
    }
    Some(Diagnosis::new(
        Code::V1FitsV3DoesNot,
        format!(
            "The v1 signature beside it fits, so the secret and the body are right, but v3 fits none of the URLs that \
             were tried. Compare the target URL in HubSpot, letter by letter, with `{}`; then look for something on \
             the way that changes the query, the method or X-HubSpot-Request-Timestamp.",
            case.verifier.base
        ),
    ))
}

fn access_token(case: &Case<'_>) -> Option<Diagnosis> {
    let is_token = |secret: &str| secret.trim_start().starts_with("pat-");
    case.verifier.keys.iter().any(|key| is_token(key.secret().expose_secret())).then(|| {
        Diagnosis::new(
            Code::AccessToken,
            "The configured secret begins with `pat-`: that is the access token of a private app. HubSpot signs with \
             the client secret, which is on the Auth tab of the app.",
        )
    })
}

fn no_match(case: &Case<'_>) -> Diagnosis {
    let beside = match case.v1_beside_fits() {
        Some(false) if case.is_v3() => {
            " The v1 signature beside it, which leaves the URL out, is wrong too: so it is the secret or the body."
        }
        _ => "",
    };
    let bound = if case.received.body.len() > MAX_GUESSED_BODY {
        " The body is over 1 MiB, so only the cheap checks were made."
    } else if case.is_exhausted() {
        " Not every combination was tried, for the work would have been too much."
    } else {
        ""
    };
    Diagnosis::new(
        Code::NoMatch,
        format!(
            "No known mistake explains this signature. Most likely it was made with the client secret of another app \
             (or with an access token, pat-..., instead of the client secret), or something on the way changed the \
             body or the timestamp.{beside}{bound} Compare the secret with the app's Auth tab in HubSpot."
        ),
    )
}

/// The request as received but for its construction.
pub(super) fn guess<'c>(case: &'c Case<'_>, version: SignatureVersion, uri: &'c [u8]) -> Guess<'c> {
    Guess { version, method: case.received.method.as_str(), uri, body: &case.received.body }
}
