#!/usr/bin/env python3
"""Measures the Integration Portal on the embedded store: 10,000 definitions that everyone can connect,
and 10,000 syncs that run. Asks for pages of the catalog and of syncs, searches, and changes a running
sync, which reloads its lane; and asks what an edit means for 10,000 stored events. `README.md` beside
this has the figures.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

from control_plane import COUNT, START, Reads, Server, Sqlite, identifier, padded, python_identifier, quantiles

TARGET_MS = 50
DIFFERENCE = "an edit's difference over {} stored events"
DIFFERENCE_TARGET_MS = 2000
WORDS = ["mail", "push", "chat", "crm", "queue", "lake", "audience", "survey", "voice", "form"]


def example(name):
    return {
        "display_name": name,
        "about": {"category": "messaging", "summary": "Sends mail.", "description": "x" * 2000},
        "parameters": [
            {"name": "endpoint", "display_name": "API Endpoint", "kind": "url", "required": True},
            {"name": "key", "display_name": "REST API Key", "kind": "text", "required": True},
        ],
        "mappings": [{"name": "external_id", "required": True}],
        "events": {
            "url": "${parameters.endpoint}/events",
            "headers": [{"name": "Authorization", "value": "Bearer ${parameters.key}"}],
            "body": '{"external_id": "${mappedFields.external_id?json_string}",'
                    ' "name": "${input.event_type?json_string}"}',
        },
    }


class Writes(Reads):
    def send(self, method, path, token, body=None):
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json",
                   "if-match": "*"}
        text = None if body is None else json.dumps(body)
        began = time.perf_counter()
        self.connection.request(method, "/api/v1" + path, text, headers)
        answer = self.connection.getresponse()
        made = json.loads(answer.read() or b"null")
        milliseconds = (time.perf_counter() - began) * 1000
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {made}")
        return milliseconds, made


def first_of_each(server):
    """One definition that was approved, and a project with a sync of it that runs."""
    api, token = Writes(server.port), server.admin_token()
    organisation = api.send("GET", "/me/organisations", token)[1]["items"][0]["id"]
    definitions = f"/organisations/{organisation}/definitions"
    definition = api.send("POST", definitions, token, example("Tool"))[1]["id"]
    api.send("POST", f"{definitions}/{definition}/release", token)
    api.send("POST", f"{definitions}/{definition}/versions/1/submit", token)
    review = f"/installation/reviews/{definition}/versions/1/decision"
    api.send("POST", review, token, {"decision": "approve"})
    projects = f"/organisations/{organisation}/projects"
    project = api.send("POST", projects, token, {"name": "Shop"})[1]
    project = project.get("id") or project["project"]["id"]
    sync = api.send("POST", f"/projects/{project}/syncs", token, {
        "name": "Sync", "enabled": True, "definition": {"id": definition},
        "parameters": {"endpoint": {"value": "https://example.com"}, "key": {"value": "k"}},
        "mappings": {"external_id": {"scope": "field", "name": "user_id"}},
    })[1]["id"]
    return organisation, definition, project, sync


def statements(made, options):
    """What makes many of them."""
    organisation, definition, project, sync = made
    few = COUNT.format(last=options.definitions // 100 - 1)
    definitions = COUNT.format(last=options.definitions - 1)
    syncs = COUNT.format(last=options.syncs - 1)
    new, owner = identifier("dst", "i"), identifier("org", "(i / 100)")
    word = "CASE i % 10 " + " ".join(f"WHEN {n} THEN '{w}'" for n, w in enumerate(WORDS)) + " END"
    name = f"{word} || ' tool ' || i"
    content = f"replace(replace({{0}}, '{definition}', {new}), '\"Tool\"', '\"' || {name} || '\"')"
    yield few + f"""INSERT INTO organisations (id, name, version, created_at)
        SELECT {identifier("org", "i")}, 'Organisation ' || i, 1, {START} + i FROM n"""
    yield definitions + f"""INSERT INTO definitions
        (id, organisation_id, draft, outline, newest, approved, listing, revision, created_at, updated_at)
        SELECT {new}, {owner}, {content.format("d.draft")}, {content.format("d.outline")}, 1, 1, 'listed', 1, {START} + i, {START} + i
        FROM n, definitions d WHERE d.id = '{definition}'"""
    yield definitions + f"""INSERT INTO definition_names (name, definition_id)
        SELECT {name}, {new} FROM n"""
    yield definitions + f"""INSERT INTO definition_versions
        (definition_id, version, content, outline, name, searched, category, state, released_by, released_at,
         submitted_by, submitted_at)
        SELECT {new}, 1, {content.format("v.content")}, {content.format("v.outline")}, {name}, {name} || ' sends mail.', v.category,
               'approved', 'x', {START}, 'x', {START}
        FROM n, definition_versions v WHERE v.definition_id = '{definition}'"""
    yield COUNT.format(last=options.syncs // 100 - 1) + f"""INSERT INTO projects
        (id, organisation_id, name, throttle_http, throttle_batch, version, created_at)
        SELECT {identifier("prj", "i")}, '{organisation}', 'Project ' || i, 30, 1000, 1, {START} + i FROM n"""
    for kind, number in [("api", "i"), ("secret", "i + 1000000000")]:
        yield COUNT.format(last=options.syncs // 100 - 1) + f"""INSERT INTO project_keys
            (kind, value, project_id, created_at)
            SELECT '{kind}', {padded(f"({number})", 32)}, {identifier("prj", "i")}, {START} + i FROM n"""
    yield syncs + f"""INSERT INTO syncs
        (id, project_id, definition_id, definition_version, name, enabled, settings, secrets, version,
         created_at, updated_at)
        SELECT {identifier("sync", "i")}, {identifier("prj", "(i / 100)")},
               {identifier("dst", f"(i % {options.definitions})")}, 1, 'Sync ' || i, 1, s.settings, NULL, 1,
               {START} + i, {START} + i
        FROM n, syncs s WHERE s.id = '{sync}'"""
    yield "ANALYZE"


def stored(server, made, options):
    """A sync of a project that has events: it is disabled, so that none is sent from here."""
    organisation, definition = made[:2]
    api, token = Writes(server.port), server.admin_token()
    project = api.send("POST", f"/organisations/{organisation}/projects", token, {"name": "With events"})[1]
    project = project["project"]
    sync = api.send("POST", f"/projects/{project['id']}/syncs", token, {
        "name": "Sync", "enabled": False, "definition": {"id": definition},
        "parameters": {"endpoint": {"value": "https://example.com"}, "key": {"value": "k"}},
        "mappings": {"external_id": {"scope": "field", "name": "user_id"}},
        "properties": [{"scope": "event", "name": "price"}, {"scope": "event", "name": "text"}],
    })[1]["id"]
    sample = random.Random(2)
    for first in range(0, options.events, 1000):
        events = [{
            "event_type": f"Event {sample.randrange(20)}", "user_id": f"user-{number % 997}",
            "insert_id": f"event-{number}",
            "event_properties": {"price": number / 100, "text": "x" * 400, "tags": ["a", "b", "c"]},
            "user_properties": {"plan": "free", "email": f"user-{number % 997}@example.com"},
        } for number in range(first, min(first + 1000, options.events))]
        body = json.dumps({"api_key": project["api_key"], "events": events})
        api.connection.request("POST", "/batch", body, {"content-type": "application/json"})
        answer = api.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"/batch: {answer.status} {text}")
    return f"/projects/{project['id']}/syncs/{sync}"


def difference(server, sync, options):
    """Quantiles of an edit's difference, in milliseconds: all events change, half of them are filtered."""
    api, token, samples = Writes(server.port), server.admin_token(), []
    types = [{"event_type": f"Event {number}"} for number in range(10)]
    changes = {"typed_properties": True, "events": {"select": {"types": types}}}
    for _ in range(options.differences):
        body = {"changes": changes, "events": options.events}
        milliseconds, found = api.send("POST", sync + "/difference", token, body)
        if found["events"] != options.events:
            raise SystemExit(f"only {found['events']} events were looked at")
        samples.append(milliseconds)
    return quantiles(samples)


def measure(server, made, options):
    """Quantiles of each kind of request, in milliseconds."""
    organisation = made[0]
    chosen, api, token = random.Random(1), Writes(server.port), server.admin_token()
    catalog, samples = f"/organisations/{organisation}/catalog", {}

    def note(kind, method, path, body=None):
        milliseconds, answer = api.send(method, path, token, body)
        samples.setdefault(kind, []).append(milliseconds)
        return answer

    page, cursors = catalog + "?limit=50", [""]
    for _ in range(50):
        following = api.send("GET", page, token)[1]["next"]
        if not following:
            break
        cursors.append(f"&cursor={following}")
        page = f"{catalog}?limit=50&cursor={following}"
    for _ in range(options.reads):
        note("catalog, 50 tiles", "GET", f"{catalog}?limit=50{chosen.choice(cursors)}")
        note("catalog, search", "GET", f"{catalog}?text={chosen.choice(WORDS)}%20tool%20{chosen.randrange(100)}")
        n = chosen.randrange(options.definitions)
        note("a destination", "GET", f"{catalog}/{python_identifier('dst', n)}")
        n = chosen.randrange(options.syncs)
        project = python_identifier("prj", n // 100)
        sync = f"/projects/{project}/syncs/{python_identifier('sync', n)}"
        note("syncs of a project, 50", "GET", f"/projects/{project}/syncs?limit=50")
        note("a sync", "GET", sync)
        note("change of a sync, its lane reloaded", "PATCH", sync, {"name": f"Renamed {chosen.randrange(10**9)}"})
    return {kind: quantiles(taken) for kind, taken in samples.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--binary", default=root / "target/release/millstream", type=Path)
    parser.add_argument("--definitions", default=10_000, type=int)
    parser.add_argument("--syncs", default=10_000, type=int)
    parser.add_argument("--reads", default=500, type=int, help="of each kind")
    parser.add_argument("--events", default=10_000, type=int)
    parser.add_argument("--differences", default=20, type=int, help="how often an edit's difference is asked for")
    parser.add_argument("--output", default=root / "bench/portal.json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Sqlite(Path(folder))
        server = Server(options.binary, Path(folder), database)
        made = first_of_each(server)
        server.stop()
        database.run(*statements(made, options))
        server = Server(options.binary, Path(folder), database)
        figures = measure(server, made, options)
        figures[DIFFERENCE.format(options.events)] = difference(server, stored(server, made, options), options)
        result = {
            "definitions": options.definitions,
            "syncs": options.syncs,
            "database_mib": round(database.size() / 2**20),
            "start_seconds": round(server.start_seconds, 2),
            "memory_mib": {"now": round(server.memory()), "peak": round(server.memory("VmHWM"))},
            "milliseconds": figures,
        }
        server.stop()
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{options.definitions} definitions and {options.syncs} running syncs, "
          f"{result['database_mib']} MiB: started in {result['start_seconds']} s, "
          f"memory {result['memory_mib']} MiB")
    print(f"  {'':40} {'p50':>7} {'p99':>7} {'max':>7} ms")
    for kind, taken in figures.items():
        target = DIFFERENCE_TARGET_MS if kind == DIFFERENCE.format(options.events) else TARGET_MS
        missed = "" if taken["p99"] < target else f"  missed: {target} ms"
        print(f"  {kind:40} {taken['p50']:7} {taken['p99']:7} {taken['max']:7}{missed}")


if __name__ == "__main__":
    main()
