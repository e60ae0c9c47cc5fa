//! The API of a listener, from outside.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use futures_util::Stream;
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::deliver::install_provider;
use crate::verify::secret;

/// Where the listener is, and who asks.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Connection {
    /// Admin port of the listener
    #[arg(
        long,
        global = true,
        env = "LISTENER_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:9090"
    )]
    url: Url,
    /// File with a token; `LISTENER_TOKEN` holds it otherwise
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Which listener, where the process runs several
    #[arg(long, global = true, value_name = "NAMESPACE/NAME")]
    listener: Option<String>,
}

/// Asks one listener.
#[derive(Debug)]
pub(in crate::cli) struct Client {
    inner: reqwest::Client,
    base: Url,
    listener: Option<(String, String)>,
    token: Option<SecretString>,
}

impl Client {
    pub(in crate::cli) fn new(connection: Connection) -> anyhow::Result<Self> {
        let Connection { url, token_file, listener } = connection;
        if url.cannot_be_a_base() || !matches!(url.scheme(), "http" | "https") {
            bail!("--url {url}: write http:// or https:// and a host, such as http://127.0.0.1:9090");
        }
        let token = match token_file {
            Some(path) => {
                Some(secret::read(&path).with_context(|| format!("--token-file {}", path.display()))?)
            }
            None => {
                std::env::var("LISTENER_TOKEN").ok().filter(|token| !token.is_empty()).map(SecretString::from)
            }
        };
        let listener = match listener {
            None => None,
            Some(text) => match text.split_once('/') {
                Some((namespace, name))
                    if !namespace.is_empty() && !name.is_empty() && !name.contains('/') =>
                {
                    Some((namespace.to_owned(), name.to_owned()))
                }
                _ => bail!("--listener {text}: write NAMESPACE/NAME, such as sales/contacts"),
            },
        };
        install_provider();
        let inner = reqwest::Client::builder()
            .user_agent(concat!("hubspot-listener/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_mins(1))
            .build()
            .context("the HTTP client cannot be made")?;
        Ok(Self { inner, base: url, listener, token })
    }

    /// What `path` answers.
    pub(in crate::cli) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> anyhow::Result<T> {
        let answer = self.send(self.request(Method::GET, path, query)?).await?;
        self.read(answer).await
    }

    /// What `path` answers to a post.
    pub(in crate::cli) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &Value,
    ) -> anyhow::Result<T> {
        let request = self.request(Method::POST, path, &[])?;
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = self.send(request).await?;
        self.read(answer).await
    }

    /// The bytes that `path` answers, as they come.
    pub(in crate::cli) async fn stream(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> anyhow::Result<impl Stream<Item = reqwest::Result<Bytes>> + use<>> {
        Ok(self.send(self.request(Method::GET, path, query)?).await?.bytes_stream())
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
    ) -> anyhow::Result<RequestBuilder> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]);
            if let Some((namespace, name)) = &self.listener {
                segments.extend(["listeners", namespace, name]);
            }
            segments.extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.inner.request(method, url);
        if let Some(token) = &self.token {
            let mut value = http::HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .map_err(|_| {
                    anyhow::anyhow!(
                        "the token has characters that a header cannot carry: is it the right file?"
                    )
                })?;
            value.set_sensitive(true);
            request = request.header(http::header::AUTHORIZATION, value);
        }
        Ok(request)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<reqwest::Response> {
        let answer = request.send().await.map_err(reqwest::Error::without_url).with_context(|| {
            format!("no answer from {}: is the admin port forwarded, and --url right?", self.base)
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let body = answer.bytes().await.unwrap_or_default();
        bail!("{}", problem(status.as_u16(), &body))
    }

    async fn read<T: DeserializeOwned>(&self, answer: reqwest::Response) -> anyhow::Result<T> {
        let body =
            answer.bytes().await.map_err(reqwest::Error::without_url).context("the answer broke off")?;
        serde_json::from_slice(&body).with_context(|| {
            format!("{} answered something else: is it the admin port of a listener?", self.base)
        })
    }
}

/// What a problem says, for people.
fn problem(status: u16, body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| problem[name].as_str().map(super::text::line);
    let Some(detail) = text("detail") else { return format!("the answer was {status}") };
    let field = text("field").map(|field| format!("{field}: ")).unwrap_or_default();
    let remedy = text("remedy").map(|remedy| format!("; {remedy}")).unwrap_or_default();
    format!("{field}{detail}{remedy}")
}
