//! Peers for the client: TCP servers that play a script, and clients that may talk to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use millstream_delivery::config::{Client as Config, Egress};
use millstream_delivery::egress::Guard;
use millstream_delivery::{Client, Response, TransportError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A client that may connect to this machine.
pub(crate) fn client(config: &Config) -> Client {
    let guard = Guard::new(&Egress::default().with_loopback()).unwrap();
    Client::new(config, guard).unwrap()
}

/// Timeouts short enough for tests of hanging servers.
pub(crate) fn impatient() -> Config {
    Config {
        connect_timeout: Duration::from_millis(300),
        request_timeout: Duration::from_millis(300),
        ..Config::default()
    }
}

pub(crate) async fn post(client: &Client, url: &str) -> Result<Response, TransportError> {
    let request = Request::post(url).body(Bytes::from_static(b"{}")).unwrap();
    client.request(request).await
}

/// A server that counts its connections.
pub(crate) struct Server {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Handles each connection with `handle`, which gets the connection's number from 0.
    pub(crate) async fn start<F, H>(handle: H) -> Self
    where
        H: Fn(Peer, usize) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(handle(Peer(stream), number));
            }
        });
        Self { url, connections }
    }

    /// Answers every request on every connection with these bytes.
    pub(crate) async fn answering(answer: &'static [u8]) -> Self {
        Self::start(move |mut peer, _| async move {
            while peer.request().await.is_some() {
                peer.send(answer).await;
            }
        })
        .await
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The other end of one connection.
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    /// Reads one request with a stated length; `None` when the client has hung up.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let mut read = Vec::new();
        loop {
            if let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8(read[..end].to_vec()).unwrap();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |text| text.parse::<usize>().unwrap());
                if read.len() >= end + 4 + length {
                    assert_eq!(read.len(), end + 4 + length, "more than one request");
                    return Some(String::from_utf8(read).unwrap());
                }
            }
            if self.0.read_buf(&mut read).await.ok()? == 0 {
                return None;
            }
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // The client may have had enough by now.
        let _ = self.0.write_all(bytes).await;
    }

    /// Keeps the connection open, saying nothing.
    pub(crate) async fn hang(self) {
        std::future::pending::<()>().await;
        drop(self);
    }
}
