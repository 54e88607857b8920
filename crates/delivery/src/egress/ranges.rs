//! The addresses that are not on the public internet, after the IANA special-purpose registries.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Why a host may not be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// This machine.
    Loopback,
    /// A private network, with IPv6's unique local addresses.
    Private,
    /// The network segment.
    LinkLocal,
    /// A provider's network behind address translation.
    CarrierGradeNat,
    /// A cloud provider's service that tells machines their credentials.
    Metadata,
    /// Many machines at once.
    Multicast,
    /// No address at all.
    Unspecified,
    /// For examples and benchmarks only.
    Documentation,
    /// Set aside for other purposes.
    Reserved,
    /// A number that some software takes for an address.
    UnusualSpelling,
    /// Neither a name nor an address.
    Malformed,
}

impl Reason {
    /// Whether the operator's allow-list can let such an address pass.
    pub const fn can_be_allowed(self) -> bool {
        !matches!(self, Self::UnusualSpelling | Self::Malformed)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "it leads to the local machine",
            Self::Private => "it leads to a private network",
            Self::LinkLocal => "it leads to a link-local address",
            Self::CarrierGradeNat => "it leads to a provider's internal network",
            Self::Metadata => "it leads to a cloud metadata service",
            Self::Multicast => "it leads to a multicast address",
            Self::Unspecified => "it leads to the unspecified address",
            Self::Documentation => "it leads to an address for examples",
            Self::Reserved => "it leads to a reserved address",
            Self::UnusualSpelling => "it is an unusual spelling of an address",
            Self::Malformed => "it is neither a name nor an address",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 4], prefix: u8) -> Ipv6Net {
    let [a, b, c, d] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// Single addresses come before the networks that hold them.
const REFUSED_V4: &[(Ipv4Net, Reason)] = &[
    (v4(169, 254, 169, 254, 32), Reason::Metadata), // AWS, Azure, Google and most others
    (v4(169, 254, 170, 2, 32), Reason::Metadata),   // AWS, containers
    (v4(100, 100, 100, 200, 32), Reason::Metadata), // Alibaba
    (v4(168, 63, 129, 16, 32), Reason::Metadata),   // Azure, although a public address
    (v4(192, 0, 0, 192, 32), Reason::Metadata),     // Oracle
    (v4(0, 0, 0, 0, 8), Reason::Unspecified),
    (v4(10, 0, 0, 0, 8), Reason::Private),
    (v4(100, 64, 0, 0, 10), Reason::CarrierGradeNat),
    (v4(127, 0, 0, 0, 8), Reason::Loopback),
    (v4(169, 254, 0, 0, 16), Reason::LinkLocal),
    (v4(172, 16, 0, 0, 12), Reason::Private),
    (v4(192, 0, 0, 0, 24), Reason::Reserved),
    (v4(192, 0, 2, 0, 24), Reason::Documentation),
    (v4(192, 88, 99, 0, 24), Reason::Reserved), // 6to4 relays
    (v4(192, 168, 0, 0, 16), Reason::Private),
    (v4(198, 18, 0, 0, 15), Reason::Documentation), // benchmarks
    (v4(198, 51, 100, 0, 24), Reason::Documentation),
    (v4(203, 0, 113, 0, 24), Reason::Documentation),
    (v4(224, 0, 0, 0, 4), Reason::Multicast),
    (v4(240, 0, 0, 0, 4), Reason::Reserved),
];

const REFUSED_V6: &[(Ipv6Net, Reason)] = &[
    (
        Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128),
        Reason::Metadata,
    ), // AWS
    (
        Ipv6Net::new_assert(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128),
        Reason::Metadata,
    ), // Google
    (
        Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128),
        Reason::Unspecified,
    ),
    (
        Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128),
        Reason::Loopback,
    ),
    (v6([0xfc00, 0, 0, 0], 7), Reason::Private),
    (v6([0xfe80, 0, 0, 0], 10), Reason::LinkLocal),
    (v6([0xfec0, 0, 0, 0], 10), Reason::Private), // site-local, deprecated
    (v6([0xff00, 0, 0, 0], 8), Reason::Multicast),
    (v6([0x2001, 0x2, 0, 0], 48), Reason::Documentation), // benchmarks
    (v6([0x2001, 0xdb8, 0, 0], 32), Reason::Documentation),
    (v6([0x3fff, 0, 0, 0], 20), Reason::Documentation),
    (v6([0x2001, 0, 0, 0], 23), Reason::Reserved), // protocol assignments, with Teredo
];

/// Of all of IPv6, what is given out to networks.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

/// Why `address` is refused; `None` if it is a public one.
pub(super) fn refused(address: IpAddr) -> Option<Reason> {
    match address {
        IpAddr::V4(address) => refused_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(embedded) => refused_v4(embedded),
            None => refused_v6(address),
        },
    }
}

fn refused_v4(address: Ipv4Addr) -> Option<Reason> {
    REFUSED_V4
        .iter()
        .find(|(network, _)| network.contains(&address))
        .map(|&(_, reason)| reason)
}

fn refused_v6(address: Ipv6Addr) -> Option<Reason> {
    REFUSED_V6
        .iter()
        .find(|(network, _)| network.contains(&address))
        .map(|&(_, reason)| reason)
        .or((!GLOBAL_UNICAST.contains(&address)).then_some(Reason::Reserved))
}

/// The IPv4 address that an IPv6 address stands for: mapped (`::ffff:0:0/96`), compatible
/// (`::/96`), translated (NAT64, `64:ff9b::/96`) or tunnelled (6to4, `2002::/16`).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., high, low] = address.segments();
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            Some(from(high, low))
        }
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(address: &str) -> Option<Reason> {
        refused(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "2001:200::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert_eq!(reason(address), None, "{address}");
        }
    }

    #[test]
    fn each_kind_of_unpublic_address_is_refused_for_its_reason() {
        use Reason::*;
        for (address, expected) in [
            ("0.0.0.0", Unspecified),
            ("0.1.2.3", Unspecified),
            ("10.0.0.0", Private),
            ("10.255.255.255", Private),
            ("100.64.0.0", CarrierGradeNat),
            ("100.127.255.255", CarrierGradeNat),
            ("100.100.100.200", Metadata),
            ("127.0.0.1", Loopback),
            ("127.255.255.255", Loopback),
            ("169.254.0.1", LinkLocal),
            ("169.254.169.254", Metadata),
            ("168.63.129.16", Metadata),
            ("172.16.0.0", Private),
            ("172.31.255.255", Private),
            ("192.0.0.1", Reserved),
            ("192.0.0.192", Metadata),
            ("192.0.2.1", Documentation),
            ("192.88.99.1", Reserved),
            ("192.168.0.1", Private),
            ("198.18.0.1", Documentation),
            ("198.19.255.255", Documentation),
            ("198.51.100.1", Documentation),
            ("203.0.113.1", Documentation),
            ("224.0.0.1", Multicast),
            ("239.255.255.255", Multicast),
            ("240.0.0.1", Reserved),
            ("255.255.255.255", Reserved),
            ("::", Unspecified),
            ("::1", Loopback),
            ("fc00::1", Private),
            ("fdff::1", Private),
            ("fd00:ec2::254", Metadata),
            ("fe80::1", LinkLocal),
            ("fec0::1", Private),
            ("ff02::1", Multicast),
            ("2001:db8::1", Documentation),
            ("3fff::1", Documentation),
            ("2001::1", Reserved),
            ("2001:2::1", Documentation),
            ("100::1", Reserved),
            ("5f00::1", Reserved),
            ("64:ff9b:1::1", Reserved),
            ("4000::1", Reserved),
        ] {
            assert_eq!(reason(address), Some(expected), "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_does_not_hide_in_an_ipv6_one() {
        for (address, expected) in [
            ("::ffff:127.0.0.1", Reason::Loopback),
            ("::ffff:169.254.169.254", Reason::Metadata),
            ("::127.0.0.1", Reason::Loopback),
            ("::10.0.0.1", Reason::Private),
            ("::2", Reason::Unspecified),
            ("64:ff9b::10.0.0.1", Reason::Private),
            ("64:ff9b::169.254.169.254", Reason::Metadata),
            ("2002:7f00:1::", Reason::Loopback),
            ("2002:a9fe:a9fe::1", Reason::Metadata),
            ("2002:c0a8:101::1", Reason::Private),
        ] {
            assert_eq!(reason(address), Some(expected), "{address}");
        }
    }
}
