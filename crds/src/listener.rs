//! The `HubSpotListener` resource, `hubspot-listener.dev/v1alpha1`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits;

/// An address that HubSpot can post webhooks to, and where their events go.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "hubspot-listener.dev",
    version = "v1alpha1",
    kind = "HubSpotListener",
    plural = "hubspotlisteners",
    shortname = "hsl",
    category = "hubspot",
    namespaced,
    status = "HubSpotListenerStatus",
    doc = "An address that HubSpot can post webhooks to, and where their events go."
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HubSpotListenerSpec {
    /// Name shown to people wherever the listener is listed.
    pub display_name: String,
    /// What the listener is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// HubSpot app client secrets, 1 to 8; any of them may have signed a request.
    pub client_secrets: Vec<SecretKeyRef>,
    /// Which signatures are taken.
    #[serde(default)]
    pub signature: Signature,
    /// The public address. Defaults to `https://<operator's host>/<namespace>/<name>`.
    #[serde(default)]
    pub url: PublicUrl,
    /// What HubSpot is answered when a delivery is stored.
    #[serde(default)]
    pub response: Response,
    /// How records are cut into pages.
    #[serde(default)]
    pub page: Page,
    /// CEL over `event`, `settings` and `listener`; false = the event is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Where pages go, 1 to 32.
    pub destinations: Vec<Destination>,
    /// Handlebars over the record, rendered when it fails: a link to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_uri_template: Option<String>,
    /// Handlebars that names a record; errors of one record fold under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_key_template: Option<String>,
    /// true: the payload of a failed record is not kept.
    #[serde(default)]
    pub do_not_store_retry_data: bool,
    /// Free JSON for templates, filters and hooks.
    #[serde(default)]
    #[schemars(schema_with = "free_object")]
    pub settings: Map<String, Value>,
    /// Settings shared by many listeners, each under its scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings_from: Vec<SettingsFrom>,
    /// JSON Schema for `settings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_free_object")]
    pub settings_schema: Option<Map<String, Value>>,
    /// Where deliveries are kept, and for how long.
    #[serde(default)]
    pub storage: Storage,
    /// true: still verify, store and answer; hand nothing on.
    #[serde(default)]
    pub paused: bool,
    /// Pods; above 1 needs `storage.postgres`.
    #[serde(default = "one")]
    pub replicas: i32,
    /// Resources of the listener's container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<k8s_openapi::api::core::v1::ResourceRequirements>,
    /// Additions to the listener's pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<PodTemplate>,
}

/// One key of a Secret in the listener's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    pub name: String,
    /// Key in the Secret.
    pub key: String,
}

/// One key of a ConfigMap in the listener's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigMapKeyRef {
    /// Name of the ConfigMap.
    pub name: String,
    /// Key in the ConfigMap.
    pub key: String,
}

/// Which signatures are taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Signature {
    /// Versions; where a v3 header is present, v3 alone decides.
    pub versions: Vec<SignatureVersion>,
    /// Seconds that a v3 timestamp may be old.
    pub max_age_seconds: i32,
    /// Seconds that a v3 timestamp may be ahead of the clock.
    pub future_skew_seconds: i32,
}

impl Default for Signature {
    fn default() -> Self {
        Self {
            versions: vec![SignatureVersion::V3],
            max_age_seconds: limits::DEFAULT_MAX_AGE_SECONDS,
            future_skew_seconds: limits::DEFAULT_FUTURE_SKEW_SECONDS,
        }
    }
}

/// A HubSpot signature version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureVersion {
    /// SHA-256 over secret and body.
    V1,
    /// SHA-256 over secret, method, URI and body.
    V2,
    /// HMAC-SHA-256 over method, URI, body and timestamp.
    V3,
}

/// The public address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicUrl {
    /// Host, with a port where it is not 443.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Path, from `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// An Ingress made by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,
    /// An HTTPRoute made by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// true: the way in is made by somebody else; neither Ingress nor HTTPRoute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,
}

/// An Ingress made by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ingress {
    /// `spec.ingressClassName`; defaults to the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// Annotations of the Ingress.
    #[serde(default)]
    pub annotations: std::collections::BTreeMap<String, String>,
    /// TLS of the Ingress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<IngressTls>,
}

/// TLS of the Ingress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngressTls {
    /// Secret with the certificate.
    pub secret_name: String,
}

/// An HTTPRoute made by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    /// Gateways that the route hangs on.
    pub parent_refs: Vec<ParentRef>,
}

/// A Gateway that a route hangs on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParentRef {
    /// Name of the Gateway.
    pub name: String,
    /// Namespace of the Gateway; defaults to the listener's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Listener of the Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
}

/// What HubSpot is answered when a delivery is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Response {
    /// Any 2xx.
    pub status_code: i32,
    /// Media type of `body`.
    pub media_type: MediaType,
    /// Text or handlebars; empty by default. Not with 204.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Headers; a value may be handlebars, and wins over an automatic header.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<AnswerHeader>,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            status_code: limits::DEFAULT_STATUS_CODE,
            media_type: MediaType::default(),
            body: None,
            headers: Vec::new(),
        }
    }
}

/// Media type of the answer's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaType {
    /// `application/json`
    #[default]
    Json,
    /// `application/xml`
    Xml,
    /// `text/plain; charset=utf-8`
    Plaintext,
}

/// A header of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnswerHeader {
    /// Name.
    pub name: String,
    /// Text or handlebars.
    pub value: String,
}

/// How records are cut into pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Page {
    /// Records in a page; no upper limit, but a page is also cut at 5 MB.
    pub size: i32,
    /// Milliseconds that a page waits to fill.
    pub linger_milliseconds: i32,
}

impl Default for Page {
    fn default() -> Self {
        Self { size: limits::DEFAULT_PAGE_SIZE, linger_milliseconds: limits::DEFAULT_LINGER_MILLISECONDS }
    }
}

/// A system that pages go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Destination {
    /// Unique within the listener.
    pub name: String,
    /// CEL over `event`, `settings` and `listener`; false = the record does not go here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Pages are posted to a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpDestination>,
    /// Pages are written to the pod's standard output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogDestination>,
    /// Pages in flight.
    #[serde(default = "default_concurrency")]
    pub concurrency: i32,
    /// Requests in a span of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// When to give up.
    #[serde(default)]
    pub retry: Retry,
}

/// Pages are posted to a URL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpDestination {
    /// `http://` or `https://`; may be handlebars over `settings` and `listener`.
    pub url: String,
    /// Shape of the body.
    #[serde(default)]
    pub format: Format,
    /// Headers of each request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Seconds that one request may take.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: i32,
}

/// Shape of a page's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A JSON array of the records, `application/json`.
    #[default]
    Json,
    /// A record on each line, `application/x-ndjson`.
    Ndjson,
    /// CloudEvents 1.0, batched, `application/cloudevents-batch+json`; a page of size 1 goes structured, `application/cloudevents+json`.
    Cloudevents,
}

/// A header of each request to a destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// Name.
    pub name: String,
    /// The value; may be handlebars over `settings` and `listener`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where the value is read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<HeaderSource>,
}

/// Where a header's value is read from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderSource {
    /// A key of a Secret.
    pub secret_key_ref: SecretKeyRef,
}

/// Pages are written to the pod's standard output, one JSON line each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogDestination {}

/// Requests in a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// Requests in each span.
    pub requests: i32,
    /// Seconds of the span.
    #[serde(default = "one")]
    pub per_seconds: i32,
}

/// When to give up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retry {
    /// Attempts in all.
    pub max_attempts: i32,
    /// Seconds from the first attempt.
    pub max_age_seconds: i32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: limits::DEFAULT_MAX_ATTEMPTS,
            max_age_seconds: limits::DEFAULT_MAX_AGE_OF_RETRY_SECONDS,
        }
    }
}

/// Settings shared by many listeners, under a scope: `settings.<scope>.…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsFrom {
    /// Name under `settings`.
    pub scope: String,
    /// The ConfigMap key that holds a JSON object.
    pub config_map_key_ref: ConfigMapKeyRef,
}

/// Where deliveries are kept, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storage {
    /// On a volume of the pod; the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedStorage>,
    /// In PostgreSQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresStorage>,
    /// How long things are kept.
    #[serde(default)]
    pub retention: Retention,
}

/// On a volume of the pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EmbeddedStorage {
    /// Size of the claim.
    pub size: String,
    /// Storage class of the claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class_name: Option<String>,
}

impl Default for EmbeddedStorage {
    fn default() -> Self {
        Self { size: limits::DEFAULT_STORAGE_SIZE.to_owned(), storage_class_name: None }
    }
}

/// In PostgreSQL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresStorage {
    /// Secret with the connection URL.
    pub url_secret_ref: SecretKeyRef,
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retention {
    /// Hours that a delivered record is kept.
    pub delivered_hours: i32,
    /// Days that an error is kept.
    pub error_days: i32,
    /// Hours that a refused request is kept.
    pub refused_hours: i32,
    /// Hours in which a repeated event is known as a duplicate.
    pub dedupe_hours: i32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            delivered_hours: limits::DEFAULT_DELIVERED_HOURS,
            error_days: limits::DEFAULT_ERROR_DAYS,
            refused_hours: limits::DEFAULT_REFUSED_HOURS,
            dedupe_hours: limits::DEFAULT_DEDUPE_HOURS,
        }
    }
}

/// Additions to the listener's pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodTemplate {
    /// Labels.
    pub labels: std::collections::BTreeMap<String, String>,
    /// Annotations.
    pub annotations: std::collections::BTreeMap<String, String>,
    /// Node labels that the pod needs.
    pub node_selector: std::collections::BTreeMap<String, String>,
    /// Taints that the pod bears.
    pub tolerations: Vec<k8s_openapi::api::core::v1::Toleration>,
    /// Affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<k8s_openapi::api::core::v1::Affinity>,
    /// Spread over nodes and zones.
    pub topology_spread_constraints: Vec<k8s_openapi::api::core::v1::TopologySpreadConstraint>,
    /// Priority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Secrets to pull the image with.
    pub image_pull_secrets: Vec<k8s_openapi::api::core::v1::LocalObjectReference>,
}

/// What the operator has seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HubSpotListenerStatus {
    /// The URL to paste into HubSpot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Generation that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Accepted, ResolvedRefs, Programmed, Ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Records accepted and not yet settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_records: Option<i64>,
    /// Records that a destination did not take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_errors: Option<i64>,
    /// When the last delivery was accepted, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_delivery_time: Option<String>,
    /// Pods that are ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
}

fn one() -> i32 {
    1
}

fn default_concurrency() -> i32 {
    limits::DEFAULT_CONCURRENCY
}

fn default_timeout() -> i32 {
    limits::DEFAULT_TIMEOUT_SECONDS
}

fn free_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

fn optional_free_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "nullable": true, "x-kubernetes-preserve-unknown-fields": true})
}
