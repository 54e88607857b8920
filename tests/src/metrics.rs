//! Reads the Prometheus text that `/metrics` answers.

use std::collections::BTreeMap;

/// One sample of every series.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    series: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads the text; panics where it is not well-formed.
    pub fn parse(text: &str) -> Self {
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        };
        let lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let series = lines
            .map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}")))
            .collect();
        Self { series }
    }

    /// The sum of the series of this name whose labels contain all of `labels`
    /// (each as `name="value"`); `None` where there is no such series.
    pub fn sum(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let matching = self.series.iter().filter(|(series, _)| {
            let (found, found_labels) = series.split_once('{').unwrap_or((series, ""));
            found == name && labels.iter().all(|label| found_labels.contains(label))
        });
        matching.map(|(_, value)| *value).reduce(|a, b| a + b)
    }
}
