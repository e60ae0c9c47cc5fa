//! What goes wrong on the way, in words for whoever called.

use crate::cli::remote::text::line;

/// What was asked of the API server, for the message where it is not allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) verb: &'static str,
    pub(super) resource: &'static str,
    pub(super) namespace: &'a str,
}

/// Why the API server did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// RBAC.
    #[error(
        "you may not {verb} {resource} in namespace {namespace}; ask for a Role with this right, or use \
         kubectl port-forward of somebody who has it and --url"
    )]
    Forbidden { verb: &'static str, resource: &'static str, namespace: String },
    /// No valid credentials.
    #[error("the API server at {server} does not know you: {reason}; sign in to the cluster again")]
    Unknown { server: String, reason: String },
    /// No answer.
    #[error(
        "the API server at {server} does not answer: {reason}; is the cluster up, and the context right?"
    )]
    Away { server: String, reason: String },
    /// It is not there.
    #[error("{resource} of this name are not there: {reason}")]
    Absent { resource: &'static str, reason: String },
    /// Anything else that it says.
    #[error("the API server refused to {verb} {resource}: {reason}")]
    Refused { verb: &'static str, resource: &'static str, reason: String },
}

impl Fault {
    pub(super) fn of(error: &kube::Error, wanted: Wanted<'_>, server: &str) -> Self {
        let Wanted { verb, resource, namespace } = wanted;
        let server = server.to_owned();
        match error {
            kube::Error::Api(status) => {
                let reason = line(&status.message);
                match status.code {
                    401 => Self::Unknown { server, reason },
                    403 => Self::Forbidden { verb, resource, namespace: namespace.to_owned() },
                    404 => Self::Absent { resource, reason },
                    _ => Self::Refused { verb, resource, reason },
                }
            }
            kube::Error::Auth(error) => Self::Unknown { server, reason: whole(error) },
            other => Self::Away { server, reason: whole(other) },
        }
    }
}

/// An error and what lies under it, in a line.
pub(super) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut under = error.source();
    while let Some(source) = under {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        under = source.source();
    }
    line(&text)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn fault(code: u16) -> Fault {
        let status = Status { code, message: "the server\nsays so".to_owned(), ..Status::default() };
        let wanted = Wanted { verb: "list", resource: "pods", namespace: "sales" };
        Fault::of(&kube::Error::Api(Box::new(status)), wanted, "https://cluster")
    }

    #[test]
    fn a_missing_right_names_verb_resource_and_namespace() {
        let said = fault(403).to_string();
        assert!(said.starts_with("you may not list pods in namespace sales; ask for a Role"), "{said}");
        assert!(fault(401).to_string().contains("sign in to the cluster again"));
        assert!(fault(500).to_string().ends_with("refused to list pods: the server\u{fffd}says so"));
    }

    #[test]
    fn an_api_server_that_is_away_is_named() {
        let error = kube::Error::Service(Box::new(std::io::Error::other("connection refused")));
        let wanted = Wanted { verb: "list", resource: "pods", namespace: "sales" };
        let said = Fault::of(&error, wanted, "https://cluster").to_string();
        assert!(
            said.contains("https://cluster does not answer") && said.contains("connection refused"),
            "{said}"
        );
    }
}
