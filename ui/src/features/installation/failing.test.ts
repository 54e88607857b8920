import { expect, test } from "vitest";
import type { Schemas } from "@/api/client";
import { look, NAMED } from "./failing-query";

type Health = Schemas["ProjectHealth"];

const none: Health["counts"] = { healthy: 0, degraded: 0, failing: 0, paused: 0, misconfigured: 0, stalled: 0 };

function troubled(count: number, health: Health["troubled"][number]["health"], name: string): Health["troubled"] {
  return Array.from({ length: count }, (_, n) => ({ sync: `${name} ${String(n)}`, name: `${name} ${String(n)}`, health }));
}

test("syncs that can't deliver are counted over all projects, and the first of them named", async () => {
  const of: Record<string, Health> = {
    shop: { counts: { ...none, healthy: 500, paused: 7, misconfigured: 1 }, troubled: troubled(1, "misconfigured", "Wrong"), complete: true },
    // Those of which only some attempts fail deliver.
    app: { counts: { ...none, degraded: 2 }, troubled: troubled(2, "degraded", "Some"), complete: true },
    site: { counts: { ...none, failing: 40, stalled: 1, healthy: 3 }, troubled: [...troubled(1, "stalled", "Still"), ...troubled(7, "failing", "Down")], complete: false },
  };
  const found = await look(["shop", "app", "site"], async (project) => {
    // Answers come in any order.
    await new Promise((resolve) => setTimeout(resolve, project === "shop" ? 5 : 0));
    return of[project] ?? { counts: none, troubled: [], complete: true };
  });
  expect([found.failing, found.looked, found.more]).toEqual([42, 547, true]);
  expect(found.named.length).toBe(NAMED);
  expect(found.named.slice(0, 3)).toEqual([
    { project: "shop", sync: "Wrong 0", name: "Wrong 0" },
    { project: "site", sync: "Still 0", name: "Still 0" },
    { project: "site", sync: "Down 0", name: "Down 0" },
  ]);
});

test("a few projects are asked at a time", async () => {
  let [now, most] = [0, 0];
  const asked = await look(Array.from({ length: 40 }, (_, n) => String(n)), async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 1));
    now -= 1;
    return { counts: { ...none, healthy: 1 }, troubled: [], complete: true };
  });
  expect(asked.looked).toBe(40);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThan(10);
});
