//! The destination of a run: answers every request at once, as cheaply as it can be done, so that
//! what is measured is the sender.
//!
//! Each event carries its number in its own time (see [`crate::events`]); the sink reads it from
//! the body and keeps it with the time of arrival. `GET /count` answers how many requests arrived,
//! `GET /arrivals` all pairs in binary, `POST /reset` forgets them. A path starting with `/hang`
//! is never answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::now_micros;
use crate::events;

/// Most arrivals kept; later ones are only counted.
const MAX_ARRIVALS: usize = 8_000_000;
/// Longest request taken.
const MAX_REQUEST: usize = 1 << 20;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// When an event arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Its number.
    pub(crate) sequence: u64,
    /// In microseconds since 1970.
    pub(crate) at: u64,
}

impl Arrival {
    fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..].copy_from_slice(&self.at.to_le_bytes());
        bytes
    }

    /// Reads what `GET /arrivals` answered.
    pub(crate) fn read_all(bytes: &[u8]) -> Vec<Self> {
        let number = |half: &[u8]| {
            half.iter()
                .rev()
                .fold(0, |n, byte| (n << 8) | u64::from(*byte))
        };
        let pair = |pair: &[u8]| Self {
            sequence: number(&pair[..8]),
            at: number(&pair[8..]),
        };
        bytes.chunks_exact(16).map(pair).collect()
    }
}

#[derive(Default)]
struct Tally {
    requests: AtomicU64,
    arrivals: Mutex<Vec<Arrival>>,
}

impl Tally {
    fn arrivals(&self) -> std::sync::MutexGuard<'_, Vec<Arrival>> {
        self.arrivals.lock().expect("nothing panics under the lock")
    }

    fn record(&self, body: &[u8]) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(sequence) = events::sequence_in(body) {
            let mut arrivals = self.arrivals();
            if arrivals.len() < MAX_ARRIVALS {
                arrivals.push(Arrival {
                    sequence,
                    at: now_micros(),
                });
            }
        }
    }
}

/// Serves until the process ends.
pub(crate) async fn run(listen: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("binding {listen}"))?;
    serve(listener).await
}

/// Serves what connects to `listener`.
pub(crate) async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let tally = Arc::new(Tally::default());
    loop {
        let (stream, _) = listener.accept().await?;
        let tally = Arc::clone(&tally);
        tokio::spawn(async move {
            if let Err(error) = connection(stream, &tally).await {
                eprintln!("sink: {error}");
            }
        });
    }
}

async fn connection(mut stream: TcpStream, tally: &Tally) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        let Some(request) = next_request(&mut stream, &mut buffer).await? else {
            return Ok(());
        };
        if request.head.starts_with(b"POST /hook") {
            tally.record(request.body);
            stream.write_all(ANSWER).await?;
        } else {
            control(&mut stream, &request, tally).await?;
        }
        let length = request.head.len() + request.body.len();
        buffer.drain(..length);
    }
}

async fn control(
    stream: &mut TcpStream,
    request: &Request<'_>,
    tally: &Tally,
) -> anyhow::Result<()> {
    let path = request
        .head
        .split(|byte| *byte == b' ')
        .nth(1)
        .unwrap_or_default();
    let body = match path {
        b"/count" => tally
            .requests
            .load(Ordering::Relaxed)
            .to_string()
            .into_bytes(),
        b"/arrivals" => tally.arrivals().iter().flat_map(|a| a.to_bytes()).collect(),
        b"/reset" => {
            tally.requests.store(0, Ordering::Relaxed);
            tally.arrivals().clear();
            Vec::new()
        }
        hang if hang.starts_with(b"/hang") => std::future::pending().await,
        other => bail!("no such path: {}", String::from_utf8_lossy(other)),
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    Ok(stream.write_all(&body).await?)
}

/// A request in the buffer.
struct Request<'a> {
    /// Up to the empty line, inclusive.
    head: &'a [u8],
    body: &'a [u8],
}

/// Reads until the buffer starts with a whole request; `None` where the connection ends before one.
async fn next_request<'a>(
    stream: &mut TcpStream,
    buffer: &'a mut Vec<u8>,
) -> anyhow::Result<Option<Request<'a>>> {
    let (head, length) = loop {
        if let Some(head) = head_length(buffer) {
            let length = head + content_length(&buffer[..head])?;
            if buffer.len() >= length {
                break (head, length);
            }
        }
        if buffer.len() > MAX_REQUEST {
            bail!("a request is longer than {MAX_REQUEST} bytes");
        }
        match stream.read_buf(buffer).await {
            Ok(0) if buffer.is_empty() => return Ok(None),
            Ok(0) => bail!("the connection ended within a request"),
            Ok(_) => {}
            // The sender was killed or closed the connection with bytes on the way.
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    };
    Ok(Some(Request {
        head: &buffer[..head],
        body: &buffer[head..length],
    }))
}

fn head_length(buffer: &[u8]) -> Option<usize> {
    buffer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    const NAME: &[u8] = b"content-length:";
    let named =
        |line: &&[u8]| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME);
    match head.split(|byte| *byte == b'\n').find(named) {
        Some(line) => Ok(std::str::from_utf8(&line[NAME.len()..])?.trim().parse()?),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_survives_the_wire() {
        let arrivals = [
            Arrival {
                sequence: 1,
                at: u64::MAX,
            },
            Arrival {
                sequence: 300_000,
                at: 2,
            },
        ];
        let bytes: Vec<u8> = arrivals.iter().flat_map(|a| a.to_bytes()).collect();
        assert_eq!(Arrival::read_all(&bytes), arrivals);
    }

    #[tokio::test]
    async fn requests_are_counted_however_they_are_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut answer = [0; ANSWER.len()];
        for cut in [1, 20, 50] {
            let request = b"POST /hook HTTP/1.1\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
            stream.write_all(&request[..cut]).await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(&request[cut..]).await.unwrap();
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, *ANSWER);
        }
        stream
            .write_all(b"GET /count HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        let mut answer = vec![0; 64];
        let length = stream.read(&mut answer).await.unwrap();
        assert!(
            answer[..length].ends_with(b"\r\n\r\n3"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
}
