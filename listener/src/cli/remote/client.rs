//! The API of a listener, from outside.

use std::path::{Path, PathBuf};
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

use crate::cli::kube::{ClusterArgs, Name, Tunnel};
use crate::cli::plugin;
use crate::deliver::install_provider;
use crate::verify::secret;

/// Where `listener dev` and a port-forward are.
const DEFAULT_URL: &str = "http://127.0.0.1:9090";

/// Where the listener is, and who asks.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Connection {
    /// Admin port of the listener; left out: port 9090 of this machine
    #[arg(long, global = true, env = "LISTENER_URL", value_name = "URL")]
    url: Option<Url>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// File with a token; `LISTENER_TOKEN` holds it otherwise
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Which listener, where the process runs several, or in the cluster
    #[arg(long, global = true, value_name = "[NAMESPACE/]NAME")]
    listener: Option<Name>,
}

/// Asks one listener.
#[derive(Debug)]
pub(in crate::cli) struct Client {
    inner: reqwest::Client,
    base: Url,
    listener: Option<(String, String)>,
    token: Option<SecretString>,
    /// Open as long as somebody asks.
    _tunnel: Option<Tunnel>,
}

impl Client {
    /// By the way that the options name. In a cluster it is opened now.
    pub(in crate::cli) async fn connect(connection: Connection) -> anyhow::Result<Self> {
        let Connection { url, cluster, token_file, listener } = connection;
        let token = token(token_file.as_deref())?;
        if cluster.is_wanted() || (url.is_none() && plugin::is_called()) {
            let reached = cluster.reach(listener).await?;
            let (namespace, name) = &reached.listener;
            // Shown in messages; the socket decides where it leads.
            let base = Url::parse(&format!("http://{name}.{namespace}/"))?;
            let inner = build(reqwest::Client::builder().unix_socket(reached.tunnel.socket()))?;
            let token = reached.token.or(token);
            return Ok(Self {
                inner,
                base,
                listener: Some(reached.listener),
                token,
                _tunnel: Some(reached.tunnel),
            });
        }
        let base = match url {
            Some(url) => url,
            None => Url::parse(DEFAULT_URL)?,
        };
        if base.cannot_be_a_base() || !matches!(base.scheme(), "http" | "https") {
            bail!("--url {base}: write http:// or https:// and a host, such as {DEFAULT_URL}");
        }
        let listener = match listener {
            None => None,
            Some(Name { namespace: Some(namespace), name }) => Some((namespace, name)),
            Some(only) => bail!("--listener {only}: write NAMESPACE/NAME, such as sales/contacts"),
        };
        let inner = build(reqwest::Client::builder())?;
        Ok(Self { inner, base, listener, token, _tunnel: None })
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

fn build(client: reqwest::ClientBuilder) -> anyhow::Result<reqwest::Client> {
    install_provider();
    client
        .user_agent(concat!("hubspot-listener/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_mins(1))
        .build()
        .context("the HTTP client cannot be made")
}

/// From a file, or from the environment.
fn token(file: Option<&Path>) -> anyhow::Result<Option<SecretString>> {
    if let Some(path) = file {
        return Ok(Some(secret::read(path).with_context(|| format!("--token-file {}", path.display()))?));
    }
    let variable = std::env::var("LISTENER_TOKEN").ok();
    Ok(variable.filter(|token| !token.is_empty()).map(SecretString::from))
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
