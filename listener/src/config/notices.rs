//! Where notices go, out of the manifest.

use std::time::Duration;

use crds::listener::NoticeKind;
use http::{HeaderName, HeaderValue};
use url::Url;

use super::compile::Build;
use super::live::Target;

/// Where a notice goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeShape {
    /// JSON of our own.
    Webhook,
    /// Alerts.
    Alertmanager,
}

/// The running state of one notice.
#[derive(Debug)]
pub struct LiveNotice {
    /// Unique within the listener.
    pub name: String,
    /// How it is written.
    pub shape: NoticeShape,
    /// Where it goes.
    pub url: Url,
    /// Of each request; values from Secrets are marked sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Of one request, whole.
    pub timeout: Duration,
    /// What is told.
    pub kinds: Vec<NoticeKind>,
    /// The same thing at most once in this time.
    pub every: Duration,
    /// Refused requests per minute from which it is told.
    pub refusals_per_minute: u32,
    /// Trace keys that are named of each group.
    pub trace_keys: usize,
}

/// The path of Alertmanager's API.
const ALERTS: &str = "/api/v2/alerts";

impl Build<'_> {
    /// The notices; what is wrong with them is among the refusals.
    pub(super) fn notices(&mut self) -> Vec<LiveNotice> {
        let notices = self.spec().desk.notices.clone();
        let mut live = Vec::with_capacity(notices.len());
        for (at, notice) in notices.into_iter().enumerate() {
            // The rule says that there is exactly one target.
            let Some((field, target)) = notice.target() else { continue };
            let place = format!("spec.desk.notices[{at}].{field}");
            let Some(Target::Http { mut url, format: _, headers, timeout }) =
                self.http(&place, &target.as_destination())
            else {
                continue;
            };
            let shape = if notice.alertmanager.is_some() {
                let path = url.path().trim_end_matches('/');
                if !path.ends_with(ALERTS) {
                    let path = format!("{path}{ALERTS}");
                    url.set_path(&path);
                }
                NoticeShape::Alertmanager
            } else {
                NoticeShape::Webhook
            };
            live.push(LiveNotice {
                name: notice.name,
                shape,
                url,
                headers,
                timeout,
                kinds: notice.kinds,
                every: Duration::from_secs(60 * u64::try_from(notice.every_minutes.max(1)).unwrap_or(1)),
                refusals_per_minute: u32::try_from(notice.refusals_per_minute.max(1)).unwrap_or(1),
                trace_keys: usize::try_from(notice.trace_keys).unwrap_or(0),
            });
        }
        live
    }
}
