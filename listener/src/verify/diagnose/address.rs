//! The URLs that a sender may have signed instead of the registered one.

use std::collections::HashSet;

use percent_encoding::percent_decode;

use super::{Case, Code};
use crate::verify::escape;
use crate::verify::verifier::query;

/// URLs that are tried at most.
const MAX_VARIANTS: usize = 512;
/// A longer URL is not guessed about: the guesses would cost too much memory.
const MAX_URL: usize = 8 * 1024;

/// A URL that a sender may have signed.
pub(super) struct Address {
    pub(super) uri: Vec<u8>,
    /// The weightiest of its differences from the registered one.
    pub(super) code: Code,
    /// How many they are.
    changes: usize,
}

impl Address {
    /// What to do.
    pub(super) fn remedy(&self) -> &'static str {
        match self.code {
            Code::PathOnly => "Sign the whole URL, with scheme and host.",
            Code::Host => {
                "The host must be the one registered in HubSpot, not one behind a proxy: register this listener's \
                 public URL in HubSpot, or set spec.url.host to the host that HubSpot calls."
            }
            Code::Scheme => {
                "HubSpot signs the URL as registered: register it with the scheme of the public URL."
            }
            Code::Path => {
                "Something on the way rewrites the path: set spec.url.path to the path that is registered in HubSpot."
            }
            Code::TrailingSlash => {
                "A slash at the end counts: make the URL in HubSpot and spec.url.path equal to the letter."
            }
            Code::QueryMissing => "The query belongs to what is signed; or something on the way adds one.",
            Code::QueryReordered => {
                "The query is signed in the order in which it is sent; nothing may sort it."
            }
            _ => "Only the twelve documented escapes are decoded for v3, and none for v2: mend what signs.",
        }
    }
}

/// One part of a URL, with what its difference is called.
type Part = (String, Option<Code>);

/// Every URL that is worth a try, those with the fewest differences first.
pub(super) fn variants(case: &Case<'_>) -> Vec<Address> {
    let base = case.verifier.base.as_str();
    let target = case.received.target.as_str();
    if base.len() + target.len() > MAX_URL {
        return Vec::new();
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));

    let queries = queries(query(target));
    let paths = paths(path, target.split('?').next().unwrap_or_default());
    let other_scheme = if scheme == "https" { "http" } else { "https" };
    let schemes = [(scheme.to_owned(), None), (other_scheme.to_owned(), Some(Code::Scheme))];
    let hosts = hosts(host, case.received.host.as_deref());

    let mut found =
        Found { seen: case.registered.iter().cloned().collect(), addresses: Vec::new(), v3: case.is_v3() };
    for query in &queries {
        for path in &paths {
            found.add(&format!("{}{}", path.0, query.0), &[Some(Code::PathOnly), path.1, query.1]);
            for scheme in &schemes {
                for host in &hosts {
                    let uri = format!("{}://{}{}{}", scheme.0, host.0, path.0, query.0);
                    found.add(&uri, &[host.1, scheme.1, path.1, query.1]);
                }
            }
        }
    }
    let mut addresses = found.addresses;
    addresses.sort_by_key(|address| address.changes);
    addresses.truncate(MAX_VARIANTS);
    addresses
}

struct Found {
    seen: HashSet<Vec<u8>>,
    addresses: Vec<Address>,
    v3: bool,
}

impl Found {
    fn add(&mut self, uri: &str, differences: &[Option<Code>]) {
        let changes = differences.iter().flatten().count();
        let first = differences.iter().flatten().next().copied();
        let mut add = |uri: Vec<u8>, code: Option<Code>, changes| {
            if self.seen.insert(uri.clone()) {
                self.addresses.push(Address { uri, code: code.unwrap_or(Code::UriDecoding), changes });
            }
        };
        let twelve = escape::decode(uri).into_owned().into_bytes();
        // The twelve are rightly decoded in v3 and rightly not in v2.
        add(twelve, first, changes + usize::from(!self.v3));
        add(uri.as_bytes().to_vec(), first, changes);
        if uri.contains('%') {
            let once: Vec<u8> = percent_decode(uri.as_bytes()).collect();
            let twice: Vec<u8> = percent_decode(&once).collect();
            add(once, first, changes + 1);
            add(twice, first, changes + 1);
        }
        if uri.contains('+') {
            let form: Vec<u8> = percent_decode(uri.replace('+', " ").as_bytes()).collect();
            add(form, first, changes + 1);
        }
    }
}

fn queries(query: &str) -> Vec<Part> {
    let mut queries = vec![(query.to_owned(), None)];
    if let Some(pairs) = query.strip_prefix('?') {
        queries.push((String::new(), Some(Code::QueryMissing)));
        let mut sorted: Vec<_> = pairs.split('&').collect();
        sorted.sort_unstable();
        queries.push((format!("?{}", sorted.join("&")), Some(Code::QueryReordered)));
    }
    queries
}

fn paths(registered: &str, received: &str) -> Vec<Part> {
    let slash = registered.strip_suffix('/').map_or_else(|| format!("{registered}/"), str::to_owned);
    let mut paths = vec![(registered.to_owned(), None), (slash.clone(), Some(Code::TrailingSlash))];
    if received.starts_with('/') && received != registered && received != slash {
        paths.push((received.to_owned(), Some(Code::Path)));
    }
    paths
}

fn hosts(registered: &str, received: Option<&str>) -> Vec<Part> {
    let mut hosts = vec![(registered.to_owned(), None)];
    let without_port =
        registered.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let lower = registered.to_ascii_lowercase();
    let others = match without_port {
        Some((name, _)) => vec![name.to_owned(), lower],
        None => vec![format!("{registered}:443"), format!("{registered}:80"), lower],
    };
    for host in received.map(str::to_owned).into_iter().chain(others) {
        if hosts.iter().all(|(known, _)| *known != host) {
            hosts.push((host, Some(Code::Host)));
        }
    }
    hosts
}
