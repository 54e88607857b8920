//! Where a request came from, when proxies pass it on.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The sender's address: the connection's, or, when that is a trusted proxy's, the last one of
/// `X-Forwarded-For` that is not. What stands before that one may be forged.
pub(crate) fn origin(
    trusted_proxies: &[IpNet],
    peer: Option<IpAddr>,
    headers: &HeaderMap,
) -> Option<IpAddr> {
    let trusted = |address: IpAddr| trusted_proxies.iter().any(|n| n.contains(&address));
    let mut origin = peer?.to_canonical();
    // Bytes, from the end: what a proxy of ours wrote stands there, whatever stands before it.
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for hop in hops {
        if !trusted(origin) {
            break;
        }
        match address(hop) {
            Some(address) => origin = address.to_canonical(),
            None => break,
        }
    }
    Some(origin)
}

/// An address, with or without a port, as proxies write it.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop.trim_ascii()).ok()?;
    let with_port = || Some(hop.parse::<SocketAddr>().ok()?.ip());
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse().ok().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed_about_the_origin() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        for (peer, forwarded, origin) in [
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            (
                "10.0.0.1",
                "1.1.1.1, 198.51.100.1, 10.0.0.2",
                "198.51.100.1",
            ),
            ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
            ("10.0.0.1", "1.1.1.1, 198.51.100.1:443", "198.51.100.1"),
            ("10.0.0.1", "[2001:db8::1]:443, 10.0.0.2", "2001:db8::1"),
            ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
            // Of several lines the last one counts; what is no text hides nothing behind it.
            ("10.0.0.1", "6.6.6.6\n\u{ff}, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "6.6.6.6\n198.51.100.1, \u{ff}", "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in forwarded.split('\n') {
                let bytes: Vec<u8> = line.chars().map(|c| c as u8).collect();
                let value = axum::http::HeaderValue::from_bytes(&bytes).unwrap();
                headers.append("x-forwarded-for", value);
            }
            assert_eq!(
                super::origin(&trusted, Some(peer.parse().unwrap()), &headers),
                Some(origin.parse().unwrap()),
                "{peer} {forwarded}"
            );
        }
        assert_eq!(super::origin(&trusted, None, &HeaderMap::new()), None);
    }
}
