//! `listener verify`

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use bytes::Bytes;
use crds::listener::{Signature, SignatureVersion};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use uuid::Uuid;

use super::secrets::SecretArgs;
use crate::verify::vectors::{self, Vector};
use crate::verify::{Received, Request, SIGNATURE, SIGNATURE_V3, Verifier};
use language::clock::Clock;

/// Bytes of a file that is read.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Judge signatures: one request, or a file of test vectors.
///
/// With --url it judges one request as a listener would, and where it is refused says what is really wrong: a wrong
/// host or scheme in the URL, a body that was printed again, a clock that is off, and so on. It exits with 0 when
/// the request is accepted and with 1 when it is refused.
///
/// With --vectors it judges each request of a file and compares the verdict with the one that the file expects. It
/// exits with 1 when any differs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A file of test vectors: JSON, {"vectors": [...]}; each names its secret, request, clock and verdict.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "body", "header", "at", "signature", "secret_file", "secret"])]
    vectors: Option<PathBuf>,

    #[command(flatten)]
    secrets: SecretArgs,

    /// Method of the request.
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    method: Method,

    /// The public URL as registered in HubSpot, with the query as it was received.
    #[arg(long, value_name = "URL", required_unless_present = "vectors")]
    url: Option<String>,

    /// File with the body, byte for byte as received. Left out: an empty body.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// A header of the request, as 'Name: value'. May be given several times.
    #[arg(long, value_name = "K: V", value_parser = parse_header)]
    header: Vec<(HeaderName, HeaderValue)>,

    /// When to judge: epoch milliseconds, or a time such as 2026-11-25T08:00:00Z. Left out: now.
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_negative_numbers = true)]
    at: Option<i64>,

    /// The versions that are taken, as v3,v2. Left out: all that the request has a header of.
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', value_parser = parse_version)]
    signature: Vec<SignatureVersion>,
}

const EXAMPLES: &str = "\
Examples:
  Why was this request refused?
    listener verify --secret-file secret.txt --url https://hooks.example.com/sales/contacts \\
      --body body.json --at 2026-11-25T08:00:00Z \\
      --header 'X-HubSpot-Signature-v3: mfRc4EGlbeAt4Knn3UmydK91QyGDv+ZlL5EV/r9fl3Q=' \\
      --header 'X-HubSpot-Request-Timestamp: 1790000000000'

  Does this binary agree with the test vectors?
    listener verify --vectors tests/fixtures/hubspot/vectors.json";

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { vectors, secrets, method, url, body, header, at, signature } = args;
    match (vectors, url) {
        (Some(file), _) => run_vectors(&file),
        (None, Some(url)) => {
            if secrets.is_empty() {
                bail!("no client secret: give --secret-file FILE (or --secret SECRET)");
            }
            let body = body.as_deref().map(read).transpose()?.unwrap_or_default();
            let at_ms = at.unwrap_or_else(|| Clock::System.now_ms());
            let received = received(method, &url, header, body, at_ms);
            let versions =
                if signature.is_empty() { versions_with_header(&received.headers) } else { signature };
            let allowed = Signature { versions, ..Signature::default() };
            let verifier = Verifier::new(&secrets.read()?, &url, &allowed);
            let (is_accepted, text) = judge(&verifier, received, at_ms);
            println!("{text}");
            Ok(if is_accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        (None, None) => bail!("give --url (one request) or --vectors (a file of test vectors)"),
    }
}

fn received(
    method: Method,
    url: &str,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    at_ms: i64,
) -> Received {
    let (host, target) = vectors::split_url(url);
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name, value);
    }
    let seen = map.get(http::header::HOST).and_then(|value| value.to_str().ok()).unwrap_or(host).to_owned();
    Received {
        id: Uuid::nil(),
        at_ms,
        method,
        target: target.to_owned(),
        host: Some(seen),
        headers: map,
        body,
        peer: None,
    }
}

fn versions_with_header(headers: &HeaderMap) -> Vec<SignatureVersion> {
    let mut versions = Vec::new();
    if headers.contains_key(SIGNATURE_V3) {
        versions.push(SignatureVersion::V3);
    }
    if headers.contains_key(SIGNATURE) {
        versions.extend([SignatureVersion::V2, SignatureVersion::V1]);
    }
    if versions.is_empty() {
        versions.push(SignatureVersion::V3);
    }
    versions
}

fn judge(verifier: &Verifier, received: Received, at_ms: i64) -> (bool, String) {
    match verifier.verify(Request::new(received), at_ms) {
        Ok(_) => (true, "accepted: the signature is right".to_owned()),
        Err(rejection) => {
            let cause = rejection.cause;
            let text = match verifier.diagnose(rejection.request.received(), cause, at_ms) {
                Some(found) => {
                    format!("refused: {}\nfound:   {}\n{}", cause.code(), found.code, found.message)
                }
                None => format!("refused: {}", cause.code()),
            };
            (false, text)
        }
    }
}

fn run_vectors(path: &Path) -> anyhow::Result<ExitCode> {
    let file = vectors::parse(&read(path)?).with_context(|| path.display().to_string())?;
    if file.vectors.is_empty() {
        bail!("{} holds no vector", path.display());
    }
    let width = file.vectors.iter().map(|vector| vector.name.chars().count()).max().unwrap_or(0);
    let mut differing = 0_usize;
    println!("{:width$}  {:8}  {:8}  {:18}  verdict", "name", "expected", "got", "cause");
    for vector in &file.vectors {
        let (as_expected, line) = line(vector, width);
        differing += usize::from(!as_expected);
        println!("{line}");
    }
    println!(
        "{} vectors, {} as expected, {differing} differ",
        file.vectors.len(),
        file.vectors.len() - differing
    );
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(vector: &Vector, width: usize) -> (bool, String) {
    let (got, cause, verdict, as_expected) = match vector.judge() {
        Ok(judgement) => {
            let got = if judgement.cause.is_none() { "accept" } else { "reject" };
            let cause = judgement.cause.map_or("-", crate::verify::Cause::code);
            let verdict = if judgement.as_expected { "ok".to_owned() } else { "DIFFERS".to_owned() };
            (got, cause, verdict, judgement.as_expected)
        }
        Err(error) => ("-", "-", format!("DIFFERS: {error}"), false),
    };
    let expected = vector.expect.as_str();
    (as_expected, format!("{:width$}  {expected:8}  {got:8}  {cause:18}  {verdict}", vector.name))
}

/// Reads a file up to a bound.
pub(super) fn read(path: &Path) -> anyhow::Result<Bytes> {
    let failed = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).with_context(failed)?.take(MAX_FILE + 1).read_to_end(&mut bytes).with_context(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        bail!("{} is longer than {MAX_FILE} bytes", path.display());
    }
    Ok(Bytes::from(bytes))
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header looks like 'Name: value'")?;
    let name =
        HeaderName::try_from(name.trim()).map_err(|_| "the name of the header is not one".to_owned())?;
    // HTTP strips the white space around a value.
    let value = HeaderValue::from_bytes(value.trim_matches([' ', '\t']).as_bytes())
        .map_err(|_| "the value holds characters that HTTP cannot carry".to_owned())?;
    Ok((name, value))
}

fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(at_ms) = text.parse() {
        return Ok(at_ms);
    }
    text.parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_millisecond)
        .map_err(|_| "neither epoch milliseconds nor a time such as 2026-11-25T08:00:00Z".to_owned())
}

/// `v1`, `v2` or `v3`.
pub(super) fn parse_version(text: &str) -> Result<SignatureVersion, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "v1" => Ok(SignatureVersion::V1),
        "v2" => Ok(SignatureVersion::V2),
        "v3" => Ok(SignatureVersion::V3),
        _ => Err("a version is v1, v2 or v3".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(arguments: &[&str]) -> Result<Args, clap::Error> {
        Command::try_parse_from([&["verify"], arguments].concat()).map(|command| command.args)
    }

    const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hubspot/vectors.json");

    #[test]
    fn the_vectors_of_the_repository_exit_with_success_and_a_wrong_one_does_not() {
        assert_eq!(run(parsed(&["--vectors", VECTORS]).unwrap()).unwrap(), ExitCode::SUCCESS);
        let mut file: serde_json::Value = serde_json::from_slice(&read(Path::new(VECTORS)).unwrap()).unwrap();
        file["vectors"][0]["signature"] = "wrong".into();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vectors.json");
        std::fs::write(&path, file.to_string()).unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(run(parsed(&["--vectors", path]).unwrap()).unwrap(), ExitCode::FAILURE);
    }

    #[test]
    fn one_request_is_judged_and_explained_without_its_secret() {
        let file = vectors::parse(&read(Path::new(VECTORS)).unwrap()).unwrap();
        for (name, accepted, found) in [
            ("v3-creation", true, "accepted"),
            ("reject-signed-http", false, "found:   scheme"),
            ("reject-age-300001", false, "found:   too_old"),
        ] {
            let vector = file.vectors.iter().find(|vector| vector.name == name).unwrap();
            let args = parsed(&[
                "--secret",
                "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41",
                "--url",
                &vector.url,
                "--at",
                &vector.now_ms.to_string(),
                "--header",
                &format!("x-hubspot-signature-v3:  {}", vector.signature.as_deref().unwrap()),
                "--header",
                &format!("X-HubSpot-Request-Timestamp: {}", vector.timestamp.as_deref().unwrap()),
            ])
            .unwrap();
            assert!(!format!("{args:?}").contains("0b9f3c52"), "{args:?}");
            let at_ms = args.at.unwrap();
            let received = received(args.method, &vector.url, args.header, vector.body().unwrap(), at_ms);
            let versions = versions_with_header(&received.headers);
            let allowed = Signature { versions, ..Signature::default() };
            let verifier = Verifier::new(&args.secrets.read().unwrap(), &vector.url, &allowed);
            let (is_accepted, text) = judge(&verifier, received, at_ms);
            assert_eq!(is_accepted, accepted, "{text}");
            assert!(text.contains(found) && !text.contains("0b9f3c52"), "{text}");
        }
    }

    #[test]
    fn a_request_without_what_it_needs_is_a_mistake_of_the_caller() {
        assert!(parsed(&[]).is_err());
        assert!(parsed(&["--vectors", VECTORS, "--url", "https://a.example/"]).is_err());
        assert!(parsed(&["--url", "u", "--header", "nonsense"]).is_err());
        assert!(parsed(&["--url", "u", "--at", "yesterday"]).is_err());
        assert!(parsed(&["--url", "u", "--signature", "v3,v4"]).is_err());
        assert!(run(parsed(&["--url", "https://a.example/"]).unwrap()).is_err());
        let args = parsed(&["--url", "u", "--at", "2026-11-25T08:00:00Z", "--signature", "v3,v1"]).unwrap();
        assert_eq!(args.at, Some(1_795_593_600_000));
        assert_eq!(args.signature, [SignatureVersion::V3, SignatureVersion::V1]);
    }
}
