//! The `HubSpotListener` resource, `hubspot-listener.dev/v1alpha1`.
//!
//! What a rule can say stands here as a CEL rule and is refused by the API server.
//! A rule's message is `<what is wrong>; <what to do>`: [`crate::check`] runs the
//! same rules and splits the text at the first `; `. Strings and lists that a rule
//! walks through have a maximum, or the API server would refuse the rule as too costly.
#![expect(unreachable_pub, reason = "KubeSchema derives a public copy of each type inside a function")]

mod desk;
mod destination;
mod notice;
mod page;
mod pod;
mod pre_page;
mod reference;
mod response;
mod signature;
mod status;
mod storage;
mod transform;
mod url;

pub use desk::{Desk, TokensRef};
pub use destination::{
    Destination, Format, Header, HeaderSource, HttpDestination, LogDestination, RateLimit, Retry,
};
pub use notice::{Notice, NoticeKind, NoticeTarget};
pub use page::Page;
pub use pod::PodTemplate;
pub use pre_page::{PrePage, PrePageHttp};
pub use reference::{ConfigMapKeyRef, SecretKeyRef, SettingsFrom};
pub use response::{AnswerHeader, MediaType, Response};
pub use signature::{Signature, SignatureVersion};
pub use status::HubSpotListenerStatus;
pub use storage::{EmbeddedStorage, PostgresStorage, Retention, Storage};
pub use transform::{Rename, SetField, Transform, TransformRule};
pub use url::{Gateway, Ingress, IngressTls, ParentRef, PublicUrl};

use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits;

/// Of a header's name: the characters of RFC 9110's `token`.
const HEADER_NAME_RULE: &str = r#"self.matches("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")"#;
const HEADER_NAME_MESSAGE: &str =
    "this is not a header's name; write letters, digits and - only, such as x-request-id";
/// Headers that belong to the connection and its framing, not to a manifest.
const RESERVED_HEADER_RULE: &str = "!(self.lowerAscii() in ['connection', 'content-length', 'keep-alive', \
     'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'])";
const RESERVED_HEADER_MESSAGE: &str =
    "this header belongs to the connection and is set by the listener; remove it";

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
    doc = "An address that HubSpot can post webhooks to, and where their events go.",
    validation = Rule::new(NAME_RULE).message(NAME_MESSAGE),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(name = "Pending", type_ = "integer", json_path = ".status.pendingRecords"),
    printcolumn(name = "Errors", type_ = "integer", json_path = ".status.openErrors"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self.replicas <= 1 || has(self.storage.postgres)")
    .message("an embedded store serves one pod; set replicas to 1, or set storage.postgres")
    .field_path(".replicas"))]
pub struct HubSpotListenerSpec {
    /// Name shown to people wherever the listener is listed.
    #[schemars(length(max = limits::MAX_DISPLAY_NAME))]
    #[x_kube(validation = Rule::new("self.trim() != ''")
        .message("people know the listener by this name; write a few words, such as Contacts from HubSpot"))]
    pub display_name: String,
    /// What the listener is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::MAX_DESCRIPTION))]
    pub description: Option<String>,
    /// HubSpot app client secrets, 1 to 8; any of them may have signed a request.
    #[schemars(length(max = limits::MAX_CLIENT_SECRETS))]
    #[x_kube(
        validation = Rule::new("self.size() > 0").message(
            "without a client secret nothing can be proven; name the Secret and key that hold the HubSpot app's client secret"
        ),
        validation = Rule::new("self.all(a, self.exists_one(b, a.name == b.name && a.key == b.key))")
            .message("a client secret stands here twice; remove one")
    )]
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
    #[schemars(length(min = 1, max = limits::MAX_EXPRESSION))]
    pub filter: Option<String>,
    /// A service of yours that sees records before they are cut into pages; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_page: Option<PrePage>,
    /// Where pages go, 1 to 32.
    #[schemars(length(max = limits::MAX_DESTINATIONS))]
    #[x_kube(
        validation = Rule::new("self.size() > 0")
            .message("pages go nowhere; write at least one destination, such as {name: audit, log: {}}"),
        validation = Rule::new("self.all(a, self.exists_one(b, a.name == b.name))")
            .message("two destinations have one name; rename one, errors and metrics are told apart by it")
    )]
    pub destinations: Vec<Destination>,
    /// Handlebars over the record, rendered when it fails: a link to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::MAX_EXPRESSION))]
    pub data_uri_template: Option<String>,
    /// Handlebars that names a record; errors of one record fold under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::MAX_EXPRESSION))]
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
    #[schemars(length(max = limits::MAX_SETTINGS_FROM))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, a.scope == b.scope))")
        .message("two sets of settings have one scope; rename one"))]
    pub settings_from: Vec<SettingsFrom>,
    /// JSON Schema for `settings`; also draws the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "free_object")]
    pub settings_schema: Option<Map<String, Value>>,
    /// Where deliveries are kept, and for how long.
    #[serde(default)]
    pub storage: Storage,
    /// The error desk: who may see and do what, and what is shown.
    #[serde(default)]
    pub desk: Desk,
    /// true: still verify, store and answer; hand nothing on.
    #[serde(default)]
    pub paused: bool,
    /// Pods; above 1 needs `storage.postgres`.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 64))]
    #[x_kube(validation = Rule::new("self >= 1")
        .message("without a pod the URL does not answer; write 1 or more, or use paused: true to hold pages back"))]
    pub replicas: i32,
    /// Resources of the listener's container.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "pod::resources_with_numbers"
    )]
    pub resources: Option<ResourceRequirements>,
    /// Additions to the listener's pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<PodTemplate>,
}

/// Of the resource's name: it becomes the name of a Service, and a label.
const NAME_RULE: &str =
    "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')";
pub(crate) const NAME_MESSAGE: &str = "the name becomes that of a Service; write at most 63 small letters, digits and -, beginning with a letter";

fn one() -> i32 {
    1
}

fn free_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}
