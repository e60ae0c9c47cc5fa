//! `/sign-in` and `/sign-out`

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, Uri};
use maud::{Markup, html};
use subtle::ConstantTimeEq;
use tracing::{info, warn};
use url::form_urlencoded;

use super::cookies;
use super::form::Form;
use super::gate::Gate;
use super::parts::done;
use super::session::Ticket;
use super::visit::Session;
use crate::admin::auth::whose;
use crate::admin::tokens::hash;

pub(super) const PATH: &str = "/sign-in";
/// Characters of a path to go on to.
const MAX_NEXT: usize = 1_000;

/// Where somebody signs in to go on to `uri`.
pub(super) fn next(uri: &Uri) -> String {
    let wanted = uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    if wanted == "/" || wanted.len() > MAX_NEXT {
        return PATH.to_owned();
    }
    let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    format!("{PATH}?next={next}")
}

/// Where somebody signs in whose form came too late.
pub(super) fn ended() -> String {
    format!("{PATH}?ended=1")
}

pub(super) async fn show(Extension(session): Extension<Session>, RawQuery(query): RawQuery) -> Response {
    let asked = Form::read(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    if session.caller.is_some() {
        return Redirect::to(&safe(asked.get("next"))).into_response();
    }
    let note = if asked.find("ended").is_some() {
        html! {
            div.refused role="alert" {
                p { "You are not signed in any more, so what you sent was not done. Sign in and do it again." }
            }
        }
    } else if asked.find("out").is_some() {
        done("You are signed out.")
    } else {
        html! {}
    };
    page(&session, asked.get("next"), &note).into_response()
}

pub(super) async fn enter(
    Extension(gate): Extension<Arc<Gate>>,
    Extension(session): Extension<Session>,
    Extension(form): Extension<Form>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let token = hash(form.get("token").trim().as_bytes());
    let look = || whose(&gate.admin, |known| known.ct_eq(&token).into());
    match gate.attempts.attempt(Instant::now(), look) {
        Some(Some(caller)) => {
            let ticket = Ticket::issue(&token, gate.now_s());
            let mut response = Redirect::to(&safe(form.get("next"))).into_response();
            let name = cookies::name(&gate.admin.view);
            let is_secure = cookies::is_secure(&uri, &headers);
            cookies::set(&mut response, &name, &ticket.cookie(), is_secure);
            info!(actor = %caller.name(), "somebody signed in to the page");
            response
        }
        Some(None) => {
            warn!("somebody tried to sign in to the page with a token that is not known");
            again(
                &session,
                &form,
                StatusCode::FORBIDDEN,
                "This token is not known.",
                "Copy it once more, whole. If it was changed or taken back, ask whoever runs the listener for a new one.",
            )
        }
        None => again(
            &session,
            &form,
            StatusCode::TOO_MANY_REQUESTS,
            "There were too many wrong tokens.",
            "Wait a minute, then try again. Whoever is signed in already is not affected.",
        ),
    }
}

fn again(session: &Session, form: &Form, code: StatusCode, what: &str, remedy: &str) -> Response {
    let note = html! { div.refused role="alert" { p { (what) } p { (remedy) } } };
    (code, page(session, form.get("next"), &note)).into_response()
}

pub(super) async fn leave(
    Extension(gate): Extension<Arc<Gate>>,
    Extension(session): Extension<Session>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Some(ticket) = &session.ticket {
        gate.ended.end(ticket, gate.now_s());
    }
    let mut response = Redirect::to(&format!("{PATH}?out=1")).into_response();
    let is_secure = cookies::is_secure(&uri, &headers);
    cookies::remove(&mut response, &cookies::name(&gate.admin.view), is_secure);
    response
}

/// A path of ours to go on to; anything else leads to the beginning.
fn safe(next: &str) -> String {
    let is_ours = next.starts_with("/listeners/")
        && next.len() <= MAX_NEXT
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours { next.to_owned() } else { "/".to_owned() }
}

fn page(session: &Session, next: &str, note: &Markup) -> Markup {
    let body = html! {
        (note)
        form method="post" action=(PATH) {
            (session.token())
            input type="hidden" name="next" value=(safe(next));
            div.field {
                label for="f-token" { "Token" }
                input #f-token type="password" name="token" required autocomplete="current-password"
                    aria-describedby="h-token" autofocus;
                p.hint #h-token {
                    "Whoever runs the listener gives you one. It says who you are and what you may do."
                }
            }
            button { "Sign in" }
        }
    };
    session.page("Sign in", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere_after_signing_in() {
        assert_eq!(
            safe("/listeners/sales/contacts/errors?state=open"),
            "/listeners/sales/contacts/errors?state=open"
        );
        for next in [
            "",
            "/",
            "//evil.example.com",
            "https://evil.example.com",
            "/listeners/\\evil",
            "/listeners/a\r\nb",
        ] {
            assert_eq!(safe(next), "/", "{next}");
        }
        let uri = "/listeners/a/b?x=1&y=2".parse().unwrap();
        assert_eq!(next(&uri), "/sign-in?next=%2Flisteners%2Fa%2Fb%3Fx%3D1%26y%3D2");
    }
}
