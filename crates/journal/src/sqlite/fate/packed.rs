//! Deliveries in few bytes each, for as long as nobody asks for one.
//!
//! Each is written by what is different from the one before it, in LEB128 numbers: the offset's
//! distance (zigzag) with the part and whether there is another status in its lowest bits, that status
//! where there is one, the distance in time in milliseconds (zigzag), and how many it took. Before the
//! first one, offset and time are 0 and the status is 200.

use model::{Offset, Part, Timestamp};

use crate::fate::Delivered;

/// Writes deliveries one behind the other.
#[derive(Debug, Default)]
pub(super) struct Packer {
    bytes: Vec<u8>,
    before: Before,
}

/// What the next delivery is written as the difference from.
#[derive(Debug, Clone, Copy)]
struct Before {
    offset: i64,
    millis: i64,
    status: u16,
}

impl Default for Before {
    fn default() -> Self {
        Self {
            offset: 0,
            millis: 0,
            status: 200,
        }
    }
}

impl Packer {
    pub(super) fn push(&mut self, one: &Delivered) {
        let Before {
            offset,
            millis,
            status,
        } = self.before;
        let now = Before {
            offset: one.offset.0 as i64,
            millis: one.at.millis(),
            status: one.status,
        };
        let flags = u64::from(one.part as u8) | u64::from(now.status != status) << 1;
        // Offsets are below 2^53.
        self.number(zigzag(now.offset - offset) << 2 | flags);
        if now.status != status {
            self.number(now.status.into());
        }
        self.number(zigzag(now.millis - millis));
        self.number(one.took_ms.into());
        self.before = now;
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The deliveries that were packed; `None` when the bytes are none of ours.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<Delivered>> {
    let (mut found, mut rest, mut before) = (Vec::new(), bytes, Before::default());
    while !rest.is_empty() {
        let head = number(&mut rest)?;
        if head & 2 != 0 {
            before.status = u16::try_from(number(&mut rest)?).ok()?;
        }
        before.offset = before.offset.checked_add(unzigzag(head >> 2))?;
        before.millis = before.millis.checked_add(unzigzag(number(&mut rest)?))?;
        found.push(Delivered {
            offset: Offset(u64::try_from(before.offset).ok()?),
            part: Part::from_code((head & 1) as u8)?,
            at: Timestamp(before.millis.checked_mul(1000)?),
            status: before.status,
            took_ms: u32::try_from(number(&mut rest)?).ok()?,
        });
    }
    Some(found)
}

/// Takes a number off the beginning.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(offset: u64, millis: i64, status: u16, took_ms: u32) -> Delivered {
        Delivered {
            offset: Offset(offset),
            part: Part::from_code((offset % 2) as u8).unwrap(),
            at: Timestamp(millis * 1000),
            status,
            took_ms,
        }
    }

    #[test]
    fn deliveries_survive_packing_in_any_order() {
        let all = [
            delivered(1 << 50, 1_780_000_000_000, 200, 3),
            delivered(7, 1_780_000_000_001, 204, 30_000),
            delivered(9, 1_779_999_999_000, 204, u32::MAX),
            delivered(8, 1_780_000_000_500, 200, 0),
        ];
        let mut packer = Packer::default();
        all.iter().for_each(|one| packer.push(one));
        assert_eq!(unpack(packer.bytes()).as_deref(), Some(&all[..]));
    }

    #[test]
    fn a_delivery_takes_few_bytes() {
        let mut packer = Packer::default();
        for number in 0..1000 {
            // As they come in: by turns, some milliseconds apart.
            let offset = 1_000_000 + number * 2 - number % 3;
            packer.push(&delivered(
                offset,
                1_780_000_000_000 + number as i64 * 3,
                200,
                90,
            ));
        }
        assert!(packer.bytes().len() <= 4 * 1000, "{}", packer.bytes().len());
    }

    #[test]
    fn bytes_that_are_no_packing_are_refused() {
        let mut packer = Packer::default();
        packer.push(&delivered(5, 5, 200, 5));
        packer.push(&delivered(6, 5, 299, 5));
        let bytes = packer.bytes();
        let cuts = (0..bytes.len()).filter(|&length| unpack(&bytes[..length]).is_some());
        assert_eq!(cuts.count(), 2, "only where a delivery ends");
        assert_eq!(unpack(&[0xff; 20]), None);
    }
}
