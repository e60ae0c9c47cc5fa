//! What a browser without script does: cookies, forms, redirects.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, HeaderMap, HeaderName, LOCATION, SET_COOKIE};
use reqwest::{Client, Method};
use url::form_urlencoded;

use crate::admin::api::tests::scene::Scene;
use crate::deliver::install_provider;

pub(super) const LISTENER: &str = "/listeners/sales/contacts";

pub(super) struct Browser {
    client: Client,
    origin: String,
    pub(super) cookies: BTreeMap<String, String>,
    /// Of the last page.
    pub(super) csrf: String,
    /// Sent with each request.
    pub(super) headers: Vec<(HeaderName, String)>,
}

/// An answer that was read.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    /// Where it is, after redirects.
    pub(super) path: String,
}

impl Page {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    #[track_caller]
    pub(super) fn says(&self, status: u16, text: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(self.has(text), "{text:?} is not in {}", self.text);
    }

    pub(super) fn heading(&self) -> &str {
        assert_eq!(self.text.matches("<h1>").count(), 1, "{}", self.text);
        self.text.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).unwrap()
    }

    /// The value of the first hidden field of that name.
    pub(super) fn hidden(&self, name: &str) -> Option<String> {
        let begin = format!("name=\"{name}\" value=\"");
        let value = self.text.split(&begin).nth(1)?.split('"').next()?;
        Some(value.replace("&amp;", "&"))
    }

    /// The path that the first form with this text in its action leads to.
    pub(super) fn action(&self, part: &str) -> String {
        let mut actions = self.text.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
        actions
            .find(|action| action.contains(part))
            .unwrap_or_else(|| panic!("no {part}: {}", self.text))
            .to_owned()
    }
}

impl Browser {
    pub(super) fn new(origin: String) -> Self {
        install_provider();
        let policy = reqwest::redirect::Policy::none();
        let client = Client::builder().no_proxy().redirect(policy).build().unwrap();
        Self { client, origin, cookies: BTreeMap::new(), csrf: String::new(), headers: Vec::new() }
    }

    pub(super) fn at(scene: &Scene) -> Self {
        Self::new(format!("http://{}", scene.address))
    }

    /// Signed in.
    pub(super) async fn signed_in(scene: &Scene, token: &str) -> Self {
        let mut browser = Self::at(scene);
        browser.get("/sign-in").await;
        let page = browser.post("/sign-in", &[("token", token)]).await;
        assert_eq!((page.status, page.path.as_str()), (200, LISTENER), "{}", page.text);
        browser
    }

    /// Without following a redirect.
    pub(super) async fn send(&mut self, method: Method, path: &str, body: Option<String>) -> Page {
        let mut request = self.client.request(method, format!("{}{path}", self.origin));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for set in headers.get_all(SET_COOKIE) {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let page = Page { status, headers, text: answer.text().await.unwrap(), path: path.to_owned() };
        if let Some(csrf) = page.hidden("csrf") {
            self.csrf = csrf;
        }
        page
    }

    pub(super) async fn get(&mut self, path: &str) -> Page {
        let page = self.send(Method::GET, path, None).await;
        self.follow(page).await
    }

    /// A form with the field that the last page gave, and the page that it leads to.
    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = self.form(fields);
        let page = self.send(Method::POST, path, Some(body)).await;
        self.follow(page).await
    }

    pub(super) fn form(&self, fields: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &self.csrf).extend_pairs(fields).finish()
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            if !(300..400).contains(&page.status) {
                return page;
            }
            assert_eq!(page.status, 303);
            let to = page.headers[LOCATION].to_str().unwrap().to_owned();
            page = self.send(Method::GET, &to, None).await;
        }
        panic!("it leads in circles: {}", page.path);
    }
}
