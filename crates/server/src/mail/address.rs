//! Addresses that mail can be sent to.

use lettre::Address;

/// Most bytes of an address (RFC 5321, section 4.5.3.1, less the angle brackets).
const MAX_BYTES: usize = 254;

/// Characters that only quoted local parts and lists of addresses can hold.
const SPECIAL: &[char] = &['"', '<', '>', '(', ')', '[', ']', ',', ';', ':', '\\'];

/// The address, its domain in ASCII; `None` when no mail can be sent to it. Quoted local parts,
/// comments, lists and hosts by their number (`[127.0.0.1]`) are none: who writes them hardly means well.
pub(crate) fn parse(text: &str) -> Option<Address> {
    let strange = |c: char| c.is_control() || c.is_whitespace() || SPECIAL.contains(&c);
    if text.len() > MAX_BYTES || text.contains(strange) {
        return None;
    }
    let (local, domain) = text.rsplit_once('@')?;
    let domain = idna::domain_to_ascii(domain).ok()?;
    Address::new(local, domain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_and_international_addresses_are_taken() {
        for (text, sent_to) in [
            ("ann@example.com", "ann@example.com"),
            ("ann+shop@mail.example.com", "ann+shop@mail.example.com"),
            ("jörg@example.com", "jörg@example.com"),
            ("info@bücher.example", "info@xn--bcher-kva.example"),
        ] {
            let address = parse(text).expect(text);
            assert_eq!(address.to_string(), sent_to);
        }
    }

    #[test]
    fn what_could_be_more_than_one_address_is_refused() {
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@example.com\r\nBcc: all@example.com",
            "ann@example.com\nRCPT TO:<all@example.com>",
            "ann@example.com,bob@example.com",
            "Ann <ann@example.com>",
            "\"ann\\\r\n\"@example.com",
            "ann@example.com>\r\nDATA",
            "ann @example.com",
            "ann@exam ple.com",
            "ann@example.com\0",
            "ann@[127.0.0.1]",
            "ann@[IPv6:::1]",
        ] {
            assert!(parse(text).is_none(), "{text:?}");
        }
        assert!(parse(&format!("{}@example.com", "a".repeat(60))).is_some());
        assert!(parse(&format!("{}@example.com", "a".repeat(65))).is_none());
        assert!(parse(&format!("a@{}", "example.".repeat(40))).is_none());
    }
}
