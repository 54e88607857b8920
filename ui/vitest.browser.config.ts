import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The tests that drive a browser against the real server; see `tests/`. */
export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: {
    include: ["tests/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // A browser on a loaded machine may be late once. What had to be done again is told in the report.
    retry: 1,
    // Each file has a server and a browser of its own; more than cores would only slow each other down.
    maxWorkers: Number(process.env.WORKERS ?? Math.max(1, Math.min(4, availableParallelism()))),
  },
});
