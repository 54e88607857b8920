import { expect, test } from "vitest";
import type { Sync, SyncStatus } from "@/features/syncs/queries";
import { look, MOST } from "./failing-query";

async function* syncs(count: number): AsyncGenerator<Sync> {
  for (let n = 0; n < count; n += 1) yield { id: String(n) } as Sync;
}

/** Every hundredth can't deliver. */
const statusOf = ({ id }: Sync) => Promise.resolve({ health: Number(id) % 100 === 99 ? "failing" : "healthy" } as SyncStatus);

test("every enabled sync is looked at, as far as there is a bound", async () => {
  const few = await look(syncs(450), statusOf);
  expect(few).toMatchObject({ looked: 450, more: false });
  expect(few.failing.map(({ sync }) => sync.id).sort()).toEqual(["199", "299", "399", "99"]);
  const many = await look(syncs(MOST + 10), statusOf);
  expect(many).toMatchObject({ looked: MOST, more: true });
  expect(await look(syncs(MOST), statusOf)).toMatchObject({ looked: MOST, more: false });
  expect(await look(syncs(0), statusOf)).toMatchObject({ looked: 0, more: false });
});

test("a few are asked at a time", async () => {
  let [now, most] = [0, 0];
  await look(syncs(100), async (sync) => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 1));
    now -= 1;
    return statusOf(sync);
  });
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThan(10);
});
