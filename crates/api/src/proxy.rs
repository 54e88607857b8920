//! Where a request came from, when proxies pass it on.

use std::net::IpAddr;

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
    let forwarded = headers.get_all("x-forwarded-for");
    let hops: Vec<&str> = forwarded
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in hops.iter().rev() {
        if !trusted(origin) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => origin = address.to_canonical(),
            Err(_) => break,
        }
    }
    Some(origin)
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
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            assert_eq!(
                super::origin(&trusted, Some(peer.parse().unwrap()), &headers),
                Some(origin.parse().unwrap()),
                "{peer} {forwarded}"
            );
        }
        assert_eq!(super::origin(&trusted, None, &HeaderMap::new()), None);
    }
}
