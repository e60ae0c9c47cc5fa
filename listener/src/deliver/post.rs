//! Posts JSON that is no page, under the same guard: to those who are told by notices.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::client::{Client, ClientError};
use super::http::explain_no_answer;
use super::supervisor::policy_of;
use super::timing::Timing;
use crate::config::Live;

/// Posts JSON. Clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Poster(Client);

impl Poster {
    /// To addresses that the configuration lets through.
    pub(crate) fn new(live: &Live, timing: &Timing) -> Result<Self, ClientError> {
        Client::build(policy_of(live), timing).map(Self)
    }

    /// Whether it was made for these addresses.
    pub(crate) fn fits(&self, live: &Live) -> bool {
        self.0.policy() == &policy_of(live)
    }

    /// Any 2xx is taken; what is answered besides is not read. Else the reason, for people.
    pub(crate) async fn post(
        &self,
        url: &Url,
        headers: &[(HeaderName, HeaderValue)],
        timeout: Duration,
        body: Vec<u8>,
    ) -> Result<(), String> {
        let mut all = HeaderMap::with_capacity(headers.len() + 1);
        all.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        all.extend(headers.iter().cloned());
        let request = self.0.post(url).map_err(|barred| barred.to_string())?;
        let sent = request.headers(all).timeout(timeout).body(body).send().await;
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it was answered {}", answer.status().as_u16())),
            Err(error) => Err(explain_no_answer(error, timeout)),
        }
    }
}
