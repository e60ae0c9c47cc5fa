//! The public URL, as it is registered in HubSpot.

use crds::check::Refusal;
use url::Url;

/// The public URL's path as it is written, not as a parser would print it.
pub(super) struct RawUrl {
    pub(super) path: String,
}

/// Reads it, or says why it is none.
pub(super) fn check(text: &str, refusals: &mut Vec<Refusal>) -> Option<RawUrl> {
    let mut refuse = |reason: String| {
        refusals.push(Refusal {
            field: "publicUrl".to_owned(),
            reason,
            remedy: "give the URL as it is registered in HubSpot: https://host/path, no query".to_owned(),
        });
        None
    };
    if let Err(error) = Url::parse(text) {
        return refuse(format!("{text:?} is no URL: {error}"));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return refuse(format!("{text:?} has no scheme"));
    };
    if scheme != "https" && scheme != "http" {
        return refuse(format!("{scheme} is neither https nor http"));
    }
    if text.contains(['?', '#']) || text.contains(|c: char| c.is_ascii_whitespace() || c.is_control()) {
        return refuse(format!("{text:?} has a query, a fragment or white space"));
    }
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    Some(RawUrl { path: path.to_owned() })
}
