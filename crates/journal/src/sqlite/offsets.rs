//! Ascending offsets in few bytes: the settled ones ahead of a lane's cursor.
//!
//! Each is written as its distance from the one before it (the first: from the cursor), as a
//! LEB128 number.

use model::Offset;

/// Packs ascending offsets that are not before `base`; others are left out.
pub(super) fn pack(base: Offset, offsets: &[Offset]) -> Vec<u8> {
    let mut out = Vec::with_capacity(offsets.len());
    let mut last = base.0;
    for offset in offsets {
        let Some(mut distance) = offset.0.checked_sub(last) else {
            continue;
        };
        last = offset.0;
        while distance >= 0x80 {
            out.push(distance as u8 | 0x80);
            distance >>= 7;
        }
        out.push(distance as u8);
    }
    out
}

/// The offsets that were packed; `None` when the bytes are none of ours.
pub(super) fn unpack(base: Offset, bytes: &[u8]) -> Option<Vec<Offset>> {
    let (mut offsets, mut last, mut distance, mut shift) = (Vec::new(), base.0, 0u64, 0);
    for &byte in bytes {
        if shift > 63 {
            return None;
        }
        distance |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 != 0 {
            shift += 7;
            continue;
        }
        last = last.checked_add(distance)?;
        offsets.push(Offset(last));
        (distance, shift) = (0, 0);
    }
    (shift == 0).then_some(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_survive_packing() {
        let offsets = [5, 6, 7, 300, 1 << 40, u64::MAX].map(Offset);
        let packed = pack(Offset(3), &offsets);
        assert_eq!(unpack(Offset(3), &packed).as_deref(), Some(&offsets[..]));
        assert_eq!(unpack(Offset(3), &[]), Some(vec![]));
    }

    #[test]
    fn bytes_that_are_no_packing_are_refused() {
        assert_eq!(unpack(Offset(0), &[0x80]), None);
        assert_eq!(unpack(Offset(0), &[0xff; 12]), None);
        assert_eq!(
            unpack(Offset(9), &pack(Offset(0), &[Offset(u64::MAX)])),
            None
        );
    }
}
