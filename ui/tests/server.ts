import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { preview, type PreviewServer } from "vite";

/** How long the server may take to answer, or to end. */
const PATIENCE_MILLISECONDS = 30_000;

/** The binary that the tests' build made, or the one that is named. */
function binary(): string {
  const named = process.env.MILLSTREAM_BINARY;
  if (named !== undefined) return named;
  const root = fileURLToPath(new URL("../../target", import.meta.url));
  const found = ["debug", "release"].map((kind) => join(root, kind, "millstream")).find(existsSync);
  if (found === undefined) throw new Error("no binary: run `cargo build -p millstream`, or set MILLSTREAM_BINARY");
  return found;
}

type Settings = Record<string, string>;

/** A server of the real binary, with a data folder of its own. */
export class Millstream {
  private page: PreviewServer | undefined;

  private constructor(
    /** Where the page and the API are. */
    readonly url: string,
    /** The link of the first start. */
    readonly invitation: string,
    private process: ChildProcess,
    private readonly port: number,
    private readonly data: string,
    private readonly settings: Settings,
  ) {}

  /** Starts one with these settings beside those of all tests, by the names of their environment variables. */
  static async start(settingsAt: (url: string) => Settings = () => ({})): Promise<Millstream> {
    const data = mkdtempSync(join(tmpdir(), "millstream-page-"));
    const port = await freePort();
    const own = `http://127.0.0.1:${String(port)}`;
    // With PAGE, the page is of that folder (such as `dist`) rather than the one that is in the binary.
    const url = process.env.PAGE === undefined ? own : `http://127.0.0.1:${String(await freePort())}`;
    const settings = settingsAt(url);
    const child = run(port, data, settings);
    const link = await firstLink(child);
    await ready(own);
    const server = new Millstream(url, url + link, child, port, data, settings);
    await server.servePage();
    return server;
  }

  /** Sends events as an SDK does. */
  async send(apiKey: string, events: object[]): Promise<void> {
    const response = await fetch(`${this.url}/2/httpapi`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ api_key: apiKey, events }),
    });
    if (!response.ok) throw new Error(`events were refused: ${await response.text()}`);
  }

  /** Ends the process, as a restart of the machine does: nothing listens at its address any more. */
  async halt(): Promise<void> {
    // First what stands before it: it would answer in its place.
    await this.page?.close();
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
  }

  /** Starts it again after `halt`, at the same address and with its data. */
  async resume(): Promise<void> {
    this.process = run(this.port, this.data, this.settings);
    await ready(`http://127.0.0.1:${String(this.port)}`);
    await this.servePage();
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.data, { recursive: true, force: true });
  }

  private async servePage(): Promise<void> {
    const outDir = process.env.PAGE;
    if (outDir === undefined) return;
    process.env.MILLSTREAM_URL = `http://127.0.0.1:${String(this.port)}`;
    const { hostname: host, port } = new URL(this.url);
    this.page = await preview({ build: { outDir }, preview: { host, port: Number(port), strictPort: true }, logLevel: "silent" });
  }
}

/** The server's process, with its data in a folder. */
function run(port: number, data: string, settings: Settings): ChildProcess {
  return spawn(binary(), ["serve"], {
    env: {
      PATH: process.env.PATH,
      HOME: data,
      MILLSTREAM_LISTEN: `127.0.0.1:${String(port)}`,
      MILLSTREAM_DATA_DIR: join(data, "data"),
      MILLSTREAM_EGRESS__ALLOW: "127.0.0.0/8",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Path and fragment of the link that the first start writes to the log. */
function firstLink(child: ChildProcess): Promise<string> {
  let log = "";
  return new Promise<string>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      log += chunk.toString();
      const link = /\/invitation#\S+?(?=['"\s]|$)/m.exec(log);
      if (link !== null && log.includes("\n", link.index)) resolve(link[0]);
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.on("exit", (code) => {
      reject(new Error(`the server ended with ${String(code)}: ${log}`));
    });
    setTimeout(() => {
      reject(new Error(`no link of a first start: ${log}`));
    }, PATIENCE_MILLISECONDS).unref();
  });
}

async function ready(url: string): Promise<void> {
  const until = Date.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const answered = await fetch(`${url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    if (Date.now() > until) throw new Error("the server isn't ready");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A request that a destination got. */
export interface Received {
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** A destination that keeps what it gets, and answers as it is told. */
export class Destination {
  readonly received: Received[] = [];
  status = 200;
  /** What it answers to a request, where that is something of its own. */
  answers: ((received: Received) => { status: number; body: object } | undefined) | undefined;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Destination> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const destination = new Destination(server, `http://127.0.0.1:${String(port)}`);
    server.on("request", (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const received = { path: request.url ?? "", headers: request.headers, body };
        destination.received.push(received);
        const own = destination.answers?.(received);
        response.writeHead(own?.status ?? destination.status, { "content-type": "application/json" });
        response.end(JSON.stringify(own?.body ?? { ok: destination.status < 300 }));
      });
    });
    return destination;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
