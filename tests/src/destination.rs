//! A destination that does what a test tells it: answers, stalls, breaks off, and remembers.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// When it had arrived whole.
    pub at: Instant,
    /// The verb.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Received {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The id that names the delivery over all its attempts.
    pub fn delivery_id(&self) -> &str {
        self.header("millstream-delivery-id")
            .expect("every request carries a delivery id")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e} in {}", String::from_utf8_lossy(&self.body)))
    }
}

/// What a destination does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers with this status and no body.
    Status(u16),
    /// Answers with this status, header and body.
    Full(u16, &'static str, String),
    /// Answers 200 after a while.
    After(Duration),
    /// Never answers.
    Hang,
    /// Sends the beginning of an answer and closes the connection.
    BreakOff,
}

type Script = Box<dyn Fn(&Received) -> Reply + Send>;

struct Shared {
    script: Mutex<Script>,
    received: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
}

/// An HTTP/1.1 server on loopback.
pub struct Destination {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl Destination {
    /// One that answers 200.
    pub async fn start() -> Self {
        Self::scripted(|_| Reply::Status(200)).await
    }

    /// One that does what `script` says.
    pub async fn scripted(script: impl Fn(&Received) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            received: Mutex::new(Vec::new()),
            count: watch::Sender::new(0),
        });
        let acceptor = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            acceptor,
        }
    }

    /// Replaces what it does from the next request on.
    pub fn script(&self, script: impl Fn(&Received) -> Reply + Send + 'static) {
        *self.shared.script.lock().expect("no script panics") = Box::new(script);
    }

    /// Where requests are to be sent.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What has arrived so far, in order.
    pub fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.shared
            .received
            .lock()
            .expect("nothing panics under the lock")
    }

    /// How many requests have arrived so far.
    pub fn count(&self) -> usize {
        *self.shared.count.borrow()
    }

    /// Waits until `count` requests have arrived; panics after `limit`.
    pub async fn wait_for(&self, count: usize, limit: Duration) {
        let mut arrived = self.shared.count.subscribe();
        let waited = tokio::time::timeout(limit, arrived.wait_for(|n| *n >= count)).await;
        assert!(
            waited.is_ok(),
            "{} of {count} requests arrived within {limit:?}",
            self.count()
        );
    }
}

/// An address at which every connection is refused.
pub async fn refusing_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    format!("http://{}/hook", listener.local_addr().expect("an address"))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropping the set closes the connections.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // The sender closes connections as it likes: an error ends the connection, not the test.
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(32 * 1024, stream);
    while let Some(request) = read_request(&mut stream).await? {
        let reply = (shared.script.lock().expect("no script panics"))(&request);
        shared
            .received
            .lock()
            .expect("nothing panics under the lock")
            .push(request);
        shared.count.send_modify(|n| *n += 1);
        match reply {
            Reply::Status(status) => answer(&mut stream, status, "", "").await?,
            Reply::Full(status, header, body) => answer(&mut stream, status, header, &body).await?,
            Reply::After(wait) => {
                tokio::time::sleep(wait).await;
                answer(&mut stream, 200, "", "").await?;
            }
            Reply::Hang => std::future::pending().await,
            Reply::BreakOff => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal")
                    .await?;
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn answer(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    header: &str,
    body: &str,
) -> io::Result<()> {
    let header = if header.is_empty() {
        String::new()
    } else {
        format!("{header}\r\n")
    };
    let head = format!(
        "HTTP/1.1 {status} Told\r\n{header}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).await
}

/// The next request, or `None` where the connection ends before one.
async fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Received>> {
    let mut head = Vec::with_capacity(1024);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && head.is_empty() => {
                return Ok(None);
            }
            Err(e) => return Err(e),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let mut first = lines
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(str::to_owned);
    let (method, path) = (
        first.next().unwrap_or_default(),
        first.next().unwrap_or_default(),
    );
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Received {
        at: Instant::now(),
        method,
        path,
        headers,
        body: body.into(),
    }))
}
