//! Why a child was not applied, in words that say what to do.

use kube::core::Status;

use super::kind::{GATEWAY_API, Kind};
use crate::run::said::said;

/// Why a child was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It will not be taken as it is: the status says so.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// It may be taken the next time: the API server was away, slow, or somebody else was quicker.
    #[error("{kind} {name}: {}", said(source))]
    Later {
        /// Kind of the child.
        kind: Kind,
        /// Name of the child.
        name: String,
        /// What happened.
        source: kube::Error,
    },
}

/// Why a child will not be taken as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something else has its name.
    #[error(
        "{kind} {name}: there is one already, and it is not this listener's; give the listener another name, or remove that {kind}"
    )]
    Foreign {
        /// Kind of the child.
        kind: Kind,
        /// Name of the child.
        name: String,
    },
    /// The one of an earlier listener of this name is not gone yet.
    #[error("{kind} {name}: that of an earlier listener with this name is still being removed; wait")]
    Leaving {
        /// Kind of the child.
        kind: Kind,
        /// Name of the child.
        name: String,
    },
    /// The cluster has no such kind.
    #[error(
        "HTTPRoute {name}: the cluster does not serve {GATEWAY_API}; install the Gateway API, or set spec.url.ingress or spec.url.external instead of spec.url.gateway"
    )]
    NoGatewayApi {
        /// Name of the child.
        name: String,
    },
    /// The API server says no.
    #[error("{kind} {name}: {message}")]
    Refused {
        /// Kind of the child.
        kind: Kind,
        /// Name of the child.
        name: String,
        /// What it says, and what to do where that is known.
        message: String,
    },
}

impl Refusal {
    /// Kind and name of what is somebody else's.
    pub fn taken(&self) -> Option<(String, String)> {
        match self {
            Self::Foreign { kind, name } => Some((kind.as_str().to_owned(), name.clone())),
            _ => None,
        }
    }

    /// As a metric's label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "name_taken",
            Self::Leaving { .. } => "leaving",
            Self::NoGatewayApi { .. } => "no_gateway_api",
            Self::Refused { .. } => "refused",
        }
    }
}

impl ApplyError {
    /// Of what the API server answered.
    pub(super) fn of(kind: Kind, name: &str, error: kube::Error) -> Self {
        let name = name.to_owned();
        match error {
            kube::Error::Api(status) if is_final(&status) => {
                Self::Refused(Refusal::Refused { kind, name, message: explain(kind, &status) })
            }
            source => Self::Later { kind, name, source },
        }
    }
}

/// Whether asking again changes nothing. A conflict, a limit and a fault of the server pass.
fn is_final(status: &Status) -> bool {
    (400..500).contains(&status.code) && !matches!(status.code, 401 | 404 | 408 | 409 | 429)
}

/// What the API server said, and for a claim what to do about it.
fn explain(kind: Kind, status: &Status) -> String {
    let said = if status.message.is_empty() { &status.reason } else { &status.message };
    let advice = match kind {
        Kind::PersistentVolumeClaim if said.contains("can not be less than") => {
            "spec.storage.embedded.size: a claim can grow and not shrink; write the size that it has, or more"
        }
        Kind::PersistentVolumeClaim
            if said.contains("dynamically provisioned") || said.contains("resize") =>
        {
            "spec.storage.embedded.size: the storage class does not let its volumes grow; write the size that \
             the claim has, or use a class with allowVolumeExpansion"
        }
        Kind::PersistentVolumeClaim if said.contains("immutable") => {
            "spec.storage.embedded: only the size of a claim can change, and only up; write the storage class \
             that it has, or delete the claim and what is stored on it"
        }
        _ => return said.clone(),
    };
    format!("{advice} (the API server says: {said})")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn status(code: u16, message: &str) -> kube::Error {
        kube::Error::Api(Box::new(Status { code, message: message.to_owned(), ..Status::default() }))
    }

    #[rstest]
    #[case(403, true)]
    #[case(422, true)]
    #[case(400, true)]
    #[case(409, false)]
    #[case(429, false)]
    #[case(404, false)]
    #[case(500, false)]
    #[case(503, false)]
    fn what_may_pass_is_tried_again_and_what_does_not_is_told(#[case] code: u16, #[case] refused: bool) {
        let error = ApplyError::of(Kind::Service, "contacts", status(code, "no"));
        assert_eq!(matches!(error, ApplyError::Refused(_)), refused, "{error}");
    }

    #[test]
    fn a_claim_that_would_shrink_says_that_it_can_only_grow() {
        let said = "PersistentVolumeClaim \"contacts-data\" is invalid: spec.resources.requests.storage: \
                    Forbidden: field can not be less than status.capacity";
        let error = ApplyError::of(Kind::PersistentVolumeClaim, "contacts-data", status(422, said));
        let text = error.to_string();
        assert!(
            text.starts_with(
                "PersistentVolumeClaim contacts-data: spec.storage.embedded.size: a claim can grow"
            ),
            "{text}"
        );
        assert!(text.ends_with("less than status.capacity)"), "{text}");
    }
}
