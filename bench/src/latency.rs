//! Latencies and their quantiles.

use serde::Serialize;

/// From the answer 200 to the arrival at the destination, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) samples: usize,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Quantiles {
    /// Of samples in microseconds; `None` of none.
    pub(crate) fn of(mut micros: Vec<u64>) -> Option<Self> {
        micros.sort_unstable();
        let last = *micros.last()?;
        let at = |q: f64| {
            let rank = (micros.len() as f64 * q).ceil() as usize;
            micros[rank.clamp(1, micros.len()) - 1] as f64 / 1000.0
        };
        Some(Self {
            samples: micros.len(),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: last as f64 / 1000.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let quantiles = Quantiles::of((1..=1000).rev().map(|n| n * 1000).collect()).unwrap();
        assert_eq!((quantiles.p50, quantiles.p95), (500.0, 950.0));
        assert_eq!((quantiles.p99, quantiles.max), (990.0, 1000.0));
        assert_eq!(Quantiles::of(vec![]), None);
    }
}
