//! What one render may use up.

/// Limits of one render; each has an error kind of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// Directives run, loop rounds, items looked at.
    pub steps: u64,
    /// Bytes written, captured ones included while they are captured.
    pub output_bytes: usize,
    /// Calls of macros and functions, and nested content, inside each other.
    pub depth: usize,
    /// Bytes of strings, sequences and hashes that the template makes, added up over the render: what is dropped is not
    /// given back. What is alive at a time stays below, that which is needed but for a moment included; beside it are the
    /// output, the compiled templates and a few megabytes. A single string has at most a sixteenth of it,
    /// or what may be written if that is more.
    pub memory_bytes: usize,
    /// Steps back that one regular expression may take on one text.
    pub regex_backtracking: usize,
    /// Digits of a number in plain notation.
    pub number_digits: u64,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            steps: 10_000_000,
            output_bytes: 16 << 20,
            depth: 1_000,
            memory_bytes: 256 << 20,
            regex_backtracking: 1_000_000,
            number_digits: 2_000,
        }
    }
}
