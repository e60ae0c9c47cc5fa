//! One question to one pod: bounded in time and in bytes.

use std::net::SocketAddr;
use std::time::Duration;

use crds::report::{PATH, Reports};
use serde::Serialize;

/// How long an answer may take.
const TIME: Duration = Duration::from_secs(2);
/// Bytes of an answer.
const MAX_BYTES: usize = 64 * 1024;

/// Asks pods.
#[derive(Clone, Debug)]
pub(in crate::run) struct Asker(reqwest::Client);

impl Asker {
    /// None where no client can be made, which is said in the log.
    pub(in crate::run) fn new() -> Option<Self> {
        // A pod's address is never behind a proxy, and a pod sends nobody anywhere else.
        let client = reqwest::Client::builder()
            .no_proxy()
            // Reports come over plain HTTP. Without this it would look for the machine's CA certificates,
            // and an image has none.
            .tls_certs_only([])
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIME)
            .connect_timeout(TIME)
            .pool_max_idle_per_host(0)
            .build();
        match client {
            Ok(client) => Some(Self(client)),
            Err(error) => {
                tracing::error!(%error, "pods cannot be asked for their reports");
                None
            }
        }
    }

    /// What the pod at this address tells, or why it does not. The reason is short and the same
    /// for the same trouble, since a new one causes a reconcile.
    pub(super) async fn ask(&self, address: SocketAddr) -> Result<Reports, String> {
        let request = self.0.get(format!("http://{address}{PATH}"));
        let body = read(request, MAX_BYTES).await?;
        serde_json::from_slice(&body).map_err(|_| "the answer is no report".to_owned())
    }

    /// What the pod answers to a message, at most `max` bytes.
    pub(in crate::run) async fn post(
        &self,
        address: SocketAddr,
        path: &str,
        message: &impl Serialize,
        max: usize,
    ) -> Result<Vec<u8>, String> {
        let text = serde_json::to_vec(message).map_err(|error| error.to_string())?;
        let request = self.0.post(format!("http://{address}{path}"));
        read(request.header(http::header::CONTENT_TYPE, "application/json").body(text), max).await
    }
}

async fn read(request: reqwest::RequestBuilder, max: usize) -> Result<Vec<u8>, String> {
    let mut answer = request.send().await.map_err(|error| why(&error))?;
    if !answer.status().is_success() {
        return Err(format!("the pod answered {}", answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| why(&error))? {
        if body.len() + part.len() > max {
            return Err(format!("the answer has more than {max} bytes"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn why(error: &reqwest::Error) -> String {
    let text = if error.is_timeout() {
        "no answer within 2 s"
    } else if error.is_connect() {
        "no connection to the admin port"
    } else {
        "the connection broke off"
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A real server that gives one answer, word by word.
    async fn pod(answer: Vec<u8>) -> SocketAddr {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = socket.accept().await.unwrap();
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(&answer).await;
        });
        address
    }

    fn http(status: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    fn asker() -> Asker {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Asker::new().unwrap()
    }

    #[tokio::test]
    async fn a_report_is_read_and_fields_of_a_newer_listener_are_left() {
        let body = r#"{"listeners":[{"namespace":"sales","name":"contacts","openErrors":2,"new":1}]}"#;
        let reports = asker().ask(pod(http("200 OK", body)).await).await.unwrap();
        assert_eq!(reports.listeners[0].open_errors, Some(2));
    }

    #[tokio::test]
    async fn an_answer_that_is_no_report_is_refused_with_a_reason() {
        let asker = asker();
        let large = format!("{{\"message\":\"{}\"}}", "x".repeat(MAX_BYTES));
        for (answer, expected) in [
            (http("404 Not Found", ""), "the pod answered 404"),
            (http("302 Found", ""), "the pod answered 302"),
            (http("200 OK", "<html>"), "the answer is no report"),
            (http("200 OK", &large), "the answer has more than 65536 bytes"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec(), "the connection broke off"),
        ] {
            assert_eq!(asker.ask(pod(answer).await).await.unwrap_err(), expected);
        }
    }

    #[tokio::test]
    async fn a_pod_that_does_not_listen_or_does_not_answer_is_told_apart() {
        let asker = asker();
        let gone = {
            let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
            socket.local_addr().unwrap()
        };
        assert_eq!(asker.ask(gone).await.unwrap_err(), "no connection to the admin port");
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let begin = std::time::Instant::now();
        assert_eq!(asker.ask(silent.local_addr().unwrap()).await.unwrap_err(), "no answer within 2 s");
        assert!(begin.elapsed() < Duration::from_secs(4));
    }
}
