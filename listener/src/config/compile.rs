//! Makes the running state of a listener from its inputs, as a whole or not at all.
//! Pure: it reads nothing and waits for nothing.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crds::HubSpotListenerSpec;
use crds::check::Refusal;
use crds::listener::{Destination, Header, HttpDestination, PrePage, RateLimit, Retry, Transform};
use http::{HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::faults::Faults;
use super::live::{Answer, Live, LiveDestination, Target};
use super::public_url;
use super::source::{Inputs, Refused};
use crate::deliver::AddressPolicy;
use crate::store::PRE_PAGE;
use crate::store::postgres::{UrlError, check_url};
use crate::verify::Verifier;
use language::filter::{Filter, Surroundings};
use language::manifest::compile as manifest_compile;
use language::mapping::Mapping;
use language::settings;
use language::template::{Json, Place, Scope, Template};

/// The running state, or every mistake that keeps it from running.
pub fn compile(inputs: Inputs) -> Result<Live, Refused> {
    let mut refusals = crds::check::check(&inputs.configuration.spec);
    check_addresses(&inputs.configuration.allowed_addresses, &mut refusals);
    let database = database(&inputs, &mut refusals);
    let url = public_url::check(&inputs.configuration.public_url, &mut refusals);
    let secrets = client_secrets(&inputs, &mut refusals);
    let settings = settings::merge(&inputs.configuration.spec, &inputs.config_maps).unwrap_or_else(|wrong| {
        refusals.extend(wrong);
        Json::default()
    });
    let listener = describe(&inputs);
    let surroundings = Surroundings::new(&settings, &listener);

    let mut build = Build { inputs: &inputs, settings: &settings, listener: &listener, refusals };
    let spec = &inputs.configuration.spec;
    let answer = build.answer();
    let destinations = spec
        .destinations
        .iter()
        .enumerate()
        .filter_map(|(at, destination)| build.destination(at, destination))
        .map(Arc::new)
        .collect();
    let notices = build.notices();
    let hook = spec.pre_page.as_ref().and_then(|hook| build.hook(hook)).map(Arc::new);
    let filter = build.filter("spec.filter", spec.filter.as_deref());
    let trace_key = build.template("spec.traceKeyTemplate", spec.trace_key_template.as_deref(), Place::Raw);
    let data_uri = build.template("spec.dataUriTemplate", spec.data_uri_template.as_deref(), Place::Uri);

    let mut refusals = build.refusals;
    let (Some(url), Some(answer), true) = (url, answer, refusals.is_empty()) else {
        // What the spec's own check says is not said again by what is built of it.
        let mut seen = std::collections::HashSet::new();
        refusals.retain(|refusal| seen.insert(refusal.field.clone()));
        return Err(Refused { refusals });
    };
    let verifier = Verifier::new(&secrets, &inputs.configuration.public_url, &spec.signature);
    Ok(Live {
        path: url.path,
        verifier,
        answer,
        surroundings,
        filter,
        hook,
        destinations,
        notices,
        trace_key,
        data_uri,
        faults: Faults::default(),
        database,
        settings,
        listener,
        configuration: inputs.configuration,
    })
}

fn check_addresses(blocks: &[String], refusals: &mut Vec<Refusal>) {
    if let Err(error) = AddressPolicy::parse(blocks) {
        let remedy = "write blocks as 10.0.0.0/8 or fd00::/8";
        refusals.push(Refusal::new("allowedAddresses", error.to_string(), remedy));
    }
}

fn client_secrets(inputs: &Inputs, refusals: &mut Vec<Refusal>) -> Vec<SecretString> {
    let mut found = Vec::new();
    for (at, reference) in inputs.configuration.spec.client_secrets.iter().enumerate() {
        let field = format!("spec.clientSecrets[{at}]");
        if let Some(secret) = secret(inputs, &field, &reference.name, &reference.key, refusals) {
            found.push(secret);
        }
    }
    found
}

fn secret(
    inputs: &Inputs,
    field: &str,
    name: &str,
    key: &str,
    refusals: &mut Vec<Refusal>,
) -> Option<SecretString> {
    let found = inputs.secrets.get(&(name.to_owned(), key.to_owned()));
    let (reason, remedy) = match found {
        Some(value) if !value.expose_secret().is_empty() => return Some(value.clone()),
        Some(_) => (format!("key {key} of Secret {name} is empty"), "put the secret into that key"),
        None => (
            format!("Secret {name} has no key {key}, or is not there"),
            "make the Secret with that key, or correct the reference",
        ),
    };
    refusals.push(Refusal { field: field.to_owned(), reason, remedy: remedy.to_owned() });
    None
}

/// The URL of the database, where the store is in one. Whether it leads anywhere is seen when it is opened.
fn database(inputs: &Inputs, refusals: &mut Vec<Refusal>) -> Option<SecretString> {
    let reference = &inputs.configuration.spec.storage.postgres.as_ref()?.url_secret_ref;
    let field = "spec.storage.postgres.urlSecretRef";
    let url = secret(inputs, field, &reference.name, &reference.key, refusals)?;
    if let Err(UrlError { reason, remedy }) = check_url(&url) {
        refusals.push(Refusal::new(field, reason, remedy));
    }
    Some(url)
}

/// `listener` in templates and filters.
fn describe(inputs: &Inputs) -> Json {
    let configuration = &inputs.configuration;
    json!({
        "name": configuration.name,
        "namespace": configuration.namespace,
        "displayName": configuration.spec.display_name,
        "description": configuration.spec.description.as_deref().unwrap_or_default(),
        "url": configuration.public_url,
    })
    .into()
}

/// What the parts of a listener are built with, and the mistakes found on the way.
pub(super) struct Build<'a> {
    inputs: &'a Inputs,
    settings: &'a Json,
    listener: &'a Json,
    refusals: Vec<Refusal>,
}

impl Build<'_> {
    pub(super) fn spec(&self) -> &HubSpotListenerSpec {
        &self.inputs.configuration.spec
    }

    fn refuse(&mut self, field: String, reason: String, remedy: &str) {
        self.refusals.push(Refusal { field, reason, remedy: remedy.to_owned() });
    }

    fn template(&mut self, field: &str, text: Option<&str>, place: Place) -> Option<Template> {
        let compiled = manifest_compile::template(field, text?, place);
        compiled.map_err(|refusal| self.refusals.push(refusal)).ok()
    }

    fn filter(&mut self, field: &str, text: Option<&str>) -> Option<Filter> {
        let compiled = manifest_compile::filter(field, text?);
        compiled.map_err(|refusal| self.refusals.push(refusal)).ok()
    }

    fn mapping(&mut self, field: &str, transform: Option<&Transform>) -> Option<Mapping> {
        let transform = transform?;
        let mapping = Mapping::compile(transform).ok();
        if mapping.is_none() {
            self.refusals.extend(manifest_compile::transform_refusals(field, transform));
        }
        mapping
    }

    fn answer(&mut self) -> Option<Answer> {
        let response = &self.inputs.configuration.spec.response;
        let status = u16::try_from(response.status_code)
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok())
            .filter(StatusCode::is_success);
        let body = self.template("spec.response.body", response.body.as_deref(), Place::Raw);
        let mut headers = Vec::new();
        for (at, header) in response.headers.iter().enumerate() {
            let field = format!("spec.response.headers[{at}]");
            let name = self.header_name(&field, &header.name);
            let value = self.template(&format!("{field}.value"), Some(&header.value), Place::Raw);
            headers.extend(name.zip(value));
        }
        let Some(status) = status else {
            self.refuse(
                "spec.response.statusCode".to_owned(),
                format!("{} is no success", response.status_code),
                "use 200 to 299",
            );
            return None;
        };
        Some(Answer { status, media_type: response.media_type, body, headers })
    }

    fn header_name(&mut self, field: &str, name: &str) -> Option<HeaderName> {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
        if parsed.is_none() {
            self.refuse(
                format!("{field}.name"),
                format!("{name:?} is no header name"),
                "use letters, digits and -",
            );
        }
        parsed
    }

    fn destination(&mut self, at: usize, destination: &Destination) -> Option<LiveDestination> {
        let field = format!("spec.destinations[{at}]");
        let spec = &self.inputs.configuration.spec;
        let filter = self.filter(&format!("{field}.filter"), destination.filter.as_deref());
        let mapping = self.mapping(&format!("{field}.transform"), destination.transform.as_ref());
        let target = match (&destination.http, &destination.log) {
            (Some(http), None) => self.http(&format!("{field}.http"), http)?,
            (None, Some(_)) => Target::Log,
            _ => {
                self.refuse(field, "has not exactly one of http and log".to_owned(), "keep one of them");
                return None;
            }
        };
        Some(LiveDestination {
            name: destination.name.clone(),
            filter,
            mapping,
            target,
            concurrency: at_least_one(destination.concurrency),
            rate: rate(destination.rate_limit.as_ref()),
            max_attempts: attempts(&destination.retry),
            max_age: seconds(destination.retry.max_age_seconds),
            page_size: at_least_one(spec.page.size),
            linger: linger(spec),
        })
    }

    /// A stage before the destinations, served as one of them.
    fn hook(&mut self, hook: &PrePage) -> Option<LiveDestination> {
        let target = self.http("spec.prePage.http", &hook.http.as_destination())?;
        Some(LiveDestination {
            name: PRE_PAGE.to_owned(),
            filter: None,
            mapping: None,
            target,
            concurrency: at_least_one(hook.concurrency),
            rate: rate(hook.rate_limit.as_ref()),
            max_attempts: attempts(&hook.retry),
            max_age: seconds(hook.retry.max_age_seconds),
            page_size: at_least_one(hook.size),
            linger: linger(&self.inputs.configuration.spec),
        })
    }

    pub(super) fn http(&mut self, field: &str, http: &HttpDestination) -> Option<Target> {
        let url_field = format!("{field}.url");
        let text = self.render(&url_field, &http.url, Place::Uri)?;
        let url = match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
            Ok(_) => {
                self.refuse(url_field, format!("{text:?} is no http URL"), "begin with https:// or http://");
                return None;
            }
            Err(error) => {
                self.refuse(
                    url_field,
                    format!("{text:?} is no URL: {error}"),
                    "write a whole URL, https://host/path",
                );
                return None;
            }
        };
        let mut headers = Vec::new();
        for (at, header) in http.headers.iter().enumerate() {
            headers.extend(self.header(&format!("{field}.headers[{at}]"), header));
        }
        Some(Target::Http {
            url,
            format: http.format,
            headers,
            timeout: seconds(http.timeout_seconds.max(1)),
        })
    }

    fn header(&mut self, field: &str, header: &Header) -> Option<(HeaderName, HeaderValue)> {
        let name = self.header_name(field, &header.name)?;
        let remedy = "a header value is visible ASCII text on one line";
        match (&header.value, &header.value_from) {
            (Some(value), None) => {
                let field = format!("{field}.value");
                let text = self.render(&field, value, Place::Raw)?;
                let value = HeaderValue::from_str(&text).ok();
                if value.is_none() {
                    self.refuse(field, "cannot be sent as a header".to_owned(), remedy);
                }
                Some((name, value?))
            }
            (None, Some(from)) => {
                let field = format!("{field}.valueFrom.secretKeyRef");
                let reference = &from.secret_key_ref;
                let secret =
                    secret(self.inputs, &field, &reference.name, &reference.key, &mut self.refusals)?;
                let value = HeaderValue::from_str(secret.expose_secret()).ok();
                let Some(mut value) = value else {
                    let reason = format!(
                        "key {} of Secret {} cannot be sent as a header",
                        reference.key, reference.name
                    );
                    self.refuse(field, reason, remedy);
                    return None;
                };
                value.set_sensitive(true);
                Some((name, value))
            }
            _ => {
                let reason = "has not exactly one of value and valueFrom".to_owned();
                self.refuse(field.to_owned(), reason, "keep one of them");
                None
            }
        }
    }

    /// A template over `settings` and `listener` alone, rendered once.
    fn render(&mut self, field: &str, text: &str, place: Place) -> Option<String> {
        let template = self.template(field, Some(text), place)?;
        let scope =
            Scope { settings: Some(self.settings), listener: Some(self.listener), ..Scope::default() };
        match template.render(&scope) {
            Ok(text) => Some(text),
            Err(error) => {
                self.refuse(
                    field.to_owned(),
                    error.to_string(),
                    "mend the template or the settings it reads",
                );
                None
            }
        }
    }
}

fn rate(limit: Option<&RateLimit>) -> Option<(NonZeroU32, Duration)> {
    let limit = limit?;
    let requests = NonZeroU32::new(u32::try_from(limit.requests).ok()?)?;
    Some((requests, seconds(limit.per_seconds.max(1))))
}

fn attempts(retry: &Retry) -> u32 {
    u32::try_from(retry.max_attempts.max(1)).unwrap_or(1)
}

fn linger(spec: &HubSpotListenerSpec) -> Duration {
    Duration::from_millis(u64::try_from(spec.page.linger_milliseconds).unwrap_or(0))
}

fn at_least_one(number: i32) -> usize {
    usize::try_from(number).unwrap_or(1).max(1)
}

fn seconds(number: i32) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}
