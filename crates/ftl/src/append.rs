//! Copies of short texts to the output.

/// Appends `bytes`, of which there are mostly few. Up to sixteen are written as a pair of words that may
/// overlap: to call what copies any number of bytes takes longer.
#[inline(always)]
pub(crate) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        1 => out.push(bytes[0]),
        2 | 3 => append_pair::<2>(out, bytes),
        4..8 => append_pair::<4>(out, bytes),
        8..=16 => append_pair::<8>(out, bytes),
        _ => out.extend_from_slice(bytes),
    }
}

/// Appends `N` to twice as many bytes: the first `N`, and the last `N`, where they belong.
#[inline(always)]
fn append_pair<const N: usize>(out: &mut Vec<u8>, bytes: &[u8]) {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) {
        let before = out.len();
        out.extend_from_slice(first);
        out.truncate(before + bytes.len() - N);
        out.extend_from_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_length_are_appended_whole() {
        let bytes: Vec<u8> = (1..=40).collect();
        for length in 0..=bytes.len() {
            let mut out = b"before".to_vec();
            append(&mut out, &bytes[..length]);
            assert_eq!(out, [b"before", &bytes[..length]].concat(), "{length}");
        }
    }
}
