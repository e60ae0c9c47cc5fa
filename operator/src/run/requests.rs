//! A layer around the client of the API server: it counts each request, bounds the wait for
//! its answer, and lets nothing be written by a process that does not lead.
//!
//! Writes are everything but get, list and watch. The lease itself is exempt: it is how one
//! comes to lead. The layer looks at the [`Claim`] when the request is sent, so whatever the
//! loop is doing when a claim runs out, its next write is refused in here.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request, Response};
use kube::client::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::claim::Claim;
use super::metrics::{Metrics, RequestLabels};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long an answer's head may take. The body of a watch has no such limit.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Withheld {
    /// This process does not lead.
    #[error("not sent: this process does not hold the lease any more")]
    NotLeading,
    /// No answer.
    #[error("the API server did not answer within {} s", ANSWER_TIME.as_secs())]
    Slow,
}

/// Counts, bounds and withholds.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    /// Where requests are counted.
    pub(super) metrics: Arc<Metrics>,
    /// Whether this process may write.
    pub(super) claim: Claim,
}

impl<S> Layer<S> for Requests {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Counted { inner, requests: self.clone() }
    }
}

/// The client's service within the layer.
#[derive(Clone, Debug)]
pub(super) struct Counted<S> {
    inner: S,
    requests: Requests,
}

impl<S, B> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let call = Call::of(request.method(), request.uri().path(), request.uri().query());
        if call.writes() && !self.requests.claim.holds() {
            return Box::pin(async { Err(Withheld::NotLeading.into()) });
        }
        let answer = self.inner.call(request);
        let metrics = Arc::clone(&self.requests.metrics);
        Box::pin(async move {
            let answer = match tokio::time::timeout(ANSWER_TIME, answer).await {
                Ok(answer) => answer.map_err(Into::into),
                Err(_) => Err(Withheld::Slow.into()),
            };
            let code = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
            metrics.requests.get_or_create(&call.labels(code)).inc();
            if call.writes() && (200..300).contains(&code) {
                let resource = super::metrics::ResourceLabels { resource: call.resource };
                metrics.writes.get_or_create(&resource).inc();
            }
            answer
        })
    }
}

/// What a request does, in the words of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Call {
    verb: &'static str,
    resource: &'static str,
}

/// Every resource that the operator works with.
const RESOURCES: [&str; 16] = [
    "hubspotlisteners",
    "hubspotlisteners/status",
    "secrets",
    "configmaps",
    "pods",
    "services",
    "serviceaccounts",
    "persistentvolumeclaims",
    "deployments",
    "ingresses",
    "networkpolicies",
    "poddisruptionbudgets",
    "horizontalpodautoscalers",
    "httproutes",
    "events",
    "leases",
];

/// The label of a resource.
pub(super) fn known(resource: &str) -> &'static str {
    RESOURCES.into_iter().find(|known| *known == resource).unwrap_or("other")
}

impl Call {
    fn of(method: &Method, path: &str, query: Option<&str>) -> Self {
        let mut parts = path.trim_matches('/').split('/');
        // api/v1/… or apis/GROUP/VERSION/…
        let group = if parts.next() == Some("apis") { parts.next() } else { Some("") };
        let version = parts.next();
        let mut rest: Vec<_> = parts.collect();
        if rest.first() == Some(&"namespaces") && rest.len() > 2 {
            rest.drain(..2);
        }
        let whole = match rest.as_slice() {
            _ if group.is_none() || version.is_none() => String::new(),
            [resource, _, sub, ..] => format!("{resource}/{sub}"),
            [resource, ..] => (*resource).to_owned(),
            [] => String::new(),
        };
        let resource = if whole.is_empty() { "discovery" } else { known(&whole) };
        let watches =
            query.is_some_and(|query| query.split('&').any(|pair| pair == "watch=true" || pair == "watch=1"));
        let verb = match *method {
            Method::GET | Method::HEAD if watches => "watch",
            Method::GET | Method::HEAD if rest.len() == 1 => "list",
            Method::GET | Method::HEAD => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "other",
        };
        Self { verb, resource }
    }

    fn writes(self) -> bool {
        !matches!(self.verb, "get" | "list" | "watch") && self.resource != "leases"
    }

    fn labels(self, code: u16) -> RequestLabels {
        RequestLabels { verb: self.verb, resource: self.resource, code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &Method, target: &str) -> (&'static str, &'static str, bool) {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let call = Call::of(method, path, query);
        (call.verb, call.resource, call.writes())
    }

    #[test]
    fn a_request_is_named_as_rbac_names_it() {
        let group = "/apis/hubspot-listener.dev/v1alpha1";
        let cases = [
            (Method::GET, "/api/v1/secrets?limit=500".to_owned(), ("list", "secrets", false)),
            (Method::GET, "/api/v1/secrets?&watch=true&limit=5".to_owned(), ("watch", "secrets", false)),
            (Method::GET, "/api/v1/namespaces/sales/secrets/app".to_owned(), ("get", "secrets", false)),
            (Method::GET, "/api/v1/namespaces/sales/services".to_owned(), ("list", "services", false)),
            (
                Method::PATCH,
                format!("{group}/namespaces/sales/hubspotlisteners/contacts/status?force=true"),
                ("patch", "hubspotlisteners/status", true),
            ),
            (
                Method::PATCH,
                "/apis/apps/v1/namespaces/sales/deployments/contacts".to_owned(),
                ("patch", "deployments", true),
            ),
            (
                Method::POST,
                "/apis/events.k8s.io/v1/namespaces/sales/events".to_owned(),
                ("create", "events", true),
            ),
            (
                Method::PUT,
                "/apis/coordination.k8s.io/v1/namespaces/x/leases/operator".to_owned(),
                ("update", "leases", false),
            ),
            (
                Method::DELETE,
                "/api/v1/namespaces/sales/configmaps/contacts".to_owned(),
                ("delete", "configmaps", true),
            ),
            (Method::GET, group.to_owned(), ("get", "discovery", false)),
            (Method::GET, "/api/v1/nodes".to_owned(), ("list", "other", false)),
            (Method::GET, "/version".to_owned(), ("get", "discovery", false)),
        ];
        for (method, target, expected) in cases {
            assert_eq!(call(&method, &target), expected, "{method} {target}");
        }
    }
}
