import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { addresses, OUTSIDE } from "./addresses";

interface Route {
  name: string;
  parent: string;
  path: string;
  /** Whether there is something to see, rather than a way to elsewhere. */
  shows: boolean;
}

/** All routes as the router's source has them: to be run it would need a browser. */
function routes(): Route[] {
  const source = readFileSync(fileURLToPath(new URL("../src/app/router.tsx", import.meta.url)), "utf8");
  const made = [...source.matchAll(/^const (\w+) = createRoute\(\{(.*?)\}\);$/gms)].map(([, name = "", body = ""]) => {
    const parent = /getParentRoute: \(\) => (\w+)/.exec(body)?.[1] ?? "";
    return { name, parent, path: /\bpath: "([^"]*)"/.exec(body)?.[1] ?? "", shows: /\bcomponent:/.test(body) };
  });
  expect(made.length, "each is read").toBe(source.match(/= createRoute\(/g)?.length);
  return made;
}

/** The whole path of a route, such as `/p/$project/syncs`. */
function whole(route: Route, all: Route[]): string {
  const parent = all.find(({ name }) => name === route.parent);
  const before = parent === undefined ? "" : whole(parent, all);
  return `${before}${route.path}`.replaceAll(/\/+/g, "/");
}

test("each route is among the pages that are examined in every look", () => {
  const all = routes();
  const ids = { organisation: "org", project: "prj", apiKey: "key", sync: "sync", failing: "failing", held: "held", draft: "draft", definition: "dst" };
  const listed = [...Object.values(addresses(ids, { changed: "changed", returned: "returned" }, "empty")), ...OUTSIDE];
  const paths = listed.map((address) => new URL(address, "http://page").pathname.replace(/(.)\/$/, "$1"));
  const pages = all.filter(({ name, shows }) => shows && !all.some(({ parent }) => parent === name));
  expect(pages.length).toBeGreaterThan(35);
  const missing = pages
    .map((route) => whole(route, all).replace(/(.)\/$/, "$1"))
    .filter((path) => {
      const pattern = new RegExp(`^${path.replaceAll(/\$\w+/g, "[^/]+")}$`);
      return !paths.some((each) => pattern.test(each));
    });
  expect(missing).toEqual([]);
});
