//! New connections: look up, connect, shake hands.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::http1::Http1;
use super::http2::Http2;
use super::io::Stream;
use super::pool::Destination;
use crate::egress::Guard;
use crate::transport::{Connecting, TransportError};

/// How long an address is tried before the next one is tried beside it (RFC 8305, section 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 6;

/// A connection that is ready for requests.
pub(super) enum Dialed {
    Http1(Http1),
    Http2(Http2),
}

pub(super) struct Connector {
    guard: Guard,
    tls: TlsConnector,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Connector {
    pub(super) fn new(
        guard: Guard,
        tls: Arc<ClientConfig>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self {
            guard,
            tls: TlsConnector::from(tls),
            tasks,
            stop,
        }
    }

    /// Runs `task` among the client's own.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Connects to an address of the destination that the guard lets pass.
    pub(super) async fn dial(
        &self,
        destination: &Destination,
    ) -> Result<(Dialed, Connecting), TransportError> {
        let host = destination.host();
        let began = Instant::now();
        let addresses = self.guard.addresses(host).await?;
        let looked_up = Instant::now();
        let stream = connect(addresses, destination.port())
            .await
            .map_err(|source| TransportError::Connect {
                host: host.to_owned(),
                source,
            })?;
        let connected = Instant::now();
        let mut took = Connecting {
            lookup: looked_up - began,
            connect: connected - looked_up,
            tls: None,
        };
        let protocol = |source| TransportError::from_exchange(host, source);
        if !destination.uses_tls() {
            let connection = Http1::handshake(Stream::plain(stream)).await;
            let connection = connection.map_err(protocol)?;
            return Ok((Dialed::Http1(connection), took));
        }
        let stream = self.handshake(host, stream).await?;
        took.tls = Some(connected.elapsed());
        let dialed = if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let stream = Stream::tls(stream);
            let connection = Http2::handshake(stream, &self.tasks, &self.stop).await;
            connection.map(Dialed::Http2).map_err(protocol)
        } else {
            let connection = Http1::handshake(Stream::tls(stream)).await;
            connection.map(Dialed::Http1).map_err(protocol)
        };
        Ok((dialed?, took))
    }

    async fn handshake(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, TransportError> {
        let bare = host.trim_start_matches('[').trim_end_matches([']', '.']);
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| TransportError::Target {
            reason: "its host can't have a certificate",
        })?;
        let connected = self.tls.connect(name, stream).await;
        connected.map_err(|source| TransportError::Tls {
            host: host.to_owned(),
            source,
        })
    }
}

/// The first connection that comes about. The addresses are tried in turn, the families
/// alternating, each beside those that have not answered yet.
async fn connect(addresses: Vec<IpAddr>, port: u16) -> io::Result<TcpStream> {
    let mut waiting = alternating(addresses).into_iter().take(MAX_ADDRESSES);
    let mut connecting = FuturesUnordered::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let next = waiting.next();
        let last = next.is_none();
        if let Some(address) = next {
            connecting.push(TcpStream::connect(SocketAddr::new(address, port)));
        }
        let pause = async {
            if last {
                std::future::pending().await
            } else {
                tokio::time::sleep(NEXT_ADDRESS_AFTER).await;
            }
        };
        tokio::select! {
            biased;
            connected = connecting.next() => match connected {
                Some(Ok(stream)) => {
                    // Requests are written whole, so waiting for more to send only delays them.
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Some(Err(error)) => last_error = error,
                None => return Err(last_error),
            },
            () = pause => {}
        }
    }
}

/// The addresses with the families taking turns, starting with that of the first.
fn alternating(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let starts_with_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == starts_with_v6);
    let mut ordered = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return ordered;
        }
        ordered.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_families_take_turns() {
        let of = |texts: &[&str]| -> Vec<IpAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(
            alternating(of(&["::1", "::2", "::3", "1.1.1.1"])),
            of(&["::1", "1.1.1.1", "::2", "::3"])
        );
        assert_eq!(
            alternating(of(&["1.1.1.1", "1.1.1.2", "::1"])),
            of(&["1.1.1.1", "::1", "1.1.1.2"])
        );
        assert_eq!(alternating(Vec::new()), of(&[]));
    }
}
