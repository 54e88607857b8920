//! A page of a run: entries in ascending order, each written by its distance from the one before it:
//! the hash's, then the offset's (zigzag), as LEB128 numbers. What the first one is stands with the
//! page.

/// A hash and the event that it stands for.
pub(super) type Entry = (u64, u64);

/// A page that is full enough.
pub(super) const PAGE_BYTES: usize = 3900;

/// A page being filled.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) first: Option<Entry>,
    last: Entry,
    pub(super) bytes: Vec<u8>,
}

impl Builder {
    /// Appends an entry that is not before the last one.
    pub(super) fn push(&mut self, entry: Entry) {
        if self.first.is_none() {
            self.first = Some(entry);
            self.last = entry;
        }
        self.number(entry.0 - self.last.0);
        let distance = entry.1.wrapping_sub(self.last.1) as i64;
        self.number(((distance << 1) ^ (distance >> 63)) as u64);
        self.last = entry;
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= PAGE_BYTES
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }
}

/// The entries of a page; `None` when the bytes are none of ours.
pub(super) fn read(first: Entry, mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let (mut entries, mut last) = (Vec::new(), first);
    while !bytes.is_empty() {
        last.0 = last.0.checked_add(number(&mut bytes)?)?;
        let distance = number(&mut bytes)?;
        let distance = (distance >> 1) as i64 ^ -((distance & 1) as i64);
        last.1 = last.1.wrapping_add(distance as u64);
        entries.push(last);
    }
    Some(entries)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive() {
        let entries = [
            (5, 1 << 50),
            (5, 1 << 51),
            (6, 0),
            (1 << 47, 3),
            ((1 << 48) - 1, 1),
        ];
        let mut page = Builder::default();
        entries.iter().for_each(|entry| page.push(*entry));
        let read_back = read(page.first.unwrap(), &page.bytes);
        assert_eq!(read_back.as_deref(), Some(&entries[..]));
        assert_eq!(read((0, 0), &[0x80]), None);
        assert_eq!(read((0, 0), &[0xff; 11]), None);
    }
}
