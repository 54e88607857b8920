/** A way to send an event. */
export interface Snippet {
  id: string;
  name: string;
  /** What to do before, if anything. */
  install: string | null;
  code: string;
}

/** The same event by every way, with the real address and key. */
export function snippets(origin: string, apiKey: string): Snippet[] {
  const endpoint = `${origin}/2/httpapi`;
  const key = JSON.stringify(apiKey);
  return [
    {
      id: "curl",
      name: "curl",
      install: null,
      code: `curl ${endpoint} \\
  -H 'Content-Type: application/json' \\
  -d '{
    "api_key": ${key},
    "events": [{
      "event_type": "Order Completed",
      "user_id": "ann@example.com",
      "event_properties": {"total": 42.5, "currency": "EUR"},
      "user_properties": {"plan": "pro"}
    }]
  }'`,
    },
    {
      id: "node",
      name: "Node.js",
      install: "npm install @amplitude/analytics-node",
      code: `import { flush, init, track } from "@amplitude/analytics-node";

init(${key}, { serverUrl: "${endpoint}" });
track("Order Completed", { total: 42.5, currency: "EUR" }, { user_id: "ann@example.com" });
await flush().promise;`,
    },
    {
      id: "browser",
      name: "Browser",
      install: "npm install @amplitude/analytics-browser",
      code: `import { init, track } from "@amplitude/analytics-browser";

init(${key}, "ann@example.com", { serverUrl: "${endpoint}" });
track("Order Completed", { total: 42.5, currency: "EUR" });`,
    },
    {
      id: "python",
      name: "Python",
      install: "pip install amplitude-analytics",
      code: `from amplitude import Amplitude, BaseEvent

client = Amplitude(${key})
client.configuration.server_url = "${endpoint}"
client.track(BaseEvent(event_type="Order Completed", user_id="ann@example.com",
                       event_properties={"total": 42.5, "currency": "EUR"}))
client.flush()`,
    },
  ];
}
