//! Destinations and their unused connections.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::connect::Dialed;
use super::http1::Http1;
use super::http2::Http2;
use crate::config::Client as Config;
use crate::transport::TransportError;

/// Destinations that are remembered before unused ones are looked for.
const MANY_DESTINATIONS: usize = 4096;

/// Connections that are made to one destination at the same time. Many requests at once would
/// otherwise open as many connections at once, which overflows the destination's queue of new ones,
/// while the first few are already free again.
const CONNECTING: u32 = 8;

/// All destinations.
pub(super) struct Pool {
    destinations: Mutex<Destinations>,
    /// Unused HTTP/1.1 connections to all destinations.
    idle: AtomicUsize,
    max_idle: usize,
    max_idle_per_destination: usize,
    idle_timeout: Duration,
}

/// Destinations by their authority in lower case.
#[derive(Default)]
struct Destinations {
    plain: HashMap<String, Arc<Destination>>,
    tls: HashMap<String, Arc<Destination>>,
}

impl Destinations {
    fn of(&mut self, tls: bool) -> &mut HashMap<String, Arc<Destination>> {
        if tls { &mut self.tls } else { &mut self.plain }
    }

    fn len(&self) -> usize {
        self.plain.len() + self.tls.len()
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Destination>> {
        self.plain.values().chain(self.tls.values())
    }

    fn forget_unused(&mut self) {
        for known in [&mut self.plain, &mut self.tls] {
            known.retain(|_, destination| destination.is_in_use());
        }
    }
}

/// A scheme, a host and a port.
pub(super) struct Destination {
    tls: bool,
    authority: Authority,
    port: u16,
    host_header: HeaderValue,
    /// Whether the last connection spoke HTTP/1.1. Without TLS there is nothing else.
    speaks_http1: AtomicBool,
    /// Held while connecting.
    turns: Arc<Semaphore>,
    /// Told when a connection has become unused.
    freed: Notify,
    /// Requests that wait for a connection.
    waiting: AtomicUsize,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    /// The most recently used last.
    idle: Vec<(Http1, Instant)>,
    shared: Option<(Http2, Instant)>,
}

impl Pool {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            destinations: Mutex::default(),
            idle: AtomicUsize::new(0),
            max_idle: config.max_idle,
            max_idle_per_destination: config.max_idle_per_destination,
            idle_timeout: config.idle_timeout,
        }
    }

    /// The destination that `uri` leads to.
    pub(super) fn destination(&self, uri: &Uri) -> Result<Arc<Destination>, TransportError> {
        let refuse = |reason| TransportError::Target { reason };
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(refuse("its scheme is neither http nor https")),
        };
        let authority = uri.authority().ok_or(refuse("it has no host"))?;
        let mut destinations = lock(&self.destinations);
        // Most are written in lower case: found without a copy.
        if let Some(known) = destinations.of(tls).get(authority.as_str()) {
            return Ok(Arc::clone(known));
        }
        if destinations.len() >= MANY_DESTINATIONS {
            destinations.forget_unused();
        }
        let known = destinations.of(tls);
        Ok(match known.entry(authority.as_str().to_ascii_lowercase()) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(place) => {
                let new = Arc::new(Destination::new(tls, authority.clone())?);
                Arc::clone(place.insert(new))
            }
        })
    }

    /// An open connection to `destination`, if there is one.
    pub(super) fn take(&self, destination: &Destination) -> Option<Dialed> {
        let mut connections = lock(&destination.connections);
        if let Some((connection, _)) = connections.idle.pop() {
            self.idle.fetch_sub(1, Ordering::Relaxed);
            return Some(Dialed::Http1(connection));
        }
        let (connection, used) = connections.shared.as_mut()?;
        if connection.is_open() {
            *used = Instant::now();
            return Some(Dialed::Http2(connection.clone()));
        }
        connections.shared = None;
        None
    }

    /// Keeps an unused connection, if there is room or somebody waits for one.
    pub(super) fn put_back(&self, destination: &Destination, connection: Http1) {
        let mut connections = lock(&destination.connections);
        let room = connections.idle.len() < self.max_idle_per_destination
            && self.idle.load(Ordering::Relaxed) < self.max_idle;
        if room || connections.idle.len() < destination.waiting.load(Ordering::Relaxed) {
            self.idle.fetch_add(1, Ordering::Relaxed);
            connections.idle.push((connection, Instant::now()));
            drop(connections);
            destination.freed.notify_one();
        }
    }

    /// Closes what is no longer needed, again and again.
    pub(super) async fn sweep_regularly(&self) {
        loop {
            tokio::time::sleep(self.idle_timeout / 2).await;
            self.sweep();
        }
    }

    /// Closes connections that have been unused for too long or that the other side has closed,
    /// and forgets destinations without any.
    fn sweep(&self) {
        let destinations: Vec<_> = lock(&self.destinations).all().cloned().collect();
        for destination in destinations {
            let closed = destination.close_unused(self.idle_timeout);
            self.idle.fetch_sub(closed, Ordering::Relaxed);
        }
        lock(&self.destinations).forget_unused();
    }
}

impl Destination {
    fn new(tls: bool, authority: Authority) -> Result<Self, TransportError> {
        let refuse = |reason| TransportError::Target { reason };
        if authority.as_str().contains('@') {
            return Err(refuse(
                "it holds a user name or password; send an Authorization header instead",
            ));
        }
        let default_port = if tls { 443 } else { 80 };
        let written_port = &authority.as_str()[authority.host().len()..];
        let port = match authority.port_u16() {
            Some(port) => port,
            None if matches!(written_port, "" | ":") => default_port,
            None => return Err(refuse("its port is not a number from 0 to 65535")),
        };
        let host_header = if port == default_port {
            HeaderValue::from_str(authority.host())
        } else {
            HeaderValue::from_str(authority.as_str())
        };
        Ok(Self {
            port,
            host_header: host_header.map_err(|_| refuse("its host is not valid"))?,
            speaks_http1: AtomicBool::new(!tls),
            turns: Arc::new(Semaphore::new(CONNECTING as usize)),
            freed: Notify::new(),
            waiting: AtomicUsize::new(0),
            connections: Mutex::default(),
            tls,
            authority,
        })
    }

    /// The host as it was written, an IPv6 address in brackets.
    pub(super) fn host(&self) -> &str {
        self.authority.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn uses_tls(&self) -> bool {
        self.tls
    }

    /// The value of the `Host` header: without the port where it is the scheme's own.
    pub(super) fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    /// Waits until this request may connect. While it isn't known that the destination speaks
    /// HTTP/1.1 only, one request connects and the others wait: with HTTP/2 they will share its
    /// connection.
    pub(super) async fn turn_to_connect(&self) -> OwnedSemaphorePermit {
        let places = match self.speaks_http1.load(Ordering::Relaxed) {
            true => 1,
            false => CONNECTING,
        };
        let turn = Arc::clone(&self.turns).acquire_many_owned(places).await;
        turn.expect("the semaphore is never closed")
    }

    /// To be held while waiting for a connection.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// Remembers what a new connection speaks, and shares it if it can be.
    pub(super) fn learn(&self, dialed: &Dialed) {
        self.speaks_http1
            .store(matches!(dialed, Dialed::Http1(_)), Ordering::Relaxed);
        if let Dialed::Http2(connection) = dialed {
            lock(&self.connections).shared = Some((connection.clone(), Instant::now()));
            self.freed.notify_waiters();
        }
    }

    /// Lets no further request use the shared connection, which has stopped taking them.
    pub(super) fn stop_sharing(&self) {
        lock(&self.connections).shared = None;
    }

    /// Closes connections unused for longer than `idle_timeout` or closed by the other side;
    /// returns how many HTTP/1.1 ones.
    fn close_unused(&self, idle_timeout: Duration) -> usize {
        let mut connections = lock(&self.connections);
        let before = connections.idle.len();
        connections
            .idle
            .retain_mut(|(connection, used)| used.elapsed() < idle_timeout && connection.is_open());
        connections
            .shared
            .take_if(|(connection, used)| used.elapsed() >= idle_timeout || !connection.is_open());
        before - connections.idle.len()
    }

    fn is_in_use(self: &Arc<Self>) -> bool {
        let connections = lock(&self.connections);
        // One reference is the pool's; any other is that of a request.
        Arc::strong_count(self) > 1 || connections.shared.is_some() || !connections.idle.is_empty()
    }
}

/// A request that waits for a connection.
pub(super) struct Waiting<'d>(&'d Destination);

impl Waiting<'_> {
    /// Ends when a connection may be there to be taken. Once enabled it misses none, so that one can
    /// look whether there is one already and then wait.
    pub(super) fn freed(&self) -> Notified<'_> {
        self.0.freed.notified()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is behind a mutex here is never left half changed by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(uri: &'static str) -> Result<Arc<Destination>, TransportError> {
        Pool::new(&Config::default()).destination(&Uri::from_static(uri))
    }

    #[test]
    fn the_host_header_has_a_port_only_where_it_is_not_the_schemes_own() {
        for (uri, port, header) in [
            ("http://a.example/x", 80, "a.example"),
            ("https://a.example:443/", 443, "a.example"),
            ("https://a.example:80/", 80, "a.example:80"),
            ("http://[::1]:8080/", 8080, "[::1]:8080"),
            ("http://[::1]/", 80, "[::1]"),
        ] {
            let destination = destination(uri).unwrap();
            assert_eq!(destination.port(), port, "{uri}");
            assert_eq!(destination.host_header(), header, "{uri}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_requested_is_refused() {
        for uri in [
            "/path",
            "ftp://a.example/",
            "http://user:secret@a.example/",
            "http://a.example:99999/",
        ] {
            let error = destination(uri).err().unwrap();
            assert!(matches!(error, TransportError::Target { .. }), "{uri}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn hosts_are_the_same_in_any_case_of_letters() {
        let pool = Pool::new(&Config::default());
        let one = pool
            .destination(&Uri::from_static("http://A.example/x"))
            .unwrap();
        let other = pool
            .destination(&Uri::from_static("http://a.EXAMPLE/y"))
            .unwrap();
        assert!(Arc::ptr_eq(&one, &other));
    }

    #[test]
    fn destinations_without_connections_are_forgotten() {
        let pool = Pool::new(&Config::default());
        for number in 0..2 * MANY_DESTINATIONS {
            let uri = Uri::try_from(format!("http://host-{number}.example/")).unwrap();
            pool.destination(&uri).unwrap();
        }
        assert!(lock(&pool.destinations).len() <= MANY_DESTINATIONS);
        pool.sweep();
        assert_eq!(lock(&pool.destinations).len(), 0);
    }
}
