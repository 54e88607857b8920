//! Telling literal addresses from names, without falling for unusual spellings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Reason;

/// The host of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host<'a> {
    /// A literal address.
    Address(IpAddr),
    /// A name that has to be looked up.
    Name(&'a str),
}

impl<'a> Host<'a> {
    /// Reads the host part of a URL. A host that other software could take for an address in
    /// another spelling (`127.1`, `0x7f.0.0.1`, `2130706433`, `017700000001`) is refused.
    pub(super) fn parse(host: &'a str) -> Result<Self, Reason> {
        if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            let address = inner.parse::<Ipv6Addr>();
            return address
                .map(|address| Self::Address(address.into()))
                .map_err(|_| Reason::Malformed);
        }
        if let Ok(address) = host.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        if ends_in_a_number(host) {
            return Err(Reason::UnusualSpelling);
        }
        if is_name(host) {
            Ok(Self::Name(host))
        } else {
            Err(Reason::Malformed)
        }
    }
}

/// Whether the last label is a number, in which case browsers and `inet_aton` read the whole as an
/// IPv4 address (URL standard, "ends in a number checker").
fn ends_in_a_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    let hexadecimal = last
        .strip_prefix("0x")
        .or_else(|| last.strip_prefix("0X"))
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || (!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether `host` is a DNS name: labels of 1 to 63 letters, digits, hyphens and underscores (which
/// are no host names, but in use), 253 in all.
fn is_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_told_apart() {
        let parse = |host| Host::parse(host);
        assert_eq!(
            parse("192.0.2.7"),
            Ok(Host::Address("192.0.2.7".parse().unwrap()))
        );
        assert_eq!(parse("[::1]"), Ok(Host::Address("::1".parse().unwrap())));
        for name in [
            "example.com",
            "a-b.example.com.",
            "xn--bcher-kva.example",
            "_x.y",
            "3com.com",
            "localhost",
            "0xyz",
        ] {
            assert_eq!(parse(name), Ok(Host::Name(name)));
        }
    }

    #[test]
    fn unusual_spellings_of_ipv4_addresses_are_refused() {
        for host in [
            "2130706433",
            "0x7f000001",
            "0X7F000001",
            "017700000001",
            "127.1",
            "127.0.1",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "127.0.0.1.",
            "127.0.0.0x1",
            "1.2.3.4.5",
            "256.0.0.1",
            "foo.0x",
            "example.1",
            "01.02.03.04",
        ] {
            assert_eq!(Host::parse(host), Err(Reason::UnusualSpelling), "{host}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        let long = "a".repeat(64);
        for host in [
            "",
            ".",
            "a..b",
            "[::1",
            "::1",
            "[fe80::1%25eth0]",
            "[v1.x]",
            "a b",
            "exa%6dple.com",
            "①②⑦.com",
            long.as_str(),
        ] {
            assert_eq!(Host::parse(host), Err(Reason::Malformed), "{host}");
        }
    }
}
