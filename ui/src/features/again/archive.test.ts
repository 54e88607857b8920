import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { zipped } from "../../../tests/zipped";
import { LINE_BYTES, type Line, linesOf } from "./archive";
import { batchesOf, digestOf } from "./upload";

const file = (bytes: Buffer | string, name = "a.zip") => new File([new Uint8Array(Buffer.from(bytes))], name);

async function read(archive: File): Promise<[string, number, string | null][]> {
  const found: Line[] = [];
  for await (const line of linesOf(archive)) found.push(line);
  return found.map((line) => [line.file, line.number, line.wrong ?? line.text]);
}

test("zipped, gzipped and plain files are read line by line", async () => {
  const archive = zipped([
    { name: "1/", bytes: Buffer.alloc(0) },
    { name: "1/x.json.gz", bytes: gzipSync('{"a":1}\n\n{"b":2}\n') },
    { name: "1/y.json.gz", bytes: gzipSync('{"c":"ü"}\r\n'), deflated: true },
    { name: "z.json", bytes: Buffer.from('{"d":4}'), deflated: true },
  ]);
  expect(await read(file(archive))).toEqual([
    ["a.zip/1/x.json.gz", 1, '{"a":1}'],
    ["a.zip/1/x.json.gz", 3, '{"b":2}'],
    ["a.zip/1/y.json.gz", 1, '{"c":"ü"}'],
    ["a.zip/z.json", 1, '{"d":4}'],
  ]);
  expect(await read(file(gzipSync("one\ntwo"), "b.json.gz"))).toEqual([["b.json.gz", 1, "one"], ["b.json.gz", 2, "two"]]);
  expect(await read(file("one\ntwo", "c.json"))).toEqual([["c.json", 1, "one"], ["c.json", 2, "two"]]);
  expect(await read(file("", "d.json"))).toEqual([]);
});

test("lines that are no text or too long are told and passed", async () => {
  const text = Buffer.concat([Buffer.alloc(LINE_BYTES + 1, "x"), Buffer.from([10, 0xff, 10]), Buffer.from("fine\n")]);
  expect(await read(file(text, "x"))).toEqual([
    ["x", 1, "It is longer than 1 MiB."],
    ["x", 2, "It is not UTF-8."],
    ["x", 3, "fine"],
  ]);
});

test("what is broken or unpacks to far more than it is is given up", async () => {
  const whole = zipped([{ name: "x.json.gz", bytes: gzipSync("{}\n") }]);
  await expect(read(file(whole.subarray(0, whole.length - 10)))).rejects.toThrow("no zip archive");
  await expect(read(file(gzipSync(Buffer.alloc(10_000, "xy")).subarray(0, 20), "y.gz"))).rejects.toThrow("y.gz can't be read on");
  const bomb = gzipSync(Buffer.alloc((64 << 20) + 10, "x"));
  await expect(read(file(bomb, "z.gz"))).rejects.toThrow("200 times");
});

test("a file that isn't what its name says is told to be none", async () => {
  await expect(read(file("a photo", "photo.zip"))).rejects.toThrow("photo.zip is no zip file");
  await expect(read(file("a photo", "Photo.GZ"))).rejects.toThrow("Photo.GZ is no gzip file");
});

test("lines go in requests of bounded size", async () => {
  const lines = `${'"'.repeat(1000)}\n`.repeat(5000);
  let [count, requests] = [0, 0];
  for await (const { lines: own } of batchesOf([file(gzipSync(lines), "x.gz")])) {
    expect(JSON.stringify(own.map(({ text }) => text)).length).toBeLessThanOrEqual((1 << 20) + 100);
    count += own.length;
    requests += 1;
  }
  expect(count).toBe(5000);
  expect(requests).toBeGreaterThan(9);
});

test("archives are known by the hash of their files' hashes, as the command line knows them", async () => {
  const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest();
  const expected = createHash("sha256").update(Buffer.concat([hash(Buffer.from("x")), hash(Buffer.from("y"))])).digest("hex");
  expect(await digestOf([file("x"), file("y")], new AbortController().signal)).toBe(expected);
});
