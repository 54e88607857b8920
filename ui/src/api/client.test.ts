import { afterEach, expect, test, vi } from "vitest";
import { isUnreached } from "@/components/reach";
import { api, take } from "./client";

afterEach(() => {
  vi.unstubAllGlobals();
});

const created = (key: string) =>
  take(
    api.POST("/api/v1/organisations/{organisation}/projects", {
      baseUrl: "http://127.0.0.1",
      params: { path: { organisation: "org_1" }, header: { "idempotency-key": key } },
      body: { name: "Shop" },
    }),
  ).catch((error: unknown) => error);

test("a request that can't be made is no server that is away", async () => {
  const sent = vi.fn();
  vi.stubGlobal("fetch", sent);
  const error = await created("Shop – production");
  expect(error).toBeInstanceOf(Error);
  expect(isUnreached(error)).toBe(false);
  expect(sent).not.toHaveBeenCalled();
});

test("a connection that fails is", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  expect(isUnreached(await created("one"))).toBe(true);
});
