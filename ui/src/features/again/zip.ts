/** A file in a zip archive, by what the archive's directory says of it. */
export interface Entry {
  name: string;
  /** Whether it is deflated; otherwise it is stored as it is. */
  deflated: boolean;
  /** How many bytes it takes in the archive. */
  size: number;
  /** Where its own header begins. */
  header: number;
}

/** Most files in an archive, and most bytes of its directory. */
const MOST_FILES = 100_000;
const MOST_DIRECTORY_BYTES = 64 << 20;

const END = 0x06054b50;
const END_BYTES = 22;
const LOCATOR = 0x07064b50;
const LOCATOR_BYTES = 20;
const LARGE_END = 0x06064b50;
const LISTED = 0x02014b50;
const LOCAL = 0x04034b50;
/** Says that a number stands elsewhere, since it takes more than four bytes. */
const ELSEWHERE = 0xffffffff;

/** The files of a zip archive, of which only the directory is read. */
export async function entriesOf(archive: Blob): Promise<Entry[]> {
  const { start, size, count } = await directoryOf(archive);
  if (count > MOST_FILES || size > MOST_DIRECTORY_BYTES) throw new Error(`It has more than ${String(MOST_FILES)} files.`);
  const view = await viewOf(archive, start, size);
  const entries: Entry[] = [];
  let at = 0;
  while (entries.length < count) {
    if (at + 46 > size || view.getUint32(at, true) !== LISTED) throw broken();
    const [nameBytes, extraBytes, commentBytes] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true)];
    const after = at + 46 + nameBytes + extraBytes + commentBytes;
    if (after > size) throw broken();
    const method = view.getUint16(at + 10, true);
    const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 46, nameBytes));
    if ((view.getUint16(at + 8, true) & 1) === 1) throw new Error(`${name} is encrypted.`);
    if (method !== 0 && method !== 8) throw new Error(`${name} is packed in a way that browsers can't unpack.`);
    const sizes = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
    const [, packed = 0, header = 0] = large(view, at + 46 + nameBytes, extraBytes, sizes);
    entries.push({ name, deflated: method === 8, size: packed, header });
    at = after;
  }
  return entries.filter(({ name }) => !name.endsWith("/"));
}

/** What an entry holds, unpacked as it is read. */
export async function contentOf(archive: Blob, entry: Entry): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const view = await viewOf(archive, entry.header, 30);
  if (view.getUint32(0, true) !== LOCAL) throw broken();
  const start = entry.header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + entry.size > archive.size) throw broken();
  const bytes = archive.slice(start, start + entry.size).stream();
  return entry.deflated ? bytes.pipeThrough(new DecompressionStream("deflate-raw")) : bytes;
}

interface Directory {
  start: number;
  size: number;
  count: number;
}

/** Where the directory is: said at the archive's end, before a comment of 64 KiB at most. */
async function directoryOf(archive: Blob): Promise<Directory> {
  const from = Math.max(0, archive.size - END_BYTES - 0xffff - LOCATOR_BYTES);
  const tail = await viewOf(archive, from, archive.size - from);
  let end = tail.byteLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END) end -= 1;
  if (end < 0) throw broken();
  const directory = { start: tail.getUint32(end + 16, true), size: tail.getUint32(end + 12, true), count: tail.getUint16(end + 10, true) };
  const locator = end - LOCATOR_BYTES;
  if (locator < 0 || tail.getUint32(locator, true) !== LOCATOR) return directory;
  const at = Number(tail.getBigUint64(locator + 8, true));
  const view = await viewOf(archive, at, 56);
  if (view.getUint32(0, true) !== LARGE_END) throw broken();
  const number = (place: number) => Number(view.getBigUint64(place, true));
  return { start: number(48), size: number(40), count: number(32) };
}

/** The numbers of an entry, those that take more than four bytes from its extra field: size, packed size, place. */
function large(view: DataView, from: number, bytes: number, numbers: number[]): number[] {
  let at = from;
  while (at + 4 <= from + bytes) {
    const [kind, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    let place = at + 4;
    if (kind === 1) {
      return numbers.map((number) => {
        if (number !== ELSEWHERE) return number;
        if (place + 8 > at + 4 + length) throw broken();
        place += 8;
        return Number(view.getBigUint64(place - 8, true));
      });
    }
    at = place + length;
  }
  return numbers;
}

async function viewOf(archive: Blob, from: number, bytes: number): Promise<DataView> {
  if (from < 0 || from + bytes > archive.size) throw broken();
  return new DataView(await archive.slice(from, from + bytes).arrayBuffer());
}

function broken(): Error {
  return new Error("It is no zip archive that can be read. Was it downloaded whole?");
}
