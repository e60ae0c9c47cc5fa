//! What no rule of the API server can say, and needs no look at the cluster.
//!
//! A check is a named function in [`CHECKS`]. Each looks at one thing.

use url::Url;

use super::Refusal;
use crate::HubSpotListenerSpec;
use crate::listener::Header;

/// Checks one thing of a spec.
type Check = fn(&HubSpotListenerSpec) -> Vec<Refusal>;

/// All checks, in the order of the spec's fields.
pub(super) const CHECKS: &[Check] = &[
    public_host,
    public_path,
    answer_header_values,
    hook_url,
    hook_header_values,
    destination_urls,
    destination_header_values,
    desk_url,
    notice_urls,
    notice_header_values,
    scopes_beside_settings,
    super::objects::object_names,
];

/// The rule knows the characters of a host; here the lengths and the port.
fn public_host(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let Some(host) = &spec.url.host else { return Vec::new() };
    let (name, port) = host.split_once(':').map_or((host.as_str(), None), |(name, port)| (name, Some(port)));
    let mut refusals = Vec::new();
    let mut refuse = |reason: &str, remedy: &str| {
        refusals.push(Refusal::new("spec.url.host", reason, remedy));
    };
    if name.len() > 253 || name.split('.').any(|label| label.len() > 63) {
        refuse(
            "DNS knows no host that is so long",
            "write at most 63 characters between dots, and 253 in all",
        );
    }
    let digits = port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    if digits.is_some_and(|port| port.parse::<u16>().unwrap_or(0) == 0) {
        refuse("there is no such port", "write a port from 1 to 65535, or none for 443");
    }
    refusals
}

/// HubSpot signs the URL as it was registered, so the path must be one that nobody on the way rewrites.
fn public_path(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let Some(path) = &spec.url.path else { return Vec::new() };
    let mut refusals = Vec::new();
    let mut refuse = |reason: &str, remedy: &str| {
        refusals.push(Refusal::new("spec.url.path", reason, remedy));
    };
    if !path.bytes().all(is_path_byte) {
        refuse(
            "a path has only letters, digits and a few signs",
            "write other characters percent-encoded, a space as %20",
        );
    }
    let broken = path
        .split('%')
        .skip(1)
        .any(|after| !after.as_bytes().get(..2).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit)));
    if broken {
        refuse("% is not followed by two hexadecimal digits", "write % itself as %25");
    }
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        refuse(
            "proxies rewrite /./ and /../, and the signature would not fit",
            "write the path without them",
        );
    }
    // An Ingress and an HTTPRoute refuse these.
    if path.contains("//") || path.to_ascii_lowercase().contains("%2f") {
        refuse("proxies take // and %2F for /, and the signature would not fit", "write single / only");
    }
    refusals
}

/// `pchar` of RFC 3986 and `/`. `?` and `#` have a rule of their own.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%?#".contains(&byte)
}

fn answer_header_values(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let headers = spec.response.headers.iter().enumerate();
    headers
        .filter_map(|(at, header)| header_value(&format!("spec.response.headers[{at}].value"), &header.value))
        .collect()
}

/// A URL without handlebars must be one; with handlebars it is looked at when it is rendered.
fn destination_urls(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let destinations = spec.destinations.iter().enumerate();
    destinations
        .filter_map(|(at, destination)| Some((at, destination.http.as_ref()?)))
        .filter_map(|(at, http)| sent_to(format!("spec.destinations[{at}].http.url"), &http.url))
        .collect()
}

fn hook_url(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let hook = spec.pre_page.iter();
    hook.filter_map(|hook| sent_to("spec.prePage.http.url".to_owned(), &hook.http.url)).collect()
}

fn sent_to(field: String, text: &str) -> Option<Refusal> {
    // The rule has spoken about those that begin otherwise.
    if text.contains("{{") || !(text.starts_with("https://") || text.starts_with("http://")) {
        return None;
    }
    let (reason, remedy) = match Url::parse(text) {
        Err(error) => {
            (format!("this is not a URL: {error}"), "write one such as https://warehouse.example.com/hubspot")
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => (
            "a name or password in a URL is seen by everybody who sees the manifest".to_owned(),
            "take it out and send it as a header with valueFrom.secretKeyRef",
        ),
        Ok(url) if url.fragment().is_some() => {
            ("what follows # is never sent".to_owned(), "remove it, or write # as %23")
        }
        Ok(_) => return None,
    };
    Some(Refusal::new(field, reason, remedy))
}

fn destination_header_values(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let destinations = spec.destinations.iter().enumerate();
    destinations
        .filter_map(|(at, destination)| Some((at, destination.http.as_ref()?)))
        .flat_map(|(at, http)| header_values(&format!("spec.destinations[{at}].http"), &http.headers))
        .collect()
}

fn hook_header_values(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    spec.pre_page.iter().flat_map(|hook| header_values("spec.prePage.http", &hook.http.headers)).collect()
}

fn desk_url(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let url = spec.desk.url.iter().filter(|url| !url.contains("{{"));
    url.filter_map(|url| sent_to("spec.desk.url".to_owned(), url)).collect()
}

fn notice_urls(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let targets = spec.desk.notices.iter().enumerate();
    targets
        .filter_map(|(at, notice)| Some((at, notice.target()?)))
        .filter_map(|(at, (field, target))| {
            sent_to(format!("spec.desk.notices[{at}].{field}.url"), &target.url)
        })
        .collect()
}

fn notice_header_values(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let targets = spec.desk.notices.iter().enumerate();
    targets
        .filter_map(|(at, notice)| Some((at, notice.target()?)))
        .flat_map(|(at, (field, target))| {
            header_values(&format!("spec.desk.notices[{at}].{field}"), &target.headers)
        })
        .collect()
}

fn header_values(field: &str, headers: &[Header]) -> Vec<Refusal> {
    let of = |(at, header): (usize, &Header)| {
        header_value(&format!("{field}.headers[{at}].value"), header.value.as_deref()?)
    };
    headers.iter().enumerate().filter_map(of).collect()
}

/// Of the text as written; what a template puts in is looked at when it is rendered.
fn header_value(field: &str, value: &str) -> Option<Refusal> {
    if value.contains(['\r', '\n']) {
        return Some(Refusal::new(
            field,
            "a header's value is one line",
            "remove the line break; `|` in YAML leaves one at the end, `|-` does not",
        ));
    }
    let bad = value.chars().any(|c| c != '\t' && !(' '..='~').contains(&c));
    bad.then(|| Refusal::new(field, "a header's value has only ASCII", "write ASCII, or encode the value"))
}

/// The listener's own settings lie over the shared ones: an object over a scope is merged with it,
/// anything else would hide the whole of it.
fn scopes_beside_settings(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let from = spec.settings_from.iter().enumerate();
    let hides = |scope: &str| spec.settings.get(scope).is_some_and(|own| !own.is_object());
    from.filter(|(_, from)| hides(&from.scope))
        .map(|(at, from)| {
            Refusal::new(
                format!("spec.settingsFrom[{at}].scope"),
                format!(
                    "settings has a member {} of its own that is no object and would hide it",
                    from.scope
                ),
                "rename the one or the other, or write an object, which is laid over the shared one",
            )
        })
        .collect()
}
