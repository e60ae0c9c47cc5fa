//! A destination that takes nothing, and says of each record why.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context, Result};
use serde::Deserialize;

/// Classes that a destination may name.
const CLASSES: [&str; 6] = ["value", "missing", "duplicate", "too_large", "rate_limit", "intermittent"];

/// The server; its threads end with the process.
pub(super) struct Sink {
    pub(super) port: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    object_id: u64,
}

impl Sink {
    pub(super) fn start() -> Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0")?;
        let port = socket.local_addr()?.port();
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                std::thread::spawn(move || serve(stream));
            }
        });
        Ok(Self { port })
    }
}

fn serve(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let answer = refuse(&body).context("a page of events")?;
        let head = format!(
            "HTTP/1.1 207 Multi-Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), answer.as_bytes()].concat())?;
    }
}

fn refuse(page: &[u8]) -> Result<String> {
    let records: Vec<Record> = serde_json::from_slice(page)?;
    let mut answer = "{\"failed\":[".to_owned();
    for (index, Record { object_id }) in records.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let class = usize::try_from(object_id / 7)? % CLASSES.len();
        let class = CLASSES.get(class).copied().unwrap_or_default();
        write!(
            answer,
            "{comma}{{\"index\":{index},\"code\":\"{class}\",\"message\":\"property p{} of the contact is not known \
             to the system\",\"retryable\":false}}",
            object_id % 2_000
        )?;
    }
    answer.push_str("]}");
    Ok(answer)
}
