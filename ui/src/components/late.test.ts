import { expect, test } from "vitest";
import { patiently } from "./late";

test("a part isn't asked for before the server answers", async () => {
  let [loaded, looked] = [0, 0];
  const load = () => {
    loaded += 1;
    return Promise.resolve(looked);
  };
  const isThere = () => {
    expect(loaded).toBe(0);
    looked += 1;
    return Promise.resolve(looked === 5);
  };
  expect(await patiently(load, isThere, 0)).toBe(5);
  expect(loaded).toBe(1);
});
