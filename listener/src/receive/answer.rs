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
use language::template::{Json, RenderError, Scope, Template};

/// An answer made ready.
#[derive(Debug)]
pub(super) enum Prepared {
    /// The same for every delivery.
    Fixed { status: StatusCode, headers: HeaderMap, body: Bytes },
    /// Rendered for each delivery.
    Rendered(Mentions),
}

/// Something of an answer that is not as the manifest wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// `header` or `body`.
    pub(crate) place: &'static str,
    /// Which header.
    pub(crate) header: Option<HeaderName>,
    /// Why.
    pub(crate) reason: String,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
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
pub(crate) struct Answered {
    pub(crate) id: Uuid,
    pub(crate) target: String,
    pub(crate) body: Bytes,
}

/// The answer of `live` to a delivery, and what of it failed: what the public port gives.
pub(crate) fn rehearse(live: &Live, answered: &Answered) -> (Made, Vec<Failed>) {
    let mut errors = Vec::new();
    let prepared = Prepared::new(live, &mut |failed| errors.push(failed));
    let made = prepared.make(live, Some(answered), &mut |failed| errors.push(failed));
    (made, errors)
}

impl Prepared {
    /// Makes the answer of `live` ready; `failed` is told each error.
    pub(super) fn new(live: &Live, failed: &mut dyn FnMut(Failed)) -> Self {
        let templates = || live.answer.body.iter().chain(live.answer.headers.iter().map(|(_, value)| value));
        if templates().all(|template| template.literal().is_some()) {
            let literal = |template: &Template| Ok(template.literal().unwrap_or_default().to_owned());
            let (headers, body) = make(live, &literal, failed);
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
        failed: &mut dyn FnMut(Failed),
    ) -> Response<Full<Bytes>> {
        let Made { status, headers, body } = self.make(live, answered, failed);
        let mut answer = Response::new(Full::new(body));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        answer
    }

    fn make(&self, live: &Live, answered: Option<&Answered>, failed: &mut dyn FnMut(Failed)) -> Made {
        match self {
            Self::Fixed { status, headers, body } => {
                Made { status: *status, headers: headers.clone(), body: body.clone() }
            }
            Self::Rendered(mentions) => {
                let more = answered.map_or_else(Json::default, |answered| mentions.more(answered));
                let scope = Scope {
                    settings: Some(&live.settings),
                    listener: Some(&live.listener),
                    more: Some(&more),
                    ..Scope::default()
                };
                let (headers, body) = make(live, &|template| template.render(&scope), failed);
                Made { status: live.answer.status, headers, body }
            }
        }
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
    render: &dyn Fn(&Template) -> Result<String, RenderError>,
    failed: &mut dyn FnMut(Failed),
) -> (HeaderMap, Bytes) {
    let mut tell = |place, header: Option<&HeaderName>, reason: String| {
        failed(Failed { place, header: header.cloned(), reason });
    };
    let mut headers = HeaderMap::new();
    for (name, template) in &live.answer.headers {
        let text = render(template).unwrap_or_else(|error| {
            tell("header", Some(name), error.reason);
            String::new()
        });
        match HeaderValue::from_str(&text) {
            Ok(_) if frames(name) => tell("header", Some(name), "the server sets it itself".to_owned()),
            Ok(value) => {
                headers.append(name, value);
            }
            Err(_) => {
                tell("header", Some(name), "what the template gives cannot be sent as a header".to_owned());
            }
        }
    }
    let body = match &live.answer.body {
        Some(template) if !bodiless(live.answer.status) => render(template).unwrap_or_else(|error| {
            tell("body", None, error.reason);
            String::new()
        }),
        _ => String::new(),
    };
    let body = Bytes::from(body);
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
