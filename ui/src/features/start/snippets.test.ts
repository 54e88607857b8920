import { expect, test } from "vitest";
import { snippets } from "./snippets";

test("every way has the server's address and the project's key", () => {
  const ways = snippets("http://127.0.0.1:8080", "k3y");
  expect(ways.map((way) => way.id)).toEqual(["curl", "node", "browser", "python"]);
  for (const way of ways) {
    expect(way.code).toContain("http://127.0.0.1:8080/2/httpapi");
    expect(way.code).toContain('"k3y"');
  }
});
