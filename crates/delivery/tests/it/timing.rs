//! How long the parts of an exchange took.

use std::time::Duration;

use millstream_delivery::config::Client as Config;

use crate::peer::{Server, client, post};

#[tokio::test]
async fn connecting_and_waiting_are_told_apart() {
    const PAUSE: Duration = Duration::from_millis(60);
    let server = Server::start(|mut peer, _| async move {
        while peer.request().await.is_some() {
            tokio::time::sleep(PAUSE).await;
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await;
        }
    })
    .await;
    let client = client(&Config::default());
    let first = post(&client, &server.url).await.unwrap().timing;
    let connection = first.connection.expect("a new connection");
    assert_eq!(connection.tls, None);
    assert!(first.wait >= PAUSE, "{first:?}");
    // The second finds the connection there.
    let second = post(&client, &server.url).await.unwrap().timing;
    assert_eq!(second.connection, None);
    assert!(second.wait >= PAUSE, "{second:?}");
}
