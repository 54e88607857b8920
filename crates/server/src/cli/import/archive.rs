//! Reads export archives line by line: a zip of gzipped files, such files by themselves, or plain ones.
//!
//! Nothing is held but the line that is read. What is unpacked is bounded by the archive's own size: a
//! file that was made to fill memory or disks ends with an error.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use anyhow::{Context, bail};
use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

/// Longest line, in bytes.
pub(super) const LINE_BYTES: usize = 1 << 20;

/// How many times its own size an archive may unpack to. Event exports come to twenty or so.
const MOST_RATIO: u64 = 200;

/// What any archive may unpack to, however small it is.
const ALWAYS_BYTES: u64 = 64 << 20;

/// Most files in an archive.
const MOST_FILES: usize = 100_000;

/// A line of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'l> {
    /// The archive's file, and the one within, as `archive.zip/1_2026-01-01_0#0.json.gz`.
    pub(super) file: &'l str,
    /// Counts from 1.
    pub(super) number: u64,
    /// The text, or what is wrong with it.
    pub(super) text: Result<&'l str, &'static str>,
}

/// Calls `each` with every line of an archive that isn't blank.
pub(super) fn lines(
    path: &Path,
    each: &mut dyn FnMut(Line<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let unreadable = || format!("{name} can't be read");
    let mut file = File::open(path).with_context(unreadable)?;
    let size = file.metadata().with_context(unreadable)?.len();
    let mut start = [0; 4];
    let read = read_start(&mut file, &mut start).with_context(unreadable)?;
    file.rewind().with_context(unreadable)?;
    let mut budget = ALWAYS_BYTES.max(size.saturating_mul(MOST_RATIO));
    match &start[..read] {
        // The second is what a zip without any file begins with.
        [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => zipped(&name, file, &mut budget, each),
        // What is called one would be told of as lines that are no events, one after the other.
        _ if is_called_zip(path) => bail!("{name} is not a zip archive, though it is called one"),
        _ => one(&name, BufReader::new(file), &mut budget, each),
    }
}

fn is_called_zip(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

fn read_start(file: &mut File, start: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < start.len() {
        match file.read(&mut start[read..])? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read)
}

fn zipped(
    name: &str,
    file: File,
    budget: &mut u64,
    each: &mut dyn FnMut(Line<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let broken = || format!("{name} is no zip archive that can be read");
    let mut archive = ZipArchive::new(BufReader::new(file)).with_context(broken)?;
    if archive.is_empty() {
        bail!("{name} has no files");
    }
    if archive.len() > MOST_FILES {
        bail!("{name} has more than {MOST_FILES} files");
    }
    for index in 0..archive.len() {
        let entry = archive.by_index(index).with_context(broken)?;
        if !entry.is_file() {
            continue;
        }
        let within = format!("{name}/{}", entry.name().with_context(broken)?);
        one(&within, BufReader::new(entry), budget, each)?;
    }
    Ok(())
}

/// Reads one file, gzipped or not.
fn one(
    name: &str,
    mut reader: impl BufRead,
    budget: &mut u64,
    each: &mut dyn FnMut(Line<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let broken = || format!("{name} can't be unpacked");
    let gzipped = reader
        .fill_buf()
        .with_context(broken)?
        .starts_with(&[0x1f, 0x8b]);
    let left = budget.saturating_add(1);
    let mut reader: Box<dyn BufRead + '_> = match gzipped {
        true => Box::new(BufReader::new(MultiGzDecoder::new(reader).take(left))),
        false => Box::new(reader.take(left)),
    };
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        let Some((read, fits)) = next(&mut reader, &mut line).with_context(broken)? else {
            return Ok(());
        };
        number += 1;
        if read >= *budget {
            bail!(
                "{name} unpacks to more than {MOST_RATIO} times the size of its archive, which no export does"
            );
        }
        *budget -= read;
        let text = match (fits, std::str::from_utf8(&line)) {
            (false, _) => Err("longer than 1 MiB"),
            (true, Ok(text)) if text.contains('\0') => Err("has a NUL character"),
            (true, Ok(text)) => Ok(text.trim()),
            (true, Err(_)) => Err("not UTF-8"),
        };
        if text != Ok("") {
            each(Line {
                file: name,
                number,
                text,
            })?;
        }
    }
}

/// Reads to the end of the line: how many bytes it took, and whether all of it is in `line`. `None` at
/// the end.
fn next(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<Option<(u64, bool)>> {
    line.clear();
    let (mut read, mut fits) = (0, true);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok((read > 0).then_some((read, fits)));
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        fits = fits && line.len() + part.len() <= LINE_BYTES;
        if fits {
            line.extend_from_slice(part);
        }
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        read += used as u64;
        if end.is_some() {
            return Ok(Some((read, fits)));
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    pub(in crate::cli::import) fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    pub(in crate::cli::import) fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// A line with its file, its number and its text.
    type Found = (String, u64, Result<String, &'static str>);

    fn read(bytes: &[u8]) -> anyhow::Result<Vec<Found>> {
        read_as("a", bytes)
    }

    fn read_as(name: &str, bytes: &[u8]) -> anyhow::Result<Vec<Found>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let prefix = format!("{}/", path.display());
        let mut found = Vec::new();
        lines(&path, &mut |line| {
            let file = line.file.strip_prefix(&prefix).unwrap_or("").to_owned();
            found.push((file, line.number, line.text.map(str::to_owned)));
            Ok(())
        })?;
        Ok(found)
    }

    fn is(file: &str, number: u64, text: &str) -> Found {
        (file.to_owned(), number, Ok(text.to_owned()))
    }

    #[test]
    fn zipped_gzipped_and_plain_files_are_read_line_by_line() {
        let two = gzip(b"{\"c\":3}");
        let archive = zip(&[
            ("1/x.json.gz", gzip(b"{\"a\":1}\n\n{\"b\":2}\n")),
            ("1/y.json.gz", two),
        ]);
        let expected = [
            is("1/x.json.gz", 1, "{\"a\":1}"),
            is("1/x.json.gz", 3, "{\"b\":2}"),
            is("1/y.json.gz", 1, "{\"c\":3}"),
        ];
        assert_eq!(read(&archive).unwrap(), expected);
        let mut several = gzip(b"one\n");
        several.extend(gzip(b"two\r\n"));
        assert_eq!(
            read(&several).unwrap(),
            [is("", 1, "one"), is("", 2, "two")]
        );
        assert_eq!(
            read(b"one\ntwo").unwrap(),
            [is("", 1, "one"), is("", 2, "two")]
        );
        assert_eq!(read(b"").unwrap(), []);
    }

    #[test]
    fn what_is_called_a_zip_archive_and_is_none_is_refused() {
        for (name, bytes) in [
            ("a.zip", &b"\x07\xe3 noise\nmore"[..]),
            ("a.ZIP", b"{\"a\":1}\n"),
            ("a.zip", b""),
        ] {
            let error = read_as(name, bytes).unwrap_err().to_string();
            assert!(
                error.ends_with("is not a zip archive, though it is called one"),
                "{error}"
            );
        }
        let archive = zip(&[("x.json", b"{\"a\":1}".to_vec())]);
        assert_eq!(read_as("a.zip", &archive).unwrap().len(), 1);
        assert_eq!(read_as("a.json", b"{\"a\":1}").unwrap().len(), 1);
    }

    #[test]
    fn lines_that_are_no_text_or_too_long_are_told_and_passed() {
        let mut text = vec![b'x'; LINE_BYTES + 1];
        text.extend(b"\n\xff\nfine\n\0\n");
        let found = read(&text).unwrap();
        assert_eq!(found[0].2, Err("longer than 1 MiB"));
        assert_eq!(found[1].2, Err("not UTF-8"));
        assert_eq!(found[2], is("", 3, "fine"));
        assert_eq!(found[3].2, Err("has a NUL character"));
    }

    #[test]
    fn what_unpacks_to_far_more_than_it_is_is_given_up() {
        let bomb = gzip(&vec![b'\n'; (ALWAYS_BYTES + 10) as usize]);
        for bytes in [bomb.clone(), zip(&[("bomb.json.gz", bomb)])] {
            let refused = format!("{:#}", read(&bytes).unwrap_err());
            assert!(refused.contains("200 times"), "{refused}");
        }
    }

    #[test]
    fn broken_archives_are_told() {
        let mut archive = zip(&[("x.json.gz", gzip(b"{}\n"))]);
        archive.truncate(archive.len() - 10);
        assert!(read(&archive).is_err());
        let mut gzipped = gzip(&[b'x'; 10_000]);
        gzipped.truncate(20);
        assert!(read(&gzipped).is_err());
        let none = format!("{:#}", read(&zip(&[])).unwrap_err());
        assert!(none.contains("no files"), "{none}");
    }
}
