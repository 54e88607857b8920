//! Measures the client: requests per second and CPU time per request, against a sink on loopback
//! that runs in a process of its own.
//!
//! ```text
//! cargo run --release -p millstream-delivery --example client_speed [-- pool|legacy] [SECONDS]
//! ```
//!
//! `pool` (the default) is [`delivery::Client`]; `legacy` is hyper-util's client, for comparison.

// A measuring tool: it runs on the real clock, and its tasks end with it.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use millstream_delivery as delivery;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CONCURRENCY: usize = 64;
const BODY_BYTES: usize = 1000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let kind = arguments.first().map_or("pool", String::as_str);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if kind == "sink" {
        runtime.block_on(sink());
        return;
    }
    let seconds = arguments.get(1).map_or(5, |text| text.parse().unwrap());
    let (mut sink, address) = start_sink();
    runtime.block_on(measure(kind, &address, Duration::from_secs(seconds)));
    sink.kill().unwrap();
    sink.wait().unwrap();
}

fn start_sink() -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("sink")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut address)
        .unwrap();
    (child, address.trim().to_owned())
}

/// Answers each request of the one size it knows, without looking at it.
async fn sink() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    std::io::stdout().flush().unwrap();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            let mut buffer = vec![0; 16 * 1024];
            let mut filled = 0;
            loop {
                match stream.read(&mut buffer[filled..]).await {
                    Ok(0) | Err(_) => return,
                    Ok(read) => filled += read,
                }
                let head_end = buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n");
                if head_end.is_some_and(|end| filled >= end + 4 + BODY_BYTES) {
                    filled = 0;
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
}

async fn measure(kind: &str, address: &str, length: Duration) {
    let uri: http::Uri = format!("http://{address}/hook").parse().unwrap();
    let config = delivery::Config::default();
    let egress = delivery::config::Egress::allow_all();
    let guard = delivery::egress::Guard::new(&egress).unwrap();
    let client = delivery::Client::new(&config.client, guard).unwrap();
    let legacy = legacy::Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(CONCURRENCY)
        .build_http::<Full<Bytes>>();
    let (done, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut workers = Vec::new();
    for _ in 0..CONCURRENCY {
        let (done, stop) = (Arc::clone(&done), Arc::clone(&stop));
        let (client, legacy, uri) = (client.clone(), legacy.clone(), uri.clone());
        let use_legacy = kind == "legacy";
        workers.push(tokio::spawn(async move {
            let body = Bytes::from(vec![b'x'; BODY_BYTES]);
            while !stop.load(Ordering::Relaxed) {
                let request = Request::post(uri.clone())
                    .header("content-type", "application/json")
                    .header("user-agent", "Millstream/Webhook/1.0")
                    .body(body.clone())
                    .unwrap();
                let status = if use_legacy {
                    let send = async {
                        let answer = legacy.request(request.map(Full::new)).await.unwrap();
                        let status = answer.status();
                        answer.into_body().collect().await.unwrap();
                        status
                    };
                    tokio::time::timeout(Duration::from_secs(30), send)
                        .await
                        .unwrap()
                } else {
                    client.request(request).await.unwrap().status
                };
                assert_eq!(status, 200);
                done.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (from, cpu_from, began) = (done.load(Ordering::Relaxed), cpu_time(), Instant::now());
    tokio::time::sleep(length).await;
    let (until, cpu_until, took) = (done.load(Ordering::Relaxed), cpu_time(), began.elapsed());
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    let requests = (until - from) as f64;
    println!(
        "{kind}: {:.0} requests/s, {:.2} µs of CPU a request ({CONCURRENCY} at once, {BODY_BYTES}-byte bodies)",
        requests / took.as_secs_f64(),
        (cpu_until - cpu_from).as_secs_f64() * 1e6 / requests,
    );
}

/// User and system time of this process so far, which Linux counts in hundredths of a second.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The second field, the program's name, is in parentheses and may hold anything.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
