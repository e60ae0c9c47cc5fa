//! Just enough HTTP/1.1 to ask the listener over one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A connection that is kept.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// The JSON that `path` answers.
    pub(crate) fn get(&mut self, path: &str) -> Result<Value> {
        let (status, body) = self.exchange("GET", path, "", b"")?;
        ensure!(status == 200, "{path} answered {status}: {body}");
        serde_json::from_str(&body).with_context(|| format!("{path} answered {body:?}"))
    }

    /// The JSON that is answered to JSON.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let header = "Content-Type: application/json\r\n";
        let (status, answer) = self.exchange("POST", path, header, body.to_string().as_bytes())?;
        ensure!(status == 200, "{path} answered {status}: {answer}");
        serde_json::from_str(&answer).with_context(|| format!("{path} answered {answer:?}"))
    }

    /// Status and body of any answer.
    pub(crate) fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<(u16, String)> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let first = self.line()?;
        let status = first.get(9..12).and_then(|text| text.parse().ok());
        let status = status.with_context(|| format!("no answer: {first:?}"))?;
        let mut length = 0;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse()?;
            }
            ensure!(!line.starts_with("transfer-encoding:"), "{path} is answered in chunks");
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, String::from_utf8(body)?))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "the connection was closed");
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
