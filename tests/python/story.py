"""Tells the story that the tests expect, with the unmodified Python SDK.

    story.py SERVER_URL API_KEY [http|batch]

Prints one JSON line for each event, with the code that the SDK got for it.
"""

import json
import sys

from amplitude import Amplitude, BaseEvent, Config, EventOptions, Identify, Revenue

server_url, api_key, endpoint = (sys.argv[1:] + ["http"])[:3]


def answered(event, code, message):
    print(json.dumps({"type": event.event_type, "code": code, "message": message}), flush=True)


path = {"http": "/2/httpapi", "batch": "/batch"}[endpoint]
config = Config(server_url=server_url + path, use_batch=endpoint == "batch", callback=answered)
client = Amplitude(api_key, config)
shopper = {"user_id": "shopper-1", "device_id": "device-1"}
leaver = {"user_id": "leaver-1", "device_id": "device-2"}

first = Identify()
first.set("plan", "free").set("email", "shopper@example.com").set_once("first_seen", "2024-01-01")
first.add("visits", 1).append("tags", "a").prepend("queue", "q1")
first.post_insert("seen", "x").pre_insert("front", "f1")
client.identify(first, EventOptions(**shopper))

client.track(BaseEvent(
    "Page Viewed",
    event_properties={"path": "/pricing", "from": "“search”"},
    platform="Web", app_version="1.2.3", language="en-US", **shopper))

second = Identify()
second.set("plan", "pro").set_once("first_seen", "2025-01-01").add("visits", 2)
second.append("tags", "b").prepend("queue", "q2")
second.post_insert("seen", ["x", "y"]).pre_insert("front", ["f0", "f1"])
client.identify(second, EventOptions(**shopper))

third = Identify()
third.remove("tags", "a").unset("queue")
client.identify(third, EventOptions(**shopper))

organisation = Identify()
organisation.set("seats", 5).set_once("since", "2020").add("projects", 2)
client.group_identify("org", "acme", organisation)
client.set_group("org", "acme", EventOptions(**shopper))

client.revenue(
    Revenue(price=9.5, quantity=2, product_id="sku-1", revenue_type="purchase"),
    EventOptions(**shopper))

client.track(BaseEvent("Order Completed", event_properties={"total": 19.0}, **shopper))

client.identify(Identify().set("mood", "good"), EventOptions(**leaver))
gone = Identify()
gone.clear_all()
client.identify(gone, EventOptions(**leaver))
client.track(BaseEvent("Left", **leaver))

client.flush()
client.shutdown()
