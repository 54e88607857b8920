import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { filesOf } from "./render.ts";

const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));
const SCRIPT = fileURLToPath(new URL("./guide.ts", import.meta.url));

/** Builds the user's guide of `docs/*.md`, to be served under `/docs`. */
export function guide(): Plugin {
  return {
    name: "guide",
    buildStart() {
      if (this.meta.watchMode || this.environment.mode !== "build") return;
      for (const file of readdirSync(DOCS)) this.addWatchFile(join(DOCS, file));
      this.emitFile({ type: "chunk", id: SCRIPT, name: "guide" });
    },
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const chunk = Object.values(bundle).find((each) => each.type === "chunk" && each.facadeModuleId === SCRIPT);
        if (chunk?.type !== "chunk") return;
        const styles = [...(chunk.viteMetadata?.importedCss ?? [])].map((name) => `/${name}`);
        const made = filesOf(DOCS, { scripts: [`/${chunk.fileName}`], styles });
        for (const [fileName, source] of made) this.emitFile({ type: "asset", fileName, source });
        const images = join(DOCS, "images");
        for (const file of readdirSync(images)) {
          this.emitFile({ type: "asset", fileName: `docs/images/${file}`, source: readFileSync(join(images, file)) });
        }
      },
    },
    /** What is built is looked at as the binary serves it. */
    configurePreviewServer(server) {
      server.middlewares.use((request, _, next) => {
        if (/^\/docs\/?(?:[?#].*)?$/.test(request.url ?? "")) request.url = "/docs/index.html";
        next();
      });
    },
    /** The sources' server renders each page as it is asked for. */
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = /^\/docs(?:\/([\w./-]*))?(?:[?#].*)?$/.exec(request.url ?? "");
        if (path === null) {
          next();
          return;
        }
        const name = path[1] === undefined || path[1] === "" ? "index" : path[1];
        if (name.startsWith("images/") && !name.includes("..")) {
          response.end(readFileSync(join(DOCS, name)));
          return;
        }
        const made = filesOf(DOCS, { scripts: ["/@vite/client", "/guide/guide.ts"], styles: [] });
        const found = made.get(`docs/${name}`) ?? made.get(`docs/${name}.html`);
        if (found === undefined) {
          next();
          return;
        }
        response.setHeader("content-type", name.endsWith(".json") ? "application/json" : "text/html; charset=utf-8");
        response.end(found);
      });
    },
  };
}
