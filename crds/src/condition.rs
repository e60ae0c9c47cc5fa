//! The conditions in `status.conditions`, and the reasons they give.

/// Type of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// The manifest is understood and can be carried out.
    Accepted,
    /// Every Secret and ConfigMap that the manifest names is there.
    ResolvedRefs,
    /// The cluster holds what the manifest asks for.
    Programmed,
    /// At least one pod answers on the URL.
    Ready,
}

impl Type {
    /// As it stands in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::ResolvedRefs => "ResolvedRefs",
            Self::Programmed => "Programmed",
            Self::Ready => "Ready",
        }
    }
}
