import { deflateRawSync, gzipSync } from "node:zlib";

interface Packed {
  name: string;
  bytes: Buffer;
  deflated?: boolean;
}

/** A zip archive of these files, as archivers make them. */
export function zipped(files: Packed[]): Buffer {
  const [parts, listed]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const { name, bytes, deflated = false } of files) {
    const [title, body] = [Buffer.from(name), deflated ? deflateRawSync(bytes) : bytes];
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(deflated ? 8 : 0, 8);
    local.writeUInt32LE(body.length, 18);
    local.writeUInt32LE(bytes.length, 22);
    local.writeUInt16LE(title.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(deflated ? 8 : 0, 10);
    entry.writeUInt32LE(body.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(title.length, 28);
    entry.writeUInt32LE(at, 42);
    parts.push(local, title, body);
    listed.push(entry, title);
    at += local.length + title.length + body.length;
  }
  const directory = Buffer.concat(listed);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end]);
}

/** An export as Amplitude makes it: a zip of gzipped files with an event on each line. */
export function exported(files: Record<string, object[]>): Buffer {
  const packed = Object.entries(files).map(([name, events]) => ({
    name,
    bytes: gzipSync(events.map((event) => `${JSON.stringify(event)}\n`).join("")),
  }));
  return zipped(packed);
}
