//! HTTP/1.1 against servers that behave and servers that don't.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use millstream_delivery::config::Client as Config;
use millstream_delivery::{BodyEnd, TransportError};
use model::outcome::Category;
use tokio::net::TcpListener;

use crate::peer::{Server, client, impatient, post};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_request_goes_over_the_wire_as_it_was_given() {
    let seen = Arc::new(Mutex::new(String::new()));
    let server = Server::start({
        let seen = Arc::clone(&seen);
        move |mut peer, _| {
            let seen = Arc::clone(&seen);
            async move {
                *seen.lock().unwrap() = peer.request().await.unwrap();
                peer.send(OK).await;
            }
        }
    })
    .await;
    let request = Request::put(&server.url)
        .header("content-type", "application/json")
        .header("x-twice", "1")
        .header("x-twice", "2")
        .body(Bytes::from_static(b"{\"a\":1}"))
        .unwrap();
    let response = client(&Config::default()).request(request).await.unwrap();
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.body, "ok");
    assert_eq!(response.body_end, BodyEnd::Complete);
    let seen = seen.lock().unwrap();
    let host = server.url.split('/').nth(2).unwrap();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "PUT /hook?a=b HTTP/1.1");
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "content-length: 7",
            "content-type: application/json",
            &format!("host: {host}"),
            "x-twice: 1",
            "x-twice: 2",
        ]
    );
    assert_eq!(body, "{\"a\":1}");
}

#[tokio::test]
async fn a_caller_cannot_break_the_framing() {
    let server = Server::start(|mut peer, _| async move {
        let request = peer.request().await.unwrap();
        let clean = request.contains("content-length: 2\r\n")
            && !request.contains("evil")
            && !request.contains("chunked");
        let status = if clean { "200 OK" } else { "400 Bad Request" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        peer.send(answer.as_bytes()).await;
    })
    .await;
    let request = Request::post(&server.url)
        .header("host", "evil.example")
        .header("content-length", "999")
        .header("transfer-encoding", "chunked")
        .header("connection", "x-evil")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    let response = client(&Config::default()).request(request).await.unwrap();
    assert_eq!(response.status, 200);
    // Line ends in values can't even be spelled.
    assert!(HeaderValue::from_str("a\r\nx-evil: 1").is_err());
    assert!(
        "http://a.example/\r\nx-evil: 1"
            .parse::<http::Uri>()
            .is_err()
    );
}

#[tokio::test]
async fn an_empty_post_states_its_length() {
    let server = Server::start(|mut peer, _| async move {
        let request = peer.request().await.unwrap();
        let stated = request.matches("content-length: 0\r\n").count() == 1;
        peer.send(if stated {
            OK
        } else {
            b"HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\n\r\n"
        })
        .await;
    })
    .await;
    let request = Request::post(&server.url).body(Bytes::new()).unwrap();
    let response = client(&Config::default()).request(request).await.unwrap();
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn a_connection_is_used_again_after_every_kind_of_complete_answer() {
    for answer in [
        OK,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops",
    ] {
        let server = Server::answering(answer).await;
        let client = client(&Config::default());
        for _ in 0..10 {
            let response = post(&client, &server.url).await.unwrap();
            assert_eq!(response.body_end, BodyEnd::Complete);
        }
        let answer = String::from_utf8_lossy(answer);
        assert_eq!(server.connections(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_head_request_has_no_body_whatever_the_answer_says() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
    let client = client(&impatient());
    for _ in 0..2 {
        let request = Request::head(&server.url).body(Bytes::new()).unwrap();
        let response = client.request(request).await.unwrap();
        assert_eq!((response.status, response.body.len()), (StatusCode::OK, 0));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_answer_without_a_length_ends_with_its_connection() {
    let server = Server::start(|mut peer, _| async move {
        peer.request().await;
        peer.send(b"HTTP/1.0 200 OK\r\n\r\nuntil the end").await;
    })
    .await;
    let client = client(&Config::default());
    for _ in 0..2 {
        let response = post(&client, &server.url).await.unwrap();
        assert_eq!(response.body, "until the end");
        assert_eq!(response.body_end, BodyEnd::Complete);
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn requests_at_once_have_a_connection_each_and_leave_as_many_as_may_stay() {
    let server = Server::start(|mut peer, _| async move {
        while peer.request().await.is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            peer.send(OK).await;
        }
    })
    .await;
    let client = client(&Config {
        max_idle_per_destination: 4,
        ..Config::default()
    });
    let round = || async {
        let requests = (0..16).map(|_| post(&client, &server.url));
        for response in futures_util::future::join_all(requests).await {
            assert_eq!(response.unwrap().body, "ok");
        }
    };
    round().await;
    assert_eq!(server.connections(), 16);
    round().await;
    assert_eq!(server.connections(), 16 + 12);
}

#[tokio::test]
async fn a_connection_closed_between_requests_is_replaced_unnoticed() {
    let server = Server::start(|mut peer, _| async move {
        peer.request().await;
        peer.send(OK).await;
        // Keep-alive was implied, but the server closes.
    })
    .await;
    let client = client(&Config::default());
    for sent in 1..=5 {
        assert_eq!(post(&client, &server.url).await.unwrap().body, "ok");
        assert_eq!(server.connections(), sent);
        // Let the end of the connection arrive.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_read_is_not_sent_again() {
    let server = Server::start(|mut peer, number| async move {
        peer.request().await;
        if number == 0 {
            peer.send(OK).await;
            // Reads the second request whole, then hangs up without an answer.
            peer.request().await;
        } else {
            peer.send(OK).await;
        }
    })
    .await;
    let client = client(&Config::default());
    post(&client, &server.url).await.unwrap();
    let error = post(&client, &server.url).await.unwrap_err();
    assert_eq!(error.category(), Category::Protocol);
    assert_eq!(server.connections(), 1);
    assert!(error.is_transient());
    assert!(!error.to_string().contains("hook"), "{error}");
}

#[tokio::test]
async fn what_a_server_says_unasked_is_not_taken_for_an_answer() {
    let server = Server::start(|mut peer, _| async move {
        peer.request().await;
        peer.send(OK).await;
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfalse")
            .await;
        peer.hang().await;
    })
    .await;
    let client = client(&Config::default());
    for _ in 0..3 {
        let response = post(&client, &server.url).await.unwrap();
        assert_eq!(response.body, "ok");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_and_hung_up_on() {
    let (hung_up, told) = tokio::sync::oneshot::channel();
    let hung_up = Arc::new(Mutex::new(Some(hung_up)));
    let server = Server::start(move |mut peer, _| {
        let hung_up = Arc::clone(&hung_up);
        async move {
            peer.request().await;
            if peer.request().await.is_none() {
                let _ = hung_up.lock().unwrap().take().unwrap().send(());
            }
        }
    })
    .await;
    let began = Instant::now();
    let error = post(&client(&impatient()), &server.url).await.unwrap_err();
    assert!(matches!(error, TransportError::ResponseTimeout { .. }));
    assert_eq!(error.category(), Category::Timeout);
    assert!(began.elapsed() < Duration::from_secs(2));
    tokio::time::timeout(Duration::from_secs(2), told)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn half_a_head_is_no_answer() {
    let server = Server::start(|mut peer, _| async move {
        peer.request().await;
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-le").await;
    })
    .await;
    let error = post(&client(&impatient()), &server.url).await.unwrap_err();
    assert_eq!(error.category(), Category::Protocol);
}

#[tokio::test]
async fn half_a_body_is_an_answer_all_the_same() {
    for hang in [false, true] {
        let server = Server::start(move |mut peer, _| async move {
            peer.request().await;
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
                .await;
            if hang {
                peer.hang().await;
            }
        })
        .await;
        let client = client(&impatient());
        for sent in 1..=2 {
            let response = post(&client, &server.url).await.unwrap();
            assert_eq!(response.status, 200);
            assert_eq!(response.body, "half");
            assert_eq!(response.body_end, BodyEnd::Broken);
            assert_eq!(server.connections(), sent);
        }
    }
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_failure() {
    for garbage in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy",
        b"\0\0\0\0\0\0\0\0",
    ] {
        let server = Server::answering(garbage).await;
        let error = post(&client(&impatient()), &server.url).await.unwrap_err();
        assert_eq!(error.category(), Category::Protocol, "{garbage:?}");
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_off_and_costs_its_connection() {
    let server = Server::start(|mut peer, _| async move {
        peer.request().await;
        peer.send(b"HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        let chunk = [b"2000\r\n", &[b'x'; 0x2000][..], b"\r\n"].concat();
        for _ in 0..100_000 {
            peer.send(&chunk).await;
        }
    })
    .await;
    let client = client(&Config::default());
    for sent in 1..=2 {
        let response = post(&client, &server.url).await.unwrap();
        assert_eq!(response.status, 500);
        assert_eq!(response.body.len(), 64 * 1024);
        assert_eq!(response.body_end, BodyEnd::OverLimit);
        assert_eq!(server.connections(), sent);
    }
    let request = Request::get(&server.url).body(Bytes::new()).unwrap();
    let response = client.request_bounded(request, 10).await.unwrap();
    assert_eq!(response.body.len(), 10);
}

#[tokio::test]
async fn an_endless_head_is_a_protocol_failure() {
    let server = Server::start(|mut peer, _| async move {
        peer.request().await;
        peer.send(b"HTTP/1.1 200 OK\r\nx: ").await;
        for _ in 0..100 {
            peer.send(&[b'x'; 4096]).await;
        }
    })
    .await;
    let error = post(&client(&Config::default()), &server.url)
        .await
        .unwrap_err();
    assert_eq!(error.category(), Category::Protocol);
}

#[tokio::test]
async fn an_early_answer_to_a_large_request_is_received() {
    let server = Server::start(|mut peer, _| async move {
        let mut beginning = [0; 1024];
        tokio::io::AsyncReadExt::read_exact(&mut peer.0, &mut beginning)
            .await
            .unwrap();
        peer.send(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n")
            .await;
        peer.hang().await;
    })
    .await;
    let client = client(&Config::default());
    for sent in 1..=2 {
        let body = Bytes::from(vec![b'x'; 32 << 20]);
        let request = Request::post(&server.url).body(body).unwrap();
        let response = client.request(request).await.unwrap();
        assert_eq!(response.status, 413);
        // Half a request is still on its way there: nothing else may follow it.
        assert_eq!(server.connections(), sent);
    }
}

#[tokio::test]
async fn an_upgrade_nobody_asked_for_costs_the_connection() {
    let server = Server::answering(
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    )
    .await;
    let client = client(&impatient());
    for sent in 1..=2 {
        match post(&client, &server.url).await {
            Ok(response) => assert_eq!(response.status, 101),
            Err(error) => assert_eq!(error.category(), Category::Protocol),
        }
        assert_eq!(server.connections(), sent);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = Server::answering(OK).await;
    let location = target.url.clone();
    let server = Server::start(move |mut peer, _| {
        let location = location.clone();
        async move {
            while peer.request().await.is_some() {
                let answer = format!(
                    "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
                );
                peer.send(answer.as_bytes()).await;
            }
        }
    })
    .await;
    let response = post(&client(&Config::default()), &server.url)
        .await
        .unwrap();
    assert_eq!(response.status, 307);
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_closed_port_is_a_failure_to_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = post(
        &client(&Config::default()),
        &format!("http://{address}/secret"),
    )
    .await
    .unwrap_err();
    assert_eq!(error.category(), Category::Connect);
    assert_eq!(
        error.to_string(),
        "no connection to 127.0.0.1: connection refused"
    );
}

#[tokio::test]
async fn unused_connections_are_closed_after_a_while() {
    let (hung_up, told) = tokio::sync::oneshot::channel();
    let hung_up = Arc::new(Mutex::new(Some(hung_up)));
    let server = Server::start(move |mut peer, _| {
        let hung_up = Arc::clone(&hung_up);
        async move {
            while peer.request().await.is_some() {
                peer.send(OK).await;
            }
            let _ = hung_up.lock().unwrap().take().unwrap().send(());
        }
    })
    .await;
    let client = client(&Config {
        idle_timeout: Duration::from_millis(100),
        ..Config::default()
    });
    post(&client, &server.url).await.unwrap();
    tokio::time::timeout(Duration::from_secs(2), told)
        .await
        .expect("the connection is closed")
        .unwrap();
    assert_eq!(post(&client, &server.url).await.unwrap().status, 200);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn every_method_reaches_the_server() {
    let server = Server::start(|mut peer, _| async move {
        while let Some(request) = peer.request().await {
            let method = request.split(' ').next().unwrap().to_owned();
            let answer =
                format!("HTTP/1.1 200 OK\r\nx-method: {method}\r\ncontent-length: 0\r\n\r\n");
            peer.send(answer.as_bytes()).await;
        }
    })
    .await;
    let client = client(&Config::default());
    for method in [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri(&server.url)
            .body(Bytes::new())
            .unwrap();
        let response = client.request(request).await.unwrap();
        assert_eq!(response.headers["x-method"], method.as_str());
    }
}
