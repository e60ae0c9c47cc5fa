//! The error desk: who may see and do what, and what is shown.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Notice;
use crate::limits;

/// The error desk: who may see and do what, and what is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Desk {
    /// Secret with the bearer tokens: each key is `<role>.<name>`, such as `operate.alice`, and its
    /// value the token. Roles: `view`, `operate`, `admin`. Without it the API and the web page are closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokensRef>,
    /// true: a newer error, or a later success, of one trace key at one destination closes the older errors.
    #[serde(default = "yes")]
    pub fold_errors: bool,
    /// JSON pointers (RFC 6901) of fields that nobody is shown, such as `/properties/email`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_MASKED_FIELDS))]
    #[x_kube(
        validation = Rule::new("self.all(field, field.startsWith('/') && field.size() <= 512)")
            .message("a masked field is a JSON pointer; begin it with /, such as /properties/email")
    )]
    pub masked_fields: Vec<String>,
    /// Where people reach the desk; a link that notices carry. `http://` or `https://`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::MAX_URL))]
    #[x_kube(validation = Rule::new("self.startsWith('https://') || self.startsWith('http://')")
        .message("a link to the desk is opened in a browser; write a URL that begins with https:// or http://"))]
    pub url: Option<String>,
    /// Who is told by itself that something is wrong, at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_NOTICES))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, a.name == b.name))")
        .message("two notices have one name; give each a name of its own"))]
    pub notices: Vec<Notice>,
}

impl Default for Desk {
    fn default() -> Self {
        Self { tokens: None, fold_errors: true, masked_fields: Vec::new(), url: None, notices: Vec::new() }
    }
}

/// Secret with bearer tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokensRef {
    /// Name of the Secret in the listener's namespace.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

fn yes() -> bool {
    true
}
