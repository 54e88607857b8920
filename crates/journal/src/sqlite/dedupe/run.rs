//! A sorted, immutable file of keys.
//!
//! ```text
//! page × n    4096 bytes: entries (key: 16 bytes, big-endian; second: u32), zeros,
//!             count: u16, XXH3-64 of what precedes
//! index       n × u64: the upper half of each page's first key
//! filter      see `filter`; may be absent
//! footer      magic, pages, keys, filter bytes: u64; XXH3-64 of index, filter and footer so far
//! ```
//! All numbers but the keys are little-endian.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::filter::Filter;
use super::{Entry, Key};

const MAGIC: u64 = u64::from_le_bytes(*b"MLdedup1");
const PAGE: usize = 4096;
const ENTRY: usize = Key::BYTES + 4;
const TAIL: usize = 2 + 8;
const PER_PAGE: usize = (PAGE - TAIL) / ENTRY;
const FOOTER: usize = 5 * 8;

/// A run that can be searched.
#[derive(Debug)]
pub(in crate::sqlite) struct Run {
    pub(super) path: PathBuf,
    file: File,
    keys: u64,
    index: Vec<u64>,
    filter: Option<Filter>,
}

impl Run {
    /// Opens a finished run, its filter only if that takes at most `filter_budget` bytes.
    pub(super) fn open(path: &Path, filter_budget: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut footer = [0; FOOTER];
        let footer_at = length.checked_sub(FOOTER as u64).ok_or_else(damaged)?;
        file.read_exact_at(&mut footer, footer_at)?;
        let field = |number: usize| {
            let bytes = footer[number * 8..][..8].try_into();
            bytes.map(u64::from_le_bytes).map_err(|_| damaged())
        };
        let (pages, keys, filter_bytes) = (field(1)?, field(2)?, field(3)?);
        let expected = pages
            .checked_mul(PAGE as u64 + 8)
            .and_then(|bytes| bytes.checked_add(filter_bytes)?.checked_add(FOOTER as u64));
        if field(0)? != MAGIC || expected != Some(length) || keys > pages * PER_PAGE as u64 {
            return Err(damaged());
        }
        // Within the length of the file, and so within memory.
        let mut index = vec![0; pages as usize * 8];
        file.read_exact_at(&mut index, pages * PAGE as u64)?;
        let mut filter = vec![0; filter_bytes as usize];
        file.read_exact_at(&mut filter, pages * (PAGE as u64 + 8))?;
        if checksum(&index, &filter, &footer[..FOOTER - 8]) != field(4)? {
            return Err(damaged());
        }
        let index = index
            .chunks_exact(8)
            .map(|first| first.try_into().map(u64::from_le_bytes))
            .collect::<Result<_, _>>()
            .map_err(|_| damaged())?;
        let wanted = filter_bytes > 0 && filter_bytes <= filter_budget;
        let filter = match wanted {
            true => Some(Filter::from_bytes(&filter).ok_or_else(damaged)?),
            false => None,
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            keys,
            index,
            filter,
        })
    }

    pub(super) fn keys(&self) -> u64 {
        self.keys
    }

    /// Bytes of memory that the filter takes.
    pub(super) fn filter_bytes(&self) -> u64 {
        let filter = self.filter.as_ref();
        filter.map_or(0, |_| Filter::bytes_for(self.keys))
    }

    /// The second of the key, if it is here.
    pub(super) fn get(&self, key: Key) -> io::Result<Option<u32>> {
        if self
            .filter
            .as_ref()
            .is_some_and(|filter| !filter.may_contain(key))
        {
            return Ok(None);
        }
        // The page before the first one that starts at or behind the key may end with it.
        let behind = self.index.partition_point(|&first| first < key.high);
        let mut page = [0; PAGE];
        for number in behind.saturating_sub(1)..self.index.len() {
            if self.index[number] > key.high {
                break;
            }
            let count = self.read_page(number, &mut page)?;
            let (mut low, mut high) = (0, count);
            while low < high {
                let middle = (low + high) / 2;
                let (found, second) = entry(&page, middle)?;
                match found.cmp(&key) {
                    std::cmp::Ordering::Equal => return Ok(Some(second)),
                    std::cmp::Ordering::Less => low = middle + 1,
                    std::cmp::Ordering::Greater => high = middle,
                }
            }
        }
        Ok(None)
    }

    /// Reads and verifies a page; returns how many entries it has.
    fn read_page(&self, number: usize, page: &mut [u8; PAGE]) -> io::Result<usize> {
        self.file.read_exact_at(page, (number * PAGE) as u64)?;
        let stored = page[PAGE - 8..].try_into().map(u64::from_le_bytes);
        if stored.ok() != Some(xxh3_64(&page[..PAGE - 8])) {
            return Err(damaged());
        }
        let count = usize::from(u16::from_le_bytes([
            page[PAGE - TAIL],
            page[PAGE - TAIL + 1],
        ]));
        if count > PER_PAGE {
            return Err(damaged());
        }
        Ok(count)
    }

    /// All entries in order.
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries {
            run: self,
            page: Box::new([0; PAGE]),
            number: 0,
            count: 0,
            at: 0,
        }
    }
}

/// The entries of a run in order.
pub(super) struct Entries<'a> {
    run: &'a Run,
    page: Box<[u8; PAGE]>,
    /// The next page to read.
    number: usize,
    count: usize,
    at: usize,
}

impl Iterator for Entries<'_> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        while self.at == self.count {
            if self.number == self.run.index.len() {
                return None;
            }
            match self.run.read_page(self.number, &mut self.page) {
                Ok(count) => (self.count, self.at) = (count, 0),
                Err(error) => {
                    self.number = self.run.index.len();
                    return Some(Err(error));
                }
            }
            self.number += 1;
        }
        self.at += 1;
        Some(entry(&self.page, self.at - 1))
    }
}

fn entry(page: &[u8; PAGE], number: usize) -> io::Result<Entry> {
    let bytes = &page[number * ENTRY..][..ENTRY];
    let key = Key::from_bytes(bytes).ok_or_else(damaged)?;
    let second = bytes[Key::BYTES..].try_into().map(u32::from_le_bytes);
    Ok((key, second.map_err(|_| damaged())?))
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file is damaged")
}

fn checksum(index: &[u8], filter: &[u8], footer: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(index);
    hash.update(filter);
    hash.update(footer);
    hash.digest()
}

/// What a writer learnt about the run that it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sqlite) struct Summary {
    pub(in crate::sqlite) keys: u64,
    pub(in crate::sqlite) oldest: u32,
    pub(in crate::sqlite) newest: u32,
}

/// Writes `entries`, which are in order and at most `max_keys`, as a run at `path`; durable when
/// it returns. With a filter if that takes at most `filter_budget` bytes.
pub(super) fn write(
    path: &Path,
    entries: impl Iterator<Item = io::Result<Entry>>,
    max_keys: u64,
    filter_budget: u64,
) -> io::Result<Summary> {
    let unfinished = path.with_extension("unfinished");
    let file = File::create(&unfinished)?;
    let mut writer = Writer::new(file, max_keys, filter_budget);
    for entry in entries {
        writer.push(entry?)?;
    }
    let summary = writer.finish()?;
    std::fs::rename(&unfinished, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(summary)
}

struct Writer {
    out: BufWriter<File>,
    page: Vec<u8>,
    index: Vec<u8>,
    filter: Option<Filter>,
    summary: Summary,
}

impl Writer {
    fn new(file: File, max_keys: u64, filter_budget: u64) -> Self {
        let filtered = Filter::bytes_for(max_keys) <= filter_budget;
        Self {
            out: BufWriter::with_capacity(64 * PAGE, file),
            page: Vec::with_capacity(PAGE),
            index: Vec::new(),
            filter: filtered.then(|| Filter::with_capacity(max_keys)),
            summary: Summary {
                keys: 0,
                oldest: u32::MAX,
                newest: 0,
            },
        }
    }

    fn push(&mut self, (key, second): Entry) -> io::Result<()> {
        if self.page.is_empty() {
            self.index.extend_from_slice(&key.high.to_le_bytes());
        }
        self.page.extend_from_slice(&key.to_bytes());
        self.page.extend_from_slice(&second.to_le_bytes());
        if let Some(filter) = &mut self.filter {
            filter.insert(key);
        }
        self.summary.keys += 1;
        self.summary.oldest = self.summary.oldest.min(second);
        self.summary.newest = self.summary.newest.max(second);
        if self.page.len() == PER_PAGE * ENTRY {
            self.end_page()?;
        }
        Ok(())
    }

    fn end_page(&mut self) -> io::Result<()> {
        // At most PER_PAGE.
        let count = (self.page.len() / ENTRY) as u16;
        self.page.resize(PAGE - TAIL, 0);
        self.page.extend_from_slice(&count.to_le_bytes());
        let checksum = xxh3_64(&self.page);
        self.page.extend_from_slice(&checksum.to_le_bytes());
        self.out.write_all(&self.page)?;
        self.page.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<Summary> {
        if !self.page.is_empty() {
            self.end_page()?;
        }
        let filter = self
            .filter
            .map_or_else(Vec::new, |filter| filter.to_bytes());
        let pages = (self.index.len() / 8) as u64;
        let mut footer = Vec::with_capacity(FOOTER);
        for field in [MAGIC, pages, self.summary.keys, filter.len() as u64] {
            footer.extend_from_slice(&field.to_le_bytes());
        }
        let checksum = checksum(&self.index, &filter, &footer);
        footer.extend_from_slice(&checksum.to_le_bytes());
        self.out.write_all(&self.index)?;
        self.out.write_all(&filter)?;
        self.out.write_all(&footer)?;
        let file = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(self.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: u64) -> Vec<Entry> {
        let key = |number: u64| Key::new(1, 1, None, &number.to_string());
        let mut entries: Vec<Entry> = (0..count).map(|n| (key(n), n as u32)).collect();
        entries.sort_unstable();
        entries
    }

    fn written(folder: &tempfile::TempDir, entries: &[Entry], filter_budget: u64) -> PathBuf {
        let path = folder.path().join("1.run");
        let count = entries.len() as u64;
        let summary = write(&path, entries.iter().copied().map(Ok), count, filter_budget).unwrap();
        assert_eq!(summary.keys, count);
        path
    }

    #[test]
    fn a_run_has_what_was_written_with_and_without_a_filter() {
        for filter_budget in [0, 1 << 20] {
            let folder = tempfile::tempdir().unwrap();
            let all = entries(5_000);
            let path = written(&folder, &all, filter_budget);
            let run = Run::open(&path, filter_budget).unwrap();
            assert_eq!(run.filter_bytes() > 0, filter_budget > 0);
            for &(key, second) in &all {
                assert_eq!(run.get(key).unwrap(), Some(second));
            }
            for number in 5_000..10_000u64 {
                let other = Key::new(1, 1, None, &number.to_string());
                assert_eq!(run.get(other).unwrap(), None);
            }
            let read: io::Result<Vec<Entry>> = run.entries().collect();
            assert_eq!(read.unwrap(), all);
        }
    }

    #[test]
    fn keys_with_the_same_upper_half_are_found_across_pages() {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<Entry> = (0..1000).map(|low| (Key { high: 7, low }, 1)).collect();
        let run = Run::open(&written(&folder, &all, 0), 0).unwrap();
        assert!(all.iter().all(|(key, _)| run.get(*key).unwrap() == Some(1)));
        assert_eq!(run.get(Key { high: 7, low: 1000 }).unwrap(), None);
    }

    #[test]
    fn a_damaged_file_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let all = entries(500);
        let path = written(&folder, &all, 1 << 20);
        let whole = std::fs::read(&path).unwrap();
        for position in (0..whole.len()).step_by(61) {
            let mut bytes = whole.clone();
            bytes[position] ^= 4;
            std::fs::write(&path, &bytes).unwrap();
            let outcome = Run::open(&path, 1 << 20)
                .and_then(|run| all.iter().try_for_each(|(key, _)| run.get(*key).map(drop)));
            let error = outcome.expect_err("the damage was not seen");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
