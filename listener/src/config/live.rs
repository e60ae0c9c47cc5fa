//! The running state of one listener: everything compiled, every Secret read.
//! Made as a whole or not at all; the last good one stays until a better one is made.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crds::Configuration;
use crds::listener::{Format, MediaType};
use http::{HeaderName, HeaderValue, StatusCode};
use secrecy::SecretString;
use url::Url;

use super::faults::Faults;
use crate::verify::Verifier;
use language::filter::{Filter, Surroundings};
use language::mapping::Mapping;
use language::template::{Json, Template};

/// The running state of one listener.
#[derive(Debug)]
pub struct Live {
    /// What it was made from.
    pub configuration: Configuration,
    /// The only path that answers, as it stands in the public URL: raw, from `/`, without a query.
    pub path: String,
    /// Judges requests.
    pub verifier: Verifier,
    /// What HubSpot is answered.
    pub answer: Answer,
    /// `settings`: merged with those of each scope, the schema's defaults filled in.
    pub settings: Json,
    /// `listener` in templates: `name`, `namespace`, `displayName`, `description`, `url`.
    pub listener: Json,
    /// `settings` and `listener` as filters see them.
    pub surroundings: Surroundings,
    /// The listener's own filter.
    pub filter: Option<Filter>,
    /// What sees records before they are cut into pages, by the name [`crate::store::PRE_PAGE`].
    pub hook: Option<Arc<LiveDestination>>,
    /// Where pages go.
    pub destinations: Vec<Arc<LiveDestination>>,
    /// Names a record.
    pub trace_key: Option<Template>,
    /// Links to a record.
    pub data_uri: Option<Template>,
    /// Templates that failed since this is live.
    pub faults: Faults,
    /// The URL of the database; none where the store is embedded.
    pub database: Option<SecretString>,
}

impl Live {
    /// `namespace/name`
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.configuration.namespace, self.configuration.name)
    }

    /// The hook, where there is one, and the destinations.
    pub fn stages(&self) -> impl Iterator<Item = &Arc<LiveDestination>> {
        self.hook.iter().chain(&self.destinations)
    }
}

/// What HubSpot is answered when a delivery is stored.
#[derive(Debug)]
pub struct Answer {
    /// Any 2xx.
    pub status: StatusCode,
    /// Of the body.
    pub media_type: MediaType,
    /// Absent: no body.
    pub body: Option<Template>,
    /// Further headers; they win over automatic ones.
    pub headers: Vec<(HeaderName, Template)>,
}

/// The running state of one destination.
#[derive(Debug)]
pub struct LiveDestination {
    /// Unique within the listener.
    pub name: String,
    /// Which records go here.
    pub filter: Option<Filter>,
    /// What goes in the place of each; none: the record as it came.
    pub mapping: Option<Mapping>,
    /// How they go.
    pub target: Target,
    /// Pages in flight.
    pub concurrency: usize,
    /// Requests in a span of time.
    pub rate: Option<(NonZeroU32, Duration)>,
    /// Attempts in all.
    pub max_attempts: u32,
    /// From the first attempt.
    pub max_age: Duration,
    /// Records in a page.
    pub page_size: usize,
    /// How long a page waits to fill.
    pub linger: Duration,
}

/// How pages go to a destination.
#[derive(Debug)]
pub enum Target {
    /// Posted.
    Http {
        /// Where.
        url: Url,
        /// Shape of the body.
        format: Format,
        /// Of each request; values from Secrets are marked sensitive.
        headers: Vec<(HeaderName, HeaderValue)>,
        /// Of one request, whole.
        timeout: Duration,
    },
    /// One JSON line each on standard output.
    Log,
}
