//! How long things took: quantiles that can be merged.

use std::fmt;

use sketches_ddsketch::{Config, DDSketch};

/// How often values fell where: quantiles of it are off by 1 % of the value at most, and so are those
/// of several that were merged. Takes at most some 20 KiB, nothing while it is empty.
#[derive(Clone, Default)]
pub struct Sketch(Option<Box<DDSketch>>);

impl Sketch {
    fn filled(&mut self) -> &mut DDSketch {
        self.0
            .get_or_insert_with(|| Box::new(DDSketch::new(Config::defaults())))
    }

    /// Adds a value.
    pub fn record(&mut self, value: f64) {
        self.filled().add(value);
    }

    /// Adds another's values.
    pub fn merge(&mut self, other: &Self) {
        if let Some(other) = &other.0 {
            // All of ours have the same configuration: they always merge.
            let _ = self.filled().merge(other);
        }
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |sketch| sketch.count() as u64)
    }

    /// The value below which this share (0 to 1) of the values lies; `None` when there are none.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        self.0.as_ref()?.quantile(share).ok().flatten()
    }

    /// As it is kept: empty for an empty one.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0
            .as_ref()
            .map(|sketch| sketch.to_java_bytes())
            .unwrap_or_default()
    }

    /// What was kept; `None` when it is damaged.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let sketch = DDSketch::from_java_bytes(bytes).ok()?;
        Some(Self(Some(Box::new(sketch))))
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sketch")
            .field("count", &self.count())
            .field("median", &self.quantile(0.5))
            .finish()
    }
}

/// Whether they hold the same.
impl PartialEq for Sketch {
    fn eq(&self, other: &Self) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

impl Eq for Sketch {}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: impl IntoIterator<Item = f64>) -> Sketch {
        let mut sketch = Sketch::default();
        values.into_iter().for_each(|value| sketch.record(value));
        sketch
    }

    #[test]
    fn merged_after_being_kept_it_has_the_quantiles_of_all_values() {
        let mut merged = Sketch::default();
        for part in 0..10 {
            let values = (0..1000).filter(|n| n % 10 == part).map(f64::from);
            let kept = sketch(values.map(|n| (n + 1.0) / 1000.0)).to_bytes();
            merged.merge(&Sketch::from_bytes(&kept).unwrap());
        }
        assert_eq!(merged.count(), 1000);
        for (share, expected) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99)] {
            let found = merged.quantile(share).unwrap();
            assert!((found / expected - 1.0).abs() < 0.012, "{share}: {found}");
        }
    }

    #[test]
    fn an_empty_one_has_no_quantiles_and_takes_no_room() {
        let empty = Sketch::default();
        assert_eq!((empty.count(), empty.quantile(0.5)), (0, None));
        assert!(empty.to_bytes().is_empty());
        assert_eq!(Sketch::from_bytes(&[]), Some(empty));
    }

    #[test]
    fn damage_is_noticed() {
        let kept = sketch([0.5, 2.0]).to_bytes();
        assert_eq!(Sketch::from_bytes(&kept[..kept.len() - 1]), None);
    }
}
