#!/usr/bin/env python3
"""Measures reads of the control API with many organisations, on SQLite and on PostgreSQL.

Fills a store with organisations, each with projects, members and entries in the audit log, starts the
release binary on it, and asks for one page of everything. `README.md` beside this has the figures.
"""

import argparse
import http.client
import json
import os
import pwd
import random
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

# Each names a row by a number: digits are digits of an id too. Numbers that follow each other don't
# have ids that do, as in life.
SCATTERED = "({n} * 2654435761 % 4294967296)"
COUNT = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
# 2026-01-01, in microseconds.
START = 1_767_225_600_000_000
TARGET_MS = 20


def padded(number, digits):
    """SQL for a number with zeros before it, as both databases write it."""
    text = f"CAST({number} AS TEXT)"
    return f"substr('{'0' * digits}' || {text}, length({text}) + 1)"


def identifier(prefix, number):
    return f"'{prefix}_' || {padded(SCATTERED.format(n=number), 26)}"


def python_identifier(prefix, number):
    return f"{prefix}_{number * 2654435761 % 4294967296:026d}"


def statements(organisations, each, token_hash):
    """What fills the store: `each` projects, members and entries for each organisation."""
    of = f"(i / {each})"
    organisation, project = identifier("org", of), identifier("prj", "i")
    person = identifier("person", "i")
    many = COUNT.format(last=organisations * each - 1)
    few = COUNT.format(last=organisations - 1)
    yield few + f"""INSERT INTO organisations (id, name, version, created_at)
        SELECT {identifier("org", "i")}, 'Organisation ' || i, 1, {START} + i FROM n"""
    yield many + f"""INSERT INTO people (id, email, name, created_at)
        SELECT {person}, 'person' || i || '@example.com', 'Person ' || i, {START} + i FROM n"""
    yield many + f"""INSERT INTO memberships (organisation_id, person_id, role, created_at)
        SELECT {organisation}, {person}, CASE WHEN i % {each} = 0 THEN 'owner' ELSE 'member' END,
               {START} + i FROM n"""
    yield many + f"""INSERT INTO projects
        (id, organisation_id, name, throttle_http, throttle_batch, version, created_at)
        SELECT {project}, {organisation}, 'Project ' || i, 30, 1000, 1, {START} + i FROM n"""
    for kind, number in [("api", "i"), ("secret", "i + 1000000000")]:
        yield many + f"""INSERT INTO project_keys (kind, value, project_id, created_at)
            SELECT '{kind}', {padded(f"({number})", 32)}, {project}, {START} + i FROM n"""
    yield many + f"""INSERT INTO audit_log
        (id, organisation_id, at, actor_kind, actor_id, actor_name, address, request_id, action,
         target_id, target_name, after)
        SELECT {identifier("audit", "i")}, {organisation}, {START} + i, 'person', {person},
               'person' || i || '@example.com', '192.0.2.1', 'r', 'project.create', {project},
               'Project ' || i, '{{"name": "Project"}}' FROM n"""
    yield few + f"""INSERT INTO invitations
        (id, secret_hash, organisation_id, email, role, created_at, expires_at)
        SELECT {padded("i", 16)}, 'none', {identifier("org", "i")}, 'guest' || i || '@example.com',
               'viewer', {START} + i, {START} * 2 FROM n"""
    # One secret for all: their ids tell them apart.
    yield few + f"""INSERT INTO api_tokens (id, organisation_id, name, secret_hash, created_at)
        SELECT {padded("i", 16)}, {identifier("org", "i")}, 'Token ' || i, '{token_hash}', {START} + i
        FROM n"""
    yield "ANALYZE"


class Sqlite:
    name = "SQLite"

    def __init__(self, folder):
        self.path = folder / "data" / "control.db"
        self.url = ""

    def run(self, *sql):
        with sqlite3.connect(self.path, isolation_level=None) as database:
            database.execute("PRAGMA cache_size = -500000")
            database.execute("BEGIN")
            for statement in sql:
                database.execute(statement)
            database.execute("COMMIT")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def read(self, sql):
        with sqlite3.connect(self.path) as database:
            return database.execute(sql).fetchone()[0]

    def size(self):
        return self.path.stat().st_size

    def stop(self):
        pass


class Postgresql:
    name = "PostgreSQL"

    def __init__(self, folder):
        self.folder = folder / "postgresql"
        self.folder.mkdir()
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
        self.programs = found[-1] if found else Path(shutil.which("initdb")).parent
        self.user = None
        if os.getuid() == 0:
            # It refuses to run as root.
            self.user = "postgres"
            os.chown(self.folder, pwd.getpwnam("postgres").pw_uid, -1)
            os.chmod(folder, 0o755)
        data = self.folder / "data"
        self.program("initdb", "-D", data, "-U", "millstream", "-A", "trust", "--no-locale", "-E", "UTF8")
        options = f"-k {self.folder} -c listen_addresses= -c max_wal_size=4GB"
        self.program("pg_ctl", "-D", data, "-o", options, "-w", "-l", self.folder / "log", "start")
        self.program("createdb", "-h", self.folder, "-U", "millstream", "millstream")
        self.url = f"postgres://millstream@localhost/millstream?host={self.folder}"

    def program(self, name, *arguments, text=None):
        command = [str(self.programs / name), *map(str, arguments)]
        done = subprocess.run(
            command, user=self.user, input=text, text=True, cwd="/", capture_output=True
        )
        if done.returncode != 0:
            raise SystemExit(f"{name}: {done.stderr}")
        return done.stdout

    def psql(self, text):
        options = ["-h", self.folder, "-U", "millstream", "-qAtX", "-v", "ON_ERROR_STOP=1", "millstream"]
        return self.program("psql", *options, text=text)

    def run(self, *sql):
        self.psql(";\n".join(sql) + ";\nCHECKPOINT;")

    def read(self, sql):
        return self.psql(sql + ";").strip()

    def size(self):
        return int(self.read("SELECT pg_database_size('millstream')"))

    def stop(self):
        self.program("pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", "stop")


class Server:
    """The release binary, on a port that was free."""

    def __init__(self, binary, folder, database):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.data = folder / "data"
        config = folder / "millstream.toml"
        config.write_text(
            f'data_dir = "{self.data}"\nlisten = "127.0.0.1:{self.port}"\n'
            f'[access]\nrequests_per_second = 0\n[store]\ndatabase = "{database.url}"\n'
        )
        self.log = open(folder / "log", "a")
        began = time.monotonic()
        self.process = subprocess.Popen(
            [binary, "serve", "--config", config], stdout=self.log, stderr=self.log
        )
        while not self.is_ready():
            if self.process.poll() is not None:
                raise SystemExit((folder / "log").read_text())
            time.sleep(0.01)
        self.start_seconds = time.monotonic() - began

    def is_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def memory(self, what="VmRSS"):
        """In MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(what))
        return int(line.split()[1]) / 1024

    def admin_token(self):
        return (self.data / "admin-token").read_text().strip()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Reads:
    """One connection that reads as somebody."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path, token):
        headers = {"authorization": f"Bearer {token}"}
        began = time.perf_counter()
        self.connection.request("GET", "/api/v1" + path, headers=headers)
        answer = self.connection.getresponse()
        body = answer.read()
        milliseconds = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body.decode()}")
        return milliseconds, body

    def post(self, path, token, body):
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self.connection.request("POST", "/api/v1" + path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        made = json.loads(answer.read())
        if answer.status >= 300:
            raise SystemExit(f"{path}: {answer.status} {made}")
        return made


def pages(options):
    """Each kind of page: its name, and its path for an organisation by number."""
    each = options.each

    def of(rest):
        return lambda n: f"/organisations/{python_identifier('org', n)}{rest}"

    def project(rest):
        return lambda n: f"/projects/{python_identifier('prj', n * each + n % each)}{rest}"

    def person(n):
        return of(f"/members/{python_identifier('person', n * each + n % each)}")(n)

    return [
        ("organisation", of("")),
        ("members", of("/members")),
        ("a member", person),
        ("invitations", of("/invitations")),
        ("tokens", of("/tokens")),
        ("audit log", of("/audit")),
        ("audit log, an action", of("/audit?action=project")),
        ("projects", of("/projects")),
        ("a project", project("")),
        ("syncs of a project", project("/syncs")),
        ("own organisations", lambda n: "/me/organisations"),
    ]


def measure(server, options):
    """Quantiles of each kind of page, in milliseconds."""
    chosen = random.Random(1)
    secret = server.admin_token().rsplit("_", 1)[1]
    tasks = []
    for name, path in pages(options):
        for _ in range(options.reads):
            n = chosen.randrange(options.organisations)
            tasks.append((name, path(n), f"mst_{n:016d}_{secret}"))
    # A few projects have syncs.
    reads, syncs = Reads(server.port), []
    for n in range(20):
        token, project = f"mst_{n:016d}_{secret}", python_identifier("prj", n * options.each)
        for number in range(20):
            body = {"name": f"Sync {number}", "url": "http://example.com/"}
            made = reads.post(f"/projects/{project}/syncs", token, body)
            syncs.append((f"/projects/{project}/syncs", made["id"], token))
    for _ in range(options.reads):
        path, sync, token = chosen.choice(syncs)
        tasks.append(("20 syncs", path, token))
        for name in ["", "/status", "/retries", "/ended"]:
            tasks.append((f"a sync{name}", f"{path}/{sync}{name}", token))
    # The installation's own pages: those in the middle are as near as the first.
    admin = server.admin_token()
    for kind in ["organisations", "people", "audit", "outbox"]:
        path, walked = f"/installation/{kind}?limit=200", []
        page = path
        for _ in range(20):
            walked.append(page)
            following = json.loads(reads.get(page, admin)[1]).get("next")
            if not following:
                break
            page = f"{path}&cursor={following}"
        for _ in range(options.reads):
            tasks.append((f"installation: {kind}, 200", chosen.choice(walked), admin))
    for _ in range(options.reads):
        tasks.append(("installation: secrets", "/installation/secrets", admin))
    chosen.shuffle(tasks)

    samples, lock = {}, threading.Lock()

    def work(part):
        reads = Reads(server.port)
        taken = [(name, reads.get(path, token)[0]) for name, path, token in part]
        with lock:
            for name, milliseconds in taken:
                samples.setdefault(name, []).append(milliseconds)

    threads = [threading.Thread(target=work, args=(tasks[n :: options.connections],))
               for n in range(options.connections)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(tasks) / (time.monotonic() - began)
    return {name: quantiles(taken) for name, taken in sorted(samples.items())}, rate


def quantiles(samples):
    samples.sort()
    at = lambda q: round(samples[min(len(samples) - 1, int(len(samples) * q))], 2)
    return {"p50": at(0.5), "p99": at(0.99), "max": round(samples[-1], 2)}


def run(kind, options):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        database = kind(folder)
        try:
            server = Server(options.binary, folder, database)
            empty = server.memory()
            server.stop()
            token_hash = database.read("SELECT secret_hash FROM api_tokens")
            began = time.monotonic()
            database.run(*statements(options.organisations, options.each, token_hash))
            print(f"{kind.name}: filled in {time.monotonic() - began:.0f} s", flush=True)
            server = Server(options.binary, folder, database)
            started = server.memory()
            figures, rate = measure(server, options)
            result = {
                "database": kind.name,
                "organisations": options.organisations,
                "projects_and_members_each": options.each,
                "database_mib": round(database.size() / 2**20),
                "start_seconds": round(server.start_seconds, 2),
                "memory_mib": {
                    "empty": round(empty),
                    "after_start": round(started),
                    "after_reads": round(server.memory()),
                    "peak": round(server.memory("VmHWM")),
                },
                "connections": options.connections,
                "reads_per_second": round(rate),
                "milliseconds": figures,
            }
            server.stop()
            return result
        finally:
            database.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--binary", default=root / "target/release/millstream", type=Path)
    parser.add_argument("--organisations", default=10_000, type=int)
    parser.add_argument("--each", default=100, type=int, help="projects and members of each")
    parser.add_argument("--reads", default=1_000, type=int, help="of each kind of page")
    parser.add_argument("--connections", default=2, type=int)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--output", default=root / "bench/control_plane.json", type=Path)
    options = parser.parse_args()
    kinds = {"sqlite": Sqlite, "postgresql": Postgresql}
    results = [run(kind, options) for name, kind in kinds.items() if options.only in (None, name)]
    options.output.write_text(json.dumps(results, indent=2) + "\n")
    for result in results:
        memory = result["memory_mib"]
        print(f"\n{result['database']}, {result['database_mib']} MiB: started in "
              f"{result['start_seconds']} s, {result['reads_per_second']} reads/s over "
              f"{result['connections']} connections, memory {memory}")
        print(f"  {'one page of':32} {'p50':>7} {'p99':>7} {'max':>7} ms")
        for name, figures in result["milliseconds"].items():
            missed = "" if figures["p99"] < TARGET_MS else "  missed: 20 ms"
            print(f"  {name:32} {figures['p50']:7} {figures['p99']:7} {figures['max']:7}{missed}")


if __name__ == "__main__":
    main()
