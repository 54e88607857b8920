import { expect, test } from "vitest";
import { besideItsState } from "./summary";

test("what the state says isn't said once more", () => {
  expect(besideItsState("delivered at 5:52:38 PM at attempt 1 in 5 ms, status 200")).toBe("at 5:52:38 PM, attempt 1, 5 ms, status 200");
  expect(besideItsState("filtered: its event type is not selected")).toBe("its event type is not selected");
  expect(besideItsState("discarded at 5:52 PM: the body is not valid JSON")).toBe("at 5:52 PM: the body is not valid JSON");
  expect(besideItsState("expired at 5:52 PM: tried 10 times, the last time: no connection")).toBe("at 5:52 PM: tried 10 times, the last time: no connection");
  expect(besideItsState("3 earlier events come first")).toBe("3 earlier events come first");
});
