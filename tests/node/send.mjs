// Has the unmodified Node SDK send what it is told.
//
//     node send.mjs SERVER_URL API_KEY '{"user_id": …, "set": {…}, "track": [{"event_type", "event_properties", "time"}]}'
//
// Prints one JSON line for each event, with the code that the SDK got for it.

import { Identify, createInstance } from '@amplitude/analytics-node';

const [serverUrl, apiKey, told] = process.argv.slice(2);
const { user_id, set, track } = JSON.parse(told);
const client = createInstance();
await client.init(apiKey, {
  serverUrl: serverUrl + '/2/httpapi', flushIntervalMillis: 100,
}).promise;

const identify = new Identify();
for (const [name, value] of Object.entries(set)) identify.set(name, value);
const answers = [client.identify(identify, { user_id }).promise];
for (const { event_type, event_properties, time } of track) {
  answers.push(client.track(event_type, event_properties, { user_id, time }).promise);
}

await client.flush().promise;
for (const { event, code, message } of await Promise.all(answers)) {
  console.log(JSON.stringify({ type: event.event_type, code, message }));
}
