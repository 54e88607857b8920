//! The archive as a stream: parts in, parts out, each with its SHA-256.

use std::io::{self, BufReader, BufWriter, Read, Write};

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};

use super::manifest::{Manifest, Part};

const MANIFEST: &str = "manifest.json";
const SUMS: &str = "SHA256SUMS";

/// How much of a part is in memory at once.
const BUFFER_BYTES: usize = 256 << 10;

/// The largest manifest and the largest sums: of some ten thousand parts.
const TEXT_MAX_BYTES: u64 = 4 << 20;

/// Writes an archive.
pub(super) struct Writer<W: Write> {
    tar: tar::Builder<BufWriter<W>>,
    sums: String,
    /// Of all entries, in seconds since 1970.
    time: u64,
}

impl<W: Write> Writer<W> {
    /// Begins with the manifest.
    pub(super) fn new(out: W, manifest: &Manifest) -> anyhow::Result<Self> {
        let mut writer = Self {
            tar: tar::Builder::new(BufWriter::with_capacity(BUFFER_BYTES, out)),
            sums: String::new(),
            time: manifest.taken_at.as_second().unsigned_abs(),
        };
        let text = serde_json::to_vec_pretty(manifest)?;
        writer.entry(MANIFEST, text.len() as u64, &text[..], &mut |_| {})?;
        Ok(writer)
    }

    /// Adds a part. `progress` is told how many bytes were added since the last time.
    pub(super) fn part(
        &mut self,
        part: &Part,
        content: impl Read,
        progress: &mut dyn FnMut(u64),
    ) -> anyhow::Result<()> {
        self.entry(&part.name, part.bytes, content, progress)
    }

    fn entry(
        &mut self,
        name: &str,
        bytes: u64,
        content: impl Read,
        progress: &mut dyn FnMut(u64),
    ) -> anyhow::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(self.time);
        let mut content = Hashing::new(content.take(bytes), progress);
        self.tar
            .append_data(&mut header, name, &mut content)
            .with_context(|| format!("{name} can't be added"))?;
        let (read, sum) = content.finish();
        ensure!(read == bytes, "{name} has {read} bytes instead of {bytes}");
        self.sums += &format!("{sum}  {name}\n");
        Ok(())
    }

    /// Adds the sums and returns what was written to.
    pub(super) fn finish(mut self) -> anyhow::Result<W> {
        let sums = std::mem::take(&mut self.sums);
        self.entry(SUMS, sums.len() as u64, sums.as_bytes(), &mut |_| {})?;
        let out = self.tar.into_inner()?;
        Ok(out.into_inner().map_err(io::IntoInnerError::into_error)?)
    }
}

/// Reads an archive: hands its manifest to `begin`, each part to `take`, and compares all sums.
/// What was taken is worth nothing before this returns. `progress` is told how many bytes have been
/// read, and of how many.
pub(super) fn read(
    archive: impl Read,
    begin: impl FnOnce(&Manifest) -> anyhow::Result<()>,
    mut take: impl FnMut(&Part, &mut dyn Read) -> anyhow::Result<()>,
    progress: &mut dyn FnMut(u64, u64),
) -> anyhow::Result<Manifest> {
    let mut archive = tar::Archive::new(BufReader::with_capacity(BUFFER_BYTES, archive));
    // Raw: entries that say something of others have no place in a backup.
    let mut entries = archive.entries()?.raw(true);
    let mut sums = String::new();

    let (text, sum) =
        text(&mut entries, MANIFEST).context("this is no backup, or its beginning is damaged")?;
    sums += &format!("{sum}  {MANIFEST}\n");
    let manifest = Manifest::parse(&text)?;
    begin(&manifest)?;

    let (mut done, total) = (0, manifest.bytes());
    let mut progress = |bytes| {
        done += bytes;
        progress(done, total);
    };
    for part in &manifest.parts {
        let entry = next(&mut entries, &part.name)?;
        let declared = entry.size();
        ensure!(
            declared == part.bytes,
            "{} is damaged: it has {declared} bytes, manifest.json says {}",
            part.name,
            part.bytes
        );
        let mut content = Hashing::new(entry, &mut progress);
        take(part, &mut content).with_context(|| format!("{} can't be restored", part.name))?;
        let (read, sum) = content.finish();
        ensure!(
            read == part.bytes,
            "the archive ends within {}: it has only {read} of {} bytes",
            part.name,
            part.bytes
        );
        sums += &format!("{sum}  {}\n", part.name);
    }

    let (written, _) = self::text(&mut entries, SUMS)?;
    compare(&sums, &String::from_utf8_lossy(&written))?;
    Ok(manifest)
}

/// The next entry, which must be a file of this name.
fn next<'a, R: Read>(
    entries: &mut tar::Entries<'a, R>,
    name: &str,
) -> anyhow::Result<tar::Entry<'a, R>> {
    let Some(entry) = entries.next() else {
        bail!("the archive ends before {name}");
    };
    let entry = entry.with_context(|| format!("the archive is damaged before {name}"))?;
    let found = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    ensure!(
        found == name && entry.header().entry_type().is_file(),
        "the archive is damaged: {found:?} is where {name} should be"
    );
    Ok(entry)
}

/// The next entry, of this name, as a text, and its SHA-256.
fn text<R: Read>(
    entries: &mut tar::Entries<'_, R>,
    name: &str,
) -> anyhow::Result<(Vec<u8>, String)> {
    let entry = next(entries, name)?;
    let bytes = entry.size();
    ensure!(
        bytes <= TEXT_MAX_BYTES,
        "{name} is damaged: it has {bytes} bytes"
    );
    let mut text = Vec::new();
    let mut ignored = |_| {};
    let mut content = Hashing::new(entry, &mut ignored);
    content.read_to_end(&mut text)?;
    let (read, sum) = content.finish();
    ensure!(read == bytes, "the archive ends within {name}");
    Ok((text, sum))
}

/// Compares the sums of what was read with those that were written.
fn compare(read: &str, written: &str) -> anyhow::Result<()> {
    if read == written {
        return Ok(());
    }
    let differs = read
        .lines()
        .zip(written.lines().chain(std::iter::repeat("")))
        .find(|(read, written)| read != written);
    let name = differs.and_then(|(read, _)| read.split_once("  "));
    let name = name.map_or(SUMS, |(_, name)| name);
    bail!("{name} is damaged: its SHA-256 is not the one in {SUMS}");
}

/// Hashes and counts what is read through it.
struct Hashing<'a, R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a, R: Read> Hashing<'a, R> {
    fn new(inner: R, progress: &'a mut dyn FnMut(u64)) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            bytes: 0,
            progress,
        }
    }

    /// How many bytes were read, and their SHA-256 in hexadecimal.
    fn finish(self) -> (u64, String) {
        let sum = self.hash.finalize();
        (
            self.bytes,
            sum.iter().map(|byte| format!("{byte:02x}")).collect(),
        )
    }
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        (self.progress)(read as u64);
        Ok(read)
    }
}
