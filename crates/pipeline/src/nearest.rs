//! Which known name was probably meant.

/// The known name that is closest to `name`, when it is close enough to be a slip: at most a third
/// of its characters differ.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let typed: Vec<char> = name
        .chars()
        .take(LONGEST)
        .flat_map(char::to_lowercase)
        .collect();
    let allowed = typed.len().div_ceil(3);
    known
        .into_iter()
        .map(|candidate| (distance(&typed, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names are compared up to here, which bounds the work.
const LONGEST: usize = 64;

/// How many insertions, removals, replacements and swaps of neighbours lead from one to the other.
fn distance(typed: &[char], candidate: &str) -> usize {
    let candidate: Vec<char> = candidate
        .chars()
        .take(LONGEST)
        .flat_map(char::to_lowercase)
        .collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=candidate.len()).collect();
    for (row, &a) in typed.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &b) in candidate.iter().enumerate() {
            let replaced = last[column] + usize::from(a != b);
            let mut best = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped =
                row > 0 && column > 0 && a == candidate[column - 1] && typed[row - 1] == b;
            if swapped {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(typed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_what_was_meant() {
        let known = ["input", "parameters", "mappedFields"];
        assert_eq!(nearest("inptu", known), Some("input"));
        assert_eq!(nearest("params", known), None);
        assert_eq!(nearest("paramters", known), Some("parameters"));
        assert_eq!(nearest("mappedfield", known), Some("mappedFields"));
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("output_thing", known), None);
    }
}
