//! Members of a streamed event, written as JSON one after the other.

use model::json::write_string;
use model::{Random, Timestamp};

/// Begins a further member. `name` needs no escapes.
#[inline]
pub(super) fn name_member(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A text, escaped.
#[inline]
pub(super) fn text_member(name: &str, text: &str, out: &mut Vec<u8>) {
    name_member(name, out);
    write_string(text, out);
}

/// A time, as the Export API writes it.
#[inline]
pub(super) fn time_member(name: &str, time: Timestamp, out: &mut Vec<u8>) {
    name_member(name, out);
    out.push(b'"');
    time.write(out);
    out.push(b'"');
}

/// A text that needs no escapes.
#[inline]
pub(super) fn raw_text_member(name: &str, text: &[u8], out: &mut Vec<u8>) {
    name_member(name, out);
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// Appends a random UUID (version 4).
pub(super) fn write_uuid(random: &dyn Random, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let high = random.next_u64() & !0xf000 | 0x4000;
    let low = random.next_u64() & !(0b11 << 62) | 0b10 << 62;
    let mut text = *b"00000000-0000-0000-0000-000000000000";
    let (first, second) = text.split_at_mut(18);
    for (half, mut bits) in [(first, high), (second, low)] {
        for slot in half.iter_mut().rev().filter(|slot| **slot != b'-') {
            *slot = HEX[(bits & 15) as usize];
            bits >>= 4;
        }
    }
    out.extend_from_slice(&text);
}
