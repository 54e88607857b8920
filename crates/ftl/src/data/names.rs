//! Names compared with each other.

/// Whether the names are the same. Most have up to sixteen bytes: those are compared as a pair of words that may overlap, since
/// to call what compares any number of bytes takes longer.
#[inline(always)]
pub(crate) fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        0 => true,
        1..4 => {
            a[0] == b[0] && a[a.len() / 2] == b[a.len() / 2] && a[a.len() - 1] == b[a.len() - 1]
        }
        4..8 => same_ends::<4>(a, b),
        8..=16 => same_ends::<8>(a, b),
        _ => a == b,
    }
}

/// Whether the first `N` bytes are the same, and the last `N`.
#[inline(always)]
fn same_ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk() && a.last_chunk::<N>() == b.last_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_length_differ_by_any_byte() {
        for length in 0..40 {
            let name: String = ('a'..='z').cycle().take(length).collect();
            assert!(same(&name, &name.clone()), "{length}");
            assert!(!same(&name, &format!("{name}x")), "{length}");
            for at in 0..length {
                let mut other = name.clone();
                other.replace_range(at..=at, "-");
                assert!(!same(&name, &other), "{at} of {length}");
            }
        }
    }
}
