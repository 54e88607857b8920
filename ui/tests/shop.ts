import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";

/** The SDK as its package brings it for pages without a bundler. */
function sdk(): string {
  const entry = createRequire(import.meta.url).resolve("@amplitude/analytics-browser");
  return readFileSync(join(dirname(dirname(entry)), "scripts", "amplitude-min.js"), "utf8");
}

/** A shop's page at an origin of its own, with Amplitude's browser SDK. */
export class Shop {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(serverUrl: string, apiKey: string): Promise<Shop> {
    const options = { serverUrl, defaultTracking: false, flushIntervalMillis: 100 };
    const page = `<!doctype html><title>Shop</title><button>Buy</button><p></p><script src="/sdk.js"></script><script>
      amplitude.init(${JSON.stringify(apiKey)}, "sdk@example.com", ${JSON.stringify(options)});
      amplitude.identify(new amplitude.Identify().set("plan", "pro"));
      document.querySelector("button").addEventListener("click", async () => {
        const { code } = await amplitude.track("Order Completed", { total: 42.5, currency: "EUR" }).promise;
        document.querySelector("p").textContent = "Sent: " + code;
      });
    </script>`;
    const server = createServer((request, response) => {
      const script = request.url === "/sdk.js";
      response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html; charset=utf-8" });
      response.end(script ? sdk() : page);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    // By its other name: requests go to another origin, as those of real pages do.
    return new Shop(server, `http://localhost:${String(port)}`);
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
