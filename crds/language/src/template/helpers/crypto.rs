//! Hashes and keyed hashes.

use hmac::digest::block_api::BlockSizeUser;
use hmac::{Mac, SimpleHmac};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::encoding::{from_base64, to_base64};
use super::{Helper, Outcome, Wrong, helper};
use crate::template::program::Expr;
use crate::template::render::Args;

const NAMES: &str = "md5, sha1, sha224, sha256, sha384 or sha512";

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("aws4", 0, "...", "Refused when the configuration is loaded: it signs a request, and a template has none.",
        ["", "{}", ""], |args| Err(args.error("no request to sign here"))).checked(no_request),
    helper("hash", 3, "algorithm form text", "The hash of the text, in \"hex\" or \"base64\". Algorithms: md5, sha1, sha224, sha256, sha384, sha512.",
        [r#"{{hash "sha1" "hex" a}}"#, r#"{"a":"é"}"#, "bf15be717ac1b080b4f1c456692825891ff5073d"], hash).checked(|args| check(args, 1)),
    helper("hmac", 4, "algorithm key form text [keyForm=\"utf8\"]", "The keyed hash of the text, in \"hex\" or \"base64\"; the key as it is or, with \"base64\", decoded.",
        [r#"{{hmac "sha256" "secret" "hex" a}}"#, r#"{"a":"payload"}"#, "b82fcb791acec57859b989b430a826488ce2e479fdf92326bd0a2e8375a42ba4"], keyed).checked(|args| check(args, 2)),
];

#[expect(clippy::unnecessary_wraps, reason = "the shape of all checks")]
fn no_request(_: &mut [Expr]) -> Option<Wrong> {
    let remedy = "sign where the request is made, in the destination";
    Some(Wrong { arg: None, reason: "aws4: no request to sign here".to_owned(), remedy: remedy.to_owned() })
}

fn check(args: &mut [Expr], form: usize) -> Option<Wrong> {
    let algorithm = args.first().and_then(Expr::literal_text);
    if let Some(name) = algorithm.filter(|name| digest(name, b"").is_none()) {
        let reason = format!("unknown algorithm {name}");
        return Some(Wrong { arg: Some(0), reason, remedy: format!("write {NAMES}") });
    }
    let form_text = args.get(form).and_then(Expr::literal_text).filter(|form| !is_form(form))?;
    let reason = format!("unknown form {form_text}");
    Some(Wrong { arg: Some(form), reason, remedy: "write hex or base64".to_owned() })
}

fn is_form(form: &str) -> bool {
    matches!(form, "hex" | "base64")
}

fn digest(algorithm: &str, text: &[u8]) -> Option<Vec<u8>> {
    Some(match algorithm {
        "md5" => Md5::digest(text).to_vec(),
        "sha1" => Sha1::digest(text).to_vec(),
        "sha224" => Sha224::digest(text).to_vec(),
        "sha256" => Sha256::digest(text).to_vec(),
        "sha384" => Sha384::digest(text).to_vec(),
        "sha512" => Sha512::digest(text).to_vec(),
        _ => return None,
    })
}

fn keyed_with<D: Digest + BlockSizeUser>(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    use hmac::KeyInit;
    let mut mac = SimpleHmac::<D>::new_from_slice(key).ok()?;
    mac.update(text);
    Some(mac.finalize().into_bytes().to_vec())
}

fn written<'a>(args: &Args<'_, 'a>, form: usize, algorithm: &str, bytes: Option<Vec<u8>>) -> Outcome<'a> {
    let bytes = bytes.ok_or_else(|| args.error(format_args!("unknown algorithm {algorithm}: {NAMES}")))?;
    match &*args.text(form) {
        "hex" => args.made(hex::encode(bytes)),
        "base64" => args.made(to_base64(&bytes)),
        other => Err(args.error(format_args!("unknown form {other}: hex or base64"))),
    }
}

fn hash<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let algorithm = args.text(0);
    written(args, 1, &algorithm, digest(&algorithm, args.text(2).as_bytes()))
}

fn keyed<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let (algorithm, key, text) = (args.text(0), args.text(1), args.text(3));
    let key = match &*args.text(4) {
        "base64" => from_base64(&key),
        _ => key.as_bytes().to_vec(),
    };
    let text = text.as_bytes();
    let bytes = match &*algorithm {
        "md5" => keyed_with::<Md5>(&key, text),
        "sha1" => keyed_with::<Sha1>(&key, text),
        "sha224" => keyed_with::<Sha224>(&key, text),
        "sha256" => keyed_with::<Sha256>(&key, text),
        "sha384" => keyed_with::<Sha384>(&key, text),
        "sha512" => keyed_with::<Sha512>(&key, text),
        _ => None,
    };
    written(args, 2, &algorithm, bytes)
}
