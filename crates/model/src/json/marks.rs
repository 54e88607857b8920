//! Where in a text the bytes stand that end a run of plain characters in a string: quotes, backslashes
//! and control characters.

/// How many bytes a block has: one bit of a word for each.
const BLOCK: usize = 64;

/// Room for the marks of a short text, as most are.
pub(super) struct Room {
    few: [u64; 48],
    many: Vec<u64>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            few: [0; 48],
            many: Vec::new(),
        }
    }
}

/// One bit for each byte of a text. Marking all of them at first is as much work as looking at each
/// string's bytes when it is read; but where the next mark stands is then known a few steps after where
/// the string begins, and the reading of each part waits for where the one before ended.
pub(super) struct Marks<'m> {
    all: &'m [u64],
    /// Which block was asked for last, and its marks.
    block: usize,
    marks: u64,
}

impl<'m> Marks<'m> {
    pub(super) fn of(text: &[u8], room: &'m mut Room) -> Self {
        let (blocks, rest) = text.as_chunks();
        let marks = match room.few.get_mut(..=blocks.len()) {
            Some(few) => few,
            None => {
                room.many.resize(blocks.len() + 1, 0);
                &mut room.many[..]
            }
        };
        for (marks, block) in marks.iter_mut().zip(blocks) {
            *marks = marked(block);
        }
        // The text's end is marked: the bytes behind it are zeros.
        let mut last = [0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        marks[blocks.len()] = marked(&last);
        Self {
            all: marks,
            block: 0,
            marks: marks[0],
        }
    }

    /// Where from `at` on the first of these bytes stands, or the end of the text.
    #[inline(always)]
    pub(super) fn next(&mut self, at: usize) -> usize {
        if at / BLOCK != self.block {
            self.go_to(at / BLOCK);
        }
        let marks = self.marks >> (at % BLOCK);
        if marks != 0 {
            return at + marks.trailing_zeros() as usize;
        }
        self.in_later_block()
    }

    #[inline(always)]
    fn go_to(&mut self, block: usize) {
        self.block = block;
        // Behind the text there is nothing but its end.
        self.marks = self.all.get(block).copied().unwrap_or(u64::MAX);
    }

    #[inline(never)]
    fn in_later_block(&mut self) -> usize {
        while {
            self.go_to(self.block + 1);
            self.marks == 0
        } {}
        self.block * BLOCK + self.marks.trailing_zeros() as usize
    }
}

/// The marks of one block, its first byte's in the lowest bit.
#[inline(always)]
fn marked(block: &[u8; BLOCK]) -> u64 {
    // With their second bit turned over, quotes join the control characters: what is below 0x21.
    let mark = |byte: u8, bit: u8| match (byte ^ 2 < 0x21) | (byte == b'\\') {
        true => bit,
        false => 0,
    };
    // Compilers make a few instructions for sixteen bytes each of this.
    let mut columns = [0; 16];
    for (at, column) in columns.iter_mut().enumerate() {
        *column = mark(block[at], 1)
            | mark(block[at + 16], 1 << 2)
            | mark(block[at + 32], 1 << 4)
            | mark(block[at + 48], 1 << 6);
    }
    let columns = u128::from_le_bytes(columns);
    transposed(columns as u64 | (columns >> 64 << 1) as u64)
}

/// Eight rows of eight bits, their columns as rows.
fn transposed(mut rows: u64) -> u64 {
    // Single bits change places across the diagonals of squares of four, then pairs, then fours.
    for (distance, upper_right) in [
        (7, 0x00aa_00aa_00aa_00aa),
        (14, 0x0000_cccc_0000_cccc),
        (28, 0x0000_0000_f0f0_f0f0),
    ] {
        let changed = (rows ^ (rows >> distance)) & upper_right;
        rows ^= changed ^ (changed << distance);
    }
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_mark_is_found_from_every_place_before_it(
            bytes in prop::collection::vec(prop_oneof![20 => 0x20_u8..=0xff, 1 => any::<u8>()], 0..400),
            times in 1_usize..20,
        ) {
            let text = bytes.repeat(times);
            let is_marked = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
            let mut room = Room::default();
            let mut marks = Marks::of(&text, &mut room);
            let mut expected = text.len();
            let ends: Vec<usize> = (0..=text.len()).rev().map(|at| {
                if text.get(at).is_some_and(is_marked) {
                    expected = at;
                }
                expected
            }).collect();
            for (at, &end) in ends.iter().rev().enumerate() {
                prop_assert_eq!(marks.next(at), end);
            }
        }
    }
}
