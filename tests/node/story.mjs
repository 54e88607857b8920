// Tells the story that the tests expect, with the unmodified Node SDK.
//
//     node story.mjs SERVER_URL API_KEY [http|batch]
//
// Prints one JSON line for each event, with the code that the SDK got for it.

import { Identify, Revenue, createInstance } from '@amplitude/analytics-node';

const [serverUrl, apiKey, endpoint = 'http'] = process.argv.slice(2);
const client = createInstance();
const path = { http: '/2/httpapi', batch: '/batch' }[endpoint];
await client.init(apiKey, { serverUrl: serverUrl + path, useBatch: endpoint === 'batch' }).promise;

const shopper = { user_id: 'shopper-1', device_id: 'device-1' };
const leaver = { user_id: 'leaver-1', device_id: 'device-2' };
const answers = [];
const tell = (returned) => answers.push(returned.promise);

tell(client.identify(
  new Identify()
    .set('plan', 'free').set('email', 'shopper@example.com').setOnce('first_seen', '2024-01-01')
    .add('visits', 1).append('tags', 'a').prepend('queue', 'q1')
    .postInsert('seen', 'x').preInsert('front', 'f1'),
  shopper));

tell(client.track(
  'Page Viewed',
  { path: '/pricing', from: '“search”' },
  { platform: 'Web', app_version: '1.2.3', language: 'en-US', ...shopper }));

tell(client.identify(
  new Identify()
    .set('plan', 'pro').setOnce('first_seen', '2025-01-01').add('visits', 2)
    .append('tags', 'b').prepend('queue', 'q2')
    .postInsert('seen', ['x', 'y']).preInsert('front', ['f0', 'f1']),
  shopper));

tell(client.identify(new Identify().remove('tags', 'a').unset('queue'), shopper));

tell(client.groupIdentify(
  'org', 'acme', new Identify().set('seats', 5).setOnce('since', '2020').add('projects', 2)));
tell(client.setGroup('org', 'acme', shopper));

tell(client.revenue(
  new Revenue().setPrice(9.5).setQuantity(2).setProductId('sku-1').setRevenueType('purchase'),
  shopper));

tell(client.track('Order Completed', { total: 19.0 }, shopper));

tell(client.identify(new Identify().set('mood', 'good'), leaver));
tell(client.identify(new Identify().clearAll(), leaver));
tell(client.track('Left', undefined, leaver));

await client.flush().promise;
for (const { event, code, message } of await Promise.all(answers)) {
  console.log(JSON.stringify({ type: event.event_type, code, message }));
}
