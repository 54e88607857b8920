//! TLS and HTTP/2, with an authority made for the test.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use millstream_delivery::config::Client as Config;
use millstream_delivery::{Client, TransportError};
use model::outcome::Category;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::peer::{Server, client, impatient, post};

/// A certificate that stands for itself.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    file: NamedTempFile,
}

fn identity(name: &str) -> Identity {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(made.cert.pem().as_bytes()).unwrap();
    Identity {
        certificate: made.cert.der().clone(),
        key: made.signing_key.serialize_der(),
        file,
    }
}

fn trusting(identity: &Identity, config: Config) -> Client {
    client(&Config {
        ca_file: Some(identity.file.path().to_owned()),
        ..config
    })
}

struct TlsServer {
    port: u16,
    connections: Arc<AtomicUsize>,
}

/// A server that echoes method, path, version, host and body.
async fn serve(identity: &Identity, protocols: &[&[u8]]) -> TlsServer {
    serve_only(usize::MAX, identity, protocols).await
}

/// Like [`serve`]; connections beyond so many are taken and left without a word.
async fn serve_only(most: usize, identity: &Identity, protocols: &[&[u8]]) -> TlsServer {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.key.clone()));
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], key)
        .unwrap();
    tls.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let served = counter.fetch_add(1, Ordering::SeqCst) < most;
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if !served {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let io = TokioIo::new(stream);
                // A client that goes away is no failure of the test.
                let _ = if io.inner().get_ref().1.alpn_protocol() == Some(b"h2") {
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(io, service_fn(echo))
                        .await
                } else {
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(io, service_fn(echo))
                        .await
                };
            });
        }
    });
    TlsServer { port, connections }
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let said = format!(
        "{} {} {:?} host={:?}",
        request.method(),
        request.uri(),
        request.version(),
        request.headers().get("host"),
    );
    let multiplexed = request.version() == Version::HTTP_2;
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    match path.as_str() {
        "/slow" => tokio::time::sleep(Duration::from_secs(60)).await,
        "/large" => return Ok(Response::new(Full::new(vec![b'x'; 1 << 20].into()))),
        _ if multiplexed => tokio::time::sleep(Duration::from_millis(20)).await,
        _ => {}
    }
    let text = format!("{said} body={}", String::from_utf8_lossy(&body));
    Ok(Response::new(Full::new(text.into())))
}

const BOTH: &[&[u8]] = &[b"h2", b"http/1.1"];

#[tokio::test]
async fn http2_shares_one_connection_among_requests_at_once() {
    let identity = identity("localhost");
    let server = serve(&identity, BOTH).await;
    let client = trusting(&identity, Config::default());
    let url = format!("https://localhost:{}/hook", server.port);
    for _ in 0..2 {
        let requests = (0..50).map(|_| post(&client, &url));
        for response in futures_util::future::join_all(requests).await {
            let response = response.unwrap();
            let expected = format!("POST {url} HTTP/2.0 host=None body={{}}");
            assert_eq!(response.body, expected.as_bytes());
        }
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn requests_wait_for_the_few_connections_that_come_about() {
    let identity = identity("localhost");
    let server = serve_only(1, &identity, &BOTH[1..]).await;
    let client = trusting(&identity, Config::default());
    let url = format!("https://localhost:{}/hook", server.port);
    // All but the first connection hang: one that is free again serves the others, and not as many
    // connections are asked for as there are requests.
    let requests = (0..100).map(|_| post(&client, &url));
    for response in futures_util::future::join_all(requests).await {
        assert_eq!(response.unwrap().status, 200);
    }
    assert!(server.connections.load(Ordering::SeqCst) <= 10);
}

#[tokio::test]
async fn http1_is_spoken_over_tls_where_http2_is_not_wanted() {
    let identity = identity("localhost");
    for (protocols, http2) in [(&BOTH[1..], true), (BOTH, false), (&[][..], true)] {
        let server = serve(&identity, protocols).await;
        let config = Config {
            http2,
            ..Config::default()
        };
        let client = trusting(&identity, config);
        let url = format!("https://localhost:{}/hook", server.port);
        for _ in 0..5 {
            let response = post(&client, &url).await.unwrap();
            let expected = format!(
                "POST /hook HTTP/1.1 host=Some(\"localhost:{}\") body={{}}",
                server.port
            );
            assert_eq!(response.body, expected.as_bytes());
        }
        assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_slow_or_large_answer_over_http2_costs_only_its_own_request() {
    let identity = identity("localhost");
    let server = serve(&identity, BOTH).await;
    let client = trusting(&identity, impatient());
    let url = |path: &str| format!("https://localhost:{}/{path}", server.port);
    let slow = post(&client, &url("slow")).await.unwrap_err();
    assert_eq!(slow.category(), Category::Timeout);
    let large = post(&client, &url("large")).await.unwrap();
    assert_eq!(large.body.len(), 64 * 1024);
    assert_eq!(post(&client, &url("hook")).await.unwrap().status, 200);
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_fails_the_handshake() {
    let identity = identity("localhost");
    let server = serve(&identity, BOTH).await;
    let url = format!("https://localhost:{}/hook", server.port);
    let error = post(&client(&Config::default()), &url).await.unwrap_err();
    assert_eq!(error.category(), Category::Tls);
}

#[tokio::test]
async fn a_certificate_for_another_name_fails_the_handshake() {
    let identity = identity("other.example");
    let server = serve(&identity, BOTH).await;
    let client = trusting(&identity, Config::default());
    let error = post(&client, &format!("https://localhost:{}/", server.port))
        .await
        .unwrap_err();
    assert_eq!(error.category(), Category::Tls);
    assert!(matches!(error, TransportError::Tls { .. }));
}

#[tokio::test]
async fn a_server_without_tls_fails_the_handshake() {
    let server = Server::start(|mut peer, _| async move {
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        peer.hang().await;
    })
    .await;
    let url = server.url.replace("http://", "https://");
    let error = post(&client(&Config::default()), &url).await.unwrap_err();
    assert_eq!(error.category(), Category::Tls);
}

#[tokio::test]
async fn requests_that_wait_for_a_hanging_handshake_all_end_in_time() {
    let server = Server::start(|peer, _| peer.hang()).await;
    let url = server.url.replace("http://", "https://");
    let client = client(&impatient());
    let began = std::time::Instant::now();
    let requests = (0..20).map(|_| post(&client, &url));
    for result in futures_util::future::join_all(requests).await {
        assert_eq!(result.unwrap_err().category(), Category::Timeout);
    }
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_server_that_restarts_is_reached_again_over_http2() {
    let identity = identity("localhost");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.key.clone()));
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], key)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}/",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        // Each connection takes requests for a moment only.
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let stream = acceptor.accept(stream).await.unwrap();
            let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service_fn(echo));
            let _ = tokio::time::timeout(Duration::from_millis(100), serving).await;
        }
    });
    let client = trusting(&identity, Config::default());
    for _ in 0..3 {
        assert_eq!(post(&client, &url).await.unwrap().status, 200);
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

#[tokio::test]
async fn a_missing_file_of_authorities_is_named() {
    let guard = millstream_delivery::egress::Guard::new(&Default::default()).unwrap();
    let config = Config {
        ca_file: Some("/nonexistent/ca.pem".into()),
        ..Config::default()
    };
    let error = Client::new(&config, guard).unwrap_err();
    assert_eq!(
        error.to_string(),
        "can't read certificates from /nonexistent/ca.pem"
    );
}
