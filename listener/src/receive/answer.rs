//! The success answer. One without tags is made once for each configuration and
//! cloned; only a template that mentions the request or its records costs anything.
//!
//! An error never turns a stored delivery into a failure: a template that fails
//! gives nothing, a header value that cannot be sent is left out, and both are counted.

use bytes::Bytes;
use crds::listener::MediaType;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;
use uuid::Uuid;

use crate::config::Live;
use language::event::{Element, Split, split};
use language::template::{Json, Scope, Template};

/// An answer made ready.
#[derive(Debug)]
pub(super) enum Prepared {
    /// The same for every delivery.
    Fixed { status: StatusCode, headers: HeaderMap, body: Bytes },
    /// Rendered for each delivery.
    Rendered(Mentions),
}

/// What the templates of an answer ask for; the rest is not worked out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mentions {
    count: bool,
    records: bool,
    request: bool,
}

/// The delivery that is answered.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) id: Uuid,
    pub(super) target: String,
    pub(super) body: Bytes,
}

impl Prepared {
    /// Makes the answer of `live` ready; `failed` is told the place of each error.
    pub(super) fn new(live: &Live, failed: &mut dyn FnMut(&'static str)) -> Self {
        let templates = || live.answer.body.iter().chain(live.answer.headers.iter().map(|(_, value)| value));
        if templates().all(|template| template.literal().is_some()) {
            let literal = |template: &Template| template.literal().unwrap_or_default().to_owned();
            let (headers, body) = make(live, &mut |_, template| literal(template), failed);
            return Self::Fixed { status: live.answer.status, headers, body };
        }
        let mentions = |root: &str| templates().any(|template| template.mentions(root));
        Self::Rendered(Mentions {
            count: mentions("count"),
            records: mentions("records"),
            request: mentions("request"),
        })
    }

    /// Whether the delivery itself is needed for the answer.
    pub(super) fn needs_delivery(&self) -> bool {
        matches!(self, Self::Rendered(_))
    }

    /// The answer to one delivery; `answered` only where it is needed.
    pub(super) fn answer(
        &self,
        live: &Live,
        answered: Option<&Answered>,
        failed: &mut dyn FnMut(&'static str),
    ) -> Response<Full<Bytes>> {
        let (status, headers, body) = match self {
            Self::Fixed { status, headers, body } => (*status, headers.clone(), body.clone()),
            Self::Rendered(mentions) => {
                let more = answered.map_or_else(Json::default, |answered| mentions.more(answered));
                let scope = Scope {
                    settings: Some(&live.settings),
                    listener: Some(&live.listener),
                    more: Some(&more),
                    ..Scope::default()
                };
                let mut errors = Vec::new();
                let mut render = |place, template: &Template| {
                    template.render(&scope).unwrap_or_else(|error| {
                        tracing::debug!(place, reason = %error.reason, "a template of the answer failed");
                        errors.push(place);
                        String::new()
                    })
                };
                let (headers, body) = make(live, &mut render, failed);
                errors.into_iter().for_each(failed);
                (live.answer.status, headers, body)
            }
        };
        let mut answer = Response::new(Full::new(body));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        answer
    }
}

impl Mentions {
    /// As text, so that the records keep the digits that they came with.
    fn more(self, answered: &Answered) -> Json {
        let mut roots = Vec::new();
        if self.request {
            let (path, query) = answered.target.split_once('?').unwrap_or((&answered.target, ""));
            let request = json!({
                "id": answered.id.to_string(), "method": "POST", "path": path, "query": query,
            });
            roots.push(format!("\"request\":{request}"));
        }
        if self.count || self.records {
            let records = elements(&answered.body);
            if self.count {
                roots.push(format!("\"count\":{}", records.len()));
            }
            if self.records {
                roots.push(format!("\"records\":[{}]", records.join(",")));
            }
        }
        Json::read(format!("{{{}}}", roots.join(","))).unwrap_or_default()
    }
}

/// The elements of a body as they came; none of a body that cannot be used.
fn elements(body: &[u8]) -> Vec<&str> {
    let Split::Elements(elements) = split(body) else { return Vec::new() };
    let text = |element: Element| body.get(element.span).and_then(|bytes| std::str::from_utf8(bytes).ok());
    elements.into_iter().map(|element| text(element).unwrap_or("null")).collect()
}

/// Headers and body, each template put through `render`.
fn make(
    live: &Live,
    render: &mut dyn FnMut(&'static str, &Template) -> String,
    failed: &mut dyn FnMut(&'static str),
) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    for (name, template) in &live.answer.headers {
        let value = HeaderValue::from_str(&render("header", template));
        match value {
            Ok(value) if !frames(name) => {
                headers.append(name, value);
            }
            _ => failed("header"),
        }
    }
    let body = match &live.answer.body {
        Some(template) if !bodiless(live.answer.status) => Bytes::from(render("body", template)),
        _ => Bytes::new(),
    };
    if !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(live.answer.media_type)));
    }
    (headers, body)
}

/// 204 and 205 have no body, whatever the manifest says (RFC 9110).
fn bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
}

/// Headers that frame the answer are the server's own: a wrong one would mix up
/// this answer with the next.
fn frames(name: &HeaderName) -> bool {
    [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE].contains(name)
}

fn media_type(media_type: MediaType) -> &'static str {
    match media_type {
        MediaType::Json => "application/json",
        MediaType::Xml => "application/xml",
        MediaType::Plaintext => "text/plain; charset=utf-8",
    }
}
