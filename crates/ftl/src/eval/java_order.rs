//! The order of a Java `HashMap`, which decides on what comes first where templates can tell.

/// Sorts as a Java `HashMap` iterates: by the bucket, and in it by the time of insertion.
pub(crate) fn java_order<T>(entries: &mut [(&str, T)]) {
    java_order_by(entries, |(name, _)| name);
}

/// The same for entries whose keys are what `key` says.
pub(crate) fn java_order_by<T>(entries: &mut [T], key: impl Fn(&T) -> &str) {
    // A table of 16 doubles when it gets fuller than three quarters.
    let mut buckets: u32 = 16;
    while entries.len() as u64 * 4 > u64::from(buckets) * 3 {
        buckets *= 2;
    }
    entries.sort_by_cached_key(|entry| {
        let hash = key(entry).encode_utf16().fold(0u32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(u32::from(unit))
        });
        (hash ^ (hash >> 16)) & (buckets - 1)
    });
}
